//! Refusals and faults as problems (RFC 9457): `type`, `title`, `status`, `detail`, and beside
//! them the refusal's stable `code` and its `next` step.

use std::any::Any;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use placet_domain::Refusal;
use placet_domain::refusal::Class;
use placet_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

/// What a client is told when its request was not carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A name for this kind of problem: `urn:placet:refusal:` and the code.
    r#type: String,
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, to what.
    detail: String,
    /// The stable code, for programs.
    code: &'static str,
    /// What to do next.
    next: String,
}

/// A failure on its way out of a handler.
#[derive(Debug)]
pub(crate) struct Failed(pub Error);

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// Tells whoever is held back when they may try again: what is counted is a minute.
pub(crate) fn may_try_later(response: &mut Response) {
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let seconds = header::HeaderValue::from_static("60");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
}

pub(crate) fn status(class: Class) -> (StatusCode, &'static str) {
    match class {
        Class::Malformed => (StatusCode::UNPROCESSABLE_ENTITY, "cannot be read"),
        Class::Unauthenticated => (StatusCode::UNAUTHORIZED, "not known"),
        Class::Unknown => (StatusCode::NOT_FOUND, "not found"),
        Class::Forbidden => (StatusCode::FORBIDDEN, "not permitted"),
        Class::Conflict => (StatusCode::CONFLICT, "overtaken"),
        Class::Precondition => (StatusCode::PRECONDITION_FAILED, "not as you saw it"),
        Class::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too many"),
        Class::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "not possible now"),
    }
}

fn answer(
    status: StatusCode,
    title: &'static str,
    code: &'static str,
    detail: String,
    next: String,
) -> Response {
    let r#type = format!("urn:placet:refusal:{code}");
    let problem = Problem { r#type, title, status: status.as_u16(), detail, code, next };
    let mut response = (status, Json(problem)).into_response();
    let kind = header::HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if status == StatusCode::UNAUTHORIZED {
        let scheme = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    may_try_later(&mut response);
    response
}

fn refused(refusal: &Refusal) -> Response {
    let (status, title) = status(refusal.class());
    answer(status, title, refusal.code(), refusal.sentence(), refusal.next_step())
}

fn fault() -> Response {
    answer(
        StatusCode::INTERNAL_SERVER_ERROR,
        "fault",
        "fault",
        // What was being written when a disk went away may be there when it comes back.
        "something failed inside Placet; whether it was done is not known".to_owned(),
        "look whether it was done before you try again; an operator finds the reason in the log"
            .to_owned(),
    )
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        match self.0 {
            Error::Refused(refusal) => refused(&refusal),
            Error::Stale => refused(&Refusal::StaleFacts {}),
            Error::Fault(why) => {
                tracing::error!(%why, "a request failed");
                fault()
            }
        }
    }
}

pub(crate) async fn no_such_route() -> Response {
    answer(
        StatusCode::NOT_FOUND,
        "not found",
        "no_such_route",
        "there is nothing at this address".to_owned(),
        "the API begins at `/api/v1`".to_owned(),
    )
}

pub(crate) async fn no_such_method() -> Response {
    answer(
        StatusCode::METHOD_NOT_ALLOWED,
        "not possible",
        "no_such_method",
        "this address does not answer to this method".to_owned(),
        "look at the list of routes".to_owned(),
    )
}

pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(why = text.unwrap_or("unknown"), "a handler panicked");
    fault()
}
