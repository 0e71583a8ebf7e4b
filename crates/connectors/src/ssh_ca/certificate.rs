//! Certificates: what is signed, and by which serial it is known again.

use std::cell::RefCell;

use placet_domain::Timestamp;
use placet_domain::canonical::Digest;
use placet_domain::grant::{Issued, Public, Serial};
use placet_ledger::VerifiedAssent;
use ssh_key::certificate::{Builder, CertType};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey, Signature};

use super::signer::Signer;

/// Seconds since 1970 from which on a serial may be one of ours: the year 2026.
const FIRST: u64 = 1_767_225_600;

/// The serial of a certificate: in its upper half the second in which it is over, in its lower half
/// the place of its intent in the ledger.
///
/// No two intents stand in the same place, so it can repeat only after 2^32 entries within one
/// second of ends; and a revocation list can be tidied by itself, since a serial says until when it
/// matters.
pub(super) fn serial(until: u64, place: u64) -> Result<Serial, String> {
    let until = u32::try_from(until).map_err(|_| "it ends after the year 2106".to_owned())?;
    let place = place & u64::from(u32::MAX);
    Ok(Serial(u64::from(until) << 32 | place))
}

/// Whether a serial of ours is over since more than `skew` seconds. One that is not ours never is.
pub(super) fn is_over(serial: u64, now: u64, skew: u64) -> bool {
    let until = serial >> 32;
    until >= FIRST && until.saturating_add(skew) < now
}

pub(super) fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_micros().div_euclid(1_000_000)).unwrap_or(0)
}

/// What every certificate of a CA has in common.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub skew: u64,
    pub extensions: Vec<String>,
}

/// Signs the certificate that an assent is for.
pub(super) fn sign(
    signer: &dyn Signer,
    form: &Form,
    assent: &VerifiedAssent,
) -> Result<Issued, String> {
    let collected = assent.collected().ok_or("no key was collected for it")?;
    let Public::SshKey { key, .. } = &collected.public else {
        return Err("what was collected for it is no SSH key".to_owned());
    };
    let key = PublicKey::from_openssh(key).map_err(|_| "the collected key cannot be read")?;
    let from = seconds(assent.intended_at()).saturating_sub(form.skew);
    let until = seconds(assent.until());
    let serial = serial(until, assent.place())?;
    let words = |error: ssh_key::Error| format!("the certificate cannot be made: {error}");

    let mut nonce = [0; 32];
    // Nothing reads it again: it keeps whoever chose the key from choosing what is signed.
    getrandom::fill(&mut nonce).map_err(|e| e.to_string())?;
    let mut builder = Builder::new(nonce, &key, from, until).map_err(words)?;
    builder.serial(serial.0).map_err(words)?;
    builder.cert_type(CertType::User).map_err(words)?;
    builder.key_id(assent.grant().to_string()).map_err(words)?;
    builder.valid_principal(assent.native().as_str()).map_err(words)?;
    if !collected.sources.is_empty() {
        let sources: Vec<&str> = collected.sources.iter().map(String::as_str).collect();
        builder.critical_option("source-address", sources.join(",")).map_err(words)?;
    }
    for extension in &form.extensions {
        builder.extension(extension, "").map_err(words)?;
    }
    let ca = signer.public()?;
    let through = Through { signer, ca: ca.key_data(), why: RefCell::default() };
    let signed = builder.sign(&through);
    let certificate = signed.map_err(|error| through.why.take().unwrap_or(words(error)))?;
    // An agent may answer anything: what it signed is checked before it counts.
    certificate.validate_at(from, [&ca.fingerprint(HashAlg::Sha256)]).map_err(words)?;
    let bytes = certificate.to_bytes().map_err(words)?;
    Ok(Issued {
        serial,
        digest: Digest::of(&bytes),
        certificate: certificate.to_openssh().map_err(words)?,
        over_at: assent.until().plus_seconds(form.skew),
    })
}

/// A signer as the library takes it.
struct Through<'a> {
    signer: &'a dyn Signer,
    ca: &'a KeyData,
    /// What the signer said; the library's error has no room for it.
    why: RefCell<Option<String>>,
}

impl signature::Signer<Signature> for Through<'_> {
    fn try_sign(&self, bytes: &[u8]) -> Result<Signature, signature::Error> {
        self.signer.sign(bytes).map_err(|why| {
            self.why.replace(Some(why));
            signature::Error::new()
        })
    }
}

impl From<&Through<'_>> for KeyData {
    fn from(through: &Through<'_>) -> Self {
        through.ca.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_names_its_end_and_its_place() {
        let until = 1_800_000_000;
        let one = serial(until, 7).unwrap();
        assert_ne!(one, serial(until, 8).unwrap());
        assert_ne!(one, serial(until + 1, 7).unwrap());
        assert!(serial(1 << 32, 7).is_err());
        let check = |serial: u64, now: u64, over: bool| {
            assert_eq!(is_over(serial, now, 60), over, "{serial} {now}");
        };
        check(one.0, until + 60, false);
        check(one.0, until + 61, true);
        check(1_001, until, false);
    }
}
