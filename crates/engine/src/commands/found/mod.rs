//! Found: the genesis of an organisation, from a catalogue file that people wrote and read. It
//! names two administrators, who log in by one-time codes.

mod lines;
mod named;

use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::bundle::Bundle;
use placet_domain::canonical;
use placet_domain::credential::{self, Kind, longest_seconds};
use placet_domain::entitlement::{self, Entitlement};
use placet_domain::id::{EntitlementId, IdentityId, Stream};
use placet_domain::identity::{self, Identity, Profile};
use placet_domain::organisation::{self, Founded};
use placet_domain::schedule;
use placet_domain::target::{self, Target};
use placet_domain::team::{self, Team};

use super::bundle::validate;
use super::login::Given;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::secret::Secret;

pub use lines::{Catalogue, EntitlementLine, PersonLine, TargetLine, TeamLine, WorkloadLine};
pub(crate) use lines::{distinct_logins, taken_login};
pub(crate) use named::{Named, wrong};

/// Makes the organisation; possible once in the life of a ledger.
#[derive(Clone, Debug)]
pub struct FoundOrganisation {
    pub catalogue: Catalogue,
    pub bundle: Bundle,
}

#[async_trait::async_trait]
impl Command for FoundOrganisation {
    type Output = Vec<Given>;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Vec<Given>, Error> {
        let organisation = draft.engine.store.organisation(&mut draft.facts).await?;
        validate(&self.bundle)?;
        let digest = self.bundle.digest()?;
        let mut named = Named::fresh(&self.catalogue, draft.engine)?;
        // Whoever answers for others comes first.
        let mut changes = self.teams(&named)?;
        changes.extend(self.schedules()?);
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
        provider: None,
        passkey: None,
        scopes: Default::default(),
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
    fn schedules(&self) -> Result<Changes, Error> {
        let mut out = Changes::new();
        for line in &self.catalogue.schedule {
            let decided = schedule::decide(None, schedule::Command::Register(line.clone()))?;
            out.push((Stream::Schedule(line.name.clone()), events(decided)));
        }
        Ok(out)
    }

    fn teams(&self, named: &Named) -> Result<Changes, Error> {
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
        distinct_logins(&self.catalogue.person)?;
        for line in inside.into_iter().chain(outside) {
            let profile = line.profile()?;
            let id = named.identity(&line.handle, "person")?;
            let sealed = draft.seal(&profile, "profile", id)?;
            let (identity, sponsor) = line.identity(sealed, named)?;
            out.push(Self::register(draft, named, profile, identity, sponsor)?);
        }
        Ok(out)
    }

    fn workloads(&self, draft: &mut Draft<'_>, named: &mut Named) -> Result<Changes, Error> {
        let mut out = Changes::new();
        for line in &self.catalogue.workload {
            let profile = line.profile();
            let id = named.identity(&line.handle, "workload")?;
            let sealed = draft.seal(&profile, "profile", id)?;
            let (identity, owner) = line.identity(sealed, named)?;
            out.push(Self::register(draft, named, profile, identity, owner)?);
        }
        Ok(out)
    }

    fn targets(&self, draft: &mut Draft<'_>, named: &Named) -> Result<Changes, Error> {
        let mut out = Changes::new();
        for line in &self.catalogue.target {
            let target = line.target(named)?;
            draft.can_be_set_up(&target)?;
            let (id, owner) = (target.id, named.built.get(&target.owner));
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
        let id = entitlement.terms.target;
        let line =
            self.catalogue.target.iter().find(|one| named.targets.get(&one.name) == Some(&id));
        line.and_then(|line| line.target(named).ok())
    }
}

impl Draft<'_> {
    /// What cannot be set up is a mistake in the file, not a target that is down.
    pub(crate) fn can_be_set_up(&self, target: &Target) -> Result<(), Error> {
        match self.engine.connector(target) {
            Ok(_) => Ok(()),
            Err(error) => Err(wrong(format!("target `{}`: {error}", target.name)).into()),
        }
    }
}

impl Engine {
    /// Makes every target ready. What cannot be is a mistake in the file.
    async fn set_up(&self, catalogue: &Catalogue) -> Result<(), Error> {
        for line in &catalogue.target {
            // What cannot even be built is refused with the rest of the file.
            let Ok(connector) = self.registry.build(&line.connector, &line.settings) else {
                continue;
            };
            let ready = connector.set_up(self.clock.now()).await;
            ready.map_err(|why| wrong(format!("target `{}`: {why}", line.name)))?;
        }
        Ok(())
    }

    /// Founds the organisation and answers with its administrators' first login codes.
    pub async fn found(&self, catalogue: Catalogue, bundle: Bundle) -> Result<Vec<Given>, Error> {
        self.set_up(&catalogue).await?;
        self.run(Actor::Founding, &FoundOrganisation { catalogue, bundle }).await
    }
}
