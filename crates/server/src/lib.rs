//! The doors: protocols in, commands and queries out.
//!
//! Here belong: routes, reading what came in once into the commands of `engine`, turning refusals
//! into problems (RFC 9457), and the limits of the protocol. Here does not belong: SQL, targets,
//! policies, a rule, or a decision about who may what: the actor comes from the credential, and
//! everything else from `engine`.

mod answer;
mod api;
mod auth;
mod body;
mod problem;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use placet_engine::Engine;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

pub use api::{Needs, ROUTES, Route};

/// The largest body that is read, in bytes: a policy bundle is the largest thing that comes in.
pub(crate) const LARGEST_BODY: usize = 1024 * 1024;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The router of all doors.
pub fn router(engine: Engine) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    Router::new()
        .nest("/api/v1", api::router())
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(engine)
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PATIENCE))
        .layer(CatchPanicLayer::custom(problem::panicked))
}
