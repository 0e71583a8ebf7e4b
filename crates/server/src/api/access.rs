//! Grants: what is held, and ending it.

use axum::Json;
use axum::extract::State;
use placet_domain::id::GrantId;
use placet_engine::Engine;
use placet_engine::commands::collect::{CollectGrant, Submitted};
use placet_engine::commands::end::{GiveBack, RevokeGrant};
use placet_engine::queries::{GrantView, HoldingView, LifeView, VerifiedView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::answer::{AsOf, Rows};
use crate::auth::Known;
use crate::body::{Asked, Body, ListedGrants, Named};
use crate::doing::Doing;
use crate::problem::Failed;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Revocation)]
pub(crate) struct Revoke {
    note: Option<String>,
}

/// A public half: an SSH key with the grant's id signed by it, the digest of a token, or the verifier
/// of a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PublicHalf)]
pub(crate) struct Collect {
    ssh_key: Option<String>,
    signature: Option<String>,
    token_sha256: Option<String>,
    scram_verifier: Option<String>,
    #[serde(default)]
    from: Vec<String>,
}

pub(crate) async fn grants(
    State(engine): State<Engine>,
    Known(actor): Known,
    ListedGrants { listed, all, sought }: ListedGrants,
) -> Result<Rows<GrantView>, Failed> {
    let (engine, sought) = (&engine, &sought);
    listed.rows(|page| async move { engine.sought_grants(actor, sought, !all, &page).await }).await
}

pub(crate) async fn grant(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(grant): Named<GrantId>,
) -> Result<AsOf<GrantView>, Failed> {
    AsOf::read(&engine, grant, engine.grant(actor, grant)).await
}

/// Whether who may use what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MayUse {
    /// A handle or an id.
    #[schema(max_length = 64)]
    identity: String,
    /// By its name.
    #[schema(max_length = 64)]
    entitlement: String,
}

pub(crate) async fn holding(
    State(engine): State<Engine>,
    Known(actor): Known,
    Asked(MayUse { identity, entitlement }): Asked<MayUse>,
) -> Result<Json<HoldingView>, Failed> {
    Ok(Json(engine.holding(actor, &identity, &entitlement).await?))
}

pub(crate) async fn life(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(grant): Named<GrantId>,
) -> Result<Json<LifeView>, Failed> {
    Ok(Json(engine.life(actor, grant).await?))
}

pub(crate) async fn verify(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(grant): Named<GrantId>,
) -> Result<Json<VerifiedView>, Failed> {
    Ok(Json(engine.verify_grant(actor, grant).await?))
}

pub(crate) async fn collect(
    Doing { engine, actor }: Doing,
    Named(grant): Named<GrantId>,
    Body(collect): Body<Collect>,
) -> Result<Json<GrantView>, Failed> {
    let Collect { ssh_key, signature, token_sha256, scram_verifier, from } = collect;
    let submitted = Submitted { ssh_key, signature, token_sha256, scram_verifier, from };
    Ok(Json(engine.collect(actor, &CollectGrant { grant, submitted }).await?))
}

pub(crate) async fn give_back(
    Doing { engine, actor }: Doing,
    Named(grant): Named<GrantId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &GiveBack { grant }).await?)
}

pub(crate) async fn revoke(
    Doing { engine, actor }: Doing,
    Named(grant): Named<GrantId>,
    Body(Revoke { note }): Body<Revoke>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RevokeGrant { grant, note }).await?)
}
