//! What comes in, read once into types: JSON bodies, path segments and pages.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use placet_domain::entitlement::{Environment, Privilege};
use placet_domain::{Refusal, Timestamp};
use placet_engine::queries::{Page, SoughtGrants, SoughtOffers, SoughtRequests};
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
        let bytes = Bytes::from_request(request, state).await.map_err(|error| too_long(&error))?;
        let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        let value = serde_json::from_slice(bytes).map_err(|error| {
            unreadable(format!("the body is not what is expected here: {error}"))
        })?;
        Ok(Self(value))
    }
}

/// Why a body was not read.
pub(crate) fn too_long(error: &BytesRejection) -> Failed {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::TextTooLong { what: "body".to_owned(), limit: crate::LARGEST_BODY }.into()
        }
        _ => Refusal::Unreadable { what: format!("the body could not be read: {error}") }.into(),
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

/// The most rows of one page, and how many it has where nobody says.
pub(crate) const MOST_ROWS: u32 = 200;
pub(crate) const USUAL_ROWS: u32 = 50;

/// The longest cursor: a name, or an id with the name of a channel behind it.
pub(crate) const LONGEST_CURSOR: usize = 128;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedForPage {
    limit: Option<u32>,
    after: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedForAll {
    limit: Option<u32>,
    after: Option<String>,
    #[serde(default)]
    all: bool,
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub page: Page,
    /// Where the list is, and what else was asked, for the link to its next page.
    path: String,
    kept: Vec<(&'static str, String)>,
}

impl Listed {
    fn of(parts: &Parts, limit: Option<u32>, after: Option<String>) -> Result<Self, Failed> {
        let unreadable = |what: String| Refusal::Unreadable { what };
        if limit.is_some_and(|limit| !(1..=MOST_ROWS).contains(&limit)) {
            return Err(unreadable(format!("a page has 1 to {MOST_ROWS} rows (`limit`)")).into());
        }
        if after.as_ref().is_some_and(|after| after.is_empty() || after.len() > LONGEST_CURSOR) {
            let what = "`after` is what the link to the next page says".to_owned();
            return Err(unreadable(what).into());
        }
        let path = format!("/api/v1{}", parts.uri.path());
        Ok(Self { page: Page { limit, after }, path, kept: Vec::new() })
    }

    pub(crate) fn limit(&self) -> u32 {
        self.page.limit.unwrap_or(USUAL_ROWS)
    }

    /// The address of the page that comes after a row.
    pub(crate) fn after(&self, cursor: &str) -> String {
        let mut out = format!("{}?limit={}&after={}", self.path, self.limit(), encoded(cursor));
        for (name, value) in &self.kept {
            out.push_str(&format!("&{name}={}", encoded(value)));
        }
        out
    }

    /// The same list, less what a filter leaves out.
    fn filtered(
        mut self,
        filters: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) -> Result<Self, Failed> {
        for (name, value) in filters {
            let Some(value) = value else { continue };
            if value.is_empty() || value.len() > LONGEST_CURSOR {
                let what = format!("`{name}` has 1 to {LONGEST_CURSOR} characters");
                return Err(Refusal::Unreadable { what }.into());
            }
            self.kept.push((name, value));
        }
        Ok(self)
    }
}

/// A text as it may stand in an address.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// What stands after the question mark, without unknown keys.
async fn query<T: DeserializeOwned + Send, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<T, Failed> {
    let Query(asked) = Query::<T>::from_request_parts(parts, state)
        .await
        .map_err(|error| Refusal::Unreadable { what: error.body_text() })?;
    Ok(asked)
}

impl<S: Send + Sync> FromRequestParts<S> for Listed {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let AskedForPage { limit, after } = query(parts, state).await?;
        Self::of(parts, limit, after)
    }
}

/// What is asked for after the question mark.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        query(parts, state).await.map(Self)
    }
}

/// A page of a list that leaves out what is over, unless `all` is asked for.
#[derive(Debug)]
pub(crate) struct ListedAll {
    pub listed: Listed,
    pub all: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for ListedAll {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let AskedForAll { limit, after, all } = query(parts, state).await?;
        let all_too = all.then(|| "true".to_owned());
        let listed = Listed::of(parts, limit, after)?.filtered([("all", all_too)])?;
        Ok(Self { listed, all })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedForGrants {
    limit: Option<u32>,
    after: Option<String>,
    #[serde(default)]
    all: bool,
    receiver: Option<String>,
    entitlement: Option<String>,
    target: Option<String>,
}

/// A page of grants that fit.
#[derive(Debug)]
pub(crate) struct ListedGrants {
    pub listed: Listed,
    pub all: bool,
    pub sought: SoughtGrants,
}

impl<S: Send + Sync> FromRequestParts<S> for ListedGrants {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let asked: AskedForGrants = query(parts, state).await?;
        let AskedForGrants { limit, after, all, receiver, entitlement, target } = asked;
        let listed = Listed::of(parts, limit, after)?.filtered([
            ("all", all.then(|| "true".to_owned())),
            ("receiver", receiver.clone()),
            ("entitlement", entitlement.clone()),
            ("target", target.clone()),
        ])?;
        Ok(Self { listed, all, sought: SoughtGrants { receiver, entitlement, target } })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedForRequests {
    limit: Option<u32>,
    after: Option<String>,
    person: Option<String>,
    entitlement: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

/// A page of requests that fit.
#[derive(Debug)]
pub(crate) struct ListedRequests {
    pub listed: Listed,
    pub sought: SoughtRequests,
}

impl<S: Send + Sync> FromRequestParts<S> for ListedRequests {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let asked: AskedForRequests = query(parts, state).await?;
        let AskedForRequests { limit, after, person, entitlement, since, until } = asked;
        let listed = Listed::of(parts, limit, after)?.filtered([
            ("person", person.clone()),
            ("entitlement", entitlement.clone()),
            ("since", since.clone()),
            ("until", until.clone()),
        ])?;
        let moment = |given: Option<String>| -> Result<Option<Timestamp>, Refusal> {
            Ok(given.map(|one| one.parse()).transpose()?)
        };
        let (since, until) = (moment(since)?, moment(until)?);
        Ok(Self { listed, sought: SoughtRequests { person, entitlement, since, until } })
    }
}

/// A search of what may be asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedForOffers {
    #[serde(default)]
    q: String,
    environment: Option<Environment>,
    privilege: Option<Privilege>,
}

#[derive(Debug)]
pub(crate) struct ListedOffers(pub SoughtOffers);

impl<S: Send + Sync> FromRequestParts<S> for ListedOffers {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let AskedForOffers { q, environment, privilege } = query(parts, state).await?;
        if q.len() > LONGEST_CURSOR {
            let what = format!("`q` has at most {LONGEST_CURSOR} characters");
            return Err(Refusal::Unreadable { what }.into());
        }
        let environment = environment.map_or("", Environment::as_str).to_owned();
        let privilege = privilege.map_or("", Privilege::as_str).to_owned();
        Ok(Self(SoughtOffers { text: q, environment, privilege }))
    }
}
