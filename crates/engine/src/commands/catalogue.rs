//! Changes of the catalogue that can only narrow access: deactivating and retiring. Whatever can
//! widen it is proposed by one and adopted by another.

use placet_domain::access::Deed;
use placet_domain::grant::Reason;
use placet_domain::identity::{self, Identity};
use placet_domain::{Refusal, entitlement};

use crate::draft::{Command, Draft};
use crate::error::Error;

/// An identity is active no longer: what it holds ends.
#[derive(Clone, Debug)]
pub struct DeactivateIdentity {
    pub identity: String,
}

/// An entitlement is granted to nobody any more.
#[derive(Clone, Debug)]
pub struct RetireEntitlement {
    pub entitlement: String,
}

#[async_trait::async_trait]
impl Command for DeactivateIdentity {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::DeactivateIdentity).await?;
        let id = draft.identity_called(&self.identity).await?;
        let found = draft.engine.store.load::<Identity>(id, &mut draft.facts).await?;
        let found = found.ok_or(Refusal::UnknownIdentity { given: self.identity.clone() })?;
        let events = identity::decide(Some(&found), identity::Command::Deactivate)?;
        draft.change(id, id, events);
        for held in draft.engine.store.holdings(id, &mut draft.facts).await? {
            let held = draft.grant(held.id).await?;
            // One that is ending already needs no second order.
            let _ = draft.end(&held, Reason::HolderLeft);
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for RetireEntitlement {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::RetireEntitlement).await?;
        let found = draft.entitlement_called(&self.entitlement).await?;
        let events = entitlement::decide(Some(&found), entitlement::Command::Retire)?;
        draft.change(found.id, found.id, events);
        Ok(())
    }
}
