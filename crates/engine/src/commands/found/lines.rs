//! The lines of a catalogue file, as people write them: everything by name. Resolving names to ids
//! is the founding's business.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::entitlement::{self, Entitlement, Environment, Privilege, Terms};
use placet_domain::identity;
use placet_domain::length::Length;
use placet_domain::name::{
    AccountName, ConnectorKind, EntitlementName, Handle, NativeId, PackName, TargetName, TeamName,
};
use placet_domain::{Refusal, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Named, wrong};

/// A catalogue as people write it: everything by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The handles of the first two administrators.
    pub administrators: Vec<Handle>,
    #[serde(default)]
    pub team: Vec<TeamLine>,
    #[serde(default)]
    pub person: Vec<PersonLine>,
    #[serde(default)]
    pub workload: Vec<WorkloadLine>,
    #[serde(default)]
    pub target: Vec<TargetLine>,
    #[serde(default)]
    pub entitlement: Vec<EntitlementLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamLine {
    pub name: TeamName,
    #[serde(default)]
    pub within: BTreeSet<TeamName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonLine {
    pub handle: Handle,
    pub name: String,
    pub manager: Option<Handle>,
    #[serde(default)]
    pub teams: BTreeSet<TeamName>,
    /// For a person from outside: who answers for them inside.
    pub sponsor: Option<Handle>,
    pub contract_ends: Option<Timestamp>,
    #[serde(default)]
    pub accounts: BTreeMap<TargetName, AccountName>,
    #[serde(default)]
    pub risk: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadLine {
    pub handle: Handle,
    pub kind: identity::Kind,
    pub owner: Handle,
    pub purpose: String,
    #[serde(default)]
    pub teams: BTreeSet<TeamName>,
    #[serde(default)]
    pub accounts: BTreeMap<TargetName, AccountName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetLine {
    pub name: TargetName,
    pub owner: Handle,
    pub connector: ConnectorKind,
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitlementLine {
    pub name: EntitlementName,
    pub target: TargetName,
    /// The target's own immutable id; the name if left out.
    pub native: Option<NativeId>,
    pub kind: entitlement::Kind,
    pub environment: Environment,
    pub privilege: Privilege,
    /// What it allows, in words of the target.
    pub scope: String,
    pub sensitivity: u8,
    pub owner: Handle,
    pub owners: TeamName,
    pub offered_to: BTreeSet<TeamName>,
    pub holders: BTreeSet<identity::Kind>,
    /// The longest length, such as `8h`.
    pub longest: String,
    #[serde(default)]
    pub conflicts: BTreeSet<EntitlementName>,
    #[serde(default)]
    pub packs: BTreeSet<PackName>,
    #[serde(default)]
    pub power_over_placet: bool,
}

impl EntitlementLine {
    pub(super) fn entitlement(&self, named: &Named) -> Result<Entitlement, Refusal> {
        let whose = format!("entitlement `{}`", self.name);
        named.teams(&self.offered_to, &whose)?;
        named.teams(&BTreeSet::from([self.owners.clone()]), &whose)?;
        let target = named.targets.get(&self.target).copied();
        let target = target
            .ok_or_else(|| wrong(format!("{whose}: no target is called `{}`", self.target)))?;
        let native = match &self.native {
            Some(native) => native.clone(),
            None => self.name.as_str().parse().map_err(|_| wrong(whose.clone()))?,
        };
        if !(1..=4).contains(&self.sensitivity) {
            return Err(wrong(format!("{whose}: sensitivity is 1 (public) to 4 (restricted)")));
        }
        if self.scope.trim().is_empty() || self.scope.len() > 500 {
            return Err(wrong(format!(
                "{whose}: say in 1 to 500 characters what it allows (`scope`)"
            )));
        }
        let mut conflicts = BTreeSet::new();
        for other in &self.conflicts {
            let id = named.entitlements.get(other);
            let unknown = || wrong(format!("{whose}: no entitlement is called `{other}`"));
            conflicts.insert(*id.ok_or_else(unknown)?);
        }
        let id = named.entitlements.get(&self.name).copied();
        Ok(Entitlement {
            id: id.ok_or_else(|| wrong(format!("{whose}: it has no id")))?,
            name: self.name.clone(),
            terms: Terms {
                target,
                native,
                kind: self.kind,
                environment: self.environment,
                privilege: self.privilege,
                scope: self.scope.trim().to_owned(),
                sensitivity: self.sensitivity,
            },
            owner: named.identity(&self.owner, &whose)?,
            owners: self.owners.clone(),
            offered_to: self.offered_to.clone(),
            holders: self.holders.clone(),
            longest: Length::parse(&self.longest)
                .map_err(|refusal| wrong(format!("{whose}: longest: {refusal}")))?,
            conflicts,
            packs: self.packs.clone(),
            power_over_placet: self.power_over_placet,
            retired: false,
        })
    }
}
