//! Approve and deny: a named person decides on exactly one digest.

use std::collections::BTreeSet;

use placet_domain::canonical::Digest;
use placet_domain::id::{GrantId, IdentityId, RequestId};
use placet_domain::name::StageName;
use placet_domain::request::{self, Request};
use placet_domain::route::{Candidates, Solved};
use placet_domain::ruling::Ruling;
use placet_policy::{Ask, Policies};

use super::submit::asked;
use super::text;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::world::{Around, independent_candidates, stage_names};

/// Somebody agrees to what they were shown.
#[derive(Clone, Debug)]
pub struct ApproveRequest {
    pub request: RequestId,
    /// The digest of what they were shown.
    pub digest: Digest,
    /// The stage in which they agree; otherwise the first that fits.
    pub stage: Option<StageName>,
}

/// What came of a decision.
#[derive(Clone, Copy, Debug)]
pub struct Decided {
    pub state: request::State,
    pub grant: Option<GrantId>,
}

/// Somebody says no.
#[derive(Clone, Debug)]
pub struct DenyRequest {
    pub request: RequestId,
    pub digest: Digest,
    pub reason: String,
}

/// Everything that a decision is judged by, loaded and ruled anew.
struct Judged {
    around: Around,
    excluded: BTreeSet<IdentityId>,
    solved: Solved,
    candidates: Candidates,
    eligible: Vec<(StageName, Ruling)>,
}

#[async_trait::async_trait]
impl Command for ApproveRequest {
    type Output = Decided;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Decided, Error> {
        let approver = draft.someone()?;
        let request = draft.request(self.request).await?;
        let judged = draft.judge(&request, approver).await?;
        let command = request::Command::Approve(request::Approve {
            actor: draft.actor,
            approver: judged.around.identity(approver)?,
            digest: self.digest,
            stage: self.stage.clone(),
            receiver: judged.around.identity(request.revision.receiver)?,
            entitlement: judged.around.entitlement(request.revision.entitlement)?,
            excluded: &judged.excluded,
            solved: &judged.solved,
            candidates: &judged.candidates,
            eligible: &judged.eligible,
        });
        let events = request::decide(Some(&request), command, draft.now)?;
        let grant = draft.grant_if_approved(request.id, &events, &request.revision).await?;
        let after = fold(&request, &events, draft);
        let grants = std::mem::take(&mut draft.commit.changes);
        draft.change(request.id, request.id, events);
        draft.commit.changes.extend(grants);
        draft.commit.waiting.push((request.id, still_waiting(&after, judged.candidates)));
        Ok(Decided { state: after.state, grant })
    }
}

#[async_trait::async_trait]
impl Command for DenyRequest {
    type Output = Decided;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Decided, Error> {
        let decider = draft.someone()?;
        let request = draft.request(self.request).await?;
        let judged = draft.judge(&request, decider).await?;
        let reason = text("reason", &self.reason)?;
        let reason = draft.seal(&reason, "reason", request.id)?;
        let command = request::Command::Deny {
            actor: draft.actor,
            decider: judged.around.identity(decider)?,
            digest: self.digest,
            reason,
            eligible: &judged.eligible,
        };
        let events = request::decide(Some(&request), command, draft.now)?;
        let after = fold(&request, &events, draft);
        draft.change(request.id, request.id, events);
        draft.commit.waiting.push((request.id, Candidates::new()));
        Ok(Decided { state: after.state, grant: None })
    }
}

fn fold(request: &Request, events: &[request::Event], draft: &Draft<'_>) -> Request {
    let step = |state, event| request::apply(Some(state), event, draft.now);
    events.iter().try_fold(request.clone(), step).unwrap_or_else(|| request.clone())
}

/// For whom a request waits: the eligible of the stages that are still open, less those who agreed.
fn still_waiting(request: &Request, mut candidates: Candidates) -> Candidates {
    if request.state != request::State::Open {
        return Candidates::new();
    }
    let open = request.open_places();
    let agreed = request.approvers();
    candidates.retain(|stage, _| open.contains_key(stage));
    for people in candidates.values_mut() {
        people.retain(|person| !agreed.contains(person));
    }
    candidates
}

impl Draft<'_> {
    async fn judge(&mut self, request: &Request, decider: IdentityId) -> Result<Judged, Error> {
        let revision = &request.revision;
        let entitlement = self
            .engine
            .store
            .load::<placet_domain::entitlement::Entitlement>(revision.entitlement, &mut self.facts)
            .await?;
        let entitlement = entitlement.ok_or(placet_domain::Refusal::UnknownEntitlement {
            given: revision.entitlement.to_string(),
            hint: String::new(),
        })?;
        let mut around =
            self.around_ask(revision.requester, revision.receiver, &entitlement).await?;
        self.include(&mut around, decider).await?;
        let excluded = around.excluded(revision.requester, revision.receiver)?;
        let policies = self.policies().await?;
        let ask = Ask { approvers: request.approvers(), ..asked(revision) };
        for approver in &ask.approvers {
            self.include(&mut around, *approver).await?;
        }
        let solved = self.solve(&policies, &around, &ask);
        let stages = stage_names(solved.route.as_ref());
        self.include_candidates(&mut around, &policies, &entitlement, &stages).await?;

        let world = around.world();
        let mut asking = policies.asking(&world, self.now);
        let candidates = independent_candidates(&mut asking, &ask, &stages, &excluded);
        let eligible = stages
            .iter()
            .map(|stage| (stage.clone(), asking.may_approve(&ask, stage, decider)))
            .collect();
        self.commit.records.extend(asking.into_records());
        Ok(Judged { around, excluded, solved, candidates, eligible })
    }

    fn solve(&mut self, policies: &Policies, around: &Around, ask: &Ask) -> Solved {
        let world = around.world();
        let mut asking = policies.asking(&world, self.now);
        let solved = asking.solve(ask);
        self.commit.records.extend(asking.into_records());
        solved
    }
}
