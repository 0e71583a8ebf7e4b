//! Logging in and out in a browser. Whoever was about to do something comes back to it, with what
//! they had typed.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::refusal::Class;
use placet_engine::commands::login::{Given, LogOut};
use placet_engine::{Engine, Error, Secret};
use serde::Deserialize;

use super::failed::Failed;
use super::form::{self, Fields, Form, Typed};
use super::page;
use super::passkeys::{self, Asking};
use crate::cookie;
use crate::oidc::Provider;
use crate::passkeys::Passkeys;
use crate::problem;
use crate::tries::Trying;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    /// Where to go afterwards.
    to: String,
    /// What was typed before the session was over.
    kept: String,
    refused: Option<String>,
    /// The provider that people can log in by, as they call it.
    provider: Option<String>,
    /// Whether people can log in by passkey.
    passkeys: bool,
    version: &'static str,
}

#[derive(Template)]
#[template(path = "login_passkey.html")]
struct PasskeyPage {
    options: String,
    to: String,
    kept: String,
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

    fn is_secure(&self) -> bool {
        self.provider.as_ref().is_some_and(|one| one.is_secure())
            || self.passkeys.as_ref().is_some_and(|one| one.is_secure())
    }

    fn page(&self, to: &str, kept: String, refused: Option<String>) -> LoginPage {
        LoginPage {
            to: ours(to).to_owned(),
            kept,
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

#[derive(Template)]
#[template(path = "kept.html")]
struct KeptPage {
    to: String,
    typed: Vec<(String, String)>,
    version: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    to: String,
}

/// A place of ours, or the first page: a link must not lead elsewhere after a login.
fn ours(to: &str) -> &str {
    let inside = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']);
    if inside { to } else { "/" }
}

fn rendered(status: StatusCode, page: &LoginPage) -> Response {
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
pub(super) fn asked_for(ways: &Ways, to: &str, typed: &[(String, String)]) -> Response {
    let kept = serde_urlencoded::to_string(typed).unwrap_or_default();
    rendered(StatusCode::UNAUTHORIZED, &ways.page(to, kept, None))
}

pub(super) async fn page(ways: Ways, Query(asked): Query<Asked>) -> Response {
    rendered(StatusCode::OK, &ways.page(&asked.to, String::new(), None))
}

/// The page on which the browser is asked for a passkey, whose ever it may be.
pub(super) async fn by_passkey(
    State(engine): State<Engine>,
    asked: Asking,
    fields: Fields,
    body: axum::body::Bytes,
) -> Result<Response, Failed> {
    let asked = passkeys::set_up(asked)?;
    let typed = Typed::of(fields.read(&body)?);
    let page = PasskeyPage {
        options: passkeys::options(&asked.to_log_in(&engine)?)?,
        to: ours(typed.text("to")).to_owned(),
        kept: typed.text("kept").to_owned(),
        version: env!("CARGO_PKG_VERSION"),
    };
    page::shown(&page)
}

/// Opens a session by what was typed, or by what a passkey signed.
async fn open(
    engine: &Engine,
    asked: Asking,
    trying: &Trying,
    typed: &Typed,
) -> Result<Given, Error> {
    if typed.optional("asked").is_none() {
        let code = Secret::presented(typed.text("code"));
        return trying.once(engine, engine.log_in(&code)).await;
    }
    let asked = asked.map_err(|crate::problem::Failed(error)| error)?;
    asked.log_in(engine, trying, &passkeys::said(typed)?).await
}

pub(super) async fn log_in(
    State(engine): State<Engine>,
    ways: Ways,
    asked: Asking,
    trying: Trying,
    fields: Fields,
    body: axum::body::Bytes,
) -> Response {
    let typed = match fields.read(&body) {
        Ok(typed) => Typed::of(typed),
        Err(refusal) => return Failed::outside(refusal.into()),
    };
    let (to, kept) = (ours(typed.text("to")).to_owned(), typed.text("kept").to_owned());
    match open(&engine, asked, &trying, &typed).await {
        Ok(given) => {
            let session = cookie::session(&given.secret, given.expires_at, ways.is_secure());
            let answer = match form::read(kept.as_bytes()) {
                Ok(typed) if !typed.is_empty() => {
                    let page = KeptPage { to, typed, version: env!("CARGO_PKG_VERSION") };
                    page::with_status(StatusCode::OK, &page).into_response()
                }
                _ => Redirect::to(&to).into_response(),
            };
            with_cookie(answer, session)
        }
        Err(Error::Refused(refusal)) => {
            let refused = Some(format!("{}; {}", refusal.sentence(), refusal.next_step()));
            let status = match refusal.class() {
                Class::TooMany => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNAUTHORIZED,
            };
            rendered(status, &ways.page(&to, kept, refused))
        }
        Err(error) => Failed::outside(error),
    }
}

pub(super) async fn log_out(
    State(engine): State<Engine>,
    ways: Ways,
    form: Form,
) -> Result<Response, Failed> {
    match engine.run(form.actor, &LogOut).await {
        // Ended by somebody else in this very moment is ended, too.
        Ok(()) | Err(Error::Refused(Refusal::NotAuthenticated {})) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(with_cookie(Redirect::to("/login").into_response(), cookie::cleared(ways.is_secure())))
}

fn with_cookie(mut answer: Response, cookie: HeaderValue) -> Response {
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn a_login_leads_nowhere_else() {
        for (to, leads) in [
            ("/requests/req_1?x=1", "/requests/req_1?x=1"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
        ] {
            assert_eq!(ours(to), leads, "{to:?}");
        }
    }
}
