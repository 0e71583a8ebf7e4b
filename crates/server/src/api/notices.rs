//! What I was told, and what could not be delivered.

use axum::extract::State;
use placet_engine::Engine;
use placet_engine::queries::{NoticeView, UndeliveredView};

use crate::answer::Rows;
use crate::auth::Known;
use crate::body::Listed;
use crate::problem::Failed;

pub(crate) async fn mine(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<NoticeView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.notices(actor, &page).await }).await
}

pub(crate) async fn undelivered(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<UndeliveredView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.undelivered(actor, &page).await }).await
}
