//! Policy bundles: which one rules, proposing and adopting.

use axum::Json;
use axum::extract::State;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_engine::Engine;
use placet_engine::commands::bundle::{AdoptBundle, ProposeBundle};
use serde::{Deserialize, Serialize};

use crate::auth::Known;
use crate::body::{Body, Named};
use crate::problem::Failed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proposed {
    files: Bundle,
}

#[derive(Serialize)]
pub(crate) struct Cited {
    bundle: Option<Digest>,
}

pub(crate) async fn ruling(
    State(engine): State<Engine>,
    Known(_): Known,
) -> Result<Json<Cited>, Failed> {
    Ok(Json(Cited { bundle: engine.ruling_bundle().await? }))
}

pub(crate) async fn propose(
    State(engine): State<Engine>,
    Known(actor): Known,
    Body(Proposed { files }): Body<Proposed>,
) -> Result<Json<Cited>, Failed> {
    let bundle = engine.run(actor, &ProposeBundle { bundle: files }).await?;
    Ok(Json(Cited { bundle: Some(bundle) }))
}

pub(crate) async fn adopt(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(bundle): Named<Digest>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &AdoptBundle { bundle }).await?)
}
