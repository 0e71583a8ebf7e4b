//! The target that `PLACET_FUZZ_TARGET` names, under libFuzzer.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use placet_fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("PLACET_FUZZ_TARGET").expect("`PLACET_FUZZ_TARGET` names a target");
    placet_fuzz::target(&name)
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
