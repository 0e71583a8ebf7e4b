//! Logging in and out, and credentials for others.

use axum::Json;
use axum::extract::State;
use placet_domain::Timestamp;
use placet_domain::id::CredentialId;
use placet_engine::commands::login::{Given, IssueLoginCode, IssueToken, LogOut};
use placet_engine::queries::MeView;
use placet_engine::{Engine, Secret};
use serde::{Deserialize, Serialize};

use crate::auth::Known;
use crate::body::Body;
use crate::problem::Failed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeFor {
    person: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenFor {
    holder: Option<String>,
    length: String,
}

/// A secret, shown to its holder this once.
#[derive(Serialize)]
pub(crate) struct Handed {
    id: CredentialId,
    secret: String,
    expires_at: Timestamp,
}

impl From<Given> for Handed {
    fn from(given: Given) -> Self {
        Self {
            id: given.credential,
            secret: given.secret.reveal().to_owned(),
            expires_at: given.expires_at,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Health {
    mode: &'static str,
    why: Option<String>,
    /// That nothing new is granted because the clock is behind, if so.
    clock: Option<String>,
}

pub(crate) async fn health(State(engine): State<Engine>) -> Json<Health> {
    let why = engine.ending_only();
    let clock = engine.clock_behind().map(|refusal| refusal.sentence());
    Json(Health { mode: if why.is_some() { "ending_only" } else { "normal" }, why, clock })
}

pub(crate) async fn log_in(
    State(engine): State<Engine>,
    Body(asked): Body<LogIn>,
) -> Result<Json<Handed>, Failed> {
    Ok(Json(engine.log_in(&Secret::presented(&asked.code)).await?.into()))
}

pub(crate) async fn log_out(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &LogOut).await?)
}

pub(crate) async fn me(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<Json<MeView>, Failed> {
    Ok(Json(engine.me(actor).await?))
}

pub(crate) async fn issue_code(
    State(engine): State<Engine>,
    Known(actor): Known,
    Body(asked): Body<CodeFor>,
) -> Result<Json<Handed>, Failed> {
    Ok(Json(engine.run(actor, &IssueLoginCode { person: asked.person }).await?.into()))
}

pub(crate) async fn issue_token(
    State(engine): State<Engine>,
    Known(actor): Known,
    Body(asked): Body<TokenFor>,
) -> Result<Json<Handed>, Failed> {
    let command = IssueToken { holder: asked.holder, length: asked.length };
    Ok(Json(engine.run(actor, &command).await?.into()))
}
