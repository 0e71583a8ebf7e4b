//! Routes: what must happen before a request is approved, as policy solved it from its gates.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::IdentityId;
use crate::name::StageName;
use crate::ruling::{Deciding, Ruling};

/// One stage: how many people must agree in which role, and which gates ask for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    pub name: StageName,
    pub needed: u32,
    /// Stages that must be complete before this one opens.
    pub after: BTreeSet<StageName>,
    pub because: Vec<Deciding>,
    /// What whoever agrees here has to sign with, beside their session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_up: Option<StepUp>,
}

/// By what somebody shows once more that it is they who agree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepUp {
    /// A signature of a passkey of theirs, over exactly what they agree to.
    Passkey,
}

impl StepUp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
        }
    }

    /// The word of a policy's annotation.
    pub fn parse(word: &str) -> Option<Self> {
        (word == Self::Passkey.as_str()).then_some(Self::Passkey)
    }
}

/// Who is eligible for each stage, by policy and by law 2.
pub type Candidates = BTreeMap<StageName, BTreeSet<IdentityId>>;

/// The way to a decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Route {
    /// A pre-approved pattern covers it; no person is asked.
    PreApproved { because: Vec<Deciding> },
    /// An emergency that policy lets somebody act on at once. What would have refused or asked for
    /// people otherwise is said as a warning; a review is owed.
    BreakGlass { because: Vec<Deciding>, warnings: Vec<Deciding> },
    /// Named people must agree.
    People { stages: Vec<Stage> },
}

/// What policy answered to "what would this need": the route, or why there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Solved {
    /// None when a guardrail refuses on every path.
    pub route: Option<Route>,
    /// The last ruling asked: for a route the permit, else the refusal with its sentences.
    pub ruling: Ruling,
}
