//! What is asked: one immutable revision, and its digest.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, Digest, Unencodable};
use crate::committed::Committed;
use crate::ending::EndingEvent;
use crate::entitlement::Terms;
use crate::id::{EntitlementId, FilingId, FindingId, GrantId, IdentityId, RequestId};
use crate::length::Length;
use crate::time::Timestamp;

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
    /// Not before this moment; as soon as it is approved if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// What ends it as well: whichever comes first.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ends_on: BTreeSet<EndingEvent>,
    /// The grant that this goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<GrantId>,
    /// What it was filed together with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed_with: Option<FilingId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Emergency>,
    /// The finding that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answering>,
}

impl Revision {
    pub fn digest(&self) -> Result<Digest, Unencodable> {
        canonical::digest(self)
    }
}

/// Why the glass is broken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// The incident elsewhere.
    pub incident: Committed<String>,
    /// Whether a source of incidents was asked, and knew it.
    pub verified: bool,
}

/// A finding, and what is asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answering {
    pub finding: FindingId,
    pub answer: Answer,
}

/// What may be asked in answer to a finding. Revoking needs no request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What is there unapproved is to be approved from now on; never backdated.
    Adopt,
    /// What is gone is to be granted anew.
    Regrant,
    /// The difference is to be borne until a day.
    Accept,
}

impl Answer {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Regrant => "regrant",
            Self::Accept => "accept",
        }
    }
}
