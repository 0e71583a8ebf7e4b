//! Connectors: code that knows one kind of target, behind one trait with a written contract.
//!
//! Here belong: the trait, one folder for each kind of target, the registry that names them, and
//! the conformance suite that every one must pass. Here does not belong: a decision, a retry, the
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
//! 7. Errors are words for people. No secret stands in them, nor in any `Debug`.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod group_file;
mod registry;
pub mod simulated;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use async_trait::async_trait;
use placet_domain::action::Outcome;
use placet_domain::observation::{Binding, Completeness, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

pub use registry::{Build, Registry, Unbuildable};

/// The settings of a target, as its catalogue entry has them.
pub type Settings = BTreeMap<String, String>;

/// What a kind of target can do; approvers and evidence are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abilities {
    /// The target itself ends access at `until`.
    pub native_expiry: bool,
    /// Removal ends sessions that are already open.
    pub ends_sessions: bool,
    /// How long access may go on after a removal is done, in seconds.
    pub residual_seconds: u64,
}

/// What a target was seen to hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    pub completeness: Completeness,
    pub present: BTreeSet<Binding>,
    /// Why it is not complete, in words.
    pub detail: Option<String>,
}

impl Look {
    /// Nothing could be seen.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            completeness: Completeness::Unknown,
            present: BTreeSet::new(),
            detail: Some(why.into()),
        }
    }
}

/// One target of one kind. See the contract in this crate's documentation.
#[async_trait]
pub trait Connector: Debug + Send + Sync {
    fn abilities(&self) -> Abilities;

    /// Creates access. Takes nothing less than a verified assent, and uses it up.
    async fn grant(&self, assent: VerifiedAssent) -> Outcome;

    /// Takes access away; asks for no assent.
    async fn remove(&self, order: RemovalOrder) -> Outcome;

    /// Looks at the target.
    async fn observe(&self, scope: &Scope) -> Look;
}
