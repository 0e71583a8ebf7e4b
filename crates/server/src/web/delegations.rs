//! Delegations: who decides in whose place, from one day to another; making and ending one.

use askama::Template;
use axum::extract::State;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::DelegationId;
use placet_engine::commands::delegate::{Delegate, EndDelegation};
use placet_engine::queries::{self, DelegationView};
use placet_engine::{Engine, Error};
use serde::Deserialize;

use super::failed::Failed;
use super::form::{Form, Refused, Typed, day};
use super::page::{self, Here, Page};
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
pub(super) struct After {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "delegations.html")]
struct DelegationsPage {
    page: Page,
    delegations: Vec<DelegationView>,
    next: Option<String>,
    typed: Typed,
    refused: Option<Refused>,
}

impl DelegationsPage {
    fn wrong(&self, field: &str) -> Option<&str> {
        let refused = self.refused.as_ref()?;
        (refused.field == field).then_some(refused.sentence.as_str())
    }

    fn said(&self, field: &str) -> &str {
        self.typed.text(field)
    }

    /// Whether whoever looks can end it.
    fn may_end(&self, one: &DelegationView) -> bool {
        let mine = self.page.is_me(&one.from) || self.page.is_me(&one.to);
        mine && one.ended_at.is_none() && !self.page.is_past(&one.ends_at)
    }

    fn state(&self, one: &DelegationView) -> &'static str {
        match (one.in_force, one.ended_at) {
            (true, _) => "active",
            (false, Some(_)) => "ended",
            (false, None) if self.page.is_past(&one.ends_at) => "over",
            (false, None) => "not yet",
        }
    }
}

/// How many on a page.
const ROWS: u32 = 30;

async fn shown(
    engine: &Engine,
    actor: Actor,
    after: Option<String>,
    typed: Typed,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Me).await?;
    let rows = queries::Page { limit: Some(ROWS), after };
    let delegations = engine.delegations(actor, &rows).await?;
    let full = delegations.len() >= ROWS as usize;
    let next = delegations.last().filter(|_| full).map(|last| last.id.to_string());
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::with_status(status, &DelegationsPage { page, delegations, next, typed, refused })
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(After { after }): Query<After>,
) -> Result<Response, Failed> {
    shown(&engine, actor, after, Typed::default(), None).await
}

const DAY: u64 = 24 * 60 * 60;

/// What was typed as a command: days, the last one included.
fn command(typed: &Typed) -> Result<Delegate, (Refusal, &'static str)> {
    let starts_at = day(typed.text("from")).map_err(|refusal| (refusal, "from"))?;
    let last = day(typed.text("until")).map_err(|refusal| (refusal, "until"))?;
    Ok(Delegate {
        to: typed.text("to").to_owned(),
        starts_at: starts_at.map(|at| at.to_string()),
        ends_at: last.map(|at| at.plus_seconds(DAY).to_string()),
    })
}

pub(super) async fn make(
    State(engine): State<Engine>,
    Form { actor, typed }: Form,
) -> Result<Response, Failed> {
    let made = match command(&typed) {
        Ok(command) => engine.run(actor, &command).await.map(|_| ()),
        Err((refusal, field)) => {
            let refused = Refused::of(&refusal, field);
            return shown(&engine, actor, None, typed, Some(refused)).await;
        }
    };
    match made {
        Ok(()) => Ok(Redirect::to("/delegations").into_response()),
        Err(Error::Refused(refusal)) => {
            let field = match refusal.code() {
                "unknown_identity" | "inactive_identity" => "to",
                _ => "until",
            };
            let refused = Refused::of(&refusal, field);
            shown(&engine, actor, None, typed, Some(refused)).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn end(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, .. }: Form,
) -> Result<Response, Failed> {
    let unknown = || Refusal::UnknownDelegation { given: id.chars().take(64).collect() };
    let delegation: DelegationId = id.parse().map_err(|_| unknown())?;
    engine.run(actor, &EndDelegation { delegation }).await?;
    Ok(Redirect::to("/delegations").into_response())
}
