//! What the address of a page says: what its path names, and what is asked for behind the question
//! mark. One that cannot be read is a page that says so.

use std::error::Error;

use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::request::Parts;
use placet_domain::Refusal;
use serde::de::DeserializeOwned;

use super::failed::Failed;

pub(super) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let named = AxumPath::from_request_parts(parts, state).await;
        named.map(|AxumPath(named)| Self(named)).map_err(|error| unreadable(&error))
    }
}

pub(super) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let asked = AxumQuery::from_request_parts(parts, state).await;
        asked.map(|AxumQuery(asked)| Self(asked)).map_err(|error| unreadable(&error))
    }
}

/// What the library says begins with its own words; its cause names the part and what is wrong there.
fn unreadable(error: &dyn Error) -> Failed {
    let cause = error.source().unwrap_or(error);
    Refusal::Unreadable { what: format!("the address of this page cannot be read: {cause}") }.into()
}
