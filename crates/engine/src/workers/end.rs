//! Expire: what is due to end ends. Endings ask no policy and no permission, and are tried again
//! for ever; one that keeps failing is an open finding with an owner.

use placet_domain::Refusal;
use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::Worker;
use placet_domain::committed::Committed;
use placet_domain::finding::{self, Kind, Opened, Resolution};
use placet_domain::grant::{self, Grant, Intend, Reason, State};
use placet_domain::id::{ActionId, GrantId, RequestId, Stream};
use placet_domain::observation::{Scope, Seen};
use placet_domain::request;
use placet_ledger::RemovalOrder;
use placet_store::Facts;

use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::journal::{self, Ended};

/// From how many failed attempts on an ending counts as stuck.
const STUCK_AFTER: u32 = 3;

/// Moves a due grant towards its end.
struct OrderEnd {
    grant: GrantId,
}

/// What has to be done at the target for it.
enum Ordered {
    Remove {
        grant: Box<Grant>,
        action: ActionId,
        epoch: u64,
    },
    /// Nothing, now.
    Nothing,
    /// It is over without touching the target: another grant carries the access on, or what was
    /// given out has run out by itself.
    Over,
}

#[async_trait::async_trait]
impl Command for OrderEnd {
    type Output = Ordered;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Ordered, Error> {
        let now = draft.now;
        let mut grant = draft.grant(self.grant).await?;
        let mut events =
            grant::decide(Some(&grant), grant::Command::RunOut, now).unwrap_or_default();
        if !events.is_empty() {
            draft.advance(grant, events);
            return Ok(Ordered::Over);
        }
        if matches!(grant.state, State::Pending | State::Active) {
            if grant.until.is_none_or(|until| now < until) {
                return Ok(Ordered::Nothing);
            }
            let command = grant::Command::End { reason: Reason::Expired };
            events = grant::decide(Some(&grant), command, now)?;
        }
        if !events.is_empty() {
            grant = draft.advance(grant, events);
        }
        if grant.state != State::Ending {
            return Ok(Ordered::Nothing);
        }
        let (overlapping, epoch) = draft
            .engine
            .store
            .overlapping(grant.approved.receiver, grant.approved.entitlement, &mut draft.facts)
            .await?;
        let others = || overlapping.iter().filter(|other| other.id != grant.id);
        // Each credential is its own: another one does not carry it on.
        let shared = grant.approved.issues.is_none();
        let goes_on = others().find(|other| {
            shared
                && matches!(other.state, State::Pending | State::Active)
                && other.until.is_some_and(|until| now < until)
        });
        if let Some(by) = goes_on {
            return match grant::decide(Some(&grant), grant::Command::CarryOn { by }, now) {
                Ok(events) => {
                    draft.advance(grant, events);
                    Ok(Ordered::Over)
                }
                // The end is ordered; handing on waits for the call that is under way.
                Err(Refusal::BindingBusy {}) => Ok(Ordered::Nothing),
                Err(other) => Err(other.into()),
            };
        }
        let busy = others()
            .any(|other| other.action.as_ref().is_some_and(|action| action.is_under_way_at(now)));
        let action = draft.engine.environment.id();
        let intend = Intend { action, effect: Effect::Remove, epoch, busy, ruling: None };
        match grant::decide(Some(&grant), grant::Command::Intend(intend), now) {
            Ok(events) => {
                let grant = Box::new(draft.advance(grant, events));
                Ok(Ordered::Remove { grant, action, epoch })
            }
            // The end is ordered; the removal waits for the call that is under way.
            Err(Refusal::BindingBusy {}) => Ok(Ordered::Nothing),
            Err(other) => Err(other.into()),
        }
    }
}

/// Opens a finding about an ending that keeps failing.
struct OpenStuck<'a> {
    grant: &'a Grant,
    detail: String,
}

#[async_trait::async_trait]
impl Command for OpenStuck<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let approved = &self.grant.approved;
        let entitlement = draft.entitlement(approved.entitlement).await?;
        draft.open_finding(Opened {
            finding: draft.engine.environment.id(),
            kind: Kind::Stuck,
            target: approved.target,
            entitlement: approved.entitlement,
            account: Some(approved.account),
            request: Some(approved.request),
            grant: Some(self.grant.id),
            owner: entitlement.owner,
            sighting: None,
            detail: self.detail.clone(),
            due_at: Some(draft.now.plus_seconds(finding::ANSWER_SECONDS)),
            baseline: false,
            scope: None,
        })
    }
}

/// Closes a finding.
pub(super) struct Resolve {
    pub finding: placet_domain::id::FindingId,
    pub resolution: Resolution,
}

#[async_trait::async_trait]
impl Command for Resolve {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let found = draft.finding(self.finding).await?;
        let command = finding::Command::Resolve(self.resolution.clone());
        let events = finding::decide(Some(&found), command, draft.now)?;
        draft.change_finding(&found, events);
        Ok(())
    }
}

impl Draft<'_> {
    pub(super) fn open_finding(&mut self, opened: Opened) -> Result<(), Error> {
        let stream = Stream::Finding(opened.finding);
        let trail = opened.request.map_or_else(|| stream.clone(), Stream::Request);
        let events = finding::decide(None, finding::Command::Open(opened), self.now)?;
        self.change(stream, trail, events);
        Ok(())
    }
}

struct LapseRequest {
    request: RequestId,
}

#[async_trait::async_trait]
impl Command for LapseRequest {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let request = draft.request(self.request).await?;
        let events = request::decide(Some(&request), request::Command::Lapse, draft.now)?;
        draft.change(request.id, request.id, events);
        draft.commit.waiting.push((request.id, placet_domain::route::Candidates::new()));
        Ok(())
    }
}

impl Engine {
    pub(super) async fn expire(&self, stepped: &mut Stepped) -> Result<(), Error> {
        for id in self.due_grants().await? {
            match self.end_one(id).await {
                Ok(true) => stepped.ended += 1,
                Ok(false) => {}
                // A full disk, or a log out of reach: what cannot be recorded now still ends, and
                // is entered later.
                Err(Error::Refused(Refusal::StorageFull {}) | Error::Fault(_)) => {
                    self.try_unrecorded(id, stepped).await;
                }
                Err(error) => {
                    stepped.postponed += 1;
                    tracing::warn!(grant = %id, %error, "an ending could not be done yet");
                }
            }
        }
        if let Err(error) = self.settle_journal().await {
            // What was journalled stays there; nothing keeps the endings that are due.
            tracing::warn!(%error, "the journal of endings could not be settled yet");
        }
        let now = self.environment.now();
        for request in self.store.lapsing_requests(now, BATCH).await? {
            self.run(actor(Worker::Expire), &LapseRequest { request }).await?;
            stepped.lapsed += 1;
        }
        Ok(())
    }

    /// One due grant: whether it moved towards its end.
    async fn end_one(&self, id: GrantId) -> Result<bool, Error> {
        let (grant, action, epoch) =
            match self.run(actor(Worker::Expire), &OrderEnd { grant: id }).await? {
                Ordered::Nothing => return Ok(false),
                Ordered::Over => return Ok(true),
                Ordered::Remove { grant, action, epoch } => (grant, action, epoch),
            };
        let outcome = self.remove(&grant, action, epoch).await;
        let done = outcome == Outcome::Done;
        let mut detail = match &outcome {
            Outcome::Done => "the target still shows it after a removal".to_owned(),
            Outcome::Failed { why } | Outcome::InDoubt { why } => why.clone(),
        };
        let mut grant = self.finish(Worker::Expire, &grant, action, outcome).await?;
        if done && let Ok(reached) = self.reach(grant.approved.target).await {
            grant = match grant.issued.clone() {
                Some(issued) => self.read_back(&reached, &grant, &issued, &mut detail).await?,
                None => self.look_at(&reached, &grant).await?,
            };
        }
        let open = self.store.open_findings_of(&Stream::Grant(id)).await?;
        let stuck = open.iter().find(|finding| finding.opened.kind == Kind::Stuck);
        if grant.state.is_over() {
            for one in &open {
                let resolution = Resolution::Done;
                self.run(actor(Worker::Expire), &Resolve { finding: one.id, resolution }).await?;
            }
        } else if grant.attempts >= STUCK_AFTER && stuck.is_none() {
            self.run(actor(Worker::Expire), &OpenStuck { grant: &grant, detail }).await?;
        }
        Ok(true)
    }

    async fn remove(&self, grant: &Grant, action: ActionId, epoch: u64) -> Outcome {
        let failed = |error: Error| Outcome::Failed { why: error.to_string() };
        let binding = match self.binding(grant).await {
            Ok(binding) => binding,
            Err(error) => return failed(error),
        };
        let reached = match self.reach(grant.approved.target).await {
            Ok(reached) => reached,
            Err(error) => return failed(error),
        };
        let order = RemovalOrder {
            action,
            epoch,
            grant: Some(grant.id),
            entitlement: grant.approved.entitlement,
            target: grant.approved.target,
            native: binding.native,
            account: binding.account,
            issued: grant.issued.as_deref().cloned(),
            at: self.environment.now(),
        };
        self.within_deadline(reached.connector.remove(order)).await
    }

    /// How many endings wait in the journal to be entered.
    pub fn journalled(&self) -> Result<usize, Error> {
        let lines = journal::read(&self.options.journal);
        lines
            .map(|lines| lines.len())
            .map_err(|e| Error::Fault(format!("the journal of endings: {e}")))
    }

    /// Ending-only mode: due removals of recorded grants go on, and nothing is written but the
    /// journal.
    pub(super) async fn end_without_records(&self, stepped: &mut Stepped) -> Result<(), Error> {
        for id in self.due_grants().await? {
            self.try_unrecorded(id, stepped).await;
        }
        Ok(())
    }

    /// One that fails keeps no other.
    async fn try_unrecorded(&self, id: GrantId, stepped: &mut Stepped) {
        if let Err(error) = self.end_unrecorded(id, stepped).await {
            stepped.postponed += 1;
            tracing::warn!(grant = %id, %error, "an ending could not be done without records yet");
        }
    }

    async fn end_unrecorded(&self, id: GrantId, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.environment.now();
        let faults =
            |error: std::io::Error| Error::Fault(format!("the journal of endings: {error}"));
        let journalled = journal::read(&self.options.journal).map_err(faults)?;
        let tries: Vec<&Ended> = journalled.iter().filter(|one| one.grant == id).collect();
        let attempts = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        // Each try takes room in the journal, so the next one waits as long as it would on record.
        let rests = tries.last().is_some_and(|one| {
            now < one.at.plus_seconds(placet_domain::action::back_off_seconds(attempts))
        });
        if rests || tries.iter().any(|one| one.seen_absent) {
            return Ok(());
        }
        let grant = self.store.load::<Grant>(id, &mut Facts::default()).await?;
        let over = |grant: &Grant| grant.until.is_some_and(|until| now >= until);
        let Some(grant) = grant.filter(|one| one.state == State::Ending || over(one)) else {
            return Ok(());
        };
        let (others, epoch) = self
            .store
            .overlapping(grant.approved.receiver, grant.approved.entitlement, &mut Facts::default())
            .await?;
        // What is in the wild ends by itself, and nothing shows it; that is entered later.
        if grant.issued.as_ref().is_some_and(|issued| now >= issued.over_at) {
            return Ok(());
        }
        let shared = grant.approved.issues.is_none();
        let goes_on = |other: &Grant| {
            shared
                && other.id != id
                && matches!(other.state, State::Pending | State::Active)
                && other.until.is_some_and(|until| now < until)
        };
        if others.iter().any(goes_on) {
            return Ok(());
        }
        let action = self.environment.id();
        // First that it is tried: a process may die in the call.
        let why = "Placet stopped before the target answered".to_owned();
        let outcome = Outcome::InDoubt { why };
        let set_out = Ended { grant: id, action, at: now, outcome, seen_absent: false };
        journal::append(&self.options.journal, &set_out).map_err(faults)?;
        let outcome = self.remove(&grant, action, epoch.saturating_add(1)).await;
        let reached = self.reach(grant.approved.target).await?;
        let binding = self.binding(&grant).await?;
        let looked = self.look(&reached, Scope::Binding(binding.clone())).await;
        let says = looked.observation.says_of(&binding, grant.kept_as());
        let seen_absent = outcome == Outcome::Done && says == Seen::Absent;
        let ended = Ended { grant: id, action, at: now, outcome, seen_absent };
        journal::append(&self.options.journal, &ended).map_err(faults)?;
        stepped.ended += 1;
        Ok(())
    }

    /// Forgets what was journalled, once every grant in it is over on record. Those grants are due
    /// as they were, so the endings are entered as due work: done again (removing twice is removing
    /// once) and then seen.
    async fn settle_journal(&self) -> Result<(), Error> {
        let faults =
            |error: std::io::Error| Error::Fault(format!("the journal of endings: {error}"));
        let journalled = journal::read(&self.options.journal).map_err(faults)?;
        for ended in &journalled {
            let grant = self.store.load::<Grant>(ended.grant, &mut Facts::default()).await?;
            if grant.is_some_and(|grant| !grant.state.is_over()) {
                return Ok(());
            }
        }
        if journalled.is_empty() {
            return Ok(());
        }
        tracing::info!(endings = journalled.len(), "what was journalled is on record now");
        journal::clear(&self.options.journal).map_err(faults)
    }
}

/// The account of a finding that stands for no grant is sealed anew.
pub(super) fn sealed(
    draft: &mut Draft<'_>,
    account: &placet_domain::name::AccountName,
    about: Stream,
) -> Result<Committed<placet_domain::name::AccountName>, Error> {
    draft.seal(account, "account", about)
}
