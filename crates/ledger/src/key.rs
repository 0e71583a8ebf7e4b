//! The key that signs a log, and the key that others check it with.
//!
//! Both have the text forms of C2SP `signed-note` (Ed25519). Where a key is kept, and who may read
//! it, is decided elsewhere.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use signed_note::{Signer, StandardVerifier, Verifier};

use crate::error::Error;

/// The signature algorithm byte of C2SP `signed-note` for Ed25519.
const ED25519: u8 = 1;

/// The private key of a log. It never prints itself, and its bytes are wiped when it is dropped.
pub struct LogKey {
    name: String,
    id: u32,
    key: SigningKey,
}

impl LogKey {
    /// The key of the log `name` (its origin). `seed` must be unpredictable, and is the secret.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        if !signed_note::is_key_name_valid(name) || name.chars().any(char::is_control) {
            let why = "the name of a log has no blanks and no `+`, and is not empty".to_owned();
            return Err(Error::Key { why });
        }
        let key = SigningKey::from_bytes(seed);
        let mut public = vec![ED25519];
        public.extend(key.verifying_key().to_bytes());
        Ok(Self { name: name.to_owned(), id: signed_note::key_id(name, &public), key })
    }

    /// The origin of the log that this key signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn verifier(&self) -> VerifierKey {
        let text = signed_note::new_ed25519_verifier_key(&self.name, &self.key.verifying_key());
        VerifierKey { name: self.name.clone(), id: self.id, key: self.key.verifying_key(), text }
    }

    /// The private key text (`PRIVATE+KEY+...`), for a file that only its owner can read.
    pub fn to_private_text(&self) -> String {
        let mut private = vec![ED25519];
        private.extend(self.key.as_bytes());
        format!("PRIVATE+KEY+{}+{:08x}+{}", self.name, self.id, STANDARD.encode(private))
    }

    /// Reads a private key text. No error quotes any of it.
    pub fn from_private_text(text: &str) -> Result<Self, Error> {
        let unreadable = || Error::Key { why: "this is not a private key text".to_owned() };
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or_else(unreadable)?;
        let (name, rest) = rest.split_once('+').ok_or_else(unreadable)?;
        let (id, private) = rest.split_once('+').ok_or_else(unreadable)?;
        let private = STANDARD.decode(private).map_err(|_| unreadable())?;
        let seed = private.strip_prefix(&[ED25519]).ok_or_else(unreadable)?;
        let seed: &[u8; 32] = seed.try_into().map_err(|_| unreadable())?;
        let key = Self::from_seed(name, seed)?;
        if id == format!("{:08x}", key.id) { Ok(key) } else { Err(unreadable()) }
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({}, ..)", self.name)
    }
}

impl Signer for LogKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.key.try_sign(message)?.to_bytes().to_vec())
    }
}

/// The public key that a log is checked with, as C2SP verifier key text (`name+id+key`).
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: ed25519_dalek::VerifyingKey,
    text: String,
}

impl VerifierKey {
    /// The origin of the log that this key belongs to.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let unreadable = |why: &str| {
            let given: String = text.chars().take(120).collect();
            Error::Key { why: format!("`{given}` {why}") }
        };
        let known = StandardVerifier::new(text).map_err(|e| unreadable(&format!("is a {e}")))?;
        // A name has no `+`, but the base64 of the key may.
        let public = text.splitn(3, '+').nth(2).and_then(|key| STANDARD.decode(key).ok());
        let key = public
            .as_deref()
            .and_then(|public| public.strip_prefix(&[ED25519]))
            .and_then(|bytes| <&[u8; 32]>::try_from(bytes).ok())
            .and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).ok())
            .ok_or_else(|| unreadable("is not an Ed25519 verifier key"))?;
        let canonical = signed_note::new_ed25519_verifier_key(known.name(), &key);
        if canonical != text {
            return Err(unreadable("is not written in the one form that is read"));
        }
        Ok(Self { name: known.name().to_owned(), id: known.key_id(), key, text: canonical })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Verifier for VerifierKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    /// Strict: weak keys and second spellings of a signature are refused.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return false };
        self.key.verify_strict(message, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A third of all keys have a `+` in their base64, the character that also parts the text.
    #[test]
    fn every_key_survives_its_texts() {
        for seed in 0..=255 {
            let key = LogKey::from_seed("placet.test/log", &[seed; 32]).unwrap();
            assert_eq!(key.verifier().to_string().parse(), Ok(key.verifier()), "seed {seed}");
            let again = LogKey::from_private_text(&key.to_private_text()).unwrap();
            assert_eq!(again.verifier(), key.verifier(), "seed {seed}");
        }
    }

    #[test]
    fn a_key_survives_its_text_and_never_prints_itself() {
        let key = LogKey::from_seed("placet.test/log", &[7; 32]).unwrap();
        let text = key.to_private_text();
        let again = LogKey::from_private_text(&format!("{text}\n")).unwrap();
        assert_eq!(again.verifier(), key.verifier());
        assert_eq!(format!("{key:?}"), "LogKey(placet.test/log, ..)");
        assert_eq!(key.verifier().to_string().parse(), Ok(key.verifier()));
        // The library's own reader takes both texts.
        assert!(signed_note::StandardSigner::new(&text).is_ok());
        for broken in ["", "PRIVATE+KEY+x", &text[1..], &text.replace("log+", "lag+")] {
            let error = LogKey::from_private_text(broken).unwrap_err().to_string();
            assert!(!error.contains(&STANDARD.encode([7; 8])[..8]), "{error}");
        }
    }

    #[test]
    fn names_that_a_note_cannot_carry_are_refused() {
        for name in ["", "two words", "a+b", "a\nb"] {
            assert!(LogKey::from_seed(name, &[0; 32]).is_err(), "{name}");
        }
        for text in ["", "a+b", "log+00000000+AAAA", "log+zz+AA=="] {
            assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        }
    }
}
