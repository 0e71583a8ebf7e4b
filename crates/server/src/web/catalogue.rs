//! The catalogue as lists: targets with how fresh the knowledge of them is, and who there is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_engine::Engine;
use placet_engine::queries::{IdentityView, TargetView};

use super::address::Query;
use super::failed::Failed;
use super::page::{self, Here, Page};
use super::rows::{self, Rows, Shown};
use super::visitor::Visitor;

/// How many on a page.
const ROWS: usize = 30;

#[derive(Template)]
#[template(path = "targets.html")]
struct TargetsPage {
    page: Page,
    targets: Rows<TargetView>,
}

pub(super) async fn targets(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { after, .. }): Query<Shown>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let found = engine.targets(actor, &rows::asked(ROWS, after)).await?;
    let targets = Rows::cut(found, ROWS, |one| one.name.clone());
    page::shown(&TargetsPage { page, targets })
}

#[derive(Template)]
#[template(path = "identities.html")]
struct IdentitiesPage {
    page: Page,
    identities: Rows<IdentityView>,
}

pub(super) async fn identities(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(Shown { after, .. }): Query<Shown>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let found = engine.identities(actor, &rows::asked(ROWS, after)).await?;
    let identities = Rows::cut(found, ROWS, |one| one.who.id.to_string());
    page::shown(&IdentitiesPage { page, identities })
}
