//! Ending another session of one's own: one that was left open elsewhere.

use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::credential::{self, Credential, Ended, Kind};
use placet_domain::id::CredentialId;

use crate::draft::{Command, Draft};
use crate::error::Error;

/// Somebody ends a session of theirs, at once.
#[derive(Clone, Copy, Debug)]
pub struct EndSession {
    pub session: CredentialId,
}

#[async_trait::async_trait]
impl Command for EndSession {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        if !matches!(draft.actor, Actor::Person { .. }) {
            return Err(Refusal::NeedsSession {}.into());
        }
        let id = self.session;
        let found = draft.engine.store.load::<Credential>(id, &mut draft.facts).await?;
        let now = draft.now;
        let theirs = |one: &Credential| {
            one.issued.kind == Kind::Session && one.issued.holder == by && one.is_valid_at(now)
        };
        let found = found.filter(theirs);
        let found = found.ok_or(Refusal::UnknownSession { given: id.to_string() })?;
        let command = credential::Command::End(Ended::LoggedOut);
        let events = credential::decide(Some(&found), command, draft.now)?;
        draft.change(id, id, events);
        Ok(())
    }
}
