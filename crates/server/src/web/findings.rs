//! Findings: what differs from what was approved, the request behind each, and what can be done.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::FindingId;
use placet_domain::request::Answer;
use placet_engine::Engine;
use placet_engine::commands::answer::{AnswerFinding, RemoveFound};
use placet_engine::queries::FindingView;

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows::{self, Rows, Shown};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "findings.html")]
struct ListPage {
    page: Page,
    found: Rows<FindingView>,
    all: bool,
}

impl ListPage {
    fn address(&self) -> &'static str {
        if self.all { "/findings?all=true" } else { "/findings" }
    }
}

/// How many on a page.
const ROWS: usize = 30;

pub(super) async fn list(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { all, after }): Query<Shown>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Findings).await?;
    let found = engine.findings(actor, !all, &rows::asked(ROWS, after)).await?;
    let found = Rows::cut(found, ROWS, |one| one.id.to_string());
    page::shown(&ListPage { page, found, all })
}

#[derive(Template)]
#[template(path = "finding.html")]
struct FindingPage {
    page: Page,
    finding: FindingView,
}

impl FindingPage {
    /// Nobody approved what is there.
    fn is_unapproved(&self) -> bool {
        matches!(self.finding.kind, "unapproved" | "orphan")
    }

    fn is_open(&self) -> bool {
        self.finding.state == "open"
    }
}

fn named(id: &str) -> Result<FindingId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownFinding { given: id.chars().take(64).collect() })
}

async fn shown(
    engine: &Engine,
    actor: Actor,
    id: FindingId,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let finding = engine.finding(actor, id).await?;
    let page = Page::of(engine, actor, Here::Findings).await?.with(refused);
    let status = page.status();
    page::with_status(status, &FindingPage { page, finding })
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failed> {
    shown(&engine, actor, named(&id)?, None).await
}

/// The finding again, with why nothing was done about it.
async fn back(
    engine: &Engine,
    form: Form,
    finding: FindingId,
    error: impl Into<Failed>,
) -> Result<Response, Failed> {
    let actor = form.actor;
    let again = async |refused| shown(engine, actor, finding, Some(refused)).await;
    refused::back(error, form, again).await
}

pub(super) async fn remove(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let finding = named(&id)?;
    let actor = form.actor;
    let ordered = engine.run(actor, &RemoveFound { finding }).await;
    let again = async |refused| shown(&engine, actor, finding, Some(refused)).await;
    refused::then(ordered, &format!("/findings/{finding}"), form, again).await
}

/// Asks for what answers it: a request through the same gates.
pub(super) async fn answer(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let finding = named(&id)?;
    let typed = &form.typed;
    let answer: Answer = match typed.word("answer", "answer to a finding") {
        Ok(answer) => answer,
        Err(failed) => return back(&engine, form, finding, failed).await,
    };
    let command = AnswerFinding {
        finding,
        answer,
        receiver: typed.optional("receiver"),
        length: typed.text("length").to_owned(),
        justification: typed.text("justification").to_owned(),
    };
    match engine.run(form.actor, &command).await {
        Ok(sent) => Ok(Redirect::to(&format!("/requests/{}", sent.request)).into_response()),
        Err(error) => back(&engine, form, finding, error).await,
    }
}
