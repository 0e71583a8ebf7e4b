//! Leave: one event ends what somebody holds, takes back what they asked for, and hands on what
//! they answer for. What does not fit into one commit, a worker goes on with.

use placet_domain::Refusal;
use placet_domain::entitlement::{self, Entitlement};
use placet_domain::grant::{Reason, State};
use placet_domain::handover::{self, Heir, Opened, SETTLE_SECONDS};
use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::{self, External, Identity, Nature};
use placet_domain::name::StageName;
use placet_domain::request;
use placet_domain::route::Candidates;
use placet_domain::target::{self, Target};
use placet_store::Round;

use crate::draft::Draft;
use crate::error::Error;

/// The most of each kind that one commit goes through.
const BATCH: usize = 64;
/// How many are tried as heirs of last resort.
const HEIRS: u32 = 20;
/// The stage whose people answer when nobody nearer is left.
const SECURITY: &str = "security";

/// How far a leaver's affairs have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Settled {
    /// What was done in this commit.
    pub done: usize,
    /// There is more, or something found no heir.
    pub more: bool,
}

impl Draft<'_> {
    /// Somebody is active no longer: everything that follows, or its beginning.
    pub(crate) async fn leaves(&mut self, leaver: &Identity) -> Result<(), Error> {
        let settled = self.settle_affairs(leaver).await?;
        if settled.more {
            self.begin(Round::Leave(leaver.id));
        }
        self.begin(Round::Reroute(Stream::Identity(leaver.id)));
        self.settle_handovers(&Stream::Identity(leaver.id), None).await
    }

    /// Goes through a batch of what a leaver held, asked for and answers for.
    pub(crate) async fn settle_affairs(&mut self, leaver: &Identity) -> Result<Settled, Error> {
        let mut settled = self.end_holdings(leaver.id).await?;
        for part in [self.take_back_asks(leaver.id).await?, self.hand_on(leaver).await?] {
            settled.done += part.done;
            settled.more |= part.more;
        }
        Ok(settled)
    }

    async fn end_holdings(&mut self, leaver: IdentityId) -> Result<Settled, Error> {
        let held = self.engine.store.holdings(leaver, &mut self.facts).await?;
        // One that is ending already needs no second order.
        let held: Vec<_> = held.into_iter().filter(|one| one.state != State::Ending).collect();
        for one in held.iter().take(BATCH) {
            let grant = self.grant(one.id).await?;
            self.end(&grant, Reason::HolderLeft)?;
        }
        Ok(Settled { done: held.len().min(BATCH), more: held.len() > BATCH })
    }

    async fn take_back_asks(&mut self, leaver: IdentityId) -> Result<Settled, Error> {
        let limit = u32::try_from(BATCH + 1).unwrap_or(u32::MAX);
        let open = self.engine.store.open_requests_of(&[leaver], limit, &mut self.facts).await?;
        for id in open.iter().take(BATCH) {
            let request = self.request(*id).await?;
            let command = request::Command::Withdraw { by: leaver };
            let events = request::decide(Some(&request), command, self.now)?;
            self.change(request.id, request.id, events);
            self.commit.waiting.push((request.id, Candidates::new()));
        }
        Ok(Settled { done: open.len().min(BATCH), more: open.len() > BATCH })
    }

    /// Whatever somebody answers for passes at once to whoever is nearest (law 7). Open requests find
    /// their way past the new owner; what is held by others was agreed to, and goes on.
    async fn hand_on(&mut self, leaver: &Identity) -> Result<Settled, Error> {
        let limit = u32::try_from(BATCH + 1).unwrap_or(u32::MAX);
        let answers = self.engine.store.answered_by(leaver.id, limit).await?;
        let full = [
            answers.workloads.len(),
            answers.entitlements.len(),
            answers.targets.len(),
            answers.people.len(),
        ];
        let mut settled = Settled { done: 0, more: full.iter().any(|count| *count > BATCH) };
        for id in answers.workloads.into_iter().take(BATCH) {
            settled.count(self.hand_on_workload(leaver, id).await?);
        }
        for id in answers.targets.into_iter().take(BATCH) {
            settled.count(self.hand_on_target(leaver, id).await?);
        }
        for id in answers.entitlements.into_iter().take(BATCH) {
            settled.count(self.hand_on_entitlement(leaver, id).await?);
        }
        for id in answers.people.into_iter().take(BATCH) {
            settled.count(self.hand_on_person(leaver, id).await?);
        }
        Ok(settled)
    }

    /// A record that this very commit changes already is read as it will be.
    async fn hand_on_workload(&mut self, leaver: &Identity, id: IdentityId) -> Result<bool, Error> {
        let found = self.engine.store.load::<Identity>(id, &mut self.facts).await?;
        let Some(workload) = found else { return Ok(true) };
        let Nature::Workload { kind, purpose, .. } = workload.is.clone() else { return Ok(true) };
        let Some((heir, to)) = self.heir(leaver, None).await? else { return Ok(false) };
        let after =
            Identity { is: Nature::Workload { kind, owner: to.id, purpose }, ..workload.clone() };
        let command = identity::Command::Revise { identity: after, answerable: Some(&to) };
        self.change(id, id, identity::decide(Some(&workload), command)?);
        self.begin(Round::Reroute(Stream::Identity(id)));
        self.open_handover(Stream::Identity(id), leaver.id, to.id, heir).await?;
        Ok(true)
    }

    async fn hand_on_target(
        &mut self,
        leaver: &Identity,
        id: placet_domain::id::TargetId,
    ) -> Result<bool, Error> {
        let found = self.engine.store.load::<Target>(id, &mut self.facts).await?;
        let Some(before) = found else { return Ok(true) };
        let Some((heir, to)) = self.heir(leaver, None).await? else { return Ok(false) };
        let target = Target { owner: to.id, ..before.clone() };
        let command = target::Command::Revise { target, owner: Some(&to), live: &[] };
        self.change(id, id, target::decide(Some(&before), command)?);
        self.open_handover(Stream::Target(id), leaver.id, to.id, heir).await?;
        Ok(true)
    }

    async fn hand_on_entitlement(
        &mut self,
        leaver: &Identity,
        id: placet_domain::id::EntitlementId,
    ) -> Result<bool, Error> {
        let found = self.engine.store.load::<Entitlement>(id, &mut self.facts).await?;
        let Some(before) = found else { return Ok(true) };
        let target = self.engine.store.load::<Target>(before.terms.target, &mut self.facts).await?;
        let Some((heir, to)) = self.heir(leaver, target.as_ref()).await? else {
            return Ok(false);
        };
        let entitlement = Box::new(Entitlement { owner: to.id, ..before.clone() });
        let command =
            entitlement::Command::Revise { entitlement, owner: Some(&to), target: target.as_ref() };
        self.change(id, id, entitlement::decide(Some(&before), command)?);
        self.begin(Round::Reroute(Stream::Entitlement(id)));
        self.open_handover(Stream::Entitlement(id), leaver.id, to.id, heir).await?;
        Ok(true)
    }

    /// Those who reported to the leaver report to the leaver's manager; whoever sponsored somebody
    /// from outside hands that on as well.
    async fn hand_on_person(&mut self, leaver: &Identity, id: IdentityId) -> Result<bool, Error> {
        let found = self.engine.store.load::<Identity>(id, &mut self.facts).await?;
        let Some(before) = found else { return Ok(true) };
        let Nature::Human { manager, external } = before.is.clone() else { return Ok(true) };
        let Some((_, to)) = self.heir(leaver, None).await? else { return Ok(false) };
        let manager = match manager {
            Some(known) if known == leaver.id => Some(to.id).filter(|heir| *heir != id),
            known => known,
        };
        let external = external.map(|one| match one.sponsor == leaver.id {
            true => External { sponsor: to.id, ..one },
            false => one,
        });
        let sponsor = match &external {
            Some(external) => {
                self.engine.store.load::<Identity>(external.sponsor, &mut self.facts).await?
            }
            None => None,
        };
        let after = Identity { is: Nature::Human { manager, external }, ..before.clone() };
        let command = identity::Command::Revise { identity: after, answerable: sponsor.as_ref() };
        self.change(id, id, identity::decide(Some(&before), command)?);
        self.begin(Round::Reroute(Stream::Identity(id)));
        Ok(true)
    }

    /// Who answers next: the leaver's manager, the owner of the target, a security reviewer, an
    /// administrator of the founding.
    async fn heir(
        &mut self,
        leaver: &Identity,
        target: Option<&Target>,
    ) -> Result<Option<(Heir, Identity)>, Error> {
        let mut ways: Vec<(Heir, IdentityId)> = Vec::new();
        ways.extend(leaver.manager().map(|id| (Heir::Manager, id)));
        ways.extend(target.map(|target| (Heir::TargetOwner, target.owner)));
        if let Ok(stage) = SECURITY.parse::<StageName>()
            && let Ok(policies) = self.policies().await
        {
            for team in policies.candidate_teams(&stage) {
                let members = self.engine.store.first_members(&team, HEIRS).await?;
                ways.extend(members.into_iter().map(|id| (Heir::Security, id)));
            }
        }
        if let Some(organisation) = self.engine.store.organisation(&mut self.facts).await? {
            let founders = organisation.founded.administrators.into_iter();
            ways.extend(founders.map(|id| (Heir::Administrator, id)));
        }
        for (way, id) in ways {
            let found = self.engine.store.load::<Identity>(id, &mut self.facts).await?;
            let Some(found) = found else { continue };
            if handover::heir(leaver.id, [(way, &found)], self.now).is_some() {
                return Ok(Some((way, found)));
            }
        }
        Ok(None)
    }

    async fn open_handover(
        &mut self,
        what: Stream,
        from: IdentityId,
        to: IdentityId,
        heir: Heir,
    ) -> Result<(), Error> {
        // Whoever had it for a while only passes it on.
        self.settle_handovers(&what, Some(to)).await?;
        let id = self.engine.environment.id();
        let settle_by = self.now.plus_seconds(SETTLE_SECONDS);
        let opened = Opened { handover: id, what, from, to, heir, settle_by };
        let events = handover::decide(None, handover::Command::Open(opened))?;
        self.change(id, id, events);
        Ok(())
    }
}

impl Settled {
    fn count(&mut self, found_heir: bool) {
        self.done += usize::from(found_heir);
        self.more |= !found_heir;
    }
}

/// The contract of somebody from outside is over: they leave like everybody else.
pub(crate) struct EndContract {
    pub identity: IdentityId,
}

#[async_trait::async_trait]
impl crate::draft::Command for EndContract {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let id = self.identity;
        let found = draft.engine.store.load::<Identity>(id, &mut draft.facts).await?;
        let found = found.ok_or(Refusal::UnknownIdentity { given: id.to_string() })?;
        if found.is_active_at(draft.now) {
            return Ok(());
        }
        let events = identity::decide(Some(&found), identity::Command::Deactivate)?;
        draft.change(id, id, events);
        draft.leaves(&found).await
    }
}
