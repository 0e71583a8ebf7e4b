//! Every connector that is shipped passes the conformance suite against a real target.

#![allow(clippy::unwrap_used)] // A test may.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use placet_connectors::group_file::GroupFile;
use placet_connectors::simulated::{Fault, Simulated};
use placet_connectors::token_file::TokenFile;
use placet_connectors::{Connector, Registry, conformance, half};
use placet_domain::action::Outcome;
use placet_domain::canonical::Digest;
use placet_domain::grant::Public;
use placet_domain::observation::{Binding, Completeness, Scope};

fn binding(text: &str) -> Binding {
    let (native, account) = text.split_once('/').unwrap();
    Binding { native: native.parse().unwrap(), account: account.parse().unwrap() }
}

#[tokio::test]
async fn simulated_conforms() {
    let target = Simulated::default();
    target.change_by_hand(binding("ops/eve"), true);
    conformance::check(&target, &binding("deploy/ines"), &binding("ops/eve")).await;
}

#[tokio::test]
async fn group_file_conforms_and_keeps_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("groups");
    let text = "# who may do what\n\nops: eve\nsome odd line\ndeploy:\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let target = GroupFile::at(&path);
    conformance::check(&target, &binding("deploy/ines"), &binding("ops/eve")).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
}

fn half_of(serial: u128) -> Option<half::Read> {
    let sha256 = Digest::of(&serial.to_be_bytes());
    Some(half::Read { public: Public::TokenDigest { sha256 }, sources: Default::default() })
}

/// A token file with an odd line, and with somebody's token that no grant stands for.
fn tokens(dir: &Path) -> (PathBuf, String) {
    let path = dir.join("tokens");
    let text = format!(
        "# who may pull\n\nsome odd line\nsha256:{} pull eve 2026-12-24T00:00:00Z {}\n",
        Digest::of(b"eve"),
        conformance::grant_of(99)
    );
    std::fs::write(&path, &text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    (path, text)
}

#[tokio::test]
async fn token_file_conforms_and_keeps_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let (path, text) = tokens(dir.path());
    let target = TokenFile::at(&path);
    let (one, other) = (binding("push/ci"), binding("pull/eve"));
    conformance::check_with(&target, &one, &other, half_of).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
}

#[tokio::test]
async fn each_grant_has_its_own_token_and_loses_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = tokens(dir.path());
    let target = TokenFile::at(&path);
    let ci = binding("push/ci");
    for serial in [1, 2] {
        let granted = target.grant(conformance::issuing(&ci, serial, half_of(serial))).await;
        assert_eq!(granted.outcome, Outcome::Done);
    }
    let kept = async || {
        let look = target.observe(&Scope::Binding(ci.clone())).await;
        let kept = look.credentials.unwrap().into_iter().map(|one| one.digest).collect::<Vec<_>>();
        (look.present.len(), kept)
    };
    let digest = |serial: u128| Digest::of(&serial.to_be_bytes());
    let mut both = vec![digest(1), digest(2)];
    both.sort();
    assert_eq!(kept().await, (1, both));
    let line = std::fs::read_to_string(&path).unwrap();
    assert!(line.contains(&format!("{} push ci 2026-11-22T10:21:02", digest(1))), "{line}");
    assert_eq!(target.remove(conformance::removal(&ci, 1)).await, Outcome::Done);
    assert_eq!(kept().await, (1, vec![digest(2)]));
    // Without a collected digest there is nothing to write.
    let bare = target.grant(conformance::assent(&ci, 3)).await;
    assert!(matches!(bare.outcome, Outcome::Failed { .. }), "{bare:?}");
}

#[tokio::test]
async fn a_link_stays_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("link"));
    std::fs::write(&real, "deploy:\n").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let target = GroupFile::at(&link);
    let granted = target.grant(conformance::assent(&binding("deploy/ines"), 1)).await;
    assert_eq!(granted.outcome, Outcome::Done);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "deploy: ines\n");
}

#[tokio::test]
async fn a_target_that_is_down_is_unknown_never_empty() {
    let dir = tempfile::tempdir().unwrap();
    let target = GroupFile::at(dir.path().join("gone"));
    let look = target.observe(&Scope::Everything).await;
    assert_eq!(look.completeness, Completeness::Unknown);
    assert!(look.detail.unwrap().contains("gone"));
    let outcome = target.grant(conformance::assent(&binding("deploy/ines"), 1)).await.outcome;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_garbled_file_is_partial_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("groups");
    let bytes = b"deploy: ines\nops: \xff\xfe a\xffb eve\n";
    std::fs::write(&path, bytes).unwrap();
    let target = GroupFile::at(&path);
    let look = target.observe(&Scope::Everything).await;
    assert_eq!(look.completeness, Completeness::Partial);
    let names: Vec<String> = look.present.iter().map(|one| one.account.to_string()).collect();
    assert_eq!(names, ["ines", "eve"], "what can be read is there, and nothing is made up");
    let outcome = target.grant(conformance::assent(&binding("deploy/tom"), 1)).await.outcome;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn simulated_faults_are_told_honestly() {
    let check = async |fault: Fault, expect: &str, present: bool| {
        let target = Simulated::default();
        target.plan([fault]);
        let outcome = target.grant(conformance::assent(&binding("deploy/ines"), 1)).await.outcome;
        let word = match outcome {
            Outcome::Done => "done",
            Outcome::Failed { .. } => "failed",
            Outcome::InDoubt { .. } => "in doubt",
            Outcome::Ordered { .. } => "ordered",
        };
        assert_eq!((word, !target.present().is_empty()), (expect, present), "{fault:?}");
    };
    check(Fault::Refuse, "failed", false).await;
    check(Fault::LoseReply, "in doubt", true).await;
    check(Fault::Swallow, "in doubt", false).await;
}

#[test]
fn the_registry_names_what_it_knows() {
    let registry = Registry::shipped();
    assert_eq!(
        registry.kinds().collect::<Vec<_>>(),
        ["group-file", "manual", "postgres", "simulated", "ssh-ca", "token-file"]
    );
    let build = |kind: &str, settings: &[(&str, &str)]| {
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        registry.build(&kind.parse().unwrap(), &settings).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(build("group-file", &[("path", "groups")]), Ok(()));
    assert!(build("group-file", &[]).unwrap_err().contains("`path` is missing"));
    assert!(build("group-file", &[("pth", "x")]).unwrap_err().contains("`pth` is not known"));
    assert_eq!(build("token-file", &[("path", "tokens")]), Ok(()));
    let ca = [("key", "ca"), ("krl", "krl")];
    let with = |more: &[(&'static str, &'static str)]| build("ssh-ca", &[&ca, more].concat());
    assert_eq!(with(&[("skew", "30"), ("hosts", "a, b"), ("extensions", "")]), Ok(()));
    assert!(with(&[("agent", "socket")]).unwrap_err().contains("either `key`, or `agent`"));
    assert!(with(&[("skew", "an hour")]).unwrap_err().contains("`skew` is not a number"));
    assert!(with(&[("extensions", "permit-all")]).unwrap_err().contains("is not known"));
    assert!(build("ssh-ca", &[("key", "ca")]).unwrap_err().contains("`krl` is missing"));
    assert!(with(&[("host", "a")]).unwrap_err().contains("`host` is not known; known are `key`"));
    assert!(build("simulated", &[("path", "x")]).unwrap_err().contains("`path` is not known"));
    assert!(build("simulated", &[("issues", "x")]).unwrap_err().contains("`issues`"));
    let accounts = [("credentials", "change"), ("observer", "look")];
    let with =
        |more: &[(&'static str, &'static str)]| build("postgres", &[&accounts, more].concat());
    assert_eq!(with(&[]), Ok(()));
    assert_eq!(with(&[("issues", "login"), ("connections", "1")]), Ok(()));
    assert!(with(&[("issues", "token")]).unwrap_err().contains("`issues` is not `login`"));
    assert!(with(&[("connections", "2")]).unwrap_err().contains("nothing without `issues`"));
    let many = [("issues", "login"), ("connections", "101")];
    assert!(with(&many).unwrap_err().contains("not a number up to 100"));
    assert!(with(&[("observer", "change")]).unwrap_err().contains("in two files"));
    assert!(build("postgres", &accounts[..1]).unwrap_err().contains("`observer` is missing"));
    assert!(with(&[("deny", "x")]).unwrap_err().contains("`deny` is not known"));
    assert!(build("ldap", &[]).unwrap_err().contains("group-file, manual, postgres, simulated"));
}

#[test]
fn each_kind_says_which_of_its_settings_are_paths() {
    let made = |kind: &str, name: &str, value: &str, from: &str| {
        let mut settings = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let registry = Registry::shipped();
        registry
            .make_absolute(&kind.parse().unwrap(), &mut settings, Path::new(from))
            .map(|()| settings.remove(name).unwrap())
            .map_err(|error| error.to_string())
    };
    let check = |kind: &str, name: &str, value: &str, expected: &str| {
        assert_eq!(made(kind, name, value, "/srv").as_deref(), Ok(expected), "{kind} {name}");
    };
    for kind in ["group-file", "token-file"] {
        check(kind, "path", "groups", "/srv/groups");
        check(kind, "path", "./a/groups", "/srv/a/groups");
        check(kind, "path", "/etc/groups", "/etc/groups");
        check(kind, "path", "one, with a comma", "/srv/one, with a comma");
    }
    check("postgres", "credentials", "keys/shop", "/srv/keys/shop");
    check("postgres", "observer", "keys/look", "/srv/keys/look");
    for name in ["key", "agent", "public", "krl"] {
        check("ssh-ca", name, "ca/file", "/srv/ca/file");
        check("ssh-ca", name, "/run/file", "/run/file");
    }
    check("ssh-ca", "hosts", "a", "/srv/a");
    check("ssh-ca", "hosts", "a, /mnt/b/krl ,c/krl", "/srv/a,/mnt/b/krl,/srv/c/krl");
    check("ssh-ca", "hosts", "", "");
    check("ssh-ca", "skew", "30", "30");
    check("ssh-ca", "extensions", "permit-pty", "permit-pty");
    check("simulated", "hosts", "a, b", "a, b");
    check("simulated", "issues", "token", "token");
    // What it does not know, a kind leaves alone; it is refused when the target is set up.
    check("group-file", "pth", "groups", "groups");

    let bad = |kind: &str, name: &str, value: &str, from: &str, says: &str| {
        let why = made(kind, name, value, from).unwrap_err();
        assert!(why.contains(says), "{why}");
    };
    bad("group-file", "path", "", "/srv", "setting `path`: it names no file");
    bad("ssh-ca", "hosts", "a", "/srv/x,y", "`/srv/x,y/a` has a comma in it");
    bad("ldap", "path", "a", "/srv", "no connector of kind `ldap` is known");
}
