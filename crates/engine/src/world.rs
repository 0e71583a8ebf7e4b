//! What a ruling needs to know, loaded by key and noted in the draft's facts.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::entitlement::Entitlement;
use placet_domain::id::{EntitlementId, IdentityId};
use placet_domain::identity::Identity;
use placet_domain::name::{StageName, TeamName};
use placet_domain::route::{Candidates, Route};
use placet_domain::team::Team;
use placet_domain::{Refusal, independence, state};
use placet_policy::{Asking, Policies, World};
use placet_store::Page;

use crate::draft::Draft;
use crate::error::Error;

/// Facts for rulings: a slice of the organisation around one ask.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub identities: BTreeMap<IdentityId, Identity>,
    pub teams: BTreeMap<TeamName, Team>,
    pub entitlements: BTreeMap<EntitlementId, Entitlement>,
    pub holdings: BTreeMap<IdentityId, BTreeSet<EntitlementId>>,
}

/// How far up managers and owners are followed.
const LEVELS: u32 = 3;

impl Around {
    pub(crate) fn world(&self) -> World<'_> {
        World {
            identities: &self.identities,
            teams: &self.teams,
            entitlements: &self.entitlements,
            holdings: &self.holdings,
        }
    }

    pub(crate) fn identity(&self, id: IdentityId) -> Result<&Identity, Refusal> {
        self.identities.get(&id).ok_or(Refusal::UnknownIdentity { given: id.to_string() })
    }

    pub(crate) fn entitlement(&self, id: EntitlementId) -> Result<&Entitlement, Refusal> {
        let unknown = || Refusal::UnknownEntitlement { given: id.to_string(), hint: String::new() };
        self.entitlements.get(&id).ok_or_else(unknown)
    }

    /// Who is here already stays as they were read first.
    fn add(&mut self, identities: impl IntoIterator<Item = Identity>) {
        for identity in identities {
            self.identities.entry(identity.id).or_insert(identity);
        }
    }

    /// Whether an identity is here, with everybody so many levels up.
    fn has_those_above(&self, id: IdentityId, levels: u32) -> bool {
        levels == 0
            || self.identities.get(&id).is_some_and(|one| {
                let mut above = one.manager().into_iter().chain(one.owner());
                above.all(|next| self.has_those_above(next, levels - 1))
            })
    }

    /// Law 2: those who may never approve.
    pub(crate) fn excluded(
        &self,
        requester: IdentityId,
        receiver: IdentityId,
    ) -> Result<BTreeSet<IdentityId>, Refusal> {
        let (requester, receiver) = (self.identity(requester)?, self.identity(receiver)?);
        Ok(independence::excluded(requester, receiver, &self.identities))
    }

    /// The teams whose members belong to one of `teams`: they and those within them.
    pub(crate) fn within(&self, teams: BTreeSet<TeamName>) -> BTreeSet<TeamName> {
        let mut out = teams;
        loop {
            let more: Vec<TeamName> = self
                .teams
                .values()
                .filter(|team| !out.contains(&team.name) && !out.is_disjoint(&team.within))
                .map(|team| team.name.clone())
                .collect();
            if more.is_empty() {
                return out;
            }
            out.extend(more);
        }
    }
}

impl Draft<'_> {
    /// The ruling policies, compiled; the bundle that they come from is among the facts.
    pub(crate) async fn policies(&mut self) -> Result<std::sync::Arc<Policies>, Error> {
        if self.organisation.is_none() {
            self.organisation = self.engine.store.organisation(&mut self.facts).await?;
        }
        let unfounded = || Refusal::Founders { why: "it has not been founded".to_owned() };
        let bundle = self.organisation.as_ref().ok_or_else(unfounded)?.ruling_bundle;
        self.engine.policies(bundle).await
    }

    /// The slice around some identities, with their managers and owners above them, and the teams,
    /// which every ruling needs.
    pub(crate) async fn around(
        &mut self,
        people: impl IntoIterator<Item = IdentityId>,
    ) -> Result<Around, Error> {
        self.ground(people.into_iter().collect(), None).await
    }

    /// The same, with what one of them holds, for rules about conflicting duties.
    pub(crate) async fn around_holder(
        &mut self,
        people: BTreeSet<IdentityId>,
        holder: IdentityId,
    ) -> Result<Around, Error> {
        self.ground(people, Some(holder)).await
    }

    async fn ground(
        &mut self,
        people: BTreeSet<IdentityId>,
        holder: Option<IdentityId>,
    ) -> Result<Around, Error> {
        let store = &self.engine.store;
        let found = store.ground(&people, LEVELS, holder, &mut self.facts).await?;
        let mut around = Around::default();
        around.teams.extend(found.teams.into_iter().map(|team| (team.name.clone(), team)));
        around.add(found.identities);
        if let Some(holder) = holder {
            let held = found.held.iter().map(|grant| grant.approved.entitlement).collect();
            around.holdings.insert(holder, held);
        }
        if self.organisation.is_none() {
            self.organisation = found.organisation;
        }
        Ok(around)
    }

    /// Loads an identity with its managers and owners above it.
    pub(crate) async fn include(
        &mut self,
        around: &mut Around,
        id: IdentityId,
    ) -> Result<(), Error> {
        if !around.has_those_above(id, LEVELS) {
            let found = self.ground(BTreeSet::from([id]), None).await?;
            around.add(found.identities.into_values());
        }
        Ok(())
    }

    /// Everybody who might be eligible for these stages, as far as the policies name where such
    /// people come from; who really is, a ruling says.
    pub(crate) async fn include_candidates(
        &mut self,
        around: &mut Around,
        policies: &Policies,
        entitlement: &Entitlement,
        stages: &[StageName],
    ) -> Result<(), Error> {
        let mut teams = BTreeSet::new();
        let mut anybody = false;
        for sources in stages.iter().filter_map(|stage| policies.sources(stage)) {
            teams.extend(sources.teams.iter().cloned());
            if sources.owners {
                teams.insert(entitlement.owners.clone());
            }
            anybody |= sources.anybody;
        }
        let teams = around.within(teams);
        let mut found = self.engine.store.members(&teams, &mut self.facts).await?;
        if anybody {
            self.engine.store.note_set(state::IDENTITIES.to_owned(), &mut self.facts).await?;
            let page = Page { limit: Some(placet_store::LARGEST_PAGE), after: None };
            found.extend(self.engine.store.identities(&page).await?);
        }
        around.add(found);
        Ok(())
    }
}

/// The names of a route's stages.
pub(crate) fn stage_names(route: Option<&Route>) -> Vec<StageName> {
    match route {
        Some(Route::People { stages }) => stages.iter().map(|stage| stage.name.clone()).collect(),
        Some(Route::PreApproved { .. } | Route::BreakGlass { .. }) | None => Vec::new(),
    }
}

/// Who is eligible for the stages of a route, less those whom law 2 excludes.
pub(crate) fn independent_candidates(
    asking: &mut Asking<'_>,
    ask: &placet_policy::Ask,
    stages: &[StageName],
    excluded: &BTreeSet<IdentityId>,
) -> Candidates {
    let mut candidates = asking.candidates(ask, stages);
    for people in candidates.values_mut() {
        people.retain(|person| !excluded.contains(person));
    }
    candidates
}
