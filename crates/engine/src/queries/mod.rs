//! Queries: what may be read, one file each. Every one takes the actor, asks policy for the scopes
//! of reading, and lets SQL filter. Answers are views made of the domain's words, ready to show.

mod access;
mod before;
mod catalogue;
mod governed;
mod holding;
mod lasting;
mod ledger;
mod life;
mod mine;
mod notices;
mod one;
mod overview;
mod passkeys;
mod people;
mod policy;
mod preview;
mod replay;
mod sessions;
mod sought;
mod tokens;
mod work;

use placet_domain::committed::Committed;
use placet_domain::id::{EntitlementId, IdentityId, TargetId};
use placet_domain::target::Target;
use placet_store::{Named, Wanted};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

pub use access::{
    AnswersView, ApprovedBy, EmergencyView, FindingView, GrantView, QuestionView, RequestView,
    StageView,
};
pub use before::{BeforeView, EarlierView, WaitedView};
pub use catalogue::{EntitlementView, ObservedView, TargetView};
pub use governed::{ChangeView, HandoverView, UpkeepView};
pub use holding::HoldingView;
pub use lasting::DelegationView;
pub use ledger::LedgerReport;
pub use life::{EntryView, LifeView, VerifiedView};
pub use mine::{MineView, StandingView};
pub use notices::{NoticeView, UndeliveredView};
pub use one::{OneIdentityView, OneTargetView};
pub use overview::{OverviewView, TimeBoundView, TookView, UnsettledView};
pub use passkeys::{PasskeyView, ToConfirm};
pub use people::{IdentityView, MeView, RecoveredView};
pub use policy::{PolicyView, ProposalView, RuleView, RuledView};
pub use preview::{HeldView, OfferView, PreviewView, RefusedView};
pub use replay::{ReplayReport, Replayed};
pub use sessions::SessionView;
pub use sought::{SoughtGrants, SoughtOffers, SoughtRequests};
pub use tokens::TokenView;
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Who {
    pub id: IdentityId,
    pub handle: Option<String>,
    pub name: Option<String>,
}

/// Names and texts, for views.
#[derive(Debug, Default)]
pub(crate) struct Names(Named);

impl Names {
    pub(crate) fn who(&self, id: IdentityId) -> Who {
        let called = self.0.people.get(&id);
        Who {
            id,
            handle: called.map(|one| one.handle.to_string()),
            name: called.map(|one| one.name.clone()),
        }
    }

    pub(crate) fn entitlement(&self, id: EntitlementId) -> String {
        self.0.entitlements.get(&id).map_or_else(|| id.to_string(), |one| one.name.to_string())
    }

    /// Whether nobody may hold both. The catalogue keeps it on both sides.
    pub(crate) fn conflict(&self, one: EntitlementId, other: EntitlementId) -> bool {
        self.0.entitlements.get(&one).is_some_and(|one| one.conflicts.contains(&other))
    }

    pub(crate) fn target(&self, id: TargetId) -> String {
        self.0.targets.get(&id).map_or_else(|| id.to_string(), |one| one.name.to_string())
    }

    /// The value behind a commitment; none once it is erased.
    pub(crate) fn text<T: Serialize + DeserializeOwned>(
        &self,
        committed: &Committed<T>,
    ) -> Result<Option<T>, crate::Error> {
        Ok(self.0.text(committed)?)
    }

    /// The target itself, for what its connector says of it.
    pub(crate) fn whole_target(&self, id: TargetId) -> Option<&Target> {
        self.0.targets.get(&id)
    }
}

impl crate::Engine {
    /// Everything that a page of views calls by name.
    pub(crate) async fn named(&self, wanted: Wanted) -> Result<Names, crate::Error> {
        Ok(Names(self.store.named(&wanted).await?))
    }

    pub(crate) async fn names(&self, ids: Vec<IdentityId>) -> Result<Names, crate::Error> {
        let people = ids.into_iter().collect();
        self.named(Wanted { people, ..Wanted::default() }).await
    }
}
