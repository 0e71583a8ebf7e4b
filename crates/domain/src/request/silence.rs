//! Silence: a request that nobody decides is put before those above the silent ones; one whose
//! reason is over elsewhere needs no decision any more.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Request;
use crate::Refusal;
use crate::ending::EndingEvent;
use crate::id::IdentityId;
use crate::name::StageName;
use crate::route::Candidates;
use crate::time::Timestamp;

/// A stage is put before others because those it waits for were silent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalated {
    pub stage: StageName,
    /// Who may now decide, each in the place of one who was silent. Empty if nobody is above them.
    pub to: BTreeMap<IdentityId, IdentityId>,
    /// When it is put before those above these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_at: Option<Timestamp>,
}

/// The ending event that came before a decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overtaken {
    pub event: EndingEvent,
    pub by: IdentityId,
}

/// The most steps up.
const STEPS: usize = 3;

/// Everything that is open and waits for somebody is put before those above them. Whoever may never
/// approve it, or has decided already, is passed over.
pub(super) fn escalate(
    request: &Request,
    waiting: &Candidates,
    above: &BTreeMap<IdentityId, IdentityId>,
    excluded: &BTreeSet<IdentityId>,
    next: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Escalated>, Refusal> {
    if request.escalates_at.is_none_or(|at| now < at) {
        let state = request.state.as_str().to_owned();
        return Err(Refusal::WrongStep { what: "escalating before its time".to_owned(), state });
    }
    let spent = request.spent();
    let open = request.open_places();
    let mut out = Vec::new();
    for (stage, silent) in waiting.iter().filter(|(stage, _)| open.contains_key(*stage)) {
        let before: BTreeSet<IdentityId> = request
            .escalations
            .iter()
            .filter(|one| one.stage == *stage)
            .flat_map(|one| one.to.keys().copied())
            .collect();
        let steps = request.escalations.iter().filter(|one| one.stage == *stage).count();
        let mut to = BTreeMap::new();
        // Those who were asked in the last step count as silent, too; they stand for the first.
        let stands_for = |who: IdentityId| {
            let of = request.escalated_to(who).find(|(name, _)| *name == stage);
            of.map_or(who, |(_, first)| first)
        };
        for one in silent.iter().chain(&before) {
            let Some(up) = above.get(one) else { continue };
            let known = silent.contains(up) || before.contains(up);
            if !known && !spent.contains(up) && !excluded.contains(up) {
                to.entry(*up).or_insert_with(|| stands_for(*one));
            }
        }
        let escalates_at = next.filter(|_| !to.is_empty() && steps + 1 < STEPS);
        out.push(Escalated { stage: stage.clone(), to, escalates_at });
    }
    Ok(out)
}
