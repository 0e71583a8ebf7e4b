//! One identity or target, with what there is to know of it. Who holds what is a list of grants; one
//! entitlement is in [`super::preview`], since whoever looks at it may be about to ask for it.

use placet_domain::actor::Actor;
use placet_domain::id::{IdentityId, Stream};
use placet_domain::name::{Handle, TargetName};
use placet_domain::{Refusal, Timestamp};
use placet_store::{Facts, Wanted};
use serde::Serialize;
use utoipa::ToSchema;

use super::{EntitlementView, FindingView, IdentityView, Page, TargetView, Who, catalogue, people};
use crate::Engine;
use crate::error::Error;

/// A person or workload, how long it has been known, and the workloads that it answers for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OneIdentityView {
    #[serde(flatten)]
    pub identity: IdentityView,
    pub registered_at: Option<Timestamp>,
    /// When anything about it was changed last.
    pub changed_at: Option<Timestamp>,
    /// At most twenty.
    pub workloads: Vec<Who>,
    /// There are more of them.
    pub more_workloads: bool,
}

/// A target, with what may be granted on it and what is not settled there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OneTargetView {
    #[serde(flatten)]
    pub target: TargetView,
    pub changed_at: Option<Timestamp>,
    /// By what they are called there; at most twenty.
    pub entitlements: Vec<EntitlementView>,
    /// The newest first; at most ten, of those that the reader may see.
    pub findings: Vec<FindingView>,
}

/// The most workloads and entitlements of one page.
const SHOWN: u32 = 20;
const FINDINGS: u32 = 10;

/// As much of a given name as is said back.
fn said(given: &str) -> String {
    given.chars().take(64).collect()
}

impl Engine {
    /// Where a handle or an id leads, if it leads anywhere.
    pub(super) async fn identity_known_as(&self, given: &str) -> Result<Option<IdentityId>, Error> {
        if let Ok(id) = given.parse() {
            return Ok(Some(id));
        }
        match given.parse::<Handle>() {
            Ok(handle) => Ok(self.store.identity_called(&handle).await?),
            Err(_) => Ok(None),
        }
    }

    /// One identity, by its handle or id. Whoever may not see it hears what they would hear if there
    /// were none.
    pub async fn identity(&self, actor: Actor, given: &str) -> Result<OneIdentityView, Error> {
        let reader = self.reader(actor).await?;
        let unknown = || Refusal::UnknownIdentity { given: said(given) };
        let id = self.identity_known_as(given).await?.ok_or_else(unknown)?;
        let one = self.store.identity_for(&reader, id).await?.ok_or_else(unknown)?;
        let mut owned = self.store.answered_by(id, SHOWN + 1).await?.workloads;
        let more_workloads = owned.len() > SHOWN as usize;
        owned.truncate(SHOWN as usize);
        let times = self.store.begun_and_changed(&[Stream::Identity(id)]).await?;
        let times = times.get(&Stream::Identity(id)).copied();
        let around = people::people_around(&one).chain(owned.iter().copied());
        let names = self.names(around.collect()).await?;
        Ok(OneIdentityView {
            identity: people::view(one, &names, reader.at),
            registered_at: times.map(|(first, _)| first),
            changed_at: times.map(|(_, last)| last),
            workloads: owned.into_iter().map(|id| names.who(id)).collect(),
            more_workloads,
        })
    }

    /// One target. The catalogue is open to everybody who is known; findings are not.
    pub async fn target(&self, actor: Actor, given: &str) -> Result<OneTargetView, Error> {
        let reader = self.reader(actor).await?;
        let unknown = || Refusal::UnknownTarget { given: said(given) };
        let name: TargetName = given.parse().map_err(|_| unknown())?;
        let found = self.store.target_named(&name, &mut Facts::default()).await?;
        let target = found.ok_or_else(unknown)?;
        let id = target.id;
        let some = |limit| (&Page { limit: Some(limit), after: None }).into();
        let entitlements = self.store.entitlements_of(id, &some(SHOWN)).await?;
        let findings = self.store.findings_on(&reader, id, &some(FINDINGS)).await?;
        let times = self.store.begun_and_changed(&[Stream::Target(id)]).await?;
        let mut wanted = Wanted::default();
        wanted.people.insert(target.owner);
        wanted.people.extend(entitlements.iter().map(|one| one.owner));
        wanted.targets.insert(id);
        let names = self.named(wanted).await?;
        let look = self.store.last_look(id).await?;
        Ok(OneTargetView {
            target: catalogue::target_view(target, look, &names),
            changed_at: times.get(&Stream::Target(id)).map(|(_, last)| *last),
            entitlements: entitlements
                .into_iter()
                .map(|one| catalogue::view(one, &names))
                .collect(),
            findings: self.finding_views(findings).await?,
        })
    }
}
