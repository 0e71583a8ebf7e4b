//! Changes of the catalogue: one record each, as it was and as it would be. Every fact that a
//! policy reads is access policy, so each difference says whether it can widen access.
//!
//! Here: what a change is, and what follows from it. Which fact widens which way is in [`facts`];
//! that nobody helps themselves by a change, in [`stake`].

mod facts;
mod stake;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, Digest, Unencodable};
use crate::committed::Commitment;
use crate::entitlement::Entitlement;
use crate::id::{EntitlementId, IdentityId, Stream, TargetId};
use crate::identity::{Identity, Profile};
use crate::schedule::Schedule;
use crate::target::Target;
use crate::team::Team;

pub use stake::{Stake, helps_own};

/// The most records that one change may touch.
pub const MOST_RECORDS: usize = 1_000;

/// One record as it was, if it was there, and as it would be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    Team { before: Option<Team>, after: Team },
    Schedule { before: Option<Schedule>, after: Schedule },
    Identity { before: Option<Box<Identity>>, after: Box<Identity> },
    Target { before: Option<Target>, after: Target },
    Entitlement { before: Option<Box<Entitlement>>, after: Box<Entitlement> },
}

/// A change, and the version of the record that it was made on; 0 if there was none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    pub base: u64,
    pub change: Change,
}

/// Everything that one proposal would change. Personal facts stand in it as commitments, so it
/// can be kept for ever under its digest.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    pub planned: Vec<Planned>,
}

impl Changes {
    pub fn digest(&self) -> Result<Digest, Unencodable> {
        canonical::digest(self)
    }

    /// The differences in words, in the order of the changes.
    pub fn lines(&self, names: &Names) -> Vec<Line> {
        self.planned.iter().flat_map(|one| one.change.lines(names)).collect()
    }

    /// Whether anything in it can widen access.
    pub fn widens(&self, names: &Names) -> bool {
        self.planned.iter().any(|one| one.change.widens(names))
    }
}

/// What a difference can do to who may hold what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It can give somebody more, or make it easier to get: when in doubt, it does.
    Widens,
    /// It can only take away.
    Narrows,
    /// No policy reads it.
    Neutral,
}

impl Effect {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::Narrows => "narrows",
            Self::Neutral => "neutral",
        }
    }
}

/// One changed fact, in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Line {
    /// The record: ``entitlement `prod-db-admin` ``.
    pub record: String,
    pub fact: String,
    /// None if the fact was not there.
    pub old: Option<String>,
    /// None if the fact would be gone.
    pub new: Option<String>,
    pub effect: Effect,
}

/// What ids and commitments stand for, for people. What is missing is shown by its id, or as
/// erased.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub identities: BTreeMap<IdentityId, String>,
    pub targets: BTreeMap<TargetId, String>,
    pub entitlements: BTreeMap<EntitlementId, String>,
    pub profiles: BTreeMap<Commitment, Profile>,
}

impl Names {
    fn identity(&self, id: IdentityId) -> String {
        self.identities.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    fn target(&self, id: TargetId) -> String {
        self.targets.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    fn entitlement(&self, id: EntitlementId) -> String {
        self.entitlements.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

impl Change {
    pub fn stream(&self) -> Stream {
        match self {
            Self::Team { after, .. } => Stream::Team(after.name.clone()),
            Self::Schedule { after, .. } => Stream::Schedule(after.name.clone()),
            Self::Identity { after, .. } => Stream::Identity(after.id),
            Self::Target { after, .. } => Stream::Target(after.id),
            Self::Entitlement { after, .. } => Stream::Entitlement(after.id),
        }
    }

    pub fn is_new(&self) -> bool {
        match self {
            Self::Team { before, .. } => before.is_none(),
            Self::Schedule { before, .. } => before.is_none(),
            Self::Identity { before, .. } => before.is_none(),
            Self::Target { before, .. } => before.is_none(),
            Self::Entitlement { before, .. } => before.is_none(),
        }
    }

    /// The record as people call it.
    pub fn record(&self, names: &Names) -> String {
        match self {
            Self::Team { after, .. } => format!("team `{}`", after.name),
            Self::Schedule { after, .. } => format!("schedule `{}`", after.name),
            Self::Identity { after, .. } => {
                let kind = if after.is_human() { "person" } else { "workload" };
                format!("{kind} `{}`", names.identity(after.id))
            }
            Self::Target { after, .. } => format!("target `{}`", after.name),
            Self::Entitlement { after, .. } => format!("entitlement `{}`", after.name),
        }
    }

    /// Its differences in words; none if nothing would change.
    pub fn lines(&self, names: &Names) -> Vec<Line> {
        let (before, after) = facts::of(self, names);
        facts::compare(&self.record(names), before, &after)
    }

    pub fn widens(&self, names: &Names) -> bool {
        self.lines(names).iter().any(|line| line.effect == Effect::Widens)
    }
}
