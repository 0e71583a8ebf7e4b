//! The lines of a catalogue file, as people write them: everything by name. What names stand for,
//! [`Named`] knows; the founding and every later change make the same records of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use placet_connectors::Registry;
use placet_domain::committed::Committed;
use placet_domain::entitlement::{self, Entitlement, Environment, Privilege, Terms};
use placet_domain::id::IdentityId;
use placet_domain::identity::{self, External, Identity, Login, MOST_LOGINS, Nature, Profile};
use placet_domain::length::Length;
use placet_domain::name::{
    AccountName, ConnectorKind, EntitlementName, Handle, MailAddress, NativeId, PackName,
    ScheduleName, TargetName, TeamName,
};
use placet_domain::schedule::Schedule;
use placet_domain::target::Target;
use placet_domain::{Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::named::{Named, wrong};
use crate::commands::text;

/// A catalogue as people write it: everything by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The handles of the first two administrators; they count at the founding alone.
    #[serde(default)]
    pub administrators: Vec<Handle>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Schedule>,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamLine {
    pub name: TeamName,
    #[serde(default)]
    pub within: BTreeSet<TeamName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// Where notices are sent by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailAddress>,
    /// By what OpenID providers know them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub logins: BTreeSet<Login>,
    #[serde(default)]
    pub risk: u8,
    /// The hours in which an answer can be expected; the usual ones if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleName>,
    /// False once they have left.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The form that serde calls.
fn is_yes(value: &bool) -> bool {
    *value
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// False once it is of no more use.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetLine {
    pub name: TargetName,
    pub owner: Handle,
    pub connector: ConnectorKind,
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

impl Catalogue {
    /// Lets the relative paths in the settings of targets count from a folder, now and for ever.
    /// Each kind of connector says which of its settings are paths.
    pub fn make_paths_absolute(&mut self, from: &Path) -> Result<(), Refusal> {
        let registry = Registry::shipped();
        for line in &mut self.target {
            registry
                .make_absolute(&line.connector, &mut line.settings, from)
                .map_err(|error| wrong(format!("target `{}`: {error}", line.name)))?;
        }
        Ok(())
    }
}

/// Nobody is known by the login of another one.
pub(crate) fn distinct_logins(people: &[PersonLine]) -> Result<(), Refusal> {
    let mut seen: BTreeMap<&Login, &Handle> = BTreeMap::new();
    for (login, handle) in
        people.iter().flat_map(|one| one.logins.iter().map(move |login| (login, &one.handle)))
    {
        if let Some(other) = seen.insert(login, handle) {
            return Err(taken_login(handle, login, other));
        }
    }
    Ok(())
}

pub(crate) fn taken_login(handle: &Handle, login: &Login, other: &Handle) -> Refusal {
    let Login { issuer, subject } = login;
    wrong(format!("person `{handle}`: `{other}` is who comes as `{subject}` from `{issuer}`"))
}

/// An identity as its line says, and who answers for it: an owner or a sponsor.
pub(crate) type Answered = (Identity, Option<IdentityId>);

/// The longest name of a person, in characters: lists show many of them beside each other.
const LONGEST_NAME: usize = 100;

/// A text of the catalogue that says what something is for: short enough to stand in a list.
fn is_sentence(text: &str) -> bool {
    (1..=500).contains(&text.chars().count())
}

impl PersonLine {
    fn called(&self) -> Result<String, Refusal> {
        let name = text("name", &self.name)?;
        if name.chars().count() > LONGEST_NAME {
            let why =
                format!("person `{}`: at most {LONGEST_NAME} characters in `name`", self.handle);
            return Err(wrong(why));
        }
        Ok(name)
    }

    pub(crate) fn profile(&self) -> Result<Profile, Refusal> {
        if self.logins.len() > MOST_LOGINS {
            let why = format!("person `{}`: at most {MOST_LOGINS} `logins`", self.handle);
            return Err(wrong(why));
        }
        Ok(Profile {
            handle: self.handle.clone(),
            name: self.called()?,
            accounts: self.accounts.clone(),
            mail: self.mail.clone(),
            logins: self.logins.clone(),
        })
    }

    pub(crate) fn identity(
        &self,
        profile: Committed<Profile>,
        named: &Named,
    ) -> Result<Answered, Refusal> {
        let whose = format!("person `{}`", self.handle);
        named.teams(&self.teams, &whose)?;
        let of = |handle: &Option<Handle>| {
            handle.as_ref().map(|one| named.identity(one, &whose)).transpose()
        };
        let (manager, sponsor) = (of(&self.manager)?, of(&self.sponsor)?);
        let external = match (sponsor, self.contract_ends) {
            (None, None) => None,
            (Some(sponsor), Some(contract_ends)) => Some(External { sponsor, contract_ends }),
            _ => return Err(wrong(format!("{whose}: `sponsor` and `contract_ends` go together"))),
        };
        if let Some(schedule) = &self.schedule
            && !named.schedules.contains(schedule)
        {
            return Err(wrong(format!("{whose}: no schedule is called `{schedule}`")));
        }
        let identity = Identity {
            id: named.identity(&self.handle, &whose)?,
            profile,
            is: Nature::Human { manager, external },
            teams: self.teams.clone(),
            active: self.active,
            risk: self.risk.min(100),
            schedule: self.schedule.clone(),
        };
        Ok((identity, sponsor))
    }
}

impl WorkloadLine {
    pub(crate) fn profile(&self) -> Profile {
        Profile {
            handle: self.handle.clone(),
            name: self.handle.to_string(),
            accounts: self.accounts.clone(),
            mail: None,
            logins: BTreeSet::new(),
        }
    }

    pub(crate) fn identity(
        &self,
        profile: Committed<Profile>,
        named: &Named,
    ) -> Result<Answered, Refusal> {
        let whose = format!("workload `{}`", self.handle);
        named.teams(&self.teams, &whose)?;
        let owner = named.identity(&self.owner, &whose)?;
        let purpose = self.purpose.trim().to_owned();
        if !is_sentence(&purpose) {
            let why = format!("{whose}: say in 1 to 500 characters what it is for (`purpose`)");
            return Err(wrong(why));
        }
        let identity = Identity {
            id: named.identity(&self.handle, &whose)?,
            profile,
            is: Nature::Workload { kind: self.kind, owner, purpose },
            teams: self.teams.clone(),
            active: self.active,
            risk: 0,
            schedule: None,
        };
        Ok((identity, Some(owner)))
    }
}

impl TargetLine {
    pub(crate) fn target(&self, named: &Named) -> Result<Target, Refusal> {
        let whose = format!("target `{}`", self.name);
        let id = named.targets.get(&self.name).copied();
        Ok(Target {
            id: id.ok_or_else(|| wrong(format!("{whose}: it has no id")))?,
            name: self.name.clone(),
            owner: named.identity(&self.owner, &whose)?,
            connector: self.connector.clone(),
            settings: self.settings.clone(),
            retired: self.retired,
            brake: None,
            released: false,
        })
    }
}

impl EntitlementLine {
    pub(crate) fn entitlement(&self, named: &Named) -> Result<Entitlement, Refusal> {
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
        if !is_sentence(self.scope.trim()) {
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
            retired: self.retired,
        })
    }
}
