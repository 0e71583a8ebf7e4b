//! The rules of a request: laws 1 and 2 hold here, whatever a policy bundle says.

use std::collections::BTreeSet;

use super::{
    Approval, Approved, Basis, Denied, Event, OPEN_SECONDS, Request, Revision, Routed, State,
    Submitted, open_places,
};
use crate::Refusal;
use crate::actor::Actor;
use crate::assign::{Unfillable, assign};
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::entitlement::Entitlement;
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
    pub may_ask: &'a Ruling,
    pub solved: &'a Solved,
    pub candidates: &'a Candidates,
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
            if !eligible.iter().any(|(_, ruling)| ruling.permit) {
                return Err(not_eligible(eligible));
            }
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
    }
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
    if revision.receiver == known.receiver && revision.entitlement == known.entitlement {
        return Ok(());
    }
    let what = "a revision keeps the receiver and the entitlement; for others make a new request";
    Err(Refusal::Unreadable { what: what.to_owned() })
}

fn active(identity: &Identity, now: Timestamp) -> Result<&Identity, Refusal> {
    if identity.is_active_at(now) {
        return Ok(identity);
    }
    Err(Refusal::InactiveIdentity { who: identity.id.to_string() })
}

/// The person behind a decision: human, active, and in a session of their own.
fn person(
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
    event: fn(Submitted) -> Event,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let Intake { revision, entitlement, may_ask, solved, excluded, .. } = intake;
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
        return Err(not_offered(entitlement));
    }
    permitted(may_ask)?;
    let route = solved_route(solved, entitlement)?;
    fillable(&route, intake.candidates, &excluded)?;

    let digest = revision.digest().map_err(|e| Refusal::Unreadable { what: e.to_string() })?;
    let pre_approved = matches!(route, Route::PreApproved { .. });
    let mut events = vec![
        event(Submitted {
            revision,
            digest,
            excluded,
            ruling: may_ask.cite(),
            lapses_at: now.plus_seconds(OPEN_SECONDS),
        }),
        Event::Routed(Routed { route, ruling: solved.ruling.cite() }),
    ];
    if pre_approved {
        let policies = solved.ruling.cite().policies;
        events.push(Event::Approved(Approved { digest, basis: Basis::PreApproved { policies } }));
    }
    Ok(events)
}

/// The commonest refusal deserves more than "no policy permits it".
fn not_offered(entitlement: &Entitlement) -> Refusal {
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
fn solved_route(solved: &Solved, entitlement: &Entitlement) -> Result<Route, Refusal> {
    permitted(&solved.ruling)?;
    match &solved.route {
        None => Err(Refusal::RefusedByPolicy { why: solved.ruling.sentence() }),
        Some(Route::PreApproved { .. }) if entitlement.power_over_placet => {
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
    if request.approvers().contains(&approver) {
        return Err(Refusal::AlreadyApproved {});
    }
    let route = solved_route(approve.solved, approve.entitlement)?;

    let mut events = Vec::new();
    if route != request.route {
        events.push(Event::Routed(Routed {
            route: route.clone(),
            ruling: approve.solved.ruling.cite(),
        }));
    }
    if let Route::People { stages } = &route {
        let (stage, ruling) = choose_stage(request, stages, &approve)?;
        let at = now;
        let digest = request.digest;
        let ruling = ruling.cite();
        events.push(Event::ApprovalRecorded(Approval {
            approver,
            session,
            stage,
            digest,
            ruling,
            at,
        }));
    }
    if let Some(basis) = complete(request, &route, &events, approve.solved) {
        events.push(Event::Approved(Approved { digest: request.digest, basis }));
    }
    Ok(events)
}

/// The exclusion recorded with the request and the one computed now both bind.
fn independent(
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

/// The stage in which this approval counts: the one asked for, or the first eligible one that
/// leaves the others fillable by distinct people.
fn choose_stage(
    request: &Request,
    stages: &[Stage],
    approve: &Approve<'_>,
) -> Result<(StageName, Ruling), Refusal> {
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
    let permits: Vec<&(StageName, Ruling)> = approve
        .eligible
        .iter()
        .filter(|(stage, _)| approve.stage.as_ref().is_none_or(|asked| asked == stage))
        .filter(|(stage, ruling)| ruling.permit && open.contains_key(stage) && ready(stage))
        .collect();
    let leaves_rest_fillable = |stage: &StageName| {
        let mut rest = open.clone();
        rest.entry(stage.clone()).and_modify(|missing| *missing -= 1);
        let mut others = approve.candidates.clone();
        for people in others.values_mut() {
            people.retain(|one| {
                *one != approve.approver.id
                    && !approve.excluded.contains(one)
                    && !request.approvers().contains(one)
            });
        }
        assign(&rest, &others).is_ok()
    };
    permits
        .iter()
        .find(|(stage, _)| leaves_rest_fillable(stage))
        .or(permits.first())
        .map(|(stage, ruling)| (stage.clone(), ruling.clone()))
        .ok_or_else(|| not_eligible(approve.eligible))
}

/// The basis of approval, once every stage of the route is full.
fn complete(request: &Request, route: &Route, events: &[Event], solved: &Solved) -> Option<Basis> {
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
        Route::PreApproved { .. } => {
            Some(Basis::PreApproved { policies: solved.ruling.cite().policies })
        }
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
