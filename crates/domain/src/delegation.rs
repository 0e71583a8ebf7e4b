//! Delegations: somebody lets another decide in their place, from one day to another.
//!
//! A delegation gives no right of its own: whoever acts under it acts on the right of the one who
//! delegated, judged anew each time. So it is never wider than that right, and it cannot be chained:
//! what a delegate may do for others is not theirs to pass on.

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::actor::Actor;
use crate::id::{DelegationId, IdentityId};
use crate::identity::Identity;
use crate::time::Timestamp;

/// The longest delegation, in days.
pub const LONGEST_DAYS: u64 = 90;

/// A delegation as made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    pub delegation: DelegationId,
    /// On whose right it rests.
    pub from: IdentityId,
    /// Who may act on it.
    pub to: IdentityId,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

/// A delegation: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    pub made: Made,
    pub made_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Delegation {
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        let ends_at = self.ended_at.map_or(self.made.ends_at, |at| at.min(self.made.ends_at));
        self.made.starts_at <= now && now < ends_at
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "delegation.made")]
    Made(Made),
    #[serde(rename = "delegation.ended")]
    Ended { by: IdentityId },
}

#[derive(Debug)]
pub enum Command<'a> {
    Make {
        delegation: DelegationId,
        actor: Actor,
        from: &'a Identity,
        to: &'a Identity,
        starts_at: Timestamp,
        /// None is refused: a delegation without an end is a right that was given away.
        ends_at: Option<Timestamp>,
    },
    /// Either of the two ends it.
    End { by: IdentityId },
}

pub fn decide(
    state: Option<&Delegation>,
    command: Command<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Make { delegation, actor, from, to, starts_at, ends_at }) => {
            let own_session = matches!(actor, Actor::Person { id, .. } if id == from.id);
            if !own_session {
                return Err(Refusal::NeedsSession {});
            }
            if !from.is_human() || !to.is_human() {
                return Err(Refusal::OnlyPeopleDecide {});
            }
            if let Some(gone) = [from, to].into_iter().find(|one| !one.is_active_at(now)) {
                return Err(Refusal::InactiveIdentity { who: gone.id.to_string() });
            }
            let longest = starts_at.plus_seconds(LONGEST_DAYS * 24 * 60 * 60);
            let ends_at = ends_at
                .filter(|ends_at| starts_at.max(now) < *ends_at && *ends_at <= longest)
                .ok_or(Refusal::DelegationWithoutEnd {})?;
            if from.id == to.id {
                return Err(Refusal::DelegationToSelf {});
            }
            Ok(vec![Event::Made(Made { delegation, from: from.id, to: to.id, starts_at, ends_at })])
        }
        (Some(one), Command::Make { .. }) => {
            Err(Refusal::AlreadyRegistered { what: one.made.delegation.to_string() })
        }
        (Some(one), Command::End { by }) => {
            let what = one.made.delegation.to_string();
            if by != one.made.from && by != one.made.to {
                return Err(Refusal::NotYours { what });
            }
            if one.ended_at.is_some() || now >= one.made.ends_at {
                return Err(Refusal::WrongStep {
                    what: "ending a delegation".to_owned(),
                    state: "ended".to_owned(),
                });
            }
            Ok(vec![Event::Ended { by }])
        }
        (None, Command::End { .. }) => Err(Refusal::UnknownDelegation { given: "none".to_owned() }),
    }
}

pub fn apply(state: Option<Delegation>, event: &Event, at: Timestamp) -> Option<Delegation> {
    match (state, event) {
        (None, Event::Made(made)) => {
            Some(Delegation { made: made.clone(), made_at: at, ended_at: None })
        }
        (Some(one), Event::Ended { .. }) => Some(Delegation { ended_at: Some(at), ..one }),
        (state, _) => state,
    }
}
