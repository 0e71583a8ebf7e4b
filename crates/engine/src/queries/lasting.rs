//! Delegations, and the reviews that emergencies owe.

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::delegation::Delegation;
use placet_domain::id::DelegationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::RequestView;
use super::{Page, Who};
use crate::Engine;
use crate::error::Error;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DelegationView {
    pub id: DelegationId,
    pub from: Who,
    pub to: Who,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// When one of the two ended it before its time.
    pub ended_at: Option<Timestamp>,
    pub in_force: bool,
}

impl Engine {
    /// Delegations by the reader and to the reader, the latest end first.
    pub async fn delegations(
        &self,
        actor: Actor,
        page: &Page,
    ) -> Result<Vec<DelegationView>, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.delegations(&reader, &page.into()).await?;
        let people = found.iter().flat_map(|one| [one.made.from, one.made.to]);
        let names = self.names(people.collect()).await?;
        let view = |one: Delegation| DelegationView {
            id: one.made.delegation,
            from: names.who(one.made.from),
            to: names.who(one.made.to),
            starts_at: one.made.starts_at,
            ends_at: one.made.ends_at,
            ended_at: one.ended_at,
            in_force: one.is_valid_at(reader.at),
        };
        Ok(found.into_iter().map(view).collect())
    }

    /// Emergencies whose review is owed, the longest due first.
    pub async fn owed_reviews(&self, actor: Actor, page: &Page) -> Result<Vec<RequestView>, Error> {
        let reader = self.reader(actor).await?;
        self.request_views(self.store.owed_reviews(&reader, &page.into()).await?).await
    }
}
