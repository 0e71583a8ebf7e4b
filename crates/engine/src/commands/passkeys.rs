//! Passkeys: offered by their holder, answered for by another one of theirs or by a second person, and
//! revoked. Signing an approval is in `step_up`, logging in by one in `login`.

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::id::{IdentityId, PasskeyId};
use placet_domain::identity::Identity;
use placet_domain::name::RpId;
use placet_domain::passkey::{self, Asserted, Assertion, By, Bytes, Challenge, Offered, Passkey};
use placet_ledger::assertion::{self, NotShown};
use serde::Deserialize;
use utoipa::ToSchema;

use super::text;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// The longest name of a passkey, in characters.
const LONGEST_NAME: usize = 64;

/// What a browser hands in when a passkey was made (Web Authentication, section 5.2.1).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MadePasskey {
    pub client_data_json: Bytes,
    pub attestation_object: Bytes,
}

/// What a browser hands in when a passkey has signed (section 5.2.2).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedByPasskey {
    pub credential_id: Bytes,
    pub authenticator_data: Bytes,
    pub client_data_json: Bytes,
    pub signature: Bytes,
    /// The holder, as the authenticator remembers them.
    pub user_handle: Option<Bytes>,
}

/// Somebody made a passkey, for this host and over this challenge.
#[derive(Clone, Debug)]
pub struct OfferPasskey {
    pub made: MadePasskey,
    /// As its holder calls it.
    pub name: String,
    pub rp: RpId,
    pub challenge: Challenge,
}

/// A second person says that an offered passkey is its holder's.
#[derive(Clone, Copy, Debug)]
pub struct VouchPasskey {
    pub passkey: PasskeyId,
}

/// The holder shows it with another passkey of theirs.
#[derive(Clone, Debug)]
pub struct ConfirmPasskey {
    pub passkey: PasskeyId,
    pub signed: SignedByPasskey,
}

/// It is good for nothing any more.
#[derive(Clone, Copy, Debug)]
pub struct RevokePasskey {
    pub passkey: PasskeyId,
}

#[async_trait::async_trait]
impl Command for OfferPasskey {
    type Output = PasskeyId;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<PasskeyId, Error> {
        let who = draft.someone()?;
        let holder = draft.person(who).await?;
        let MadePasskey { client_data_json, attestation_object } = &self.made;
        let made =
            assertion::read_made(&self.rp, self.challenge, client_data_json, attestation_object)
                .map_err(refused)?;
        let known =
            draft.engine.store.passkey_called(&made.credential_id, &mut draft.facts).await?;
        if known.is_some() {
            return Err(Refusal::AlreadyRegistered { what: "this passkey".to_owned() }.into());
        }
        let held = draft.engine.store.passkeys_of(who, draft.now, &mut draft.facts).await?;
        let passkey: PasskeyId = draft.engine.environment.id();
        let name = name(&self.name)?;
        let offered = Offered {
            passkey,
            holder: who,
            // Which session it is, `decide` takes from the actor, and the time from now.
            session: draft.session()?,
            credential_id: made.credential_id,
            public_key: made.public_key,
            rp: self.rp.clone(),
            name: draft.seal(&name, "passkey", who)?,
            challenge: Challenge::of(draft.engine.environment.random()),
            lapses_at: draft.now,
        };
        let actor = draft.actor;
        let command = passkey::Command::Offer { actor, holder: &holder, offered, held: held.len() };
        let events = passkey::decide(None, command, draft.now)?;
        draft.change(passkey, passkey, events);
        Ok(passkey)
    }
}

#[async_trait::async_trait]
impl Command for VouchPasskey {
    type Output = ();

    #[allow(clippy::redundant_closure)] // The variant by itself is of one lifetime.
    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.by_somebody(self.passkey, |by| passkey::Command::Vouch(by)).await
    }
}

#[async_trait::async_trait]
impl Command for ConfirmPasskey {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let (found, _, holder) = draft.passkey_and_people(self.passkey).await?;
        let challenge = found.offered.challenge;
        let (other, assertion) = draft.signed(&self.signed, challenge, &found.offered.rp).await?;
        let asserted = Asserted { passkey: &other, challenge, assertion };
        let actor = draft.actor;
        let command = passkey::Command::Confirm { actor, holder: &holder, asserted };
        let events = passkey::decide(Some(&found), command, draft.now)?;
        draft.change(self.passkey, self.passkey, events);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for RevokePasskey {
    type Output = ();

    #[allow(clippy::redundant_closure)] // As above.
    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.by_somebody(self.passkey, |by| passkey::Command::Revoke(by)).await
    }
}

fn refused(why: NotShown) -> Refusal {
    Refusal::PasskeyRefused { why: why.to_string() }
}

fn name(given: &str) -> Result<String, Refusal> {
    let given = text("name", given)?;
    if given.is_empty() {
        return Err(Refusal::EmptyText { what: "name".to_owned() });
    }
    if given.chars().count() > LONGEST_NAME {
        return Err(Refusal::TextTooLong { what: "name".to_owned(), limit: LONGEST_NAME });
    }
    Ok(given)
}

impl Engine {
    /// The challenge that a browser says it answers: by it a door finds what it began. Nothing is
    /// believed of it before it is checked.
    pub fn challenge_in(&self, client_data_json: &Bytes) -> Result<Challenge, Refusal> {
        assertion::challenge_in(client_data_json).map_err(refused)
    }

    /// The algorithms that are taken, by their numbers (COSE), the first one preferred.
    pub fn passkey_algorithms(&self) -> &'static [i64] {
        &assertion::ALGORITHMS
    }
}

impl Draft<'_> {
    pub(super) async fn person(&mut self, id: IdentityId) -> Result<Identity, Error> {
        let found = self.engine.store.load::<Identity>(id, &mut self.facts).await?;
        Ok(found.ok_or(Refusal::UnknownIdentity { given: id.to_string() })?)
    }

    /// A passkey, who acts on it, and whose it is. That of somebody else is not known to one who could
    /// not answer for it; that is decided with it.
    async fn passkey_and_people(
        &mut self,
        id: PasskeyId,
    ) -> Result<(Passkey, Identity, Identity), Error> {
        let who = self.someone()?;
        let found = self.engine.store.load::<Passkey>(id, &mut self.facts).await?;
        let found = found.ok_or(Refusal::UnknownPasskey { given: id.to_string() })?;
        let person = self.person(who).await?;
        let holder = self.person(found.offered.holder).await?;
        Ok((found, person, holder))
    }

    /// What somebody does about a passkey in their own name.
    async fn by_somebody(
        &mut self,
        id: PasskeyId,
        command: fn(By<'_>) -> passkey::Command<'_>,
    ) -> Result<(), Error> {
        let (found, person, holder) = self.passkey_and_people(id).await?;
        let may = self.may(Deed::VouchPasskey).await?;
        let by = By { actor: self.actor, person: &person, holder: &holder, may: &may };
        let events = passkey::decide(Some(&found), command(by), self.now)?;
        self.change(id, id, events);
        Ok(())
    }

    /// Checks what a passkey of this host signed, from the bytes alone. Whose it is, and whether it
    /// counts, is decided elsewhere. One of a host that Placet had before signs no more: nobody knows
    /// whose that host is now.
    pub(super) async fn signed(
        &mut self,
        signed: &SignedByPasskey,
        challenge: Challenge,
        rp: &RpId,
    ) -> Result<(Passkey, Assertion), Error> {
        let SignedByPasskey { credential_id, user_handle, .. } = signed;
        let found = self.engine.store.passkey_called(credential_id, &mut self.facts).await?;
        let unknown = || Refusal::PasskeyRefused { why: "it is not known here".to_owned() };
        let found = found.filter(|one| one.offered.rp == *rp).ok_or_else(unknown)?;
        let offered = &found.offered;
        // An authenticator that remembers somebody else answers for somebody else.
        let handle = offered.holder.to_string();
        if user_handle.as_ref().is_some_and(|one| one.as_slice() != handle.as_bytes()) {
            return Err(unknown().into());
        }
        let assertion = Assertion {
            passkey: offered.passkey,
            authenticator_data: signed.authenticator_data.clone(),
            client_data_json: signed.client_data_json.clone(),
            signature: signed.signature.clone(),
        };
        assertion::verify(&offered.public_key, &offered.rp, challenge, &assertion)
            .map_err(refused)?;
        Ok((found, assertion))
    }
}
