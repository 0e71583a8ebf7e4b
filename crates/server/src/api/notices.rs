//! What I was told, and what could not be delivered.

use axum::Json;
use axum::extract::State;
use placet_engine::Engine;
use placet_engine::queries::{NoticeView, UndeliveredView};

use crate::auth::Known;
use crate::body::Listed;
use crate::problem::Failed;

pub(crate) async fn mine(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Json<Vec<NoticeView>>, Failed> {
    Ok(Json(engine.notices(actor, &listed.page).await?))
}

pub(crate) async fn undelivered(
    State(engine): State<Engine>,
    Known(actor): Known,
    listed: Listed,
) -> Result<Json<Vec<UndeliveredView>>, Failed> {
    Ok(Json(engine.undelivered(actor, &listed.page).await?))
}
