//! What goes out when it went well: what was made, lists with a link to the next page, and evidence
//! as it was sealed. What went wrong is in [`crate::problem`].

use std::future::Future;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, ETAG, LINK};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use placet_domain::id::Stream;
use placet_engine::queries::{
    ChangeView, DelegationView, EntitlementView, FindingView, GrantView, HandoverView,
    IdentityView, NoticeView, Page, PasskeyView, RequestView, SessionView, TargetView, TokenView,
    UndeliveredView, WorkView,
};
use placet_engine::{Engine, Error};
use serde::Serialize;

use crate::body::Listed;
use crate::problem::Failed;

/// Something that was made by this call (201).
#[derive(Debug)]
pub(crate) struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// A record, and its version as an `ETag` (RFC 9110, section 8.8.3). The version counts the events of
/// the record; names and ages that other records lend to what is shown are not in it.
#[derive(Debug)]
pub(crate) struct AsOf<T> {
    record: T,
    version: u64,
}

impl<T> AsOf<T> {
    /// The version is read first, so that it is never newer than what is shown.
    pub(crate) async fn read(
        engine: &Engine,
        stream: impl Into<Stream>,
        read: impl Future<Output = Result<T, Error>>,
    ) -> Result<Self, Failed> {
        let version = engine.version(&stream.into()).await?;
        Ok(Self { record: read.await?, version })
    }
}

impl<T: Serialize> IntoResponse for AsOf<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.record).into_response();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.version)) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// JSON that was sealed elsewhere and goes out byte by byte.
#[derive(Debug)]
pub(crate) struct Sealed(pub String);

impl IntoResponse for Sealed {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// The rows of a list, and where it goes on (RFC 8288) when there is more.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    rows: Vec<T>,
    next: Option<String>,
}

impl<T> Rows<T> {
    /// A list that has no pages.
    pub(crate) fn whole(rows: Vec<T>) -> Self {
        Self { rows, next: None }
    }
}

impl<T: Serialize> IntoResponse for Rows<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.rows).into_response();
        let link = self.next.map(|next| HeaderValue::try_from(format!("<{next}>; rel=\"next\"")));
        if let Some(Ok(link)) = link {
            response.headers_mut().insert(LINK, link);
        }
        response
    }
}

/// By what a list goes on after a row.
pub(crate) trait Cursor {
    fn cursor(&self) -> String;
}

macro_rules! cursors {
    ($($view:ident by $($field:ident).+;)*) => {$(
        impl Cursor for $view {
            fn cursor(&self) -> String {
                self.$($field).+.to_string()
            }
        }
    )*};
}

cursors! {
    ChangeView by id;
    DelegationView by id;
    EntitlementView by name;
    FindingView by id;
    GrantView by id;
    HandoverView by id;
    IdentityView by who.id;
    NoticeView by id;
    PasskeyView by id;
    RequestView by id;
    SessionView by id;
    TargetView by name;
    TokenView by id;
    UndeliveredView by id;
    WorkView by grant;
}

impl Listed {
    /// Reads the page, and looks whether something comes after it: only a page that is full is
    /// asked about again.
    pub(crate) async fn rows<T, F>(&self, read: impl Fn(Page) -> F) -> Result<Rows<T>, Failed>
    where
        T: Cursor,
        F: Future<Output = Result<Vec<T>, Error>>,
    {
        let rows = read(self.page.clone()).await?;
        let full = u32::try_from(rows.len()).is_ok_and(|rows| rows == self.limit());
        let last = rows.last().filter(|_| full).map(Cursor::cursor);
        let next = match last {
            Some(after) => {
                let beyond = Page { limit: Some(1), after: Some(after.clone()) };
                let more = !read(beyond).await?.is_empty();
                more.then(|| self.after(&after))
            }
            None => None,
        };
        Ok(Rows { rows, next })
    }
}
