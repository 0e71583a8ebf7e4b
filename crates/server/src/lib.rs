//! The doors: protocols in, commands and queries out.
//!
//! Here belong: routes, pages, reading what came in once into the commands of `engine`, turning refusals
//! into problems (RFC 9457), and the limits of the protocol. Here does not belong: SQL, targets,
//! policies, a rule, or a decision about who may what: the actor comes from the credential, and
//! everything else from `engine`.

mod answer;
mod api;
mod auth;
mod body;
mod cookie;
mod doing;
mod oidc;
mod problem;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::routing::get;
use placet_engine::Engine;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

pub use api::{Needs, ROUTES, Route};
pub use oidc::{Provider, ProviderSecret, ProviderSettings};
pub use web::{PAGES, WebRoute};

/// The largest body that is read, in bytes: a policy bundle is the largest thing that comes in.
pub(crate) const LARGEST_BODY: usize = 1024 * 1024;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The router of all doors, without a provider to log in by.
pub fn router(engine: Engine) -> Router {
    doors(engine, |router| router)
}

/// The router of all doors, where people can log in by a provider.
pub fn router_with(engine: Engine, provider: Provider) -> Router {
    doors(engine, |router| router.layer(Extension(Arc::new(provider))))
}

fn doors(engine: Engine, with: impl FnOnce(Router<Engine>) -> Router<Engine>) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let routes = Router::new()
        .nest("/api/v1", api::router())
        .merge(web::router())
        .route("/login/provider", get(oidc::browser::start))
        .route("/login/callback", get(oidc::browser::callback));
    with(routes)
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(engine)
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PATIENCE))
        .layer(CatchPanicLayer::custom(problem::panicked))
}
