//! A draft: what one command reads, decides and is about to make durable. Every read notes its
//! version; the commit is refused if any of them has moved on, and the command starts anew.

use async_trait::async_trait;
use placet_domain::actor::Actor;
use placet_domain::committed::Committed;
use placet_domain::event::Event;
use placet_domain::id::{EventId, Stream};
use placet_domain::organisation::Organisation;
use placet_domain::{Refusal, Timestamp};
use placet_store::{Change, Commit, Disclosed, Facts};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Engine;
use crate::error::Error;

/// How often a command is decided anew when its facts moved on.
const TRIES: u32 = 3;

/// One unit of work: loads, asks, decides; writes nothing itself.
#[async_trait]
pub trait Command: Send + Sync {
    type Output: Send;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Self::Output, Error>;
}

/// What a command has read and decided so far.
#[derive(Debug)]
pub struct Draft<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
    pub(crate) facts: Facts,
    pub(crate) commit: Commit,
    /// As it was read first: it names the policies that rule this draft from beginning to end.
    pub(crate) organisation: Option<Organisation>,
}

impl<'e> Draft<'e> {
    fn new(engine: &'e Engine, actor: Actor) -> Self {
        let now = engine.clock.now();
        let commit = Commit::new(engine.environment.id(), now, actor, Facts::default());
        Self { engine, actor, now, facts: Facts::default(), commit, organisation: None }
    }

    /// Events of a stream, in a trail. Nothing is written for no events.
    pub(crate) fn change<E: Into<Event>>(
        &mut self,
        stream: impl Into<Stream>,
        trail: impl Into<Stream>,
        events: Vec<E>,
    ) {
        if events.is_empty() {
            return;
        }
        let (stream, trail) = (stream.into(), trail.into());
        let expected = self.facts.version(&stream);
        let events: Vec<(EventId, Event)> =
            events.into_iter().map(|event| (self.engine.environment.id(), event.into())).collect();
        match self.commit.changes.iter_mut().find(|change| change.stream == stream) {
            Some(change) => change.events.extend(events),
            None => self.commit.changes.push(Change { stream, expected, trail, events }),
        }
    }

    /// Commits to a text and keeps its disclosure beside the ledger.
    pub(crate) fn seal<T: Serialize + DeserializeOwned>(
        &mut self,
        value: &T,
        path: &str,
        about: impl Into<Stream>,
    ) -> Result<Committed<T>, Error> {
        let (committed, disclosure) = Committed::seal(value, path, self.engine.environment.salt())?;
        self.commit.disclosures.push(Disclosed { disclosure, about: about.into() });
        Ok(committed)
    }
}

impl Engine {
    /// Runs a command until it is durable, refused, or has met moving facts three times.
    pub async fn run<C: Command>(&self, actor: Actor, command: &C) -> Result<C::Output, Error> {
        match self.tried(actor, command).await {
            // What stands in its way may be this very call, sent twice.
            Err(error) => Err(self.in_its_own_way().await.unwrap_or(error)),
            output => output,
        }
    }

    async fn tried<C: Command>(&self, actor: Actor, command: &C) -> Result<C::Output, Error> {
        for _ in 0..TRIES {
            let mut draft = Draft::new(self, actor);
            self.must_be_as_seen(&mut draft.facts).await?;
            let output = command.draft(&mut draft).await?;
            let Draft { facts, mut commit, .. } = draft;
            if commit.is_empty() {
                return Ok(output);
            }
            let mut events = commit.changes.iter().flat_map(|change| &change.events);
            if events.any(|(_, event)| event.leads_to_access()) {
                self.clock.must_be_right()?;
            }
            commit.facts = facts;
            self.bind(&mut commit);
            let rounds = !commit.upkeep.is_empty();
            match self.store.commit(commit).await.map_err(Error::from) {
                Ok(done) => {
                    self.conditions_met();
                    self.wake.committed(&actor, done.events.len(), rounds);
                    return Ok(output);
                }
                Err(Error::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Refusal::StaleFacts {}.into())
    }
}
