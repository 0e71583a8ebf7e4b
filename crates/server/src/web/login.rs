//! Logging in and out in a browser. Whoever was about to do something comes back to it, with what
//! they had typed.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::refusal::Class;
use placet_engine::commands::login::{Given, LogOut};
use placet_engine::{Engine, Error, Secret};
use serde::Deserialize;

use super::address::Query;
use super::failed::Failed;
use super::form::{self, Fields, Form, Typed};
use super::page;
use super::passkeys::{self, Asking};
use super::ways::{Ways, rendered};
use crate::carried::Carried;
use crate::cookie;
use crate::tries::Trying;

#[derive(Template)]
#[template(path = "login_passkey.html")]
struct PasskeyPage {
    options: String,
    carried: Carried,
    version: &'static str,
}

#[derive(Template)]
#[template(path = "kept.html")]
struct KeptPage {
    to: String,
    typed: Vec<(String, String)>,
    version: &'static str,
}

/// What goes with a login, as the login page sent it on.
pub(super) fn carried(typed: &Typed) -> Carried {
    Carried::new(typed.text("to"), typed.has("kept").then(|| typed.text("kept").to_owned()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    to: String,
}

pub(super) async fn page(ways: Ways, Query(asked): Query<Asked>) -> Response {
    rendered(StatusCode::OK, &ways.page(Carried::new(&asked.to, None), None))
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
        carried: carried(&typed),
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

/// The session as a cookie, and where they were going; a form comes back first, to be sent by them.
pub(super) fn let_in(given: &Given, carried: &Carried, secure: bool) -> Response {
    let session = cookie::session(&given.secret, given.expires_at, secure);
    let to = carried.to().to_owned();
    let answer = match carried.kept().map(|kept| form::read(kept.as_bytes())) {
        Some(Ok(typed)) => {
            let page = KeptPage { to, typed, version: env!("CARGO_PKG_VERSION") };
            page::shown(&page).into_response()
        }
        _ => Redirect::to(&to).into_response(),
    };
    with_cookie(answer, session)
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
    let carried = carried(&typed);
    match open(&engine, asked, &trying, &typed).await {
        Ok(given) => let_in(&given, &carried, ways.is_secure()),
        Err(Error::Refused(refusal)) => {
            let refused = Some(format!("{}; {}", refusal.sentence(), refusal.next_step()));
            let status = match refusal.class() {
                Class::TooMany => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNAUTHORIZED,
            };
            rendered(status, &ways.page(carried, refused))
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
