//! Canonical bytes and digests: the one place that decides how a value becomes bytes.
//!
//! Writers emit RFC 8785 (JCS) JSON once. Verifiers hash the stored bytes as they are and never
//! encode again. Floats do not occur; integers stay below 2^53, larger ones are texts.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve hex digits: enough for people to compare, never to decide.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
        let mut text = [0u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(&self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableDigest(pub String);

impl fmt::Display for UnreadableDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a digest of 64 lower-case hex digits", self.0)
    }
}

impl std::error::Error for UnreadableDigest {}

impl FromStr for Digest {
    type Err = UnreadableDigest;

    fn from_str(text: &str) -> Result<Self, UnreadableDigest> {
        let unreadable = || UnreadableDigest(text.chars().take(64).collect());
        if text.len() != 64 {
            return Err(unreadable());
        }
        let half = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else { return Err(unreadable()) };
            let (high, low) = (half(high), half(low));
            *byte = high.zip(low).map(|(high, low)| high << 4 | low).ok_or_else(unreadable)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

/// Reads what is written as a text, without a copy of the text.
pub(crate) fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: Deserializer<'de>,
{
    struct Text<T>(std::marker::PhantomData<T>);

    impl<T: FromStr> Visitor<'_> for Text<T>
    where
        T::Err: fmt::Display,
    {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(std::marker::PhantomData))
}

/// A value that JSON cannot carry; none of ours is such a value.
#[derive(Debug)]
pub struct Unencodable(pub String);

impl fmt::Display for Unencodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value has no canonical form: {}", self.0)
    }
}

impl std::error::Error for Unencodable {}

/// The canonical bytes of a value (RFC 8785).
pub fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, Unencodable> {
    serde_json_canonicalizer::to_vec(value).map_err(|e| Unencodable(e.to_string()))
}

/// The canonical form of a value as text.
pub fn text<T: Serialize>(value: &T) -> Result<String, Unencodable> {
    serde_json_canonicalizer::to_string(value).map_err(|e| Unencodable(e.to_string()))
}

/// Reads a variant that has no fields; serde by itself reads over whatever stands beside its tag.
pub(crate) fn no_fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}

/// The digest of a value's canonical bytes.
pub fn digest<T: Serialize>(value: &T) -> Result<Digest, Unencodable> {
    bytes(value).map(|bytes| Digest::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form_sorts_keys_and_keeps_values() {
        let value = serde_json::json!({"b": 1, "a": {"z": [true, null], "é": "ü"}});
        assert_eq!(text(&value).unwrap(), r#"{"a":{"z":[true,null],"é":"ü"},"b":1}"#);
    }

    #[test]
    fn digests_print_and_parse() {
        let digest = Digest::of(b"");
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest.to_string(), hex);
        assert_eq!(hex.parse(), Ok(digest));
        assert!(hex.to_uppercase().parse::<Digest>().is_err());
        assert!(hex[1..].parse::<Digest>().is_err());
    }
}
