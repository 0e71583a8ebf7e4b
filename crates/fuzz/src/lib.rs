//! Hostile bytes: one target for each parser that reads what others wrote. Each says what must hold
//! whatever comes: it answers, and what it takes means the same when it is written out again.
//!
//! Here belong: the targets, how bytes are mangled, the kept corpus, and the test that lives through
//! it on every run. Here does not belong: what a parser should say to bad input in words; that is a
//! table beside the parser. `fuzz/` beside the crates puts the same targets under libFuzzer.

// Only tests use this crate: where what must hold does not, it stops loudly.
#![allow(clippy::expect_used, clippy::panic)]

mod doors;
mod ledger;
pub mod mangle;
mod policy;
mod targets;
mod texts;

/// Feeds bytes to one parser.
pub type Target = fn(&[u8]);

/// All of them, by the name of their corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("api", doors::api),
    ("catalogue", doors::catalogue),
    ("checkpoint", ledger::checkpoint),
    ("entry", ledger::entry),
    ("evidence", ledger::evidence),
    ("fixture", policy::fixture),
    ("group-file", targets::group_file),
    ("half", targets::half),
    ("krl", targets::krl),
    ("passkey", ledger::passkey),
    ("policy", policy::policy),
    ("receipt", ledger::receipt),
    ("text", texts::text),
    ("token-file", targets::token_file),
];

/// The target of this name.
pub fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, target)| *target).unwrap_or_else(|| panic!("no target is called `{name}`"))
}
