//! Who looks at a page: the person behind the session in the cookie. A token opens no page.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_engine::{Engine, Error};

use super::failed::Failed;
use super::form::{Fields, LARGEST};
use super::login::{self, Ways};
use crate::cookie;

/// Somebody who is logged in.
#[derive(Debug)]
pub(super) struct Visitor(pub Actor);

impl Visitor {
    async fn of(parts: &Parts, engine: &Engine) -> Result<Self, Error> {
        let secret = cookie::read(&parts.headers).ok_or(Refusal::NotAuthenticated {})?;
        match engine.authenticate(&secret).await? {
            actor @ Actor::Person { .. } => Ok(Self(actor)),
            _ => Err(Refusal::NeedsSession {}.into()),
        }
    }
}

impl FromRequestParts<Engine> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Response> {
        match Self::of(parts, engine).await {
            Ok(visitor) => Ok(visitor),
            Err(Error::Refused(_)) => {
                let to = parts.uri.path_and_query().map_or("/", |one| one.as_str());
                Err(login::asked_for(&Ways::of(&parts.extensions), to, &[]))
            }
            Err(error) => Err(Failed::outside(error)),
        }
    }
}

/// What a form sent, and by whom. Where the session is over, the login page keeps what was typed.
pub(super) async fn sent(
    request: Request,
    engine: &Engine,
) -> Result<(Actor, Vec<(String, String)>), Response> {
    let (parts, body) = request.into_parts();
    debug_assert_eq!(parts.method, Method::POST);
    let visitor = Visitor::of(&parts, engine).await;
    let (path, ways) = (parts.uri.path().to_owned(), Ways::of(&parts.extensions));
    let fields = Fields::of(&parts.extensions);
    let bytes = Bytes::from_request(Request::from_parts(parts, body), engine).await;
    let bytes = bytes.map_err(|_| {
        let what = "body".to_owned();
        Failed::outside(Refusal::TextTooLong { what, limit: LARGEST }.into())
    })?;
    let typed = fields.read(&bytes).map_err(|refusal| Failed::outside(refusal.into()))?;
    match visitor {
        Ok(Visitor(actor)) => Ok((actor, typed)),
        Err(Error::Refused(_)) => Err(login::asked_for(&ways, &path, &typed)),
        Err(error) => Err(Failed::outside(error)),
    }
}
