//! Observations: what a target itself says is there.
//!
//! Observation never reads Placet's own records. Only a complete answer shows absence.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::Digest;
use crate::id::{EntitlementId, ObservationId, TargetId};
use crate::name::{AccountName, NativeId};
use crate::time::Timestamp;

/// How much of its scope an answer covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Everything in scope was seen: what is not listed is absent.
    Complete,
    /// What is listed is there; nothing is known of the rest.
    Partial,
    /// Nothing is known.
    Unknown,
}

impl Completeness {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
        }
    }
}

/// One account holding one native thing on a target.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    pub native: NativeId,
    pub account: AccountName,
}

/// One credential that a target keeps, by the digest that stands there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kept {
    pub binding: Binding,
    pub digest: Digest,
}

/// How much of a target is looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    Everything,
    Binding(Binding),
}

/// One answer of a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    pub id: ObservationId,
    pub target: TargetId,
    pub scope: Scope,
    pub completeness: Completeness,
    /// When the look began: a change after this may be missing from it.
    pub began_at: Timestamp,
    pub finished_at: Timestamp,
    pub present: BTreeSet<Binding>,
    /// Each credential by itself, where the target keeps one for each grant; none elsewhere.
    pub credentials: Option<BTreeSet<Kept>>,
    /// Bindings of which a session is open, where the target can tell.
    pub sessions: BTreeSet<Binding>,
}

impl Observation {
    /// Seen, surely absent, or unknown.
    pub fn says(&self, binding: &Binding) -> Seen {
        if self.present.contains(binding) {
            return Seen::Present;
        }
        self.of_the_rest(binding)
    }

    /// The same for the one credential of a grant: another's, for the same binding, is not it.
    pub fn says_of(&self, binding: &Binding, kept_as: Option<Digest>) -> Seen {
        match (&self.credentials, kept_as) {
            (Some(seen), Some(digest)) => {
                let own = Kept { binding: binding.clone(), digest };
                if seen.contains(&own) { Seen::Present } else { self.of_the_rest(binding) }
            }
            _ => self.says(binding),
        }
    }

    /// What it says of something in this binding that was not seen.
    fn of_the_rest(&self, binding: &Binding) -> Seen {
        let in_scope = match &self.scope {
            Scope::Everything => true,
            Scope::Binding(only) => only == binding,
        };
        if !in_scope || self.completeness != Completeness::Complete {
            Seen::Unknown
        } else if self.sessions.contains(binding) {
            Seen::SessionOpen
        } else {
            Seen::Absent
        }
    }

    pub fn cite(&self) -> Cited {
        Cited {
            observation: self.id,
            completeness: self.completeness,
            began_at: self.began_at,
            finished_at: self.finished_at,
        }
    }
}

/// What an observation says of one binding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Seen {
    Present,
    /// The access is gone, and a session that began with it goes on: it has not ended.
    SessionOpen,
    Absent,
    Unknown,
}

/// An observation as the events of a grant or finding cite it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cited {
    pub observation: ObservationId,
    pub completeness: Completeness,
    pub began_at: Timestamp,
    pub finished_at: Timestamp,
}

/// What of a target is governed: a binding to anything else there is none of Placet's business.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Governed {
    pub entitlement: EntitlementId,
    pub native: NativeId,
}
