//! Changes of the catalogue. What can only narrow access happens at once; whatever can widen it is
//! proposed by one and adopted by another.
//!
//! Here: deactivating and retiring one record. [`plan`] reads files into changes, [`change`] has the
//! commands around proposals, [`stakes`] what their authors have a part in, [`enact`] the events.

pub mod change;
mod enact;
mod plan;
mod stakes;
mod words;

use placet_domain::access::Deed;
use placet_domain::catalogue::{Change, Changes, Planned};
use placet_domain::entitlement::Entitlement;
use placet_domain::id::Stream;
use placet_domain::identity::Identity;
use placet_domain::name::TargetName;
use placet_domain::target::Target;
use placet_domain::{Refusal, entitlement, identity};
use placet_store::Round;

use crate::draft::{Command, Draft};
use crate::error::Error;

pub use plan::Files;

/// An identity is active no longer: what it holds and asked for ends, what it owns passes on.
#[derive(Clone, Debug)]
pub struct DeactivateIdentity {
    pub identity: String,
}

/// An entitlement is granted to nobody any more.
#[derive(Clone, Debug)]
pub struct RetireEntitlement {
    pub entitlement: String,
}

/// A target is of no more use: nothing on it is granted any more, and nothing may still be live.
#[derive(Clone, Debug)]
pub struct RetireTarget {
    pub target: String,
}

#[async_trait::async_trait]
impl Command for DeactivateIdentity {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::DeactivateIdentity).await?;
        let id = draft.identity_called(&self.identity).await?;
        let found = draft.engine.store.load::<Identity>(id, &mut draft.facts).await?;
        let found = found.ok_or(Refusal::UnknownIdentity { given: self.identity.clone() })?;
        let events = identity::decide(Some(&found), identity::Command::Deactivate)?;
        draft.change(id, id, events);
        draft.leaves(&found).await
    }
}

#[async_trait::async_trait]
impl Command for RetireEntitlement {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::RetireEntitlement).await?;
        let found = draft.entitlement_called(&self.entitlement).await?;
        let events = entitlement::decide(Some(&found), entitlement::Command::Retire)?;
        draft.change(found.id, found.id, events);
        // Whoever asked for it is told that nobody can agree to it any more.
        draft.begin(Round::Reroute(Stream::Entitlement(found.id)));
        draft.settle_handovers(&Stream::Entitlement(found.id), None).await
    }
}

#[async_trait::async_trait]
impl Command for RetireTarget {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::AdoptCatalogue).await?;
        let unknown = || Refusal::UnknownTarget { given: self.target.chars().take(64).collect() };
        let name: TargetName = self.target.parse().map_err(|_| unknown())?;
        let found = draft.engine.store.target_named(&name, &mut draft.facts).await?;
        let target = found.ok_or_else(unknown)?;
        let on = draft.engine.store.entitlements_on(target.id, &mut draft.facts).await?;
        let retire = |one: Entitlement| Planned {
            base: draft.facts.version(&Stream::Entitlement(one.id)),
            change: Change::Entitlement {
                before: Some(Box::new(one.clone())),
                after: Box::new(Entitlement { retired: true, ..one }),
            },
        };
        let mut planned: Vec<Planned> =
            on.into_iter().filter(|one| !one.retired).map(retire).collect();
        planned.push(Planned {
            base: draft.facts.version(&Stream::Target(target.id)),
            change: Change::Target {
                before: Some(target.clone()),
                after: Target { retired: true, ..target },
            },
        });
        draft.enact(&Changes { planned }, &Default::default()).await
    }
}
