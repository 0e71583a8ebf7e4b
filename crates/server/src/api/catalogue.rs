//! What there is, and changes of it that can only narrow access.

use axum::extract::State;
use placet_engine::Engine;
use placet_engine::commands::catalogue::{DeactivateIdentity, RetireEntitlement};
use placet_engine::queries::{EntitlementView, IdentityView, TargetView};

use crate::answer::Rows;
use crate::auth::Known;
use crate::body::{Listed, Named};
use crate::doing::Doing;
use crate::problem::Failed;

pub(crate) async fn identities(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<IdentityView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.identities(actor, &page).await }).await
}

pub(crate) async fn entitlements(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<EntitlementView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.entitlements(actor, &page).await }).await
}

pub(crate) async fn targets(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<TargetView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.targets(actor, &page).await }).await
}

pub(crate) async fn deactivate(
    Doing { engine, actor }: Doing,
    Named(identity): Named<String>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &DeactivateIdentity { identity }).await?)
}

pub(crate) async fn retire(
    Doing { engine, actor }: Doing,
    Named(entitlement): Named<String>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RetireEntitlement { entitlement }).await?)
}
