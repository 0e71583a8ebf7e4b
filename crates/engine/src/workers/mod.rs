//! Workers: what Placet does without being asked. Each is a `step()` without input: what is due is
//! found by index, so the happy path and recovery after a crash are the same code.

mod end;
mod fulfil;
mod observe;
pub(crate) mod touch;

use placet_domain::actor::{Actor, Worker};
use placet_domain::id::GrantId;

use crate::Engine;
use crate::error::Error;

/// The most that is read at once.
pub const BATCH: u32 = 64;

/// What a step did: something is nothing to be proud of, nothing is a reason to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stepped {
    pub fulfilled: u32,
    pub ended: u32,
    pub observed: u32,
    pub findings: u32,
    pub lapsed: u32,
    /// What could not be done now, and will be tried again.
    pub postponed: u32,
}

impl Stepped {
    pub fn is_idle(&self) -> bool {
        let Self { fulfilled, ended, findings, lapsed, .. } = *self;
        fulfilled + ended + findings + lapsed == 0
    }
}

pub(crate) fn actor(name: Worker) -> Actor {
    Actor::Worker { name }
}

impl Engine {
    /// One round of all workers. Endings come first and are done in every mode; their failure
    /// keeps nothing else from happening, and nothing else keeps them.
    pub async fn step(&self) -> Stepped {
        let mut stepped = Stepped::default();
        if self.ending_only().is_some() {
            self.count(self.end_without_records(&mut stepped).await);
            return stepped;
        }
        self.count(self.expire(&mut stepped).await);
        self.count(self.fulfil(&mut stepped).await);
        self.count(self.observe(&mut stepped).await);
        stepped
    }

    /// Everything that is due now, the longest due first. All of it: what cannot be done yet stays
    /// due, and must not keep the rest from its turn.
    pub(crate) async fn due_grants(&self) -> Result<Vec<GrantId>, Error> {
        let now = self.environment.now();
        let mut all = Vec::new();
        let mut last = None;
        loop {
            let page = self.store.due_grants(now, last, BATCH).await?;
            last = page.last().copied();
            all.extend(page.iter().map(|due| due.grant));
            if page.len() < BATCH as usize {
                return Ok(all);
            }
        }
    }

    /// A worker's own failure is told to the operator; the next step tries again.
    fn count(&self, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            tracing::warn!(%error, "a worker could not go on; it tries again");
        }
    }

    /// Works until the given future resolves, resting a second between rounds.
    pub async fn work_until(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            self.step().await;
            tokio::select! {
                () = &mut stop => return,
                () = self.environment.after(1) => {}
            }
        }
    }
}
