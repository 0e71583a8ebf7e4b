//! What decisions about a request are held against, whichever it is: that it is open and the same, who
//! decides and that they are independent, and which route law 1 lets stand.

use std::collections::BTreeSet;

use super::{Request, Revision, State};
use crate::Refusal;
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::entitlement::Entitlement;
use crate::id::{CredentialId, IdentityId};
use crate::identity::Identity;
use crate::name::StageName;
use crate::route::{Route, Solved};
use crate::ruling::Ruling;
use crate::time::Timestamp;

/// Whoever may agree may also refuse, ask and narrow.
pub(super) fn may_decide(eligible: &[(StageName, Ruling)]) -> Result<(), Refusal> {
    if eligible.iter().any(|(_, ruling)| ruling.permit) {
        return Ok(());
    }
    Err(not_eligible(eligible))
}

pub(super) fn open(request: &Request) -> Result<&Request, Refusal> {
    if request.state == State::Open {
        return Ok(request);
    }
    let state = request.state.as_str().to_owned();
    Err(Refusal::RequestClosed { request: request.id.to_string(), state })
}

/// Open, and its time not over, even if no worker has closed it yet.
pub(super) fn undecided(request: &Request, now: Timestamp) -> Result<&Request, Refusal> {
    let request = open(request)?;
    if now < request.lapses_at {
        return Ok(request);
    }
    let state = State::Lapsed.as_str().to_owned();
    Err(Refusal::RequestClosed { request: request.id.to_string(), state })
}

pub(super) fn active(identity: &Identity, now: Timestamp) -> Result<&Identity, Refusal> {
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

pub(super) fn same_revision(request: &Request, digest: Digest) -> Result<(), Refusal> {
    if request.digest == digest {
        return Ok(());
    }
    Err(Refusal::OldRevision { request: request.id.to_string() })
}

pub(super) fn permitted(ruling: &Ruling) -> Result<(), Refusal> {
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

pub(super) fn not_eligible(eligible: &[(StageName, Ruling)]) -> Refusal {
    let why = eligible.first().map_or_else(
        || "no stage is open".to_owned(),
        |(stage, ruling)| format!("stage `{stage}`: {}", ruling.sentence()),
    );
    Refusal::NotEligible { why }
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
