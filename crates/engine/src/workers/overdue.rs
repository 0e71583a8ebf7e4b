//! Overdue: an emergency whose review nobody gave in time becomes a finding; what was borne until a
//! day is open again on that day.

use placet_domain::actor::Worker;
use placet_domain::finding::{self, Finding, Kind, Opened};
use placet_domain::grant::Grant;
use placet_domain::id::{FindingId, Stream};
use placet_domain::request::Request;

use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Opens a finding about a review that is overdue.
struct OpenOverdue<'a> {
    request: &'a Request,
}

#[async_trait::async_trait]
impl Command for OpenOverdue<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let request = draft.request(self.request.id).await?;
        let overdue = request.review.as_ref().is_some_and(|one| one.is_overdue_at(draft.now));
        if !overdue {
            return Ok(());
        }
        let grant: Option<Grant> =
            draft.engine.store.grant_of(request.id, &mut draft.facts).await?;
        let entitlement = draft.entitlement(request.revision.entitlement).await?;
        draft.open_finding(Opened {
            finding: draft.engine.environment.id(),
            kind: Kind::OverdueReview,
            target: request.revision.terms.target,
            entitlement: request.revision.entitlement,
            account: grant.as_ref().map(|grant| grant.approved.account),
            request: Some(request.id),
            grant: grant.map(|grant| grant.id),
            owner: entitlement.owner,
            sighting: None,
            detail: "nobody reviewed the emergency in time; the next one of the same person needs a second person".to_owned(),
            due_at: None,
            baseline: false,
            scope: None,
        })
    }
}

/// Opens a finding again that was borne until now.
struct Reopen {
    finding: FindingId,
}

#[async_trait::async_trait]
impl Command for Reopen {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let found = draft.finding(self.finding).await?;
        let events = finding::decide(Some(&found), finding::Command::Reopen, draft.now)?;
        draft.change_finding(&found, events);
        Ok(())
    }
}

impl Engine {
    pub(super) async fn overdue(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.clock.now();
        for request in self.store.unreviewed(now, BATCH).await? {
            match self.run(actor(Worker::Expire), &OpenOverdue { request: &request }).await {
                Ok(()) => stepped.findings += 1,
                Err(error) => {
                    stepped.postponed += 1;
                    tracing::warn!(request = %request.id, %error, "an overdue review could not be put on record yet");
                }
            }
        }
        Ok(())
    }

    /// What was borne until a day is open again on that day.
    pub(super) async fn reopen(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.clock.now();
        for finding in self.store.findings_to_reopen(now, BATCH).await? {
            self.run(actor(Worker::Expire), &Reopen { finding }).await?;
            stepped.findings += 1;
        }
        Ok(())
    }
}

impl Draft<'_> {
    pub(crate) async fn finding(&mut self, id: FindingId) -> Result<Finding, Error> {
        let found = self.engine.store.load::<Finding>(id, &mut self.facts).await?;
        Ok(found.ok_or(placet_domain::Refusal::UnknownFinding { given: id.to_string() })?)
    }

    /// Drafts the events of a finding, in the trail of the request behind it.
    pub(crate) fn change_finding(&mut self, finding: &Finding, events: Vec<finding::Event>) {
        let stream = Stream::Finding(finding.id);
        let trail = finding.opened.request.map_or_else(|| stream.clone(), Stream::Request);
        self.change(stream, trail, events);
    }
}
