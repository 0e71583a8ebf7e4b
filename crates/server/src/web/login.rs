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
use placet_engine::commands::login::LogOut;
use placet_engine::{Engine, Error, Secret};
use serde::Deserialize;

use super::failed::Failed;
use super::form::{self, Form, Typed};
use super::page;
use crate::cookie;
use crate::oidc::Provider;

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
    version: &'static str,
}

/// The ways in.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways(Option<Arc<Provider>>);

impl Ways {
    pub(super) fn of(extensions: &Extensions) -> Self {
        Self(extensions.get::<Arc<Provider>>().cloned())
    }

    fn provider(&self) -> Option<String> {
        self.0.as_ref().map(|provider| provider.name().to_owned())
    }

    fn is_secure(&self) -> bool {
        self.0.as_ref().is_some_and(|provider| provider.is_secure())
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
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => Failed::outside(Error::Fault(error.to_string())),
    }
}

/// The login page for somebody who asked for a page, or sent a form, without a session.
pub(super) fn asked_for(ways: &Ways, to: &str, typed: &[(String, String)]) -> Response {
    let kept = serde_urlencoded::to_string(typed).unwrap_or_default();
    let (provider, version) = (ways.provider(), env!("CARGO_PKG_VERSION"));
    let page = LoginPage { to: ours(to).to_owned(), kept, refused: None, provider, version };
    rendered(StatusCode::UNAUTHORIZED, &page)
}

pub(super) async fn page(ways: Ways, Query(asked): Query<Asked>) -> Response {
    let to = ours(&asked.to).to_owned();
    let (provider, version) = (ways.provider(), env!("CARGO_PKG_VERSION"));
    let page = LoginPage { to, kept: String::new(), refused: None, provider, version };
    rendered(StatusCode::OK, &page)
}

pub(super) async fn log_in(
    State(engine): State<Engine>,
    ways: Ways,
    body: axum::body::Bytes,
) -> Response {
    let typed = match form::read(&body) {
        Ok(typed) => Typed::of(typed),
        Err(refusal) => return Failed::outside(refusal.into()),
    };
    let (to, kept) = (ours(typed.text("to")).to_owned(), typed.text("kept").to_owned());
    let version = env!("CARGO_PKG_VERSION");
    match engine.log_in(&Secret::presented(typed.text("code"))).await {
        Ok(given) => {
            let session = cookie::session(&given.secret, given.expires_at, ways.is_secure());
            let answer = match form::read(kept.as_bytes()) {
                Ok(typed) if !typed.is_empty() => {
                    let page = KeptPage { to, typed, version };
                    page::with_status(StatusCode::OK, &page).into_response()
                }
                _ => Redirect::to(&to).into_response(),
            };
            with_cookie(answer, session)
        }
        Err(Error::Refused(refusal)) => {
            let refused = Some(format!("{}; {}", refusal.sentence(), refusal.next_step()));
            let provider = ways.provider();
            rendered(StatusCode::UNAUTHORIZED, &LoginPage { to, kept, refused, provider, version })
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
