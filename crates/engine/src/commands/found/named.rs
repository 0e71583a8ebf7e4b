//! What the names in a catalogue file stand for: ids that are there already, or fresh ones.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Refusal;
use placet_domain::id::{EntitlementId, IdentityId, Stream, TargetId};
use placet_domain::identity::Identity;
use placet_domain::name::{EntitlementName, Handle, ScheduleName, TargetName, TeamName};
use placet_domain::schedule::Schedule;

use super::lines::Catalogue;
use crate::Engine;
use crate::draft::Draft;
use crate::error::Error;

/// Names resolved to ids.
#[derive(Default)]
pub(crate) struct Named {
    pub identities: BTreeMap<Handle, IdentityId>,
    pub targets: BTreeMap<TargetName, TargetId>,
    pub entitlements: BTreeMap<EntitlementName, EntitlementId>,
    pub teams: BTreeSet<TeamName>,
    pub schedules: BTreeSet<ScheduleName>,
    /// Identities as they would be.
    pub built: BTreeMap<IdentityId, Identity>,
}

pub(crate) fn wrong(what: String) -> Refusal {
    Refusal::Unreadable { what }
}

fn once<'a, T: Ord + std::fmt::Display + 'a>(
    what: &str,
    names: impl Iterator<Item = &'a T>,
) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(wrong(format!("{what} `{name}` stands in the catalogue twice")));
        }
    }
    Ok(())
}

impl Catalogue {
    fn handles(&self) -> impl Iterator<Item = &Handle> {
        let people = self.person.iter().map(|one| &one.handle);
        people.chain(self.workload.iter().map(|one| &one.handle))
    }

    /// Everybody who has a line, or is named in one.
    fn mentioned(&self) -> BTreeSet<Handle> {
        let mut out: BTreeSet<Handle> = self.handles().cloned().collect();
        for person in &self.person {
            out.extend(person.manager.clone());
            out.extend(person.sponsor.clone());
        }
        out.extend(self.workload.iter().map(|one| one.owner.clone()));
        out.extend(self.target.iter().map(|one| one.owner.clone()));
        out.extend(self.entitlement.iter().map(|one| one.owner.clone()));
        out
    }

    /// Nothing is said twice: the second line would silently win.
    pub(crate) fn is_said_once(&self) -> Result<(), Refusal> {
        once("team", self.team.iter().map(|one| &one.name))?;
        once("schedule", self.schedule.iter().map(|one| &one.name))?;
        once("identity", self.handles())?;
        once("target", self.target.iter().map(|one| &one.name))?;
        once("entitlement", self.entitlement.iter().map(|one| &one.name))
    }
}

impl Named {
    /// Everything in the file is new.
    pub(crate) fn fresh(catalogue: &Catalogue, engine: &Engine) -> Result<Self, Refusal> {
        catalogue.is_said_once()?;
        let environment = &engine.environment;
        let id = |handle: &Handle| (handle.clone(), environment.id());
        Ok(Self {
            identities: catalogue.handles().map(id).collect(),
            targets: catalogue
                .target
                .iter()
                .map(|one| (one.name.clone(), environment.id()))
                .collect(),
            entitlements: catalogue
                .entitlement
                .iter()
                .map(|one| (one.name.clone(), environment.id()))
                .collect(),
            teams: catalogue.team.iter().map(|one| one.name.clone()).collect(),
            schedules: catalogue.schedule.iter().map(|one| one.name.clone()).collect(),
            built: BTreeMap::new(),
        })
    }

    /// What the file names is known by name, or is new if it has a line of its own.
    pub(crate) async fn known(catalogue: &Catalogue, draft: &mut Draft<'_>) -> Result<Self, Error> {
        let mut named = Self::fresh(catalogue, draft.engine)?;
        let teams = draft.engine.store.teams(&mut draft.facts).await?;
        named.teams.extend(teams.into_iter().map(|team| team.name));
        for handle in &catalogue.mentioned() {
            if let Some(id) = draft.engine.store.identity_called(handle).await? {
                named.identities.insert(handle.clone(), id);
            }
        }
        for person in &catalogue.person {
            let Some(name) = &person.schedule else { continue };
            let stream = Stream::Schedule(name.clone());
            if draft.engine.store.load::<Schedule>(stream, &mut draft.facts).await?.is_some() {
                named.schedules.insert(name.clone());
            }
        }
        let mut targets: BTreeSet<TargetName> = named.targets.keys().cloned().collect();
        let mut entitlements: BTreeSet<EntitlementName> =
            named.entitlements.keys().cloned().collect();
        for one in &catalogue.entitlement {
            targets.insert(one.target.clone());
            entitlements.extend(one.conflicts.iter().cloned());
        }
        for name in targets {
            let found = draft.engine.store.target_named(&name, &mut draft.facts).await?;
            named.targets.extend(found.map(|target| (name, target.id)));
        }
        for name in entitlements {
            let found = draft.engine.store.entitlement_named(&name, &mut draft.facts).await?;
            named.entitlements.extend(found.map(|one| (name, one.id)));
        }
        Ok(named)
    }

    pub(crate) fn identity(&self, handle: &Handle, whose: &str) -> Result<IdentityId, Refusal> {
        let unknown = || wrong(format!("{whose}: no identity is called `{handle}`"));
        self.identities.get(handle).copied().ok_or_else(unknown)
    }

    pub(crate) fn teams(&self, teams: &BTreeSet<TeamName>, whose: &str) -> Result<(), Refusal> {
        match teams.iter().find(|team| !self.teams.contains(*team)) {
            Some(team) => Err(wrong(format!("{whose}: no team is called `{team}`"))),
            None => Ok(()),
        }
    }
}
