//! Work: what people do about a work order, at a target that no program reaches. One carries it out
//! and hands in the digest of what shows it; another one confirms it or sends it back.

use placet_domain::Refusal;
use placet_domain::canonical::Digest;
use placet_domain::finding::{self, Finding, Kind, Resolution};
use placet_domain::grant::{self, Grant, Step, Work, Working};
use placet_domain::id::{ActionId, GrantId, IdentityId};

use super::text;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::world::Around;

/// Does one step of a work order.
#[derive(Clone, Debug)]
pub struct DoWork {
    pub action: ActionId,
    pub step: Given,
}

/// A step as it came through a door.
#[derive(Clone, Debug)]
pub enum Given {
    CarriedOut {
        /// The SHA-256 of what shows it.
        evidence: Digest,
        /// What was done, and where the evidence is kept.
        note: String,
    },
    Returned {
        why: String,
    },
    Confirmed {
        /// The SHA-256 of what was looked at.
        evidence: Digest,
    },
}

#[async_trait::async_trait]
impl Command for DoWork {
    type Output = GrantId;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<GrantId, Error> {
        let by = draft.someone()?;
        let grant = draft.engine.store.grant_of_work(self.action, &mut draft.facts).await?;
        let unknown = || Refusal::NoWorkOrder {
            action: self.action.to_string(),
            why: "no such order was given".to_owned(),
        };
        let grant = grant.ok_or_else(unknown)?;
        let request = draft.request(grant.approved.request).await?;
        let revision = &request.revision;
        let entitlement = draft.entitlement(revision.entitlement).await?;
        let around = draft.around_ask(revision, &entitlement, [by]).await?;
        let target = draft.target(grant.approved.target).await?;
        let owns = by == target.owner || by == entitlement.owner;
        let excluded = around.excluded(revision.requester, revision.receiver)?;
        let working = Working {
            actor: draft.actor,
            by: around.identity(by)?,
            action: self.action,
            answers_for_it: owns || is_in_the_team(&around, by, grant.work.as_deref())?,
            excluded: &excluded,
            approvers: &request.spent(),
            step: self.step(draft, &grant)?,
        };
        let events = grant::decide(Some(&grant), grant::Command::Work(working), draft.now)?;
        let grant = draft.advance(grant, events);
        if grant.work.as_ref().is_none_or(|work| !work.is_open()) {
            draft.settle_stuck(&grant).await?;
        }
        Ok(grant.id)
    }
}

fn is_in_the_team(around: &Around, by: IdentityId, work: Option<&Work>) -> Result<bool, Refusal> {
    let team = work.and_then(|work| work.told.team.clone());
    let teams = around.within(team.into_iter().collect());
    Ok(!teams.is_disjoint(&around.identity(by)?.teams))
}

impl DoWork {
    fn step(&self, draft: &mut Draft<'_>, grant: &Grant) -> Result<Step, Error> {
        let about = grant.approved.request;
        Ok(match &self.step {
            Given::CarriedOut { evidence, note } => {
                let note = draft.seal(&text("note", note)?, "note", about)?;
                Step::CarryOut { evidence: *evidence, note }
            }
            Given::Returned { why } => {
                Step::Return { why: draft.seal(&text("reason", why)?, "reason", about)? }
            }
            Given::Confirmed { evidence } => Step::Confirm { evidence: *evidence },
        })
    }
}

impl Draft<'_> {
    /// What was confirmed after all answers the finding that it was overdue.
    async fn settle_stuck(&mut self, grant: &Grant) -> Result<(), Error> {
        let request = grant.approved.request;
        let open = self.engine.store.open_findings_behind(request, &mut self.facts).await?;
        let about =
            |one: &&Finding| one.opened.kind == Kind::Stuck && one.opened.grant == Some(grant.id);
        for one in open.iter().filter(about) {
            let command = finding::Command::Resolve(Resolution::Done);
            let events = finding::decide(Some(one), command, self.now)?;
            self.change_finding(one, events);
        }
        Ok(())
    }
}
