//! Logging in and out, and credentials for others.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use placet_domain::Timestamp;
use placet_domain::credential::TokenScope;
use placet_domain::id::CredentialId;
use placet_engine::commands::login::{Given, IssueLoginCode, IssueToken, LogOut, RevokeToken};
use placet_engine::commands::session::EndSession;
use placet_engine::queries::{MeView, SessionView, TokenView};
use placet_engine::{Engine, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Rows;
use crate::auth::Known;
use crate::body::{Body, Listed, ListedAll, Named};
use crate::doing::Doing;
use crate::problem::Failed;
use crate::tries::Trying;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginCode)]
pub(crate) struct LogIn {
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLoginCode)]
pub(crate) struct CodeFor {
    person: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
pub(crate) struct TokenFor {
    holder: Option<String>,
    /// Such as `30d`; 90 days at the most.
    #[schema(min_length = 1, max_length = 40)]
    length: String,
    /// What it is for; `read` and `ask` if left out.
    #[serde(default)]
    scopes: BTreeSet<TokenScope>,
}

/// A secret, shown to its holder this once.
#[derive(Serialize, ToSchema)]
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

#[derive(Serialize, ToSchema)]
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
    trying: Trying,
    Body(asked): Body<LogIn>,
) -> Result<Json<Handed>, Failed> {
    let code = Secret::presented(&asked.code);
    Ok(Json(trying.once(&engine, engine.log_in(&code)).await?.into()))
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
    let TokenFor { holder, length, scopes } = asked;
    let command = IssueToken { holder, length, scopes };
    Ok(Json(engine.run(actor, &command).await?.into()))
}

pub(crate) async fn sessions(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<SessionView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.sessions(actor, &page).await }).await
}

pub(crate) async fn end_session(
    Doing { engine, actor }: Doing,
    Named(session): Named<CredentialId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &EndSession { session }).await?)
}

pub(crate) async fn tokens(
    State(engine): State<Engine>,
    Known(actor): Known,
    ListedAll { listed, all }: ListedAll,
) -> Result<Rows<TokenView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.tokens(actor, all, &page).await }).await
}

pub(crate) async fn revoke_token(
    Doing { engine, actor }: Doing,
    Named(token): Named<CredentialId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RevokeToken { token }).await?)
}
