//! The rules of credentials: who may collect one, and when what is out in the wild is over.

use super::{Collected, Event, Gone, Grant, Half, ReadBack, Reason, State};
use crate::Refusal;
use crate::id::IdentityId;
use crate::identity::Identity;
use crate::time::Timestamp;

/// What a collection is judged by.
#[derive(Debug)]
pub struct Collect<'a> {
    pub collected: Collected,
    pub receiver: &'a Identity,
    /// The same half was collected before, by and for others.
    pub anothers: bool,
}

/// Whether `by` may collect now, and what they must hand in: once, in time, as the receiver or the
/// person who owns it.
pub fn may_collect(
    grant: &Grant,
    by: IdentityId,
    receiver: &Identity,
    now: Timestamp,
) -> Result<Half, Refusal> {
    let what = grant.id.to_string();
    let owns = receiver.owner() == Some(by);
    if receiver.id != grant.approved.receiver || (receiver.id != by && !owns) {
        return Err(Refusal::NotYours { what });
    }
    if !receiver.is_active_at(now) {
        return Err(Refusal::InactiveIdentity { who: receiver.id.to_string() });
    }
    let half = grant.approved.issues;
    let half = half.ok_or_else(|| Refusal::NothingToCollect { grant: what.clone() })?;
    if grant.state.is_over() {
        let state = grant.state.as_str().to_owned();
        return Err(Refusal::GrantOver { grant: what, state });
    }
    if grant.collected.is_some() || grant.state != State::Approved {
        return Err(Refusal::AlreadyCollected { grant: what });
    }
    if now >= grant.approved.use_by {
        return Err(Refusal::ApprovalLapsed { grant: what });
    }
    Ok(half)
}

pub(super) fn decide(
    grant: &Grant,
    collect: Collect<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let Collect { collected, receiver, anothers } = collect;
    let half = may_collect(grant, collected.by, receiver, now)?;
    if collected.public.half() != half {
        let wanted = half.as_str();
        return Err(Refusal::UnfitHalf { why: format!("this target takes `{wanted}`") });
    }
    if anothers {
        let why = "it was collected before, by or for another".to_owned();
        return Err(Refusal::NotYourHalf { why });
    }
    Ok(vec![Event::Collected(collected)])
}

/// A revocation counts when every enrolled host shows it; with no host nothing shows it.
pub(super) fn read_back(grant: &Grant, read_back: ReadBack) -> Result<Vec<Event>, Refusal> {
    if grant.state != State::Ending || grant.issued.is_none() {
        return Err(grant.wrong("reading a revocation back"));
    }
    if read_back.waits_for.is_empty() && !read_back.hosts.is_empty() {
        return Ok(vec![Event::Ended {
            gone: Gone::RevocationReadBack { hosts: read_back.hosts },
        }]);
    }
    let news = grant.read_back.as_deref() != Some(&read_back) && read_back != ReadBack::default();
    Ok(if news { vec![Event::ReadBack(read_back)] } else { Vec::new() })
}

/// The end of what nobody can look at: its validity is over, or no certificate was ever recorded
/// and no call that could still bring one is under way.
pub(super) fn run_out(grant: &Grant, now: Timestamp) -> Vec<Event> {
    let expired = grant.until.is_some_and(|until| now >= until);
    let ordered = match grant.state {
        State::Ending => Vec::new(),
        State::Pending | State::Issued if expired => {
            vec![Event::Ending { reason: Reason::Expired }]
        }
        _ => return Vec::new(),
    };
    let calls_over = grant.grant_calls_over_at.is_none_or(|over| now >= over);
    let gone = match &grant.issued {
        Some(issued) if now >= issued.over_at => Gone::ValidityOver,
        None if calls_over => Gone::NeverIssued,
        _ => return Vec::new(),
    };
    match grant.is_in_the_wild() {
        true => [ordered, vec![Event::Ended { gone }]].concat(),
        false => Vec::new(),
    }
}
