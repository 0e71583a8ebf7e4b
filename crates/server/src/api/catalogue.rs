//! What there is, and changes of it that can only narrow access.

use axum::Json;
use axum::extract::{Path, State};
use placet_engine::Engine;
use placet_engine::commands::catalogue::{DeactivateIdentity, RetireEntitlement};
use placet_engine::queries::{EntitlementView, IdentityView, TargetView};

use crate::auth::Known;
use crate::body::Listed;
use crate::problem::Failed;

pub(crate) async fn identities(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Json<Vec<IdentityView>>, Failed> {
    Ok(Json(engine.identities(actor, &listed.page).await?))
}

pub(crate) async fn entitlements(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Json<Vec<EntitlementView>>, Failed> {
    Ok(Json(engine.entitlements(actor, &listed.page).await?))
}

pub(crate) async fn targets(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Json<Vec<TargetView>>, Failed> {
    Ok(Json(engine.targets(actor, &listed.page).await?))
}

pub(crate) async fn deactivate(
    State(engine): State<Engine>,
    Known(actor): Known,
    Path(identity): Path<String>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &DeactivateIdentity { identity }).await?)
}

pub(crate) async fn retire(
    State(engine): State<Engine>,
    Known(actor): Known,
    Path(entitlement): Path<String>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RetireEntitlement { entitlement }).await?)
}
