//! Agreeing: by what right somebody approves, in which stage it counts, and what makes a request
//! approved. What holds before anybody agrees is in `decide.rs`.

use std::collections::BTreeSet;

use super::rules::{
    active, independent, not_eligible, person, same_revision, solved_route, undecided,
};
use super::{
    ActingFor, Approval, Approved, Authority, Basis, Event, Request, Routed, State, open_places,
    review, step_up,
};
use crate::Refusal;
use crate::actor::Actor;
use crate::assign::assign;
use crate::canonical::Digest;
use crate::delegation::Delegation;
use crate::entitlement::Entitlement;
use crate::id::IdentityId;
use crate::identity::Identity;
use crate::name::StageName;
use crate::passkey::Asserted;
use crate::route::{Candidates, Route, Solved, Stage};
use crate::ruling::Ruling;
use crate::time::Timestamp;

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
    /// The signature that they give with it.
    pub asserted: Option<&'a Asserted<'a>>,
    /// When silence escalates what is then still open.
    pub escalates_at: Option<Timestamp>,
}

/// One person agrees to one digest. What that makes of the request follows at once.
pub(super) fn agree(
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
        let of = stages.iter().find(|one| one.name == stage);
        let of = of.ok_or_else(|| Refusal::UnknownStage { given: stage.to_string() })?;
        let by = (approver, session);
        let assertion = step_up::signed(request, of, by, approve.asserted, now)?;
        events.push(Event::ApprovalRecorded(Approval {
            approver,
            session,
            stage,
            digest: request.digest,
            ruling: ruling.cite(),
            at: now,
            acting_for,
            assertion,
        }));
    }
    if let Some(basis) = complete(request, &route, &events, approve.solved) {
        let emergency = request.revision.emergency.is_some();
        approved(&mut events, request.digest, basis, emergency, now);
    }
    Ok(events)
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

/// Whoever agreed takes it back.
pub(super) fn withdraw(request: &Request, actor: Actor) -> Result<Vec<Event>, Refusal> {
    let Actor::Person { id, .. } = actor else { return Err(Refusal::NeedsSession {}) };
    if !matches!(request.state, State::Open | State::Approved) {
        let state = request.state.as_str().to_owned();
        return Err(Refusal::RequestClosed { request: request.id.to_string(), state });
    }
    let given =
        request.approvals.iter().find(|one| one.approver == id).ok_or(Refusal::NoApproval {})?;
    Ok(vec![Event::ApprovalWithdrawn { approver: id, digest: given.digest }])
}

/// On what a route rests that asks nobody.
pub(super) fn unasked(route: &Route, solved: &Solved) -> Option<Basis> {
    let policies = solved.ruling.cite().policies;
    match route {
        Route::People { .. } => None,
        Route::PreApproved { .. } => Some(Basis::PreApproved { policies }),
        Route::BreakGlass { .. } => Some(Basis::BreakGlass { policies }),
    }
}

/// Approved; an emergency owes a review from that moment on.
pub(super) fn approved(
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
