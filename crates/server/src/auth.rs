//! What a route needs of whoever calls it, and who is there: the actor comes only from the credential in the `Authorization` header (RFC 6750,
//! section 2.1), never from an argument.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::credential::TokenScope;
use placet_engine::{Engine, Purpose, Secret};

use crate::problem::Failed;

/// What a route needs of the one who calls it; a test holds every route against this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Nobody has to be known.
    Nothing,
    /// A session or a token, whatever its scopes: it is about the credential itself.
    Itself,
    /// A session, or a token with this scope.
    Read,
    Ask,
    Report,
    Propose,
    /// A person in an interactive session: it is a decision.
    Session,
}

impl Needs {
    /// What a credential is presented for here.
    pub(crate) fn purpose(self) -> Purpose {
        match self {
            // Nobody asks who is there; if somebody did, it would have to be good for everything.
            Self::Nothing => Purpose::Unsaid,
            Self::Session => Purpose::Decision,
            Self::Itself => Purpose::Itself,
            Self::Read => Purpose::Scope(TokenScope::Read),
            Self::Ask => Purpose::Scope(TokenScope::Ask),
            Self::Report => Purpose::Scope(TokenScope::Report),
            Self::Propose => Purpose::Scope(TokenScope::Propose),
        }
    }
}

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
