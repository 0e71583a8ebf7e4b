//! Workers: what Placet does without being asked. Each is a step without input: what is due is found
//! by index, so the happy path and recovery after a crash are the same code.
//!
//! What touches targets goes on in lanes, see `lanes`; what works on records alone, one after the
//! other; telling people, beside both.

mod end;
mod escalate;
mod fulfil;
mod lanes;
mod leave;
mod notify;
mod observe;
mod overdue;
mod read_back;
mod reroute;
pub(crate) mod rerule;
pub(crate) mod touch;
mod unasked;
mod work;

use placet_domain::actor::{Actor, Worker};
use tokio::sync::watch;

pub(crate) use self::lanes::Places;
use self::lanes::{Lane, Stop};
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

    /// One that could not be done now.
    fn postponed() -> Self {
        Self { postponed: 1, ..Self::default() }
    }
}

impl std::ops::AddAssign for Stepped {
    fn add_assign(&mut self, other: Self) {
        self.fulfilled += other.fulfilled;
        self.ended += other.ended;
        self.observed += other.observed;
        self.findings += other.findings;
        self.lapsed += other.lapsed;
        self.escalated += other.escalated;
        self.gone_through += other.gone_through;
        self.told += other.told;
        self.postponed += other.postponed;
    }
}

pub(crate) fn actor(name: Worker) -> Actor {
    Actor::Worker { name }
}

impl Engine {
    /// One round of all workers, one after the other, and of telling people.
    pub async fn step(&self) -> Stepped {
        let mut stepped = Stepped::default();
        // Endings come first and are done in every mode; their failure keeps nothing else from
        // happening, and nothing else keeps them.
        self.count(self.go_through(Lane::End, &mut stepped).await);
        if self.ending_only().is_some() {
            return stepped;
        }
        self.lead_on(&mut stepped).await;
        self.count(self.go_through(Lane::Begin, &mut stepped).await);
        self.count(self.go_through(Lane::Look, &mut stepped).await);
        self.remind(&mut stepped).await;
        self.count(self.notify(&mut stepped).await);
        self.count(self.write_uses().await);
        stepped
    }

    /// What follows from what has ended, changed or left.
    async fn lead_on(&self, stepped: &mut Stepped) {
        self.count(self.settle_journal().await);
        self.count(self.lapse(stepped).await);
        self.count(self.reopen(stepped).await);
        // Those who left hand on before their requests look for other ways.
        self.count(self.leave(stepped).await);
        self.count(self.rerule(stepped).await);
        self.count(self.reroute(stepped).await);
    }

    /// What nobody answered.
    async fn remind(&self, stepped: &mut Stepped) {
        self.count(self.escalate(stepped).await);
        self.count(self.overdue(stepped).await);
    }

    /// A worker's own failure is told to the operator; the next step tries again.
    fn count(&self, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            tracing::warn!(%error, "a worker could not go on; it tries again");
        }
    }

    /// Works until the given future resolves, and finishes what it is at. What is being told then is
    /// told again.
    pub async fn work_until(&self, stop: impl Future<Output = ()>) {
        let _at_work = self.wake.at_work();
        let (stopped, stopping) = watch::channel(false);
        let asked = async {
            stop.await;
            stopped.send_replace(true);
        };
        let work = async {
            tokio::join!(
                self.keep_lanes(Stop::when(stopping.clone())),
                self.keep_records(Stop::when(stopping)),
                asked
            )
        };
        tokio::select! {
            _ = work => {}
            () = self.keep_telling() => {}
        }
    }

    /// Rounds of those who work on records alone.
    async fn keep_records(&self, mut stop: Stop) {
        let mut doors = self.wake.rounds();
        while !stop.is_now() {
            if self.ending_only().is_none() {
                let mut stepped = Stepped::default();
                self.lead_on(&mut stepped).await;
                self.remind(&mut stepped).await;
            }
            tokio::select! {
                () = stop.comes() => {}
                () = doors.called() => {}
                () = self.environment.after(1) => {}
            }
        }
    }

    /// Rounds of telling people: a mail server that hangs keeps nothing else. Where nothing can be
    /// written, nobody could know what was told.
    async fn keep_telling(&self) {
        loop {
            if self.ending_only().is_none() {
                self.count(self.notify(&mut Stepped::default()).await);
                self.count(self.write_uses().await);
            }
            self.environment.after(1).await;
        }
    }
}
