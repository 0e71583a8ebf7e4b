//! Checkpoints: a signed head of the log (C2SP `tlog-checkpoint` in a `signed-note`).

use placet_domain::canonical::Digest;
use serde::Serialize;
use signed_note::{Note, VerifierList};
use tlog_tiles::Hash;

use crate::error::Error;
use crate::key::{LogKey, VerifierKey};

/// The largest tree that is signed or believed: every index stays an exact JSON number.
pub const LARGEST: u64 = 1 << 53;

/// A tree: how many entries, and the root over them (RFC 6962). Proves nothing by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub size: u64,
    pub root: Digest,
}

impl Head {
    /// The tree without entries; every tree grows from it.
    pub fn empty() -> Self {
        Self { size: 0, root: Digest::of(b"") }
    }

    pub(crate) fn hash(&self) -> Hash {
        Hash(*self.root.as_bytes())
    }
}

/// What a signed checkpoint says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Digest,
}

impl Checkpoint {
    pub fn head(&self) -> Head {
        Head { size: self.size, root: self.root }
    }

    /// Signs a head; the answer is the text of the note.
    pub fn sign(key: &LogKey, head: Head) -> Result<String, Error> {
        let refused = |why: &str| Error::Checkpoint { why: why.to_owned() };
        if head.size > LARGEST {
            return Err(refused("it is larger than any tree can be"));
        }
        let body = tlog_tiles::Checkpoint::new(key.name(), head.size, head.hash(), "")
            .map_err(|_| refused("the origin is empty"))?
            .to_bytes();
        let signed = Note::new(&body, &[]).and_then(|mut note| {
            note.add_sigs(&[key])?;
            Ok(note.to_bytes())
        });
        let signed = signed.map_err(|e| refused(&format!("it could not be signed: {e}")))?;
        String::from_utf8(signed).map_err(|_| refused("it is not UTF-8"))
    }

    /// Reads a checkpoint that `key` signed. Signatures of others are ignored, as a key that is
    /// being rotated in and every witness needs; a signature by `key` that is wrong is refused.
    pub fn open(text: &str, key: &VerifierKey) -> Result<Self, Error> {
        let refused = |why: String| Error::Checkpoint { why };
        let note = Note::from_bytes(text.as_bytes())
            .map_err(|_| refused("it is not a signed note".to_owned()))?;
        note.verify(&VerifierList::new(vec![Box::new(key.clone())])).map_err(|e| {
            let name = key.name();
            refused(match e {
                signed_note::NoteError::UnverifiedNote => {
                    format!("the given key of `{name}` did not sign it")
                }
                _ => format!("the signature of `{name}` is wrong"),
            })
        })?;
        let body = tlog_tiles::Checkpoint::from_bytes(note.text())
            .map_err(|_| refused("the signed text is not a checkpoint".to_owned()))?;
        if body.origin() != key.name() {
            return Err(refused(format!("it is of another log, not of `{}`", key.name())));
        }
        if body.size() > LARGEST {
            return Err(refused("it is larger than any tree can be".to_owned()));
        }
        let root = Digest::from_bytes(body.hash().0);
        Ok(Self { origin: body.origin().to_owned(), size: body.size(), root })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> LogKey {
        LogKey::from_seed("placet.test/log", &[seed; 32]).unwrap()
    }

    #[test]
    fn a_checkpoint_opens_with_its_own_key_only() {
        let head = Head { size: 70_000, root: Digest::of(b"root") };
        let text = Checkpoint::sign(&key(1), head).unwrap();
        let open = |text: &str, key: &LogKey| Checkpoint::open(text, &key.verifier());
        assert_eq!(open(&text, &key(1)).unwrap().head(), head);
        assert!(open(&text, &key(2)).unwrap_err().to_string().contains("did not sign it"));
        let other = LogKey::from_seed("placet.test/other", &[1; 32]).unwrap();
        assert!(open(&text, &other).is_err());
        // A signature by an unknown key is ignored; a wrong one by the known key is not.
        let cosigned = Checkpoint::sign(&key(2), head).unwrap();
        let extra = cosigned.lines().last().unwrap();
        assert!(open(&format!("{text}{extra}\n"), &key(1)).is_ok());
        let moved = text.replace("70000", "70001");
        assert!(open(&moved, &key(1)).unwrap_err().to_string().contains("is wrong"));
    }

    #[test]
    fn a_checkpoint_of_another_log_is_refused_even_if_the_key_signed_it() {
        let body = tlog_tiles::Checkpoint::new("placet.test/other", 1, Hash([1; 32]), "").unwrap();
        let mut note = Note::new(&body.to_bytes(), &[]).unwrap();
        note.add_sigs(&[&key(1)]).unwrap();
        let text = String::from_utf8(note.to_bytes()).unwrap();
        let refused = Checkpoint::open(&text, &key(1).verifier()).unwrap_err();
        assert!(refused.to_string().contains("it is of another log"), "{refused}");
    }

    #[test]
    fn no_single_byte_can_change() {
        let head = Head { size: 12, root: Digest::of(b"root") };
        let text = Checkpoint::sign(&key(1), head).unwrap();
        for at in 0..text.len() {
            for pattern in [0x01, 0x20, 0xff] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= pattern;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                assert!(Checkpoint::open(&text, &key(1).verifier()).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let head = Head { size: LARGEST + 1, root: Digest::of(b"") };
        assert!(Checkpoint::sign(&key(1), head).is_err());
    }
}
