//! Asking and deciding.

use axum::Json;
use axum::extract::State;
use placet_domain::canonical::Digest;
use placet_domain::id::{GrantId, RequestId};
use placet_domain::name::StageName;
use placet_engine::Engine;
use placet_engine::commands::approve::{ApproveRequest, DenyRequest};
use placet_engine::commands::extend::ExtendGrant;
use placet_engine::commands::passkeys::SignedByPasskey;
use placet_engine::commands::step_up::ApproveSigned;
use placet_engine::commands::submit::SubmitRequest;
use placet_engine::commands::withdraw::{WithdrawApproval, WithdrawRequest};
use placet_engine::queries::{BeforeView, MineView, Page, PreviewView, RequestView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::answer::{AsOf, Created, Rows};
use crate::auth::Known;
use crate::body::{Body, Listed, ListedRequests, MOST_ROWS, Named};
use crate::doing::Doing;
use crate::passkeys::Asked;
use crate::problem::Failed;

/// An ask. Lengths and moments are texts such as `4h`; they are read once, by the engine.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// A handle; the asker if left out.
    receiver: Option<String>,
    entitlement: String,
    length: String,
    #[serde(default)]
    justification: String,
    reference: Option<String>,
    /// Not before this moment, RFC 3339.
    starts_at: Option<String>,
    /// What ends it as well, such as `ticket:OPS-7`.
    #[serde(default)]
    ends_on: Vec<String>,
    /// The incident for which the glass is broken.
    incident: Option<String>,
}

impl Ask {
    pub(super) fn command(self, revises: Option<RequestId>) -> SubmitRequest {
        let Self {
            receiver,
            entitlement,
            length,
            justification,
            reference,
            starts_at,
            ends_on,
            incident,
        } = self;
        SubmitRequest {
            receiver,
            entitlement,
            length,
            justification,
            reference,
            starts_at,
            ends_on,
            incident,
            revises,
            ..SubmitRequest::default()
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Extension)]
pub(crate) struct Extend {
    length: String,
    #[serde(default)]
    justification: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Approval)]
pub(crate) struct Approve {
    /// The digest of what was read.
    digest: Digest,
    stage: Option<StageName>,
    /// What a passkey signed, where a stage takes one: begun with `/requests/{id}/step-up`.
    signed: Option<SignedByPasskey>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Denial)]
pub(crate) struct Deny {
    digest: Digest,
    #[serde(default)]
    reason: String,
}

pub(super) type Shown = Result<Json<RequestView>, Failed>;

pub(crate) async fn list(
    State(engine): State<Engine>,
    Known(actor): Known,
    ListedRequests { listed, sought }: ListedRequests,
) -> Result<Rows<RequestView>, Failed> {
    let (engine, sought) = (&engine, &sought);
    listed.rows(|page| async move { engine.sought_requests(actor, sought, &page).await }).await
}

pub(crate) async fn mine(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<Json<MineView>, Failed> {
    let page = Page { limit: Some(MOST_ROWS), after: None };
    Ok(Json(engine.mine(actor, &page).await?))
}

pub(crate) async fn before(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(id): Named<RequestId>,
) -> Result<Json<BeforeView>, Failed> {
    Ok(Json(engine.before(actor, id).await?))
}

pub(crate) async fn inbox(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<RequestView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.inbox(actor, &page).await }).await
}

pub(crate) async fn show(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(id): Named<RequestId>,
) -> Result<AsOf<RequestView>, Failed> {
    AsOf::read(&engine, id, engine.request(actor, id)).await
}

pub(crate) async fn preview(
    State(engine): State<Engine>,
    Known(actor): Known,
    Body(ask): Body<Ask>,
) -> Result<Json<PreviewView>, Failed> {
    Ok(Json(engine.preview(actor, ask.command(None)).await?))
}

pub(crate) async fn submit(
    Doing { engine, actor }: Doing,
    Body(ask): Body<Ask>,
) -> Result<Created<RequestView>, Failed> {
    let submitted = engine.run(actor, &ask.command(None)).await?;
    Ok(Created(engine.request(actor, submitted.request).await?))
}

pub(crate) async fn extend(
    Doing { engine, actor }: Doing,
    Named(grant): Named<GrantId>,
    Body(Extend { length, justification }): Body<Extend>,
) -> Result<Created<RequestView>, Failed> {
    let submitted = engine.run(actor, &ExtendGrant { grant, length, justification }).await?;
    Ok(Created(engine.request(actor, submitted.request).await?))
}

pub(crate) async fn revise(
    Doing { engine, actor }: Doing,
    Named(id): Named<RequestId>,
    Body(ask): Body<Ask>,
) -> Shown {
    engine.request(actor, id).await?;
    engine.run(actor, &ask.command(Some(id))).await?;
    Ok(Json(engine.request(actor, id).await?))
}

pub(crate) async fn approve(
    Doing { engine, actor }: Doing,
    Named(request): Named<RequestId>,
    asked: Result<Asked, Failed>,
    Body(Approve { digest, stage, signed }): Body<Approve>,
) -> Shown {
    let before = engine.request(actor, request).await?;
    let approve = ApproveRequest { request, digest, stage };
    match signed {
        None => engine.run(actor, &approve).await?,
        Some(signed) => {
            let rp = asked?.passkeys.rp().clone();
            engine.run(actor, &ApproveSigned { approve, signed, rp }).await?
        }
    };
    shown_after(&engine, actor, before).await
}

pub(crate) async fn deny(
    Doing { engine, actor }: Doing,
    Named(request): Named<RequestId>,
    Body(Deny { digest, reason }): Body<Deny>,
) -> Shown {
    let before = engine.request(actor, request).await?;
    engine.run(actor, &DenyRequest { request, digest, reason }).await?;
    shown_after(&engine, actor, before).await
}

pub(crate) async fn withdraw(
    Doing { engine, actor }: Doing,
    Named(request): Named<RequestId>,
) -> Shown {
    let before = engine.request(actor, request).await?;
    engine.run(actor, &WithdrawRequest { request }).await?;
    shown_after(&engine, actor, before).await
}

pub(crate) async fn withdraw_approval(
    Doing { engine, actor }: Doing,
    Named(request): Named<RequestId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &WithdrawApproval { request }).await?)
}

/// The request as it is now. One who has decided may no longer see it, since it waits for them no
/// more; they saw it a moment ago, and its new state is theirs to know.
pub(super) async fn shown_after(
    engine: &Engine,
    actor: placet_domain::actor::Actor,
    before: RequestView,
) -> Shown {
    let id = before.id;
    match engine.request(actor, id).await {
        Ok(view) => Ok(Json(view)),
        Err(error) if error.refusal().is_some_and(|one| one.code() == "unknown_request") => {
            let state = engine.request_state(id).await?;
            Ok(Json(RequestView { state, ..before }))
        }
        Err(error) => Err(error.into()),
    }
}
