//! Handovers: what somebody answered for passes on at once when they leave (law 7). Whoever has it
//! now is asked, with a deadline, to keep it or to name somebody better; until then it is frozen.

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::actor::Actor;
use crate::id::{HandoverId, IdentityId, Stream};
use crate::time::Timestamp;

/// How long whoever got it has to settle it, in seconds.
pub const SETTLE_SECONDS: u64 = 7 * 24 * 60 * 60;

/// By which way the new owner was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heir {
    /// The manager of the one who left.
    Manager,
    /// The owner of the target that it is on.
    TargetOwner,
    /// Somebody of the security reviewers.
    Security,
    /// Somebody of the administrators: nobody else was left.
    Administrator,
}

impl Heir {
    pub fn words(self) -> &'static str {
        match self {
            Self::Manager => "as the manager of the one who left",
            Self::TargetOwner => "as the owner of its target",
            Self::Security => "as a security reviewer",
            Self::Administrator => "as an administrator",
        }
    }
}

/// Something that lost its owner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    pub handover: HandoverId,
    /// The workload, entitlement or target.
    pub what: Stream,
    pub from: IdentityId,
    pub to: IdentityId,
    pub heir: Heir,
    pub settle_by: Timestamp,
}

/// How it was settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// Whoever got it keeps it.
    Kept,
    /// It has another owner now, by a change of the catalogue or because this one left too.
    PassedOn,
    /// It is retired, or has left itself.
    Gone,
}

impl Settled {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::PassedOn => "passed on",
            Self::Gone => "gone",
        }
    }
}

/// A handover: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    pub id: HandoverId,
    pub opened: Opened,
    pub opened_at: Timestamp,
    pub settled: Option<Settled>,
    pub settled_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "handover.opened")]
    Opened(Opened),
    #[serde(rename = "handover.settled")]
    Settled { how: Settled },
}

#[derive(Debug)]
pub enum Command {
    Open(Opened),
    /// The new owner says so themselves.
    Keep {
        actor: Actor,
    },
    /// What became of it settles it.
    Settle(Settled),
}

pub fn decide(state: Option<&Handover>, command: Command) -> Result<Vec<Event>, Refusal> {
    let Some(handover) = state else {
        return match command {
            Command::Open(opened) => Ok(vec![Event::Opened(opened)]),
            Command::Keep { .. } | Command::Settle(_) => {
                Err(Refusal::UnknownHandover { given: "none".to_owned() })
            }
        };
    };
    if let Some(settled) = handover.settled {
        return Err(Refusal::WrongStep {
            what: "settling a handover".to_owned(),
            state: settled.as_str().to_owned(),
        });
    }
    match command {
        Command::Open(_) => Err(Refusal::AlreadyRegistered { what: handover.id.to_string() }),
        Command::Keep { actor } => {
            let Actor::Person { id, .. } = actor else { return Err(Refusal::NeedsSession {}) };
            if id != handover.opened.to {
                return Err(Refusal::NotYours { what: handover.id.to_string() });
            }
            Ok(vec![Event::Settled { how: Settled::Kept }])
        }
        Command::Settle(how) => Ok(vec![Event::Settled { how }]),
    }
}

pub fn apply(state: Option<Handover>, event: &Event, at: Timestamp) -> Option<Handover> {
    match (state, event) {
        (None, Event::Opened(opened)) => Some(Handover {
            id: opened.handover,
            opened: opened.clone(),
            opened_at: at,
            settled: None,
            settled_at: None,
        }),
        (Some(handover), Event::Settled { how }) if handover.settled.is_none() => {
            Some(Handover { settled: Some(*how), settled_at: Some(at), ..handover })
        }
        (state, _) => state,
    }
}

/// Who answers next for what somebody leaves: the first of these who is active, a person, and not
/// the one who leaves.
pub fn heir<'a>(
    leaver: IdentityId,
    ways: impl IntoIterator<Item = (Heir, &'a crate::identity::Identity)>,
    now: Timestamp,
) -> Option<(Heir, IdentityId)> {
    ways.into_iter()
        .find(|(_, one)| one.id != leaver && one.is_human() && one.is_active_at(now))
        .map(|(heir, one)| (heir, one.id))
}
