//! Wakefulness: what comes through a door is worked on at once, and whoever waits for what comes of
//! it is told of each commit that enters something.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use placet_domain::actor::Actor;
use tokio::sync::{Semaphore, watch};

use crate::watch::WATCHERS;

/// Shared by all handles of an engine.
#[derive(Debug)]
pub(crate) struct Wake {
    doors: watch::Sender<u64>,
    rounds: watch::Sender<u64>,
    commits: watch::Sender<u64>,
    /// The program stops, and whoever waits for something goes.
    closing: watch::Sender<bool>,
    /// The places of those who are told of changes.
    pub watchers: Arc<Semaphore>,
    /// How many loops of workers run in this process.
    working: AtomicUsize,
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            doors: watch::Sender::new(0),
            rounds: watch::Sender::new(0),
            commits: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            working: AtomicUsize::default(),
        }
    }
}

impl Wake {
    /// Something was made durable, and so many events entered. The workers' own commits wake no worker:
    /// what they leave due has its time. `rounds` says whether something has to be gone through after it.
    pub fn committed(&self, by: &Actor, events: usize, rounds: bool) {
        if events > 0 {
            self.commits.send_modify(|count| *count = count.wrapping_add(1));
        }
        if !matches!(by, Actor::Worker { .. }) {
            self.doors.send_modify(|count| *count = count.wrapping_add(1));
            if rounds {
                self.rounds.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
    }

    pub fn doors(&self) -> Doors {
        Doors(self.doors.subscribe())
    }

    /// What comes through doors and has to be gone through. Everything else that those do who work on
    /// records alone has its time.
    pub fn rounds(&self) -> Doors {
        Doors(self.rounds.subscribe())
    }

    /// Changes with every commit that enters something.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Workers are at it for as long as the answer lives.
    pub fn at_work(&self) -> AtWork<'_> {
        self.working.fetch_add(1, Ordering::Relaxed);
        AtWork(self)
    }

    pub fn is_worked(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }
}

/// What comes through doors, for one loop of workers.
#[derive(Debug)]
pub(crate) struct Doors(watch::Receiver<u64>);

impl Doors {
    /// Resolves when something came through a door since the last time.
    pub async fn called(&mut self) {
        if self.0.changed().await.is_err() {
            // The doors are gone; nothing comes any more.
            std::future::pending::<()>().await;
        }
    }
}

/// A loop of workers that runs.
#[derive(Debug)]
pub(crate) struct AtWork<'w>(&'w Wake);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}
