//! Teams: what policies and entitlements name instead of people. Membership stands with the
//! identity; a team knows only the teams that it is within.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::name::TeamName;

/// A team as registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    pub name: TeamName,
    /// The teams that every member of this one belongs to as well.
    pub within: BTreeSet<TeamName>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "team.registered")]
    Registered(Team),
    #[serde(rename = "team.revised")]
    Revised(Team),
}

#[derive(Debug)]
pub enum Command {
    Register(Team),
    Revise(Team),
}

pub fn decide(state: Option<&Team>, command: Command) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Register(team)) => Ok(vec![Event::Registered(team)]),
        (Some(old), Command::Revise(team)) if old.name == team.name => {
            Ok(vec![Event::Revised(team)])
        }
        (Some(team), _) => Err(Refusal::AlreadyRegistered { what: format!("team {}", team.name) }),
        (None, Command::Revise(team)) => {
            Err(Refusal::Unreadable { what: format!("no team is called `{}`", team.name) })
        }
    }
}

pub fn apply(_state: Option<Team>, event: &Event) -> Option<Team> {
    let (Event::Registered(team) | Event::Revised(team)) = event;
    Some(team.clone())
}
