//! What a passkey says, as it is kept: the bytes that it signed and what it signed them with. Whether
//! a signature is right is not found out here; that is shown elsewhere, and comes in as a value.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Passkey;
use crate::id::PasskeyId;

/// The most bytes of one part of what a passkey says.
pub const MOST_BYTES: usize = 4096;

/// Bytes of a passkey, written as base64url without padding (RFC 4648, section 5).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Bytes(Vec<u8>);

/// A text that is not such bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableBytes(&'static str);

impl fmt::Display for UnreadableBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UnreadableBytes {}

impl Bytes {
    pub fn new(bytes: Vec<u8>) -> Result<Self, UnreadableBytes> {
        if (1..=MOST_BYTES).contains(&bytes.len()) {
            return Ok(Self(bytes));
        }
        Err(UnreadableBytes("what a passkey says has 1 to 4096 bytes"))
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Bytes {
    type Err = UnreadableBytes;

    fn from_str(text: &str) -> Result<Self, UnreadableBytes> {
        let unreadable = UnreadableBytes("bytes are written as base64url without padding");
        Self::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable)?)
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> String {
        bytes.to_string()
    }
}

impl TryFrom<String> for Bytes {
    type Error = UnreadableBytes;

    fn try_from(text: String) -> Result<Self, UnreadableBytes> {
        text.parse()
    }
}

/// 256 random bits that a passkey is to sign: drawn for one ceremony, and good for no other.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Challenge([u8; 32]);

impl Challenge {
    pub fn of(random: [u8; 32]) -> Self {
        Self(random)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Challenge {
    type Err = UnreadableBytes;

    fn from_str(text: &str) -> Result<Self, UnreadableBytes> {
        let unreadable = UnreadableBytes("a challenge is the unpadded base64url of 32 bytes");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable.clone())?;
        bytes.try_into().map(Self).map_err(|_| unreadable)
    }
}

impl From<Challenge> for String {
    fn from(challenge: Challenge) -> String {
        challenge.to_string()
    }
}

impl TryFrom<String> for Challenge {
    type Error = UnreadableBytes;

    fn try_from(text: String) -> Result<Self, UnreadableBytes> {
        text.parse()
    }
}

/// A signature of a passkey with everything that it is over (Web Authentication, section 5.2.2), so
/// that anybody can check it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    pub passkey: PasskeyId,
    pub authenticator_data: Bytes,
    pub client_data_json: Bytes,
    pub signature: Bytes,
}

/// That an assertion is a right signature of this passkey over this challenge. Whoever makes one has
/// checked it.
#[derive(Clone, Debug)]
pub struct Asserted<'a> {
    pub passkey: &'a Passkey,
    pub challenge: Challenge,
    pub assertion: Assertion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_challenges_have_one_spelling_and_a_bound() {
        for (text, readable) in [("AQID", true), ("AQID=", false), ("", false), ("AQI+", false)] {
            assert_eq!(text.parse::<Bytes>().is_ok(), readable, "{text}");
        }
        assert_eq!("-_8".parse::<Bytes>().unwrap().to_string(), "-_8");
        // The last character of a text may not carry bits that nobody reads.
        assert!("-_9".parse::<Bytes>().is_err());
        assert!(Bytes::new(vec![0; MOST_BYTES]).is_ok() && Bytes::new(vec![0; 4097]).is_err());
        let challenge = Challenge::of([7; 32]);
        assert_eq!(challenge.to_string().parse(), Ok(challenge));
        assert!("AQID".parse::<Challenge>().is_err());
    }
}
