//! Login by an OpenID provider in a browser: sent there, and coming back. What is asked and believed is
//! `oidc`'s business; people get a page, programs a problem.

use askama::Template;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use placet_engine::Engine;

use super::form::{Fields, Typed};
use super::{failed, login, page};
use crate::carried::Carried;
use crate::oidc::Asked;
use crate::oidc::browser::{self, Returned};
use crate::problem::Failed;

/// What stands in these addresses is for nobody else.
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

fn told(headers: &HeaderMap, failed: Failed) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|one| one.to_str().ok());
    if accepts.is_some_and(|one| one.contains("text/html")) {
        return failed::Failed::outside(failed.0);
    }
    failed.into_response()
}

fn with(mut answer: Response, name: header::HeaderName, value: HeaderValue) -> Response {
    answer.headers_mut().append(name, value);
    answer
}

/// Sends the browser to the provider.
pub(super) async fn start(
    State(engine): State<Engine>,
    headers: HeaderMap,
    asked: Asked,
) -> Response {
    match browser::begin(&engine, asked, Carried::default()).await {
        Ok((to, kept)) => {
            let answer = (StatusCode::FOUND, [(header::LOCATION, to.to_string())]).into_response();
            let answer = with(answer, header::SET_COOKIE, kept);
            with(answer, header::REFERRER_POLICY, NO_REFERRER)
        }
        Err(failed) => told(&headers, failed),
    }
}

/// Where a form leads on to the provider. A page and no redirect: a form of ours may not lead elsewhere
/// (`form-action`), and the provider may send the browser on to any place.
#[derive(Template)]
#[template(path = "leaving.html")]
struct LeavingPage {
    to: String,
    provider: String,
    version: &'static str,
}

/// The same with what the browser was about to do.
pub(super) async fn start_with(
    State(engine): State<Engine>,
    headers: HeaderMap,
    asked: Asked,
    fields: Fields,
    body: Bytes,
) -> Result<Response, failed::Failed> {
    let carried = login::carried(&Typed::of(fields.read(&body)?));
    let provider = asked.provider.name().to_owned();
    match browser::begin(&engine, asked, carried).await {
        Ok((to, kept)) => {
            let version = env!("CARGO_PKG_VERSION");
            let answer = page::shown(&LeavingPage { to: to.to_string(), provider, version })?;
            let answer = with(answer, header::SET_COOKIE, kept);
            Ok(with(answer, header::REFERRER_POLICY, NO_REFERRER))
        }
        Err(failed) => Ok(told(&headers, failed)),
    }
}

pub(super) async fn callback(
    State(engine): State<Engine>,
    asked: Asked,
    headers: HeaderMap,
    returned: Result<Query<Returned>, QueryRejection>,
) -> Response {
    let (let_in, forget) = browser::take_back(&engine, &asked, &headers, returned).await;
    let answer = match let_in {
        Ok((given, carried)) => login::let_in(&given, &carried, asked.provider.is_secure()),
        Err(failed) => told(&headers, failed),
    };
    with(with(answer, header::SET_COOKIE, forget), header::REFERRER_POLICY, NO_REFERRER)
}
