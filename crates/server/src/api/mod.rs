//! The API: every route in one list, with what it needs. One file for each topic.

mod access;
mod catalogue;
mod evidence;
mod login;
mod policy;
mod requests;

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
    "POST" "/logout" Known => post(login::log_out);
    "GET" "/me" Known => get(login::me);
    "POST" "/login-codes" Session => post(login::issue_code);
    "POST" "/tokens" Session => post(login::issue_token);

    "GET" "/identities" Known => get(catalogue::identities);
    "POST" "/identities/{handle}/deactivate" Session => post(catalogue::deactivate);
    "GET" "/entitlements" Known => get(catalogue::entitlements);
    "POST" "/entitlements/{name}/retire" Session => post(catalogue::retire);
    "GET" "/targets" Known => get(catalogue::targets);

    "GET" "/requests" Known => get(requests::list);
    "POST" "/requests" Known => post(requests::submit);
    "GET" "/requests/{id}" Known => get(requests::show);
    "POST" "/requests/{id}/revisions" Known => post(requests::revise);
    "POST" "/requests/{id}/approve" Session => post(requests::approve);
    "POST" "/requests/{id}/deny" Session => post(requests::deny);
    "POST" "/requests/{id}/withdraw" Known => post(requests::withdraw);
    "POST" "/requests/{id}/withdraw-approval" Session => post(requests::withdraw_approval);
    "GET" "/inbox" Known => get(requests::inbox);

    "GET" "/grants" Known => get(access::grants);
    "POST" "/grants/{id}/give-back" Known => post(access::give_back);
    "POST" "/grants/{id}/revoke" Session => post(access::revoke);
    "GET" "/findings" Known => get(access::findings);

    "GET" "/policy" Known => get(policy::ruling);
    "GET" "/policy/bundles/{digest}" Known => get(policy::show);
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
