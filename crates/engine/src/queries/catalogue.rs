//! What may be asked for, and where it stands.

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{EntitlementId, TargetId};
use placet_domain::identity::Kind;
use placet_domain::name::TeamName;
use placet_domain::target::Target;
use placet_store::{Facts, LastLook, Search, Wanted};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, SoughtOffers, Who};
use crate::Engine;
use crate::error::Error;

/// An entitlement, with what holding it really means.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntitlementView {
    pub id: EntitlementId,
    pub name: String,
    pub target: String,
    pub native: String,
    pub kind: &'static str,
    pub environment: &'static str,
    pub privilege: &'static str,
    pub scope: String,
    pub sensitivity: u8,
    pub owner: Who,
    pub offered_to: Vec<TeamName>,
    pub holders: Vec<&'static str>,
    /// The longest length that it is granted for.
    pub longest: String,
    pub retired: bool,
}

/// A target, with how fresh the knowledge of it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TargetView {
    pub id: TargetId,
    pub name: String,
    pub connector: String,
    pub owner: Who,
    pub retired: bool,
    pub observed: ObservedView,
    /// How many findings a look held back, until a person believes it.
    pub held_back: Option<u64>,
}

/// The last look at a target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ObservedView {
    /// `complete`, `partial`, `unknown`, or `never`.
    pub completeness: String,
    pub at: Option<Timestamp>,
    /// When a look last was complete.
    pub complete_at: Option<Timestamp>,
    pub detail: Option<String>,
}

impl From<Option<LastLook>> for ObservedView {
    fn from(last: Option<LastLook>) -> Self {
        match last {
            None => {
                Self { completeness: "never".to_owned(), at: None, complete_at: None, detail: None }
            }
            Some(last) => Self {
                completeness: last.completeness,
                at: Some(last.finished_at),
                complete_at: last.complete_at,
                detail: last.detail,
            },
        }
    }
}

impl Engine {
    /// The catalogue is open to everybody who is known: asking begins with reading it.
    pub async fn entitlements(
        &self,
        actor: Actor,
        page: &Page,
    ) -> Result<Vec<EntitlementView>, Error> {
        self.reader(actor).await?;
        self.entitlement_views(self.store.entitlements(&page.into()).await?).await
    }

    /// What may be asked for and fits a search, the least privilege first.
    pub async fn offered(
        &self,
        actor: Actor,
        sought: &SoughtOffers,
        limit: u32,
    ) -> Result<Vec<EntitlementView>, Error> {
        self.reader(actor).await?;
        let SoughtOffers { text, environment, privilege } = sought.clone();
        let search = Search { text, environment, privilege };
        self.entitlement_views(self.store.offered(&search, limit).await?).await
    }

    async fn entitlement_views(
        &self,
        entitlements: Vec<Entitlement>,
    ) -> Result<Vec<EntitlementView>, Error> {
        let mut wanted = Wanted::default();
        wanted.people.extend(entitlements.iter().map(|one| one.owner));
        wanted.targets.extend(entitlements.iter().map(|one| one.terms.target));
        let names = self.named(wanted).await?;
        Ok(entitlements.into_iter().map(|one| view(one, &names)).collect())
    }

    pub async fn targets(&self, actor: Actor, page: &Page) -> Result<Vec<TargetView>, Error> {
        self.reader(actor).await?;
        let targets = self.store.targets(&page.into()).await?;
        let names = self.names(targets.iter().map(|one| one.owner).collect()).await?;
        let mut out = Vec::with_capacity(targets.len());
        for target in targets {
            let look = self.store.last_look(target.id).await?;
            out.push(target_view(target, look, &names));
        }
        Ok(out)
    }

    pub(crate) async fn target_name(&self, id: TargetId) -> Result<String, Error> {
        let target = self.store.load::<Target>(id, &mut Facts::default()).await?;
        Ok(target.map_or_else(|| id.to_string(), |target| target.name.to_string()))
    }

    pub(crate) async fn entitlement_name(&self, id: EntitlementId) -> Result<String, Error> {
        let found = self.store.load::<Entitlement>(id, &mut Facts::default()).await?;
        Ok(found.map_or_else(|| id.to_string(), |one| one.name.to_string()))
    }
}

pub(super) fn target_view(
    target: Target,
    look: Option<LastLook>,
    names: &super::Names,
) -> TargetView {
    TargetView {
        id: target.id,
        name: target.name.to_string(),
        connector: target.connector.to_string(),
        owner: names.who(target.owner),
        held_back: target.brake.as_ref().map(|brake| brake.findings),
        retired: target.retired,
        observed: look.into(),
    }
}

pub(super) fn view(one: Entitlement, names: &super::Names) -> EntitlementView {
    EntitlementView {
        id: one.id,
        name: one.name.to_string(),
        target: names.target(one.terms.target),
        native: one.terms.native.to_string(),
        kind: one.terms.kind.as_str(),
        environment: one.terms.environment.as_str(),
        privilege: one.terms.privilege.as_str(),
        scope: one.terms.scope,
        sensitivity: one.terms.sensitivity,
        owner: names.who(one.owner),
        offered_to: one.offered_to.into_iter().collect(),
        holders: one.holders.into_iter().map(Kind::as_str).collect(),
        longest: one.longest.to_string(),
        retired: one.retired,
    }
}
