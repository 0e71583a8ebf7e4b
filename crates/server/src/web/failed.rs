//! A page that says what was refused, why, and what to do next.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use placet_domain::Refusal;
use placet_engine::Error;

use super::show::{Next, Spoken};
use crate::problem;

/// A failure on its way out of a page.
#[derive(Debug)]
pub(super) struct Failed {
    error: Error,
    /// The field of a form in which something wrong was typed, where the page itself could not read it.
    field: Option<&'static str>,
}

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { error: error.into(), field: None }
    }
}

#[derive(Template)]
#[template(path = "failed.html")]
struct FailedPage {
    title: &'static str,
    code: &'static str,
    sentence: Spoken,
    next: Next,
}

impl Failed {
    /// What was typed into a field cannot be read.
    pub(super) fn at(field: &'static str, what: impl Into<String>) -> Self {
        let refusal = Refusal::Unreadable { what: what.into() };
        Self { error: refusal.into(), field: Some(field) }
    }

    /// The refusal and the field that it is said to be about; or the fault that it is.
    pub(super) fn refusal(self) -> Result<(Refusal, Option<&'static str>), Self> {
        match self.error {
            Error::Refused(refusal) => Ok((refusal, self.field)),
            Error::Stale => Ok((Refusal::StaleFacts {}, None)),
            fault @ Error::Fault(_) => Err(fault.into()),
        }
    }

    /// For whoever fails before there is a page.
    pub(super) fn outside(error: Error) -> Response {
        Self::from(error).into_response()
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let (status, page) = match &self.error {
            Error::Fault(why) => {
                tracing::error!(%why, "a page failed");
                let page = FailedPage {
                    title: "Something failed",
                    code: "fault",
                    sentence: Spoken(
                        "something failed inside Placet; whether it was done is not known"
                            .to_owned(),
                    ),
                    next: Next(
                        "look whether it was done before you try again; an operator finds the \
                         reason in the log"
                            .to_owned(),
                    ),
                };
                (StatusCode::INTERNAL_SERVER_ERROR, page)
            }
            Error::Stale => refused(&Refusal::StaleFacts {}),
            Error::Refused(refusal) => refused(refusal),
        };
        match page.render() {
            Ok(html) => {
                let mut response = (status, Html(html)).into_response();
                problem::may_try_later(&mut response);
                response
            }
            Err(_) => (status, page.sentence.0).into_response(),
        }
    }
}

fn refused(refusal: &Refusal) -> (StatusCode, FailedPage) {
    let (status, _) = problem::status(refusal.class());
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::UNPROCESSABLE_ENTITY => "Nothing was done: something needs another look",
        _ => "This was refused",
    };
    let page = FailedPage {
        title,
        code: refusal.code(),
        sentence: Spoken(refusal.sentence()),
        next: Next(refusal.next_step()),
    };
    (status, page)
}
