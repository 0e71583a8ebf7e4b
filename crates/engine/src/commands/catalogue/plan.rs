//! Plan: what files of the catalogue would change, record by record, against what is there now.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Refusal;
use placet_domain::catalogue::{Change, Changes, MOST_RECORDS, Planned};
use placet_domain::committed::{Commitment, Committed};
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{EntitlementId, IdentityId, Stream};
use placet_domain::identity::{Identity, Profile};
use placet_domain::schedule::Schedule;
use placet_domain::target::Target;
use placet_domain::team::Team;
use placet_store::{LARGEST_PAGE, Page};

use crate::commands::found::{Catalogue, Named, PersonLine, distinct_logins, taken_login};
use crate::draft::Draft;
use crate::error::Error;

/// Catalogue files, merged.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub catalogue: Catalogue,
    /// They say everything that there is: what they leave out has left, or is retired.
    pub whole: bool,
}

/// What would change, with the personal facts that are new.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub changes: Changes,
    pub profiles: BTreeMap<Commitment, Profile>,
}

impl Draft<'_> {
    pub(super) async fn plan(&mut self, files: &Files) -> Result<Plan, Error> {
        let named = Named::known(&files.catalogue, self).await?;
        let mut plan = Plan::default();
        self.plan_teams(files, &named, &mut plan).await?;
        self.plan_schedules(files, &mut plan).await?;
        self.plan_identities(files, &named, &mut plan).await?;
        self.plan_targets(files, &named, &mut plan).await?;
        self.plan_entitlements(files, &named, &mut plan).await?;
        if plan.changes.planned.len() > MOST_RECORDS {
            let what = format!(
                "these files change more than {MOST_RECORDS} records at once; change them in parts"
            );
            return Err(Refusal::Unreadable { what }.into());
        }
        Ok(plan)
    }

    fn planned(&self, change: Change) -> Planned {
        Planned { base: self.facts.version(&change.stream()), change }
    }

    async fn plan_teams(
        &mut self,
        files: &Files,
        named: &Named,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        for line in &files.catalogue.team {
            named.teams(&line.within, &format!("team `{}`", line.name))?;
            let after = Team { name: line.name.clone(), within: line.within.clone() };
            let stream = Stream::Team(line.name.clone());
            let before = self.engine.store.load::<Team>(stream, &mut self.facts).await?;
            if before.as_ref() != Some(&after) {
                plan.changes.planned.push(self.planned(Change::Team { before, after }));
            }
        }
        Ok(())
    }

    async fn plan_schedules(&mut self, files: &Files, plan: &mut Plan) -> Result<(), Error> {
        for line in &files.catalogue.schedule {
            let stream = Stream::Schedule(line.name.clone());
            let before = self.engine.store.load::<Schedule>(stream, &mut self.facts).await?;
            if before.as_ref() != Some(line) {
                let change = Change::Schedule { before, after: line.clone() };
                plan.changes.planned.push(self.planned(change));
            }
        }
        Ok(())
    }

    /// The commitment to a profile: the old one if it says the same.
    async fn profile_of(
        &mut self,
        profile: &Profile,
        id: IdentityId,
        before: Option<&Identity>,
        plan: &mut Plan,
    ) -> Result<Committed<Profile>, Error> {
        if let Some(before) = before
            && self.engine.store.disclosed(&before.profile).await?.as_ref() == Some(profile)
        {
            return Ok(before.profile);
        }
        let sealed = self.seal(profile, "profile", id)?;
        plan.profiles.insert(sealed.commitment(), profile.clone());
        Ok(sealed)
    }

    async fn plan_identities(
        &mut self,
        files: &Files,
        named: &Named,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let catalogue = &files.catalogue;
        // Those from inside first: they sponsor the others, and own workloads.
        let (inside, outside): (Vec<_>, Vec<_>) =
            catalogue.person.iter().partition(|one| one.sponsor.is_none());
        let mut said = BTreeSet::new();
        self.logins_are_free(&catalogue.person, named).await?;
        for line in inside.into_iter().chain(outside) {
            let id = named.identity(&line.handle, "person")?;
            let before = self.engine.store.load::<Identity>(id, &mut self.facts).await?;
            let sealed = self.profile_of(&line.profile()?, id, before.as_ref(), plan).await?;
            let (after, _) = line.identity(sealed, named)?;
            said.insert(id);
            self.differs(before, after, plan);
        }
        for line in &catalogue.workload {
            let id = named.identity(&line.handle, "workload")?;
            let before = self.engine.store.load::<Identity>(id, &mut self.facts).await?;
            let sealed = self.profile_of(&line.profile(), id, before.as_ref(), plan).await?;
            let (mut after, _) = line.identity(sealed, named)?;
            // A file says nothing about the risk of a workload, so it stays.
            after.risk = before.as_ref().map_or(0, |before| before.risk);
            said.insert(id);
            self.differs(before, after, plan);
        }
        if files.whole {
            for before in self.all_identities().await? {
                if before.active && !said.contains(&before.id) {
                    let after = Identity { active: false, ..before.clone() };
                    self.engine.store.load::<Identity>(before.id, &mut self.facts).await?;
                    self.differs(Some(before), after, plan);
                }
            }
        }
        Ok(())
    }

    /// Nobody comes by the login of somebody else, unless that one gives it up in the same change.
    async fn logins_are_free(&mut self, people: &[PersonLine], named: &Named) -> Result<(), Error> {
        distinct_logins(people)?;
        for line in people {
            for login in &line.logins {
                let Some(holder) = self.engine.store.identity_with_login(login).await? else {
                    continue;
                };
                let said = |one: &&PersonLine| named.identity(&one.handle, "person") == Ok(holder);
                if people.iter().find(said).is_none() {
                    let holder = self.profile(holder).await?.handle;
                    return Err(taken_login(&line.handle, login, &holder).into());
                }
            }
        }
        Ok(())
    }

    fn differs(&mut self, before: Option<Identity>, after: Identity, plan: &mut Plan) {
        if before.as_ref() != Some(&after) {
            let (before, after) = (before.map(Box::new), Box::new(after));
            plan.changes.planned.push(self.planned(Change::Identity { before, after }));
        }
    }

    async fn all_identities(&mut self) -> Result<Vec<Identity>, Error> {
        let mut all: Vec<Identity> = Vec::new();
        self.engine
            .store
            .note_set(placet_domain::state::IDENTITIES.to_owned(), &mut self.facts)
            .await?;
        loop {
            let after = all.last().map(|one| one.id.to_string());
            let page = Page { limit: Some(LARGEST_PAGE), after };
            let found = self.engine.store.identities(&page).await?;
            if found.is_empty() {
                return Ok(all);
            }
            all.extend(found);
        }
    }

    async fn plan_targets(
        &mut self,
        files: &Files,
        named: &Named,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let mut said = BTreeSet::new();
        for line in &files.catalogue.target {
            let after = line.target(named)?;
            said.insert(after.id);
            let before = self.engine.store.load::<Target>(after.id, &mut self.facts).await?;
            if before.as_ref() != Some(&after) {
                plan.changes.planned.push(self.planned(Change::Target { before, after }));
            }
        }
        if !files.whole {
            return Ok(());
        }
        let mut last = None;
        loop {
            let page = Page { limit: Some(LARGEST_PAGE), after: last.clone() };
            let found = self.engine.store.targets(&page).await?;
            let Some(end) = found.last() else { return Ok(()) };
            last = Some(end.name.to_string());
            for before in found {
                if before.retired || said.contains(&before.id) {
                    continue;
                }
                self.engine.store.load::<Target>(before.id, &mut self.facts).await?;
                let after = Target { retired: true, ..before.clone() };
                let change = Change::Target { before: Some(before), after };
                plan.changes.planned.push(self.planned(change));
            }
        }
    }

    async fn plan_entitlements(
        &mut self,
        files: &Files,
        named: &Named,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let mut said: BTreeMap<EntitlementId, Entitlement> = BTreeMap::new();
        for line in &files.catalogue.entitlement {
            let one = line.entitlement(named)?;
            said.insert(one.id, one);
        }
        let mut before: BTreeMap<EntitlementId, Entitlement> = BTreeMap::new();
        let beside: Vec<EntitlementId> =
            said.values().flat_map(|one| one.conflicts.iter().copied()).collect();
        for id in said.keys().copied().chain(beside) {
            let found = self.engine.store.load::<Entitlement>(id, &mut self.facts).await?;
            before.extend(found.map(|one| (id, one)));
        }
        let mut after = said.clone();
        // A conflict binds both ways, whichever of the two names it: with one that has a line here,
        // one of the lines must name it; with one that has none, what was agreed stays.
        for one in said.values() {
            for other in &one.conflicts {
                if let Some(known) = before.get(other) {
                    after.entry(*other).or_insert_with(|| known.clone());
                }
                if let Some(other) = after.get_mut(other) {
                    other.conflicts.insert(one.id);
                }
            }
            let known = before.get(&one.id).map(|one| one.conflicts.clone()).unwrap_or_default();
            let kept = known.into_iter().filter(|other| !said.contains_key(other));
            if let Some(one) = after.get_mut(&one.id) {
                one.conflicts.extend(kept);
            }
        }
        if files.whole {
            for one in self.all_entitlements().await? {
                if !said.contains_key(&one.id) {
                    let found =
                        self.engine.store.load::<Entitlement>(one.id, &mut self.facts).await?;
                    before.extend(found.map(|one| (one.id, one)));
                    after.entry(one.id).or_insert(one).retired = true;
                }
            }
        }
        for (id, after) in after {
            let before = before.get(&id).cloned();
            if before.as_ref() != Some(&after) {
                let (before, after) = (before.map(Box::new), Box::new(after));
                let change = Change::Entitlement { before, after };
                plan.changes.planned.push(self.planned(change));
            }
        }
        Ok(())
    }

    async fn all_entitlements(&mut self) -> Result<Vec<Entitlement>, Error> {
        let mut all: Vec<Entitlement> = Vec::new();
        loop {
            let after = all.last().map(|one| one.name.to_string());
            let page = Page { limit: Some(LARGEST_PAGE), after };
            let found = self.engine.store.entitlements(&page).await?;
            if found.is_empty() {
                return Ok(all);
            }
            all.extend(found);
        }
    }
}
