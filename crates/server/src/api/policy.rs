//! Policy bundles: which one rules, proposing and adopting.

use axum::Json;
use axum::extract::State;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_engine::Engine;
use placet_engine::commands::bundle::{AdoptBundle, ProposeBundle};
use placet_engine::queries::PolicyView;
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

/// The files of a bundle.
#[derive(Serialize)]
pub(crate) struct Files {
    files: Bundle,
}

/// A bundle as somebody reads it before adopting it.
pub(crate) async fn show(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(digest): Named<Digest>,
) -> Result<Json<Files>, Failed> {
    Ok(Json(Files { files: engine.bundle_files(actor, digest).await? }))
}

pub(crate) async fn ruling(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<Json<PolicyView>, Failed> {
    Ok(Json(engine.policy(actor).await?))
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
