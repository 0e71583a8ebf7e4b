//! What every page has: who looks, what waits for them, how the ledger stands, and what time it is.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::name::TeamName;
use placet_engine::Engine;
use placet_engine::queries::{ObservedView, StandingView, Who};

use super::failed::Failed;
use super::refused::{Refused, Sent};
use super::show::{self, Bar, Next, Spoken, Tag, When};
use crate::problem;

/// The parts of the menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Here {
    Mine,
    Ask,
    Decide,
    Findings,
    History,
    Catalogue,
    /// What is under one's own name.
    Me,
}

/// The edge of a page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    here: Here,
    pub standing: StandingView,
    pub now: Timestamp,
    /// A form of this page that comes back.
    pub refused: Option<Refused>,
}

impl Page {
    pub(super) async fn of(engine: &Engine, actor: Actor, here: Here) -> Result<Self, Failed> {
        let standing = engine.standing(actor).await?;
        Ok(Self { here, now: standing.at, standing, refused: None })
    }

    pub(super) fn with(self, refused: Option<Refused>) -> Self {
        Self { refused, ..self }
    }

    /// What the page is answered with: that all is well, or what the refusal of its form says.
    pub(super) fn status(&self) -> StatusCode {
        self.refused.as_ref().map_or(StatusCode::OK, |one| one.status)
    }

    /// A form of this page by its `action`.
    pub(super) fn form(&self, action: impl std::fmt::Display) -> Sent<'_> {
        Sent::of(self.refused.as_ref(), &action)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        name == match self.here {
            Here::Mine => "Mine",
            Here::Ask => "Ask",
            Here::Decide => "Decide",
            Here::Findings => "Findings",
            Here::History => "History",
            Here::Catalogue => "Catalogue",
            Here::Me => "Me",
        }
    }

    pub(super) fn me(&self) -> String {
        show::called(&self.standing.who)
    }

    pub(super) fn entries(&self) -> String {
        show::thousands(self.standing.entries)
    }

    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    pub(super) fn when(&self, at: &Timestamp) -> When {
        When { at: *at, now: self.now }
    }

    pub(super) fn bar(&self, until: &Timestamp, length: &u64) -> Bar {
        Bar::of(*until, *length, self.now)
    }

    pub(super) fn is_past(&self, at: &Timestamp) -> bool {
        *at <= self.now
    }

    pub(super) fn tag(&self, word: &'static str) -> Tag {
        show::tag(word)
    }

    pub(super) fn called(&self, who: &Who) -> String {
        show::called(who)
    }

    pub(super) fn either(&self, people: &[Who]) -> String {
        show::either(people)
    }

    pub(super) fn few(&self, teams: &BTreeSet<TeamName>, most: usize) -> String {
        show::few(teams, most)
    }

    pub(super) fn some_of(&self, needed: &u32, people: &[Who]) -> String {
        show::some_of(*needed, people)
    }

    /// So many seconds, as people say it.
    pub(super) fn long(&self, seconds: &u64) -> String {
        show::roughly(*seconds)
    }

    /// How a text begins, for a list.
    pub(super) fn begun(&self, text: &str) -> String {
        show::begun(text)
    }

    /// What was asked or answered.
    pub(super) fn told(&self, text: &str) -> String {
        show::cut(text, show::TOLD)
    }

    /// How a sentence begins, its quotes as code.
    pub(super) fn spoken_begin(&self, text: &str) -> Spoken {
        Spoken(show::begun(text))
    }

    /// A word of ours as people read it.
    pub(super) fn plain(&self, word: &str) -> String {
        word.replace('_', " ")
    }

    /// How an address names somebody.
    pub(super) fn at(&self, who: &Who) -> String {
        who.handle.clone().unwrap_or_else(|| who.id.to_string())
    }

    pub(super) fn thousands(&self, number: &u64) -> String {
        show::thousands(*number)
    }

    /// As the look names it: a word of ours, whatever stands in the database.
    pub(super) fn completeness(&self, look: &ObservedView) -> Tag {
        show::tag(match look.completeness.as_str() {
            "complete" => "complete",
            "partial" => "partial",
            "never" => "never",
            _ => "unknown",
        })
    }

    /// A sentence with its quotes as code.
    pub(super) fn spoken(&self, text: &str) -> Spoken {
        Spoken(text.to_owned())
    }

    /// What to do next, with links.
    pub(super) fn next(&self, text: &str) -> Next {
        Next(text.to_owned())
    }

    pub(super) fn short(&self, id: &impl ToString) -> String {
        show::short(&id.to_string())
    }

    pub(super) fn is_me(&self, who: &Who) -> bool {
        who.id == self.standing.who.id
    }
}

/// Renders a template.
pub(super) fn shown(template: &impl askama::Template) -> Result<Response, Failed> {
    with_status(StatusCode::OK, template)
}

pub(super) fn with_status(
    status: StatusCode,
    template: &impl askama::Template,
) -> Result<Response, Failed> {
    let html = template.render().map_err(|error| {
        placet_engine::Error::Fault(format!("a page could not be written: {error}"))
    })?;
    let mut response = (status, Html(html)).into_response();
    problem::may_try_later(&mut response);
    Ok(response)
}
