//! Delegations: who decides in whose place, from one day to another; making and ending one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::DelegationId;
use placet_engine::Engine;
use placet_engine::commands::delegate::{Delegate, EndDelegation};
use placet_engine::queries::DelegationView;

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::{Form, Typed};
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows::{self, Rows, Shown};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "delegations.html")]
struct DelegationsPage {
    page: Page,
    delegations: Rows<DelegationView>,
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
const ROWS: usize = 30;

async fn shown(
    engine: &Engine,
    actor: Actor,
    after: Option<String>,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Me).await?.with(refused);
    let found = engine.delegations(actor, &rows::asked(ROWS, after)).await?;
    let delegations = Rows::cut(found, ROWS, |one| one.id.to_string());
    let status = page.status();
    page::with_status(status, &DelegationsPage { page, delegations })
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { after, .. }): Query<Shown>,
) -> Result<Response, Failed> {
    shown(&engine, actor, after, None).await
}

const DAY: u64 = 24 * 60 * 60;

/// What was typed as a command: days, the last one included.
fn command(typed: &Typed) -> Result<Delegate, Failed> {
    Ok(Delegate {
        to: typed.text("to").to_owned(),
        starts_at: typed.day("from")?.map(|at| at.to_string()),
        ends_at: typed.day("until")?.map(|at| at.plus_seconds(DAY).to_string()),
    })
}

pub(super) async fn make(State(engine): State<Engine>, form: Form) -> Result<Response, Failed> {
    let made = match command(&form.typed) {
        Ok(command) => engine.run(form.actor, &command).await.map_err(Failed::from),
        Err(failed) => Err(failed),
    };
    after(&engine, form, made).await
}

/// The list again, after something was done or was not.
async fn after<T>(
    engine: &Engine,
    form: Form,
    done: Result<T, impl Into<Failed>>,
) -> Result<Response, Failed> {
    let actor = form.actor;
    let again = async |refused| shown(engine, actor, None, Some(refused)).await;
    refused::then(done, "/delegations", form, again).await
}

pub(super) async fn end(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let unknown = || Refusal::UnknownDelegation { given: id.chars().take(64).collect() };
    let delegation: DelegationId = id.parse().map_err(|_| unknown())?;
    let ended = engine.run(form.actor, &EndDelegation { delegation }).await;
    after(&engine, form, ended).await
}
