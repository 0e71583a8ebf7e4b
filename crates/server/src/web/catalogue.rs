//! The catalogue as lists: targets with how fresh the knowledge of them is, and who there is.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use placet_engine::Engine;
use placet_engine::queries::{self, IdentityView, TargetView};
use serde::Deserialize;

use super::failed::Failed;
use super::page::{self, Here, Page};
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
pub(super) struct After {
    after: Option<String>,
}

/// How many on a page.
const ROWS: u32 = 30;

#[derive(Template)]
#[template(path = "targets.html")]
struct TargetsPage {
    page: Page,
    targets: Vec<TargetView>,
    next: Option<String>,
}

pub(super) async fn targets(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(After { after }): Query<After>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let rows = queries::Page { limit: Some(ROWS), after };
    let targets = engine.targets(actor, &rows).await?;
    let full = targets.len() >= ROWS as usize;
    let next = targets.last().filter(|_| full).map(|last| last.name.clone());
    page::shown(&TargetsPage { page, targets, next })
}

#[derive(Template)]
#[template(path = "identities.html")]
struct IdentitiesPage {
    page: Page,
    identities: Vec<IdentityView>,
    next: Option<String>,
}

pub(super) async fn identities(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(After { after }): Query<After>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let rows = queries::Page { limit: Some(ROWS), after };
    let identities = engine.identities(actor, &rows).await?;
    let full = identities.len() >= ROWS as usize;
    let next = identities.last().filter(|_| full).map(|last| last.who.id.to_string());
    page::shown(&IdentitiesPage { page, identities, next })
}
