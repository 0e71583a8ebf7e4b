//! Work orders: what people are told to do at a target that no program reaches. Here is their part
//! of a grant and its rules: one person carries it out and says so with evidence, and another one
//! confirms it. Nobody looks at the target, so what is there on their word is never called active.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Event, Gone, Grant, State};
use crate::Refusal;
use crate::action::{Effect, Told};
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::id::{ActionId, IdentityId};
use crate::identity::Identity;
use crate::time::Timestamp;

/// How often people are reminded of what is overdue, in seconds: once a day.
pub const REMIND_SECONDS: u64 = 24 * 60 * 60;

/// Somebody says that it was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedOut {
    pub action: ActionId,
    pub by: IdentityId,
    /// The SHA-256 of what shows it. The thing itself stays where the people keep it.
    pub evidence: Digest,
    /// What was done, and where the evidence is kept.
    pub note: Committed<String>,
}

/// A second person looked at the evidence and was not convinced: it is to be done again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Returned {
    pub action: ActionId,
    pub by: IdentityId,
    pub carried_out_by: IdentityId,
    pub why: Committed<String>,
}

/// A second person looked at the evidence and agrees.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    pub action: ActionId,
    pub by: IdentityId,
}

/// A work order as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    pub action: ActionId,
    pub effect: Effect,
    pub told: Told,
    pub carried_out: Option<CarriedOut>,
    pub returned: Option<Returned>,
    pub confirmed_by: Option<IdentityId>,
}

impl Work {
    pub(super) fn new(action: ActionId, effect: Effect, told: Told) -> Self {
        Self { action, effect, told, carried_out: None, returned: None, confirmed_by: None }
    }

    /// Somebody may still be at it.
    pub fn is_open(&self) -> bool {
        self.confirmed_by.is_none()
    }

    pub fn is_overdue_at(&self, now: Timestamp) -> bool {
        self.is_open() && self.told.due_at <= now
    }
}

/// What a step of a work order is judged by.
#[derive(Debug)]
pub struct Working<'a> {
    pub actor: Actor,
    pub by: &'a Identity,
    pub action: ActionId,
    /// Owner of the target or entitlement, or in the team that was told.
    pub answers_for_it: bool,
    /// Those who gain by it: requester, receiver, and whoever stands behind them.
    pub excluded: &'a BTreeSet<IdentityId>,
    pub approvers: &'a BTreeSet<IdentityId>,
    pub step: Step,
}

/// What somebody does about a work order.
#[derive(Debug)]
pub enum Step {
    CarryOut {
        evidence: Digest,
        note: Committed<String>,
    },
    Return {
        why: Committed<String>,
    },
    /// `evidence` is what they looked at.
    Confirm {
        evidence: Digest,
    },
}

impl Step {
    fn words(&self) -> &'static str {
        match self {
            Self::CarryOut { .. } => "carrying this out",
            Self::Return { .. } => "sending this back",
            Self::Confirm { .. } => "confirming this",
        }
    }
}

pub(super) fn decide(
    grant: &Grant,
    working: Working<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let what = working.step.words().to_owned();
    let by = person(&working, now)?;
    let open = |one: &&Work| one.action == working.action && one.is_open();
    let work = grant.work.as_deref().filter(open);
    let work = work.ok_or_else(|| no_work(&working, "it is over, or another took its place"))?;
    if working.excluded.contains(&by) {
        return Err(Refusal::WorksForThemselves { what });
    }
    if !working.answers_for_it {
        let why = "it is for the owners of the target and of the entitlement, and for the team \
                   that the target names";
        return Err(Refusal::NotPermitted { what, why: why.to_owned() });
    }
    let action = working.action;
    let carried_out = work.carried_out.as_ref();
    match working.step {
        Step::CarryOut { .. } if carried_out.is_some() => {
            Err(no_work(&working, "somebody says already that it was done"))
        }
        // Ending waits for nobody's independence: whoever is there may take access away.
        Step::CarryOut { .. } if creates(work) && working.approvers.contains(&by) => {
            Err(Refusal::ApproverCarriesOut {})
        }
        Step::CarryOut { evidence, note } => {
            Ok(vec![Event::CarriedOut(CarriedOut { action, by, evidence, note })])
        }
        Step::Return { .. } | Step::Confirm { .. } if carried_out.is_none() => {
            Err(no_work(&working, "nobody says yet that it was done"))
        }
        Step::Return { why } => {
            let carried_out_by = carried_out.map_or(by, |one| one.by);
            Ok(vec![Event::Returned(Returned { action, by, carried_out_by, why })])
        }
        Step::Confirm { .. } if carried_out.is_some_and(|one| one.by == by) => {
            Err(Refusal::ConfirmsOwnWork {})
        }
        Step::Confirm { evidence } if carried_out.is_some_and(|one| one.evidence != evidence) => {
            Err(Refusal::OtherEvidence {})
        }
        Step::Confirm { .. } => {
            let confirmed = Event::Confirmed(Confirmed { action, by });
            let gone = (work.effect == Effect::Remove && grant.state == State::Ending)
                .then_some(Event::Ended { gone: Gone::ConfirmedByPeople { action } });
            Ok([Some(confirmed), gone].into_iter().flatten().collect())
        }
    }
}

fn creates(work: &Work) -> bool {
    work.effect == Effect::Grant
}

fn no_work(working: &Working<'_>, why: &str) -> Refusal {
    Refusal::NoWorkOrder { action: working.action.to_string(), why: why.to_owned() }
}

/// Only a person in a session of their own says what they did.
fn person(working: &Working<'_>, now: Timestamp) -> Result<IdentityId, Refusal> {
    let Actor::Person { id, .. } = working.actor else { return Err(Refusal::NeedsSession {}) };
    if !working.by.is_human() {
        return Err(Refusal::OnlyPeopleDecide {});
    }
    if id != working.by.id || !working.by.is_active_at(now) {
        return Err(Refusal::InactiveIdentity { who: id.to_string() });
    }
    Ok(id)
}

/// People are reminded of what is overdue; nothing follows from it but that.
pub(super) fn remind(grant: &Grant, now: Timestamp) -> Vec<Event> {
    let overdue = grant.work.as_deref().filter(|work| work.is_overdue_at(now));
    overdue.map(|work| Event::WorkOverdue { action: work.action }).into_iter().collect()
}

pub(super) fn carried_out(grant: &mut Grant, carried_out: &CarriedOut) {
    if let Some(work) = of(grant, carried_out.action) {
        work.carried_out = Some(carried_out.clone());
        work.returned = None;
    }
}

pub(super) fn returned(grant: &mut Grant, returned: &Returned) {
    if let Some(work) = of(grant, returned.action) {
        work.carried_out = None;
        work.returned = Some(returned.clone());
    }
}

pub(super) fn confirmed(grant: &mut Grant, confirmed: &Confirmed) {
    let Some(work) = of(grant, confirmed.action) else { return };
    work.confirmed_by = Some(confirmed.by);
    if creates(work) && grant.state == State::Pending {
        grant.state = State::Unverified;
        grant.due_at = grant.until;
    }
}

pub(super) fn overdue(grant: &mut Grant, at: Timestamp) {
    let again = at.plus_seconds(REMIND_SECONDS);
    grant.due_at = Some(match grant.state {
        State::Ending => again,
        _ => grant.until.map_or(again, |until| again.min(until)),
    });
}

fn of(grant: &mut Grant, action: ActionId) -> Option<&mut Work> {
    grant.work.as_deref_mut().filter(|work| work.action == action)
}
