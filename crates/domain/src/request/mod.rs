//! Requests: one ask for one entitlement, and its way to a decision.
//!
//! Here: the state, its events and `apply`. What is asked is in `revision`; the rules are in
//! [`decide`], those that all decisions share in `rules`, and beside them those about narrowing, talking, silence and the owed review.

mod approve;
mod decide;
mod narrow;
mod reroute;
mod review;
mod revision;
mod rules;
mod silence;
mod step_up;
mod talk;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::assign::Open;
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::id::{CredentialId, DelegationId, IdentityId, RequestId};
use crate::name::StageName;
use crate::passkey::Assertion;
use crate::route::Route;
use crate::ruling::Cited;
use crate::time::Timestamp;

pub use approve::{Acting, Approve};
pub use decide::{Command, Intake, decide};
pub use narrow::{Narrow, is_narrower};
pub use reroute::reroute;
pub use review::{Judging, Owed, REVIEW_SECONDS, Review, Reviewed, Verdict};
pub use revision::{Answer, Answering, Emergency, Revision};
pub use silence::{Escalated, Overtaken};
pub use step_up::{Opened, Opening, STEP_UP_SECONDS};
pub use talk::{Answered, MOST_QUESTIONS, Question, Talked};

/// How long a request stays open without a decision, in seconds.
pub const OPEN_SECONDS: u64 = 7 * 24 * 60 * 60;
/// How long an approval may wait to be carried out, in seconds.
pub const USE_BY_SECONDS: u64 = 7 * 24 * 60 * 60;

/// Where a request stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Approved,
    Denied,
    Withdrawn,
    Lapsed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
        }
    }
}

/// One named person's agreement to one digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub approver: IdentityId,
    /// The interactive session in which it was given.
    pub session: CredentialId,
    pub stage: StageName,
    /// The digest of the revision that was agreed to.
    pub digest: Digest,
    /// The permit that says why this person may; of the one acted for, if there is one.
    pub ruling: Cited,
    pub at: Timestamp,
    /// On whose right it was given, if not on the approver's own. The two count once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<ActingFor>,
    /// What they signed it with, where the stage takes a passkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Assertion>,
}

/// In whose place somebody decides, and by what.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActingFor {
    pub identity: IdentityId,
    pub by: Authority,
}

/// What lets one person decide in the place of another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "authority", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authority {
    Delegation {
        delegation: DelegationId,
    },
    /// The other one was silent, and the request was escalated.
    #[serde(deserialize_with = "crate::canonical::no_fields")]
    Escalation,
}

impl Approval {
    /// The one whose eligibility the approval rests on.
    pub fn by_right_of(&self) -> IdentityId {
        self.acting_for.as_ref().map_or(self.approver, |acting| acting.identity)
    }
}

/// A request: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub id: RequestId,
    pub state: State,
    pub revision: Revision,
    pub digest: Digest,
    /// Those who may never approve it (law 2).
    pub excluded: BTreeSet<IdentityId>,
    pub route: Route,
    pub routed_by: Cited,
    /// The approvals that count: on this revision and not withdrawn.
    pub approvals: Vec<Approval>,
    pub submitted_at: Timestamp,
    pub lapses_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    /// Since when it waits for those whom it waits for now.
    pub waits_since: Timestamp,
    /// When silence escalates it next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalations: Vec<Escalated>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// The review that an emergency owes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// What people are about to sign; one for each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub step_ups: Vec<Opened>,
}

impl Request {
    /// How many agreed in each stage.
    pub fn counters(&self) -> BTreeMap<StageName, u32> {
        let mut out = BTreeMap::new();
        for approval in &self.approvals {
            *out.entry(approval.stage.clone()).or_insert(0) += 1;
        }
        out
    }

    pub fn approvers(&self) -> BTreeSet<IdentityId> {
        self.approvals.iter().map(|one| one.approver).collect()
    }

    /// Those whose word has been given, by themselves or by another in their place: each counts
    /// once.
    pub fn spent(&self) -> BTreeSet<IdentityId> {
        self.approvals.iter().flat_map(|one| [one.approver, one.by_right_of()]).collect()
    }

    /// Who declared the emergency, if it is one.
    pub fn emergency_of(&self) -> Option<IdentityId> {
        self.revision.emergency.as_ref().map(|_| self.revision.requester)
    }

    /// In whose place `who` may decide in a stage because those were silent.
    pub fn escalated_to(&self, who: IdentityId) -> impl Iterator<Item = (&StageName, IdentityId)> {
        self.escalations.iter().flat_map(move |one| {
            let of = one.to.iter().filter(move |(to, _)| **to == who);
            of.map(move |(_, silent)| (&one.stage, *silent))
        })
    }

    /// What is still open, by stage; empty on a pre-approved route and on a complete one.
    pub fn open_places(&self) -> Open {
        open_places(&self.route, &self.counters())
    }
}

pub(crate) fn open_places(route: &Route, counters: &BTreeMap<StageName, u32>) -> Open {
    let Route::People { stages } = route else { return Open::new() };
    stages
        .iter()
        .map(|stage| {
            let given = counters.get(&stage.name).copied().unwrap_or(0);
            (stage.name.clone(), stage.needed.saturating_sub(given))
        })
        .filter(|(_, missing)| *missing > 0)
        .collect()
}

/// What was submitted, with everything that later steps compare against.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submitted {
    pub revision: Revision,
    pub digest: Digest,
    pub excluded: BTreeSet<IdentityId>,
    /// The permit to ask.
    pub ruling: Cited,
    pub lapses_at: Timestamp,
}

/// The way to a decision, as policy solved it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routed {
    pub route: Route,
    pub ruling: Cited,
    /// When silence escalates it, in the business hours of those who are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    pub by: IdentityId,
    pub reason: Committed<String>,
}

/// On what the approval of a request rests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Basis {
    People {
        approvers: BTreeSet<IdentityId>,
    },
    PreApproved {
        policies: Vec<String>,
    },
    /// An emergency for which policy lets somebody break the glass; a review is owed.
    BreakGlass {
        policies: Vec<String>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    pub digest: Digest,
    pub basis: Basis,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "request.submitted")]
    Submitted(Submitted),
    #[serde(rename = "request.revised")]
    Revised(Submitted),
    #[serde(rename = "request.routed")]
    Routed(Routed),
    #[serde(rename = "approval.recorded")]
    ApprovalRecorded(Approval),
    #[serde(rename = "approval.withdrawn")]
    ApprovalWithdrawn { approver: IdentityId, digest: Digest },
    #[serde(rename = "request.denied")]
    Denied(Denied),
    #[serde(rename = "request.approved")]
    Approved(Approved),
    #[serde(rename = "request.withdrawn")]
    Withdrawn { by: IdentityId },
    #[serde(rename = "request.lapsed")]
    Lapsed {},
    /// An approver asks for less: a new digest.
    #[serde(rename = "request.narrowed")]
    Narrowed(Narrow),
    #[serde(rename = "question.asked")]
    QuestionAsked(Talked),
    #[serde(rename = "question.answered")]
    QuestionAnswered(Answered),
    #[serde(rename = "request.escalated")]
    Escalated(Escalated),
    /// What it was asked for is over elsewhere before anybody decided.
    #[serde(rename = "request.overtaken")]
    Overtaken(Overtaken),
    #[serde(rename = "review.owed")]
    ReviewOwed(review::Owed),
    #[serde(rename = "review.recorded")]
    ReviewRecorded(Reviewed),
    /// Before somebody signs what they agree to: what it will be for.
    #[serde(rename = "step_up.opened")]
    StepUpOpened(Opened),
}

/// Folds one event. An event that cannot follow leaves the state as it is; the verifier and
/// `ledger verify --state` compare the fold, so such an event cannot hide.
pub fn apply(state: Option<Request>, event: &Event, at: Timestamp) -> Option<Request> {
    match (state, event) {
        (None, Event::Submitted(submitted)) => Some(Request {
            id: submitted.revision.request,
            state: State::Open,
            revision: submitted.revision.clone(),
            digest: submitted.digest,
            excluded: submitted.excluded.clone(),
            route: Route::People { stages: Vec::new() },
            routed_by: submitted.ruling.clone(),
            approvals: Vec::new(),
            submitted_at: at,
            lapses_at: submitted.lapses_at,
            decided_at: None,
            waits_since: at,
            escalates_at: None,
            escalations: Vec::new(),
            questions: Vec::new(),
            review: None,
            step_ups: Vec::new(),
        }),
        (Some(mut request), event) if request.state == State::Open => {
            advance(&mut request, event, at);
            Some(request)
        }
        // Consent can still be taken back between the decision and the act.
        (Some(mut request), Event::ApprovalWithdrawn { approver, .. }) => {
            request.approvals.retain(|one| one.approver != *approver);
            request.state = State::Withdrawn;
            Some(request)
        }
        // The review of an emergency comes after it.
        (Some(mut request), Event::ReviewOwed(owed)) => {
            request.review = Some(Review::owed(owed, at));
            Some(request)
        }
        (Some(mut request), Event::ReviewRecorded(reviewed)) => {
            if let Some(review) = request.review.as_mut() {
                review.recorded = Some(reviewed.clone());
            }
            Some(request)
        }
        (state, _) => state,
    }
}

fn advance(request: &mut Request, event: &Event, at: Timestamp) {
    let close = |request: &mut Request, state| {
        request.state = state;
        request.decided_at = Some(at);
        request.escalates_at = None;
        request.step_ups.clear();
    };
    match event {
        Event::Submitted(_) => {}
        Event::Revised(submitted) | Event::Narrowed(Narrow { submitted, .. }) => {
            request.revision = submitted.revision.clone();
            request.digest = submitted.digest;
            request.excluded = submitted.excluded.clone();
            request.lapses_at = submitted.lapses_at;
            request.approvals.clear();
            request.escalations.clear();
            request.step_ups.clear();
            request.waits_since = at;
        }
        Event::Routed(routed) => {
            request.route = routed.route.clone();
            request.routed_by = routed.ruling.clone();
            request.escalates_at = routed.escalates_at;
        }
        Event::ApprovalRecorded(approval) => {
            request.approvals.push(approval.clone());
            request.step_ups.retain(|one| one.approver != approval.approver);
            request.waits_since = at;
        }
        Event::ApprovalWithdrawn { approver, .. } => {
            request.approvals.retain(|one| one.approver != *approver);
            request.waits_since = at;
        }
        Event::Denied(_) => close(request, State::Denied),
        Event::Approved(_) => close(request, State::Approved),
        Event::Withdrawn { .. } => close(request, State::Withdrawn),
        Event::Lapsed {} | Event::Overtaken(_) => close(request, State::Lapsed),
        Event::QuestionAsked(asked) => request.questions.push(Question::new(asked, at)),
        Event::QuestionAnswered(answered) => talk::answer(&mut request.questions, answered, at),
        Event::Escalated(escalated) => {
            request.escalates_at = escalated.escalates_at;
            request.escalations.push(escalated.clone());
        }
        Event::StepUpOpened(opened) => step_up::note(&mut request.step_ups, opened),
        // Owed when the emergency was approved, so never on an open request.
        Event::ReviewOwed(_) | Event::ReviewRecorded(_) => {}
    }
}
