//! Escalate: what waits in silence for too long is put before those above the silent.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::actor::Worker;
use placet_domain::id::{IdentityId, RequestId};
use placet_domain::request;
use placet_domain::route::Candidates;

use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::commands::approve::still_waiting;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::world::Around;

/// How far up somebody is looked for who may decide.
const LEVELS: u32 = 4;

struct EscalateRequest {
    request: RequestId,
}

#[async_trait::async_trait]
impl Command for EscalateRequest {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let request = draft.request(self.request).await?;
        let (mut around, excluded, candidates) = draft.candidates_now(&request).await?;
        let waiting = still_waiting(&request, candidates.clone());
        // Whose word was given need not be asked again, nor may the excluded.
        let passed_over = &excluded | &request.spent();
        let above = draft.above(&mut around, &waiting, &passed_over).await?;
        let reached: BTreeSet<IdentityId> = above.values().copied().collect();
        let all =
            Candidates::from_iter(waiting.keys().map(|stage| (stage.clone(), reached.clone())));
        let next = draft.escalates_at(&around, &all).await?;
        let command = request::Command::Escalate {
            waiting: &waiting,
            above: &above,
            excluded: &excluded,
            next,
        };
        let events = request::decide(Some(&request), command, draft.now)?;
        let after = draft.fold(&request, &events);
        draft.change(request.id, request.id, events);
        draft.commit.waiting.push((request.id, still_waiting(&after, candidates)));
        Ok(())
    }
}

impl Draft<'_> {
    /// Who is above those whom a request waits for: the nearest manager who is active and may decide.
    async fn above(
        &mut self,
        around: &mut Around,
        waiting: &Candidates,
        passed_over: &BTreeSet<IdentityId>,
    ) -> Result<BTreeMap<IdentityId, IdentityId>, Error> {
        let mut above = BTreeMap::new();
        for person in waiting.values().flatten() {
            let mut below = *person;
            for _ in 0..LEVELS {
                self.include(around, below).await?;
                let manager = around.identities.get(&below).and_then(|one| one.manager());
                let Some(manager) = manager.and_then(|id| around.identities.get(&id)) else {
                    break;
                };
                if manager.is_active_at(self.now) && !passed_over.contains(&manager.id) {
                    above.insert(*person, manager.id);
                    break;
                }
                below = manager.id;
            }
        }
        Ok(above)
    }
}

impl Engine {
    pub(super) async fn escalate(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.clock.now();
        for request in self.store.silent_requests(now, BATCH).await? {
            match self.run(actor(Worker::Escalate), &EscalateRequest { request }).await {
                Ok(()) => stepped.escalated += 1,
                Err(error) => {
                    stepped.postponed += 1;
                    tracing::info!(%request, %error, "a request could not be escalated yet");
                }
            }
        }
        Ok(())
    }
}
