//! Logging in and out in a browser. Whoever was about to do something comes back to it, with what
//! they had typed.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_engine::commands::login::LogOut;
use placet_engine::{Engine, Error, Secret};
use serde::Deserialize;

use super::failed::Failed;
use super::form::{self, Form, Typed};
use super::page;
use crate::cookie;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    /// Where to go afterwards.
    to: String,
    /// What was typed before the session was over.
    kept: String,
    refused: Option<String>,
    version: &'static str,
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
pub(super) fn asked_for(to: &str, typed: &[(String, String)]) -> Response {
    let kept = serde_urlencoded::to_string(typed).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let page = LoginPage { to: ours(to).to_owned(), kept, refused: None, version };
    rendered(StatusCode::UNAUTHORIZED, &page)
}

pub(super) async fn page(Query(asked): Query<Asked>) -> Response {
    let to = ours(&asked.to).to_owned();
    let version = env!("CARGO_PKG_VERSION");
    rendered(StatusCode::OK, &LoginPage { to, kept: String::new(), refused: None, version })
}

pub(super) async fn log_in(State(engine): State<Engine>, body: axum::body::Bytes) -> Response {
    let typed = match form::read(&body) {
        Ok(typed) => Typed::of(typed),
        Err(refusal) => return Failed::outside(refusal.into()),
    };
    let (to, kept) = (ours(typed.text("to")).to_owned(), typed.text("kept").to_owned());
    let version = env!("CARGO_PKG_VERSION");
    match engine.log_in(&Secret::presented(typed.text("code"))).await {
        Ok(given) => {
            let session = cookie::session(&given.secret, engine.now(), given.expires_at, false);
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
            rendered(StatusCode::UNAUTHORIZED, &LoginPage { to, kept, refused, version })
        }
        Err(error) => Failed::outside(error),
    }
}

pub(super) async fn log_out(State(engine): State<Engine>, form: Form) -> Result<Response, Failed> {
    match engine.run(form.actor, &LogOut).await {
        // Ended by somebody else in this very moment is ended, too.
        Ok(()) | Err(Error::Refused(Refusal::NotAuthenticated {})) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(with_cookie(Redirect::to("/login").into_response(), cookie::cleared(false)))
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
