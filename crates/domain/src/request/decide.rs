//! The rules of a request: laws 1 and 2 hold here, whatever a policy bundle says.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ActingFor, Approval, Approved, Authority, Basis, Denied, Event, Narrow, OPEN_SECONDS,
    Overtaken, Request, Revision, Routed, State, Submitted, USE_BY_SECONDS, narrow, open_places,
    review, silence, talk,
};
use crate::Refusal;
use crate::actor::Actor;
use crate::assign::{Unfillable, assign};
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::delegation::Delegation;
use crate::ending;
use crate::entitlement::Entitlement;
use crate::grant::{Grant, State as Stands};
use crate::id::{CredentialId, IdentityId, RequestId};
use crate::identity::Identity;
use crate::name::StageName;
use crate::route::{Candidates, Route, Solved, Stage};
use crate::ruling::Ruling;
use crate::time::Timestamp;

/// What an ask is judged by.
#[derive(Debug)]
pub struct Intake<'a> {
    pub revision: Revision,
    pub requester: &'a Identity,
    pub receiver: &'a Identity,
    pub entitlement: &'a Entitlement,
    /// Those who may never approve it; see [`crate::independence::excluded`].
    pub excluded: BTreeSet<IdentityId>,
    /// Another open request of the same receiver for the same entitlement.
    pub already_open: Option<RequestId>,
    /// The grant that it extends, as it is now.
    pub extends: Option<&'a Grant>,
    pub may_ask: &'a Ruling,
    pub solved: &'a Solved,
    pub candidates: &'a Candidates,
    /// When silence escalates it.
    pub escalates_at: Option<Timestamp>,
}

/// A right that is another's: in whose place the approver would decide in a stage, and why.
#[derive(Clone, Debug)]
pub struct Acting {
    pub identity: IdentityId,
    pub stage: StageName,
    /// What policy says of the one acted for.
    pub ruling: Ruling,
    /// The delegation; none for one to whom the request was escalated.
    pub delegation: Option<Delegation>,
}

/// What an approval is judged by; everything is loaded and ruled anew for it.
#[derive(Debug)]
pub struct Approve<'a> {
    pub actor: Actor,
    pub approver: &'a Identity,
    /// The digest that the approver saw.
    pub digest: Digest,
    /// The stage that the approver chose; otherwise the first that fits.
    pub stage: Option<StageName>,
    pub receiver: &'a Identity,
    pub entitlement: &'a Entitlement,
    pub excluded: &'a BTreeSet<IdentityId>,
    /// The route as the ruling bundle solves it now.
    pub solved: &'a Solved,
    pub candidates: &'a Candidates,
    /// For each stage, whether policy says that this person may approve in it.
    pub eligible: &'a [(StageName, Ruling)],
    /// The rights of others on which this person may act.
    pub acting: &'a [Acting],
    /// When silence escalates what is then still open.
    pub escalates_at: Option<Timestamp>,
}

#[derive(Debug)]
pub enum Command<'a> {
    Submit(Intake<'a>),
    /// A new immutable revision; approvals of the old one no longer count.
    Revise(Intake<'a>),
    Approve(Approve<'a>),
    WithdrawApproval {
        actor: Actor,
    },
    Deny {
        actor: Actor,
        decider: &'a Identity,
        digest: Digest,
        reason: Committed<String>,
        eligible: &'a [(StageName, Ruling)],
    },
    Withdraw {
        by: IdentityId,
    },
    Lapse,
    /// Somebody who may agree asks for less.
    Narrow {
        actor: Actor,
        narrower: &'a Identity,
        /// The digest that they saw.
        digest: Digest,
        eligible: &'a [(StageName, Ruling)],
        intake: Intake<'a>,
    },
    AskQuestion {
        actor: Actor,
        asker: &'a Identity,
        text: Committed<String>,
        eligible: &'a [(StageName, Ruling)],
    },
    AnswerQuestion {
        by: IdentityId,
        receiver: &'a Identity,
        number: u32,
        text: Committed<String>,
    },
    /// Nobody decided in time.
    Escalate {
        waiting: &'a Candidates,
        /// Who is above whom.
        above: &'a BTreeMap<IdentityId, IdentityId>,
        excluded: &'a BTreeSet<IdentityId>,
        next: Option<Timestamp>,
    },
    /// What it was asked for is over elsewhere.
    Overtake(Overtaken),
    Review(review::Judging<'a>),
}

pub fn decide(
    state: Option<&Request>,
    command: Command<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let missing = || Refusal::UnknownRequest { given: "none".to_owned() };
    match command {
        Command::Submit(intake) => match state {
            None => submit(intake, Event::Submitted, now),
            Some(request) => Err(Refusal::AlreadyRegistered { what: request.id.to_string() }),
        },
        Command::Revise(intake) => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            if intake.revision.requester != request.revision.requester {
                return Err(Refusal::NotYours { what: request.id.to_string() });
            }
            same_access(request, &intake.revision)?;
            submit(intake, Event::Revised, now)
        }
        Command::Approve(approve) => decide_approve(state.ok_or_else(missing)?, approve, now),
        Command::WithdrawApproval { actor } => withdraw_approval(state.ok_or_else(missing)?, actor),
        Command::Deny { actor, decider, digest, reason, eligible } => {
            let (by, _) = person(actor, decider, now)?;
            let request = undecided(state.ok_or_else(missing)?, now)?;
            same_revision(request, digest)?;
            may_decide(eligible)?;
            Ok(vec![Event::Denied(Denied { by, reason })])
        }
        Command::Withdraw { by } => {
            let request = open(state.ok_or_else(missing)?)?;
            if by != request.revision.requester && by != request.revision.receiver {
                return Err(Refusal::NotYours { what: request.id.to_string() });
            }
            Ok(vec![Event::Withdrawn { by }])
        }
        Command::Lapse => {
            let request = open(state.ok_or_else(missing)?)?;
            if now < request.lapses_at {
                let state = request.state.as_str().to_owned();
                return Err(Refusal::WrongStep {
                    what: "lapsing before its time".to_owned(),
                    state,
                });
            }
            Ok(vec![Event::Lapsed {}])
        }
        Command::Narrow { actor, narrower, digest, eligible, intake } => {
            let (by, _) = person(actor, narrower, now)?;
            let request = undecided(state.ok_or_else(missing)?, now)?;
            same_revision(request, digest)?;
            independent(request, by, &intake.excluded)?;
            may_decide(eligible)?;
            narrow::check(request, &intake.revision)?;
            let narrowed = |submitted| Event::Narrowed(Narrow { submitted, by });
            submit(intake, narrowed, now)
        }
        Command::AskQuestion { actor, asker, text, eligible } => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            talk::ask(request, actor, asker, text, eligible, now)
                .map(|asked| vec![Event::QuestionAsked(asked)])
        }
        Command::AnswerQuestion { by, receiver, number, text } => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            talk::reply(request, by, receiver, number, text)
                .map(|answered| vec![Event::QuestionAnswered(answered)])
        }
        Command::Escalate { waiting, above, excluded, next } => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            let steps = silence::escalate(request, waiting, above, excluded, next, now)?;
            Ok(steps.into_iter().map(Event::Escalated).collect())
        }
        Command::Overtake(overtaken) => {
            let request = open(state.ok_or_else(missing)?)?;
            if !request.revision.ends_on.contains(&overtaken.event) {
                return Err(Refusal::NotYours { what: request.id.to_string() });
            }
            Ok(vec![Event::Overtaken(overtaken)])
        }
        Command::Review(judging) => review::review(state.ok_or_else(missing)?, judging, now)
            .map(|reviewed| vec![Event::ReviewRecorded(reviewed)]),
    }
}

/// Whoever may agree may also refuse, ask and narrow.
pub(super) fn may_decide(eligible: &[(StageName, Ruling)]) -> Result<(), Refusal> {
    if eligible.iter().any(|(_, ruling)| ruling.permit) {
        return Ok(());
    }
    Err(not_eligible(eligible))
}

fn open(request: &Request) -> Result<&Request, Refusal> {
    if request.state == State::Open {
        return Ok(request);
    }
    let state = request.state.as_str().to_owned();
    Err(Refusal::RequestClosed { request: request.id.to_string(), state })
}

/// Open, and its time not over, even if no worker has closed it yet.
fn undecided(request: &Request, now: Timestamp) -> Result<&Request, Refusal> {
    let request = open(request)?;
    if now < request.lapses_at {
        return Ok(request);
    }
    let state = State::Lapsed.as_str().to_owned();
    Err(Refusal::RequestClosed { request: request.id.to_string(), state })
}

/// One request is one access for one receiver; anything else is another request.
fn same_access(request: &Request, revision: &Revision) -> Result<(), Refusal> {
    let known = &request.revision;
    let as_urgent = revision.emergency.is_some() == known.emergency.is_some();
    if revision.receiver == known.receiver && revision.entitlement == known.entitlement && as_urgent
    {
        return Ok(());
    }
    let what = "a revision keeps the receiver, the entitlement and whether it is an emergency; for another make a new request";
    Err(Refusal::Unreadable { what: what.to_owned() })
}

fn active(identity: &Identity, now: Timestamp) -> Result<&Identity, Refusal> {
    if identity.is_active_at(now) {
        return Ok(identity);
    }
    Err(Refusal::InactiveIdentity { who: identity.id.to_string() })
}

/// The person behind a decision: human, active, and in a session of their own.
pub(super) fn person(
    actor: Actor,
    who: &Identity,
    now: Timestamp,
) -> Result<(IdentityId, CredentialId), Refusal> {
    if !who.is_human() {
        return Err(Refusal::OnlyPeopleDecide {});
    }
    match actor {
        Actor::Person { id, session } if id == who.id => {
            active(who, now)?;
            Ok((id, session))
        }
        _ => Err(Refusal::NeedsSession {}),
    }
}

fn same_revision(request: &Request, digest: Digest) -> Result<(), Refusal> {
    if request.digest == digest {
        return Ok(());
    }
    Err(Refusal::OldRevision { request: request.id.to_string() })
}

fn submit(
    intake: Intake<'_>,
    event: impl FnOnce(Submitted) -> Event,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    within_time(&intake, now)?;
    let Intake { revision, entitlement, may_ask, solved, excluded, escalates_at, .. } = intake;
    active(intake.requester, now)?;
    active(intake.receiver, now)?;
    if entitlement.retired {
        return Err(Refusal::RetiredEntitlement { name: entitlement.name.to_string() });
    }
    if revision.length > entitlement.longest {
        return Err(Refusal::OverLimit {
            asked: revision.length.to_string(),
            longest: entitlement.longest.to_string(),
            entitlement: entitlement.name.to_string(),
        });
    }
    if let Some(other) = intake.already_open {
        return Err(Refusal::AlreadyAsked { request: other.to_string() });
    }
    if !may_ask.permit && may_ask.deciding.is_empty() && may_ask.errors.is_empty() {
        return Err(not_offered(entitlement, &revision));
    }
    permitted(may_ask)?;
    let route = solved_route(solved, entitlement, &revision)?;
    fillable(&route, intake.candidates, &excluded)?;

    let digest = revision.digest().map_err(|e| Refusal::Unreadable { what: e.to_string() })?;
    let basis = unasked(&route, solved);
    let emergency = revision.emergency.is_some();
    let mut events = vec![
        event(Submitted {
            revision,
            digest,
            excluded,
            ruling: may_ask.cite(),
            lapses_at: now.plus_seconds(OPEN_SECONDS),
        }),
        Event::Routed(Routed { route, ruling: solved.ruling.cite(), escalates_at }),
    ];
    if let Some(basis) = basis {
        approve(&mut events, digest, basis, emergency, now);
    }
    Ok(events)
}

/// On what a route rests that asks nobody.
fn unasked(route: &Route, solved: &Solved) -> Option<Basis> {
    let policies = solved.ruling.cite().policies;
    match route {
        Route::People { .. } => None,
        Route::PreApproved { .. } => Some(Basis::PreApproved { policies }),
        Route::BreakGlass { .. } => Some(Basis::BreakGlass { policies }),
    }
}

/// Approved; an emergency owes a review from that moment on.
pub(super) fn approve(
    events: &mut Vec<Event>,
    digest: Digest,
    basis: Basis,
    emergency: bool,
    now: Timestamp,
) {
    events.push(Event::Approved(Approved { digest, basis }));
    if emergency {
        let due_at = now.plus_seconds(review::REVIEW_SECONDS);
        events.push(Event::ReviewOwed(review::Owed { due_at }));
    }
}

/// Never backdated, begun while its approval is fresh, and a continuation only of what goes on.
fn within_time(intake: &Intake<'_>, now: Timestamp) -> Result<(), Refusal> {
    let revision = &intake.revision;
    // A later revision keeps the start that was asked for, also when it has passed meanwhile.
    let backdated = |at: Timestamp| revision.number == 1 && at < now;
    let late = |at: Timestamp| at > now.plus_seconds(USE_BY_SECONDS);
    if let Some(starts_at) = revision.starts_at.filter(|at| backdated(*at) || late(*at)) {
        return Err(Refusal::StartOutOfRange { given: starts_at.to_string() });
    }
    if revision.ends_on.len() > ending::MOST {
        return Err(Refusal::TooManyEndingEvents { most: ending::MOST });
    }
    let Some(extended) = revision.extends else { return Ok(()) };
    let goes_on = intake.extends.is_some_and(|grant| {
        grant.id == extended
            && grant.approved.receiver == revision.receiver
            && grant.approved.entitlement == revision.entitlement
            && !grant.state.is_over()
            && grant.state != Stands::Ending
    });
    if goes_on {
        return Ok(());
    }
    Err(Refusal::NotExtendable { grant: extended.to_string() })
}

/// The commonest refusal deserves more than "no policy permits it".
fn not_offered(entitlement: &Entitlement, revision: &Revision) -> Refusal {
    if revision.emergency.is_some() {
        let name = &entitlement.name;
        let why =
            format!("no policy lets you break the glass for `{name}`; ask in the ordinary way");
        return Refusal::RefusedByPolicy { why };
    }
    let teams: Vec<&str> = entitlement.offered_to.iter().map(|team| team.as_str()).collect();
    let teams = if teams.is_empty() { "nobody".to_owned() } else { teams.join(", ") };
    let name = &entitlement.name;
    let why = format!(
        "`{name}` is offered to {teams}, and no policy lets you ask for it for this receiver"
    );
    Refusal::RefusedByPolicy { why }
}

fn permitted(ruling: &Ruling) -> Result<(), Refusal> {
    if !ruling.errors.is_empty() {
        return Err(Refusal::PolicyFailed { why: ruling.sentence() });
    }
    if !ruling.permit {
        return Err(Refusal::RefusedByPolicy { why: ruling.sentence() });
    }
    Ok(())
}

/// The route that policy solved, if law 1 lets it stand.
pub(super) fn solved_route(
    solved: &Solved,
    entitlement: &Entitlement,
    revision: &Revision,
) -> Result<Route, Refusal> {
    permitted(&solved.ruling)?;
    match &solved.route {
        None => Err(Refusal::RefusedByPolicy { why: solved.ruling.sentence() }),
        // Only an emergency breaks the glass, and only what people would have to agree to.
        Some(Route::BreakGlass { .. }) if revision.emergency.is_none() => {
            Err(Refusal::UnassentedRoute {})
        }
        Some(Route::PreApproved { .. } | Route::BreakGlass { .. })
            if entitlement.power_over_placet =>
        {
            Err(Refusal::PowerPreApproved { entitlement: entitlement.name.to_string() })
        }
        Some(Route::People { stages }) if stages.iter().all(|stage| stage.needed == 0) => {
            Err(Refusal::UnassentedRoute {})
        }
        Some(route) => Ok(route.clone()),
    }
}

/// Law 2 binds the candidates too: a route that only excluded people could fill cannot be filled.
fn fillable(
    route: &Route,
    candidates: &Candidates,
    excluded: &BTreeSet<IdentityId>,
) -> Result<(), Refusal> {
    let independent: Candidates = candidates
        .iter()
        .map(|(stage, people)| (stage.clone(), people.difference(excluded).copied().collect()))
        .collect();
    let open = open_places(route, &std::collections::BTreeMap::new());
    assign(&open, &independent).map(|_| ()).map_err(|Unfillable { stage, needed, eligible }| {
        Refusal::UnfillableStage { stage: stage.to_string(), needed, eligible }
    })
}

fn not_eligible(eligible: &[(StageName, Ruling)]) -> Refusal {
    let why = eligible.first().map_or_else(
        || "no stage is open".to_owned(),
        |(stage, ruling)| format!("stage `{stage}`: {}", ruling.sentence()),
    );
    Refusal::NotEligible { why }
}

fn decide_approve(
    request: &Request,
    approve: Approve<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let (approver, session) = person(approve.actor, approve.approver, now)?;
    let request = undecided(request, now)?;
    same_revision(request, approve.digest)?;
    independent(request, approver, approve.excluded)?;
    active(approve.receiver, now)?;
    if approve.entitlement.retired {
        return Err(Refusal::RetiredEntitlement { name: approve.entitlement.name.to_string() });
    }
    if approve.entitlement.terms != request.revision.terms {
        return Err(Refusal::TermsChanged { entitlement: approve.entitlement.name.to_string() });
    }
    if request.spent().contains(&approver) {
        return Err(Refusal::AlreadyApproved {});
    }
    let route = solved_route(approve.solved, approve.entitlement, &request.revision)?;

    let mut events = Vec::new();
    if route != request.route {
        events.push(Event::Routed(Routed {
            route: route.clone(),
            ruling: approve.solved.ruling.cite(),
            escalates_at: approve.escalates_at,
        }));
    }
    if let Route::People { stages } = &route {
        let Right { stage, ruling, acting_for } = choose_stage(request, stages, &approve, now)?;
        events.push(Event::ApprovalRecorded(Approval {
            approver,
            session,
            stage,
            digest: request.digest,
            ruling: ruling.cite(),
            at: now,
            acting_for,
        }));
    }
    if let Some(basis) = complete(request, &route, &events, approve.solved) {
        let emergency = request.revision.emergency.is_some();
        self::approve(&mut events, request.digest, basis, emergency, now);
    }
    Ok(events)
}

/// The exclusion recorded with the request and the one computed now both bind.
pub(super) fn independent(
    request: &Request,
    who: IdentityId,
    excluded: &BTreeSet<IdentityId>,
) -> Result<(), Refusal> {
    if who == request.revision.requester || who == request.revision.receiver {
        return Err(Refusal::SelfApproval {});
    }
    if request.excluded.contains(&who) || excluded.contains(&who) {
        return Err(Refusal::OwnsReceiver {});
    }
    Ok(())
}

/// A right to agree in a stage: the approver's own, or that of one in whose place they act.
#[derive(Clone)]
struct Right {
    stage: StageName,
    ruling: Ruling,
    acting_for: Option<ActingFor>,
}

/// Every right of the approver, their own first.
fn rights(request: &Request, approve: &Approve<'_>, now: Timestamp) -> Vec<Right> {
    let own = approve.eligible.iter().map(|(stage, ruling)| Right {
        stage: stage.clone(),
        ruling: ruling.clone(),
        acting_for: None,
    });
    let acting = approve.acting.iter().filter_map(|acting| {
        let by = mandate(request, approve.approver.id, acting, now)?;
        // Whose word was given has given it, and who may not agree cannot have another agree.
        let free = !request.spent().contains(&acting.identity)
            && independent(request, acting.identity, approve.excluded).is_ok();
        free.then(|| Right {
            stage: acting.stage.clone(),
            ruling: acting.ruling.clone(),
            acting_for: Some(ActingFor { identity: acting.identity, by }),
        })
    });
    own.chain(acting).collect()
}

/// What lets `who` act in another's place now, if anything does.
fn mandate(
    request: &Request,
    who: IdentityId,
    acting: &Acting,
    now: Timestamp,
) -> Option<Authority> {
    match &acting.delegation {
        Some(delegation) => {
            let made = &delegation.made;
            let theirs = made.to == who && made.from == acting.identity;
            (theirs && delegation.is_valid_at(now))
                .then_some(Authority::Delegation { delegation: made.delegation })
        }
        None => request
            .escalated_to(who)
            .any(|(stage, silent)| *stage == acting.stage && silent == acting.identity)
            .then_some(Authority::Escalation),
    }
}

/// The stage in which this approval counts: the one asked for, or the first eligible one that
/// leaves the others fillable by distinct people.
fn choose_stage(
    request: &Request,
    stages: &[Stage],
    approve: &Approve<'_>,
    now: Timestamp,
) -> Result<Right, Refusal> {
    let route = Route::People { stages: stages.to_vec() };
    let open = open_places(&route, &request.counters());
    if let Some(asked) = &approve.stage
        && !open.contains_key(asked)
    {
        return Err(Refusal::UnknownStage { given: asked.to_string() });
    }
    let ready = |name: &StageName| {
        let waits = stages.iter().find(|stage| stage.name == *name).map(|stage| &stage.after);
        waits.is_some_and(|after| after.iter().all(|earlier| !open.contains_key(earlier)))
    };
    let rights = rights(request, approve, now);
    let permits: Vec<&Right> = rights
        .iter()
        .filter(|right| approve.stage.as_ref().is_none_or(|asked| *asked == right.stage))
        .filter(|right| right.ruling.permit && open.contains_key(&right.stage))
        .filter(|right| ready(&right.stage))
        .collect();
    let leaves_rest_fillable = |right: &Right| {
        let mut rest = open.clone();
        rest.entry(right.stage.clone()).and_modify(|missing| *missing -= 1);
        let mut spent = request.spent();
        spent.insert(approve.approver.id);
        spent.extend(right.acting_for.as_ref().map(|acting| acting.identity));
        let mut others = approve.candidates.clone();
        for people in others.values_mut() {
            people.retain(|one| !approve.excluded.contains(one) && !spent.contains(one));
        }
        assign(&rest, &others).is_ok()
    };
    permits
        .iter()
        .find(|right| leaves_rest_fillable(right))
        .or(permits.first())
        .map(|right| (*right).clone())
        .ok_or_else(|| not_eligible(approve.eligible))
}

/// The basis of approval, once every stage of the route is full.
pub(super) fn complete(
    request: &Request,
    route: &Route,
    events: &[Event],
    solved: &Solved,
) -> Option<Basis> {
    let mut counters = request.counters();
    let mut approvers = request.approvers();
    for event in events {
        if let Event::ApprovalRecorded(approval) = event {
            *counters.entry(approval.stage.clone()).or_insert(0) += 1;
            approvers.insert(approval.approver);
        }
    }
    if !open_places(route, &counters).is_empty() {
        return None;
    }
    match route {
        Route::People { .. } => Some(Basis::People { approvers }),
        Route::PreApproved { .. } | Route::BreakGlass { .. } => unasked(route, solved),
    }
}

fn withdraw_approval(request: &Request, actor: Actor) -> Result<Vec<Event>, Refusal> {
    let Actor::Person { id, .. } = actor else { return Err(Refusal::NeedsSession {}) };
    if !matches!(request.state, State::Open | State::Approved) {
        let state = request.state.as_str().to_owned();
        return Err(Refusal::RequestClosed { request: request.id.to_string(), state });
    }
    let given =
        request.approvals.iter().find(|one| one.approver == id).ok_or(Refusal::NoApproval {})?;
    Ok(vec![Event::ApprovalWithdrawn { approver: id, digest: given.digest }])
}
