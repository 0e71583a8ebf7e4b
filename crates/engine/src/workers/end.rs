//! Expire: what is due to end ends. Endings ask no policy and no permission, and are tried again
//! for ever; one that keeps failing is an open finding with an owner.

use placet_domain::Refusal;
use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::Worker;
use placet_domain::committed::Committed;
use placet_domain::finding::{self, Kind, Opened, Resolution};
use placet_domain::grant::{self, Grant, Intend, Reason, State};
use placet_domain::id::{ActionId, GrantId, RequestId, Stream, TargetId};
use placet_domain::observation::{Scope, Seen};
use placet_domain::request;
use placet_ledger::RemovalOrder;
use placet_store::{Duty, Facts};

use super::lanes::{Lane, Pace};
use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::journal::Ended;

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
    /// Nothing until people have carried out what they were told.
    Told,
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
        let mut grant = draft.grant(self.grant).await?;
        let (overlapping, epoch) = draft.overlapping(&grant).await?;
        let now = draft.now;
        let mut events =
            grant::decide(Some(&grant), grant::Command::RunOut, now).unwrap_or_default();
        if !events.is_empty() {
            draft.advance(grant, events);
            return Ok(Ordered::Over);
        }
        if grant.state.is_held() {
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
        if grant.work.as_ref().is_some_and(|work| work.is_open()) {
            return Ok(Ordered::Told);
        }
        let others = || overlapping.iter().filter(|other| other.id != grant.id);
        // Each credential is its own: another one does not carry it on.
        let shared = grant.approved.issues.is_none();
        let goes_on = others().find(|other| {
            shared && other.state.is_held() && other.until.is_some_and(|until| now < until)
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

impl Draft<'_> {
    /// Opens a finding about a grant that does not get where it is to go.
    pub(super) async fn open_stuck(&mut self, grant: &Grant, detail: String) -> Result<(), Error> {
        let approved = &grant.approved;
        let entitlement = self.entitlement(approved.entitlement).await?;
        self.open_finding(Opened {
            finding: self.engine.environment.id(),
            kind: Kind::Stuck,
            target: approved.target,
            entitlement: approved.entitlement,
            account: Some(approved.account),
            request: Some(approved.request),
            grant: Some(grant.id),
            owner: entitlement.owner,
            sighting: None,
            detail,
            due_at: Some(self.now.plus_seconds(finding::ANSWER_SECONDS)),
            baseline: false,
            scope: None,
        })
    }
}

#[async_trait::async_trait]
impl Command for OpenStuck<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.open_stuck(self.grant, self.detail.clone()).await
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
    /// Everything that is due to end on a target, the longest due first. All of it: what cannot be
    /// done yet stays due, and must not keep the rest from its turn.
    pub(super) async fn end_due(&self, target: TargetId, pace: &Pace) -> Stepped {
        let mut stepped = Stepped::default();
        self.count(self.end_grants(target, pace, &mut stepped).await);
        if self.ending_only().is_none() {
            self.count(self.remove_found(target, pace, &mut stepped).await);
        }
        stepped
    }

    async fn end_grants(
        &self,
        target: TargetId,
        pace: &Pace,
        stepped: &mut Stepped,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut last = None;
        loop {
            let page = self.store.due_grants(target, Duty::End, now, last, BATCH).await?;
            *stepped += pace.each(page.iter().copied().map(|due| self.end(due.grant))).await;
            last = page.last().copied();
            if page.len() < BATCH as usize || pace.stop.is_now() {
                return Ok(());
            }
        }
    }

    /// One due grant, on record or, where nothing can be recorded, without.
    async fn end(&self, id: GrantId) -> Stepped {
        if self.ending_only().is_some() {
            return self.try_unrecorded(id).await;
        }
        match self.end_one(id).await {
            Ok(moved) => Stepped { ended: u32::from(moved), ..Stepped::default() },
            // A full disk, or a log out of reach: what cannot be recorded now still ends, and is
            // entered later.
            Err(Error::Refused(Refusal::StorageFull {}) | Error::Fault(_)) => {
                self.try_unrecorded(id).await
            }
            Err(error) => {
                tracing::warn!(grant = %id, %error, "an ending could not be done yet");
                Stepped::postponed()
            }
        }
    }

    pub(super) async fn lapse(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.clock.now();
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
                Ordered::Told => return self.remind_of_work(Worker::Expire, id).await,
                Ordered::Over => return Ok(true),
                Ordered::Remove { grant, action, epoch } => (grant, action, epoch),
            };
        let outcome = self.remove(&grant, action, epoch).await;
        let done = outcome == Outcome::Done;
        let mut detail = match &outcome {
            Outcome::Done => "the target still shows it after a removal".to_owned(),
            Outcome::Failed { why } | Outcome::InDoubt { why } => why.clone(),
            Outcome::Ordered { .. } => {
                self.finish(Worker::Expire, &grant, action, outcome).await?;
                return Ok(true);
            }
        };
        let mut grant = self.finish(Worker::Expire, &grant, action, outcome).await?;
        if done && let Ok(reached) = self.reach(Lane::End, grant.approved.target).await {
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
        let reached = match self.reach(Lane::End, grant.approved.target).await {
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
            at: self.clock.now(),
        };
        self.within_deadline(&reached, reached.connector.remove(order)).await
    }

    /// How many endings wait in the journal to be entered.
    pub fn journalled(&self) -> Result<usize, Error> {
        Ok(self.journal.read().map_err(unwritten)?.len())
    }

    /// Ending-only mode: due removals of recorded grants go on, and nothing is written but the
    /// journal. One that fails keeps no other.
    async fn try_unrecorded(&self, id: GrantId) -> Stepped {
        match self.end_unrecorded(id).await {
            Ok(tried) => Stepped { ended: u32::from(tried), ..Stepped::default() },
            Err(error) => {
                tracing::warn!(grant = %id, %error, "an ending could not be done without records yet");
                Stepped::postponed()
            }
        }
    }

    /// Whether it was tried.
    async fn end_unrecorded(&self, id: GrantId) -> Result<bool, Error> {
        let now = self.clock.now();
        let journalled = self.journal.read().map_err(unwritten)?;
        let tries: Vec<&Ended> = journalled.iter().filter(|one| one.grant == id).collect();
        let attempts = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        // Each try takes room in the journal, so the next one waits as long as it would on record.
        let rests = tries.last().is_some_and(|one| {
            now < one.at.plus_seconds(placet_domain::action::back_off_seconds(attempts))
        });
        if rests || tries.iter().any(|one| one.seen_absent) {
            return Ok(false);
        }
        let grant = self.store.load::<Grant>(id, &mut Facts::default()).await?;
        let over = |grant: &Grant| grant.until.is_some_and(|until| now >= until);
        let Some(grant) = grant.filter(|one| one.state == State::Ending || over(one)) else {
            return Ok(false);
        };
        let (others, epoch) = self
            .store
            .overlapping(grant.approved.receiver, grant.approved.entitlement, &mut Facts::default())
            .await?;
        // What is in the wild ends by itself, and nothing shows it; that is entered later.
        if grant.issued.as_ref().is_some_and(|issued| now >= issued.over_at) {
            return Ok(false);
        }
        let shared = grant.approved.issues.is_none();
        let goes_on = |other: &Grant| {
            shared
                && other.id != id
                && other.state.is_held()
                && other.until.is_some_and(|until| now < until)
        };
        if others.iter().any(goes_on) {
            return Ok(false);
        }
        let reached = self.reach(Lane::End, grant.approved.target).await?;
        // Without a record nobody can be told, and the room in the journal is for what a program ends.
        if reached.connector.abilities().by_hand {
            return Ok(false);
        }
        let action = self.environment.id();
        // First that it is tried: a process may die in the call.
        let why = "Placet stopped before the target answered".to_owned();
        let outcome = Outcome::InDoubt { why };
        let set_out = Ended { grant: id, action, at: now, outcome, seen_absent: false };
        self.journal.append(&set_out).map_err(unwritten)?;
        let outcome = self.remove(&grant, action, epoch.saturating_add(1)).await;
        let binding = self.binding(&grant).await?;
        let looked = self.look(&reached, Scope::Binding(binding.clone())).await;
        let says = looked.observation.says_of(&binding, grant.kept_as());
        let seen_absent = outcome == Outcome::Done && says == Seen::Absent;
        let ended = Ended { grant: id, action, at: now, outcome, seen_absent };
        self.journal.append(&ended).map_err(unwritten)?;
        Ok(true)
    }

    /// Forgets what was journalled, once every grant in it is over on record. Those grants are due
    /// as they were, so the endings are entered as due work: done again (removing twice is removing
    /// once) and then seen.
    pub(super) async fn settle_journal(&self) -> Result<(), Error> {
        let journalled = self.journal.read().map_err(unwritten)?;
        for ended in &journalled {
            let grant = self.store.load::<Grant>(ended.grant, &mut Facts::default()).await?;
            if grant.is_some_and(|grant| !grant.state.is_over()) {
                return Ok(());
            }
        }
        if self.journal.forget(&journalled).map_err(unwritten)? {
            tracing::info!(endings = journalled.len(), "what was journalled is on record now");
        }
        Ok(())
    }
}

fn unwritten(error: std::io::Error) -> Error {
    Error::Fault(format!("the journal of endings: {error}"))
}

/// The account of a finding that stands for no grant is sealed anew.
pub(super) fn sealed(
    draft: &mut Draft<'_>,
    account: &placet_domain::name::AccountName,
    about: Stream,
) -> Result<Committed<placet_domain::name::AccountName>, Error> {
    draft.seal(account, "account", about)
}
