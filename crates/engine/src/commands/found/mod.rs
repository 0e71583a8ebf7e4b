//! Found: the genesis of an organisation, from a catalogue file that people wrote and read. It
//! names two administrators, who log in by one-time codes.

mod lines;

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::bundle::Bundle;
use placet_domain::canonical;
use placet_domain::credential::{self, Kind, longest_seconds};
use placet_domain::entitlement::{self, Entitlement};
use placet_domain::id::{EntitlementId, IdentityId, Stream, TargetId};
use placet_domain::identity::{self, External, Identity, Nature, Profile};
use placet_domain::name::{EntitlementName, Handle, TargetName, TeamName};
use placet_domain::organisation::{self, Founded};
use placet_domain::target::{self, Target};
use placet_domain::team::{self, Team};

use super::bundle::validate;
use super::login::Given;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::secret::Secret;

pub use lines::{Catalogue, EntitlementLine, PersonLine, TargetLine, TeamLine, WorkloadLine};

/// Makes the organisation; possible once in the life of a ledger.
#[derive(Clone, Debug)]
pub struct FoundOrganisation {
    pub catalogue: Catalogue,
    pub bundle: Bundle,
}

/// Names resolved to ids.
#[derive(Default)]
struct Named {
    identities: BTreeMap<Handle, IdentityId>,
    targets: BTreeMap<TargetName, TargetId>,
    entitlements: BTreeMap<EntitlementName, EntitlementId>,
    teams: BTreeSet<TeamName>,
    built: BTreeMap<IdentityId, Identity>,
}

fn wrong(what: String) -> Refusal {
    Refusal::Unreadable { what }
}

impl Named {
    fn of(catalogue: &Catalogue, engine: &Engine) -> Result<Self, Refusal> {
        let mut named = Self::default();
        let twice = |what: String| wrong(format!("{what} stands in the catalogue twice"));
        for team in &catalogue.team {
            if !named.teams.insert(team.name.clone()) {
                return Err(twice(format!("team `{}`", team.name)));
            }
        }
        let people = catalogue.person.iter().map(|one| &one.handle);
        for handle in people.chain(catalogue.workload.iter().map(|one| &one.handle)) {
            if named.identities.insert(handle.clone(), engine.environment.id()).is_some() {
                return Err(twice(format!("identity `{handle}`")));
            }
        }
        for target in &catalogue.target {
            if named.targets.insert(target.name.clone(), engine.environment.id()).is_some() {
                return Err(twice(format!("target `{}`", target.name)));
            }
        }
        for one in &catalogue.entitlement {
            if named.entitlements.insert(one.name.clone(), engine.environment.id()).is_some() {
                return Err(twice(format!("entitlement `{}`", one.name)));
            }
        }
        Ok(named)
    }

    fn identity(&self, handle: &Handle, whose: &str) -> Result<IdentityId, Refusal> {
        let unknown = || wrong(format!("{whose}: no identity is called `{handle}`"));
        self.identities.get(handle).copied().ok_or_else(unknown)
    }

    fn teams(&self, teams: &BTreeSet<TeamName>, whose: &str) -> Result<(), Refusal> {
        match teams.iter().find(|team| !self.teams.contains(*team)) {
            Some(team) => Err(wrong(format!("{whose}: no team is called `{team}`"))),
            None => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl Command for FoundOrganisation {
    type Output = Vec<Given>;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Vec<Given>, Error> {
        let organisation = draft.engine.store.organisation(&mut draft.facts).await?;
        validate(&self.bundle)?;
        let digest = self.bundle.digest()?;
        let mut named = Named::of(&self.catalogue, draft.engine)?;
        // Whoever answers for others comes first.
        let mut changes = self.teams(draft, &named)?;
        changes.extend(self.people(draft, &mut named)?);
        changes.extend(self.workloads(draft, &mut named)?);
        changes.extend(self.targets(draft, &named)?);
        changes.extend(self.entitlements(&named)?);

        let mut administrators = Vec::new();
        for handle in &self.catalogue.administrators {
            let id = named.identity(handle, "administrators")?;
            administrators.extend(named.built.get(&id).cloned());
        }
        let founded = Founded {
            verifier_key: draft.engine.store.verifier().to_string(),
            bundle: digest,
            catalogue: canonical::digest(&self.catalogue)?,
            administrators: administrators.iter().map(|one| one.id).collect(),
        };
        let command = organisation::Command::Found { founded, administrators: &administrators };
        let genesis = organisation::decide(organisation.as_ref(), command)?;
        draft.change(Stream::Organisation, Stream::Organisation, genesis);
        draft.commit.records.insert(digest, canonical::text(&self.bundle)?);
        for (stream, events) in changes {
            draft.change(stream.clone(), stream, events);
        }
        let mut given = Vec::new();
        for administrator in &administrators {
            given.push(first_code(draft, administrator)?);
        }
        Ok(given)
    }
}

/// The one-time code by which an administrator logs in for the first time.
fn first_code(draft: &mut Draft<'_>, holder: &Identity) -> Result<Given, Error> {
    let credential = draft.engine.environment.id();
    let secret = Secret::fresh(Kind::LoginCode, &*draft.engine.environment);
    let expires_at = draft.now.plus_seconds(longest_seconds(Kind::LoginCode));
    let issued = credential::Issued {
        credential,
        kind: Kind::LoginCode,
        holder: holder.id,
        fingerprint: secret.fingerprint(),
        expires_at,
        opened_by: None,
    };
    let events =
        credential::decide(None, credential::Command::Issue { issued, holder }, draft.now)?;
    draft.change(credential, credential, events);
    Ok(Given { credential, secret, holder: holder.id, expires_at })
}

type Changes = Vec<(Stream, Vec<placet_domain::event::Event>)>;

fn events<E: Into<placet_domain::event::Event>>(
    events: Vec<E>,
) -> Vec<placet_domain::event::Event> {
    events.into_iter().map(Into::into).collect()
}

impl FoundOrganisation {
    fn teams(&self, _draft: &mut Draft<'_>, named: &Named) -> Result<Changes, Error> {
        let mut out = Changes::new();
        for line in &self.catalogue.team {
            named.teams(&line.within, &format!("team `{}`", line.name))?;
            let team = Team { name: line.name.clone(), within: line.within.clone() };
            let decided = team::decide(None, team::Command::Register(team))?;
            out.push((Stream::Team(line.name.clone()), events(decided)));
        }
        Ok(out)
    }

    fn register(
        draft: &mut Draft<'_>,
        named: &mut Named,
        profile: Profile,
        identity: Identity,
        answerable: Option<IdentityId>,
    ) -> Result<(Stream, Vec<placet_domain::event::Event>), Error> {
        let id = identity.id;
        let answerable = answerable.and_then(|one| named.built.get(&one));
        let whose = profile.handle.to_string();
        let command = identity::Command::Register { identity: identity.clone(), answerable };
        let decided = identity::decide(None, command).map_err(|refusal| match refusal {
            Refusal::Unowned { .. } => Refusal::Unowned { what: format!("`{whose}`") },
            other => other,
        })?;
        named.built.insert(id, identity);
        draft.commit.profiles.push((id, profile));
        Ok((Stream::Identity(id), events(decided)))
    }

    fn people(&self, draft: &mut Draft<'_>, named: &mut Named) -> Result<Changes, Error> {
        // Those from inside first: they sponsor the others.
        let (inside, outside): (Vec<_>, Vec<_>) =
            self.catalogue.person.iter().partition(|one| one.sponsor.is_none());
        let mut out = Changes::new();
        for line in inside.into_iter().chain(outside) {
            let whose = format!("person `{}`", line.handle);
            named.teams(&line.teams, &whose)?;
            let id = named.identity(&line.handle, &whose)?;
            let manager =
                line.manager.as_ref().map(|one| named.identity(one, &whose)).transpose()?;
            let sponsor =
                line.sponsor.as_ref().map(|one| named.identity(one, &whose)).transpose()?;
            let external = match (sponsor, line.contract_ends) {
                (None, None) => None,
                (Some(sponsor), Some(contract_ends)) => Some(External { sponsor, contract_ends }),
                _ => {
                    let why = format!("{whose}: `sponsor` and `contract_ends` go together");
                    return Err(wrong(why).into());
                }
            };
            let profile = Profile {
                handle: line.handle.clone(),
                name: super::text("name", &line.name)?,
                accounts: line.accounts.clone(),
            };
            let identity = Identity {
                id,
                profile: draft.seal(&profile, "profile", id)?,
                is: Nature::Human { manager, external },
                teams: line.teams.clone(),
                active: true,
                risk: line.risk.min(100),
            };
            out.push(Self::register(draft, named, profile, identity, sponsor)?);
        }
        Ok(out)
    }

    fn workloads(&self, draft: &mut Draft<'_>, named: &mut Named) -> Result<Changes, Error> {
        let mut out = Changes::new();
        for line in &self.catalogue.workload {
            let whose = format!("workload `{}`", line.handle);
            named.teams(&line.teams, &whose)?;
            let id = named.identity(&line.handle, &whose)?;
            let owner = named.identity(&line.owner, &whose)?;
            let purpose = super::text("purpose", &line.purpose)?;
            if purpose.is_empty() || purpose.len() > 500 {
                let why = format!("{whose}: say in 1 to 500 characters what it is for (`purpose`)");
                return Err(wrong(why).into());
            }
            let profile = Profile {
                handle: line.handle.clone(),
                name: line.handle.to_string(),
                accounts: line.accounts.clone(),
            };
            let identity = Identity {
                id,
                profile: draft.seal(&profile, "profile", id)?,
                is: Nature::Workload { kind: line.kind, owner, purpose },
                teams: line.teams.clone(),
                active: true,
                risk: 0,
            };
            out.push(Self::register(draft, named, profile, identity, Some(owner))?);
        }
        Ok(out)
    }

    fn targets(&self, draft: &mut Draft<'_>, named: &Named) -> Result<Changes, Error> {
        let mut out = Changes::new();
        for line in &self.catalogue.target {
            let whose = format!("target `{}`", line.name);
            let unknown = || wrong(format!("{whose}: it has no id"));
            let id = *named.targets.get(&line.name).ok_or_else(unknown)?;
            let owner = named.identity(&line.owner, &whose)?;
            let target = Target {
                id,
                name: line.name.clone(),
                owner,
                connector: line.connector.clone(),
                settings: line.settings.clone(),
            };
            // What cannot be set up is a mistake in the file, not a target that is down.
            if let Err(error) = draft.engine.connector(&target) {
                return Err(wrong(format!("{whose}: {error}")).into());
            }
            let owner = named.built.get(&owner);
            let decided = target::decide(None, target::Command::Register { target, owner })?;
            out.push((Stream::Target(id), events(decided)));
        }
        Ok(out)
    }

    fn entitlements(&self, named: &Named) -> Result<Changes, Error> {
        let mut all = Vec::new();
        for line in &self.catalogue.entitlement {
            all.push(line.entitlement(named)?);
        }
        // A conflict binds both ways, whichever of the two names it.
        let pairs: Vec<(EntitlementId, EntitlementId)> =
            all.iter().flat_map(|one| one.conflicts.iter().map(|other| (*other, one.id))).collect();
        for one in &mut all {
            one.conflicts
                .extend(pairs.iter().filter(|(of, _)| *of == one.id).map(|(_, with)| *with));
        }
        let mut out = Changes::new();
        for entitlement in all {
            let (id, target) = (entitlement.id, self.target_of(&entitlement, named));
            let owner = named.built.get(&entitlement.owner);
            let entitlement = Box::new(entitlement);
            let command =
                entitlement::Command::Register { entitlement, owner, target: target.as_ref() };
            out.push((Stream::Entitlement(id), events(entitlement::decide(None, command)?)));
        }
        Ok(out)
    }

    fn target_of(&self, entitlement: &Entitlement, named: &Named) -> Option<Target> {
        let line = self
            .catalogue
            .target
            .iter()
            .find(|line| named.targets.get(&line.name) == Some(&entitlement.terms.target))?;
        Some(Target {
            id: entitlement.terms.target,
            name: line.name.clone(),
            owner: named.identities.get(&line.owner).copied()?,
            connector: line.connector.clone(),
            settings: line.settings.clone(),
        })
    }
}

impl Engine {
    /// Founds the organisation and answers with its administrators' first login codes.
    pub async fn found(&self, catalogue: Catalogue, bundle: Bundle) -> Result<Vec<Given>, Error> {
        self.run(Actor::Founding, &FoundOrganisation { catalogue, bundle }).await
    }
}
