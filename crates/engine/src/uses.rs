//! When tokens were used last: kept in memory at the door, written down by a worker. No decision
//! reads it, and no caller waits for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use placet_domain::Timestamp;
use placet_domain::actor::Worker;
use placet_domain::id::CredentialId;
use placet_store::{Commit, Facts};

use crate::Engine;
use crate::error::Error;
use crate::workers::{BATCH, actor};

/// How long a use of the same token is not written again, in seconds.
const PAUSE_SECONDS: u64 = 60;
/// The most tokens that are kept in mind; beyond that the next writing takes what it has.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<BTreeMap<CredentialId, Use>>);

#[derive(Clone, Copy, Debug)]
struct Use {
    at: Timestamp,
    /// The last one that was written down.
    written: Option<Timestamp>,
}

impl Uses {
    pub(crate) fn note(&self, token: CredentialId, at: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = uses.len() < MOST;
        match uses.get_mut(&token) {
            Some(one) => one.at = at,
            None if room => {
                uses.insert(token, Use { at, written: None });
            }
            None => {}
        }
    }

    /// What is to be written now; what was written long ago and not used since is forgotten.
    fn due(&self, now: Timestamp) -> Vec<(CredentialId, Timestamp)> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rests = |one: &Use| one.written.is_some_and(|at| now < at.plus_seconds(PAUSE_SECONDS));
        uses.retain(|_, one| rests(one) || one.written != Some(one.at));
        let most = usize::try_from(BATCH).unwrap_or(usize::MAX);
        let due = uses.iter().filter(|(_, one)| !rests(one)).take(most);
        due.map(|(token, one)| (*token, one.at)).collect()
    }

    fn written(&self, written: &[(CredentialId, Timestamp)]) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (token, at) in written {
            if let Some(one) = uses.get_mut(token) {
                one.written = Some(*at);
            }
        }
    }
}

impl Engine {
    /// Writes down when tokens were used, each at most once a minute.
    pub(crate) async fn write_uses(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let due = self.uses.due(now);
        if due.is_empty() {
            return Ok(());
        }
        let who = actor(Worker::Notify);
        let mut commit = Commit::new(self.environment.id(), now, who, Facts::default());
        commit.used.clone_from(&due);
        self.store.commit(commit).await?;
        self.uses.written(&due);
        Ok(())
    }
}
