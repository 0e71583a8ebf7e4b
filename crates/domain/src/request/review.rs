//! The review that an emergency owes: by somebody independent, by a day.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Request;
use super::rules::{independent, person};
use crate::Refusal;
use crate::actor::Actor;
use crate::committed::Committed;
use crate::id::{CredentialId, IdentityId};
use crate::identity::Identity;
use crate::ruling::{Cited, Ruling};
use crate::time::Timestamp;

/// How long after an emergency its review is owed, in seconds: three days.
pub const REVIEW_SECONDS: u64 = 3 * 24 * 60 * 60;

/// What the reviewer found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Justified,
    /// What is still held on it ends.
    NotJustified,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::NotJustified => "not_justified",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owed {
    pub due_at: Timestamp,
}

/// A review as recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    pub by: IdentityId,
    pub session: CredentialId,
    pub verdict: Verdict,
    pub note: Committed<String>,
    /// The permit that says why this person may.
    pub ruling: Cited,
}

/// The owed review of an emergency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    pub owed_at: Timestamp,
    pub due_at: Timestamp,
    pub recorded: Option<Reviewed>,
}

impl Review {
    pub(super) fn owed(owed: &Owed, at: Timestamp) -> Self {
        Self { owed_at: at, due_at: owed.due_at, recorded: None }
    }

    pub fn is_overdue_at(&self, now: Timestamp) -> bool {
        self.recorded.is_none() && self.due_at <= now
    }
}

/// What a review is judged by.
#[derive(Debug)]
pub struct Judging<'a> {
    pub actor: Actor,
    pub reviewer: &'a Identity,
    pub verdict: Verdict,
    pub note: Committed<String>,
    pub excluded: &'a BTreeSet<IdentityId>,
    pub may_review: &'a Ruling,
}

/// Nobody reviews what they asked for, received or agreed to.
pub(super) fn review(
    request: &Request,
    judging: Judging<'_>,
    now: Timestamp,
) -> Result<Reviewed, Refusal> {
    let (by, session) = person(judging.actor, judging.reviewer, now)?;
    let owed = request.review.as_ref();
    let owed = owed.ok_or_else(|| Refusal::NoReview { request: request.id.to_string() })?;
    if owed.recorded.is_some() {
        return Err(Refusal::ReviewedAlready { request: request.id.to_string() });
    }
    independent(request, by, judging.excluded)?;
    if request.spent().contains(&by) {
        return Err(Refusal::ReviewsOwnApproval {});
    }
    if !judging.may_review.permit {
        let why = judging.may_review.sentence();
        return Err(Refusal::NotPermitted { what: "reviewing an emergency".to_owned(), why });
    }
    let Judging { verdict, note, may_review, .. } = judging;
    Ok(Reviewed { by, session, verdict, note, ruling: may_review.cite() })
}
