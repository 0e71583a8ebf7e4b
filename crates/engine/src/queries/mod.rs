//! Queries: what may be read, one file each. Every one takes the actor, asks policy for the scopes
//! of reading, and lets SQL filter. Answers are views made of the domain's words, ready to show.

mod access;
mod catalogue;
mod governed;
mod lasting;
mod ledger;
mod notices;
mod people;
mod policy;
mod replay;
mod work;

use std::collections::BTreeMap;

use placet_domain::id::IdentityId;
use placet_domain::identity::Profile;
use serde::Serialize;

pub use access::{
    AnswersView, ApprovedBy, EmergencyView, FindingView, GrantView, QuestionView, RequestView,
    StageView,
};
pub use catalogue::{EntitlementView, TargetView};
pub use governed::{ChangeView, HandoverView, UpkeepView};
pub use lasting::DelegationView;
pub use ledger::LedgerReport;
pub use notices::{NoticeView, UndeliveredView};
pub use people::{IdentityView, MeView, RecoveredView};
pub use policy::{PolicyView, ProposalView};
pub use replay::{ReplayReport, Replayed};
pub use work::WorkView;

/// A page of a list: at most `limit` rows (200 at the most), after the row named by `after`.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub limit: Option<u32>,
    pub after: Option<String>,
}

impl From<&Page> for placet_store::Page {
    fn from(page: &Page) -> Self {
        Self { limit: page.limit, after: page.after.clone() }
    }
}

/// A person or workload, as people call them; the id alone once they were erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Who {
    pub id: IdentityId,
    pub handle: Option<String>,
    pub name: Option<String>,
}

/// Names by id, for views.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<IdentityId, Profile>);

impl Names {
    pub(crate) fn who(&self, id: IdentityId) -> Who {
        let called = self.0.get(&id);
        Who {
            id,
            handle: called.map(|one| one.handle.to_string()),
            name: called.map(|one| one.name.clone()),
        }
    }
}

impl crate::Engine {
    pub(crate) async fn names(&self, ids: Vec<IdentityId>) -> Result<Names, crate::Error> {
        Ok(Names(self.store.profiles(&ids.into_iter().collect()).await?))
    }
}
