//! Changes of the catalogue as people see them, and what still follows from them.

use placet_domain::access::{Deed, Scope};
use placet_domain::actor::Actor;
use placet_domain::catalogue::Line;
use placet_domain::handover::Handover;
use placet_domain::id::{EntitlementId, HandoverId, IdentityId, ProposalId, Stream};
use placet_domain::identity::Identity;
use placet_domain::organisation::Organisation;
use placet_domain::proposal::Proposal;
use placet_domain::target::Target;
use placet_domain::{Refusal, Timestamp};
use placet_store::{Facts, Round};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, Who};
use crate::Engine;
use crate::draft::Draft;
use crate::error::Error;
use crate::workers::rerule::Progress;

/// A proposed change of the catalogue, with its differences in words.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangeView {
    pub id: ProposalId,
    pub state: &'static str,
    pub by: Who,
    pub proposed_at: Timestamp,
    pub lapses_at: Timestamp,
    /// How many records it touches.
    pub records: u32,
    /// Each difference; in a list they are left out.
    pub lines: Vec<Line>,
    pub decided_by: Option<Who>,
    pub decided_at: Option<Timestamp>,
    pub reason: Option<String>,
}

/// Something that passed on because its owner left, and waits for the new one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HandoverView {
    pub id: HandoverId,
    /// ``entitlement `prod-db-admin` ``.
    pub what: String,
    pub from: Who,
    pub to: Who,
    /// Why it is this one: "as the manager of the one who left".
    pub because: &'static str,
    pub opened_at: Timestamp,
    pub settle_by: Timestamp,
    pub overdue: bool,
}

/// What is still to be gone through after a change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UpkeepView {
    /// `leave`, `rerule` or `reroute`.
    pub does: String,
    /// The record whose change asked for it; `organisation` concerns everything.
    pub what: String,
    /// That record as people call it.
    pub called: String,
    /// Whether it waits for a person, because it would end so much.
    pub held: bool,
    pub would_end: Option<u64>,
    pub live: Option<u64>,
    /// How many grants wait because policy could not rule on them.
    pub waits: u64,
}

impl Engine {
    /// Whether changes of the catalogue are shown to somebody: to those who may read everything, and to
    /// those who may propose one.
    async fn may_read_changes(&self, actor: Actor) -> Result<(), Error> {
        match self.reader(actor).await?.may(Scope::Everything) {
            true => Ok(()),
            false => self.authorise(actor, Deed::ProposeCatalogue).await,
        }
    }

    /// Proposals, the newest first.
    pub async fn proposals(
        &self,
        actor: Actor,
        open: bool,
        page: &Page,
    ) -> Result<Vec<ChangeView>, Error> {
        self.may_read_changes(actor).await?;
        let proposals = self.store.proposals(open, &page.into()).await?;
        let mut out = Vec::with_capacity(proposals.len());
        for one in proposals {
            out.push(self.change_view(one, Vec::new()).await?);
        }
        Ok(out)
    }

    /// One proposal with every difference, as whoever decides has to see it.
    pub async fn proposal(&self, actor: Actor, id: ProposalId) -> Result<ChangeView, Error> {
        self.may_read_changes(actor).await?;
        let found = self.store.load::<Proposal>(id, &mut Facts::default()).await?;
        let found = found.ok_or(Refusal::UnknownProposal { given: id.to_string() })?;
        let changes = self.changes_of(&found).await?;
        let names = self.names_in(&changes, &std::collections::BTreeMap::new()).await?;
        self.change_view(found, changes.lines(&names)).await
    }

    async fn change_view(&self, one: Proposal, lines: Vec<Line>) -> Result<ChangeView, Error> {
        let people = std::iter::once(one.proposed.by).chain(one.decided_by);
        let names = self.names(people.collect()).await?;
        let reason = match &one.reason {
            Some(reason) => self.store.disclosed(reason).await?,
            None => None,
        };
        Ok(ChangeView {
            id: one.id,
            state: one.state.as_str(),
            by: names.who(one.proposed.by),
            proposed_at: one.proposed_at,
            lapses_at: one.proposed.lapses_at,
            records: one.proposed.records,
            lines,
            decided_by: one.decided_by.map(|id| names.who(id)),
            decided_at: one.decided_at,
            reason,
        })
    }

    /// What waits to be taken over: by the actor, or by anybody for those who may read everything.
    pub async fn handovers(&self, actor: Actor, page: &Page) -> Result<Vec<HandoverView>, Error> {
        let reader = self.reader(actor).await?;
        let of = (!reader.scopes.contains(&Scope::Everything)).then_some(reader.who);
        let mut out = Vec::new();
        for one in self.store.handovers(of, &page.into()).await? {
            out.push(self.handover_view(one).await?);
        }
        Ok(out)
    }

    async fn handover_view(&self, one: Handover) -> Result<HandoverView, Error> {
        let opened = one.opened;
        let names = self.names(vec![opened.from, opened.to]).await?;
        Ok(HandoverView {
            id: one.id,
            what: self.record_name(&opened.what).await?,
            from: names.who(opened.from),
            to: names.who(opened.to),
            because: opened.heir.words(),
            opened_at: one.opened_at,
            settle_by: opened.settle_by,
            overdue: self.clock.now() >= opened.settle_by,
        })
    }

    /// A record of the catalogue as people call it.
    pub(crate) async fn record_name(&self, what: &Stream) -> Result<String, Error> {
        Ok(match what {
            Stream::Identity(id) => {
                let found = self.store.load::<Identity>(*id, &mut Facts::default()).await?;
                let kind =
                    if found.is_some_and(|one| one.is_human()) { "person" } else { "workload" };
                format!("{kind} `{}`", self.handle(*id).await?)
            }
            Stream::Entitlement(id) => {
                format!("entitlement `{}`", self.entitlement_name(*id).await?)
            }
            Stream::Target(id) => format!("target `{}`", self.target_name(*id).await?),
            other => other.to_string(),
        })
    }

    pub(crate) async fn handle(&self, id: IdentityId) -> Result<String, Error> {
        let who = self.names(vec![id]).await?.who(id);
        Ok(who.handle.unwrap_or_else(|| id.to_string()))
    }

    /// What still follows from changes.
    pub async fn upkeep(&self, actor: Actor) -> Result<Vec<UpkeepView>, Error> {
        self.may_read_changes(actor).await?;
        let organisation = self.store.organisation(&mut Facts::default()).await?;
        let held = organisation.map(|one: Organisation| one.held).unwrap_or_default();
        let rounds = self.store.rounds(placet_store::LARGEST_PAGE).await?;
        let mut out = Vec::with_capacity(rounds.len());
        for round in rounds {
            let (does, what) = match &round.what {
                Round::Leave(identity) => ("leave", Stream::Identity(*identity)),
                Round::Rerule(what) => ("rerule", what.clone()),
                Round::Reroute(what) => ("reroute", what.clone()),
            };
            let waits = does == "rerule" && Progress::is_held(&round.progress);
            let count = held.get(&what).filter(|_| waits);
            out.push(UpkeepView {
                does: does.to_owned(),
                called: self.record_name(&what).await?,
                what: what.to_string(),
                held: waits,
                would_end: count.map(|held| held.would_end),
                live: count.map(|held| held.live),
                waits: if does == "rerule" { Progress::waited(&round.progress) } else { 0 },
            });
        }
        Ok(out)
    }
}

impl Draft<'_> {
    /// Whether somebody has settled that they answer for an entitlement and its target. Access to
    /// it is not extended before that: it would be on the word of one who has left.
    ///
    /// Whatever opens a handover also revises the record, so whoever decides on this holds still
    /// by having loaded the entitlement and the target.
    pub async fn ownership_is_settled(&mut self, id: EntitlementId) -> Result<bool, Error> {
        type Entitlement = placet_domain::entitlement::Entitlement;
        let found = self.engine.store.load::<Entitlement>(id, &mut self.facts).await?;
        let Some(entitlement) = found else { return Ok(false) };
        let target = entitlement.terms.target;
        self.engine.store.load::<Target>(target, &mut self.facts).await?;
        for what in [Stream::Entitlement(id), Stream::Target(target)] {
            if !self.engine.store.handovers_on(&what).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
