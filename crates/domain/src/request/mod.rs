//! Requests: one ask for one entitlement, and its way to a decision.
//!
//! Here: the state, its events and `apply`. The rules are in [`decide`].

mod decide;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::assign::Open;
use crate::canonical::{self, Digest, Unencodable};
use crate::committed::Committed;
use crate::entitlement::Terms;
use crate::id::{CredentialId, EntitlementId, IdentityId, RequestId};
use crate::length::Length;
use crate::name::StageName;
use crate::route::Route;
use crate::ruling::Cited;
use crate::time::Timestamp;

pub use decide::{Approve, Command, Intake, decide};

/// How long a request stays open without a decision, in seconds.
pub const OPEN_SECONDS: u64 = 7 * 24 * 60 * 60;
/// How long an approval may wait to be carried out, in seconds.
pub const USE_BY_SECONDS: u64 = 7 * 24 * 60 * 60;

/// What is asked: immutable, and digested. Its digest is what approvers agree to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    pub request: RequestId,
    /// 1 for what was first submitted.
    pub number: u32,
    pub requester: IdentityId,
    /// Who will hold the access.
    pub receiver: IdentityId,
    pub entitlement: EntitlementId,
    pub terms: Terms,
    pub length: Length,
    pub justification: Committed<String>,
    /// A ticket or incident elsewhere.
    pub reference: Option<Committed<String>>,
}

impl Revision {
    pub fn digest(&self) -> Result<Digest, Unencodable> {
        canonical::digest(self)
    }
}

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
    /// The permit that says why this person may.
    pub ruling: Cited,
    pub at: Timestamp,
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
    People { approvers: BTreeSet<IdentityId> },
    PreApproved { policies: Vec<String> },
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
        (state, _) => state,
    }
}

fn advance(request: &mut Request, event: &Event, at: Timestamp) {
    let close = |request: &mut Request, state| {
        request.state = state;
        request.decided_at = Some(at);
    };
    match event {
        Event::Submitted(_) => {}
        Event::Revised(revised) => {
            request.revision = revised.revision.clone();
            request.digest = revised.digest;
            request.excluded = revised.excluded.clone();
            request.lapses_at = revised.lapses_at;
            request.approvals.clear();
        }
        Event::Routed(routed) => {
            request.route = routed.route.clone();
            request.routed_by = routed.ruling.clone();
        }
        Event::ApprovalRecorded(approval) => request.approvals.push(approval.clone()),
        Event::ApprovalWithdrawn { approver, .. } => {
            request.approvals.retain(|one| one.approver != *approver);
        }
        Event::Denied(_) => close(request, State::Denied),
        Event::Approved(_) => close(request, State::Approved),
        Event::Withdrawn { .. } => close(request, State::Withdrawn),
        Event::Lapsed {} => close(request, State::Lapsed),
    }
}
