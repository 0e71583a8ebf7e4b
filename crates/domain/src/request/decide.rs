//! The rules of a request: laws 1 and 2 hold here, whatever a policy bundle says.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::{
    active, independent, may_decide, open, permitted, person, same_revision, solved_route,
    undecided,
};
use super::{
    Approve, Denied, Event, Narrow, OPEN_SECONDS, Overtaken, Request, Revision, Routed, Submitted,
    USE_BY_SECONDS, approve, narrow, open_places, review, silence, step_up, talk,
};
use crate::Refusal;
use crate::actor::Actor;
use crate::assign::{Unfillable, assign};
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::ending;
use crate::entitlement::Entitlement;
use crate::grant::{Grant, State as Stands};
use crate::id::{IdentityId, RequestId};
use crate::identity::Identity;
use crate::name::StageName;
use crate::route::{Candidates, Route, Solved};
use crate::ruling::Ruling;
use crate::time::Timestamp;

/// What an ask is judged by.
#[derive(Debug)]
pub struct Intake<'a> {
    pub revision: Revision,
    pub requester: &'a Identity,
    pub receiver: &'a Identity,
    pub entitlement: &'a Entitlement,
    /// Those who may never approve it; see [`crate::independence::excluded`].
    pub excluded: BTreeSet<IdentityId>,
    /// Another open request of the same receiver for the same entitlement.
    pub already_open: Option<RequestId>,
    /// The grant that it extends, as it is now.
    pub extends: Option<&'a Grant>,
    pub may_ask: &'a Ruling,
    pub solved: &'a Solved,
    pub candidates: &'a Candidates,
    /// When silence escalates it.
    pub escalates_at: Option<Timestamp>,
}

#[derive(Debug)]
pub enum Command<'a> {
    Submit(Intake<'a>),
    /// A new immutable revision; approvals of the old one no longer count.
    Revise(Intake<'a>),
    Approve(Approve<'a>),
    WithdrawApproval {
        actor: Actor,
    },
    Deny {
        actor: Actor,
        decider: &'a Identity,
        digest: Digest,
        reason: Committed<String>,
        eligible: &'a [(StageName, Ruling)],
    },
    Withdraw {
        by: IdentityId,
    },
    Lapse,
    /// Somebody who may agree asks for less.
    Narrow {
        actor: Actor,
        narrower: &'a Identity,
        /// The digest that they saw.
        digest: Digest,
        eligible: &'a [(StageName, Ruling)],
        intake: Intake<'a>,
    },
    AskQuestion {
        actor: Actor,
        asker: &'a Identity,
        text: Committed<String>,
        eligible: &'a [(StageName, Ruling)],
    },
    AnswerQuestion {
        by: IdentityId,
        receiver: &'a Identity,
        number: u32,
        text: Committed<String>,
    },
    /// Nobody decided in time.
    Escalate {
        waiting: &'a Candidates,
        /// Who is above whom.
        above: &'a BTreeMap<IdentityId, IdentityId>,
        excluded: &'a BTreeSet<IdentityId>,
        next: Option<Timestamp>,
    },
    /// What it was asked for is over elsewhere.
    Overtake(Overtaken),
    Review(review::Judging<'a>),
    /// Somebody is about to sign what they agree to.
    OpenStepUp(step_up::Opening<'a>),
}

pub fn decide(
    state: Option<&Request>,
    command: Command<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let missing = || Refusal::UnknownRequest { given: "none".to_owned() };
    match command {
        Command::Submit(intake) => match state {
            None => submit(intake, Event::Submitted, now),
            Some(request) => Err(Refusal::AlreadyRegistered { what: request.id.to_string() }),
        },
        Command::Revise(intake) => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            if intake.revision.requester != request.revision.requester {
                return Err(Refusal::NotYours { what: request.id.to_string() });
            }
            same_access(request, &intake.revision)?;
            submit(intake, Event::Revised, now)
        }
        Command::Approve(approve) => approve::agree(state.ok_or_else(missing)?, approve, now),
        Command::WithdrawApproval { actor } => approve::withdraw(state.ok_or_else(missing)?, actor),
        Command::Deny { actor, decider, digest, reason, eligible } => {
            let (by, _) = person(actor, decider, now)?;
            let request = undecided(state.ok_or_else(missing)?, now)?;
            same_revision(request, digest)?;
            may_decide(eligible)?;
            Ok(vec![Event::Denied(Denied { by, reason })])
        }
        Command::Withdraw { by } => {
            let request = open(state.ok_or_else(missing)?)?;
            if by != request.revision.requester && by != request.revision.receiver {
                return Err(Refusal::NotYours { what: request.id.to_string() });
            }
            Ok(vec![Event::Withdrawn { by }])
        }
        Command::Lapse => {
            let request = open(state.ok_or_else(missing)?)?;
            if now < request.lapses_at {
                let state = request.state.as_str().to_owned();
                return Err(Refusal::WrongStep {
                    what: "lapsing before its time".to_owned(),
                    state,
                });
            }
            Ok(vec![Event::Lapsed {}])
        }
        Command::Narrow { actor, narrower, digest, eligible, intake } => {
            let (by, _) = person(actor, narrower, now)?;
            let request = undecided(state.ok_or_else(missing)?, now)?;
            same_revision(request, digest)?;
            independent(request, by, &intake.excluded)?;
            may_decide(eligible)?;
            narrow::check(request, &intake.revision)?;
            let narrowed = |submitted| Event::Narrowed(Narrow { submitted, by });
            submit(intake, narrowed, now)
        }
        Command::AskQuestion { actor, asker, text, eligible } => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            talk::ask(request, actor, asker, text, eligible, now)
                .map(|asked| vec![Event::QuestionAsked(asked)])
        }
        Command::AnswerQuestion { by, receiver, number, text } => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            talk::reply(request, by, receiver, number, text)
                .map(|answered| vec![Event::QuestionAnswered(answered)])
        }
        Command::Escalate { waiting, above, excluded, next } => {
            let request = undecided(state.ok_or_else(missing)?, now)?;
            let steps = silence::escalate(request, waiting, above, excluded, next, now)?;
            Ok(steps.into_iter().map(Event::Escalated).collect())
        }
        Command::Overtake(overtaken) => {
            let request = open(state.ok_or_else(missing)?)?;
            if !request.revision.ends_on.contains(&overtaken.event) {
                return Err(Refusal::NotYours { what: request.id.to_string() });
            }
            Ok(vec![Event::Overtaken(overtaken)])
        }
        Command::Review(judging) => review::review(state.ok_or_else(missing)?, judging, now)
            .map(|reviewed| vec![Event::ReviewRecorded(reviewed)]),
        Command::OpenStepUp(opening) => step_up::open(state.ok_or_else(missing)?, opening, now),
    }
}

/// One request is one access for one receiver; anything else is another request.
fn same_access(request: &Request, revision: &Revision) -> Result<(), Refusal> {
    let known = &request.revision;
    let as_urgent = revision.emergency.is_some() == known.emergency.is_some();
    if revision.receiver == known.receiver && revision.entitlement == known.entitlement && as_urgent
    {
        return Ok(());
    }
    let what = "a revision keeps the receiver, the entitlement and whether it is an emergency; for another make a new request";
    Err(Refusal::Unreadable { what: what.to_owned() })
}

fn submit(
    intake: Intake<'_>,
    event: impl FnOnce(Submitted) -> Event,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    within_time(&intake, now)?;
    let Intake { revision, entitlement, may_ask, solved, excluded, escalates_at, .. } = intake;
    active(intake.requester, now)?;
    active(intake.receiver, now)?;
    if entitlement.retired {
        return Err(Refusal::RetiredEntitlement { name: entitlement.name.to_string() });
    }
    if revision.length > entitlement.longest {
        return Err(Refusal::OverLimit {
            asked: revision.length.to_string(),
            longest: entitlement.longest.to_string(),
            entitlement: entitlement.name.to_string(),
        });
    }
    if let Some(other) = intake.already_open {
        return Err(Refusal::AlreadyAsked { request: other.to_string() });
    }
    if !may_ask.permit && may_ask.deciding.is_empty() && may_ask.errors.is_empty() {
        return Err(not_offered(entitlement, &revision));
    }
    permitted(may_ask)?;
    let route = solved_route(solved, entitlement, &revision)?;
    fillable(&route, intake.candidates, &excluded)?;

    let digest = revision.digest().map_err(|e| Refusal::Unreadable { what: e.to_string() })?;
    let basis = approve::unasked(&route, solved);
    let emergency = revision.emergency.is_some();
    let mut events = vec![
        event(Submitted {
            revision,
            digest,
            excluded,
            ruling: may_ask.cite(),
            lapses_at: now.plus_seconds(OPEN_SECONDS),
        }),
        Event::Routed(Routed { route, ruling: solved.ruling.cite(), escalates_at }),
    ];
    if let Some(basis) = basis {
        approve::approved(&mut events, digest, basis, emergency, now);
    }
    Ok(events)
}

/// Never backdated, begun while its approval is fresh, and a continuation only of what goes on.
fn within_time(intake: &Intake<'_>, now: Timestamp) -> Result<(), Refusal> {
    let revision = &intake.revision;
    // A later revision keeps the start that was asked for, also when it has passed meanwhile.
    let backdated = |at: Timestamp| revision.number == 1 && at < now;
    let late = |at: Timestamp| at > now.plus_seconds(USE_BY_SECONDS);
    if let Some(starts_at) = revision.starts_at.filter(|at| backdated(*at) || late(*at)) {
        return Err(Refusal::StartOutOfRange { given: starts_at.to_string() });
    }
    if revision.ends_on.len() > ending::MOST {
        return Err(Refusal::TooManyEndingEvents { most: ending::MOST });
    }
    let Some(extended) = revision.extends else { return Ok(()) };
    let goes_on = intake.extends.is_some_and(|grant| {
        grant.id == extended
            && grant.approved.receiver == revision.receiver
            && grant.approved.entitlement == revision.entitlement
            && !grant.state.is_over()
            && grant.state != Stands::Ending
    });
    if goes_on {
        return Ok(());
    }
    Err(Refusal::NotExtendable { grant: extended.to_string() })
}

/// The commonest refusal deserves more than "no policy permits it".
fn not_offered(entitlement: &Entitlement, revision: &Revision) -> Refusal {
    if revision.emergency.is_some() {
        let name = &entitlement.name;
        let why =
            format!("no policy lets you break the glass for `{name}`; ask in the ordinary way");
        return Refusal::RefusedByPolicy { why };
    }
    let teams: Vec<&str> = entitlement.offered_to.iter().map(|team| team.as_str()).collect();
    let teams = if teams.is_empty() { "nobody".to_owned() } else { teams.join(", ") };
    let name = &entitlement.name;
    let why = format!(
        "`{name}` is offered to {teams}, and no policy lets you ask for it for this receiver"
    );
    Refusal::RefusedByPolicy { why }
}

/// Law 2 binds the candidates too: a route that only excluded people could fill cannot be filled.
fn fillable(
    route: &Route,
    candidates: &Candidates,
    excluded: &BTreeSet<IdentityId>,
) -> Result<(), Refusal> {
    let independent: Candidates = candidates
        .iter()
        .map(|(stage, people)| (stage.clone(), people.difference(excluded).copied().collect()))
        .collect();
    let open = open_places(route, &std::collections::BTreeMap::new());
    assign(&open, &independent).map(|_| ()).map_err(|Unfillable { stage, needed, eligible }| {
        Refusal::UnfillableStage { stage: stage.to_string(), needed, eligible }
    })
}
