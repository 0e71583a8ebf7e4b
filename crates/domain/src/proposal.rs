//! Proposals: a change of the catalogue that could widen access, proposed by one person and
//! adopted by another. What exactly would change is stored under the digest that is named here.

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::id::{IdentityId, ProposalId};
use crate::time::Timestamp;

/// How long a proposal stays open, in seconds.
pub const OPEN_SECONDS: u64 = 14 * 24 * 60 * 60;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Adopted,
    Rejected,
    Withdrawn,
    Lapsed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Adopted => "adopted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
        }
    }
}

/// A change as proposed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    pub proposal: ProposalId,
    pub by: IdentityId,
    /// The digest of [`crate::catalogue::Changes`]: every record before and after, and the version
    /// that it was read at.
    pub changes: Digest,
    /// How many records would change.
    pub records: u32,
    pub lapses_at: Timestamp,
}

/// A proposal: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    pub id: ProposalId,
    pub state: State,
    pub proposed: Proposed,
    pub proposed_at: Timestamp,
    pub decided_by: Option<IdentityId>,
    pub reason: Option<Committed<String>>,
    pub decided_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "catalogue.proposed")]
    Proposed(Proposed),
    #[serde(rename = "catalogue.adopted")]
    Adopted { by: IdentityId, changes: Digest },
    #[serde(rename = "catalogue.rejected")]
    Rejected { by: IdentityId, reason: Option<Committed<String>> },
    #[serde(rename = "catalogue.withdrawn")]
    Withdrawn { by: IdentityId },
    #[serde(rename = "catalogue.lapsed")]
    Lapsed {},
}

#[derive(Debug)]
pub enum Command {
    Propose(Proposed),
    Adopt { actor: Actor },
    Reject { actor: Actor, reason: Option<Committed<String>> },
    Withdraw { by: IdentityId },
    Lapse,
}

pub fn decide(
    state: Option<&Proposal>,
    command: Command,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let missing = || Refusal::UnknownProposal { given: "none".to_owned() };
    match command {
        Command::Propose(proposed) => match state {
            None => Ok(vec![Event::Proposed(proposed)]),
            Some(known) => Err(Refusal::AlreadyRegistered { what: known.id.to_string() }),
        },
        Command::Adopt { actor } => {
            let proposal = undecided(state.ok_or_else(missing)?, now)?;
            let by = somebody_else(proposal, actor)?;
            Ok(vec![Event::Adopted { by, changes: proposal.proposed.changes }])
        }
        Command::Reject { actor, reason } => {
            let proposal = undecided(state.ok_or_else(missing)?, now)?;
            let by = somebody_else(proposal, actor)?;
            Ok(vec![Event::Rejected { by, reason }])
        }
        Command::Withdraw { by } => {
            let proposal = undecided(state.ok_or_else(missing)?, now)?;
            if by != proposal.proposed.by {
                return Err(Refusal::NotYours { what: proposal.id.to_string() });
            }
            Ok(vec![Event::Withdrawn { by }])
        }
        Command::Lapse => {
            let proposal = open(state.ok_or_else(missing)?)?;
            if now < proposal.proposed.lapses_at {
                return Err(Refusal::WrongStep {
                    what: "lapsing before its time".to_owned(),
                    state: proposal.state.as_str().to_owned(),
                });
            }
            Ok(vec![Event::Lapsed {}])
        }
    }
}

fn closed(proposal: &Proposal, state: State) -> Refusal {
    let state = state.as_str().to_owned();
    Refusal::ProposalClosed { proposal: proposal.id.to_string(), state }
}

fn open(proposal: &Proposal) -> Result<&Proposal, Refusal> {
    match proposal.state {
        State::Open => Ok(proposal),
        state => Err(closed(proposal, state)),
    }
}

/// Open, and its time not over, even if no worker has closed it yet.
fn undecided(proposal: &Proposal, now: Timestamp) -> Result<&Proposal, Refusal> {
    let proposal = open(proposal)?;
    if now < proposal.proposed.lapses_at {
        return Ok(proposal);
    }
    Err(closed(proposal, State::Lapsed))
}

/// A person in a session of their own, who did not propose it.
fn somebody_else(proposal: &Proposal, actor: Actor) -> Result<IdentityId, Refusal> {
    let Actor::Person { id, .. } = actor else { return Err(Refusal::NeedsSession {}) };
    if id == proposal.proposed.by {
        return Err(Refusal::OwnProposal {});
    }
    Ok(id)
}

/// Folds one event; see [`crate::request::apply`] for events that cannot follow.
pub fn apply(state: Option<Proposal>, event: &Event, at: Timestamp) -> Option<Proposal> {
    let decide = |proposal: Proposal, state, by, reason| Proposal {
        state,
        decided_by: by,
        reason,
        decided_at: Some(at),
        ..proposal
    };
    match (state, event) {
        (None, Event::Proposed(proposed)) => Some(Proposal {
            id: proposed.proposal,
            state: State::Open,
            proposed: proposed.clone(),
            proposed_at: at,
            decided_by: None,
            reason: None,
            decided_at: None,
        }),
        (Some(proposal), event) if proposal.state == State::Open => Some(match event {
            Event::Proposed(_) => proposal,
            Event::Adopted { by, .. } => decide(proposal, State::Adopted, Some(*by), None),
            Event::Rejected { by, reason } => decide(proposal, State::Rejected, Some(*by), *reason),
            Event::Withdrawn { by } => decide(proposal, State::Withdrawn, Some(*by), None),
            Event::Lapsed {} => decide(proposal, State::Lapsed, None, None),
        }),
        (state, _) => state,
    }
}
