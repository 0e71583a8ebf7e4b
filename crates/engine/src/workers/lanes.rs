//! Lanes: what is done at targets goes on side by side, in a lane for each target and duty. So a
//! target that hangs keeps nobody waiting but those who wait for it, and no number of grants keeps
//! an ending. Each lane makes so many calls at once and no more, which is what a target has to bear.
//!
//! Here does not belong: what a lane does with what it finds due; each duty has a file for that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use placet_domain::id::TargetId;
use placet_store::Duty;
use tokio::sync::{Semaphore, watch};
use tokio::task::{self, JoinSet};

use super::Stepped;
use crate::Engine;
use crate::error::Error;

/// What lanes are for, the most urgent first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Lane {
    End,
    Begin,
    Look,
}

/// The calls that a target bears at once in each lane: a place for each.
pub(crate) type Places = BTreeMap<(Lane, TargetId), Arc<Semaphore>>;

/// For each call that a target bears, so many things are under way: while it answers one, what came
/// of the others is put on record.
const AHEAD: usize = 4;

/// Whether workers are asked to stop: what they are at is finished, nothing more is taken up.
#[derive(Clone, Debug)]
pub(super) struct Stop(Option<watch::Receiver<bool>>);

impl Stop {
    pub const NEVER: Self = Self(None);

    pub fn when(stopped: watch::Receiver<bool>) -> Self {
        Self(Some(stopped))
    }

    pub fn is_now(&self) -> bool {
        self.0.as_ref().is_some_and(|stopped| *stopped.borrow())
    }

    /// Resolves when they are.
    pub async fn comes(&mut self) {
        match &mut self.0 {
            // Whoever could ask is gone, and with them whoever waits for an answer.
            Some(stopped) => drop(stopped.wait_for(|stopped| *stopped).await),
            None => std::future::pending().await,
        }
    }
}

/// How one lane is gone through.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// How many things are under way. One at a time keeps to the order in which they are due.
    pub at_once: usize,
    pub stop: Stop,
}

impl Pace {
    /// One thing after another, to the end.
    pub const STEADY: Self = Self { at_once: 1, stop: Stop::NEVER };

    /// Does all of it, so many at once.
    pub async fn each<F>(&self, work: impl IntoIterator<Item = F>) -> Stepped
    where
        F: Future<Output = Stepped>,
    {
        let mut stepped = Stepped::default();
        let mut running = FuturesUnordered::new();
        for one in work {
            while running.len() >= self.at_once.max(1) {
                stepped += running.next().await.unwrap_or_default();
            }
            if self.stop.is_now() {
                break;
            }
            running.push(one);
        }
        while let Some(done) = running.next().await {
            stepped += done;
        }
        stepped
    }
}

/// The lanes that are being gone through.
#[derive(Debug, Default)]
struct Running {
    passes: JoinSet<Stepped>,
    lanes: BTreeMap<task::Id, (Lane, TargetId)>,
}

impl Running {
    fn start(&mut self, engine: &Engine, lane: Lane, targets: Vec<TargetId>, pace: &Pace) {
        let busy: BTreeSet<(Lane, TargetId)> = self.lanes.values().copied().collect();
        for target in targets.into_iter().filter(|target| !busy.contains(&(lane, *target))) {
            let (engine, pace) = (engine.clone(), pace.clone());
            let pass = async move { engine.pass(lane, target, &pace).await };
            let id = self.passes.spawn(pass).id();
            self.lanes.insert(id, (lane, target));
        }
    }

    /// Resolves when a lane is through, with what was done in it; with none under way, never.
    async fn one_through(&mut self) -> Stepped {
        let (id, done) = match self.passes.join_next_with_id().await {
            Some(Ok(through)) => through,
            // A broken invariant is as loud here as anywhere.
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Some(Err(error)) => (error.id(), Stepped::default()),
            None => std::future::pending().await,
        };
        self.lanes.remove(&id);
        done
    }
}

impl Engine {
    /// The places for calls to a target.
    pub(super) fn places(&self, lane: Lane, target: TargetId) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let at_once = self.options.calls_at_once.max(1);
        let of_this = places.entry((lane, target));
        Arc::clone(of_this.or_insert_with(|| Arc::new(Semaphore::new(at_once))))
    }

    /// Goes once through everything that is due in a lane.
    async fn pass(&self, lane: Lane, target: TargetId, pace: &Pace) -> Stepped {
        match lane {
            Lane::End => self.end_due(target, pace).await,
            Lane::Begin => self.begin_due(target, pace).await,
            Lane::Look => self.look_due(target).await,
        }
    }

    /// The targets that have something due in such a lane. With nothing but endings possible, no
    /// others have.
    async fn due_in(&self, lane: Lane) -> Result<Vec<TargetId>, Error> {
        let now = self.clock.now();
        if self.ending_only().is_some() && lane != Lane::End {
            return Ok(Vec::new());
        }
        Ok(match lane {
            Lane::End => self.store.targets_due(Duty::End, now).await?,
            Lane::Begin => self.store.targets_due(Duty::Begin, now).await?,
            Lane::Look => self.store.targets_to_look_at(now, self.options.observe_seconds).await?,
        })
    }

    /// Every lane of a kind, one after the other.
    pub(super) async fn go_through(&self, lane: Lane, stepped: &mut Stepped) -> Result<(), Error> {
        for target in self.due_in(lane).await? {
            *stepped += self.pass(lane, target, &Pace::STEADY).await;
        }
        Ok(())
    }

    /// All lanes at once, until asked to stop. Each second, whenever something comes through a door, and
    /// whenever something was done in a lane, those are started in which something is due: what has
    /// become due meanwhile waits for no second to pass. Where nothing could be done, it does.
    pub(super) async fn keep_lanes(&self, mut stop: Stop) {
        let at_once = self.options.calls_at_once.saturating_mul(AHEAD);
        let pace = Pace { at_once, stop: stop.clone() };
        let mut running = Running::default();
        let mut doors = self.wake.doors();
        while !stop.is_now() {
            for lane in [Lane::End, Lane::Begin, Lane::Look] {
                match self.due_in(lane).await {
                    Ok(targets) => running.start(self, lane, targets, &pace),
                    Err(error) => self.count(Err(error)),
                }
            }
            let rest = self.environment.after(1);
            tokio::pin!(rest);
            loop {
                tokio::select! {
                    done = running.one_through() => if !done.is_idle() { break },
                    () = stop.comes() => break,
                    () = doors.called() => break,
                    () = &mut rest => break,
                }
            }
        }
        while !running.lanes.is_empty() {
            running.one_through().await;
        }
    }
}
