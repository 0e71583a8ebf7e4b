//! Changes of the catalogue that wait for somebody: proposals with their differences, and what passed
//! on because its owner left.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::catalogue::{Effect, Line};
use placet_domain::id::{HandoverId, ProposalId};
use placet_engine::Engine;
use placet_engine::commands::catalogue::change::{
    AdoptCatalogue, KeepHandover, RejectCatalogue, WithdrawCatalogue,
};
use placet_engine::queries::{self, ChangeView, HandoverView};
use serde::Deserialize;

use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Shown {
    /// What was decided as well.
    #[serde(default)]
    all: bool,
    after: Option<String>,
}

/// How many on a page.
const ROWS: u32 = 40;

#[derive(Template)]
#[template(path = "proposals.html")]
struct ProposalsPage {
    page: Page,
    proposals: Vec<ChangeView>,
    all: bool,
    next: Option<String>,
}

pub(super) async fn proposals(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { all, after }): Query<Shown>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let rows = queries::Page { limit: Some(ROWS), after };
    let proposals = engine.proposals(actor, !all, &rows).await?;
    let full = proposals.len() >= ROWS as usize;
    let next = proposals.last().filter(|_| full).map(|last| last.id.to_string());
    page::shown(&ProposalsPage { page, proposals, all, next })
}

#[derive(Template)]
#[template(path = "proposal.html")]
struct ProposalPage {
    page: Page,
    one: ChangeView,
    /// More differences than a page shows.
    more: usize,
}

/// How many differences on a page.
const LINES: usize = 80;

impl ProposalPage {
    fn widens(&self, line: &Line) -> bool {
        line.effect == Effect::Widens
    }
}

pub(super) async fn proposal(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failed> {
    let mut one = engine.proposal(actor, named(&id)?).await?;
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let more = one.lines.len().saturating_sub(LINES);
    one.lines.truncate(LINES);
    page::shown(&ProposalPage { page, one, more })
}

fn named(id: &str) -> Result<ProposalId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownProposal { given: id.chars().take(64).collect() })
}

fn back(id: ProposalId) -> Response {
    Redirect::to(&format!("/proposals/{id}")).into_response()
}

pub(super) async fn adopt(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, .. }: Form,
) -> Result<Response, Failed> {
    let proposal = named(&id)?;
    engine.run(actor, &AdoptCatalogue { proposal }).await?;
    Ok(back(proposal))
}

pub(super) async fn reject(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, typed }: Form,
) -> Result<Response, Failed> {
    let proposal = named(&id)?;
    engine.run(actor, &RejectCatalogue { proposal, reason: typed.optional("reason") }).await?;
    Ok(back(proposal))
}

pub(super) async fn withdraw(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, .. }: Form,
) -> Result<Response, Failed> {
    let proposal = named(&id)?;
    engine.run(actor, &WithdrawCatalogue { proposal }).await?;
    Ok(back(proposal))
}

#[derive(Template)]
#[template(path = "handovers.html")]
struct HandoversPage {
    page: Page,
    handovers: Vec<HandoverView>,
    next: Option<String>,
}

pub(super) async fn handovers(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { after, .. }): Query<Shown>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let rows = queries::Page { limit: Some(ROWS), after };
    let handovers = engine.handovers(actor, &rows).await?;
    let full = handovers.len() >= ROWS as usize;
    let next = handovers.last().filter(|_| full).map(|last| last.id.to_string());
    page::shown(&HandoversPage { page, handovers, next })
}

pub(super) async fn keep(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, .. }: Form,
) -> Result<Response, Failed> {
    let unknown = || Refusal::UnknownHandover { given: id.chars().take(64).collect() };
    let handover: HandoverId = id.parse().map_err(|_| unknown())?;
    engine.run(actor, &KeepHandover { handover }).await?;
    Ok(Redirect::to("/handovers").into_response())
}
