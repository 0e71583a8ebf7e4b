//! Pages that are open are told of changes, and fetch themselves again.

use axum::extract::State;
use placet_engine::Engine;
use serde::Deserialize;

use super::address::Query;
use super::failed::Failed;
use super::visitor::Visitor;
use crate::api::changes::{Changes, LastEvent, told};

/// How many entries there were when the page was made.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    since: Option<u64>,
}

pub(super) async fn changes(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    last: LastEvent,
    Query(shown): Query<Shown>,
) -> Result<Changes, Failed> {
    // A browser that comes back knows better than the page from which it came.
    let since = last.known().or(shown.since);
    Ok(told(engine.watch(actor, since).await?))
}
