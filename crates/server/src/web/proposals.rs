//! Changes of the catalogue that wait for somebody: proposals with their differences, and what passed
//! on because its owner left.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::catalogue::{Effect, Line};
use placet_domain::id::{HandoverId, ProposalId};
use placet_engine::commands::catalogue::change::{
    AdoptCatalogue, KeepHandover, RejectCatalogue, WithdrawCatalogue,
};
use placet_engine::queries::{ChangeView, HandoverView};
use placet_engine::{Command, Engine};

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows::{self, Rows, Shown};
use super::show;
use super::visitor::Visitor;

/// How many on a page.
const ROWS: usize = 30;

#[derive(Template)]
#[template(path = "proposals.html")]
struct ProposalsPage {
    page: Page,
    proposals: Rows<ChangeView>,
    all: bool,
}

impl ProposalsPage {
    fn address(&self) -> &'static str {
        if self.all { "/proposals?all=true" } else { "/proposals" }
    }
}

pub(super) async fn proposals(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { all, after }): Query<Shown>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let found = engine.proposals(actor, !all, &rows::asked(ROWS, after)).await?;
    let proposals = Rows::cut(found, ROWS, |one| one.id.to_string());
    page::shown(&ProposalsPage { page, proposals, all })
}

#[derive(Template)]
#[template(path = "proposal.html")]
struct ProposalPage {
    page: Page,
    one: ChangeView,
    /// More differences than a page shows.
    more: usize,
    /// Whoever looks may adopt or reject what others propose.
    may_decide: bool,
}

/// How many differences on a page, and how many bytes of them as they are served:
/// those that are shown are shown whole.
const LINES: usize = 80;
const BYTES: usize = 12_000;
/// What a line takes beside its texts.
const AROUND: usize = 240;

/// How many of these differences fit on a page.
fn fitting(lines: &[Line]) -> usize {
    rows::fitting(lines.iter().take(LINES), BYTES, |line| {
        let said = [Some(&line.record), Some(&line.fact), line.old.as_ref(), line.new.as_ref()];
        AROUND + show::weight(said.into_iter().flatten())
    })
}

impl ProposalPage {
    fn widens(&self, line: &Line) -> bool {
        line.effect == Effect::Widens
    }
}

async fn shown(
    engine: &Engine,
    actor: Actor,
    id: ProposalId,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let mut one = engine.proposal(actor, id).await?;
    let page = Page::of(engine, actor, Here::Catalogue).await?.with(refused);
    let may_decide = engine.authorise(actor, Deed::AdoptCatalogue).await.is_ok();
    let fits = fitting(&one.lines);
    let more = rows::trim(&mut one.lines, fits);
    let status = page.status();
    page::with_status(status, &ProposalPage { page, one, more, may_decide })
}

pub(super) async fn proposal(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failed> {
    shown(&engine, actor, named(&id)?, None).await
}

fn named(id: &str) -> Result<ProposalId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownProposal { given: id.chars().take(64).collect() })
}

/// Runs a command about a proposal and shows the proposal.
async fn then<C: Command>(
    engine: &Engine,
    form: Form,
    id: ProposalId,
    command: C,
) -> Result<Response, Failed> {
    let actor = form.actor;
    let done = engine.run(actor, &command).await;
    let again = async |refused| shown(engine, actor, id, Some(refused)).await;
    refused::then(done, &format!("/proposals/{id}"), form, again).await
}

pub(super) async fn adopt(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let proposal = named(&id)?;
    then(&engine, form, proposal, AdoptCatalogue { proposal }).await
}

pub(super) async fn reject(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let proposal = named(&id)?;
    let reason = form.typed.optional("reason");
    then(&engine, form, proposal, RejectCatalogue { proposal, reason }).await
}

pub(super) async fn withdraw(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let proposal = named(&id)?;
    then(&engine, form, proposal, WithdrawCatalogue { proposal }).await
}

#[derive(Template)]
#[template(path = "handovers.html")]
struct HandoversPage {
    page: Page,
    handovers: Rows<HandoverView>,
}

async fn waiting(
    engine: &Engine,
    actor: Actor,
    after: Option<String>,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Catalogue).await?.with(refused);
    let found = engine.handovers(actor, &rows::asked(ROWS, after)).await?;
    let handovers = Rows::cut(found, ROWS, |one| one.id.to_string());
    let status = page.status();
    page::with_status(status, &HandoversPage { page, handovers })
}

pub(super) async fn handovers(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { after, .. }): Query<Shown>,
) -> Result<Response, Failed> {
    waiting(&engine, actor, after, None).await
}

pub(super) async fn keep(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let unknown = || Refusal::UnknownHandover { given: id.chars().take(64).collect() };
    let handover: HandoverId = id.parse().map_err(|_| unknown())?;
    let actor = form.actor;
    let kept = engine.run(actor, &KeepHandover { handover }).await;
    let again = async |refused| waiting(&engine, actor, None, Some(refused)).await;
    refused::then(kept, "/handovers", form, again).await
}
