//! An authenticator in software: it makes passkeys and signs with them, honestly or not.

// Each test crate that takes this file in needs another part of it, and a test may stop loudly.
#![allow(dead_code, clippy::unwrap_used)]

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use placet_domain::canonical::Digest;
use placet_domain::passkey::Challenge;

/// One passkey, and what its browser and its maker say. Tests change what they lie about.
#[derive(Clone)]
pub struct Authenticator {
    pub key: SigningKey,
    pub id: Vec<u8>,
    pub rp: String,
    pub origin: String,
    /// That somebody was there (1), and that it was made sure who (4).
    pub flags: u8,
    pub cross_origin: bool,
    /// Another type of ceremony than the right one.
    pub r#type: Option<&'static str>,
}

/// What a browser hands in after a signature.
#[derive(Clone)]
pub struct Signed {
    pub authenticator_data: Vec<u8>,
    pub client_data: Vec<u8>,
    pub signature: Vec<u8>,
}

impl Authenticator {
    pub fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).unwrap();
        Self {
            key,
            id: vec![seed; 16],
            rp: "placet.example.org".to_owned(),
            origin: "https://placet.example.org".to_owned(),
            flags: 5,
            cross_origin: false,
            r#type: None,
        }
    }

    /// On another host.
    pub fn at(self, rp: &str, origin: &str) -> Self {
        Self { rp: rp.to_owned(), origin: origin.to_owned(), ..self }
    }

    fn client_data(&self, usual: &str, challenge: Challenge) -> Vec<u8> {
        let (r#type, origin, cross) =
            (self.r#type.unwrap_or(usual), &self.origin, self.cross_origin);
        format!(
            r#"{{"type":"{type}","challenge":"{challenge}","origin":"{origin}","crossOrigin":{cross}}}"#
        )
        .into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut out = Digest::of(self.rp.as_bytes()).as_bytes().to_vec();
        out.push(flags);
        out.extend([0; 4]);
        out
    }

    /// The public half, as a COSE key.
    pub fn public(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        let (x, y) = (point.x().unwrap(), point.y().unwrap());
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let mut out = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        out.extend(x);
        out.extend([0x22, 0x58, 0x20]);
        out.extend(y);
        out
    }

    /// What is handed in when it was made: the browser's words and the attestation object.
    pub fn made(&self, challenge: Challenge) -> (Vec<u8>, Vec<u8>) {
        let mut data = self.data(self.flags | 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.public());
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        (self.client_data("webauthn.create", challenge), object)
    }

    pub fn signed(&self, challenge: Challenge) -> Signed {
        let client_data = self.client_data("webauthn.get", challenge);
        let authenticator_data = self.data(self.flags);
        let message = [&*authenticator_data, Digest::of(&client_data).as_bytes()].concat();
        let signature: Signature = self.key.sign(&message);
        let signature = signature.to_der().as_bytes().to_vec();
        Signed { authenticator_data, client_data, signature }
    }
}
