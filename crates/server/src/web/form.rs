//! What a form sends, read once: names and texts, bounded, each name once (but for lists), nothing
//! that the page does not ask for.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, Method};
use axum::response::Response;
use placet_domain::actor::Actor;
use placet_domain::{Refusal, Timestamp};
use placet_engine::{Engine, Error};
use serde::de::DeserializeOwned;

use super::failed::Failed;
use super::visitor::Visitor;
use super::ways::{self, Ways};
use crate::carried::Carried;

/// The largest form that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// A form of somebody who is logged in.
#[derive(Debug)]
pub(super) struct Form {
    pub actor: Actor,
    pub typed: Typed,
    /// Its `action`: path and query.
    pub sent_to: String,
}

/// What the form of a page may say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields(pub &'static [&'static str]);

impl Fields {
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(&[]))
    }

    /// Reads `application/x-www-form-urlencoded` (WHATWG URL, section 5.1).
    pub(super) fn read(self, bytes: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
        let typed = read(bytes)?;
        match typed.iter().find(|(name, _)| !self.0.contains(&name.as_str())) {
            None => Ok(typed),
            Some((other, _)) => {
                let other: String = other.chars().take(64).collect();
                let what = format!("the form says `{other}`, which the page does not ask for");
                Err(Refusal::Unreadable { what })
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// What was typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed(Vec<(String, String)>);

impl Typed {
    pub(super) fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(one, _)| one == name)
    }

    /// The text of a field; empty if it was not sent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(one, _)| one == name).map_or("", |(_, text)| text.trim())
    }

    /// The text of a field that may be left empty.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A field that a program reads, such as a digest.
    pub(super) fn parsed<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Failed>
    where
        T::Err: std::fmt::Display,
    {
        let unreadable = |error: T::Err| Failed::at(name, format!("`{name}`: {error}"));
        self.text(name).parse().map_err(unreadable)
    }

    /// A word out of a closed list, as the API says it too.
    pub(super) fn word<T: DeserializeOwned>(
        &self,
        name: &'static str,
        of: &str,
    ) -> Result<T, Failed> {
        let said = self.text(name);
        serde_json::from_value(said.into()).map_err(|_| {
            let given: String = said.chars().take(32).collect();
            let what = match given.as_str() {
                "" => format!("no {of} is chosen"),
                _ => format!("`{given}` is no {of}"),
            };
            Failed::at(name, what)
        })
    }

    /// The beginning of a day such as `2026-11-30`, in UTC; none where the field is empty.
    pub(super) fn day(&self, name: &'static str) -> Result<Option<Timestamp>, Failed> {
        day(self.text(name)).map_err(|refusal| Failed::at(name, refusal.sentence()))
    }
}

impl FromRequest<Engine> for Form {
    type Rejection = Response;

    /// Where the session is over, the login page keeps what was typed.
    async fn from_request(request: Request, engine: &Engine) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        debug_assert_eq!(parts.method, Method::POST);
        let visitor = Visitor::of(&parts, engine).await;
        let sent_to = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let (fields, ways) = (Fields::of(&parts.extensions), Ways::of(&parts.extensions));
        let bytes = Bytes::from_request(Request::from_parts(parts, body), engine).await;
        let bytes = bytes.map_err(|_| {
            let what = "body".to_owned();
            Failed::outside(Refusal::TextTooLong { what, limit: LARGEST }.into())
        })?;
        let typed = fields.read(&bytes).map_err(|refusal| Failed::outside(refusal.into()))?;
        match visitor {
            Ok(Visitor(actor)) => Ok(Self { actor, typed: Typed(typed), sent_to }),
            Err(Error::Refused(_)) => Err(ways::asked_for(&ways, carried(&sent_to, &typed))),
            Err(error) => Err(Failed::outside(error)),
        }
    }
}

/// A form for after the login; whoever wanted to log out only comes back.
fn carried(sent_to: &str, typed: &[(String, String)]) -> Carried {
    match sent_to {
        "/logout" => Carried::default(),
        _ => Carried::new(sent_to, Some(serde_urlencoded::to_string(typed).unwrap_or_default())),
    }
}

/// Names and texts, whatever the names are.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    if bytes.len() > LARGEST {
        return Err(Refusal::TextTooLong { what: "form".to_owned(), limit: LARGEST });
    }
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes).map_err(|error| {
        Refusal::Unreadable { what: format!("the form cannot be read: {error}") }
    })?;
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()) {
        let name = twice.first().copied().unwrap_or_default();
        return Err(Refusal::Unreadable { what: format!("the form has `{name}` twice") });
    }
    Ok(fields)
}

/// The beginning of a day such as `2026-11-30`, in UTC.
pub(super) fn day(given: &str) -> Result<Option<Timestamp>, Refusal> {
    let given = given.trim();
    if given.is_empty() {
        return Ok(None);
    }
    let unreadable = || {
        let given: String = given.chars().take(32).collect();
        Refusal::Unreadable { what: format!("`{given}` is not a day such as `2026-11-30`") }
    };
    if given.len() != "2026-11-30".len() {
        return Err(unreadable());
    }
    format!("{given}T00:00:00Z").parse().map(Some).map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_typed() {
        assert_eq!(day("  ").ok().flatten(), None);
        let read = day("2026-11-30").ok().flatten().map(|at| at.to_string());
        assert_eq!(read.as_deref(), Some("2026-11-30T00:00:00.000000Z"));
        for wrong in ["30.11.2026", "2026-13-01", "2026-1-1", "yesterday", "2026-11-30T"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
