//! Work orders: what is to be done by hand; saying that it was done, sending it back, confirming it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::ActionId;
use placet_engine::Engine;
use placet_engine::commands::work::{DoWork, Given};
use placet_engine::queries::{self, WorkView};
use serde::Deserialize;

use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
pub(super) struct After {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "work.html")]
struct WorkPage {
    page: Page,
    work: Vec<WorkView>,
    next: Option<String>,
}

/// How many on a page: each has forms of its own.
const ROWS: u32 = 12;

pub(super) async fn list(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(After { after }): Query<After>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Decide).await?;
    let rows = queries::Page { limit: Some(ROWS), after };
    let work = engine.work(actor, &rows).await?;
    let full = work.len() >= ROWS as usize;
    let next = work.last().filter(|_| full).map(|last| last.grant.to_string());
    page::shown(&WorkPage { page, work, next })
}

async fn step(engine: &Engine, actor: Actor, id: &str, step: Given) -> Result<Response, Failed> {
    let unknown = || Refusal::NoWorkOrder {
        action: id.chars().take(64).collect(),
        why: "no such order was given".to_owned(),
    };
    let action: ActionId = id.parse().map_err(|_| unknown())?;
    engine.run(actor, &DoWork { action, step }).await?;
    Ok(Redirect::to("/work").into_response())
}

pub(super) async fn carried_out(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, typed }: Form,
) -> Result<Response, Failed> {
    let (evidence, note) = (typed.parsed("evidence")?, typed.text("note").to_owned());
    step(&engine, actor, &id, Given::CarriedOut { evidence, note }).await
}

pub(super) async fn returned(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, typed }: Form,
) -> Result<Response, Failed> {
    step(&engine, actor, &id, Given::Returned { why: typed.text("why").to_owned() }).await
}

pub(super) async fn confirmed(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, typed }: Form,
) -> Result<Response, Failed> {
    let evidence = typed.parsed("evidence")?;
    step(&engine, actor, &id, Given::Confirmed { evidence }).await
}
