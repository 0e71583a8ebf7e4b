//! No help for oneself: whoever makes or adopts a change of the catalogue must not have a part in
//! what it could help.

use std::collections::BTreeSet;

use super::{Change, Changes, Names};
use crate::Refusal;
use crate::entitlement::Entitlement;
use crate::id::{EntitlementId, IdentityId, TargetId};
use crate::identity::{Identity, Nature};
use crate::name::TeamName;

/// What somebody asked for, would hold or holds, themselves or by a workload that they own, and
/// everything in the catalogue that its way or its life depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stake {
    /// The author or adopter, as people call them.
    pub who: String,
    /// The request or grant.
    pub what: String,
    pub entitlement: EntitlementId,
    pub target: TargetId,
    /// Those who asked and would hold, and everybody who owns or manages them.
    pub people: BTreeSet<IdentityId>,
    /// The teams that it is offered to, or out of which its approvers come, with those within.
    pub teams: BTreeSet<TeamName>,
}

/// Refuses changes that could help one of these; what can only narrow helps nobody.
pub fn helps_own(changes: &Changes, stakes: &[Stake], names: &Names) -> Result<(), Refusal> {
    for planned in &changes.planned {
        let change = &planned.change;
        let Some(stake) = stakes.iter().find(|stake| touches(change, stake)) else { continue };
        if change.widens(names) {
            return Err(Refusal::HelpsOwnRequest {
                who: stake.who.clone(),
                what: stake.what.clone(),
                record: change.record(names),
            });
        }
    }
    Ok(())
}

fn touches(change: &Change, stake: &Stake) -> bool {
    match change {
        Change::Team { before, after } => {
            let within = before.iter().flat_map(|team| &team.within).chain(&after.within);
            stake.teams.contains(&after.name)
                || within.into_iter().any(|team| stake.teams.contains(team))
        }
        Change::Identity { before, after } => {
            let none = BTreeSet::new();
            let before = before.as_ref().map_or(&none, |one| &one.teams);
            let moved = before.symmetric_difference(&after.teams);
            stake.people.contains(&after.id)
                || moved.into_iter().any(|team| stake.teams.contains(team))
                // Who was gone and is back, or is there for the first time, brings all teams along.
                || (is_back(change) && !after.teams.is_disjoint(&stake.teams))
        }
        Change::Target { after, .. } => after.id == stake.target,
        Change::Entitlement { before, after } => {
            let conflicts = |one: &Entitlement| one.conflicts.contains(&stake.entitlement);
            after.id == stake.entitlement || before.as_deref().is_some_and(conflicts)
        }
        // Hours say when silence moves a request on, whoever it is for.
        Change::Schedule { .. } => false,
    }
}

fn is_back(change: &Change) -> bool {
    let Change::Identity { before: Some(before), after } = change else { return false };
    let ends = |one: &Identity| match &one.is {
        Nature::Human { external, .. } => external.as_ref().map(|external| external.contract_ends),
        Nature::Workload { .. } => None,
    };
    after.active && (!before.active || ends(before) != ends(after))
}
