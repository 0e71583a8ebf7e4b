//! An exported log, checked by a program that we did not write: Go's `sumdb/tlog` and `sumdb/note`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::export::long_log;
use crate::log::key;

const NEEDS: &str =
    "this test needs Go and its tlog: apt-get install golang-go golang-golang-x-mod-dev";

fn build(into: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/main.go");
    let program = into.join("interop");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(source)
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOFLAGS", "-buildvcs=false")
        .env("GOCACHE", into.join("cache"))
        .output();
    let built = built.unwrap_or_else(|e| panic!("{NEEDS} ({e})"));
    assert!(built.status.success(), "{NEEDS}\n{}", String::from_utf8_lossy(&built.stderr));
    program
}

fn run(program: &Path, dir: &Path) -> Output {
    let verifier = key().verifier().to_string();
    Command::new(program).arg(dir).arg(verifier).output().unwrap()
}

#[test]
fn go_verifies_what_we_export_and_refuses_what_was_changed() {
    let work = tempfile::tempdir().unwrap();
    let program = build(work.path());
    for size in [256, 333, 600] {
        let dir = work.path().join(size.to_string());
        for (path, bytes) in long_log(size).export() {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let output = run(&program, &dir);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let erred = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{size}: {erred}");
        assert_eq!(said, format!("{size} entries hold\n"));
    }
    // The driver is not one that says yes to everything.
    let dir = work.path().join("333");
    for path in ["tile/entries/000", "tile/0/000", "checkpoint"] {
        let path = dir.join(path);
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[40] ^= 1;
        std::fs::write(&path, changed).unwrap();
        assert!(!run(&program, &dir).status.success(), "{}", path.display());
        std::fs::write(&path, whole).unwrap();
    }
    assert!(run(&program, &dir).status.success());
}
