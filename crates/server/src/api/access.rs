//! Grants and findings.

use axum::Json;
use axum::extract::State;
use placet_domain::id::GrantId;
use placet_engine::Engine;
use placet_engine::commands::end::{GiveBack, RevokeGrant};
use placet_engine::queries::{FindingView, GrantView};
use serde::Deserialize;

use crate::auth::Known;
use crate::body::{Body, Listed, Named};
use crate::problem::Failed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoke {
    note: Option<String>,
}

pub(crate) async fn grants(
    State(engine): State<Engine>,
    Known(actor): Known,
    Listed { page, all }: Listed,
) -> Result<Json<Vec<GrantView>>, Failed> {
    Ok(Json(engine.grants(actor, !all, &page).await?))
}

pub(crate) async fn findings(
    State(engine): State<Engine>,
    Known(actor): Known,
    Listed { page, all }: Listed,
) -> Result<Json<Vec<FindingView>>, Failed> {
    Ok(Json(engine.findings(actor, !all, &page).await?))
}

pub(crate) async fn give_back(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(grant): Named<GrantId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &GiveBack { grant }).await?)
}

pub(crate) async fn revoke(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(grant): Named<GrantId>,
    Body(Revoke { note }): Body<Revoke>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RevokeGrant { grant, note }).await?)
}
