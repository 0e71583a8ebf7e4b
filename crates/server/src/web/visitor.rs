//! Who looks at a page: the person behind the session in the cookie. A token opens no page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_engine::{Engine, Error};

use super::failed::Failed;
use super::ways::{self, Ways};
use crate::carried::Carried;
use crate::cookie;

/// Somebody who is logged in.
#[derive(Debug)]
pub(super) struct Visitor(pub Actor);

impl Visitor {
    pub(super) async fn of(parts: &Parts, engine: &Engine) -> Result<Self, Error> {
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
                Err(ways::asked_for(&Ways::of(&parts.extensions), Carried::new(to, None)))
            }
            Err(error) => Err(Failed::outside(error)),
        }
    }
}
