//! Who is there: the actor comes only from the credential in the `Authorization` header (RFC 6750,
//! section 2.1), never from an argument.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_engine::{Engine, Purpose, Secret};

use crate::api::Needs;
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
        // A route that does not say what it needs lets in only what is good for everything.
        let needs = parts.extensions.get::<Needs>().copied();
        let purpose = needs.map_or(Purpose::Unsaid, Needs::purpose);
        Ok(Self(engine.authenticate_for(&Secret::presented(given), purpose).await?))
    }
}
