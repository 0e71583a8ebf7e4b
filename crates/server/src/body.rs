//! What comes in, read once into types: JSON bodies, path segments and pages.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use placet_domain::Refusal;
use placet_engine::queries::Page;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::Failed;

/// A JSON body without unknown keys. An empty body counts as `{}`.
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let unreadable = |what: String| Refusal::Unreadable { what };
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|error| {
            match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    Refusal::TextTooLong { what: "body".to_owned(), limit: crate::LARGEST_BODY }
                }
                _ => unreadable(format!("the body could not be read: {error}")),
            }
        })?;
        let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        let value = serde_json::from_slice(bytes).map_err(|error| {
            unreadable(format!("the body is not what is expected here: {error}"))
        })?;
        Ok(Self(value))
    }
}

/// The one id in a path.
#[derive(Debug)]
pub(crate) struct Named<T>(pub T);

impl<T, S> FromRequestParts<S> for Named<T>
where
    T: FromStr + Send,
    T::Err: std::fmt::Display,
    S: Send + Sync,
{
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let unreadable = |what: String| Refusal::Unreadable { what };
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| unreadable(error.to_string()))?;
        Ok(Self(text.parse().map_err(|error: T::Err| unreadable(error.to_string()))?))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<u32>,
    after: Option<String>,
    #[serde(default)]
    all: bool,
}

/// A page of a list; `all` includes what is over.
#[derive(Debug)]
pub(crate) struct Listed {
    pub page: Page,
    pub all: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Listed {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let Query(asked) = Query::<Asked>::from_request_parts(parts, state)
            .await
            .map_err(|error| Refusal::Unreadable { what: error.body_text() })?;
        let Asked { limit, after, all } = asked;
        Ok(Self { page: Page { limit, after }, all })
    }
}
