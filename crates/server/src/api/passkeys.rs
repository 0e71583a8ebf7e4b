//! Passkeys: adding, answering for and revoking them, signing with them, and logging in by one.

use axum::Json;
use axum::extract::State;
use placet_domain::canonical::Digest;
use placet_domain::id::{PasskeyId, RequestId};
use placet_engine::Engine;
use placet_engine::commands::passkeys::{
    ConfirmPasskey, MadePasskey, RevokePasskey, SignedByPasskey, VouchPasskey,
};
use placet_engine::commands::step_up::OpenStepUp;
use placet_engine::queries::PasskeyView;
use serde::Deserialize;
use utoipa::ToSchema;

use super::login::Handed;
use crate::answer::{Created, Rows};
use crate::auth::Known;
use crate::body::{Body, Listed, Named};
use crate::doing::Doing;
use crate::passkeys::{Asked, MakeOptions, SignOptions};
use crate::problem::Failed;
use crate::tries::Trying;

pub(crate) async fn mine(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<PasskeyView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.passkeys(actor, &page).await }).await
}

pub(crate) async fn waiting(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<PasskeyView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.passkeys_to_vouch(actor, &page).await }).await
}

pub(crate) async fn to_make(
    State(engine): State<Engine>,
    Known(actor): Known,
    asked: Asked,
) -> Result<Json<MakeOptions>, Failed> {
    Ok(Json(asked.to_make(&engine, actor).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPasskey {
    /// By which its holder knows it again.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    made: MadePasskey,
}

pub(crate) async fn offer(
    State(engine): State<Engine>,
    Known(actor): Known,
    asked: Asked,
    Body(NewPasskey { name, made }): Body<NewPasskey>,
) -> Result<Created<PasskeyView>, Failed> {
    Ok(Created(asked.offer(&engine, actor, made, name).await?))
}

pub(crate) async fn vouch(
    Doing { engine, actor }: Doing,
    Named(passkey): Named<PasskeyId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &VouchPasskey { passkey }).await?)
}

pub(crate) async fn to_confirm(
    State(engine): State<Engine>,
    Known(actor): Known,
    asked: Asked,
    Named(passkey): Named<PasskeyId>,
) -> Result<Json<SignOptions>, Failed> {
    let to = engine.passkey_to_confirm(actor, passkey, asked.passkeys.rp()).await?;
    Ok(Json(asked.passkeys.to_sign(to.challenge, to.credentials)))
}

pub(crate) async fn confirm(
    Doing { engine, actor }: Doing,
    Named(passkey): Named<PasskeyId>,
    Body(signed): Body<SignedByPasskey>,
) -> Result<Json<PasskeyView>, Failed> {
    engine.run(actor, &ConfirmPasskey { passkey, signed }).await?;
    Ok(Json(engine.passkey(actor, passkey).await?))
}

pub(crate) async fn revoke(
    Doing { engine, actor }: Doing,
    Named(passkey): Named<PasskeyId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RevokePasskey { passkey }).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUp {
    /// The digest of what was read.
    digest: Digest,
}

pub(crate) async fn step_up(
    State(engine): State<Engine>,
    Known(actor): Known,
    asked: Asked,
    Named(request): Named<RequestId>,
    Body(StepUp { digest }): Body<StepUp>,
) -> Result<Json<SignOptions>, Failed> {
    engine.request(actor, request).await?;
    let rp = asked.passkeys.rp().clone();
    let to = engine.run(actor, &OpenStepUp { request, digest, rp }).await?;
    Ok(Json(asked.passkeys.to_sign(to.challenge, to.credentials)))
}

pub(crate) async fn to_log_in(
    State(engine): State<Engine>,
    asked: Asked,
) -> Result<Json<SignOptions>, Failed> {
    Ok(Json(asked.to_log_in(&engine)?))
}

pub(crate) async fn log_in(
    State(engine): State<Engine>,
    asked: Asked,
    trying: Trying,
    Body(signed): Body<SignedByPasskey>,
) -> Result<Json<Handed>, Failed> {
    Ok(Json(asked.log_in(&engine, &trying, &signed).await?.into()))
}
