//! Assertions: what a passkey signed, checked from bytes alone (Web Authentication Level 2, sections
//! 7.1 and 7.2), as whoever accepts one does and as anybody does again who has the ledger. Which
//! passkeys there are, and when, is known elsewhere.
//!
//! Nothing is asked of the maker of an authenticator (attestation): who answers for a passkey is a
//! person, by name. A counter of uses is not looked at: passkeys that a person has on several devices
//! have none.

mod cose;

use std::fmt;

use placet_domain::canonical::Digest;
use placet_domain::name::RpId;
use placet_domain::passkey::{Assertion, Bytes, Challenge};
use serde::Deserialize;

pub use cose::ALGORITHMS;
use cose::PublicKey;

/// Why an assertion shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotShown(pub(crate) &'static str);

impl fmt::Display for NotShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotShown {}

/// A passkey that was made just now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
    pub credential_id: Bytes,
    pub public_key: Bytes,
}

/// Checks that `assertion` is a signature of this key for this host, by a person who was there and
/// showed that it was they, over exactly this challenge.
pub fn verify(
    public_key: &Bytes,
    rp: &RpId,
    challenge: Challenge,
    assertion: &Assertion,
) -> Result<(), NotShown> {
    let client = assertion.client_data_json.as_slice();
    ClientData::read(client)?.check("webauthn.get", rp, challenge)?;
    let signed = assertion.authenticator_data.as_slice();
    Authenticator::read(signed)?.check(rp)?;
    let key = PublicKey::read(public_key.as_slice())?;
    let message = [signed, Digest::of(client).as_bytes()].concat();
    key.verify(&message, assertion.signature.as_slice())
}

/// Reads what an authenticator says of a passkey that it made for this host and challenge.
pub fn read_made(
    rp: &RpId,
    challenge: Challenge,
    client_data_json: &Bytes,
    attestation_object: &Bytes,
) -> Result<Made, NotShown> {
    ClientData::read(client_data_json.as_slice())?.check("webauthn.create", rp, challenge)?;
    let data = cose::authenticator_data(attestation_object.as_slice())?;
    let authenticator = Authenticator::read(data)?;
    authenticator.check(rp)?;
    authenticator.made()
}

/// The challenge that a browser says it answers, to find what it belongs to. Nothing is believed of
/// it before it is checked.
pub fn challenge_in(client_data_json: &Bytes) -> Result<Challenge, NotShown> {
    ClientData::read(client_data_json.as_slice())?.challenge()
}

/// What the browser adds to what is signed. It may say more (section 5.8.1).
#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

impl ClientData {
    fn read(bytes: &[u8]) -> Result<Self, NotShown> {
        serde_json::from_slice(bytes).map_err(|_| NotShown("what the browser says cannot be read"))
    }

    fn challenge(&self) -> Result<Challenge, NotShown> {
        self.challenge.parse().map_err(|_| NotShown("its challenge cannot be read"))
    }

    fn check(&self, r#type: &str, rp: &RpId, challenge: Challenge) -> Result<(), NotShown> {
        if self.r#type != r#type {
            return Err(NotShown("it is of another kind of ceremony"));
        }
        if self.challenge()? != challenge {
            return Err(NotShown("it is over another challenge"));
        }
        if self.cross_origin {
            return Err(NotShown("it was asked for inside the page of another site"));
        }
        if !is_within(&self.origin, rp) {
            return Err(NotShown("it was asked for by another site"));
        }
        Ok(())
    }
}

/// Whether a web origin is that of the host, or of one below it; without TLS on this machine alone.
fn is_within(origin: &str, rp: &RpId) -> bool {
    let below = |host: &str, top: &str| {
        host == top || host.strip_suffix(top).is_some_and(|rest| rest.ends_with('.'))
    };
    let (rest, local) = match (origin.strip_prefix("https://"), origin.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return false,
    };
    let (host, port) = rest.split_once(':').unwrap_or((rest, "443"));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    host.bytes().all(plain)
        && port.parse::<u16>().is_ok()
        && below(host, rp.as_str())
        && (!local || below(host, "localhost"))
}

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const NEW_KEY: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// What an authenticator says (section 6.1): for whom, who was there, and after that the new key.
struct Authenticator<'a> {
    rp: &'a [u8],
    flags: u8,
    rest: &'a [u8],
}

impl<'a> Authenticator<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, NotShown> {
        let short = NotShown("what the authenticator says is too short");
        let (rp, rest) = bytes.split_at_checked(32).ok_or(short)?;
        let (flags, rest) = rest.split_first().ok_or(short)?;
        let (_counter, rest) = rest.split_at_checked(4).ok_or(short)?;
        Ok(Self { rp, flags: *flags, rest })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag == flag
    }

    fn check(&self, rp: &RpId) -> Result<(), NotShown> {
        if self.rp != Digest::of(rp.as_str().as_bytes()).as_bytes() {
            return Err(NotShown("it was made for another host"));
        }
        if !self.has(USER_PRESENT) {
            return Err(NotShown("nobody was there to touch it"));
        }
        if !self.has(USER_VERIFIED) {
            return Err(NotShown(
                "it did not make sure who was there, by a finger, a face or a PIN",
            ));
        }
        Ok(())
    }

    /// The credential that was made (section 6.5.1).
    fn made(&self) -> Result<Made, NotShown> {
        let bad = NotShown("what the authenticator says of the new passkey cannot be read");
        if !self.has(NEW_KEY) {
            return Err(bad);
        }
        let (_aaguid, rest) = self.rest.split_at_checked(16).ok_or(bad)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(bad)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, rest) = rest.split_at_checked(length).ok_or(bad)?;
        let (key, after) = cose::split_key(rest)?;
        if !after.is_empty() && !self.has(EXTENSIONS) {
            return Err(bad);
        }
        PublicKey::read(key)?;
        let bytes = |part: &[u8]| Bytes::new(part.to_vec()).map_err(|_| bad);
        // Section 4: an id has 1023 bytes at the most.
        if id.len() > 1023 {
            return Err(bad);
        }
        Ok(Made { credential_id: bytes(id)?, public_key: bytes(key)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_that_of_the_host_or_below_it() {
        let check = |origin: &str, rp: &str, expect: bool| {
            assert_eq!(is_within(origin, &rp.parse().unwrap()), expect, "{origin} {rp}");
        };
        check("https://placet.example.org", "placet.example.org", true);
        check("https://placet.example.org:8443", "placet.example.org", true);
        check("https://a.placet.example.org", "placet.example.org", true);
        check("http://localhost:7400", "localhost", true);
        for bad in [
            "http://placet.example.org",
            "https://example.org",
            "https://evilplacet.example.org",
            "https://placet.example.org.evil.example",
            "https://placet.example.org@evil.example",
            "https://evil.example/placet.example.org",
            "https://placet.example.org:x",
            "ftp://placet.example.org",
            "null",
            "",
        ] {
            check(bad, "placet.example.org", false);
        }
    }
}
