//! Leave: whose contract is over leaves, and what leavers left behind is gone through to its end.

use placet_domain::actor::Worker;
use placet_domain::id::{IdentityId, ProposalId};
use placet_domain::identity::Identity;
use placet_domain::proposal::{self, Proposal};
use placet_store::{DueRound, Round, Upkeep};

use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::commands::leave::EndContract;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// How long something that found no heir waits for one, in seconds.
const WAITS: u64 = 300;

/// Goes on with what one leaver left behind.
struct GoOn<'a> {
    leaver: IdentityId,
    round: &'a DueRound,
}

#[async_trait::async_trait]
impl Command for GoOn<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let found = draft.engine.store.load::<Identity>(self.leaver, &mut draft.facts).await?;
        let (what, turn) = (self.round.what.clone(), self.round.turn);
        // Who is back before all was handed on keeps the rest.
        let Some(leaver) = found.filter(|one| !one.is_active_at(draft.now)) else {
            draft.commit.upkeep.push(Upkeep::Done { what, turn });
            return Ok(());
        };
        let settled = draft.settle_affairs(&leaver).await?;
        let progress = String::new();
        draft.commit.upkeep.push(match settled.more {
            false => Upkeep::Done { what, turn },
            true => {
                let wait = if settled.done == 0 { WAITS } else { 0 };
                Upkeep::Move { what, turn, progress, due_at: draft.now.plus_seconds(wait) }
            }
        });
        Ok(())
    }
}

struct LapseProposal {
    proposal: ProposalId,
}

#[async_trait::async_trait]
impl Command for LapseProposal {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let id = self.proposal;
        let found = draft.engine.store.load::<Proposal>(id, &mut draft.facts).await?;
        let events = proposal::decide(found.as_ref(), proposal::Command::Lapse, draft.now)?;
        draft.change(id, id, events);
        Ok(())
    }
}

impl Engine {
    pub(super) async fn leave(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.clock.now();
        for proposal in self.store.lapsing_proposals(now, BATCH).await? {
            self.run(actor(Worker::Expire), &LapseProposal { proposal }).await?;
            stepped.lapsed += 1;
        }
        for identity in self.store.contracts_over(now, BATCH).await? {
            self.run(actor(Worker::Leave), &EndContract { identity }).await?;
            stepped.gone_through += 1;
        }
        for round in self.store.due_rounds(now, BATCH).await? {
            if let Round::Leave(leaver) = round.what {
                self.run(actor(Worker::Leave), &GoOn { leaver, round: &round }).await?;
                stepped.gone_through += 1;
            }
        }
        Ok(())
    }
}
