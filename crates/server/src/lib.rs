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
mod carried;
mod cookie;
mod doing;
mod oidc;
mod passkeys;
mod pending;
mod problem;
mod tries;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use placet_engine::Engine;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tries::Tries;

pub use api::{ROUTES, Route};
pub use auth::Needs;
pub use oidc::{Provider, ProviderSecret, ProviderSettings};
pub use passkeys::Passkeys;
pub use web::{PAGES, WebRoute};

/// The largest body that is read, in bytes: a policy bundle is the largest thing that comes in.
pub(crate) const LARGEST_BODY: usize = 1024 * 1024;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How people show who they are, beside one-time codes.
#[derive(Debug, Default)]
pub struct Logins {
    pub provider: Option<Provider>,
    pub passkeys: Option<Passkeys>,
}

/// The router of all doors, where people log in by one-time codes alone.
pub fn router(engine: Engine) -> Router {
    router_with(engine, Logins::default())
}

/// The router of all doors, with what is set up for people.
pub fn router_with(engine: Engine, logins: Logins) -> Router {
    let Logins { provider, passkeys } = logins;
    let behind_proxy = provider.as_ref().is_some_and(Provider::is_behind_proxy)
        || passkeys.as_ref().is_some_and(|one| one.behind_proxy);
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let routes = Router::new().nest("/api/v1", api::router()).merge(web::router());
    let routes = match provider {
        Some(provider) => routes.layer(Extension(Arc::new(provider))),
        None => routes,
    };
    let routes = match passkeys {
        Some(passkeys) => routes.layer(Extension(Arc::new(passkeys))),
        None => routes,
    };
    routes
        .layer(Extension(Arc::new(Tries::new(behind_proxy))))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(engine)
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PATIENCE))
        .layer(CatchPanicLayer::custom(problem::panicked))
}
