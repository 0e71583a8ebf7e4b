//! Words: what the ids and commitments in a change stand for, for those who read it.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::catalogue::{Change, Changes, Names};
use placet_domain::committed::{Commitment, Committed};
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{EntitlementId, IdentityId, TargetId};
use placet_domain::identity::{Identity, Nature, Profile};
use placet_domain::target::Target;
use placet_store::Facts;

use crate::Engine;
use crate::error::Error;

/// The ids that a change names.
#[derive(Default)]
struct Mentioned {
    identities: BTreeSet<IdentityId>,
    targets: BTreeSet<TargetId>,
    entitlements: BTreeSet<EntitlementId>,
}

impl Mentioned {
    fn identity(&mut self, one: &Identity) {
        match &one.is {
            Nature::Human { manager, external } => {
                self.identities.extend(manager);
                self.identities.extend(external.as_ref().map(|external| external.sponsor));
            }
            Nature::Workload { owner, .. } => {
                self.identities.insert(*owner);
            }
        }
    }

    fn entitlement(&mut self, one: &Entitlement) {
        self.identities.insert(one.owner);
        self.targets.insert(one.terms.target);
        self.entitlements.extend(&one.conflicts);
    }
}

impl Engine {
    /// Names for everything in `changes`; `fresh` are profiles that are not stored yet.
    pub(crate) async fn names_in(
        &self,
        changes: &Changes,
        fresh: &BTreeMap<Commitment, Profile>,
    ) -> Result<Names, Error> {
        let mut names = Names::default();
        let mut mentioned = Mentioned::default();
        for planned in &changes.planned {
            match &planned.change {
                Change::Team { .. } | Change::Schedule { .. } => {}
                Change::Identity { before, after } => {
                    for one in before.iter().chain(std::iter::once(after)) {
                        mentioned.identity(one);
                        self.open_profile(&one.profile, fresh, &mut names).await?;
                    }
                    let known = names.profiles.get(&after.profile.commitment());
                    if let Some(handle) = known.map(|profile| profile.handle.to_string()) {
                        names.identities.insert(after.id, handle);
                    }
                }
                Change::Target { before, after } => {
                    mentioned.identities.extend(before.iter().map(|one| one.owner));
                    mentioned.identities.insert(after.owner);
                    names.targets.insert(after.id, after.name.to_string());
                }
                Change::Entitlement { before, after } => {
                    for one in before.iter().chain(std::iter::once(after)) {
                        mentioned.entitlement(one);
                    }
                    names.entitlements.insert(after.id, after.name.to_string());
                }
            }
        }
        self.name(mentioned, names).await
    }

    async fn open_profile(
        &self,
        profile: &Committed<Profile>,
        fresh: &BTreeMap<Commitment, Profile>,
        names: &mut Names,
    ) -> Result<(), Error> {
        let commitment = profile.commitment();
        let opened = match fresh.get(&commitment) {
            Some(profile) => Some(profile.clone()),
            None => self.store.disclosed(profile).await?,
        };
        names.profiles.extend(opened.map(|profile| (commitment, profile)));
        Ok(())
    }

    async fn name(&self, mentioned: Mentioned, mut names: Names) -> Result<Names, Error> {
        for id in mentioned.identities {
            if names.identities.contains_key(&id) {
                continue;
            }
            let found = self.store.load::<Identity>(id, &mut Facts::default()).await?;
            let Some(found) = found else { continue };
            if let Some(profile) = self.store.disclosed(&found.profile).await? {
                names.identities.insert(id, profile.handle.to_string());
            }
        }
        for id in mentioned.targets {
            let found = self.store.load::<Target>(id, &mut Facts::default()).await?;
            names.targets.extend(found.map(|target| (id, target.name.to_string())));
        }
        for id in mentioned.entitlements {
            let found = self.store.load::<Entitlement>(id, &mut Facts::default()).await?;
            names.entitlements.extend(found.map(|one| (id, one.name.to_string())));
        }
        Ok(names)
    }
}
