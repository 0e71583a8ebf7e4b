//! Queries: what may be read, one file each. Every one takes the actor, asks policy for the scopes
//! of reading, and lets SQL filter. Answers are views made of the domain's words, ready to show.

mod access;
mod catalogue;
mod ledger;
mod people;

use std::collections::BTreeMap;

use placet_domain::id::IdentityId;
use placet_store::Called;
use serde::Serialize;

pub use access::{FindingView, GrantView, RequestView, StageView};
pub use catalogue::{EntitlementView, TargetView};
pub use ledger::LedgerReport;
pub use people::{IdentityView, MeView};
pub use placet_store::Page;

/// A person or workload, as people call them; the id alone once they were erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Who {
    pub id: IdentityId,
    pub handle: Option<String>,
    pub name: Option<String>,
}

/// Names by id, for views.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<IdentityId, Called>);

impl Names {
    pub(crate) fn who(&self, id: IdentityId) -> Who {
        let called = self.0.get(&id);
        Who {
            id,
            handle: called.map(|one| one.handle.clone()),
            name: called.map(|one| one.name.clone()),
        }
    }
}

impl crate::Engine {
    pub(crate) async fn names(&self, ids: Vec<IdentityId>) -> Result<Names, crate::Error> {
        Ok(Names(self.store.called(ids).await?))
    }
}
