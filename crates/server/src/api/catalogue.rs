//! What there is, and changes of it that can only narrow access.

use axum::Json;
use axum::extract::State;
use placet_engine::Engine;
use placet_engine::commands::catalogue::{DeactivateIdentity, RetireEntitlement};
use placet_engine::queries::{
    EntitlementView, IdentityView, OfferView, OneIdentityView, OneTargetView, OverviewView,
    TargetView,
};

use crate::answer::Rows;
use crate::auth::Known;
use crate::body::{Listed, ListedOffers, MOST_ROWS, Named};
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

pub(crate) async fn identity(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(handle): Named<String>,
) -> Result<Json<OneIdentityView>, Failed> {
    Ok(Json(engine.identity(actor, &handle).await?))
}

pub(crate) async fn entitlement(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(name): Named<String>,
) -> Result<Json<OfferView>, Failed> {
    Ok(Json(engine.offer(actor, &name).await?))
}

pub(crate) async fn target(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(name): Named<String>,
) -> Result<Json<OneTargetView>, Failed> {
    Ok(Json(engine.target(actor, &name).await?))
}

pub(crate) async fn offers(
    State(engine): State<Engine>,
    Known(actor): Known,
    ListedOffers(sought): ListedOffers,
) -> Result<Rows<EntitlementView>, Failed> {
    Ok(Rows::whole(engine.offered(actor, &sought, MOST_ROWS).await?))
}

pub(crate) async fn overview(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<Json<OverviewView>, Failed> {
    Ok(Json(engine.overview(actor).await?))
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
