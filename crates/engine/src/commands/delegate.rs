//! Delegate: somebody lets another decide in their place from one day to another, or ends that.

use placet_domain::Refusal;
use placet_domain::delegation::{self, Delegation};
use placet_domain::id::DelegationId;
use placet_domain::identity::Identity;

use super::moment;
use crate::draft::{Command, Draft};
use crate::error::Error;

#[derive(Clone, Debug)]
pub struct Delegate {
    /// A handle or id.
    pub to: String,
    /// Now, if left out; RFC 3339.
    pub starts_at: Option<String>,
    pub ends_at: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct EndDelegation {
    pub delegation: DelegationId,
}

#[async_trait::async_trait]
impl Command for Delegate {
    type Output = DelegationId;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<DelegationId, Error> {
        let from = draft.someone()?;
        let to = draft.identity_called(&self.to).await?;
        let mut people = Vec::new();
        for id in [from, to] {
            let found = draft.engine.store.load::<Identity>(id, &mut draft.facts).await?;
            people.push(found.ok_or(Refusal::UnknownIdentity { given: id.to_string() })?);
        }
        let [from, to] = people.as_slice() else { return Ok(draft.engine.environment.id()) };
        let delegation = draft.engine.environment.id();
        let starts_at = self.starts_at.as_deref().map(moment).transpose()?.unwrap_or(draft.now);
        let ends_at = self.ends_at.as_deref().map(moment).transpose()?;
        let actor = draft.actor;
        let command = delegation::Command::Make { delegation, actor, from, to, starts_at, ends_at };
        let events = delegation::decide(None, command, draft.now)?;
        draft.change(delegation, delegation, events);
        Ok(delegation)
    }
}

#[async_trait::async_trait]
impl Command for EndDelegation {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let id = self.delegation;
        let found = draft.engine.store.load::<Delegation>(id, &mut draft.facts).await?;
        let theirs = |one: &Delegation| one.made.from == by || one.made.to == by;
        let found = found.filter(theirs);
        let found = found.ok_or(Refusal::UnknownDelegation { given: id.to_string() })?;
        let command = delegation::Command::End { by };
        let events = delegation::decide(Some(&found), command, draft.now)?;
        draft.change(id, id, events);
        Ok(())
    }
}
