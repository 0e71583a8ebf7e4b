//! A target that takes its time, and the log that notes when an ending was durable. Everything that
//! was ever granted is there until it is removed, so that a million bindings need no memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use placet_connectors::{Abilities, Connector, Granted, Look, Registry, Sessions, Value};
use placet_domain::Timestamp;
use placet_domain::action::Outcome;
use placet_domain::event::Event;
use placet_domain::grant;
use placet_domain::id::{EventId, GrantId, Stream};
use placet_domain::observation::{Binding, Completeness, Scope};
use placet_engine::{Environment as _, Machine};
use placet_ledger::{Receipt, RemovalOrder, VerifiedAssent};
use placet_store::{Commit, Done, Error, Log};

/// The kind by which a catalogue names it.
pub const KIND: &str = "remote";

#[derive(Debug)]
struct Remote {
    latency: Duration,
    removed: Mutex<HashSet<(String, String)>>,
}

/// The connectors that are shipped, and this one.
pub fn registry() -> Registry {
    let mut registry = Registry::shipped();
    let build = |settings: &BTreeMap<String, String>| {
        let millis = settings.get("latency").map_or(Ok(0), |text| text.parse());
        let latency = millis.map_err(|_| "`latency` is a number of milliseconds".to_owned())?;
        let latency = Duration::from_millis(latency);
        Ok(Arc::new(Remote { latency, removed: Mutex::default() }) as Arc<dyn Connector>)
    };
    registry.add(KIND, &[("latency", Value::Text)], Arc::new(build));
    registry
}

impl Remote {
    async fn takes_its_time(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut HashSet<(String, String)>) -> T) -> T {
        look(&mut self.removed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Connector for Remote {
    fn abilities(&self) -> Abilities {
        Abilities {
            native_expiry: false,
            sessions: Sessions::None,
            tells_scopes: false,
            residual_seconds: 0,
            issues: None,
            by_hand: false,
        }
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        self.takes_its_time().await;
        let key = (assent.native().to_string(), assent.account().to_string());
        self.with(|removed| removed.remove(&key));
        Outcome::Done.into()
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        self.takes_its_time().await;
        let key = (order.native.to_string(), order.account.to_string());
        self.with(|removed| removed.insert(key));
        Outcome::Done
    }

    async fn observe(&self, scope: &Scope) -> Look {
        self.takes_its_time().await;
        let Scope::Binding(Binding { native, account }) = scope else {
            return Look::unknown("all of it is never looked at here");
        };
        let key = (native.to_string(), account.to_string());
        let gone = self.with(|removed| removed.contains(&key));
        let there = Binding { native: native.clone(), account: account.clone() };
        Look {
            completeness: Completeness::Complete,
            present: (!gone).then_some(there).into_iter().collect(),
            scopes: BTreeMap::new(),
            credentials: None,
            sessions: BTreeSet::new(),
            detail: None,
        }
    }
}

/// When each grant was durably over.
pub type Ended = Arc<Mutex<HashMap<GrantId, Timestamp>>>;

/// A log that notes it.
#[derive(Debug)]
pub struct Noting {
    pub log: Arc<dyn Log>,
    pub ended: Ended,
}

#[async_trait]
impl Log for Noting {
    async fn commit(&self, commit: Commit) -> Result<Done, Error> {
        let over = |event: &Event| matches!(event, Event::Grant(grant::Event::Ended { .. }));
        let ended: Vec<GrantId> = commit
            .changes
            .iter()
            .filter(|change| change.events.iter().any(|(_, event)| over(event)))
            .filter_map(|change| match change.stream {
                Stream::Grant(id) => Some(id),
                _ => None,
            })
            .collect();
        let done = self.log.commit(commit).await?;
        let now = Machine.now();
        let mut noted = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(ended.into_iter().map(|id| (id, now)));
        Ok(done)
    }

    async fn receipt(&self, event: EventId) -> Result<Receipt, Error> {
        self.log.receipt(event).await
    }
}
