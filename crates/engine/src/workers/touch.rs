//! Touching a target: a call with a deadline, and a look with its times. What a target answers is
//! recorded, never interpreted here.

use std::collections::BTreeMap;
use std::sync::Arc;

use placet_connectors::{Connector, Granted, Look};
use placet_domain::Refusal;
use placet_domain::action::Outcome;
use placet_domain::grant::{self, Grant};
use placet_domain::id::{ActionId, GrantId, TargetId};
use placet_domain::name::{AccountName, NativeId};
use placet_domain::observation::{Binding, Observation, Scope, Seen};
use placet_domain::target::Target;
use placet_store::Facts;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::lanes::Lane;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// A call is given up before it is over by its record, in seconds: so no effect begins later.
const CALL_SECONDS: u64 = grant::CALL_SECONDS - 5;

/// Records how a call came out.
pub(super) struct Finish {
    pub grant: GrantId,
    pub action: ActionId,
    pub came_of_it: Granted,
}

#[async_trait::async_trait]
impl Command for Finish {
    type Output = Grant;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Grant, Error> {
        let grant = draft.grant(self.grant).await?;
        let Granted { outcome, issued } = self.came_of_it.clone();
        let command = grant::Command::Finish { action: self.action, outcome, issued };
        let events = grant::decide(Some(&grant), command, draft.now)?;
        Ok(draft.advance(grant, events))
    }
}

/// Tells a grant what was seen.
pub(super) struct See<'a> {
    pub grant: GrantId,
    pub observation: &'a Observation,
    pub seen: Seen,
}

#[async_trait::async_trait]
impl Command for See<'_> {
    type Output = Grant;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Grant, Error> {
        let grant = draft.grant(self.grant).await?;
        if grant.state.is_over() {
            return Ok(grant);
        }
        let command = grant::Command::See { observation: self.observation, seen: self.seen };
        let events = grant::decide(Some(&grant), command, draft.now)?;
        Ok(draft.advance(grant, events))
    }
}

impl Draft<'_> {
    /// What a grant is after some events.
    pub(super) fn after(&self, grant: &Grant, events: &[grant::Event]) -> Grant {
        let step = |state, event| grant::apply(Some(state), event, self.now);
        events.iter().try_fold(grant.clone(), step).unwrap_or_else(|| grant.clone())
    }

    /// The live grants of the same access, and the epoch of the next action on it. The draft is dated
    /// after they were read: whatever has left them by then is dated before it.
    pub(super) async fn overlapping(&mut self, grant: &Grant) -> Result<(Vec<Grant>, u64), Error> {
        let (receiver, entitlement) = (grant.approved.receiver, grant.approved.entitlement);
        let store = &self.engine.store;
        let found = store.overlapping(receiver, entitlement, &mut self.facts).await?;
        self.now = self.engine.clock.now();
        self.commit.at = self.now;
        Ok(found)
    }

    /// Drafts a grant's events, and answers what it is after them.
    pub(crate) fn advance(&mut self, grant: Grant, events: Vec<grant::Event>) -> Grant {
        let after = self.after(&grant, &events);
        self.change(grant.id, grant.approved.request, events);
        after
    }
}

/// A target with the connector that reaches it.
pub(super) struct Reached {
    pub target: Target,
    pub connector: Arc<dyn Connector>,
    /// As many places as it bears calls at once in this lane.
    places: Arc<Semaphore>,
}

impl Reached {
    /// Waits for a place; the call that it is for ends before it is given back.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }
}

/// What a look came to.
pub(super) struct Looked {
    pub observation: Observation,
    /// What native things really allow, where the target can say.
    pub scopes: BTreeMap<NativeId, String>,
    /// Why it is not complete.
    pub detail: Option<String>,
}

impl Engine {
    pub(super) async fn reach(&self, lane: Lane, id: TargetId) -> Result<Reached, Error> {
        let target = self.store.load::<Target>(id, &mut Facts::default()).await?;
        let target = target.ok_or(Refusal::UnknownTarget { given: id.to_string() })?;
        let connector = self.connector(&target)?;
        Ok(Reached { target, connector, places: self.places(lane, id) })
    }

    /// Makes a target ready that was never looked at: what a kind needs beside the target, such as an
    /// empty list of revocations, is there before anything is granted. Doing it again changes nothing.
    pub(super) async fn ready(&self, reached: &Reached) -> Result<(), Error> {
        if self.store.last_look(reached.target.id).await?.is_some() {
            return Ok(());
        }
        let set_up = reached.connector.set_up(self.clock.now()).await;
        set_up.map_err(|why| Error::Fault(format!("target `{}`: {why}", reached.target.name)))
    }

    /// The binding on the target that a grant stands for.
    pub(super) async fn binding(&self, grant: &Grant) -> Result<Binding, Error> {
        let account: Option<AccountName> = self.store.disclosed(&grant.approved.account).await?;
        let gone = || Error::Fault(format!("the account of `{}` was erased", grant.id));
        Ok(Binding { native: grant.approved.native.clone(), account: account.ok_or_else(gone)? })
    }

    /// A call that takes too long is in doubt. So is one that found no place in time, though it was
    /// never made: a look tells.
    pub(super) async fn within_deadline<T: From<Outcome>>(
        &self,
        reached: &Reached,
        call: impl Future<Output = T>,
    ) -> T {
        let placed = async {
            let _place = reached.place().await;
            call.await
        };
        tokio::select! {
            answer = placed => answer,
            () = self.environment.after(CALL_SECONDS) => {
                let why = format!("no answer within {CALL_SECONDS} seconds");
                Outcome::InDoubt { why }.into()
            }
        }
    }

    /// Looks at a target, and says when.
    pub(super) async fn look(&self, reached: &Reached, scope: Scope) -> Looked {
        let _place = reached.place().await;
        let began_at = self.clock.now();
        let look = tokio::select! {
            look = reached.connector.observe(&scope) => look,
            () = self.environment.after(CALL_SECONDS) => {
                Look::unknown(format!("no answer within {CALL_SECONDS} seconds"))
            }
        };
        let observation = Observation {
            id: self.environment.id(),
            target: reached.target.id,
            scope,
            completeness: look.completeness,
            began_at,
            finished_at: self.clock.now(),
            present: look.present,
            credentials: look.credentials,
            sessions: look.sessions,
        };
        Looked { observation, scopes: look.scopes, detail: look.detail }
    }

    /// Looks at the one binding of a grant and tells the grant. What is in the wild no look shows.
    pub(super) async fn look_at(&self, reached: &Reached, grant: &Grant) -> Result<Grant, Error> {
        if grant.is_in_the_wild() {
            return Ok(grant.clone());
        }
        let binding = self.binding(grant).await?;
        let Looked { observation, .. } = self.look(reached, Scope::Binding(binding.clone())).await;
        let seen = observation.says_of(&binding, grant.kept_as());
        let see = See { grant: grant.id, observation: &observation, seen };
        self.run(super::actor(placet_domain::actor::Worker::Observe), &see).await
    }
}
