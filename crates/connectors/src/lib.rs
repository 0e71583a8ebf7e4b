//! Connectors: code that knows one kind of target, behind one trait with a written contract.
//!
//! Here belong: the trait, one folder for each kind of target, the registry that names them, and
//! the conformance suite that every one must pass; and beside them the receivers of notices, since
//! they reach outside as well, with a contract of their own. Here does not belong: a decision, a retry, the
//! time, or any look at Placet's own records; the engine has those.
//!
//! # The contract
//!
//! 1. `grant` makes exactly what its assent says, and nothing else; granting what is there already
//!    is done. `remove` takes exactly one account out of one native thing; removing what is not
//!    there is done.
//! 2. The action id is an idempotency key: carried out twice, it has the effect of once.
//! 3. `Done` means that the target said so; `Failed` means that surely nothing happened; anything
//!    else is `InDoubt`. A connector never turns doubt into either.
//! 4. No effect begins after `call_over_by`. Where the target can end access by itself, `grant`
//!    sets `until` there.
//! 5. `observe` reads the target and nothing else, never writes, and says `Complete` only if
//!    everything in scope was seen. An empty answer from a target that could not be read is
//!    `Unknown`.
//! 6. What else stands on the target is left as it is, byte for byte where the target is a file.
//! 7. A target that issues credentials takes a public half and gives out nothing secret: what it
//!    makes is public too, and belongs to one grant. One that cannot be looked at (a certificate in
//!    the wild) is never `Complete`; `read_back` says on which enrolled hosts a revocation shows.
//! 8. Where it says that sessions are ended, `remove` ends those that began with the access, and a
//!    look names every one that is open.
//! 9. Where people carry things out by hand, `grant` and `remove` answer `Ordered`, and a look is
//!    `Unknown`: nobody ever calls such a thing done or seen.
//! 10. Errors are words for people. No secret stands in them, nor in any `Debug`.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod file;
pub mod group_file;
pub mod half;
pub mod manual;
pub mod postgres;
pub mod receivers;
mod registry;
mod settings;
pub mod simulated;
pub mod ssh_ca;
pub mod token_file;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use async_trait::async_trait;
use placet_domain::Timestamp;
use placet_domain::action::Outcome;
use placet_domain::grant::{Half, Issued};
use placet_domain::name::NativeId;
use placet_domain::observation::{Binding, Completeness, Kept, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

pub use registry::{Build, Registry, Unbuildable};
pub use settings::{Known, Settings, Value};

/// What a kind of target can do; approvers and evidence are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abilities {
    /// The target itself ends access at `until`.
    pub native_expiry: bool,
    pub sessions: Sessions,
    /// A look also says what native things really allow.
    pub tells_scopes: bool,
    /// How long access may go on after a removal is done, in seconds.
    pub residual_seconds: u64,
    /// What the receiver must hand in before anything is granted, where the target issues.
    pub issues: Option<Half>,
    /// People carry it out: no program reaches the target, and nobody can look.
    pub by_hand: bool,
}

/// What becomes of a session that is open when its access is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sessions {
    /// There are none: access is looked up at each use.
    None,
    /// Removal ends them, and a look tells which are open.
    Ended,
    /// They go on until whoever opened them leaves, and no look tells.
    GoOn,
}

impl Abilities {
    /// Whether a look can show what was granted. Neither a certificate in the wild nor what is
    /// done by hand is ever seen.
    pub fn is_observable(&self) -> bool {
        !self.by_hand && !self.issues.is_some_and(Half::is_in_the_wild)
    }
}

/// What came of a grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    pub outcome: Outcome,
    /// The certificate, where one was made. It is public.
    pub issued: Option<Issued>,
}

impl From<Outcome> for Granted {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, issued: None }
    }
}

/// On which enrolled hosts a revocation shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shown {
    pub hosts: BTreeSet<String>,
    /// Those that do not show it, each with the reason in words.
    pub waits_for: BTreeMap<String, String>,
}

/// What a target was seen to hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    pub completeness: Completeness,
    pub present: BTreeSet<Binding>,
    /// What native things really allow, in the target's own words, where it can say.
    pub scopes: BTreeMap<NativeId, String>,
    /// Each credential by itself, where the target keeps one for each grant.
    pub credentials: Option<BTreeSet<Kept>>,
    /// Bindings of which a session is open, where the target can tell.
    pub sessions: BTreeSet<Binding>,
    /// Why it is not complete, in words.
    pub detail: Option<String>,
}

impl Look {
    /// Nothing could be seen.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            completeness: Completeness::Unknown,
            present: BTreeSet::new(),
            scopes: BTreeMap::new(),
            credentials: None,
            sessions: BTreeSet::new(),
            detail: Some(why.into()),
        }
    }
}

/// One target of one kind. See the contract in this crate's documentation.
#[async_trait]
pub trait Connector: Debug + Send + Sync {
    fn abilities(&self) -> Abilities;

    /// Makes ready what must be there before the first grant; done twice, it is done once.
    async fn set_up(&self, _now: Timestamp) -> Result<(), String> {
        Ok(())
    }

    /// Creates access. Takes nothing less than a verified assent, and uses it up.
    async fn grant(&self, assent: VerifiedAssent) -> Granted;

    /// Takes access away; asks for no assent.
    async fn remove(&self, order: RemovalOrder) -> Outcome;

    /// Looks at the target.
    async fn observe(&self, scope: &Scope) -> Look;

    /// Reads on each enrolled host whether it refuses a certificate.
    async fn read_back(&self, _issued: &Issued) -> Shown {
        Shown::default()
    }
}
