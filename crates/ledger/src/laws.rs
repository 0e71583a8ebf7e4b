//! The laws, judged from the entries of a trail alone.
//!
//! `domain` decides before an event is written; here the events are judged after the fact, as if
//! whoever wrote them had not asked `domain` at all. [`crate::assent`] refuses on the first breach;
//! [`crate::evidence`] names every one. Nothing here reads a disclosure.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::Actor;
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::grant::{self, CarriedOut, Collected, Confirmed, Gone, Grant, Intended, Issued};
use placet_domain::id::{IdentityId, Stream};
use placet_domain::observation::Completeness;
use placet_domain::request::{
    self, Approval, Authority, Basis, Escalated, Narrow, Opened, Request, Reviewed,
    STEP_UP_SECONDS, Submitted,
};
use placet_domain::route::Route;
use placet_domain::state::{State, apply};
use placet_domain::time::Timestamp;

use crate::error::Error;
use crate::passkeys::Passkeys;
use crate::trail::{Step, Trail};

/// Something that the laws do not allow, at the entry where it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Breach {
    pub index: u64,
    pub at: Timestamp,
    pub why: String,
}

/// What a trail amounts to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    /// The request as it stands at the end of the trail.
    pub request: Option<Request>,
    /// The request as it stood when it was approved.
    pub agreed: Option<Request>,
    pub basis: Option<Basis>,
    pub grant: Option<Grant>,
    /// The first intent to grant, and when it was written.
    pub first_intent: Option<(Intended, Timestamp)>,
    pub last_intent: Option<Intended>,
    /// Where the latest intent stands in the ledger, and when it was written.
    pub intended_at: Option<(u64, Timestamp)>,
    pub breaches: Vec<Breach>,
}

/// Folds a trail and judges each of its entries by what stood before it.
/// What was signed is checked with the passkeys that are known.
pub(crate) fn judge(trail: &Trail, passkeys: &Passkeys) -> Result<Judged, Error> {
    let mut judged = Judged::default();
    let mut states: BTreeMap<Stream, State> = BTreeMap::new();
    for step in &trail.steps {
        let entry = &step.entry;
        let at_fault = |why: String| Error::Entry { index: step.index, why };
        let signed = judged.look_at_signature(step, passkeys);
        for why in judged.look_at(entry).into_iter().chain(signed) {
            judged.breaches.push(Breach { index: step.index, at: entry.at, why });
        }
        let before = states.remove(&entry.stream);
        let after = apply(&entry.stream, before, &entry.event.0, entry.at)
            .map_err(|e| at_fault(e.to_string()))?;
        let Some(after) = after else { continue };
        if after.trail(&entry.stream) != entry.trail {
            return Err(at_fault(format!("`{}` does not belong to this trail", entry.stream)));
        }
        judged.remember(step.index, entry, &after);
        states.insert(entry.stream.clone(), after);
    }
    Ok(judged)
}

/// A list of what is wrong, from pairs of "is it so" and the sentence.
fn unless<const N: usize>(checks: [(bool, &str); N]) -> Vec<String> {
    checks.iter().filter(|(holds, _)| !holds).map(|(_, why)| (*why).to_owned()).collect()
}

impl Judged {
    /// What is wrong with an entry, seen from the state before it.
    fn look_at(&self, entry: &Entry) -> Vec<String> {
        match &entry.event.0 {
            Event::Request(event) => self.look_at_request(entry, event),
            Event::Grant(event) => self.look_at_grant(entry, event),
            Event::Finding(_) | Event::Trail(_) => Vec::new(),
            _ => vec![format!("`{}` has no place in the trail of a request", entry.stream)],
        }
    }

    /// In a stage that takes a passkey each approval carries a signature of one that was the
    /// approver's by then, over what the trail says it was opened for.
    fn look_at_signature(&self, step: &Step, passkeys: &Passkeys) -> Option<String> {
        let Event::Request(request::Event::ApprovalRecorded(approval)) = &step.entry.event.0 else {
            return None;
        };
        let request = self.request.as_ref()?;
        let who = approval.approver;
        let of = |why: &str| Some(format!("the approval of `{who}` {why}"));
        let Some(assertion) = &approval.assertion else {
            let takes = match &request.route {
                Route::People { stages } => {
                    let mut stages = stages.iter().filter(|one| one.name == approval.stage);
                    stages.any(|one| one.step_up.is_some())
                }
                Route::PreApproved { .. } | Route::BreakGlass { .. } => false,
            };
            return takes.then(|| of("was not signed, in a stage that takes a passkey")).flatten();
        };
        let opened = request.opened_for(who, approval.session, step.entry.at);
        let Some(opened) = opened.filter(|one| one.digest == approval.digest) else {
            return of("is signed with what was not open: used, too late, or for something else");
        };
        let signed = passkeys.signed(step.index, who, opened.challenge, assertion);
        signed.err().and_then(|why| of(&format!("is not signed: {why}")))
    }

    fn remember(&mut self, index: u64, entry: &Entry, after: &State) {
        match (&entry.event.0, after) {
            (Event::Request(event), State::Request(request)) => {
                if let request::Event::Approved(approved) = event
                    && self.agreed.is_none()
                {
                    self.agreed = Some(request.clone());
                    self.basis = Some(approved.basis.clone());
                }
                self.request = Some(request.clone());
            }
            (Event::Grant(event), State::Grant(grant)) => {
                if let grant::Event::Intended(intended) = event {
                    if intended.effect == Effect::Grant && self.first_intent.is_none() {
                        self.first_intent = Some((intended.clone(), entry.at));
                    }
                    self.last_intent = Some(intended.clone());
                    self.intended_at = Some((index, entry.at));
                }
                // A second grant is named as a breach, and does not take the place of the first.
                if self.grant.as_ref().is_none_or(|known| known.id == grant.id) {
                    self.grant = Some(grant.clone());
                }
            }
            _ => {}
        }
    }

    // ---- the request and its decision ----

    fn look_at_request(&self, entry: &Entry, event: &request::Event) -> Vec<String> {
        use request::Event as E;
        if let (None, E::Submitted(submitted)) = (&self.request, event) {
            return look_at_revision(entry, submitted);
        }
        let Some(request) = &self.request else {
            return vec!["the trail does not begin with a request".to_owned()];
        };
        let open = request.state == request::State::Open;
        let approved = request.state == request::State::Approved;
        let mut wrong = match event {
            E::Submitted(_) => vec!["the request was submitted twice".to_owned()],
            E::Revised(revised) => look_at_revision(entry, revised),
            E::Routed(routed) => unless([
                (routed.ruling.permit, "the route was not permitted by policy"),
                (asks_somebody(&routed.route, &routed.ruling.policies), NOBODY),
            ]),
            E::ApprovalRecorded(approval) => look_at_approval(request, entry, approval),
            E::Approved(approved) => look_at_decision(request, approved),
            E::ApprovalWithdrawn { approver, .. } => by_person(entry, *approver),
            E::Denied(denied) => by_person(entry, denied.by),
            E::Narrowed(narrow) => look_at_narrowing(request, entry, narrow),
            E::QuestionAsked(asked) => by_person(entry, asked.by),
            E::QuestionAnswered(answered) => unless([(
                entry.actor.identity() == Some(answered.by),
                "an answer was recorded by another than the one who gave it",
            )]),
            E::Escalated(escalated) => look_at_escalation(request, entry, escalated),
            E::Overtaken(overtaken) => unless([(
                request.revision.ends_on.contains(&overtaken.event),
                "it was overtaken by an event that it does not name",
            )]),
            E::ReviewOwed(_) => unless([(
                request.revision.emergency.is_some() && request.review.is_none(),
                "a review is owed for what was no emergency, or twice",
            )]),
            E::ReviewRecorded(reviewed) => look_at_review(request, entry, reviewed),
            E::StepUpOpened(opened) => look_at_opening(request, entry, opened),
            E::Withdrawn { .. } | E::Lapsed {} => Vec::new(),
        };
        let in_time = match event {
            E::ApprovalWithdrawn { .. } => open || approved,
            E::ReviewOwed(_) => approved,
            // What was taken back meanwhile is reviewed all the same.
            E::ReviewRecorded(_) => !open,
            _ => open,
        };
        if !in_time {
            let state = request.state.as_str();
            wrong.push(format!("`{}` cannot follow: {state}", entry.event.0.type_name()));
        }
        wrong
    }

    // ---- the grant and its life ----

    fn look_at_grant(&self, entry: &Entry, event: &grant::Event) -> Vec<String> {
        use grant::Event as E;
        let Some(grant) = &self.grant else {
            return match event {
                E::Approved(approved) => self.look_at_approved(entry, approved),
                _ => vec!["a grant was acted on before it was approved".to_owned()],
            };
        };
        if entry.stream != Stream::Grant(grant.id) {
            return vec!["one request led to a second grant".to_owned()];
        }
        let state = grant.state;
        let mut wrong = match event {
            E::Approved(_) => vec!["the grant was approved twice".to_owned()],
            E::Intended(intended) if intended.effect == Effect::Grant => {
                self.look_at_intent(grant, entry, intended)
            }
            E::Intended(intended) => unless([
                (state == grant::State::Ending, "a removal was intended that nothing had ordered"),
                (grant.until == Some(intended.until), "a removal moved the end of the access"),
            ]),
            E::Collected(collected) => self.look_at_collection(grant, entry, collected),
            E::Issued(issued) => look_at_certificate(grant, issued),
            E::Activated { .. } => unless([
                (
                    state == grant::State::Pending,
                    "the access was called active before anything was done to create it",
                ),
                (!grant.is_in_the_wild(), "a certificate was called active, which nobody can see"),
            ]),
            E::Ending { .. } => unless([(
                matches!(
                    state,
                    grant::State::Pending
                        | grant::State::Active
                        | grant::State::Unverified
                        | grant::State::Issued
                ),
                "the end was ordered of access that had not begun",
            )]),
            E::ReadBack(_) => unless([(
                state == grant::State::Ending,
                "a revocation was read back that nothing had ordered",
            )]),
            E::Ended { gone } => look_at_end(grant, gone, entry.at),
            E::Cancelled { .. } => unless([(
                state == grant::State::Approved,
                "a grant was cancelled that had begun, so its end was never seen",
            )]),
            E::CarriedOut(one) => self.look_at_work(grant, entry, one),
            E::Returned(one) => by_person(entry, one.by),
            E::Confirmed(one) => self.look_at_confirmation(grant, entry, one),
            E::Finished(_) | E::SeenStill { .. } | E::WorkOverdue { .. } => Vec::new(),
        };
        if state.is_over() {
            let name = entry.event.0.type_name();
            wrong.push(format!("`{name}` cannot follow: the grant was {} already", state.as_str()));
        }
        wrong
    }

    fn look_at_approved(&self, entry: &Entry, approved: &grant::Approved) -> Vec<String> {
        let Some(request) = &self.request else {
            return vec!["there is no request behind the grant".to_owned()];
        };
        let revision = &request.revision;
        unless([
            (request.state == request::State::Approved, "the grant came before its approval"),
            (entry.stream == Stream::Grant(approved.grant), "the grant is not the one it names"),
            (
                approved.digest == request.digest,
                "the grant is not of the digest that was agreed to",
            ),
            (approved.receiver == revision.receiver, "the grant is for another receiver"),
            (approved.entitlement == revision.entitlement, "the grant is of another entitlement"),
            (approved.target == revision.terms.target, "the grant is on another target"),
            (approved.native == revision.terms.native, "the grant is of another native id"),
            (approved.length <= revision.length, "the grant is longer than what was asked for"),
            (approved.starts_at == revision.starts_at, "the grant begins at another time"),
            (
                revision.emergency.is_none() || request.review.is_some(),
                "an emergency was granted, and no review is owed for it",
            ),
        ])
    }

    fn look_at_intent(&self, grant: &Grant, entry: &Entry, intended: &Intended) -> Vec<String> {
        let agreed = self.request.as_ref().is_some_and(|r| r.state == request::State::Approved);
        let permitted = intended.ruling.as_ref().is_some_and(|ruling| ruling.permit);
        let until = match &self.first_intent {
            None => entry.at + grant.approved.length,
            Some((first, _)) => first.until,
        };
        let approvers = self.agreed.as_ref().map(Request::approvers).unwrap_or_default();
        let by_approver = entry.actor.identity().is_some_and(|who| approvers.contains(&who));
        let may_begin = matches!(grant.state, grant::State::Approved | grant::State::Pending);
        let in_time = self.first_intent.is_some() || entry.at < grant.approved.use_by;
        let started = grant.approved.starts_at.is_none_or(|starts_at| starts_at <= entry.at);
        let collected = grant.approved.issues.is_none() || grant.collected.is_some();
        unless([
            (started, "the access was begun before its start"),
            (agreed, "the access was begun although an approval had been withdrawn"),
            (permitted, "the access was begun without a permit of policy"),
            (intended.until == until, "the end of the access was moved from what was agreed"),
            (entry.at < intended.until, "the access was begun after its end"),
            (!by_approver, "who approved it carried it out"),
            (may_begin, "the access was begun again after it had been active or ordered to end"),
            (in_time, "the access was begun after the approval had lapsed"),
            (collected, "the access was begun before its receiver had collected it"),
        ])
    }

    /// That whoever worked answers for the target, the trail does not show.
    fn look_at_work(&self, grant: &Grant, entry: &Entry, one: &CarriedOut) -> Vec<String> {
        let work = grant.work.as_deref().filter(|work| work.action == one.action);
        let creates = work.is_some_and(|work| work.effect == Effect::Grant);
        let approvers = self.agreed.as_ref().map(Request::approvers).unwrap_or_default();
        let mut wrong = by_person(entry, one.by);
        wrong.extend(unless([
            (
                work.is_some_and(|work| work.carried_out.is_none() && work.is_open()),
                "work was carried out that nobody was told to do",
            ),
            (!(creates && approvers.contains(&one.by)), "who approved it carried it out"),
            (!self.gains(one.by), "who gains by it carried it out"),
        ]));
        wrong
    }

    fn look_at_confirmation(&self, grant: &Grant, entry: &Entry, one: &Confirmed) -> Vec<String> {
        let work = grant.work.as_deref().filter(|work| work.action == one.action);
        let done = work.filter(|work| work.is_open()).and_then(|work| work.carried_out.as_ref());
        let mut wrong = by_person(entry, one.by);
        wrong.extend(unless([
            (done.is_some(), "work was confirmed that nobody had carried out"),
            (done.is_none_or(|done| done.by != one.by), "who carried it out confirmed it"),
            (!self.gains(one.by), "who gains by it confirmed it"),
        ]));
        wrong
    }

    /// Whether somebody asked for it, receives it, or stands behind those who do.
    fn gains(&self, who: IdentityId) -> bool {
        self.request.as_ref().is_some_and(|request| request.excluded.contains(&who))
    }

    /// That whoever collected is the receiver, or stands above it in the chain of owners, is all
    /// that the trail can show: those of that chain are among the ones who could not approve.
    fn look_at_collection(
        &self,
        grant: &Grant,
        entry: &Entry,
        collected: &Collected,
    ) -> Vec<String> {
        let by = collected.by;
        let excluded = self.request.as_ref().is_some_and(|one| one.excluded.contains(&by));
        let half = collected.public.half();
        unless([
            (grant.approved.issues == Some(half), "something was collected that is not issued"),
            (grant.collected.is_none(), "the access was collected twice"),
            (grant.state == grant::State::Approved, "the access was collected after it had begun"),
            (entry.at < grant.approved.use_by, "it was collected after the approval had lapsed"),
            (entry.actor.identity() == Some(by), "the collection was recorded by another"),
            (by == grant.approved.receiver || excluded, "the access was collected by a stranger"),
        ])
    }
}

const NOBODY: &str = "the route asks nobody and no pre-approved pattern is cited for it";

fn look_at_revision(entry: &Entry, submitted: &Submitted) -> Vec<String> {
    let revision = &submitted.revision;
    let digest = revision.digest().ok();
    let excluded = &submitted.excluded;
    let both = excluded.contains(&revision.requester) && excluded.contains(&revision.receiver);
    unless([
        (Stream::Request(revision.request) == entry.stream, "the request is not the one it names"),
        (digest == Some(submitted.digest), "the recorded digest is not that of what was asked for"),
        (submitted.ruling.permit, "asking for it was not permitted by policy"),
        (both, "the one who asked or the receiver was not excluded from approving"),
    ])
}

/// Law 1: on nobody's word nothing is granted.
fn asks_somebody(route: &Route, policies: &[String]) -> bool {
    match route {
        Route::PreApproved { .. } | Route::BreakGlass { .. } => !policies.is_empty(),
        Route::People { stages } => stages.iter().any(|stage| stage.needed > 0),
    }
}

/// Only people decide, in an interactive session of their own.
fn by_person(entry: &Entry, who: IdentityId) -> Vec<String> {
    match entry.actor {
        Actor::Person { id, .. } if id == who => Vec::new(),
        Actor::Person { .. } => vec![format!("the decision of `{who}` was recorded by another")],
        _ => vec![format!("the decision of `{who}` was not made in a session of their own")],
    }
}

fn look_at_approval(request: &Request, entry: &Entry, approval: &Approval) -> Vec<String> {
    let who = approval.approver;
    let revision = &request.revision;
    let open = request.open_places();
    let stage = match &request.route {
        Route::People { stages } => stages.iter().find(|stage| stage.name == approval.stage),
        Route::PreApproved { .. } | Route::BreakGlass { .. } => None,
    };
    let ready = stage.is_some_and(|one| one.after.iter().all(|name| !open.contains_key(name)));
    let own_session =
        !matches!(entry.actor, Actor::Person { session, .. } if session != approval.session);
    let party = who == revision.requester || who == revision.receiver;
    let right = approval.by_right_of();
    let theirs = |other: IdentityId| {
        other == revision.requester
            || other == revision.receiver
            || request.excluded.contains(&other)
    };
    let mandated = match &approval.acting_for {
        // The delegation has a trail of its own; evidence looks at it where it is enclosed.
        None => true,
        Some(acting) => match acting.by {
            Authority::Delegation { .. } => acting.identity != who,
            Authority::Escalation => request
                .escalated_to(who)
                .any(|(stage, silent)| *stage == approval.stage && silent == acting.identity),
        },
    };
    let mut wrong = by_person(entry, who);
    let checks = [
        (own_session, "was recorded in another session than the one it names"),
        (approval.digest == request.digest, "is for another digest than that of the request"),
        (approval.ruling.permit, "was not permitted by policy"),
        (!request.spent().contains(&who), "is the second by the same person"),
        (
            right == who || !request.spent().contains(&right),
            "is the second on the right of the same person",
        ),
        (right == who || !theirs(right), "rests on the right of someone who is not independent"),
        (mandated, "was given in the place of another without a mandate"),
        (!party && !request.excluded.contains(&who), "is by someone who is not independent"),
        (stage.is_some(), "is in a stage that the route does not have"),
        (stage.is_none() || ready, "was given before its stage had opened"),
    ];
    let of = format!("the approval of `{who}`");
    wrong.extend(unless(checks).into_iter().map(|why| format!("{of} {why}")));
    wrong
}

fn look_at_opening(request: &Request, entry: &Entry, opened: &Opened) -> Vec<String> {
    let own_session =
        !matches!(entry.actor, Actor::Person { session, .. } if session != opened.session);
    let mut wrong = by_person(entry, opened.approver);
    wrong.extend(unless([
        (own_session, "what is to be signed was opened for another session"),
        (opened.digest == request.digest, "what is to be signed is for another digest"),
        (
            opened.expires_at <= entry.at.plus_seconds(STEP_UP_SECONDS),
            "what is to be signed was opened for too long",
        ),
    ]));
    wrong
}

fn look_at_narrowing(request: &Request, entry: &Entry, narrow: &Narrow) -> Vec<String> {
    let by = narrow.by;
    let revision = &narrow.submitted.revision;
    let party = by == revision.requester || by == revision.receiver;
    let mut wrong = by_person(entry, by);
    wrong.extend(look_at_revision(entry, &narrow.submitted));
    wrong.extend(unless([
        (
            request::is_narrower(&request.revision, revision),
            "an approver changed it to more, or to something else, than was asked for",
        ),
        (
            !party && !request.excluded.contains(&by),
            "it was narrowed by someone who is not independent",
        ),
    ]));
    wrong
}

fn look_at_escalation(request: &Request, entry: &Entry, escalated: &Escalated) -> Vec<String> {
    let revision = &request.revision;
    let dependent = |who: &IdentityId| {
        *who == revision.requester || *who == revision.receiver || request.excluded.contains(who)
    };
    let on_time = request.escalates_at.is_some_and(|at| at <= entry.at)
        || request.escalations.last().is_some_and(|last| last.stage != escalated.stage);
    unless([
        (on_time, "it was escalated before its time"),
        (!escalated.to.keys().any(dependent), "it was escalated to someone who is not independent"),
        (
            matches!(entry.actor, Actor::Worker { .. }),
            "it was escalated by somebody, not by silence",
        ),
    ])
}

fn look_at_review(request: &Request, entry: &Entry, reviewed: &Reviewed) -> Vec<String> {
    let by = reviewed.by;
    let revision = &request.revision;
    let own_session =
        !matches!(entry.actor, Actor::Person { session, .. } if session != reviewed.session);
    let party = by == revision.requester
        || by == revision.receiver
        || request.excluded.contains(&by)
        || request.spent().contains(&by);
    let owed = request.review.as_ref().is_some_and(|review| review.recorded.is_none());
    let mut wrong = by_person(entry, by);
    wrong.extend(unless([
        (owed, "a review was recorded that was not owed"),
        (own_session, "a review was recorded in another session than the one it names"),
        (reviewed.ruling.permit, "the review was not permitted by policy"),
        (!party, "the review is by someone who is not independent"),
    ]));
    wrong
}

fn look_at_decision(request: &Request, approved: &request::Approved) -> Vec<String> {
    let basis = match (&approved.basis, &request.route) {
        (Basis::People { approvers }, Route::People { .. }) => *approvers == request.approvers(),
        (Basis::PreApproved { policies }, Route::PreApproved { .. }) => {
            !policies.is_empty() && *policies == request.routed_by.policies
        }
        (Basis::BreakGlass { policies }, Route::BreakGlass { .. }) => {
            request.revision.emergency.is_some()
                && !policies.is_empty()
                && *policies == request.routed_by.policies
        }
        _ => false,
    };
    let open: BTreeSet<String> = request.open_places().into_keys().map(|s| s.to_string()).collect();
    let mut wrong = unless([
        (approved.digest == request.digest, "the decision is for another digest than the request"),
        (asks_somebody(&request.route, &request.routed_by.policies), NOBODY),
        (basis, "the decision rests on something else than the recorded approvals"),
    ]);
    wrong.extend(open.iter().map(|stage| format!("stage `{stage}` was not filled")));
    wrong
}

/// A certificate is issued by an action that was done, and is not over before the access is.
fn look_at_certificate(grant: &Grant, issued: &Issued) -> Vec<String> {
    let done = grant.action.as_ref().is_some_and(|action| {
        action.effect == Effect::Grant && action.outcome == Some(Outcome::Done)
    });
    let covers = grant.until.is_some_and(|until| until <= issued.over_at);
    unless([
        (grant.is_in_the_wild(), "a certificate was issued where none is issued"),
        (grant.state == grant::State::Pending && done, "a certificate was issued out of turn"),
        (covers, "a certificate was called over before its access was"),
    ])
}

fn look_at_end(grant: &Grant, gone: &Gone, at: Timestamp) -> Vec<String> {
    let calls_over = |from: Timestamp| grant.grant_calls_over_at.is_none_or(|over| from >= over);
    let shown = match gone {
        Gone::CarriedOn { .. } => grant.approved.issues.is_none(),
        Gone::ValidityOver => grant.issued.as_ref().is_some_and(|one| at >= one.over_at),
        Gone::RevocationReadBack { hosts } => grant.issued.is_some() && !hosts.is_empty(),
        Gone::NeverIssued => grant.is_in_the_wild() && grant.issued.is_none() && calls_over(at),
        Gone::SeenAbsent { sighting } => {
            sighting.completeness == Completeness::Complete
                && !grant.is_in_the_wild()
                && calls_over(sighting.began_at)
        }
        Gone::ConfirmedByPeople { action } => grant.work.as_deref().is_some_and(|work| {
            work.action == *action && work.effect == Effect::Remove && !work.is_open()
        }),
    };
    unless([
        (grant.state == grant::State::Ending, "the access ended without its end being ordered"),
        (shown, "the access was called gone on a look that could not show it"),
    ])
}
