//! Targets: the systems on which access is granted and observed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::id::{IdentityId, TargetId};
use crate::identity::Identity;
use crate::name::{ConnectorKind, TargetName};
use crate::observation::Completeness;
use crate::time::Timestamp;

/// A target as registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub id: TargetId,
    pub name: TargetName,
    /// The one living person who answers for it.
    pub owner: IdentityId,
    pub connector: ConnectorKind,
    /// Settings of the connector, such as the path of a file; never a secret.
    pub settings: BTreeMap<String, String>,
}

/// One look at a whole target, or a change found by it: counted, not listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    pub completeness: Completeness,
    pub began_at: Timestamp,
    /// How many bindings were seen.
    pub count: u64,
    /// Keeps the root from being guessed from known accounts; disclosed apart.
    pub salt: Committed<String>,
    /// The digest of the canonical form of `[salt, bindings]`, the bindings in order.
    pub root: Digest,
    pub appeared: u64,
    pub vanished: u64,
    /// True for the first look at a target.
    pub baseline: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "target.registered")]
    Registered(Target),
    #[serde(rename = "target.observed")]
    Observed(Observed),
}

#[derive(Debug)]
pub enum Command<'a> {
    Register {
        target: Target,
        owner: Option<&'a Identity>,
    },
    /// Recorded for a baseline and for each change; a look that finds nothing new is no event.
    RecordObservation(Observed),
}

pub fn decide(state: Option<&Target>, command: Command<'_>) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Register { target, owner }) => {
            if owner.is_some_and(|one| one.is_human() && one.active) {
                Ok(vec![Event::Registered(target)])
            } else {
                Err(Refusal::Unowned { what: format!("target {}", target.name) })
            }
        }
        (Some(target), Command::Register { .. }) => {
            Err(Refusal::AlreadyRegistered { what: format!("target {}", target.name) })
        }
        (Some(_), Command::RecordObservation(observed)) => Ok(vec![Event::Observed(observed)]),
        (None, Command::RecordObservation(_)) => {
            Err(Refusal::UnknownTarget { given: "none".to_owned() })
        }
    }
}

pub fn apply(state: Option<Target>, event: &Event) -> Option<Target> {
    match event {
        Event::Registered(target) => Some(target.clone()),
        // What was seen stands in the observed tables; the approved record does not change.
        Event::Observed(_) => state,
    }
}
