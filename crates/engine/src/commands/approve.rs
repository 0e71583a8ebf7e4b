//! Approve and deny: a named person decides on exactly one digest.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::canonical::Digest;
use placet_domain::delegation::Delegation;
use placet_domain::id::{GrantId, IdentityId, RequestId};
use placet_domain::identity::Identity;
use placet_domain::name::StageName;
use placet_domain::passkey::Asserted;
use placet_domain::request::{self, Acting, Request};
use placet_domain::route::{Candidates, Solved};
use placet_domain::ruling::Ruling;
use placet_policy::{Ask, Policies};

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
pub(super) struct Judged {
    around: Around,
    excluded: BTreeSet<IdentityId>,
    solved: Solved,
    candidates: Candidates,
    /// The decider's own rights.
    own: Vec<(StageName, Ruling)>,
    /// The rights of others on which they may act.
    acting: Vec<Acting>,
}

impl Judged {
    pub fn identity(&self, id: IdentityId) -> Result<&Identity, Refusal> {
        self.around.identity(id)
    }

    /// Those who may never approve it.
    pub fn excluded(&self) -> &BTreeSet<IdentityId> {
        &self.excluded
    }

    /// Every right to decide: one's own, and those on which one may act.
    pub fn rights(&self) -> Vec<(StageName, Ruling)> {
        let acting = self.acting.iter().map(|one| (one.stage.clone(), one.ruling.clone()));
        self.own.iter().cloned().chain(acting).collect()
    }
}

#[async_trait::async_trait]
impl Command for ApproveRequest {
    type Output = Decided;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Decided, Error> {
        let request = draft.request(self.request).await?;
        draft.approve(&request, self.digest, self.stage.as_ref(), None).await
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
            decider: judged.identity(decider)?,
            digest: self.digest,
            reason,
            eligible: &judged.rights(),
        };
        let events = request::decide(Some(&request), command, draft.now)?;
        let after = draft.fold(&request, &events);
        draft.change(request.id, request.id, events);
        draft.commit.waiting.push((request.id, Candidates::new()));
        Ok(Decided { state: after.state, grant: None })
    }
}

/// For whom a request waits: the eligible of the stages that are still open, and those to whom it was
/// escalated, less those whose word was given.
pub(crate) fn still_waiting(request: &Request, mut candidates: Candidates) -> Candidates {
    if request.state != request::State::Open {
        return Candidates::new();
    }
    for step in &request.escalations {
        candidates.entry(step.stage.clone()).or_default().extend(step.to.keys());
    }
    let open = request.open_places();
    let spent = request.spent();
    candidates.retain(|stage, _| open.contains_key(stage));
    for people in candidates.values_mut() {
        people.retain(|person| !spent.contains(person));
    }
    candidates
}

impl Draft<'_> {
    /// The request after some events.
    pub(crate) fn fold(&self, request: &Request, events: &[request::Event]) -> Request {
        let step = |state, event| request::apply(Some(state), event, self.now);
        events.iter().try_fold(request.clone(), step).unwrap_or_else(|| request.clone())
    }

    /// Drafts the actor's agreement to a request as it is in this draft, with what they signed.
    pub(super) async fn approve(
        &mut self,
        request: &Request,
        digest: Digest,
        stage: Option<&StageName>,
        asserted: Option<&Asserted<'_>>,
    ) -> Result<Decided, Error> {
        let approver = self.someone()?;
        let judged = self.judge(request, approver).await?;
        let escalates_at = self.escalates_at(&judged.around, &judged.candidates).await?;
        let command = request::Command::Approve(request::Approve {
            actor: self.actor,
            approver: judged.identity(approver)?,
            digest,
            stage: stage.cloned(),
            receiver: judged.identity(request.revision.receiver)?,
            entitlement: judged.around.entitlement(request.revision.entitlement)?,
            excluded: &judged.excluded,
            solved: &judged.solved,
            candidates: &judged.candidates,
            eligible: &judged.own,
            acting: &judged.acting,
            asserted,
            escalates_at,
        });
        let events = request::decide(Some(request), command, self.now)?;
        let after = self.fold(request, &events);
        // The request's own events come first in the trail.
        self.change(request.id, request.id, events.clone());
        let grant = self.carry_out(&events, &request.revision).await?;
        self.commit.waiting.push((request.id, still_waiting(&after, judged.candidates)));
        Ok(Decided { state: after.state, grant })
    }

    pub(super) async fn judge(
        &mut self,
        request: &Request,
        decider: IdentityId,
    ) -> Result<Judged, Error> {
        let revision = &request.revision;
        let entitlement = self.entitlement(revision.entitlement).await?;
        let others = request.spent().into_iter().chain([decider]);
        let mut around = self.around_ask(revision, &entitlement, others).await?;
        let excluded = around.excluded(revision.requester, revision.receiver)?;
        let policies = self.policies().await?;
        let ask = Ask { approvers: request.spent(), ..self.asked(revision).await? };
        let mandates = self.mandates(request, decider, &excluded).await?;
        for (acted_for, _) in &mandates {
            self.include(&mut around, *acted_for).await?;
        }
        let solved = self.solve(&policies, &around, &ask);
        let stages = stage_names(solved.route.as_ref());
        self.include_candidates(&mut around, &policies, &entitlement, &stages).await?;

        let world = around.world();
        let mut asking = policies.asking(&world, self.now);
        let candidates = independent_candidates(&mut asking, &ask, &stages, &excluded);
        let own = stages
            .iter()
            .map(|stage| (stage.clone(), asking.may_approve(&ask, stage, decider)))
            .collect();
        let mut acting = Vec::new();
        for (identity, mandate) in mandates {
            for stage in stages.iter().filter(|stage| mandate.covers(stage)) {
                acting.push(Acting {
                    identity,
                    stage: stage.clone(),
                    ruling: asking.may_approve(&ask, stage, identity),
                    delegation: mandate.delegation(),
                });
            }
        }
        self.commit.records.extend(asking.into_records());
        Ok(Judged { around, excluded, solved, candidates, own, acting })
    }

    /// The slice around a request as it is now, those who may never approve it, and who is eligible.
    pub(crate) async fn candidates_now(
        &mut self,
        request: &Request,
    ) -> Result<(Around, BTreeSet<IdentityId>, Candidates), Error> {
        // Judged as one who has no right of their own; the candidates are the same for all.
        let Judged { around, excluded, candidates, .. } =
            self.judge(request, request.revision.requester).await?;
        Ok((around, excluded, candidates))
    }

    /// In whose place somebody might decide on a request, and by what. Those who may not decide on it
    /// cannot have another decide for them.
    async fn mandates(
        &mut self,
        request: &Request,
        decider: IdentityId,
        excluded: &BTreeSet<IdentityId>,
    ) -> Result<Vec<(IdentityId, Mandate)>, Error> {
        let mut out: Vec<(IdentityId, Mandate)> = request
            .escalated_to(decider)
            .map(|(stage, silent)| (silent, Mandate::Escalation(stage.clone())))
            .collect();
        let delegations =
            self.engine.store.delegations_to(decider, self.now, &mut self.facts).await?;
        out.extend(delegations.into_iter().map(|one| (one.made.from, Mandate::Delegation(one))));
        out.retain(|(who, _)| !excluded.contains(who));
        Ok(out)
    }

    fn solve(&mut self, policies: &Policies, around: &Around, ask: &Ask) -> Solved {
        let world = around.world();
        let mut asking = policies.asking(&world, self.now);
        let solved = asking.solve(ask);
        self.commit.records.extend(asking.into_records());
        solved
    }
}

/// What would let somebody decide in another's place.
enum Mandate {
    Delegation(Delegation),
    /// The stage that was put before them.
    Escalation(StageName),
}

impl Mandate {
    fn covers(&self, stage: &StageName) -> bool {
        match self {
            Self::Delegation(_) => true,
            Self::Escalation(only) => only == stage,
        }
    }

    fn delegation(&self) -> Option<Delegation> {
        match self {
            Self::Delegation(delegation) => Some(delegation.clone()),
            Self::Escalation(_) => None,
        }
    }
}
