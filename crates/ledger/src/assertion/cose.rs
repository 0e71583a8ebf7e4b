//! The CBOR in which authenticators speak: public keys (COSE, RFC 9052 and 9053), and the object that
//! they come in.

use std::collections::BTreeMap;

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};
use p256::ecdsa::signature::Verifier as _;
use rsa::sha2::Sha256;

use super::NotShown;

/// The algorithms that are taken, as a browser is told, the first one preferred: ECDSA on P-256,
/// Ed25519, and RSA with PKCS #1 v1.5 (the authenticators of older machines), each with SHA-256.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// A modulus of fewer bits can be taken apart.
const LEAST_RSA_BYTES: usize = 256;

const NO_KEY: NotShown =
    NotShown("its public key cannot be read, or is of a kind that is not taken");
const NO_OBJECT: NotShown = NotShown("what the authenticator made cannot be read");
const NOT_SIGNED: NotShown = NotShown("the signature is not of this passkey");

/// The parts of a key that anybody here reads: numbers and bytes by their labels.
enum Part<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

/// A key to check signatures with.
pub(super) enum PublicKey {
    Es256(Box<p256::ecdsa::VerifyingKey>),
    EdDsa(Box<ed25519_dalek::VerifyingKey>),
    Rs256(Box<rsa::pkcs1v15::VerifyingKey<Sha256>>),
}

/// The parts of a map, and how many bytes it takes.
fn parts(bytes: &[u8]) -> Result<(BTreeMap<i64, Part<'_>>, usize), Error> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.map()?.ok_or(Error::message("a map without an end"))?;
    let mut parts = BTreeMap::new();
    for _ in 0..count {
        let label = decoder.i64()?;
        let part = match decoder.datatype()? {
            Type::Bytes => Some(Part::Bytes(decoder.bytes()?)),
            Type::U8 | Type::U16 | Type::U32 | Type::I8 | Type::I16 | Type::I32 => {
                Some(Part::Number(decoder.i64()?))
            }
            _ => {
                decoder.skip()?;
                None
            }
        };
        if part.is_some_and(|part| parts.insert(label, part).is_some()) {
            return Err(Error::message("a label stands there twice"));
        }
    }
    Ok((parts, decoder.position()))
}

/// The key that stands at the beginning, and what comes after it.
pub(super) fn split_key(bytes: &[u8]) -> Result<(&[u8], &[u8]), NotShown> {
    let (_, length) = parts(bytes).map_err(|_| NO_KEY)?;
    bytes.split_at_checked(length).ok_or(NO_KEY)
}

/// The data of the authenticator in an attestation object (section 6.5.4). What else is in it is of the
/// maker, and is not looked at.
pub(super) fn authenticator_data(object: &[u8]) -> Result<&[u8], NotShown> {
    let read = || -> Result<Option<&[u8]>, Error> {
        let mut decoder = Decoder::new(object);
        let count = decoder.map()?.ok_or(Error::message("a map without an end"))?;
        let mut found = None;
        for _ in 0..count {
            match decoder.str()? {
                "authData" => found = Some(decoder.bytes()?),
                _ => decoder.skip()?,
            }
        }
        Ok(found)
    };
    read().ok().flatten().ok_or(NO_OBJECT)
}

impl PublicKey {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NotShown> {
        let (parts, length) = parts(bytes).map_err(|_| NO_KEY)?;
        if length != bytes.len() {
            return Err(NO_KEY);
        }
        let number = |label: i64| match parts.get(&label) {
            Some(Part::Number(number)) => Some(*number),
            _ => None,
        };
        let part = |label: i64| match parts.get(&label) {
            Some(Part::Bytes(bytes)) => Ok(*bytes),
            _ => Err(NO_KEY),
        };
        // The type of the key, its algorithm and its curve have to fit together.
        match (number(1), number(3), number(-1)) {
            (Some(2), Some(ES256), Some(1)) => {
                let (x, y) = (part(-2)?, part(-3)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(NO_KEY);
                }
                let point = [&[4], x, y].concat();
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point);
                Ok(Self::Es256(Box::new(key.map_err(|_| NO_KEY)?)))
            }
            (Some(1), Some(EDDSA), Some(6)) => {
                let x = <[u8; 32]>::try_from(part(-2)?).map_err(|_| NO_KEY)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&x).map_err(|_| NO_KEY)?;
                Ok(Self::EdDsa(Box::new(key)))
            }
            (Some(3), Some(RS256), _) => {
                let (n, e) = (part(-1)?, part(-2)?);
                if n.len() < LEAST_RSA_BYTES {
                    return Err(NO_KEY);
                }
                let whole = rsa::BigUint::from_bytes_be;
                let key = rsa::RsaPublicKey::new(whole(n), whole(e)).map_err(|_| NO_KEY)?;
                Ok(Self::Rs256(Box::new(rsa::pkcs1v15::VerifyingKey::new(key))))
            }
            _ => Err(NO_KEY),
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), NotShown> {
        let verified = match self {
            Self::Es256(key) => p256::ecdsa::Signature::from_der(signature)
                .and_then(|signature| key.verify(message, &signature))
                .is_ok(),
            // Strict: weak keys and second spellings of a signature are refused.
            Self::EdDsa(key) => ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| key.verify_strict(message, &signature))
                .is_ok(),
            Self::Rs256(key) => rsa::pkcs1v15::Signature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        };
        if verified { Ok(()) } else { Err(NOT_SIGNED) }
    }
}
