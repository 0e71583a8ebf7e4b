//! What a form sends, read once: names and texts, bounded, each name once (but for lists), nothing
//! that the page does not ask for.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_engine::Engine;

use super::visitor;

/// The largest form that is read, in bytes.
pub(super) const LARGEST: usize = 64 * 1024;

/// A form of somebody who is logged in.
#[derive(Debug)]
pub(super) struct Form {
    pub actor: Actor,
    pub typed: Typed,
}

/// What was typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed(Vec<(String, String)>);

impl Typed {
    pub(super) fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
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
    pub(super) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<T, Refusal>
    where
        T::Err: std::fmt::Display,
    {
        let unreadable = |error: T::Err| Refusal::Unreadable { what: format!("`{name}`: {error}") };
        self.text(name).parse().map_err(unreadable)
    }
}

impl FromRequest<Engine> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, engine: &Engine) -> Result<Self, Response> {
        let (actor, typed) = visitor::sent(request, engine).await?;
        Ok(Self { actor, typed: Typed(typed) })
    }
}

/// Reads `application/x-www-form-urlencoded` (WHATWG URL, section 5.1).
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
