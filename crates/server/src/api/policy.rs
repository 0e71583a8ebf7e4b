//! Policy bundles: which one rules, proposing and adopting.

use axum::Json;
use axum::extract::State;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_engine::Engine;
use placet_engine::commands::bundle::{AdoptBundle, ProposeBundle};
use placet_engine::commands::weigh::{WeighBundle, Weighed, Weight};
use placet_engine::queries::{PolicyView, PreviewView, RuleView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Rows;
use crate::auth::Known;
use crate::body::{Body, Named};
use crate::doing::Doing;
use crate::problem::Failed;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BundleProposal)]
pub(crate) struct Proposed {
    files: Bundle,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BundleCited)]
pub(crate) struct Cited {
    bundle: Option<Digest>,
}

/// The files of a bundle.
#[derive(Serialize, ToSchema)]
#[schema(as = BundleFiles)]
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

/// One request or grant that a bundle would answer otherwise.
#[derive(Serialize, ToSchema)]
pub(crate) struct Otherwise {
    what: String,
    entitlement: String,
    old: String,
    new: String,
}

/// What a bundle would do to what is open and what is held.
#[derive(Serialize, ToSchema)]
#[schema(as = BundleEffects)]
pub(crate) struct Effects {
    requests: usize,
    grants: usize,
    /// There is more than was looked at.
    more: bool,
    otherwise: Vec<Otherwise>,
}

pub(crate) async fn effects(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(bundle): Named<Digest>,
) -> Result<Json<Effects>, Failed> {
    let Weight { requests, grants, more, otherwise } =
        engine.run(actor, &WeighBundle { bundle }).await?;
    let one = |Weighed { what, entitlement, old, new }| Otherwise { what, entitlement, old, new };
    Ok(Json(Effects {
        requests,
        grants,
        more,
        otherwise: otherwise.into_iter().map(one).collect(),
    }))
}

pub(crate) async fn ruling(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<Json<PolicyView>, Failed> {
    Ok(Json(engine.policy(actor).await?))
}

/// Who would ask for what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatIf {
    /// A handle or id of somebody whom the caller may see; the caller if left out.
    who: Option<String>,
    entitlement: String,
    length: String,
}

pub(crate) async fn what_if(
    State(engine): State<Engine>,
    Known(actor): Known,
    Body(WhatIf { who, entitlement, length }): Body<WhatIf>,
) -> Result<Json<PreviewView>, Failed> {
    Ok(Json(engine.what_if(actor, who, entitlement, length).await?))
}

pub(crate) async fn rules(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<Rows<RuleView>, Failed> {
    Ok(Rows::whole(engine.rules(actor).await?))
}

pub(crate) async fn propose(
    Doing { engine, actor }: Doing,
    Body(Proposed { files }): Body<Proposed>,
) -> Result<Json<Cited>, Failed> {
    let bundle = engine.run(actor, &ProposeBundle { bundle: files }).await?;
    Ok(Json(Cited { bundle: Some(bundle) }))
}

pub(crate) async fn adopt(
    Doing { engine, actor }: Doing,
    Named(bundle): Named<Digest>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &AdoptBundle { bundle }).await?)
}
