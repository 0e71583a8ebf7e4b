//! What keeps a request going: questions, narrowing, delegations, emergencies and their reviews, and
//! what ends elsewhere.

use axum::Json;
use axum::extract::State;
use placet_domain::canonical::Digest;
use placet_domain::id::{DelegationId, RequestId};
use placet_domain::request::Verdict;
use placet_engine::Engine;
use placet_engine::commands::delegate::{Delegate, EndDelegation};
use placet_engine::commands::file::FileTogether;
use placet_engine::commands::narrow::NarrowRequest;
use placet_engine::commands::question::{AnswerQuestion, AskQuestion};
use placet_engine::commands::review::ReviewEmergency;
use placet_engine::queries::{DelegationView, RequestView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::{Ask, Shown, shown_after};
use crate::answer::{Created, Rows};
use crate::auth::Known;
use crate::body::{Body, Listed, Named};
use crate::doing::Doing;
use crate::problem::Failed;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Narrow {
    /// The digest of what was read.
    digest: Digest,
    length: Option<String>,
    /// A lower privilege on the same target.
    entitlement: Option<String>,
    starts_at: Option<String>,
}

pub(crate) async fn narrow(
    Doing { engine, actor }: Doing,
    Named(request): Named<RequestId>,
    Body(Narrow { digest, length, entitlement, starts_at }): Body<Narrow>,
) -> Shown {
    let before = engine.request(actor, request).await?;
    let narrow = NarrowRequest { request, digest, length, entitlement, starts_at };
    engine.run(actor, &narrow).await?;
    shown_after(&engine, actor, before).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Question)]
pub(crate) struct Say {
    text: String,
    /// The question that this answers; left out, it is a question.
    answers: Option<u32>,
}

pub(crate) async fn ask(
    Doing { engine, actor }: Doing,
    Named(request): Named<RequestId>,
    Body(Say { text, answers }): Body<Say>,
) -> Shown {
    engine.request(actor, request).await?;
    match answers {
        None => engine.run(actor, &AskQuestion { request, text }).await?,
        Some(number) => engine.run(actor, &AnswerQuestion { request, number, text }).await?,
    }
    Ok(Json(engine.request(actor, request).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Asks)]
pub(crate) struct Together {
    asks: Vec<Ask>,
}

/// What was filed together.
#[derive(Serialize, ToSchema)]
pub(crate) struct Filed {
    filed_with: placet_domain::id::FilingId,
    requests: Vec<RequestView>,
}

pub(crate) async fn file(
    Doing { engine, actor }: Doing,
    Body(Together { asks }): Body<Together>,
) -> Result<Created<Filed>, Failed> {
    let asks = asks.into_iter().map(|ask| ask.command(None)).collect();
    let filed = engine.run(actor, &FileTogether { asks }).await?;
    let mut requests = Vec::with_capacity(filed.requests.len());
    for one in filed.requests {
        requests.push(engine.request(actor, one.request).await?);
    }
    Ok(Created(Filed { filed_with: filed.filing, requests }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Review {
    verdict: Verdict,
    #[serde(default)]
    note: String,
}

pub(crate) async fn review(
    Doing { engine, actor }: Doing,
    Named(request): Named<RequestId>,
    Body(Review { verdict, note }): Body<Review>,
) -> Shown {
    let before = engine.request(actor, request).await?;
    engine.run(actor, &ReviewEmergency { request, verdict, note }).await?;
    shown_after(&engine, actor, before).await
}

pub(crate) async fn reviews(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<RequestView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.owed_reviews(actor, &page).await }).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDelegation)]
pub(crate) struct Make {
    to: String,
    starts_at: Option<String>,
    ends_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DelegationMade)]
pub(crate) struct Made {
    id: DelegationId,
}

pub(crate) async fn delegate(
    Doing { engine, actor }: Doing,
    Body(Make { to, starts_at, ends_at }): Body<Make>,
) -> Result<Created<Made>, Failed> {
    let id = engine.run(actor, &Delegate { to, starts_at, ends_at }).await?;
    Ok(Created(Made { id }))
}

pub(crate) async fn delegations(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<DelegationView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.delegations(actor, &page).await }).await
}

pub(crate) async fn end_delegation(
    Doing { engine, actor }: Doing,
    Named(delegation): Named<DelegationId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &EndDelegation { delegation }).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Ended)]
pub(crate) struct Over {
    /// What has ended, such as `ticket:OPS-7`.
    event: String,
}

/// What a report came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reported {
    /// Grants whose end was ordered.
    ending: u32,
    /// Requests that nobody has to decide any more.
    overtaken: u32,
}

pub(crate) async fn report_ending(
    Doing { engine, actor }: Doing,
    Body(Over { event }): Body<Over>,
) -> Result<Json<Reported>, Failed> {
    let done = engine.report_ending(actor, &event).await?;
    Ok(Json(Reported { ending: done.ending, overtaken: done.overtaken }))
}
