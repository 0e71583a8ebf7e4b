//! What is mine: what I hold, what I asked for, how much waits for me. And how things stand for
//! whoever looks, on every page.

use placet_domain::Timestamp;
use placet_domain::access::Scope;
use placet_domain::actor::Actor;
use placet_domain::id::RequestId;
use placet_store::Reader;
use serde::Serialize;
use utoipa::ToSchema;

use super::{GrantView, Page, RequestView, Who};
use crate::Engine;
use crate::error::Error;

/// What somebody holds, for themselves or through a workload of theirs, and what they asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MineView {
    pub holds: Vec<GrantView>,
    /// The newest first; what is decided as well.
    pub asked: Vec<RequestView>,
}

/// What every page says at its edges.
#[derive(Clone, Debug)]
pub struct StandingView {
    pub who: Who,
    /// How many requests wait for them, up to a hundred.
    pub waits: u64,
    /// How many entries the signed ledger has.
    pub entries: u64,
    pub at: Timestamp,
    /// Why nothing but ending access is possible, if so.
    pub ending_only: Option<String>,
}

impl Engine {
    pub async fn mine(&self, actor: Actor, page: &Page) -> Result<MineView, Error> {
        let reader = self.reader(actor).await?;
        let asked = self.store.asked_by(reader.who, &page.into()).await?;
        let mine = reader.scopes.contains(&Scope::Mine).then_some(Scope::Mine);
        let reader = Reader { scopes: mine.into_iter().collect(), ..reader };
        Ok(MineView {
            holds: self.grant_views(self.store.grants(&reader, true, &page.into()).await?).await?,
            asked: self.request_views(asked).await?,
        })
    }

    /// How many entries the signed ledger has.
    pub(crate) async fn entries(&self) -> Result<u64, Error> {
        // The second line of a checkpoint is its size (C2SP tlog-checkpoint).
        let checkpoint = self.store.checkpoint().await?;
        Ok(checkpoint.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0))
    }

    /// Whether a request waits for whoever looks.
    pub async fn waits_for_me(&self, actor: Actor, request: RequestId) -> Result<bool, Error> {
        let Some(who) = actor.identity() else { return Ok(false) };
        Ok(self.store.waits_for(request, who, self.clock.now()).await?)
    }

    pub async fn standing(&self, actor: Actor) -> Result<StandingView, Error> {
        let who = actor.identity().ok_or(placet_domain::Refusal::NotAuthenticated {})?;
        let at = self.clock.now();
        Ok(StandingView {
            who: self.names(vec![who]).await?.who(who),
            waits: self.store.inbox_count(who, at).await?,
            entries: self.entries().await?,
            at,
            ending_only: self.ending_only(),
        })
    }
}
