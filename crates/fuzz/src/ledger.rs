//! What outsiders hand in as proof: entries, signed heads, receipts, evidence.

use placet_domain::entry::Entry;
use placet_domain::passkey::{Assertion, Bytes, Challenge};
use placet_ledger::assertion::{read_made, verify};
use placet_ledger::evidence::Failed;
use placet_ledger::{Checkpoint, LogKey, Receipt, evidence as bundles};

/// The key of the simulated world, by which the corpus is signed.
fn key() -> LogKey {
    LogKey::from_seed("placet.sim/log", &[7; 32]).expect("the name of a log")
}

/// What is decoded is encoded again to something that means the same.
pub fn entry(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        let canonical = entry.encode().expect("what was read can be written");
        assert_eq!(Entry::decode(&canonical).as_ref(), Ok(&entry));
    }
}

/// A head is taken with its signature alone: whatever else it says was never signed.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(opened) = Checkpoint::open(text, &key().verifier()) {
        let again = Checkpoint::sign(&key(), opened.head()).expect("a head can be signed");
        let body = |note: &str| note.split("\n\n").next().map(str::to_owned);
        assert_eq!(body(text), body(&again), "a head that nobody signed");
    }
}

pub fn receipt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(receipt) = Receipt::parse(text) {
        let again = Receipt::parse(&receipt.to_text()).expect("what was read can be written");
        assert_eq!(again.to_text(), receipt.to_text());
        assert!(receipt.verify(b"an entry that nobody made", &key().verifier()).is_err());
    }
}

/// Whatever is mangled does not hold, but for what does not count: the spelling of the JSON.
pub fn evidence(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match bundles::verify(text, &key().verifier()) {
        Ok(_) => {
            let value: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
            let spelt = serde_json::to_string(&value).expect("JSON can be written");
            assert!(bundles::verify(&spelt, &key().verifier()).is_ok());
        }
        Err(Failed::Incomplete(_)) => {}
        Err(failed) => assert!(!failed.to_string().is_empty()),
    }
}

/// What an authenticator says it made is a key that is read the same again, or nothing; and what nobody
/// signed is signed by none.
pub fn passkey(bytes: &[u8]) {
    let Ok(object) = Bytes::new(bytes.to_vec()) else { return };
    let rp = "placet.example.org".parse().expect("a host");
    let challenge = Challenge::of([7; 32]);
    let client = |kind: &str| {
        let text = format!(
            r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"https://placet.example.org"}}"#
        );
        Bytes::new(text.into_bytes()).expect("a short text")
    };
    let Ok(made) = read_made(&rp, challenge, &client("create"), &object) else { return };
    let assertion = Assertion {
        passkey: format!("pky_{}", "0".repeat(32)).parse().expect("an id"),
        authenticator_data: object.clone(),
        client_data_json: client("get"),
        signature: object,
    };
    assert!(verify(&made.public_key, &rp, challenge, &assertion).is_err());
    assert!(made.credential_id.as_slice().len() <= 1023);
}
