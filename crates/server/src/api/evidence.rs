//! What can be taken away and checked elsewhere.

use axum::extract::State;
use placet_domain::id::{GrantId, RequestId};
use placet_engine::Engine;

use crate::answer::Sealed;
use crate::auth::Known;
use crate::body::Named;
use crate::problem::Failed;

pub(crate) async fn of_request(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(request): Named<RequestId>,
) -> Result<Sealed, Failed> {
    let json = engine.export_evidence(actor, request).await?;
    Ok(Sealed(json))
}

pub(crate) async fn of_grant(
    State(engine): State<Engine>,
    Known(actor): Known,
    Named(grant): Named<GrantId>,
) -> Result<Sealed, Failed> {
    let request = engine.request_of_grant(grant).await?;
    let json = engine.export_evidence(actor, request).await?;
    Ok(Sealed(json))
}

/// The signed checkpoint (C2SP tlog-checkpoint), as text.
pub(crate) async fn checkpoint(
    State(engine): State<Engine>,
    Known(actor): Known,
) -> Result<String, Failed> {
    Ok(engine.checkpoint(actor).await?)
}

/// The verifier key (C2SP signed-note), as text. It is public; get it from elsewhere as well.
pub(crate) async fn key(State(engine): State<Engine>) -> String {
    engine.verifier_key()
}
