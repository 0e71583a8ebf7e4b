//! Findings: a difference or breach that needs an answer, with an owner, naming the request behind
//! it or saying that there is none.

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::action::{Outcome, back_off_seconds};
use crate::canonical::{Digest, no_fields};
use crate::committed::Committed;
use crate::grant::CALL_SECONDS;
use crate::id::{ActionId, EntitlementId, FindingId, GrantId, IdentityId, RequestId, TargetId};
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
    /// What the entitlement really allows on the target is not what it was.
    ScopeChanged,
    /// Seen on the target, approved by nobody, and the account belongs to nobody who is active.
    Orphan,
    /// The review of an emergency was not given in time.
    OverdueReview,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unapproved => "unapproved",
            Self::Missing => "missing",
            Self::Overstayed => "overstayed",
            Self::Stuck => "stuck",
            Self::ScopeChanged => "scope_changed",
            Self::Orphan => "orphan",
            Self::OverdueReview => "overdue_review",
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
    /// None if it is about the entitlement, whoever holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Committed<AccountName>>,
    /// The request behind the access; none when nobody ever asked for it.
    pub request: Option<RequestId>,
    pub grant: Option<GrantId>,
    /// The person who has to answer it.
    pub owner: IdentityId,
    pub sighting: Option<Sighting>,
    /// What happened, in words of the system; no personal data.
    pub detail: String,
    /// By when it has to be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Found by the first look at a target: it was there before Placet was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
    /// The digest of what the entitlement allows now, where that is what changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Digest>,
}

/// How long the owner of a finding has to answer it, in seconds: seven days.
pub const ANSWER_SECONDS: u64 = 7 * 24 * 60 * 60;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    /// Borne until a day, by an approved request.
    Accepted,
    Resolved,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
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
    /// What the entitlement allows now was agreed to.
    Agreed { request: RequestId },
}

/// Until when a finding is borne, and by which request that was agreed to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    pub request: RequestId,
    pub until: Timestamp,
}

/// A removal of what nobody approved. It asks no approval, as it only takes access away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    pub by: IdentityId,
    pub ordered_at: Timestamp,
    pub attempts: u32,
    /// The latest action, recorded before the target is touched.
    pub action: Option<ActionId>,
    /// How the last try came out.
    pub outcome: Option<Outcome>,
}

/// One try to remove it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    pub action: ActionId,
    pub outcome: Outcome,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
    /// When a worker has to look at it next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_at: Option<Timestamp>,
}

impl Finding {
    /// Nobody answered in time.
    pub fn is_overdue_at(&self, now: Timestamp) -> bool {
        self.state == State::Open && self.opened.due_at.is_some_and(|due_at| due_at <= now)
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "finding.opened")]
    Opened(Opened),
    #[serde(rename = "finding.resolved")]
    Resolved { resolution: Resolution },
    #[serde(rename = "finding.accepted")]
    Accepted(Accepted),
    /// The day until which it was borne has come.
    #[serde(rename = "finding.reopened")]
    Reopened {},
    #[serde(rename = "finding.removal_ordered")]
    RemovalOrdered { by: IdentityId },
    #[serde(rename = "finding.removal_intended")]
    RemovalIntended { action: ActionId },
    #[serde(rename = "finding.removal_tried")]
    RemovalTried(Tried),
}

#[derive(Debug)]
pub enum Command {
    Open(Opened),
    Resolve(Resolution),
    Accept(Accepted),
    Reopen,
    /// What nobody approved is to be taken away.
    OrderRemoval {
        by: IdentityId,
    },
    /// On record before the target is touched.
    IntendRemoval {
        action: ActionId,
    },
    Tried(Tried),
}

pub fn decide(
    state: Option<&Finding>,
    command: Command,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let Some(finding) = state else {
        return match command {
            Command::Open(opened) => Ok(vec![Event::Opened(opened)]),
            _ => Err(Refusal::UnknownFinding { given: "none".to_owned() }),
        };
    };
    let wrong = |what: &str| Refusal::WrongStep {
        what: what.to_owned(),
        state: finding.state.as_str().to_owned(),
    };
    if finding.state == State::Resolved {
        return Err(wrong("changing a finding"));
    }
    match command {
        Command::Open(_) => Err(wrong("opening a finding")),
        Command::Resolve(resolution) => Ok(vec![Event::Resolved { resolution }]),
        Command::Accept(accepted) => {
            // A breach of an end is never borne: what is due to end goes on ending.
            let bearable = !matches!(finding.opened.kind, Kind::Overstayed | Kind::Stuck);
            if !bearable || accepted.until <= now {
                return Err(Refusal::NotAcceptable { kind: finding.opened.kind.as_str() });
            }
            Ok(vec![Event::Accepted(accepted)])
        }
        Command::Reopen => {
            let over = finding.accepted.as_ref().is_some_and(|accepted| accepted.until <= now);
            if finding.state != State::Accepted || !over {
                return Err(wrong("reopening a finding"));
            }
            Ok(vec![Event::Reopened {}])
        }
        Command::OrderRemoval { by } => {
            if !is_unasked(finding.opened.kind) {
                return Err(Refusal::NothingToRemove { kind: finding.opened.kind.as_str() });
            }
            if finding.removal.is_some() {
                return Err(Refusal::RemovalOrdered { finding: finding.id.to_string() });
            }
            Ok(vec![Event::RemovalOrdered { by }])
        }
        Command::IntendRemoval { action } if finding.work_at.is_some_and(|at| at <= now) => {
            match finding.removal {
                Some(_) => Ok(vec![Event::RemovalIntended { action }]),
                None => Err(wrong("a removal that nobody ordered")),
            }
        }
        Command::IntendRemoval { .. } => Err(wrong("a removal before its time")),
        Command::Tried(tried) => match &finding.removal {
            Some(removal) if removal.action == Some(tried.action) => {
                Ok(vec![Event::RemovalTried(tried)])
            }
            _ => Err(wrong("the end of another action")),
        },
    }
}

/// What is there although nobody ever approved it.
pub fn is_unasked(kind: Kind) -> bool {
    matches!(kind, Kind::Unapproved | Kind::Orphan)
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
            accepted: None,
            removal: None,
            work_at: None,
        }),
        (Some(mut finding), event) => {
            advance(&mut finding, event, at);
            Some(finding)
        }
        (None, _) => None,
    }
}

fn advance(finding: &mut Finding, event: &Event, at: Timestamp) {
    match event {
        Event::Opened(_) => {}
        Event::Resolved { resolution } => {
            finding.state = State::Resolved;
            finding.resolution = Some(resolution.clone());
            finding.resolved_at = Some(at);
            finding.work_at = None;
        }
        Event::Accepted(accepted) => {
            finding.state = State::Accepted;
            finding.accepted = Some(accepted.clone());
            finding.work_at = Some(accepted.until);
        }
        Event::Reopened {} => {
            finding.state = State::Open;
            finding.work_at = None;
        }
        Event::RemovalOrdered { by } => {
            // Whoever orders the removal no longer bears it.
            finding.state = State::Open;
            finding.removal =
                Some(Removal { by: *by, ordered_at: at, attempts: 0, action: None, outcome: None });
            finding.work_at = Some(at);
        }
        Event::RemovalIntended { action } => {
            if let Some(removal) = finding.removal.as_mut() {
                removal.attempts = removal.attempts.saturating_add(1);
                removal.action = Some(*action);
                removal.outcome = None;
                // Should the worker die in the call, the next try comes when the call is surely over.
                finding.work_at = Some(at.plus_seconds(CALL_SECONDS));
            }
        }
        Event::RemovalTried(tried) => {
            if let Some(removal) = finding.removal.as_mut() {
                removal.outcome = Some(tried.outcome.clone());
                finding.work_at = Some(at.plus_seconds(back_off_seconds(removal.attempts)));
            }
        }
    }
}
