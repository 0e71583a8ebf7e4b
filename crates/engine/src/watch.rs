//! Being told that something changed: which kinds of records, never which ones. Whoever is told reads
//! again, and is shown what they may see; so that this decides nothing about who may see what.

use std::collections::BTreeSet;
use std::sync::Arc;

use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::Stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::Engine;
use crate::error::Error;

/// The most that are told at once.
pub(crate) const WATCHERS: usize = 512;
/// The most entries that are looked through for one telling; what is beyond is told next.
const LOOKED_THROUGH: u32 = 1_000;

/// Somebody who is told.
#[derive(Debug)]
pub struct Watch {
    engine: Engine,
    actor: Actor,
    commits: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    /// How many entries they know of.
    known: u64,
    _place: OwnedSemaphorePermit,
}

/// What changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// How many entries the ledger had then: from where a later watch goes on.
    pub entries: u64,
    /// `request`, `grant`, `finding` and the like.
    pub kinds: BTreeSet<&'static str>,
}

impl Engine {
    /// Begins to tell somebody what changes, from now on or from where they were told last.
    pub async fn watch(&self, actor: Actor, known: Option<u64>) -> Result<Watch, Error> {
        let place = Arc::clone(&self.wake.watchers)
            .try_acquire_owned()
            .map_err(|_| Refusal::TooManyWatchers {})?;
        let entries = self.entries().await?;
        Ok(Watch {
            commits: self.wake.commits(),
            closing: self.wake.closing(),
            known: known.map_or(entries, |known| known.min(entries)),
            engine: self.clone(),
            actor,
            _place: place,
        })
    }

    /// Nobody is told any more: the program stops.
    pub fn close_watches(&self) {
        self.wake.close();
    }
}

impl Watch {
    /// Resolves when something has changed; `None` when the program stops.
    pub async fn changed(&mut self) -> Result<Option<Changed>, Error> {
        loop {
            if *self.closing.borrow() {
                return Ok(None);
            }
            self.commits.mark_unchanged();
            let streams = self.engine.store.streams_since(self.known, LOOKED_THROUGH).await?;
            if !streams.is_empty() {
                self.known += u64::try_from(streams.len()).unwrap_or(u64::MAX);
                let kinds = streams.iter().map(Stream::kind).collect();
                return Ok(Some(Changed { entries: self.known, kinds }));
            }
            tokio::select! {
                gone = self.commits.changed() => if gone.is_err() { return Ok(None) },
                _ = self.closing.changed() => return Ok(None),
            }
        }
    }

    /// Refuses once whoever is told has logged out, has left, or their credential has run out.
    pub async fn must_still_be_there(&self) -> Result<(), Error> {
        self.engine.must_still_be_there(self.actor).await
    }
}
