//! Review: somebody independent looks at an emergency afterwards. What was not justified ends.

use placet_domain::finding::{self, Kind, Resolution};
use placet_domain::grant::{Grant, Reason, State};
use placet_domain::id::RequestId;
use placet_domain::request::{self, Judging, Verdict};
use placet_policy::Ask;

use super::text;
use crate::draft::{Command, Draft};
use crate::error::Error;

#[derive(Clone, Debug)]
pub struct ReviewEmergency {
    pub request: RequestId,
    pub verdict: Verdict,
    pub note: String,
}

#[async_trait::async_trait]
impl Command for ReviewEmergency {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let reviewer = draft.someone()?;
        let request = draft.request(self.request).await?;
        let revision = &request.revision;
        let entitlement = draft.entitlement(revision.entitlement).await?;
        let others = request.spent().into_iter().chain([reviewer]);
        let around = draft.around_ask(revision, &entitlement, others).await?;
        let excluded = around.excluded(revision.requester, revision.receiver)?;
        let policies = draft.policies().await?;
        let ask = Ask { approvers: request.spent(), ..draft.asked(revision).await? };
        let may_review = {
            let world = around.world();
            let mut asking = policies.asking(&world, draft.now);
            let may_review = asking.may_review(&ask, reviewer);
            draft.commit.records.extend(asking.into_records());
            may_review
        };
        let note = draft.seal(&text("note", &self.note)?, "note", request.id)?;
        let command = request::Command::Review(Judging {
            actor: draft.actor,
            reviewer: around.identity(reviewer)?,
            verdict: self.verdict,
            note,
            excluded: &excluded,
            may_review: &may_review,
        });
        let events = request::decide(Some(&request), command, draft.now)?;
        draft.change(request.id, request.id, events);
        draft.settle_overdue(request.id).await?;
        if self.verdict == Verdict::NotJustified {
            let grant = draft.engine.store.grant_of(request.id, &mut draft.facts).await?;
            // One that is ending already needs no second order.
            let ordered = |grant: &Grant| grant.state == State::Ending || grant.state.is_over();
            if let Some(grant) = grant.filter(|grant| !ordered(grant)) {
                draft.end(&grant, Reason::NotJustified { by: reviewer })?;
            }
        }
        Ok(())
    }
}

impl Draft<'_> {
    /// A review that was given after all answers the finding that it was overdue.
    async fn settle_overdue(&mut self, request: RequestId) -> Result<(), Error> {
        let open = self.engine.store.open_findings_behind(request, &mut self.facts).await?;
        for one in open.iter().filter(|one| one.opened.kind == Kind::OverdueReview) {
            let command = finding::Command::Resolve(Resolution::Done);
            let events = finding::decide(Some(one), command, self.now)?;
            self.change_finding(one, events);
        }
        Ok(())
    }
}
