//! Work orders: what is to be done by hand; saying that it was done, sending it back, confirming it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::ActionId;
use placet_engine::Engine;
use placet_engine::commands::work::{DoWork, Given};
use placet_engine::queries::WorkView;

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows::{self, Rows, Shown};
use super::show;
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "work.html")]
struct WorkPage {
    page: Page,
    work: Rows<WorkView>,
}

/// How many on a page, each with forms of its own, and how many bytes of notes as they are
/// served: those are shown whole.
const ROWS: usize = 10;
const BYTES: usize = 10_000;

async fn shown(
    engine: &Engine,
    actor: Actor,
    after: Option<String>,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Decide).await?.with(refused);
    let found = engine.work(actor, &rows::asked(ROWS, after)).await?;
    let noted = |one: &WorkView| show::weight([&one.note, &one.returned].into_iter().flatten());
    let fitting = rows::fitting(&found, BYTES, noted).min(ROWS);
    let work = Rows::cut(found, fitting, |one| one.grant.to_string());
    let status = page.status();
    page::with_status(status, &WorkPage { page, work })
}

pub(super) async fn list(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { after, .. }): Query<Shown>,
) -> Result<Response, Failed> {
    shown(&engine, actor, after, None).await
}

async fn step(
    engine: &Engine,
    id: &str,
    form: Form,
    step: Result<Given, Failed>,
) -> Result<Response, Failed> {
    let unknown = || Refusal::NoWorkOrder {
        action: id.chars().take(64).collect(),
        why: "no such order was given".to_owned(),
    };
    let action: ActionId = id.parse().map_err(|_| unknown())?;
    let actor = form.actor;
    let done = match step {
        Ok(step) => engine.run(actor, &DoWork { action, step }).await.map_err(Failed::from),
        Err(failed) => Err(failed),
    };
    // The order may stand on a later page; the first one says what was refused.
    let again = async |refused| shown(engine, actor, None, Some(refused)).await;
    refused::then(done, "/work", form, again).await
}

pub(super) async fn carried_out(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let note = form.typed.text("note").to_owned();
    let evidence = form.typed.parsed("evidence");
    let given = evidence.map(|evidence| Given::CarriedOut { evidence, note });
    step(&engine, &id, form, given).await
}

pub(super) async fn returned(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let given = Given::Returned { why: form.typed.text("why").to_owned() };
    step(&engine, &id, form, Ok(given)).await
}

pub(super) async fn confirmed(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let evidence = form.typed.parsed("evidence");
    step(&engine, &id, form, evidence.map(|evidence| Given::Confirmed { evidence })).await
}
