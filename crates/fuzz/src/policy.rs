//! Policy bundles, which people propose as files.

use placet_domain::bundle::Bundle;
use placet_policy::{Policies, run_fixtures, shipped};

/// The shipped bundle with this in the place of one file.
fn with(path: &str, bytes: &[u8]) -> Option<Bundle> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut bundle = shipped();
    bundle.files.insert(path.to_owned(), text.to_owned());
    Some(bundle)
}

/// A bundle is taken or has problems that name a place; the shipped rules are never weakened by being
/// unreadable.
pub fn policy(bytes: &[u8]) {
    let Some(bundle) = with("policies/approve.cedar", bytes) else { return };
    match Policies::load(&bundle) {
        Ok(policies) => assert_eq!(Some(policies.bundle()), bundle.digest().ok()),
        Err(problems) => assert!(!problems.is_empty(), "refused for nothing"),
    }
}

pub fn fixture(bytes: &[u8]) {
    let Some(bundle) = with("tests/routes.toml", bytes) else { return };
    if let Err(problems) = run_fixtures(&bundle) {
        assert!(!problems.is_empty(), "refused for nothing");
    }
}
