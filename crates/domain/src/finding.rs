//! Findings: a difference or breach that needs an answer, with an owner, naming the request behind
//! it or saying that there is none.

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::canonical::no_fields;
use crate::committed::Committed;
use crate::id::{EntitlementId, FindingId, GrantId, IdentityId, RequestId, TargetId};
use crate::name::AccountName;
use crate::observation::Cited as Sighting;
use crate::time::Timestamp;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Seen on the target, approved by nobody.
    Unapproved,
    /// Approved and once seen, no longer there.
    Missing,
    /// Its end has come, and it is still there.
    Overstayed,
    /// What has to be done at the target keeps failing.
    Stuck,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unapproved => "unapproved",
            Self::Missing => "missing",
            Self::Overstayed => "overstayed",
            Self::Stuck => "stuck",
        }
    }
}

/// A finding as opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    pub finding: FindingId,
    pub kind: Kind,
    pub target: TargetId,
    pub entitlement: EntitlementId,
    pub account: Committed<AccountName>,
    /// The request behind the access; none when nobody ever asked for it.
    pub request: Option<RequestId>,
    pub grant: Option<GrantId>,
    /// The person who has to answer it.
    pub owner: IdentityId,
    pub sighting: Option<Sighting>,
    /// What happened, in words of the system; no personal data.
    pub detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Resolved,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// Why a finding needs no answer any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum Resolution {
    /// A later observation no longer shows the difference.
    SeenRight { sighting: Sighting },
    /// What kept failing has been done.
    #[serde(deserialize_with = "no_fields")]
    Done,
}

/// A finding: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub id: FindingId,
    pub state: State,
    pub opened: Opened,
    pub opened_at: Timestamp,
    pub resolution: Option<Resolution>,
    pub resolved_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "finding.opened")]
    Opened(Opened),
    #[serde(rename = "finding.resolved")]
    Resolved { resolution: Resolution },
}

#[derive(Debug)]
pub enum Command {
    Open(Opened),
    Resolve(Resolution),
}

pub fn decide(state: Option<&Finding>, command: Command) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Open(opened)) => Ok(vec![Event::Opened(opened)]),
        (Some(finding), Command::Resolve(resolution)) if finding.state == State::Open => {
            Ok(vec![Event::Resolved { resolution }])
        }
        (Some(finding), _) => Err(Refusal::WrongStep {
            what: "changing a finding".to_owned(),
            state: finding.state.as_str().to_owned(),
        }),
        (None, Command::Resolve(_)) => Err(Refusal::UnknownFinding { given: "none".to_owned() }),
    }
}

pub fn apply(state: Option<Finding>, event: &Event, at: Timestamp) -> Option<Finding> {
    match (state, event) {
        (None, Event::Opened(opened)) => Some(Finding {
            id: opened.finding,
            state: State::Open,
            opened: opened.clone(),
            opened_at: at,
            resolution: None,
            resolved_at: None,
        }),
        (Some(finding), Event::Resolved { resolution }) => Some(Finding {
            state: State::Resolved,
            resolution: Some(resolution.clone()),
            resolved_at: Some(at),
            ..finding
        }),
        (state, _) => state,
    }
}
