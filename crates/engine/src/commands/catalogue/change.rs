//! Proposing a change of the catalogue, and what others make of it.

use std::collections::BTreeMap;

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::canonical;
use placet_domain::catalogue::{Change, Changes, Line};
use placet_domain::entitlement::Entitlement;
use placet_domain::handover::{self, Handover};
use placet_domain::id::{HandoverId, ProposalId};
use placet_domain::identity::Identity;
use placet_domain::proposal::{self, OPEN_SECONDS, Proposal, Proposed};
use placet_domain::schedule::Schedule;
use placet_domain::target::Target;
use placet_domain::team::Team;

use super::plan::{Files, Plan};
use super::stakes::{needs_another, you};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// What files would change; nothing is written.
#[derive(Clone, Debug)]
pub struct DiffCatalogue {
    pub files: Files,
}

/// Somebody wants the catalogue to be what these files say.
#[derive(Clone, Debug)]
pub struct ProposeCatalogue {
    pub files: Files,
}

/// Somebody else agrees: it is so from now on.
#[derive(Clone, Copy, Debug)]
pub struct AdoptCatalogue {
    pub proposal: ProposalId,
}

/// Somebody else says no.
#[derive(Clone, Debug)]
pub struct RejectCatalogue {
    pub proposal: ProposalId,
    pub reason: Option<String>,
}

/// Whoever proposed it does not want it any more.
#[derive(Clone, Copy, Debug)]
pub struct WithdrawCatalogue {
    pub proposal: ProposalId,
}

/// Whoever was handed something over keeps it.
#[derive(Clone, Copy, Debug)]
pub struct KeepHandover {
    pub handover: HandoverId,
}

/// What came of files.
#[derive(Clone, Debug)]
pub struct Differs {
    pub lines: Vec<Line>,
    /// Whether another person has to adopt it.
    pub widens: bool,
    /// The proposal that waits; none if nothing does.
    pub proposal: Option<ProposalId>,
}

#[async_trait::async_trait]
impl Command for DiffCatalogue {
    type Output = Differs;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Differs, Error> {
        draft.must_be_allowed(Deed::ProposeCatalogue).await?;
        let Plan { changes, profiles } = draft.plan(&self.files).await?;
        let names = draft.engine.names_in(&changes, &profiles).await?;
        Ok(Differs { lines: changes.lines(&names), widens: changes.widens(&names), proposal: None })
    }
}

#[async_trait::async_trait]
impl Command for ProposeCatalogue {
    type Output = Differs;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Differs, Error> {
        draft.must_be_allowed(Deed::ProposeCatalogue).await?;
        let by = draft.someone()?;
        let Plan { changes, profiles } = draft.plan(&self.files).await?;
        if changes.planned.is_empty() {
            return Err(Refusal::NothingChanges {}.into());
        }
        let names = draft.engine.names_in(&changes, &profiles).await?;
        draft.nobody_helps_themselves(&changes, &[(by, you())], &names).await?;
        let (lines, widens) = (changes.lines(&names), changes.widens(&names));
        let alone = match draft.must_be_allowed(Deed::AdoptCatalogue).await {
            Ok(()) => !widens,
            Err(error) if needs_another(&error) => false,
            Err(error) => return Err(error),
        };
        if alone {
            draft.enact(&changes, &profiles).await?;
            return Ok(Differs { lines, widens, proposal: None });
        }
        // What could not be done is told to the author, not to whoever would adopt it.
        let kept = draft.commit.clone();
        draft.enact(&changes, &profiles).await?;
        draft.commit = kept;
        let proposal: ProposalId = draft.engine.environment.id();
        let proposed = Proposed {
            proposal,
            by,
            changes: changes.digest()?,
            records: u32::try_from(changes.planned.len()).unwrap_or(u32::MAX),
            lapses_at: draft.now.plus_seconds(OPEN_SECONDS),
        };
        draft.commit.records.insert(proposed.changes, canonical::text(&changes)?);
        let command = proposal::Command::Propose(proposed);
        let events = proposal::decide(None, command, draft.now)?;
        draft.change(proposal, proposal, events);
        Ok(Differs { lines, widens, proposal: Some(proposal) })
    }
}

#[async_trait::async_trait]
impl Command for AdoptCatalogue {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::AdoptCatalogue).await?;
        let by = draft.someone()?;
        let proposal = draft.proposal(self.proposal).await?;
        let command = proposal::Command::Adopt { actor: draft.actor };
        let events = proposal::decide(Some(&proposal), command, draft.now)?;
        let changes = draft.engine.changes_of(&proposal).await?;
        let names = draft.engine.names_in(&changes, &BTreeMap::new()).await?;
        for planned in &changes.planned {
            if draft.version_now(&planned.change).await? != planned.base {
                let what = planned.change.record(&names);
                let proposal = proposal.id.to_string();
                return Err(Refusal::ProposalStale { proposal, what }.into());
            }
        }
        let author = draft.profile(proposal.proposed.by).await?.handle.to_string();
        let people = [(by, you()), (proposal.proposed.by, format!("`{author}`"))];
        draft.nobody_helps_themselves(&changes, &people, &names).await?;
        draft.change(proposal.id, proposal.id, events);
        draft.enact(&changes, &BTreeMap::new()).await
    }
}

#[async_trait::async_trait]
impl Command for RejectCatalogue {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::AdoptCatalogue).await?;
        let proposal = draft.proposal(self.proposal).await?;
        let reason = draft.seal_text("reason", self.reason.as_deref(), proposal.id)?;
        let command = proposal::Command::Reject { actor: draft.actor, reason };
        let events = proposal::decide(Some(&proposal), command, draft.now)?;
        draft.change(proposal.id, proposal.id, events);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for WithdrawCatalogue {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let proposal = draft.proposal(self.proposal).await?;
        let command = proposal::Command::Withdraw { by };
        let events = proposal::decide(Some(&proposal), command, draft.now)?;
        draft.change(proposal.id, proposal.id, events);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for KeepHandover {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        if !matches!(draft.actor, Actor::Person { .. }) {
            return Err(Refusal::NeedsSession {}.into());
        }
        let found = draft.engine.store.load::<Handover>(self.handover, &mut draft.facts).await?;
        let found = found.ok_or(Refusal::UnknownHandover { given: self.handover.to_string() })?;
        let command = handover::Command::Keep { actor: draft.actor };
        let events = handover::decide(Some(&found), command)?;
        draft.change(self.handover, self.handover, events);
        Ok(())
    }
}

impl Draft<'_> {
    async fn proposal(&mut self, id: ProposalId) -> Result<Proposal, Error> {
        let found = self.engine.store.load::<Proposal>(id, &mut self.facts).await?;
        Ok(found.ok_or(Refusal::UnknownProposal { given: id.to_string() })?)
    }

    /// The version of a record now, noted.
    async fn version_now(&mut self, change: &Change) -> Result<u64, Error> {
        let (store, stream) = (&self.engine.store, change.stream());
        match change {
            Change::Team { .. } => {
                store.load::<Team>(stream.clone(), &mut self.facts).await?;
            }
            Change::Schedule { .. } => {
                store.load::<Schedule>(stream.clone(), &mut self.facts).await?;
            }
            Change::Identity { .. } => {
                store.load::<Identity>(stream.clone(), &mut self.facts).await?;
            }
            Change::Target { .. } => {
                store.load::<Target>(stream.clone(), &mut self.facts).await?;
            }
            Change::Entitlement { .. } => {
                store.load::<Entitlement>(stream.clone(), &mut self.facts).await?;
            }
        }
        Ok(self.facts.version(&stream))
    }
}

impl Engine {
    /// Exactly what was proposed, by the digest that the ledger names.
    pub(crate) async fn changes_of(&self, proposal: &Proposal) -> Result<Changes, Error> {
        let text = self.store.record(proposal.proposed.changes).await?;
        let lost = || Error::Fault(format!("what `{}` would change is gone", proposal.id));
        serde_json::from_str(&text.ok_or_else(lost)?).map_err(|e| Error::Fault(e.to_string()))
    }
}
