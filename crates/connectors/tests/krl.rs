//! Revocation lists: what is written is read back, by us and by OpenSSH; whatever bytes come, the
//! reader answers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use placet_connectors::ssh_ca::krl::Krl;
use proptest::prelude::*;

const CA: &[u8] = b"the public key of a CA";

fn with(serials: &BTreeSet<u64>) -> Krl {
    let mut krl = Krl::empty(CA, 1_795_328_462);
    for serial in serials {
        krl.revoke(*serial, 1_795_328_463).unwrap();
    }
    krl
}

proptest! {
    #[test]
    fn what_is_revoked_is_revoked_after_reading_it_back(
        serials in prop::collection::btree_set(prop_oneof![1u64..40, any::<u64>()], 0..60),
        others in prop::collection::vec(prop_oneof![0u64..40, any::<u64>()], 0..60),
    ) {
        let serials: BTreeSet<u64> = serials.into_iter().filter(|serial| *serial > 0).collect();
        let bytes = with(&serials).write().unwrap();
        let mut back = Krl::read(&bytes, CA).unwrap();
        for serial in serials.iter().chain(&others) {
            prop_assert_eq!(back.is_revoked(*serial), serials.contains(serial), "{}", serial);
        }
        prop_assert_eq!(back.write().unwrap(), bytes.clone());
        // For another CA it is all foreign, and stays as it is.
        let foreign = Krl::read(&bytes, b"another").unwrap();
        prop_assert!(serials.iter().all(|serial| !foreign.is_revoked(*serial)));
        prop_assert_eq!(foreign.write().unwrap(), bytes);
        for serial in &serials {
            prop_assert!(!back.revoke(*serial, 0).unwrap(), "once is enough");
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        whole in any::<bool>(),
        at in 0usize..200,
        flip in any::<u8>(),
    ) {
        if whole {
            bytes = with(&(1..40).step_by(3).collect()).write().unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
        }
        if let Ok(krl) = Krl::read(&bytes, CA) {
            let written = krl.write();
            prop_assert!(written.is_err() || Krl::read(&written.unwrap(), CA).is_ok());
        }
    }
}

#[test]
fn only_what_is_over_and_single_is_forgotten() {
    let mut krl = with(&[3, 7, 8, 9, 20].into());
    krl.forget(|serial| serial < 10);
    let left: Vec<u64> = (0..30).filter(|serial| krl.is_revoked(*serial)).collect();
    assert_eq!(left, [7, 8, 9, 20], "a range was not made serial by serial, for all we know");
    assert!(krl.revoke(0, 0).is_err());
}

fn run(dir: &Path, program: &str, args: &[&str]) -> (bool, String) {
    let out = Command::new(program).current_dir(dir).args(args).output().unwrap_or_else(|error| {
        panic!("this test needs OpenSSH: apt-get install openssh-client ({error})")
    });
    let text = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// The CA's public key as it stands in certificates.
fn blob(dir: &Path, name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(dir.join(name)).unwrap();
    ssh_key::PublicKey::from_openssh(text.trim()).unwrap().to_bytes().unwrap()
}

/// OpenSSH writes lists, ranges, bitmaps, key ids, plain keys and hashes; we add a serial; it reads.
#[test]
fn openssh_reads_what_we_write_and_we_keep_what_it_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let good = |program: &str, args: &[&str]| {
        let (ok, text) = run(dir, program, args);
        assert!(ok, "{program} {args:?}: {text}");
        text
    };
    for name in ["ca", "other-ca", "user", "leaked"] {
        good("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", name]);
    }
    let certificate = |ca: &str, serial: u64, id: &str| {
        let (serial, file) = (serial.to_string(), format!("{ca}-{serial}-{id}-cert.pub"));
        good("ssh-keygen", &["-q", "-s", ca, "-I", id, "-n", "x", "-z", &serial, "user.pub"]);
        std::fs::rename(dir.join("user-cert.pub"), dir.join(&file)).unwrap();
        file
    };
    let revoked = |file: &str| {
        let (ok, text) = run(dir, "ssh-keygen", &["-Q", "-f", "krl", file]);
        assert_eq!(ok, !text.contains("REVOKED"), "{text}");
        !ok
    };

    let ca = blob(dir, "ca.pub");
    std::fs::write(dir.join("krl"), Krl::empty(&ca, 1_795_328_462).write().unwrap()).unwrap();
    let mine = certificate("ca", 5 << 40, "mine");
    assert!(!revoked(&mine), "an empty list is a list");

    let bits: Vec<String> =
        (1_000..1_200).filter(|n| n % 3 != 0).map(|n| format!("serial: {n}")).collect();
    let spec = format!("serial: 50-90\nserial: 7\n{}\nid: by-name\nkey: {}", bits.join("\n"), {
        std::fs::read_to_string(dir.join("leaked.pub")).unwrap()
    });
    std::fs::write(dir.join("spec"), spec).unwrap();
    good("ssh-keygen", &["-q", "-k", "-f", "krl", "-s", "ca.pub", "spec"]);
    std::fs::write(dir.join("spec2"), "serial: 7777\n").unwrap();
    good("ssh-keygen", &["-q", "-k", "-u", "-f", "krl", "-s", "other-ca.pub", "spec2"]);

    let files: Vec<(String, bool)> = [
        ("ca", 7, "a", true),
        ("ca", 8, "a", false),
        ("ca", 49, "a", false),
        ("ca", 50, "a", true),
        ("ca", 90, "a", true),
        ("ca", 91, "a", false),
        ("ca", 1_000, "a", true),
        ("ca", 1_002, "a", false),
        ("ca", 1_003, "a", true),
        ("ca", 1_199, "a", true),
        ("ca", 9_999, "by-name", true),
        ("other-ca", 7_777, "a", true),
        ("other-ca", 7, "a", false),
    ]
    .map(|(ca, serial, id, expect)| (certificate(ca, serial, id), expect))
    .into();
    let mut krl = Krl::read(&std::fs::read(dir.join("krl")).unwrap(), &ca).unwrap();
    assert!(krl.is_revoked(1_000) && !krl.is_revoked(1_002) && krl.is_revoked(70));
    assert!(krl.revoke(5 << 40, 1_795_328_463).unwrap());
    std::fs::write(dir.join("krl"), krl.write().unwrap()).unwrap();
    assert!(revoked(&mine));
    assert!(revoked("leaked.pub"), "what else stands there is kept");
    for (file, expect) in &files {
        assert_eq!(revoked(file), *expect, "{file}");
    }
}
