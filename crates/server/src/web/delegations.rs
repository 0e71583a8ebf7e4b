//! Delegations: who decides in whose place, from one day to another; making and ending one.

use askama::Template;
use axum::extract::State;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::DelegationId;
use placet_engine::Engine;
use placet_engine::commands::delegate::{Delegate, EndDelegation};
use placet_engine::queries::{self, DelegationView};
use serde::Deserialize;

use super::failed::Failed;
use super::form::{Form, Typed, day};
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
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
}

impl DelegationsPage {
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
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Me).await?.with(refused);
    let rows = queries::Page { limit: Some(ROWS), after };
    let delegations = engine.delegations(actor, &rows).await?;
    let full = delegations.len() >= ROWS as usize;
    let next = delegations.last().filter(|_| full).map(|last| last.id.to_string());
    let status = page.status();
    page::with_status(status, &DelegationsPage { page, delegations, next })
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(After { after }): Query<After>,
) -> Result<Response, Failed> {
    shown(&engine, actor, after, None).await
}

const DAY: u64 = 24 * 60 * 60;

/// What was typed as a command: days, the last one included. A day that cannot be read says which.
fn command(typed: &Typed) -> Result<Delegate, (Refusal, &'static str)> {
    let day = |name: &'static str| day(typed.text(name)).map_err(|refusal| (refusal, name));
    Ok(Delegate {
        to: typed.text("to").to_owned(),
        starts_at: day("from")?.map(|at| at.to_string()),
        ends_at: day("until")?.map(|at| at.plus_seconds(DAY).to_string()),
    })
}

pub(super) async fn make(State(engine): State<Engine>, form: Form) -> Result<Response, Failed> {
    match command(&form.typed) {
        Ok(command) => {
            let made = engine.run(form.actor, &command).await.map(drop);
            after(&engine, form, made, None).await
        }
        Err((refusal, field)) => after(&engine, form, Err(refusal), Some(field)).await,
    }
}

/// The list again, after something was done or, beside a certain field, was not.
async fn after(
    engine: &Engine,
    form: Form,
    done: Result<(), impl Into<Failed>>,
    field: Option<&'static str>,
) -> Result<Response, Failed> {
    let Err(error) = done else { return Ok(Redirect::to("/delegations").into_response()) };
    let actor = form.actor;
    let again = async |refused: Refused| {
        let refused = match field {
            Some(field) => refused.at(field),
            None => refused,
        };
        shown(engine, actor, None, Some(refused)).await
    };
    refused::back(error, form, again).await
}

pub(super) async fn end(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let unknown = || Refusal::UnknownDelegation { given: id.chars().take(64).collect() };
    let delegation: DelegationId = id.parse().map_err(|_| unknown())?;
    let ended = engine.run(form.actor, &EndDelegation { delegation }).await.map(drop);
    after(&engine, form, ended, None).await
}
