//! End: giving back and revoking. Ending asks no policy about the access itself.

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::grant::{self, Reason};
use placet_domain::id::GrantId;
use placet_domain::identity::Identity;

use crate::draft::{Command, Draft};
use crate::error::Error;

/// The holder, or whoever owns the workload that holds it, needs it no longer.
#[derive(Clone, Copy, Debug)]
pub struct GiveBack {
    pub grant: GrantId,
}

/// Somebody ends another's access: the entitlement's owner, or whom policy lets.
#[derive(Clone, Debug)]
pub struct RevokeGrant {
    pub grant: GrantId,
    pub note: Option<String>,
}

#[async_trait::async_trait]
impl Command for GiveBack {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let grant = draft.grant(self.grant).await?;
        let receiver = grant.approved.receiver;
        let holder = draft.engine.store.load::<Identity>(receiver, &mut draft.facts).await?;
        let owns = holder.and_then(|holder| holder.owner()) == Some(by);
        if receiver != by && !owns {
            return Err(Refusal::NotYours { what: grant.id.to_string() }.into());
        }
        draft.end(&grant, Reason::GivenBack { by })
    }
}

#[async_trait::async_trait]
impl Command for RevokeGrant {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let grant = draft.grant(self.grant).await?;
        let entitlement = draft
            .engine
            .store
            .load::<placet_domain::entitlement::Entitlement>(
                grant.approved.entitlement,
                &mut draft.facts,
            )
            .await?;
        if !matches!(draft.actor, Actor::Person { .. }) {
            return Err(Refusal::NeedsSession {}.into());
        }
        if entitlement.is_none_or(|one| one.owner != by) {
            draft.must_be_allowed(Deed::Revoke).await?;
        }
        let note = draft.seal_text("note", self.note.as_deref(), grant.approved.request)?;
        draft.end(&grant, Reason::Revoked { by, note })
    }
}

impl Draft<'_> {
    pub(crate) fn end(&mut self, grant: &grant::Grant, reason: Reason) -> Result<(), Error> {
        let events = grant::decide(Some(grant), grant::Command::End { reason }, self.now)?;
        self.change(grant.id, grant.approved.request, events);
        Ok(())
    }
}
