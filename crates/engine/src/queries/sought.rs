//! Requests and grants that somebody looks for, by names. A name that leads nowhere finds nothing, as
//! one that the reader may not see does.

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::id::{EntitlementId, IdentityId, TargetId};
use placet_store::Facts;

use super::{GrantView, Page, RequestView};
use crate::Engine;
use crate::error::Error;

/// What requests are looked for by; what is left out fits all.
#[derive(Clone, Debug, Default)]
pub struct SoughtRequests {
    /// A handle or id: who asked, would receive, or agreed.
    pub person: Option<String>,
    pub entitlement: Option<String>,
    pub since: Option<Timestamp>,
    /// Not at this moment or later.
    pub until: Option<Timestamp>,
}

/// What grants are looked for by; what is left out fits all.
#[derive(Clone, Debug, Default)]
pub struct SoughtGrants {
    /// A handle or id.
    pub receiver: Option<String>,
    pub entitlement: Option<String>,
    pub target: Option<String>,
}

/// What is looked for in the catalogue; what is empty fits all.
#[derive(Clone, Debug, Default)]
pub struct SoughtOffers {
    /// Words, of which the first four are looked for: in a name, in that of the target, and in what
    /// an entitlement allows.
    pub text: String,
    pub environment: String,
    pub privilege: String,
}

/// A name that leads to nothing.
struct Nothing;

impl Engine {
    /// Requests within the reader's scopes that fit, the newest first.
    pub async fn sought_requests(
        &self,
        actor: Actor,
        sought: &SoughtRequests,
        page: &Page,
    ) -> Result<Vec<RequestView>, Error> {
        let reader = self.reader(actor).await?;
        let Some(sought) = self.requests_meant(sought).await? else { return Ok(Vec::new()) };
        self.request_views(self.store.sought_requests(&reader, &sought, &page.into()).await?).await
    }

    /// Grants within the reader's scopes that fit, the newest first.
    pub async fn sought_grants(
        &self,
        actor: Actor,
        sought: &SoughtGrants,
        live: bool,
        page: &Page,
    ) -> Result<Vec<GrantView>, Error> {
        let reader = self.reader(actor).await?;
        let Some(sought) = self.grants_meant(sought).await? else { return Ok(Vec::new()) };
        let found = self.store.sought_grants(&reader, &sought, live, &page.into()).await?;
        self.grant_views(found).await
    }

    async fn requests_meant(
        &self,
        sought: &SoughtRequests,
    ) -> Result<Option<placet_store::SoughtRequests>, Error> {
        let (Ok(person), Ok(entitlement)) = (
            self.meant(sought.person.as_deref()).await?,
            self.entitlement_meant(sought.entitlement.as_deref()).await?,
        ) else {
            return Ok(None);
        };
        let (since, until) = (sought.since, sought.until);
        Ok(Some(placet_store::SoughtRequests { person, entitlement, since, until }))
    }

    async fn grants_meant(
        &self,
        sought: &SoughtGrants,
    ) -> Result<Option<placet_store::SoughtGrants>, Error> {
        let (Ok(receiver), Ok(entitlement), Ok(target)) = (
            self.meant(sought.receiver.as_deref()).await?,
            self.entitlement_meant(sought.entitlement.as_deref()).await?,
            self.target_meant(sought.target.as_deref()).await?,
        ) else {
            return Ok(None);
        };
        Ok(Some(placet_store::SoughtGrants { receiver, entitlement, target }))
    }

    async fn meant(
        &self,
        given: Option<&str>,
    ) -> Result<Result<Option<IdentityId>, Nothing>, Error> {
        let Some(given) = given else { return Ok(Ok(None)) };
        Ok(self.identity_known_as(given).await?.map(Some).ok_or(Nothing))
    }

    async fn entitlement_meant(
        &self,
        given: Option<&str>,
    ) -> Result<Result<Option<EntitlementId>, Nothing>, Error> {
        let Some(given) = given else { return Ok(Ok(None)) };
        let Ok(name) = given.parse() else { return Ok(Err(Nothing)) };
        let found = self.store.entitlement_named(&name, &mut Facts::default()).await?;
        Ok(found.map(|one| Some(one.id)).ok_or(Nothing))
    }

    async fn target_meant(
        &self,
        given: Option<&str>,
    ) -> Result<Result<Option<TargetId>, Nothing>, Error> {
        let Some(given) = given else { return Ok(Ok(None)) };
        let Ok(name) = given.parse() else { return Ok(Err(Nothing)) };
        let found = self.store.target_named(&name, &mut Facts::default()).await?;
        Ok(found.map(|one| Some(one.id)).ok_or(Nothing))
    }
}
