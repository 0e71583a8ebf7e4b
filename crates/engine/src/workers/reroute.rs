//! Reroute: after a change, the open requests that it concerns find their way again, in bounded
//! batches from a cursor that outlasts a crash.

use placet_domain::actor::Worker;
use placet_store::{DueRound, Round, Upkeep};

use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::commands::reroute::RouteAgain;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// How long a round that met an error rests, in seconds.
const WAITS: u64 = 300;

/// Writes down how far a round has come.
struct Note<'a> {
    round: &'a DueRound,
    /// The last request that was looked at; none when all were.
    after: Option<String>,
    wait: u64,
}

#[async_trait::async_trait]
impl Command for Note<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let DueRound { what, turn, .. } = self.round.clone();
        draft.commit.upkeep.push(match &self.after {
            None => Upkeep::Done { what, turn },
            Some(after) => {
                let due_at = draft.now.plus_seconds(self.wait);
                Upkeep::Move { what, turn, progress: after.clone(), due_at }
            }
        });
        Ok(())
    }
}

impl Engine {
    pub(super) async fn reroute(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.clock.now();
        for round in self.store.due_rounds(now, BATCH).await? {
            let Round::Reroute(what) = &round.what else { continue };
            let batch = self.store.concerned_requests(what, &round.progress, BATCH).await?;
            let mut failed = false;
            for request in &batch {
                let again = RouteAgain { request: *request };
                if let Err(error) = self.run(actor(Worker::Reroute), &again).await {
                    failed = true;
                    tracing::warn!(%request, %error, "a request could not be routed again yet");
                }
                stepped.gone_through += 1;
            }
            let full = batch.len() >= BATCH as usize;
            let after = match (failed, batch.last()) {
                // Those that went well find nothing to do when it is tried again.
                (true, _) => Some(round.progress.clone()),
                (false, Some(last)) if full => Some(last.to_string()),
                _ => None,
            };
            let wait = if failed { WAITS } else { 0 };
            stepped.postponed += u32::from(failed);
            self.run(actor(Worker::Reroute), &Note { round: &round, after, wait }).await?;
        }
        Ok(())
    }
}
