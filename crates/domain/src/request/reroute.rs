//! Reroute: the way of an open request is solved again after a change. The old way stays in the
//! trail, and approvals count on: they are for what was asked, not for the way.

use super::approve::{approved, complete};
use super::rules::solved_route;
use super::{Event, Request, Routed, State};
use crate::Refusal;
use crate::entitlement::Entitlement;
use crate::route::Solved;
use crate::time::Timestamp;

/// What follows for an open request from the route as policy solves it now. A request that became
/// impossible is refused in the policy's words, and stays as it is until it lapses.
pub fn reroute(
    request: &Request,
    solved: &Solved,
    entitlement: &Entitlement,
    escalates_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    if request.state != State::Open {
        let state = request.state.as_str().to_owned();
        return Err(Refusal::RequestClosed { request: request.id.to_string(), state });
    }
    if entitlement.retired {
        return Err(Refusal::RetiredEntitlement { name: entitlement.name.to_string() });
    }
    if entitlement.terms != request.revision.terms {
        return Err(Refusal::TermsChanged { entitlement: entitlement.name.to_string() });
    }
    let route = solved_route(solved, entitlement, &request.revision)?;
    let mut events = Vec::new();
    // Another bundle is another way, even if it leads through the same stages.
    if route != request.route || solved.ruling.bundle != request.routed_by.bundle {
        let ruling = solved.ruling.cite();
        events.push(Event::Routed(Routed { route: route.clone(), ruling, escalates_at }));
    }
    if let Some(basis) = complete(request, &route, &events, solved) {
        let emergency = request.revision.emergency.is_some();
        approved(&mut events, request.digest, basis, emergency, now);
    }
    Ok(events)
}
