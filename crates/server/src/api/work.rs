//! Work orders: what is to be done by hand, and what people did about it.

use axum::extract::State;
use placet_domain::canonical::Digest;
use placet_domain::id::ActionId;
use placet_engine::Engine;
use placet_engine::commands::work::{DoWork, Given};
use placet_engine::queries::WorkView;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::answer::Rows;
use crate::auth::Known;
use crate::body::{Body, Listed, Named};
use crate::doing::Doing;
use crate::problem::Failed;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CarriedOut {
    /// The SHA-256, in hex, of what shows that it was done.
    evidence_sha256: Digest,
    note: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {
    /// The SHA-256, in hex, of what was looked at.
    evidence_sha256: Digest,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Returned {
    why: String,
}

pub(crate) async fn list(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<WorkView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.work(actor, &page).await }).await
}

pub(crate) async fn carried_out(
    Doing { engine, actor }: Doing,
    Named(action): Named<ActionId>,
    Body(CarriedOut { evidence_sha256: evidence, note }): Body<CarriedOut>,
) -> Result<(), Failed> {
    let step = Given::CarriedOut { evidence, note };
    engine.run(actor, &DoWork { action, step }).await?;
    Ok(())
}

pub(crate) async fn returned(
    Doing { engine, actor }: Doing,
    Named(action): Named<ActionId>,
    Body(Returned { why }): Body<Returned>,
) -> Result<(), Failed> {
    engine.run(actor, &DoWork { action, step: Given::Returned { why } }).await?;
    Ok(())
}

pub(crate) async fn confirmed(
    Doing { engine, actor }: Doing,
    Named(action): Named<ActionId>,
    Body(Confirmed { evidence_sha256: evidence }): Body<Confirmed>,
) -> Result<(), Failed> {
    engine.run(actor, &DoWork { action, step: Given::Confirmed { evidence } }).await?;
    Ok(())
}
