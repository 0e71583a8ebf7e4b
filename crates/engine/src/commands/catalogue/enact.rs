//! Enact: changes of the catalogue become events, and what they concern is to be gone through.

use std::collections::BTreeMap;

use placet_domain::catalogue::{Change, Changes};
use placet_domain::committed::Commitment;
use placet_domain::entitlement::Entitlement;
use placet_domain::handover::{self, Handover, Settled};
use placet_domain::id::{IdentityId, Stream, TargetId};
use placet_domain::identity::{Identity, Nature, Profile};
use placet_domain::target::Target;
use placet_domain::{Refusal, entitlement, identity, schedule, target, team};
use placet_store::{Round, Upkeep};

use crate::draft::Draft;
use crate::error::Error;

/// The records as they would be: whoever answers for something may be new in the same change.
#[derive(Default)]
struct After<'c> {
    identities: BTreeMap<IdentityId, &'c Identity>,
    targets: BTreeMap<TargetId, &'c Target>,
    entitlements: Vec<&'c Entitlement>,
}

impl<'c> After<'c> {
    fn of(changes: &'c Changes) -> Self {
        let mut after = Self::default();
        for planned in &changes.planned {
            match &planned.change {
                Change::Identity { after: one, .. } => {
                    after.identities.insert(one.id, one);
                }
                Change::Target { after: one, .. } => {
                    after.targets.insert(one.id, one);
                }
                Change::Entitlement { after: one, .. } => after.entitlements.push(one),
                Change::Team { .. } | Change::Schedule { .. } => {}
            }
        }
        after
    }
}

impl Draft<'_> {
    /// Drafts the events of all these changes; refuses what the records' own rules refuse.
    pub(super) async fn enact(
        &mut self,
        changes: &Changes,
        fresh: &BTreeMap<Commitment, Profile>,
    ) -> Result<(), Error> {
        let after = After::of(changes);
        for planned in &changes.planned {
            match &planned.change {
                Change::Team { before, after } => {
                    let command = match before {
                        None => team::Command::Register(after.clone()),
                        Some(_) => team::Command::Revise(after.clone()),
                    };
                    let events = team::decide(before.as_ref(), command)?;
                    let stream = planned.change.stream();
                    self.change(stream.clone(), stream, events);
                    if before.is_some() {
                        self.concerns(Stream::Organisation);
                    }
                }
                Change::Schedule { before, after } => {
                    let command = match before {
                        None => schedule::Command::Register(after.clone()),
                        Some(_) => schedule::Command::Revise(after.clone()),
                    };
                    let events = schedule::decide(before.as_ref(), command)?;
                    let stream = planned.change.stream();
                    self.change(stream.clone(), stream, events);
                }
                Change::Identity { before, after: one } => {
                    self.enact_identity(before.as_deref(), one, &after, fresh).await?;
                }
                Change::Target { before, after: one } => {
                    self.enact_target(before.as_ref(), one, &after).await?;
                }
                Change::Entitlement { before, after: one } => {
                    self.enact_entitlement(before.as_deref(), one, &after).await?;
                }
            }
        }
        Ok(())
    }

    /// The live grants and open requests that a changed record concerns are gone through after.
    pub(crate) fn concerns(&mut self, what: Stream) {
        for what in [Round::Rerule(what.clone()), Round::Reroute(what)] {
            self.begin(what);
        }
    }

    /// Begins a round, in the transaction of the change that asks for it.
    pub(crate) fn begin(&mut self, what: Round) {
        let begin = Upkeep::Begin { what, due_at: self.now };
        if !self.commit.upkeep.contains(&begin) {
            self.commit.upkeep.push(begin);
        }
    }

    async fn someone_after(
        &mut self,
        id: IdentityId,
        after: &After<'_>,
    ) -> Result<Option<Identity>, Error> {
        match after.identities.get(&id) {
            Some(one) => Ok(Some((*one).clone())),
            None => Ok(self.engine.store.load::<Identity>(id, &mut self.facts).await?),
        }
    }

    async fn enact_identity(
        &mut self,
        before: Option<&Identity>,
        one: &Identity,
        after: &After<'_>,
        fresh: &BTreeMap<Commitment, Profile>,
    ) -> Result<(), Error> {
        let id = one.id;
        if let Some(before) = before
            && before.active
            && *one == (Identity { active: false, ..before.clone() })
        {
            let events = identity::decide(Some(before), identity::Command::Deactivate)?;
            self.change(id, id, events);
            return self.leaves(before).await;
        }
        let answers = match &one.is {
            Nature::Workload { owner, .. } => Some(*owner),
            Nature::Human { external, .. } => external.as_ref().map(|external| external.sponsor),
        };
        let answerable = match answers {
            Some(id) => self.someone_after(id, after).await?,
            None => None,
        };
        let (identity, answerable) = (one.clone(), answerable.as_ref());
        let command = match before {
            None => identity::Command::Register { identity, answerable },
            Some(_) => identity::Command::Revise { identity, answerable },
        };
        self.change(id, id, identity::decide(before, command)?);
        if before.is_none_or(|before| before.profile != one.profile) {
            let profile = match fresh.get(&one.profile.commitment()) {
                Some(profile) => Some(profile.clone()),
                None => self.engine.store.disclosed(&one.profile).await?,
            };
            let erased = || Refusal::UnknownIdentity { given: id.to_string() };
            self.commit.profiles.push((id, profile.ok_or_else(erased)?));
        }
        let Some(before) = before else {
            if !one.teams.is_empty() {
                self.begin(Round::Reroute(Stream::Organisation));
            }
            return Ok(());
        };
        if before.active && !one.active {
            return self.leaves(before).await;
        }
        self.concerns(Stream::Identity(id));
        // Who may agree to anything may be others now.
        if before.teams != one.teams || before.active != one.active {
            self.begin(Round::Reroute(Stream::Organisation));
        }
        if before.owner() != one.owner() {
            self.settle_handovers(&Stream::Identity(id), one.owner()).await?;
        }
        Ok(())
    }

    async fn enact_target(
        &mut self,
        before: Option<&Target>,
        one: &Target,
        after: &After<'_>,
    ) -> Result<(), Error> {
        let id = one.id;
        let live = self.engine.store.live_on(id, &mut self.facts).await?;
        if one.retired {
            self.offers_nothing(one, after).await?;
        } else {
            self.can_be_set_up(one)?;
        }
        let owner = self.someone_after(one.owner, after).await?;
        let (target, owner) = (one.clone(), owner.as_ref());
        let command = match before {
            None => target::Command::Register { target, owner },
            Some(before) if *one == (Target { retired: true, ..before.clone() }) => {
                target::Command::Retire { live: &live }
            }
            Some(_) => target::Command::Revise { target, owner, live: &live },
        };
        self.change(id, id, target::decide(before, command)?);
        let passes = before.is_some_and(|before| before.owner != one.owner);
        if one.retired || passes {
            let owner = (!one.retired).then_some(one.owner);
            self.settle_handovers(&Stream::Target(id), owner).await?;
        }
        Ok(())
    }

    /// What is retired must have nothing on it that could still be asked for.
    async fn offers_nothing(&mut self, target: &Target, after: &After<'_>) -> Result<(), Error> {
        let on = self.engine.store.entitlements_on(target.id, &mut self.facts).await?;
        let offered = on.iter().find(|one| {
            let changed = after.entitlements.iter().find(|other| other.id == one.id);
            !changed.map_or(one.retired, |changed| changed.retired)
        });
        match offered {
            None => Ok(()),
            Some(one) => {
                let what = format!(
                    "target `{}` cannot be retired while `{}` on it is offered",
                    target.name, one.name
                );
                Err(Refusal::Unreadable { what }.into())
            }
        }
    }

    async fn enact_entitlement(
        &mut self,
        before: Option<&Entitlement>,
        one: &Entitlement,
        after: &After<'_>,
    ) -> Result<(), Error> {
        let id = one.id;
        let target = match after.targets.get(&one.terms.target) {
            Some(target) => Some((*target).clone()),
            None => self.engine.store.load::<Target>(one.terms.target, &mut self.facts).await?,
        };
        let owner = self.someone_after(one.owner, after).await?;
        let entitlement = Box::new(one.clone());
        let (owner, target) = (owner.as_ref(), target.as_ref());
        let command = match before {
            None => entitlement::Command::Register { entitlement, owner, target },
            Some(before) if *one == (Entitlement { retired: true, ..before.clone() }) => {
                entitlement::Command::Retire
            }
            Some(_) => entitlement::Command::Revise { entitlement, owner, target },
        };
        self.change(id, id, entitlement::decide(before, command)?);
        let Some(before) = before else { return Ok(()) };
        self.concerns(Stream::Entitlement(id));
        if one.retired || before.owner != one.owner {
            let owner = (!one.retired).then_some(one.owner);
            self.settle_handovers(&Stream::Entitlement(id), owner).await?;
        }
        Ok(())
    }

    /// What waited to be handed over has another owner now; or none, because it is gone.
    pub(crate) async fn settle_handovers(
        &mut self,
        what: &Stream,
        owner: Option<IdentityId>,
    ) -> Result<(), Error> {
        let how = if owner.is_some() { Settled::PassedOn } else { Settled::Gone };
        for id in self.engine.store.handovers_on(what).await? {
            let found = self.engine.store.load::<Handover>(id, &mut self.facts).await?;
            let events = handover::decide(found.as_ref(), handover::Command::Settle(how))?;
            self.change(id, id, events);
        }
        Ok(())
    }
}
