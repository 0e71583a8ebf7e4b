//! Who is there: the actor comes only from the credential in the `Authorization` header (RFC 6750,
//! section 2.1), never from an argument.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_engine::{Engine, Secret};

use crate::problem::Failed;

/// Somebody who is known.
#[derive(Debug)]
pub(crate) struct Known(pub Actor);

impl FromRequestParts<Engine> for Known {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Failed> {
        let given = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(Refusal::NotAuthenticated {})?;
        Ok(Self(engine.authenticate(&Secret::presented(given)).await?))
    }
}
