//! Fulfil: what was approved is asked again, shown to be assented to, and carried out.
//!
//! The order is the point: policy seconds before; the intent in the ledger before the call; the
//! ledger's proof before the connector; the outcome after; and only a look makes it active.

use std::collections::{BTreeMap, BTreeSet};

use placet_connectors::Granted;
use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::Worker;
use placet_domain::entitlement::Entitlement;
use placet_domain::grant::{self, Grant, Intend, Reason, State};
use placet_domain::id::{ActionId, GrantId, IdentityId, PasskeyId, RequestId, Stream, TargetId};
use placet_domain::name::StageName;
use placet_domain::observation::Scope;
use placet_domain::passkey::{Backing, Passkey};
use placet_domain::request::{self, Request};
use placet_domain::route::Route;
use placet_domain::ruling::Ruling;
use placet_domain::{Refusal, Timestamp};
use placet_ledger::{Act, Claim, PasskeyTrail, Proof, VerifiedAssent};
use placet_policy::{Ask, Policies};
use placet_store::Duty;

use super::lanes::{Lane, Pace};
use super::touch::{Finish, Reached};
use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

pub(crate) type Eligible = BTreeMap<(IdentityId, StageName), Ruling>;

/// Asks policy again and records the intent to grant.
struct IntendGrant {
    grant: GrantId,
}

/// What became of a due grant.
enum Intended {
    /// The call may be made, once assent is shown.
    Go { grant: Box<Grant>, action: ActionId, entitlement: Box<Entitlement>, eligible: Eligible },
    /// It will never be carried out, or is to end.
    Stopped,
}

#[async_trait::async_trait]
impl Command for IntendGrant {
    type Output = Intended;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Intended, Error> {
        let grant = draft.grant(self.grant).await?;
        let (overlapping, epoch) = draft.overlapping(&grant).await?;
        let request = draft.request(grant.approved.request).await?;
        let entitlement = draft
            .engine
            .store
            .load::<Entitlement>(grant.approved.entitlement, &mut draft.facts)
            .await?;
        let Some(entitlement) = entitlement else {
            return draft
                .stop(grant, Reason::NotAssented { why: "the entitlement is gone".to_owned() });
        };
        if entitlement.retired {
            let why = "the entitlement was retired before it was granted".to_owned();
            return draft.stop(grant, Reason::NotAssented { why });
        }
        if entitlement.terms != request.revision.terms {
            let why = "the terms of the entitlement have changed".to_owned();
            return draft.stop(grant, Reason::NotAssented { why });
        }
        if draft.scope_changed_since(&entitlement, grant.approved_at).await? {
            let why = "what the entitlement allows on the target has changed since".to_owned();
            return draft.stop(grant, Reason::NotAssented { why });
        }
        let policies = draft.policies().await?;
        let (ruling, eligible) =
            draft.rule_again(&policies, &request, &entitlement, draft.now).await?;
        let now = draft.now;
        let busy = overlapping.iter().any(|other| {
            // What is to be taken away by hand would take this with it.
            let taken_away = other
                .work
                .as_ref()
                .is_some_and(|work| work.is_open() && work.effect == Effect::Remove);
            other.id != grant.id
                && (taken_away || other.action.as_ref().is_some_and(|one| one.is_under_way_at(now)))
        });
        let action = draft.engine.environment.id();
        let intend = Intend { action, effect: Effect::Grant, epoch, busy, ruling: Some(&ruling) };
        match grant::decide(Some(&grant), grant::Command::Intend(intend), now) {
            Ok(events) => {
                let grant = Box::new(draft.advance(grant, events));
                Ok(Intended::Go { grant, action, entitlement: Box::new(entitlement), eligible })
            }
            Err(Refusal::RefusedByPolicy { .. }) => {
                draft.stop(grant, Reason::RuledOut { ruling: ruling.cite() })
            }
            Err(Refusal::ApprovalLapsed { .. }) => draft.stop(grant, Reason::ApprovalLapsed),
            Err(other) => Err(other.into()),
        }
    }
}

impl Draft<'_> {
    fn stop(&mut self, grant: Grant, reason: Reason) -> Result<Intended, Error> {
        let events = grant::decide(Some(&grant), grant::Command::End { reason }, self.now)?;
        self.advance(grant, events);
        Ok(Intended::Stopped)
    }

    /// Asks the ruling bundle, with fresh facts: whether it may be granted now, and for each
    /// approver whether they still may approve. Only those who may are counted.
    /// Approvals are as old as they were at `begins`: what has begun does not age.
    pub(crate) async fn rule_again(
        &mut self,
        policies: &Policies,
        request: &Request,
        entitlement: &Entitlement,
        begins: Timestamp,
    ) -> Result<(Ruling, Eligible), Error> {
        let revision = &request.revision;
        let around = self.around_ask(revision, entitlement, request.spent()).await?;
        let mut ask = Ask { approvers: request.spent(), ..self.asked(revision).await? };
        let world = around.world();
        let mut asking = policies.asking(&world, self.now);
        let mut eligible = Eligible::new();
        for approval in &request.approvals {
            let right = approval.by_right_of();
            let mut ruling = asking.may_approve(&ask, &approval.stage, right);
            // Who agreed in another's place must still be there, like the one whose right it was.
            if !around.identity(approval.approver)?.is_active_at(self.now) {
                ruling = ruling.overruled("law.active", "who agreed is no longer active");
            }
            eligible.insert((approval.approver, approval.stage.clone()), ruling);
        }
        // Who has left since it began was eligible when it did; leaving takes nothing back.
        let (now, known) = (self.now, &around.identities);
        let stands = |approver: IdentityId| {
            begins < now && known.get(&approver).is_some_and(|one| !one.is_active_at(now))
        };
        let counted: Vec<&request::Approval> = request
            .approvals
            .iter()
            .filter(|one| {
                let may = eligible.get(&(one.approver, one.stage.clone()));
                may.is_some_and(|ruling| ruling.permit) || stands(one.approver)
            })
            .collect();
        ask.approvers = counted.iter().flat_map(|one| [one.approver, one.by_right_of()]).collect();
        let mut counters: BTreeMap<StageName, u32> = BTreeMap::new();
        for approval in &counted {
            *counters.entry(approval.stage.clone()).or_insert(0) += 1;
        }
        let oldest = counted.iter().map(|one| one.at).min();
        let age = oldest.map(|at| begins.seconds_since(at));
        let ruling = match request.route {
            Route::PreApproved { .. } => asking.may_grant_preapproved(&ask),
            Route::People { .. } | Route::BreakGlass { .. } => {
                asking.may_grant(&ask, &counters, age)
            }
        };
        self.commit.records.extend(asking.into_records());
        Ok((ruling, eligible))
    }
}

/// Orders the end of a grant.
struct Stop {
    grant: GrantId,
    reason: Reason,
}

#[async_trait::async_trait]
impl Command for Stop {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let grant = draft.grant(self.grant).await?;
        draft.stop(grant, self.reason.clone()).map(|_| ())
    }
}

impl Engine {
    /// Everything that is due to begin on a target, the longest due first.
    pub(super) async fn begin_due(&self, target: TargetId, pace: &Pace) -> Stepped {
        let mut stepped = Stepped::default();
        self.count(self.begin_grants(target, pace, &mut stepped).await);
        stepped
    }

    async fn begin_grants(
        &self,
        target: TargetId,
        pace: &Pace,
        stepped: &mut Stepped,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut last = None;
        loop {
            let page = self.store.due_grants(target, Duty::Begin, now, last, BATCH).await?;
            *stepped += pace.each(page.iter().copied().map(|due| self.begin(due.grant))).await;
            last = page.last().copied();
            if page.len() < BATCH as usize || pace.stop.is_now() {
                return Ok(());
            }
        }
    }

    async fn begin(&self, id: GrantId) -> Stepped {
        match self.fulfil_one(id).await {
            Ok(done) => Stepped { fulfilled: u32::from(done), ..Stepped::default() },
            Err(error) => {
                tracing::info!(grant = %id, %error, "a grant could not be carried out yet");
                Stepped::postponed()
            }
        }
    }

    /// Whether something was there to do.
    async fn fulfil_one(&self, id: GrantId) -> Result<bool, Error> {
        let now = self.clock.now();
        let grant = self.store.load::<Grant>(id, &mut placet_store::Facts::default()).await?;
        let begins = |grant: &Grant| match grant.state {
            State::Approved => true,
            State::Pending => grant.until.is_none_or(|until| now < until),
            _ => false,
        };
        let Some(grant) = grant.filter(begins) else { return Ok(false) };
        self.carry_out(grant).await.map(|()| true)
    }

    async fn carry_out(&self, grant: Grant) -> Result<(), Error> {
        if grant.work.as_ref().is_some_and(|work| work.is_open()) {
            self.remind_of_work(Worker::Fulfil, grant.id).await?;
            return Ok(());
        }
        let reached = self.reach(Lane::Begin, grant.approved.target).await?;
        self.ready(&reached).await?;
        let Some(grant) = self.settle_doubt(&reached, grant).await? else { return Ok(()) };
        if grant.state == State::Approved && self.scope_differs(&reached, &grant).await? {
            let why = "what the entitlement allows on the target is not what was agreed to";
            let stop =
                Stop { grant: grant.id, reason: Reason::NotAssented { why: why.to_owned() } };
            return self.run(actor(Worker::Fulfil), &stop).await;
        }
        let intent = IntendGrant { grant: grant.id };
        let intended = self.run(actor(Worker::Fulfil), &intent).await?;
        let Intended::Go { grant, action, entitlement, eligible } = intended else { return Ok(()) };
        let granted = match self.assent(&grant, action, &entitlement, &eligible).await {
            Ok(assent) => self.within_deadline(&reached, reached.connector.grant(assent)).await,
            Err(error) => {
                // Nothing was called, so the action surely failed; without assent it also ends.
                let why = error.to_string();
                self.finish(Worker::Fulfil, &grant, action, Outcome::Failed { why: why.clone() })
                    .await?;
                // A receipt that came too late for this call says nothing about assent: tried again.
                let called_off = self.clock.now();
                let in_time =
                    grant.action.as_ref().is_some_and(|one| called_off < one.call_over_by);
                if in_time && let Error::Refused(Refusal::NotAssented { why }) = error {
                    let stop = Stop { grant: grant.id, reason: Reason::NotAssented { why } };
                    self.run(actor(Worker::Fulfil), &stop).await?;
                }
                return Ok(());
            }
        };
        let failed = matches!(granted.outcome, Outcome::Failed { .. });
        let grant = self.finish(Worker::Fulfil, &grant, action, granted).await?;
        if !failed {
            self.look_at(&reached, &grant).await?;
        }
        Ok(())
    }

    /// Whether the target says now that the native thing allows something else than was agreed to.
    async fn scope_differs(&self, reached: &Reached, grant: &Grant) -> Result<bool, Error> {
        if !reached.connector.abilities().tells_scopes {
            return Ok(false);
        }
        let native = &grant.approved.native;
        let binding = self.binding(grant).await?;
        let looked = self.look(reached, Scope::Binding(binding)).await;
        let agreed = self.store.agreed_scope(grant.approved.target, native).await?;
        Ok(
            matches!((looked.scopes.get(native), agreed), (Some(now), Some(agreed)) if *now != agreed),
        )
    }

    /// An earlier call whose outcome is unknown is resolved by looking, never by assuming. None if
    /// there is nothing more to do now.
    async fn settle_doubt(&self, reached: &Reached, grant: Grant) -> Result<Option<Grant>, Error> {
        let Some(action) = grant.action.clone().filter(|one| one.effect == Effect::Grant) else {
            return Ok(Some(grant));
        };
        let doubt = match action.outcome {
            Some(Outcome::Failed { .. }) => return Ok(Some(grant)),
            Some(Outcome::Done | Outcome::Ordered { .. }) => false,
            Some(Outcome::InDoubt { .. }) | None => true,
        };
        let now = self.clock.now();
        if action.is_under_way_at(now) {
            return Ok(None);
        }
        let mut grant = grant;
        if action.outcome.is_none() {
            // The worker died in the call.
            let why = "the worker stopped before the target answered".to_owned();
            grant =
                self.finish(Worker::Fulfil, &grant, action.id, Outcome::InDoubt { why }).await?;
        }
        let grant = self.look_at(reached, &grant).await?;
        // Seen: nothing to do. Not seen although the call is provably over: call again.
        let again = doubt && grant.state == State::Pending && now >= action.call_over_by;
        Ok(again.then_some(grant))
    }

    pub(super) async fn finish(
        &self,
        worker: Worker,
        grant: &Grant,
        action: ActionId,
        came_of_it: impl Into<Granted>,
    ) -> Result<Grant, Error> {
        let came_of_it = came_of_it.into();
        self.run(actor(worker), &Finish { grant: grant.id, action, came_of_it }).await
    }

    /// The proof, out of the ledger alone, that exactly this was agreed to.
    async fn assent(
        &self,
        grant: &Grant,
        action: ActionId,
        entitlement: &Entitlement,
        eligible: &Eligible,
    ) -> Result<VerifiedAssent, Error> {
        let trail = Stream::Request(grant.approved.request);
        let unknown = || Error::Fault(format!("`{trail}` has no entries"));
        // Where the log is sequenced apart, this is what waits for it.
        let last = self.store.trail(&trail).await?.pop().ok_or_else(unknown)?;
        self.store.receipt(last.id).await?;
        let proven = self.store.proven_trail(&trail).await?;
        let binding = self.binding(grant).await?;
        let commitment = grant.approved.account.commitment();
        let disclosure = self.store.disclosure(commitment).await?.ok_or_else(unknown)?;
        let (remembered, consistency) = match proven.remembered {
            Some((head, proof)) => (Some(head), proof),
            None => (None, Proof::default()),
        };
        let passkeys = self.passkeys_behind(grant.approved.request, &proven.checkpoint).await?;
        let claim = Claim {
            key: self.store.verifier(),
            remembered,
            checkpoint: &proven.checkpoint,
            consistency: &consistency,
            request: grant.approved.request,
            entries: &proven.entries,
            end: proven.end,
            passkeys: &passkeys,
            act: Act {
                grant: grant.id,
                action,
                entitlement: entitlement.id,
                native: &entitlement.terms.native,
                account: &binding.account,
                disclosure: &disclosure,
                terms: &entitlement.terms,
            },
            eligible_now: eligible,
            now: self.clock.now(),
        };
        Ok(VerifiedAssent::verify(&claim)?)
    }

    /// The passkeys with which approvals were signed, and those that answer for them in turn.
    async fn passkeys_behind(
        &self,
        request: RequestId,
        checkpoint: &str,
    ) -> Result<Vec<PasskeyTrail>, Error> {
        let facts = &mut placet_store::Facts::default();
        let request = self.store.load::<Request>(request, facts).await?;
        let approvals = request.iter().flat_map(|request| &request.approvals);
        let signed = approvals.filter_map(|one| one.assertion.as_ref());
        let mut next: BTreeSet<PasskeyId> = signed.map(|one| one.passkey).collect();
        let (mut seen, mut trails) = (BTreeSet::new(), Vec::new());
        while let Some(id) = next.pop_first() {
            if !seen.insert(id) {
                continue;
            }
            trails.push(self.store.proven_passkey(checkpoint, id).await?);
            let backing = self.store.load::<Passkey>(id, facts).await?.and_then(|one| one.backing);
            if let Some(Backing::Passkey { assertion }) = backing {
                next.insert(assertion.passkey);
            }
        }
        Ok(trails)
    }
}
