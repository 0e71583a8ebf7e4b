//! Passkeys, as their holder sees them, and those for which somebody may answer.

use std::collections::BTreeSet;

use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::id::{IdentityId, PasskeyId};
use placet_domain::name::RpId;
use placet_domain::passkey::{Backing, Bytes, Challenge, Passkey, State};
use placet_domain::{Refusal, Timestamp};
use placet_store::{Facts, Wanted};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Names, Page, Who};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// A passkey: whose it is, and who or what answers for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PasskeyView {
    pub id: PasskeyId,
    pub holder: Who,
    /// As its holder calls it; none once it was erased.
    pub name: Option<String>,
    /// `offered`, `lapsed`, `enrolled` or `revoked`.
    pub state: &'static str,
    /// What two people compare who talk to each other: the SHA-256 of its public key.
    pub fingerprint: Digest,
    pub offered_at: Timestamp,
    /// Until when somebody has to answer for it.
    pub lapses_at: Option<Timestamp>,
    pub enrolled_at: Option<Timestamp>,
    /// The second person who vouched for it.
    pub vouched_by: Option<Who>,
    /// The other passkey of its holder that answers for it.
    pub confirmed_by: Option<PasskeyId>,
    pub revoked_at: Option<Timestamp>,
}

/// What answers for an offered passkey, for its holder alone: what is to be signed, by which others.
#[derive(Clone, Debug)]
pub struct ToConfirm {
    pub challenge: Challenge,
    pub credentials: Vec<Bytes>,
}

/// Whose passkeys somebody may answer for.
enum Whose {
    Everybodys,
    /// Those of whom they manage.
    Managed,
}

struct MayVouch;

#[async_trait::async_trait]
impl Command for MayVouch {
    type Output = Whose;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Whose, Error> {
        let may = draft.may(Deed::VouchPasskey).await;
        // What was only looked at leaves no record.
        draft.commit.records.clear();
        Ok(if may?.permit { Whose::Everybodys } else { Whose::Managed })
    }
}

impl Engine {
    /// The actor's own passkeys, those that are over too.
    pub async fn passkeys(&self, actor: Actor, page: &Page) -> Result<Vec<PasskeyView>, Error> {
        let who = actor.identity().ok_or(Refusal::NotAuthenticated {})?;
        self.passkey_views(self.store.passkeys(who, &page.into()).await?).await
    }

    /// Offered passkeys of others that wait for somebody like the actor to answer for them.
    pub async fn passkeys_to_vouch(
        &self,
        actor: Actor,
        page: &Page,
    ) -> Result<Vec<PasskeyView>, Error> {
        let who = actor.identity().ok_or(Refusal::NotAuthenticated {})?;
        let manager = match self.run(actor, &MayVouch).await? {
            Whose::Everybodys => None,
            Whose::Managed => Some(who),
        };
        let found =
            self.store.offered_passkeys(who, manager, self.clock.now(), &page.into()).await?;
        self.passkey_views(found).await
    }

    /// One passkey of the actor's own.
    pub async fn passkey(&self, actor: Actor, id: PasskeyId) -> Result<PasskeyView, Error> {
        let found = self.own_passkey(actor, id).await?;
        let unknown = || Refusal::UnknownPasskey { given: id.to_string() };
        Ok(self.passkey_views(vec![found]).await?.pop().ok_or_else(unknown)?)
    }

    /// With what the actor can answer for an offered passkey of theirs; refused where they have no
    /// other one for this host.
    pub async fn passkey_to_confirm(
        &self,
        actor: Actor,
        id: PasskeyId,
        rp: &RpId,
    ) -> Result<ToConfirm, Error> {
        let found = self.own_passkey(actor, id).await?;
        let now = self.clock.now();
        if found.state_at(now) != State::Offered {
            let state = found.state_at(now).as_str();
            return Err(Refusal::PasskeyOver { passkey: id.to_string(), state }.into());
        }
        let holder = found.offered.holder;
        let credentials = self.passkeys_for(holder, Some(rp)).await?;
        if credentials.is_empty() {
            return Err(Refusal::NoPasskey {}.into());
        }
        Ok(ToConfirm { challenge: found.offered.challenge, credentials })
    }

    /// What authenticators know of somebody's passkeys: of those that can sign for a host, or, to make
    /// none twice, of all that are not over.
    pub async fn passkeys_for(
        &self,
        holder: IdentityId,
        signing: Option<&RpId>,
    ) -> Result<Vec<Bytes>, Error> {
        let held = self.store.passkeys_of(holder, self.clock.now(), &mut Facts::default()).await?;
        let fits =
            |one: &Passkey| signing.is_none_or(|rp| one.is_enrolled() && one.offered.rp == *rp);
        Ok(held.into_iter().filter(fits).map(|one| one.offered.credential_id).collect())
    }

    async fn own_passkey(&self, actor: Actor, id: PasskeyId) -> Result<Passkey, Error> {
        let who = actor.identity().ok_or(Refusal::NotAuthenticated {})?;
        let found = self.store.load::<Passkey>(id, &mut Facts::default()).await?;
        let found = found.filter(|one| one.offered.holder == who);
        Ok(found.ok_or(Refusal::UnknownPasskey { given: id.to_string() })?)
    }

    async fn passkey_views(&self, found: Vec<Passkey>) -> Result<Vec<PasskeyView>, Error> {
        let mut wanted = Wanted::default();
        let mut people = BTreeSet::new();
        for one in &found {
            people.insert(one.offered.holder);
            people.extend(vouched(one));
            wanted.texts.insert(one.offered.name.commitment());
        }
        wanted.people = people;
        let names = self.named(wanted).await?;
        let now = self.clock.now();
        found.into_iter().map(|one| view(&one, &names, now)).collect()
    }
}

fn vouched(one: &Passkey) -> Option<IdentityId> {
    match &one.backing {
        Some(Backing::Person { who, .. }) => Some(*who),
        _ => None,
    }
}

fn view(one: &Passkey, names: &Names, now: Timestamp) -> Result<PasskeyView, Error> {
    let state = one.state_at(now);
    let confirmed_by = match &one.backing {
        Some(Backing::Passkey { assertion }) => Some(assertion.passkey),
        _ => None,
    };
    Ok(PasskeyView {
        id: one.offered.passkey,
        holder: names.who(one.offered.holder),
        name: names.text(&one.offered.name)?,
        state: state.as_str(),
        fingerprint: one.offered.fingerprint(),
        offered_at: one.offered_at,
        lapses_at: (state == State::Offered).then_some(one.offered.lapses_at),
        enrolled_at: one.enrolled_at,
        vouched_by: vouched(one).map(|id| names.who(id)),
        confirmed_by,
        revoked_at: one.revoked_at,
    })
}
