//! Keys that are handed in: shown to be one's own, strong enough, and nothing else.

use placet_connectors::conformance::grant_of;
use placet_connectors::half::{self, NAMESPACE, Submitted};
use placet_domain::grant::{Half, Public};

use crate::ground::Ground;

#[test]
fn a_key_is_collected_by_whoever_can_sign_with_it() {
    let ground = Ground::new();
    let kinds: [(&str, &[&str], Option<&str>); 5] = [
        ("ed25519", &["ed25519"], None),
        ("ecdsa", &["ecdsa", "-b", "384"], None),
        ("rsa3072", &["rsa", "-b", "3072"], None),
        ("rsa2048", &["rsa", "-b", "2048"], Some("an RSA key of 2048 bits is too weak")),
        ("dsa", &["dsa"], Some("DSA keys are too weak")),
    ];
    for (name, kind, expect) in kinds {
        ground.key(name, kind);
        let read = ground.half(grant_of(1), name, &[]);
        match (read, expect) {
            (Ok(read), None) => {
                let Public::SshKey { key, fingerprint } = read.public else { panic!() };
                assert!(!key.contains("somewhere"), "the comment names people: {key}");
                let shown = ground.good("ssh-keygen", &["-l", "-f", &format!("{name}.pub")]);
                assert!(shown.contains(&fingerprint), "{shown} {fingerprint}");
            }
            (Err(refusal), Some(why)) => {
                assert_eq!(refusal.code(), "unfit_half");
                assert!(refusal.sentence().contains(why), "{refusal}");
            }
            (got, _) => panic!("{name}: {got:?}"),
        }
    }
}

#[test]
fn a_key_of_somebody_else_is_refused_in_words() {
    let ground = Ground::new();
    ground.key("mine", &["ed25519"]);
    ground.key("theirs", &["ed25519"]);
    let check = |key: &str, signature: Option<String>, code: &str, why: &str| {
        let ssh_key = Some(key.to_owned());
        let given = Submitted { ssh_key, signature, ..Submitted::default() };
        let refusal = half::read(Half::SshKey, grant_of(1), &given).unwrap_err();
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(refusal.sentence().contains(why), "{refusal}");
    };
    let (theirs, mine) = (ground.text("theirs.pub"), ground.text("mine.pub"));
    let sign = |n, key: &str, namespace: &str| Some(ground.signed(grant_of(n), key, namespace));
    let not_yours = "not_your_half";
    check(&theirs, sign(1, "mine", NAMESPACE), not_yours, "another key signed");
    check(&mine, sign(2, "mine", NAMESPACE), not_yours, "does not fit this grant");
    check(&mine, sign(1, "mine", "file"), not_yours, "signed for something else");
    check(&mine, Some("signed, Ines".to_owned()), not_yours, "not one of `ssh-keygen -Y sign`");
    check(&mine, None, not_yours, "without a signature");
    check("ssh-ed25519 nonsense", sign(1, "mine", NAMESPACE), "unfit_half", "not a public key");
    let long = format!("{mine}{}", " ".repeat(5_000));
    check(&long, sign(1, "mine", NAMESPACE), "unfit_half", "longer than");

    // A certificate is no key: it would be signed into another one.
    ground.good("ssh-keygen", &["-q", "-s", "theirs", "-I", "x", "-n", "x", "mine.pub"]);
    let certificate = ground.text("mine-cert.pub");
    check(&certificate, sign(1, "mine", NAMESPACE), "unfit_half", "");
    // The private half was sent: it is not repeated in the refusal.
    let private = ground.text("mine");
    check(&private, sign(1, "mine", NAMESPACE), "unfit_half", "not a public key");
}
