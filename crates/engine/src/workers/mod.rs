//! Workers: what Placet does without being asked. Each is a `step()` without input: what is due is
//! found by index, so the happy path and recovery after a crash are the same code.

mod end;
mod escalate;
mod fulfil;
mod leave;
mod notify;
mod observe;
mod overdue;
mod read_back;
mod reroute;
pub(crate) mod rerule;
pub(crate) mod touch;
mod unasked;

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
    pub escalated: u32,
    /// Records that were handed on, grants that were ruled again, requests that were routed again.
    pub gone_through: u32,
    /// What people were told.
    pub told: u32,
    /// What could not be done now, and will be tried again.
    pub postponed: u32,
}

impl Stepped {
    pub fn is_idle(&self) -> bool {
        let Self { fulfilled, ended, findings, lapsed, escalated, gone_through, .. } = *self;
        fulfilled + ended + findings + lapsed + escalated + gone_through == 0
    }
}

pub(crate) fn actor(name: Worker) -> Actor {
    Actor::Worker { name }
}

impl Engine {
    /// One round of all workers, and of telling people.
    pub async fn step(&self) -> Stepped {
        let mut stepped = self.work().await;
        self.tell(&mut stepped).await;
        stepped
    }

    /// One round of those who work on targets and records. Endings come first and are done in every
    /// mode; their failure keeps nothing else from happening, and nothing else keeps them.
    async fn work(&self) -> Stepped {
        let mut stepped = Stepped::default();
        if self.ending_only().is_some() {
            self.count(self.end_without_records(&mut stepped).await);
            return stepped;
        }
        self.count(self.expire(&mut stepped).await);
        self.count(self.findings_due(&mut stepped).await);
        // Those who left hand on before their requests look for other ways.
        self.count(self.leave(&mut stepped).await);
        self.count(self.rerule(&mut stepped).await);
        self.count(self.reroute(&mut stepped).await);
        self.count(self.fulfil(&mut stepped).await);
        self.count(self.observe(&mut stepped).await);
        self.count(self.escalate(&mut stepped).await);
        self.count(self.overdue(&mut stepped).await);
        stepped
    }

    /// One round of telling people. Where nothing can be written, nobody could know what was told.
    async fn tell(&self, stepped: &mut Stepped) {
        if self.ending_only().is_none() {
            self.count(self.notify(stepped).await);
        }
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

    /// Works until the given future resolves. Between rounds it rests a second, or until something
    /// comes through a door. People are told beside that: a mail server that hangs keeps no ending
    /// waiting. What is being told when it stops is told again.
    pub async fn work_until(&self, stop: impl Future<Output = ()>) {
        let _at_work = self.wake.at_work();
        let work = async {
            tokio::pin!(stop);
            loop {
                self.work().await;
                tokio::select! {
                    () = &mut stop => return,
                    () = self.wake.called() => {}
                    () = self.environment.after(1) => {}
                }
            }
        };
        let tell = async {
            loop {
                self.tell(&mut Stepped::default()).await;
                self.environment.after(1).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = tell => {}
        }
    }
}
