//! Unasked: what nobody approved and somebody ordered to be removed. Like any ending it asks no policy
//! and is tried until it is seen to be gone; but approved access is never taken for unapproved.

use placet_domain::Refusal;
use placet_domain::action::Outcome;
use placet_domain::actor::Worker;
use placet_domain::finding::{self, Finding, Resolution, Tried};
use placet_domain::grant::State;
use placet_domain::id::{ActionId, FindingId, TargetId};
use placet_domain::identity::Identity;
use placet_domain::name::AccountName;
use placet_domain::observation::{Binding, Scope, Seen};
use placet_ledger::RemovalOrder;
use placet_store::Facts;

use super::end::Resolve;
use super::lanes::{Lane, Pace};
use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Records that what was found is about to be removed.
struct IntendRemoval {
    finding: FindingId,
}

#[async_trait::async_trait]
impl Command for IntendRemoval {
    type Output = ActionId;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<ActionId, Error> {
        let found = draft.finding(self.finding).await?;
        let action = draft.engine.environment.id();
        let command = finding::Command::IntendRemoval { action };
        let events = finding::decide(Some(&found), command, draft.now)?;
        draft.change_finding(&found, events);
        Ok(action)
    }
}

/// Records how a try came out.
struct RecordTry {
    finding: FindingId,
    action: ActionId,
    outcome: Outcome,
}

#[async_trait::async_trait]
impl Command for RecordTry {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let found = draft.finding(self.finding).await?;
        let tried = Tried { action: self.action, outcome: self.outcome.clone() };
        let events = finding::decide(Some(&found), finding::Command::Tried(tried), draft.now)?;
        draft.change_finding(&found, events);
        Ok(())
    }
}

impl Engine {
    /// What was ordered to be removed from a target and is due to be tried.
    pub(super) async fn remove_found(
        &self,
        target: TargetId,
        pace: &Pace,
        stepped: &mut Stepped,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut last = None;
        loop {
            let page = self.store.findings_to_remove(target, now, last, BATCH).await?;
            let last_due = page.last().and_then(|one| Some((one.work_at?, one.id)));
            let full = page.len() >= BATCH as usize;
            *stepped += pace.each(page.into_iter().map(|one| self.remove_one(one))).await;
            last = last_due;
            if !full || pace.stop.is_now() {
                return Ok(());
            }
        }
    }

    async fn remove_one(&self, found: Finding) -> Stepped {
        match self.remove_unasked(&found).await {
            Ok(()) => Stepped { findings: 1, ..Stepped::default() },
            Err(error) => {
                tracing::warn!(finding = %found.id, %error, "what was found could not be removed yet");
                Stepped::postponed()
            }
        }
    }

    async fn remove_unasked(&self, found: &Finding) -> Result<(), Error> {
        let Some(binding) = self.binding_of(found).await? else { return Ok(()) };
        let reached = self.reach(Lane::End, found.opened.target).await?;
        let (granted, epoch) = self.granted(found, &reached.target.name, &binding).await?;
        let intend = IntendRemoval { finding: found.id };
        let action = self.run(actor(Worker::Expire), &intend).await?;
        let outcome = if granted {
            Outcome::Failed { why: "it has been approved meanwhile".to_owned() }
        } else {
            let order = RemovalOrder {
                action,
                epoch,
                grant: None,
                entitlement: found.opened.entitlement,
                target: found.opened.target,
                native: binding.native.clone(),
                account: binding.account.clone(),
                issued: None,
                at: self.clock.now(),
            };
            self.within_deadline(&reached, reached.connector.remove(order)).await
        };
        let done = outcome == Outcome::Done;
        let record = RecordTry { finding: found.id, action, outcome };
        self.run(actor(Worker::Expire), &record).await?;
        let looked = self.look(&reached, Scope::Binding(binding.clone())).await;
        if done && looked.observation.says(&binding) == Seen::Absent {
            let resolution = Resolution::SeenRight { sighting: looked.observation.cite() };
            self.run(actor(Worker::Observe), &Resolve { finding: found.id, resolution }).await?;
        }
        Ok(())
    }

    /// What a finding is about on its target; none once the account was erased.
    async fn binding_of(&self, found: &Finding) -> Result<Option<Binding>, Error> {
        let entitlement = self
            .store
            .load::<placet_domain::entitlement::Entitlement>(
                found.opened.entitlement,
                &mut Facts::default(),
            )
            .await?;
        let account: Option<AccountName> = match &found.opened.account {
            Some(account) => self.store.disclosed(account).await?,
            None => None,
        };
        let native = entitlement.map(|one| one.terms.native);
        Ok(native.zip(account).map(|(native, account)| Binding { native, account }))
    }

    /// Whether a live grant covers the binding now, and the epoch of the next action on it.
    async fn granted(
        &self,
        found: &Finding,
        target: &placet_domain::name::TargetName,
        binding: &Binding,
    ) -> Result<(bool, u64), Error> {
        let mut granted = false;
        let mut epoch = 0;
        for holder in self.holders_of(target, &binding.account).await? {
            let (grants, version) = self
                .store
                .overlapping(holder.id, found.opened.entitlement, &mut Facts::default())
                .await?;
            granted |= grants.iter().any(|one| one.state != State::Approved);
            epoch = epoch.max(version);
        }
        Ok((granted, epoch))
    }

    /// Whose account this is, by the profiles that the ledger commits to.
    pub(crate) async fn holders_of(
        &self,
        target: &placet_domain::name::TargetName,
        account: &AccountName,
    ) -> Result<Vec<Identity>, Error> {
        let mut holders = Vec::new();
        for id in self.store.identities_with_account(target, account).await? {
            let unknown = || Refusal::UnknownIdentity { given: id.to_string() };
            let identity = self.store.load::<Identity>(id, &mut Facts::default()).await?;
            let identity = identity.ok_or_else(unknown)?;
            let profile = self.store.disclosed(&identity.profile).await?;
            if profile.is_some_and(|profile| profile.account_on(target) == *account) {
                holders.push(identity);
            }
        }
        Ok(holders)
    }
}
