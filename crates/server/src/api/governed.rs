//! Changing the catalogue: differences, proposals, and what follows from changes.

use axum::Json;
use axum::extract::State;
use placet_domain::catalogue::Line;
use placet_domain::id::{HandoverId, ProposalId, Stream};
use placet_engine::Engine;
use placet_engine::commands::catalogue::change::{
    AdoptCatalogue, DiffCatalogue, Differs, KeepHandover, ProposeCatalogue, RejectCatalogue,
    WithdrawCatalogue,
};
use placet_engine::commands::catalogue::{Files, RetireTarget};
use placet_engine::commands::found::Catalogue;
use placet_engine::commands::rerule::ReleaseRerule;
use placet_engine::queries::{ChangeView, HandoverView, UpkeepView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::{AsOf, Rows};
use crate::auth::Known;
use crate::body::{Body, Listed, ListedAll, Named};
use crate::doing::Doing;
use crate::problem::Failed;

/// Catalogue files, merged into one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CatalogueFiles)]
pub(crate) struct Given {
    catalogue: Catalogue,
    /// They say everything: what they leave out has left, or is retired.
    #[serde(default)]
    whole: bool,
}

impl Given {
    fn files(self) -> Files {
        Files { catalogue: self.catalogue, whole: self.whole }
    }
}

/// What would change, or did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Difference {
    lines: Vec<Line>,
    /// Whether somebody else has to adopt it.
    widens: bool,
    /// The proposal that waits; none if nothing does.
    proposal: Option<ProposalId>,
}

impl From<Differs> for Difference {
    fn from(differs: Differs) -> Self {
        let Differs { lines, widens, proposal } = differs;
        Self { lines, widens, proposal }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub(crate) struct Because {
    reason: Option<String>,
}

pub(crate) async fn diff(
    State(engine): State<Engine>,
    Known(actor): Known,
    Body(given): Body<Given>,
) -> Result<Json<Difference>, Failed> {
    let differs = engine.run(actor, &DiffCatalogue { files: given.files() }).await?;
    Ok(Json(differs.into()))
}

pub(crate) async fn propose(
    Doing { engine, actor }: Doing,
    Body(given): Body<Given>,
) -> Result<Json<Difference>, Failed> {
    let differs = engine.run(actor, &ProposeCatalogue { files: given.files() }).await?;
    Ok(Json(differs.into()))
}

pub(crate) async fn proposals(
    State(engine): State<Engine>,
    Known(actor): Known,
    ListedAll { listed, all }: ListedAll,
) -> Result<Rows<ChangeView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.proposals(actor, !all, &page).await }).await
}

pub(crate) async fn show(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(id): Named<ProposalId>,
) -> Result<AsOf<ChangeView>, Failed> {
    AsOf::read(&engine, id, engine.proposal(actor, id)).await
}

pub(crate) async fn adopt(
    Doing { engine, actor }: Doing,
    Named(proposal): Named<ProposalId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &AdoptCatalogue { proposal }).await?)
}

pub(crate) async fn reject(
    Doing { engine, actor }: Doing,
    Named(proposal): Named<ProposalId>,
    Body(Because { reason }): Body<Because>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RejectCatalogue { proposal, reason }).await?)
}

pub(crate) async fn withdraw(
    Doing { engine, actor }: Doing,
    Named(proposal): Named<ProposalId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &WithdrawCatalogue { proposal }).await?)
}

pub(crate) async fn retire_target(
    Doing { engine, actor }: Doing,
    Named(target): Named<String>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &RetireTarget { target }).await?)
}

pub(crate) async fn handovers(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Rows<HandoverView>, Failed> {
    let engine = &engine;
    listed.rows(|page| async move { engine.handovers(actor, &page).await }).await
}

pub(crate) async fn keep(
    Doing { engine, actor }: Doing,
    Named(handover): Named<HandoverId>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &KeepHandover { handover }).await?)
}

pub(crate) async fn upkeep(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<Rows<UpkeepView>, Failed> {
    Ok(Rows::whole(engine.upkeep(actor).await?))
}

pub(crate) async fn release(
    Doing { engine, actor }: Doing,
    Named(what): Named<Stream>,
) -> Result<(), Failed> {
    Ok(engine.run(actor, &ReleaseRerule { what }).await?)
}
