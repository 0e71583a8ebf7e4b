//! Files that stand on targets, which anybody there may have written, and the halves that receivers
//! hand in.

use placet_connectors::group_file::text as groups;
use placet_connectors::half::{self, Submitted};
use placet_connectors::ssh_ca::krl::Krl;
use placet_connectors::token_file::text as tokens;
use placet_domain::grant::Half;
use placet_domain::id::GrantId;
use placet_domain::observation::Binding;

const CA: &[u8] = b"the public key of a CA";

fn grant() -> GrantId {
    "grt_00000000000000000000000000000400".parse().expect("an id")
}

/// Giving and taking a membership touches nothing else, and leaves no trace.
pub fn group_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (before, _) = groups::bindings(text);
    let binding = Binding {
        native: "deployers".parse().expect("a native id"),
        account: "ines".parse().expect("an account"),
    };
    let given = groups::with(text, &binding);
    let holds = given.as_deref().unwrap_or(text);
    let mut expected = before.clone();
    expected.insert(binding.clone());
    assert_eq!(groups::bindings(holds).0, expected, "giving changes something else");
    let taken = groups::without(holds, &binding);
    expected.remove(&binding);
    let left = groups::bindings(taken.as_deref().unwrap_or(holds)).0;
    assert_eq!(left, expected, "taking changes something else");
}

/// A grant has one token, and giving or taking it leaves every other line as it is.
pub fn token_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (lines, _) = tokens::lines(text);
    for line in lines.iter().take(8) {
        let given = tokens::with(text, line).unwrap_or_else(|| text.to_owned());
        assert_eq!(tokens::with(&given, line), None, "what stands there is not written again");
        let of = |text: &str| -> (Vec<_>, Vec<_>) {
            tokens::lines(text).0.into_iter().partition(|one| one.grant == line.grant)
        };
        let (_, rest) = of(text);
        assert_eq!(of(&given), (vec![line.clone()], rest.clone()));
        let left = tokens::without(text, line.grant).expect("it stands there");
        assert_eq!(of(&left), (Vec::new(), rest));
    }
}

/// A list that is read is written to one that says the same of every number.
pub fn krl(bytes: &[u8]) {
    if let Ok(read) = Krl::read(bytes, CA) {
        let written = read.write().expect("what was read can be written");
        let again = Krl::read(&written, CA).expect("what was written can be read");
        for serial in [0, 1, 2, 7, 4_711, u64::MAX / 2, u64::MAX] {
            assert_eq!(again.is_revoked(serial), read.is_revoked(serial), "{serial}");
        }
    }
}

/// Three parts, by lines that are empty: a key, a signature, addresses.
pub fn half(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split("\n\n").map(str::to_owned);
    let (first, signature) = (parts.next().unwrap_or_default(), parts.next());
    let from = parts.next().unwrap_or_default().lines().map(str::to_owned).collect();
    let key = Submitted { ssh_key: Some(first.clone()), signature, from, ..Submitted::default() };
    let token = Submitted { token_sha256: Some(first), ..Submitted::default() };
    for (half, given) in [(Half::SshKey, key), (Half::TokenDigest, token)] {
        match half::read(half, grant(), &given) {
            Ok(read) => assert_eq!(read.public.half(), half),
            Err(refusal) => assert!(!refusal.next_step().is_empty()),
        }
    }
}
