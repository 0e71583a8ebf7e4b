//! The API: every route in one list, with what it needs. One file for each topic.

mod access;
mod catalogue;
mod evidence;
mod findings;
mod governed;
mod lasting;
mod login;
mod notices;
mod policy;
mod requests;
mod work;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use placet_engine::Engine;

/// What a route needs of the one who calls it; a test holds every route against this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Nobody has to be known.
    Nothing,
    /// A session or a token.
    Known,
    /// A person in an interactive session: it is a decision.
    Session,
}

/// A route of the API.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
    handler: fn() -> MethodRouter<Engine>,
}

macro_rules! routes {
    ($($method:literal $path:literal $needs:ident => $verb:ident($handler:path);)*) => {
        /// Every route, under `/api/v1`.
        pub const ROUTES: &[Route] = &[$(Route {
            method: $method,
            path: $path,
            needs: Needs::$needs,
            handler: || $verb($handler),
        }),*];
    };
}

routes! {
    "GET" "/health" Nothing => get(login::health);
    "POST" "/login" Nothing => post(login::log_in);
    "POST" "/login/device" Nothing => post(crate::oidc::device::start);
    "POST" "/login/device/poll" Nothing => post(crate::oidc::device::poll);
    "POST" "/logout" Known => post(login::log_out);
    "GET" "/me" Known => get(login::me);
    "POST" "/login-codes" Session => post(login::issue_code);
    "POST" "/tokens" Session => post(login::issue_token);

    "GET" "/identities" Known => get(catalogue::identities);
    "POST" "/identities/{handle}/deactivate" Session => post(catalogue::deactivate);
    "GET" "/entitlements" Known => get(catalogue::entitlements);
    "POST" "/entitlements/{name}/retire" Session => post(catalogue::retire);
    "GET" "/targets" Known => get(catalogue::targets);
    "POST" "/targets/{name}/retire" Session => post(governed::retire_target);
    "POST" "/catalogue/diff" Known => post(governed::diff);
    "GET" "/catalogue/proposals" Known => get(governed::proposals);
    "POST" "/catalogue/proposals" Known => post(governed::propose);
    "GET" "/catalogue/proposals/{id}" Known => get(governed::show);
    "POST" "/catalogue/proposals/{id}/adopt" Session => post(governed::adopt);
    "POST" "/catalogue/proposals/{id}/reject" Session => post(governed::reject);
    "POST" "/catalogue/proposals/{id}/withdraw" Known => post(governed::withdraw);
    "GET" "/catalogue/handovers" Known => get(governed::handovers);
    "POST" "/catalogue/handovers/{id}/keep" Session => post(governed::keep);
    "GET" "/catalogue/upkeep" Known => get(governed::upkeep);
    "POST" "/catalogue/upkeep/{what}/release" Session => post(governed::release);

    "GET" "/requests" Known => get(requests::list);
    "POST" "/requests" Known => post(requests::submit);
    "GET" "/requests/{id}" Known => get(requests::show);
    "POST" "/requests/{id}/revisions" Known => post(requests::revise);
    "POST" "/requests/{id}/approve" Session => post(requests::approve);
    "POST" "/requests/{id}/deny" Session => post(requests::deny);
    "POST" "/requests/{id}/withdraw" Known => post(requests::withdraw);
    "POST" "/requests/{id}/withdraw-approval" Session => post(requests::withdraw_approval);
    "POST" "/requests/together" Known => post(lasting::file);
    "POST" "/requests/{id}/narrow" Session => post(lasting::narrow);
    "POST" "/requests/{id}/questions" Known => post(lasting::ask);
    "POST" "/requests/{id}/review" Session => post(lasting::review);
    "GET" "/reviews" Known => get(lasting::reviews);
    "GET" "/inbox" Known => get(requests::inbox);
    "GET" "/notices" Known => get(notices::mine);
    "GET" "/notices/undelivered" Known => get(notices::undelivered);

    "GET" "/delegations" Known => get(lasting::delegations);
    "POST" "/delegations" Session => post(lasting::delegate);
    "POST" "/delegations/{id}/end" Known => post(lasting::end_delegation);
    "POST" "/ending-events" Known => post(lasting::report_ending);

    "GET" "/grants" Known => get(access::grants);
    "GET" "/grants/{id}" Known => get(access::grant);
    "POST" "/grants/{id}/collect" Known => post(access::collect);
    "POST" "/grants/{id}/give-back" Known => post(access::give_back);
    "POST" "/grants/{id}/revoke" Session => post(access::revoke);
    "POST" "/grants/{id}/extend" Known => post(requests::extend);

    "GET" "/work" Known => get(work::list);
    "POST" "/work/{id}/carried-out" Session => post(work::carried_out);
    "POST" "/work/{id}/return" Session => post(work::returned);
    "POST" "/work/{id}/confirm" Session => post(work::confirmed);

    "GET" "/findings" Known => get(findings::list);
    "POST" "/findings/{id}/answer" Known => post(findings::answer);
    "POST" "/findings/{id}/remove" Session => post(findings::remove);
    "POST" "/targets/{name}/release" Session => post(findings::release);

    "GET" "/policy" Known => get(policy::ruling);
    "GET" "/policy/bundles/{digest}" Known => get(policy::show);
    "GET" "/policy/bundles/{digest}/effects" Known => get(policy::effects);
    "POST" "/policy/bundles" Known => post(policy::propose);
    "POST" "/policy/bundles/{digest}/adopt" Session => post(policy::adopt);

    "POST" "/requests/{id}/evidence" Known => post(evidence::of_request);
    "POST" "/grants/{id}/evidence" Known => post(evidence::of_grant);
    "GET" "/ledger/checkpoint" Known => get(evidence::checkpoint);
    "GET" "/ledger/key" Nothing => get(evidence::key);
}

pub(crate) fn router() -> Router<Engine> {
    ROUTES.iter().fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
}
