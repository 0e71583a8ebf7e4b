//! The kept corpus, and as much mangling of it as an ordinary run has time for. `PLACET_FUZZ_ROUNDS`
//! makes it more; a failure prints the bytes, which then belong into the corpus.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use placet_fuzz::{TARGETS, Target, mangle};
use placet_sim::dice::Dice;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The kept bytes of a target, in the order of their names.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(corpus().join(name));
    let files = files.unwrap_or_else(|error| panic!("the corpus of `{name}`: {error}"));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn feed(name: &str, target: Target, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
        let file = std::env::temp_dir().join(format!("{name}-fault"));
        std::fs::write(&file, bytes).unwrap();
        panic!(
            "`{name}` does not stand these bytes, kept in `{}`: {}",
            file.display(),
            bytes.escape_ascii()
        );
    }
}

fn lives_through(name: &str, rounds: u64) {
    let more = std::env::var("PLACET_FUZZ_ROUNDS").ok().and_then(|text| text.parse::<u64>().ok());
    let target = placet_fuzz::target(name);
    let kept = kept(name);
    assert!(!kept.is_empty(), "`{name}` has no corpus");
    kept.iter().for_each(|bytes| feed(name, target, bytes));
    let mut dice = Dice::new(1, name);
    for _ in 0..rounds * more.unwrap_or(1) {
        feed(name, target, &mangle::mangled(&kept, &mut dice));
    }
}

macro_rules! targets {
    ($($test:ident: $name:literal, $rounds:literal;)*) => {
        $(#[test]
        fn $test() {
            lives_through($name, $rounds);
        })*

        #[test]
        fn every_target_is_fed() {
            let fed = [$($name),*];
            let all: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(all, fed);
        }
    };
}

// As many rounds as take about two seconds each.
targets! {
    api: "api", 1500;
    catalogue: "catalogue", 5000;
    checkpoint: "checkpoint", 20000;
    entry: "entry", 20000;
    evidence: "evidence", 400;
    fixture: "fixture", 15;
    group_file: "group-file", 20000;
    half: "half", 3000;
    krl: "krl", 20000;
    passkey: "passkey", 20000;
    policy: "policy", 60;
    receipt: "receipt", 20000;
    text: "text", 50000;
    token_file: "token-file", 20000;
}
