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
pub(super) struct Failed(Error);

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
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
    /// The refusal, or the fault that it is.
    pub(super) fn refusal(self) -> Result<Refusal, Self> {
        match self.0 {
            Error::Refused(refusal) => Ok(refusal),
            Error::Stale => Ok(Refusal::StaleFacts {}),
            fault @ Error::Fault(_) => Err(Self(fault)),
        }
    }

    /// For whoever fails before there is a page.
    pub(super) fn outside(error: Error) -> Response {
        Self(error).into_response()
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let (status, page) = match &self.0 {
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
