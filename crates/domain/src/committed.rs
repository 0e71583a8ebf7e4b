//! Personal and free text: the ledger holds a salted commitment, the text is disclosed apart.
//!
//! The rule is that of SD-JWT (RFC 9901, section 4.2): a disclosure is the base64url of the JSON
//! `[salt, path, value]`, and the commitment is the SHA-256 of the disclosure's text. Erasing the
//! disclosure erases the value; every proof stays valid. `apply` never reads a disclosure.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::canonical::{self, Digest, Unencodable};

/// A commitment to a value that is disclosed apart, or erased.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Committed<T> {
    #[serde(rename = "$sd")]
    commitment: Commitment,
    #[serde(skip)]
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Committed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Committed<T> {}

impl<T> PartialEq for Committed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.commitment == other.commitment
    }
}

impl<T> Eq for Committed<T> {}

impl<T> fmt::Debug for Committed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Committed({})", self.commitment)
    }
}

/// SHA-256 of a disclosure's text, as unpadded base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Commitment(Digest);

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> String {
        commitment.to_string()
    }
}

impl TryFrom<String> for Commitment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        URL_SAFE_NO_PAD
            .decode(&text)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(|bytes| Self(Digest::from_bytes(bytes)))
            .ok_or_else(|| "a commitment is the unpadded base64url of 32 bytes".to_owned())
    }
}

/// What opens a commitment. Its text holds the value: it is stored apart and erasable.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Disclosure(String);

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disclosure(..)")
    }
}

/// Why a disclosure does not open a commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotDisclosed(&'static str);

impl fmt::Display for NotDisclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotDisclosed {}

impl Disclosure {
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    pub fn as_text(&self) -> &str {
        &self.0
    }

    pub fn commitment(&self) -> Commitment {
        Commitment(Digest::of(self.0.as_bytes()))
    }
}

impl<T: Serialize + DeserializeOwned> Committed<T> {
    /// Commits to `value`. `salt` must be fresh and unpredictable: it is what keeps a short value
    /// from being guessed. `path` says what the value is, such as `justification`.
    pub fn seal(value: &T, path: &str, salt: [u8; 16]) -> Result<(Self, Disclosure), Unencodable> {
        let salted = (URL_SAFE_NO_PAD.encode(salt), path, value);
        let disclosure = Disclosure(URL_SAFE_NO_PAD.encode(canonical::bytes(&salted)?));
        let committed = Self { commitment: disclosure.commitment(), value: PhantomData };
        Ok((committed, disclosure))
    }

    /// The value, if `disclosure` is the one that was committed to.
    pub fn open(&self, disclosure: &Disclosure) -> Result<T, NotDisclosed> {
        if disclosure.commitment() != self.commitment {
            return Err(NotDisclosed("the disclosure is not the one that was committed to"));
        }
        let unreadable = NotDisclosed("the disclosure is not `[salt, path, value]`");
        let json = URL_SAFE_NO_PAD.decode(&disclosure.0).map_err(|_| unreadable.clone())?;
        let (_salt, _path, value): (String, String, T) =
            serde_json::from_slice(&json).map_err(|_| unreadable)?;
        Ok(value)
    }
}

impl<T> Committed<T> {
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_opens_with_its_own_disclosure_only() {
        let seal =
            |text: &str, salt| Committed::seal(&text.to_owned(), "justification", salt).unwrap();
        let (committed, disclosure) = seal("fix the pump", [7; 16]);
        assert_eq!(committed.open(&disclosure), Ok("fix the pump".to_owned()));
        let (other, other_disclosure) = seal("fix the pump", [8; 16]);
        assert_ne!(committed, other, "the salt hides equal values");
        assert!(committed.open(&other_disclosure).is_err());
        let json = serde_json::to_string(&committed).unwrap();
        assert!(!json.contains("pump"));
        assert_eq!(serde_json::from_str::<Committed<String>>(&json).unwrap(), committed);
        assert_eq!(format!("{disclosure:?}"), "Disclosure(..)");
    }

    #[test]
    fn the_form_of_a_disclosure_is_fixed() {
        let (committed, disclosure) = Committed::seal(&"x".to_owned(), "p", [0; 16]).unwrap();
        let json = URL_SAFE_NO_PAD.decode(disclosure.as_text()).unwrap();
        assert_eq!(json, br#"["AAAAAAAAAAAAAAAAAAAAAA","p","x"]"#);
        assert_eq!(
            committed.commitment().to_string(),
            "oFwh04iscr0kRefYfaT5DRpnnWFMnSO6UNGyCqrErEE"
        );
    }
}
