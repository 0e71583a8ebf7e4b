//! Actions: one effect on a target, and how it came out.

use serde::{Deserialize, Serialize};

use crate::canonical::no_fields;
use crate::id::ActionId;
use crate::name::TeamName;
use crate::time::Timestamp;

/// What is to be done on the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Grant,
    Remove,
}

/// How a call came out. `InDoubt` is resolved only by observing, never by assuming.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "came_out", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    #[serde(deserialize_with = "no_fields")]
    Done,
    /// The target refused, or could not be reached: surely nothing was done.
    Failed { why: String },
    /// The reply was lost or never came: it may have been done.
    InDoubt { why: String },
    /// People were told to do it; nobody has said yet that it was done.
    Ordered { told: Told },
}

/// What people were told: the work order behind an action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    pub due_at: Timestamp,
    /// Who may do it beside the owners of target and entitlement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
}

/// An action as recorded: the intent before the call, the outcome after it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub id: ActionId,
    pub effect: Effect,
    /// Grows with every action on the same account and entitlement; a target that can compare
    /// refuses an older one.
    pub epoch: u64,
    pub intended_at: Timestamp,
    /// The call is over by then, whatever becomes of it.
    pub call_over_by: Timestamp,
    pub outcome: Option<Outcome>,
    pub finished_at: Option<Timestamp>,
}

impl Action {
    /// From when on the call can provably have no further effect.
    pub fn provably_over_at(&self) -> Timestamp {
        match (&self.outcome, self.finished_at) {
            // What people were told is done or not in a work order of its own; the telling is over.
            (Some(Outcome::Done | Outcome::Failed { .. } | Outcome::Ordered { .. }), Some(at)) => {
                at
            }
            _ => self.call_over_by,
        }
    }

    /// A call in doubt is under way until its time is over: it may still be carried out.
    pub fn is_under_way_at(&self, now: Timestamp) -> bool {
        now < self.provably_over_at()
    }
}

/// How long to wait before trying again after `attempts` failures, in seconds: 1, 2, 4 ... 300.
pub fn back_off_seconds(attempts: u32) -> u64 {
    1u64.checked_shl(attempts.saturating_sub(1)).map_or(300, |seconds| seconds.min(300))
}
