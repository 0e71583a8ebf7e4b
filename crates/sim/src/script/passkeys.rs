//! Sentences about passkeys: `olga offers a passkey` (`another passkey`), `adam vouches for k1`,
//! `olga confirms k2 with k1`, `olga signs 1 with k1`, `olga revokes k1`. The authenticators are of
//! software; each passkey has one of its own.

#[path = "../../../ledger/tests/ledger/authenticator.rs"]
mod authenticator;

use placet_domain::id::{PasskeyId, Stream};
use placet_domain::passkey::{Bytes, Challenge};
use placet_engine::commands::passkeys::{
    ConfirmPasskey, MadePasskey, OfferPasskey, RevokePasskey, SignedByPasskey, VouchPasskey,
};
use placet_engine::commands::step_up::{ApproveSigned, OpenStepUp};

use self::authenticator::Authenticator;
use super::{Done, Story};

/// The authenticators, in the order in which passkeys were offered.
#[derive(Debug, Default)]
pub(super) struct Devices(Vec<Device>);

/// It signs for whoever has it in hand.
#[derive(Debug)]
struct Device(u8);

impl Device {
    fn authenticator(&self) -> Authenticator {
        Authenticator::new(self.0)
    }
}

const HOST: &str = "placet.example.org";

fn bytes(of: Vec<u8>) -> Result<Bytes, String> {
    Bytes::new(of).map_err(|why| why.to_string())
}

fn signed(by: &Authenticator, challenge: Challenge) -> Result<SignedByPasskey, String> {
    let signed = by.signed(challenge);
    Ok(SignedByPasskey {
        credential_id: bytes(by.id.clone())?,
        authenticator_data: bytes(signed.authenticator_data)?,
        client_data_json: bytes(signed.client_data)?,
        signature: bytes(signed.signature)?,
        user_handle: None,
    })
}

impl Story {
    pub(super) async fn uses_passkeys(&mut self, words: &[&str]) -> Result<Option<Done>, String> {
        let rp = HOST.parse().map_err(|_| "no host")?;
        let done = match words {
            [who, "offers", "a" | "another", "passkey"] => {
                let seed = u8::try_from(self.devices.0.len()).map_err(|e| e.to_string())?;
                let device = Device(seed.saturating_add(1));
                let challenge = Challenge::of([device.0; 32]);
                let (client, object) = device.authenticator().made(challenge);
                let made = MadePasskey {
                    client_data_json: bytes(client)?,
                    attestation_object: bytes(object)?,
                };
                self.devices.0.push(device);
                let offer = OfferPasskey { made, name: "a passkey".to_owned(), rp, challenge };
                self.world.by(who, &offer).await.map(drop)
            }
            [who, "vouches", "for", key] => {
                let passkey = self.passkey(key)?;
                self.world.by(who, &VouchPasskey { passkey }).await
            }
            [who, "confirms", key, "with", other] if key.starts_with('k') => {
                let passkey = self.passkey(key)?;
                let found = self.checkers.book.passkey(passkey).ok_or("no such passkey")?;
                let signed = signed(&self.device(other)?, found.offered.challenge)?;
                self.world.by(who, &ConfirmPasskey { passkey, signed }).await
            }
            [who, "signs", id, "with", key] => {
                let approve = self.approval(id, false)?;
                let by = self.device(key)?;
                let (request, digest) = (approve.request, approve.digest);
                let open = OpenStepUp { request, digest, rp };
                match self.world.by(who, &open).await {
                    Err(broken) => Err(broken),
                    Ok(to) => {
                        let signed = signed(&by, to.challenge)?;
                        let rp = HOST.parse().map_err(|_| "no host")?;
                        self.world.by(who, &ApproveSigned { approve, signed, rp }).await.map(drop)
                    }
                }
            }
            [who, "revokes", key] if key.starts_with('k') => {
                let passkey = self.passkey(key)?;
                self.world.by(who, &RevokePasskey { passkey }).await
            }
            _ => return Ok(None),
        };
        Ok(Some(done))
    }

    fn passkey(&self, name: &str) -> Result<PasskeyId, String> {
        match self.short.iter().find(|(_, short)| *short == name).map(|(stream, _)| stream) {
            Some(Stream::Passkey(id)) => Ok(*id),
            _ => Err(format!("no passkey is called `{name}` yet")),
        }
    }

    fn device(&self, name: &str) -> Result<Authenticator, String> {
        let nth = name.trim_start_matches('k').parse::<usize>().map_err(|e| e.to_string())?;
        let device = nth.checked_sub(1).and_then(|nth| self.devices.0.get(nth));
        Ok(device.ok_or("nobody offered that passkey")?.authenticator())
    }
}
