//! The ways in: how people can log in here, and the login page for whoever comes without a session.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use placet_engine::Error;

use super::failed::Failed;
use crate::carried::Carried;
use crate::oidc::Provider;
use crate::passkeys::Passkeys;
use crate::problem;

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    carried: Carried,
    refused: Option<String>,
    /// The provider that people can log in by, as they call it.
    provider: Option<String>,
    /// Whether people can log in by passkey.
    passkeys: bool,
    version: &'static str,
}

/// The ways in.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    provider: Option<Arc<Provider>>,
    passkeys: Option<Arc<Passkeys>>,
}

impl Ways {
    pub(super) fn of(extensions: &Extensions) -> Self {
        Self { provider: extensions.get().cloned(), passkeys: extensions.get().cloned() }
    }

    pub(super) fn is_secure(&self) -> bool {
        self.provider.as_ref().is_some_and(|one| one.is_secure())
            || self.passkeys.as_ref().is_some_and(|one| one.is_secure())
    }

    /// The login page.
    pub(super) fn page(&self, carried: Carried, refused: Option<String>) -> LoginPage {
        LoginPage {
            carried,
            refused,
            provider: self.provider.as_ref().map(|one| one.name().to_owned()),
            passkeys: self.passkeys.is_some(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ways {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

pub(super) fn rendered(status: StatusCode, page: &LoginPage) -> Response {
    match page.render() {
        Ok(html) => {
            let mut response = (status, Html(html)).into_response();
            problem::may_try_later(&mut response);
            response
        }
        Err(error) => Failed::outside(Error::Fault(error.to_string())),
    }
}

/// The login page for somebody who asked for a page, or sent a form, without a session.
pub(super) fn asked_for(ways: &Ways, carried: Carried) -> Response {
    rendered(StatusCode::UNAUTHORIZED, &ways.page(carried, None))
}
