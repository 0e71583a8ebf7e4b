//! The engine: the imperative shell around the pure rules.
//!
//! Here belong: one file for each command, worker and query; loading what a decision needs, asking
//! policy, letting `domain` decide, and handing the events to the store; the environment from which
//! time, ids and randomness come. Here does not belong: a rule (that is `domain` or the policy
//! bundle), SQL, a protocol, or a page.
//!
//! Data flows one way: door, command, ruling, decide, events, commit, worker, observation.

mod authorise;
mod channels;
mod clock;
pub mod commands;
mod conditions;
mod draft;
mod environment;
mod error;
mod incidents;
mod journal;
mod letters;
mod open;
pub mod queries;
mod secret;
mod silence;
mod uses;
mod wake;
mod watch;
pub mod workers;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use placet_connectors::{Connector, Registry};
use placet_domain::Refusal;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_domain::target::Target;
use placet_policy::Policies;
use placet_store::{Mode, Store};

pub use authorise::Purpose;
pub use channels::{Channel, EncryptionLine, NotifyLine, Way};
pub use conditions::{Conditions, Key, Said};
pub use draft::{Command, Draft};
pub use environment::{Environment, Machine};
pub use error::Error;
pub use open::Place;
pub use secret::Secret;
pub use watch::{Changed, Watch};

/// How an engine runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often a whole target is looked at, in seconds.
    pub observe_seconds: u64,
    /// How many calls to one target run at once; endings and grants have so many each.
    pub calls_at_once: usize,
    /// Where endings are written down while the database cannot be.
    pub journal: PathBuf,
    /// A file of known incidents, one reference a line, if there is one.
    pub incidents: Option<PathBuf>,
    /// The ways out for notices.
    pub channels: Vec<Channel>,
    /// The clock of the machine is right, and what the ledger recorded was ahead.
    pub trust_clock: bool,
}

/// The handle that all doors use. Clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) clock: Arc<clock::Clock>,
    pub(crate) registry: Registry,
    pub(crate) options: Arc<Options>,
    pub(crate) wake: Arc<wake::Wake>,
    pub(crate) journal: Arc<journal::Journal>,
    /// Which tokens were used since that was written down last.
    pub(crate) uses: Arc<uses::Uses>,
    /// Compiled policies by the digest of their bundle. A digest names one bundle for ever, so this
    /// keeps work, never a decision.
    compiled: Arc<Mutex<BTreeMap<Digest, Arc<Policies>>>>,
    /// Connectors by the digest of their target's settings, for the same reason.
    connected: Arc<Mutex<BTreeMap<Digest, Arc<dyn Connector>>>>,
    /// The calls that each target bears at once.
    places: Arc<Mutex<workers::Places>>,
    /// Of the one call that this handle is for, if it is for one.
    conditions: Option<Arc<conditions::Held>>,
}

/// The most compiled bundles that are kept.
const COMPILED: usize = 4;

impl Engine {
    /// An engine over a store. Its time goes on from the newest entry of the ledger.
    pub async fn new(
        store: Store,
        environment: Arc<dyn Environment>,
        registry: Registry,
        options: Options,
    ) -> Self {
        let recorded = match store.last_entry_at().await {
            Ok(at) => at,
            Err(error) => {
                tracing::error!(%error, "the newest entry of the ledger does not tell how late it is");
                None
            }
        };
        Self {
            store,
            clock: Arc::new(clock::Clock::new(
                Arc::clone(&environment),
                recorded,
                options.trust_clock,
            )),
            environment,
            registry,
            journal: Arc::new(journal::Journal::at(options.journal.clone())),
            options: Arc::new(options),
            wake: Arc::default(),
            uses: Arc::default(),
            compiled: Arc::default(),
            connected: Arc::default(),
            places: Arc::default(),
            conditions: None,
        }
    }

    /// Why nothing but ending access is possible, if so.
    pub fn ending_only(&self) -> Option<String> {
        match self.store.mode() {
            Mode::Normal => None,
            Mode::EndingOnly { why } => Some(why.clone()),
        }
    }

    /// Waits until all that hold this engine have let go of it and its store is closed. A program that
    /// ends before leaves the last of what was written to whoever opens the store next.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.store.closed()
    }

    /// The time by which everything is decided; doors have no clock of their own.
    pub fn now(&self) -> placet_domain::Timestamp {
        self.clock.now()
    }

    /// Microseconds by a clock that nobody sets: how long a door waits for somebody.
    pub fn steady(&self) -> i64 {
        self.environment.steady()
    }

    /// Unpredictable bytes: for what a door hands out to one that it must know again.
    pub fn random(&self) -> [u8; 32] {
        self.environment.random()
    }

    /// That the clock of the machine is behind the ledger, if it is. Then nothing new is granted.
    pub fn clock_behind(&self) -> Option<Refusal> {
        self.clock.must_be_right().err()
    }

    /// The policies of a bundle, compiled.
    pub(crate) async fn policies(&self, digest: Digest) -> Result<Arc<Policies>, Error> {
        if let Some(policies) = self.kept(digest) {
            return Ok(policies);
        }
        let failed = |why: String| Error::from(Refusal::PolicyFailed { why });
        let text = self.store.record(digest).await.map_err(|e| failed(e.to_string()))?;
        let text =
            text.ok_or_else(|| failed("the ruling policy bundle is not stored".to_owned()))?;
        let bundle: Bundle = serde_json::from_str(&text)
            .map_err(|_| failed("the ruling policy bundle cannot be read".to_owned()))?;
        let policies = Policies::load(&bundle).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            failed(format!("the ruling policy bundle does not validate: {first}"))
        })?;
        let policies = Arc::new(policies);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() >= COMPILED {
            compiled.clear();
        }
        compiled.insert(digest, Arc::clone(&policies));
        Ok(policies)
    }

    fn kept(&self, digest: Digest) -> Option<Arc<Policies>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned()
    }

    /// The connector of a target.
    pub(crate) fn connector(&self, target: &Target) -> Result<Arc<dyn Connector>, Error> {
        let digest =
            placet_domain::canonical::digest(&(&target.id, &target.connector, &target.settings))?;
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connector) = connected.get(&digest) {
            return Ok(Arc::clone(connector));
        }
        let connector = self
            .registry
            .build(&target.connector, &target.settings)
            .map_err(|error| Error::Fault(error.to_string()))?;
        connected.insert(digest, Arc::clone(&connector));
        Ok(connector)
    }
}
