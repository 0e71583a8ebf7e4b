//! Pages that are open are told of changes, and fetch themselves again.

use axum::extract::State;
use placet_engine::Engine;

use super::failed::Failed;
use super::visitor::Visitor;
use crate::api::changes::{Changes, LastEvent, told};

pub(super) async fn changes(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    last: LastEvent,
) -> Result<Changes, Failed> {
    Ok(told(engine.watch(actor, last.known()).await?))
}
