//! Work orders that are overdue: people are reminded, and what stays undone is a finding with an
//! owner. What people do about one is a command.

use placet_domain::action::Effect;
use placet_domain::actor::Worker;
use placet_domain::finding::Kind;
use placet_domain::grant::{self, Work};
use placet_domain::id::{GrantId, Stream};

use super::actor;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

struct RemindOfWork {
    grant: GrantId,
}

#[async_trait::async_trait]
impl Command for RemindOfWork {
    /// Whether there was something to remind of.
    type Output = bool;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<bool, Error> {
        let grant = draft.grant(self.grant).await?;
        let events = grant::decide(Some(&grant), grant::Command::RemindWork, draft.now)?;
        let Some(work) = grant.work.clone().filter(|_| !events.is_empty()) else {
            return Ok(false);
        };
        let grant = draft.advance(grant, events);
        let open = draft.engine.store.open_findings_of(&Stream::Grant(grant.id)).await?;
        if open.iter().all(|finding| finding.opened.kind != Kind::Stuck) {
            draft.open_stuck(&grant, undone(&work)).await?;
        }
        Ok(true)
    }
}

fn undone(work: &Work) -> String {
    let what = match work.effect {
        Effect::Grant => "make it",
        Effect::Remove => "take it away",
    };
    let missing = match &work.carried_out {
        None => "nobody says that it was done",
        Some(_) => "nobody has confirmed that it was done",
    };
    format!("`{}` to {what} by hand was due at {}, and {missing}", work.action, work.told.due_at)
}

impl Engine {
    pub(super) async fn remind_of_work(
        &self,
        as_who: Worker,
        grant: GrantId,
    ) -> Result<bool, Error> {
        self.run(actor(as_who), &RemindOfWork { grant }).await
    }
}
