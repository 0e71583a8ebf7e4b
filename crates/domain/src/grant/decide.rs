//! The rules of a grant: law 3 holds here. Access begins on assent and ends without asking.

use super::collect::{self, Collect};
use super::work::{self, Working};
use super::{Approved, Event, Finished, Gone, Grant, Intended, Issued, ReadBack, Reason, State};
use crate::Refusal;
use crate::action::{Effect, Outcome};
use crate::id::ActionId;
use crate::length::Length;
use crate::observation::{Cited as Sighting, Completeness, Observation, Seen};
use crate::ruling::{Cited, Ruling};
use crate::time::Timestamp;

/// How long one call to a target may take.
pub const CALL_SECONDS: u64 = 30;

/// What an intent is judged by.
#[derive(Debug)]
pub struct Intend<'a> {
    pub action: ActionId,
    pub effect: Effect,
    /// Higher than that of every earlier action on the same account and entitlement.
    pub epoch: u64,
    /// Another action on the same account and entitlement is under way.
    pub busy: bool,
    /// What policy says now; none for a removal, which asks nobody.
    pub ruling: Option<&'a Ruling>,
}

#[derive(Debug)]
pub enum Command<'a> {
    Approve {
        approved: Approved,
        asked: Length,
    },
    /// Its receiver, or who owns the receiver, hands in the public half.
    Collect(Collect<'a>),
    Intend(Intend<'a>),
    Finish {
        action: ActionId,
        outcome: Outcome,
        /// The certificate that came of it.
        issued: Option<Issued>,
    },
    /// What an observation says of the account and native id of this grant.
    See {
        observation: &'a Observation,
        seen: Seen,
    },
    /// On which enrolled hosts the revocation of its certificate shows.
    ReadBack(ReadBack),
    End {
        reason: Reason,
    },
    /// What is in the wild ends by itself, if its time has come; else nothing follows.
    RunOut,
    /// Somebody carries a work order out, sends it back or confirms it.
    Work(Working<'a>),
    /// People are reminded of a work order, if it is overdue; else nothing follows.
    RemindWork,
    /// It ends while another grant of the same access goes on.
    CarryOn {
        by: &'a Grant,
    },
    Cancel {
        reason: Reason,
    },
}

pub fn decide(
    state: Option<&Grant>,
    command: Command<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let Some(grant) = state else {
        let Command::Approve { approved, asked } = command else {
            return Err(Refusal::UnknownGrant { given: "none".to_owned() });
        };
        // Asked >= approved: a decision may shorten, nothing may lengthen.
        if approved.length > asked {
            let why = format!("{} is longer than the {asked} asked for", approved.length);
            return Err(Refusal::NotAssented { why });
        }
        return Ok(vec![Event::Approved(approved)]);
    };
    if grant.state.is_over() {
        let state = grant.state.as_str().to_owned();
        return Err(Refusal::GrantOver { grant: grant.id.to_string(), state });
    }
    match command {
        Command::Approve { .. } => Err(Refusal::AlreadyRegistered { what: grant.id.to_string() }),
        Command::Intend(intend) => decide_intend(grant, intend, now),
        Command::Collect(collect) => collect::decide(grant, collect, now),
        Command::Finish { action, outcome, issued } => finish(grant, action, outcome, issued),
        Command::ReadBack(read_back) => collect::read_back(grant, read_back),
        Command::RunOut => Ok(collect::run_out(grant, now)),
        Command::Work(working) => work::decide(grant, working, now),
        Command::RemindWork => Ok(work::remind(grant, now)),
        Command::See { observation, seen } => Ok(see(grant, &observation.cite(), seen, now)),
        Command::End { reason } => end(grant, reason, now),
        Command::CarryOn { by } => carry_on(grant, by, now),
        Command::Cancel { reason } if grant.state == State::Approved => {
            Ok(vec![Event::Cancelled { reason }])
        }
        Command::Cancel { .. } => Err(grant.wrong("cancelling")),
    }
}

/// How a call came out. A certificate counts as issued, and may be handed out, only by being
/// recorded here: one that comes when the end has been ordered is never given to anybody.
fn finish(
    grant: &Grant,
    action: ActionId,
    outcome: Outcome,
    issued: Option<Issued>,
) -> Result<Vec<Event>, Refusal> {
    let latest = grant.action.as_ref().filter(|one| one.id == action && one.outcome.is_none());
    // A late reply to an action that another has overtaken says nothing any more.
    let latest = latest.ok_or_else(|| grant.wrong("the end of another action"))?;
    let counts = grant.is_in_the_wild()
        && grant.state == State::Pending
        && latest.effect == Effect::Grant
        && outcome == Outcome::Done;
    let mut events = vec![Event::Finished(Finished { action, outcome })];
    if let Some(issued) = issued.filter(|_| counts) {
        if grant.until.is_none_or(|until| issued.over_at < until) {
            return Err(grant.wrong("a certificate that is over before its grant"));
        }
        events.push(Event::Issued(issued));
    }
    Ok(events)
}

fn decide_intend(grant: &Grant, intend: Intend<'_>, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let under_way = grant.action.as_ref().is_some_and(|action| action.is_under_way_at(now));
    // Nobody is told twice to do the same.
    let told = grant.work.as_ref().is_some_and(|work| work.is_open());
    if intend.busy || under_way || told {
        return Err(Refusal::BindingBusy {});
    }
    let ruling = match intend.effect {
        Effect::Grant => Some(may_begin(grant, intend.ruling, now)?),
        Effect::Remove if grant.state == State::Ending => None,
        Effect::Remove => return Err(grant.wrong("a removal")),
    };
    Ok(vec![Event::Intended(Intended {
        action: intend.action,
        effect: intend.effect,
        epoch: intend.epoch,
        call_over_by: now.plus_seconds(CALL_SECONDS),
        until: grant.until.unwrap_or(now + grant.approved.length),
        ruling,
    })])
}

fn may_begin(grant: &Grant, ruling: Option<&Ruling>, now: Timestamp) -> Result<Cited, Refusal> {
    if !matches!(grant.state, State::Approved | State::Pending) {
        return Err(grant.wrong("beginning"));
    }
    if grant.state == State::Approved && now >= grant.approved.use_by {
        return Err(Refusal::ApprovalLapsed { grant: grant.id.to_string() });
    }
    if grant.approved.starts_at.is_some_and(|starts_at| now < starts_at) {
        return Err(grant.wrong("beginning before its start"));
    }
    if grant.approved.issues.is_some() && grant.collected.is_none() {
        return Err(grant.wrong("beginning before it was collected"));
    }
    if grant.until.is_some_and(|until| now >= until) {
        return Err(grant.wrong("beginning after its end"));
    }
    let ruling = ruling.ok_or(Refusal::PolicyFailed { why: "policy was not asked".to_owned() })?;
    if !ruling.errors.is_empty() {
        return Err(Refusal::PolicyFailed { why: ruling.sentence() });
    }
    if !ruling.permit {
        return Err(Refusal::RefusedByPolicy { why: ruling.sentence() });
    }
    Ok(ruling.cite())
}

/// Only observation makes a grant active, and only observation ends it.
fn see(grant: &Grant, sighting: &Sighting, seen: Seen, now: Timestamp) -> Vec<Event> {
    // No look shows what is carried about, nor that it is not.
    if grant.is_in_the_wild() {
        return Vec::new();
    }
    let sighting = sighting.clone();
    // A removal that may still be carried out could take away what is granted next, so the grant
    // holds its place until the call is over.
    let under_way = grant.action.as_ref().is_some_and(|action| action.is_under_way_at(now));
    match (grant.state, seen) {
        (State::Pending, Seen::Present) => vec![Event::Activated { sighting }],
        (State::Ending, Seen::Absent) if !under_way && shows_absence(grant, &sighting) => {
            vec![Event::Ended { gone: Gone::SeenAbsent { sighting } }]
        }
        (State::Ending, Seen::Present | Seen::SessionOpen)
            if removal_is_over(grant, sighting.began_at) =>
        {
            vec![Event::SeenStill { sighting, session: seen == Seen::SessionOpen }]
        }
        _ => Vec::new(),
    }
}

/// A look shows absence only if it is complete, and began after every call that could create the
/// access was over.
fn shows_absence(grant: &Grant, sighting: &Sighting) -> bool {
    sighting.completeness == Completeness::Complete
        && grant.grant_calls_over_at.is_none_or(|over| sighting.began_at >= over)
}

/// Still there although a removal was done before the look began: the removal did not hold.
fn removal_is_over(grant: &Grant, began_at: Timestamp) -> bool {
    grant.action.as_ref().is_some_and(|action| {
        action.effect == Effect::Remove
            && action.outcome == Some(Outcome::Done)
            && action.finished_at.is_some_and(|at| began_at >= at)
    })
}

/// Ending asks no policy and no permission. What was never begun is cancelled instead.
fn end(grant: &Grant, reason: Reason, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    match grant.state {
        State::Approved => Ok(vec![Event::Cancelled { reason }]),
        State::Pending | State::Active | State::Unverified | State::Issued => {
            if reason == Reason::Expired && grant.until.is_none_or(|until| now < until) {
                return Err(grant.wrong("expiring before its end"));
            }
            Ok(vec![Event::Ending { reason }])
        }
        State::Ending | State::Ended | State::Cancelled => Err(Refusal::GrantOver {
            grant: grant.id.to_string(),
            state: grant.state.as_str().to_owned(),
        }),
    }
}

fn carry_on(grant: &Grant, by: &Grant, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let same_access = grant.approved.receiver == by.approved.receiver
        && grant.approved.entitlement == by.approved.entitlement;
    let lives = by.state.is_held();
    // Each credential is its own: another one does not keep it from ending.
    let own = grant.approved.issues.is_some();
    if grant.state != State::Ending || !same_access || !lives || by.id == grant.id || own {
        return Err(grant.wrong("being carried on"));
    }
    // The end of the other one waits for its own calls, not for those of this grant; and a removal
    // that may still be carried out would take away what goes on.
    let under_way = grant.action.as_ref().is_some_and(|action| action.is_under_way_at(now));
    if under_way || grant.grant_calls_over_at.is_some_and(|over| now < over) {
        return Err(Refusal::BindingBusy {});
    }
    Ok(vec![Event::Ended { gone: Gone::CarriedOn { by: by.id } }])
}
