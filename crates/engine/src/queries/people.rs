//! Who I am, and who there is.

use std::collections::BTreeSet;

use placet_domain::access::Scope;
use placet_domain::actor::Actor;
use placet_domain::id::IdentityId;
use placet_domain::identity::{Identity, Nature};
use placet_domain::name::TeamName;
use placet_domain::organisation::TELL_SECONDS;
use placet_domain::{Refusal, Timestamp};
use placet_store::Facts;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Names, Page, Who};
use crate::Engine;
use crate::error::Error;

/// The one who asks, and what they may read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MeView {
    pub who: Who,
    pub kind: &'static str,
    /// `session` (may decide) or `token` (may ask, read and give back).
    pub by: &'static str,
    pub teams: BTreeSet<TeamName>,
    pub reads: Vec<&'static str>,
    /// That people were let in by the log's key, for a week after it happened.
    pub recovered: Option<RecoveredView>,
}

/// A recovery, told to everybody who logs in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecoveredView {
    pub at: Timestamp,
    pub people: Vec<Who>,
    /// No administrator was active any more, so they were put in charge.
    pub none_left: bool,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IdentityView {
    #[serde(flatten)]
    pub who: Who,
    pub kind: &'static str,
    pub active: bool,
    /// Who answers for it: a workload's owner, a person's manager.
    pub answers: Option<Who>,
    pub purpose: Option<String>,
    pub contract_ends: Option<Timestamp>,
    pub teams: BTreeSet<TeamName>,
}

impl Engine {
    pub async fn me(&self, actor: Actor) -> Result<MeView, Error> {
        let reader = self.reader(actor).await?;
        let unknown = || Error::from(Refusal::NotAuthenticated {});
        let identity = self.store.load::<Identity>(reader.who, &mut Facts::default()).await?;
        let identity = identity.ok_or_else(unknown)?;
        let names = self.names(vec![reader.who]).await?;
        Ok(MeView {
            who: names.who(reader.who),
            kind: identity.kind().as_str(),
            by: if matches!(actor, Actor::Person { .. }) { "session" } else { "token" },
            teams: identity.teams,
            reads: reader.scopes.iter().map(|scope| scope.as_str()).collect(),
            recovered: self.recovered().await?,
        })
    }

    /// The last recovery, as long as everybody is told of it. Needs no actor: whoever opens the data
    /// directory may know, and everybody else asks for it with [`Engine::me`].
    pub async fn recovered(&self) -> Result<Option<RecoveredView>, Error> {
        let organisation = self.store.organisation(&mut Facts::default()).await?;
        let Some((recovered, at)) = organisation.and_then(|one| one.recovered) else {
            return Ok(None);
        };
        if self.clock.now() >= at.plus_seconds(TELL_SECONDS) {
            return Ok(None);
        }
        let names = self.names(recovered.people.iter().copied().collect()).await?;
        Ok(Some(RecoveredView {
            at,
            people: recovered.people.iter().map(|id| names.who(*id)).collect(),
            none_left: recovered.none_left,
            reason: self.store.disclosed(&recovered.reason).await?,
        }))
    }

    /// All identities, for those who may read everything; those that the actor answers for, for
    /// others.
    pub async fn identities(&self, actor: Actor, page: &Page) -> Result<Vec<IdentityView>, Error> {
        let reader = self.reader(actor).await?;
        let identities = match reader.may(Scope::Everything) {
            true => self.store.identities(&page.into()).await?,
            false => self.store.identities_under(&reader, &page.into()).await?,
        };
        let around = identities.iter().flat_map(people_around);
        let names = self.names(around.collect()).await?;
        let now = self.clock.now();
        Ok(identities.into_iter().map(|one| view(one, &names, now)).collect())
    }
}

/// Who answers for an identity: a workload's owner, a person's manager.
fn answers(one: &Identity) -> Option<IdentityId> {
    one.owner().or(one.manager())
}

/// Whom a view of an identity calls by name.
pub(super) fn people_around(one: &Identity) -> impl Iterator<Item = IdentityId> + use<> {
    std::iter::once(one.id).chain(answers(one))
}

pub(super) fn view(one: Identity, names: &Names, now: Timestamp) -> IdentityView {
    let (purpose, contract_ends) = match &one.is {
        Nature::Workload { purpose, .. } => (Some(purpose.clone()), None),
        Nature::Human { external, .. } => {
            (None, external.as_ref().map(|external| external.contract_ends))
        }
    };
    IdentityView {
        who: names.who(one.id),
        kind: one.kind().as_str(),
        active: one.is_active_at(now),
        answers: answers(&one).map(|id| names.who(id)),
        purpose,
        contract_ends,
        teams: one.teams,
    }
}
