//! Targets: the systems on which access is granted and observed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::id::{GrantId, IdentityId, TargetId};
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
    /// Nothing is granted on it any more, and it is not looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// A look found more than is believed without a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<Braked>,
    /// Set by a person who believed what the brake stopped at; used up by the next look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

/// What a look would have reported, had the brake not stopped it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Braked {
    /// How many findings it would have opened.
    pub findings: u64,
    /// Of how many bindings that were known or approved.
    pub of: u64,
}

/// Up to this many findings a look is believed, whatever share they are.
pub const BELIEVED: u64 = 10;
/// Beyond that, up to this share of what is known, in per cent.
pub const BELIEVED_PERCENT: u64 = 20;

/// Whether one look reports more than is believed without a person: a target that lost its data,
/// or that answers with another's, looks like a hundred people who did wrong at once.
pub fn is_unbelievable(findings: u64, of: u64) -> bool {
    findings > BELIEVED && findings.saturating_mul(100) > of.saturating_mul(BELIEVED_PERCENT)
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
    #[serde(rename = "target.revised")]
    Revised(Target),
    #[serde(rename = "target.retired")]
    Retired {},
    #[serde(rename = "target.observed")]
    Observed(Observed),
    #[serde(rename = "target.braked")]
    Braked(Braked),
    #[serde(rename = "target.released")]
    Released { by: IdentityId },
}

#[derive(Debug)]
pub enum Command<'a> {
    Register {
        target: Target,
        owner: Option<&'a Identity>,
    },
    /// `live` are the grants on it that are not over: they must still be found where they are.
    Revise {
        target: Target,
        owner: Option<&'a Identity>,
        live: &'a [GrantId],
    },
    Retire {
        live: &'a [GrantId],
    },
    /// Recorded for a baseline and for each change; a look that finds nothing new is no event.
    RecordObservation(Observed),
    /// A look would report more than is believed.
    Brake(Braked),
    /// A person believes it.
    Release {
        actor: Actor,
    },
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
        (Some(old), Command::Revise { target, owner, live }) => revise(old, target, owner, live),
        (Some(target), Command::Retire { live }) if !target.retired => {
            unused(target, live)?;
            Ok(vec![Event::Retired {}])
        }
        (Some(target), Command::Retire { .. }) => Err(Refusal::WrongStep {
            what: format!("retiring target `{}`", target.name),
            state: "retired".to_owned(),
        }),
        (None, Command::Revise { .. } | Command::Retire { .. }) => {
            Err(Refusal::UnknownTarget { given: "none".to_owned() })
        }
        (Some(_), Command::RecordObservation(observed)) => Ok(vec![Event::Observed(observed)]),
        (Some(target), Command::Brake(braked)) => {
            // Told once, not at every look.
            if target.brake.is_some() { Ok(Vec::new()) } else { Ok(vec![Event::Braked(braked)]) }
        }
        (Some(target), Command::Release { actor }) => {
            let Actor::Person { id, .. } = actor else { return Err(Refusal::NeedsSession {}) };
            if target.brake.is_none() {
                return Err(Refusal::NoBrake { target: target.name.to_string() });
            }
            Ok(vec![Event::Released { by: id }])
        }
        (None, _) => Err(Refusal::UnknownTarget { given: "none".to_owned() }),
    }
}

/// Another place, or another kind of place, under the same name would leave what is live behind.
fn revise(
    old: &Target,
    target: Target,
    owner: Option<&Identity>,
    live: &[GrantId],
) -> Result<Vec<Event>, Refusal> {
    if old.id != target.id || old.name != target.name {
        return Err(Refusal::AlreadyRegistered { what: format!("target {}", old.name) });
    }
    if !owner.is_some_and(|one| one.is_human() && one.active) {
        return Err(Refusal::Unowned { what: format!("target {}", target.name) });
    }
    let moves = old.connector != target.connector || old.settings != target.settings;
    if moves || (target.retired && !old.retired) {
        unused(old, live)?;
    }
    Ok(vec![Event::Revised(target)])
}

fn unused(target: &Target, live: &[GrantId]) -> Result<(), Refusal> {
    const NAMED: usize = 5;
    if live.is_empty() {
        return Ok(());
    }
    let mut grants: Vec<String> =
        live.iter().take(NAMED).map(|grant| format!("`{grant}`")).collect();
    if live.len() > NAMED {
        grants.push(format!("{} more", live.len() - NAMED));
    }
    Err(Refusal::TargetInUse { target: target.name.to_string(), grants: grants.join(", ") })
}

pub fn apply(state: Option<Target>, event: &Event) -> Option<Target> {
    match (state, event) {
        (_, Event::Registered(target)) => Some(target.clone()),
        // What a look found too much to believe is not settled by a change of the catalogue.
        (Some(old), Event::Revised(target)) => {
            Some(Target { brake: old.brake, released: old.released, ..target.clone() })
        }
        (Some(target), Event::Retired {}) => Some(Target { retired: true, ..target }),
        // What was seen stands in the observed tables; of the approved record only the brake moves.
        (Some(target), Event::Observed(_)) => Some(Target { released: false, ..target }),
        (Some(target), Event::Braked(braked)) => {
            Some(Target { brake: Some(braked.clone()), released: false, ..target })
        }
        (Some(target), Event::Released { .. }) => {
            Some(Target { brake: None, released: true, ..target })
        }
        (None, _) => None,
    }
}
