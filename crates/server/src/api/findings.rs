//! Findings and their answers.

use axum::Json;
use axum::extract::State;
use placet_domain::id::FindingId;
use placet_domain::request::Answer;
use placet_engine::Engine;
use placet_engine::commands::answer::{AnswerFinding, ReleaseBrake, RemoveFound};
use placet_engine::queries::{FindingView, RequestView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::answer::{Created, Rows};
use crate::auth::Known;
use crate::body::{Body, ListedAll, Named};
use crate::doing::Doing;
use crate::problem::Failed;

pub(crate) async fn list(
    State(engine): State<Engine>,
    Known(actor): Known,
    ListedAll { listed, all }: ListedAll,
) -> Result<Rows<FindingView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.findings(actor, !all, &page).await }).await
}

pub(crate) async fn show(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(finding): Named<FindingId>,
) -> Result<Json<FindingView>, Failed> {
    Ok(Json(engine.finding(actor, finding).await?))
}

/// An answer that is a request of its own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FindingAnswer)]
pub(crate) struct Given {
    answer: Answer,
    /// Whose account it is, to adopt it.
    receiver: Option<String>,
    length: String,
    #[serde(default)]
    justification: String,
}

pub(crate) async fn answer(
    Doing { engine, actor }: Doing,
    Named(finding): Named<FindingId>,
    Body(Given { answer, receiver, length, justification }): Body<Given>,
) -> Result<Created<RequestView>, Failed> {
    let answer = AnswerFinding { finding, answer, receiver, length, justification };
    let submitted = engine.run(actor, &answer).await?;
    Ok(Created(engine.request(actor, submitted.request).await?))
}

pub(crate) async fn remove(
    Doing { engine, actor }: Doing,
    Named(finding): Named<FindingId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RemoveFound { finding }).await?)
}

pub(crate) async fn release(
    Doing { engine, actor }: Doing,
    Named(target): Named<String>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &ReleaseBrake { target }).await?)
}
