//! On what conditions a call is carried out: once, however often it is sent, and only while a record
//! is as its caller saw it. Both hold in the transaction of the commit itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::id::{IdentityId, Stream};
use placet_store::{CallAnswer, CallKey, Commit, Facts};

use crate::Engine;
use crate::error::Error;

/// What a caller says beside what it wants.
#[derive(Debug, Default)]
pub struct Conditions {
    /// The record that it saw, and at which version.
    pub seen: Option<(Stream, u64)>,
    /// Under what it sends this call again, if it has to.
    pub key: Option<Key>,
}

/// The key of a call, and all that it stands for.
#[derive(Clone, Debug)]
pub struct Key {
    pub caller: IdentityId,
    pub key: String,
    /// Of everything that was sent.
    pub digest: Digest,
}

/// What a call was answered: its status, and its body.
pub type Said = (u16, String);

/// The conditions of one call. They hold for the first commit that it makes: what comes after that
/// goes on from what the call itself has changed.
#[derive(Debug)]
pub(crate) struct Held {
    conditions: Conditions,
    met: AtomicBool,
}

impl Held {
    fn open(&self) -> Option<&Conditions> {
        (!self.met.load(Ordering::Relaxed)).then_some(&self.conditions)
    }
}

impl Engine {
    /// The same engine for one call.
    #[must_use]
    pub fn under(&self, conditions: Conditions) -> Self {
        let held = Held { conditions, met: AtomicBool::new(false) };
        Self { conditions: Some(Arc::new(held)), ..self.clone() }
    }

    fn open_conditions(&self) -> Option<&Conditions> {
        self.conditions.as_deref().and_then(Held::open)
    }

    /// Refuses unless the record that the caller saw is as it was; the commit holds it still.
    pub(crate) async fn must_be_as_seen(&self, facts: &mut Facts) -> Result<(), Error> {
        let Some(Conditions { seen: Some((stream, version)), .. }) = self.open_conditions() else {
            return Ok(());
        };
        if self.store.version(stream, facts).await? == *version {
            return Ok(());
        }
        Err(Refusal::ChangedMeanwhile { what: stream.to_string() }.into())
    }

    pub(crate) fn bind(&self, commit: &mut Commit) {
        let key = self.open_conditions().and_then(|one| one.key.clone());
        commit.key = key.map(Key::kept);
    }

    /// Whether the very same call, sent twice at once, was done meanwhile: then that is what refuses it.
    pub(crate) async fn in_its_own_way(&self) -> Option<Error> {
        let key = self.open_conditions()?.key.as_ref()?;
        match self.answered(key).await {
            Ok(None) => None,
            Ok(Some(_)) => Some(Refusal::AnswerNotKept { key: key.key.clone() }.into()),
            Err(error) => Some(error),
        }
    }

    pub(crate) fn conditions_met(&self) {
        if let Some(held) = &self.conditions {
            held.met.store(true, Ordering::Relaxed);
        }
    }

    /// The version of a record, for whoever wants to change it only as it is now.
    pub async fn version(&self, stream: &Stream) -> Result<u64, Error> {
        Ok(self.store.version(stream, &mut Facts::default()).await?)
    }

    /// What this very call was answered when it came before; nothing if it is new.
    pub async fn answered(&self, asked: &Key) -> Result<Option<Said>, Error> {
        let Key { caller, key, digest } = asked;
        let found = self.store.keyed_call(*caller, key, self.clock.now()).await?;
        let Some(found) = found else { return Ok(None) };
        if found.digest != *digest {
            return Err(Refusal::KeyReused { key: key.clone() }.into());
        }
        let answer = found.answer.ok_or_else(|| Refusal::AnswerNotKept { key: key.clone() })?;
        Ok(Some((answer.status, answer.body)))
    }

    /// Keeps what a call was answered, to say it again for a day.
    pub async fn keep_answer(&self, actor: Actor, key: Key, said: Said) -> Result<(), Error> {
        let (status, body) = said;
        let (id, now) = (self.environment.id(), self.clock.now());
        let mut commit = Commit::new(id, now, actor, Facts::default());
        commit.answered = Some((key.kept(), CallAnswer { status, body }));
        self.store.commit(commit).await?;
        Ok(())
    }
}

impl Key {
    fn kept(self) -> CallKey {
        let Self { caller, key, digest } = self;
        CallKey { caller, key, digest }
    }
}
