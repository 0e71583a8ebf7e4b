//! Grants: the approved fact, from approval to having been seen to be gone.
//!
//! Here: the state, its events and `apply`. The rules are in [`decide`], and in `collect` those of
//! credentials that their receivers collect, and in [`work`] those of what people do by hand.

mod collect;
mod collected;
mod decide;
mod work;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::action::{Action, Effect, Outcome, back_off_seconds};
use crate::canonical::{Digest, no_fields};
use crate::committed::Committed;
use crate::ending::EndingEvent;
use crate::id::{ActionId, EntitlementId, GrantId, IdentityId, RequestId, TargetId};
use crate::length::Length;
use crate::name::{AccountName, NativeId};
use crate::observation::Cited as Sighting;
use crate::ruling::Cited;
use crate::time::Timestamp;

pub use collect::{Collect, may_collect};
pub use collected::{Collected, Half, Issued, Public, ReadBack, Serial};
pub use decide::{CALL_SECONDS, Command, Intend, decide};
pub use work::{CarriedOut, Confirmed, REMIND_SECONDS, Returned, Step, Work, Working};

/// Where a grant stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Agreed to, nothing done yet.
    Approved,
    /// A call was intended; nobody has seen the access yet.
    Pending,
    /// Seen on the target.
    Active,
    /// Done by hand, as two people say; nobody can look.
    Unverified,
    /// A certificate was issued: out in the wild, where nobody can look.
    Issued,
    /// Its end has come; not yet seen to be gone.
    Ending,
    /// Seen to be gone, or carried on by an overlapping grant.
    Ended,
    /// Never carried out.
    Cancelled,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Unverified => "unverified",
            Self::Issued => "issued",
            Self::Ending => "ending",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Cancelled)
    }

    /// The target holds it, or is about to; what is in the wild no target holds.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Unverified)
    }
}

/// Why access ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    #[serde(deserialize_with = "no_fields")]
    Expired,
    GivenBack {
        by: IdentityId,
    },
    Revoked {
        by: IdentityId,
        note: Option<Committed<String>>,
    },
    #[serde(deserialize_with = "no_fields")]
    HolderLeft,
    #[serde(deserialize_with = "no_fields")]
    ApprovalWithdrawn,
    /// Policy no longer permits it, in its own words.
    RuledOut {
        ruling: Cited,
    },
    /// What people agreed to is not what the entitlement is now.
    #[serde(deserialize_with = "no_fields")]
    TermsChanged,
    /// The approval was not used in time.
    #[serde(deserialize_with = "no_fields")]
    ApprovalLapsed,
    /// What it was granted for is over elsewhere.
    EndingEvent {
        event: EndingEvent,
        by: IdentityId,
    },
    /// The review of the emergency found it not justified.
    NotJustified {
        by: IdentityId,
    },
    /// The ledger did not show assent to exactly this.
    NotAssented {
        why: String,
    },
}

impl Reason {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::GivenBack { .. } => "given back",
            Self::Revoked { .. } => "revoked",
            Self::HolderLeft => "the holder left",
            Self::ApprovalWithdrawn => "an approval was withdrawn",
            Self::RuledOut { .. } => "policy no longer permits it",
            Self::TermsChanged => "its terms have changed",
            Self::ApprovalLapsed => "the approval was not used in time",
            Self::EndingEvent { .. } => "what it was granted for is over",
            Self::NotJustified { .. } => "its review found it not justified",
            Self::NotAssented { .. } => "the ledger does not show assent",
        }
    }
}

/// What was approved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    pub grant: GrantId,
    pub request: RequestId,
    /// The digest of the revision that was agreed to.
    pub digest: Digest,
    pub receiver: IdentityId,
    pub entitlement: EntitlementId,
    pub target: TargetId,
    pub native: NativeId,
    /// The account on the target that will hold it.
    pub account: Committed<AccountName>,
    pub length: Length,
    pub use_by: Timestamp,
    /// Not before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// What has to be collected first, where the target issues credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issues: Option<Half>,
}

/// How a grant came to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum Gone {
    /// A complete observation, begun after every call was over, did not show it.
    SeenAbsent { sighting: Sighting },
    /// Another grant of the same access goes on; the access goes with the last one.
    CarriedOn { by: GrantId },
    /// The validity of the certificate is over, the skew of clocks included.
    #[serde(deserialize_with = "no_fields")]
    ValidityOver,
    /// Every enrolled host showed that it refuses the certificate.
    RevocationReadBack { hosts: BTreeSet<String> },
    /// No certificate was ever put on record, so nobody was given one.
    #[serde(deserialize_with = "no_fields")]
    NeverIssued,
    /// It was taken away by hand, and a second person confirmed the evidence; nobody looked.
    ConfirmedByPeople { action: ActionId },
}

/// A grant: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub id: GrantId,
    pub state: State,
    pub approved: Approved,
    pub approved_at: Timestamp,
    /// Fixed by the first intent; nothing later moves it.
    pub until: Option<Timestamp>,
    /// The latest action.
    pub action: Option<Action>,
    /// From when on no call that could create the access can still have an effect.
    pub grant_calls_over_at: Option<Timestamp>,
    pub attempts: u32,
    /// When a worker has to look at it next; none when it is over.
    pub due_at: Option<Timestamp>,
    pub first_seen_at: Option<Timestamp>,
    pub end: Option<Reason>,
    pub end_ordered_at: Option<Timestamp>,
    pub gone: Option<Gone>,
    pub over_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<Box<Collected>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Box<Issued>>,
    /// How far a revocation has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_back: Option<Box<ReadBack>>,
    /// What people were told to do for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Box<Work>>,
}

impl Grant {
    /// That something does not follow on how it stands.
    fn wrong(&self, what: &str) -> Refusal {
        Refusal::WrongStep { what: what.to_owned(), state: self.state.as_str().to_owned() }
    }

    /// What it stands for is carried about, and no look at the target can show it.
    pub fn is_in_the_wild(&self) -> bool {
        self.approved.issues.is_some_and(Half::is_in_the_wild)
    }

    /// The digest that the target keeps of this grant's own credential, where it keeps one.
    pub fn kept_as(&self) -> Option<Digest> {
        self.collected.as_ref().and_then(|collected| collected.public.kept_as())
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intended {
    pub action: ActionId,
    pub effect: Effect,
    pub epoch: u64,
    pub call_over_by: Timestamp,
    /// When the access ends; the same in every intent of a grant.
    pub until: Timestamp,
    /// The permit asked seconds before; a removal asks nobody.
    pub ruling: Option<Cited>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finished {
    pub action: ActionId,
    pub outcome: Outcome,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "grant.approved")]
    Approved(Approved),
    #[serde(rename = "grant.collected")]
    Collected(Collected),
    #[serde(rename = "action.intended")]
    Intended(Intended),
    #[serde(rename = "action.finished")]
    Finished(Finished),
    #[serde(rename = "grant.issued")]
    Issued(Issued),
    #[serde(rename = "grant.activated")]
    Activated { sighting: Sighting },
    #[serde(rename = "grant.ending")]
    Ending { reason: Reason },
    #[serde(rename = "grant.seen_still")]
    SeenStill {
        sighting: Sighting,
        /// The access itself is gone, and a session that began with it goes on.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        session: bool,
    },
    #[serde(rename = "grant.read_back")]
    ReadBack(ReadBack),
    #[serde(rename = "work.carried_out")]
    CarriedOut(CarriedOut),
    #[serde(rename = "work.returned")]
    Returned(Returned),
    #[serde(rename = "work.confirmed")]
    Confirmed(Confirmed),
    #[serde(rename = "work.overdue")]
    WorkOverdue { action: ActionId },
    #[serde(rename = "grant.ended")]
    Ended { gone: Gone },
    #[serde(rename = "grant.cancelled")]
    Cancelled { reason: Reason },
}

/// Folds one event; see [`crate::request::apply`] for events that cannot follow.
pub fn apply(state: Option<Grant>, event: &Event, at: Timestamp) -> Option<Grant> {
    match (state, event) {
        (None, Event::Approved(approved)) => Some(Grant {
            id: approved.grant,
            state: State::Approved,
            approved: approved.clone(),
            approved_at: at,
            until: None,
            action: None,
            grant_calls_over_at: None,
            attempts: 0,
            // What has to be collected waits for its receiver, and no longer than it is good for.
            due_at: Some(match approved.issues {
                Some(_) => approved.use_by,
                None => approved.starts_at.map_or(at, |starts_at| starts_at.max(at)),
            }),
            first_seen_at: None,
            end: None,
            end_ordered_at: None,
            gone: None,
            over_at: None,
            collected: None,
            issued: None,
            read_back: None,
            work: None,
        }),
        (Some(mut grant), event) if !grant.state.is_over() => {
            advance(&mut grant, event, at);
            Some(grant)
        }
        (state, _) => state,
    }
}

fn advance(grant: &mut Grant, event: &Event, at: Timestamp) {
    match event {
        Event::Approved(_) => {}
        Event::Collected(collected) => {
            grant.collected = Some(Box::new(collected.clone()));
            grant.due_at = Some(at);
        }
        Event::Intended(intended) => intend(grant, intended, at),
        Event::Finished(finished) => finish(grant, finished, at),
        Event::Activated { .. } => {
            grant.state = State::Active;
            grant.first_seen_at = grant.first_seen_at.or(Some(at));
            grant.due_at = grant.until;
        }
        Event::Issued(issued) => {
            grant.state = State::Issued;
            grant.due_at = Some(issued.over_at);
            grant.issued = Some(Box::new(issued.clone()));
        }
        Event::ReadBack(read_back) => grant.read_back = Some(Box::new(read_back.clone())),
        Event::Ending { reason } => {
            grant.state = State::Ending;
            grant.end = Some(reason.clone());
            grant.end_ordered_at = Some(at);
            grant.attempts = 0;
            grant.due_at = Some(at);
            // Whoever was told to make it is told to take it away instead, whether or not they did.
            grant.work = None;
        }
        Event::CarriedOut(one) => work::carried_out(grant, one),
        Event::Returned(one) => work::returned(grant, one),
        Event::Confirmed(one) => work::confirmed(grant, one),
        Event::WorkOverdue { .. } => work::overdue(grant, at),
        Event::SeenStill { .. } => {
            grant.due_at = Some(at.plus_seconds(back_off_seconds(grant.attempts)))
        }
        Event::Ended { gone } => {
            grant.state = State::Ended;
            grant.gone = Some(gone.clone());
            grant.over_at = Some(at);
            grant.due_at = None;
        }
        Event::Cancelled { reason } => {
            grant.state = State::Cancelled;
            grant.end = Some(reason.clone());
            grant.over_at = Some(at);
            grant.due_at = None;
        }
    }
}

fn intend(grant: &mut Grant, intended: &Intended, at: Timestamp) {
    grant.until = grant.until.or(Some(intended.until));
    grant.attempts = grant.attempts.saturating_add(1);
    // Should the worker die in the call, the next look comes when the call is surely over.
    grant.due_at = Some(intended.call_over_by);
    if intended.effect == Effect::Grant {
        // No retry may put off the end.
        grant.due_at = Some(intended.call_over_by.min(intended.until));
        grant.state = State::Pending;
        grant.grant_calls_over_at = Some(intended.call_over_by);
    }
    grant.action = Some(Action {
        id: intended.action,
        effect: intended.effect,
        epoch: intended.epoch,
        intended_at: at,
        call_over_by: intended.call_over_by,
        outcome: None,
        finished_at: None,
    });
}

fn finish(grant: &mut Grant, finished: &Finished, at: Timestamp) {
    let Some(action) = grant.action.as_mut().filter(|action| action.id == finished.action) else {
        return;
    };
    action.outcome = Some(finished.outcome.clone());
    action.finished_at = Some(at);
    let over_at = action.provably_over_at();
    let withdrawn = action.effect == Effect::Grant && grant.state == State::Ending;
    if let Outcome::Ordered { told } = &finished.outcome
        && !withdrawn
    {
        grant.work = Some(Box::new(Work::new(action.id, action.effect, told.clone())));
    }
    if action.effect == Effect::Grant {
        grant.grant_calls_over_at = Some(over_at);
    }
    let retry = at.plus_seconds(back_off_seconds(grant.attempts));
    let again = match (&finished.outcome, action.effect) {
        (Outcome::Done, Effect::Grant) => grant.until.unwrap_or(retry),
        // What was removed is looked at again; only seeing ends it.
        (Outcome::Done, Effect::Remove) | (Outcome::Failed { .. }, _) => retry,
        (Outcome::InDoubt { .. }, _) => over_at.max(retry),
        (Outcome::Ordered { told }, _) => told.due_at,
    };
    grant.due_at = Some(match action.effect {
        // The removal waits for this call alone.
        Effect::Grant if grant.state == State::Ending => over_at,
        Effect::Grant => again.min(grant.until.unwrap_or(again)),
        // What runs out by itself needs no try after that.
        Effect::Remove => match &grant.issued {
            Some(issued) => again.min(issued.over_at.max(at)),
            None => again,
        },
    });
}
