//! Notify: what events say to people goes to them. In three steps, each durable before the next:
//! reminders that are due are put into the outbox, the outbox is spread over people and channels,
//! and each channel carries what is due on it. A crash repeats a step and loses none.
//!
//! Nothing is decided here, so no fact has to hold still; and nothing here keeps endings waiting:
//! every call has a deadline, and `serve` runs it beside the other workers.

use std::collections::BTreeSet;

use placet_connectors::receivers::{CALL_SECONDS, Failed, Letter, Message};
use placet_domain::Timestamp;
use placet_domain::access::Deed;
use placet_domain::actor::Worker;
use placet_domain::entitlement::Entitlement;
use placet_domain::finding::Finding;
use placet_domain::grant::Grant;
use placet_domain::handover::Handover;
use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::Identity;
use placet_domain::name::{StageName, TeamName};
use placet_domain::notice::{self, Audience, Kind, Notice, Reminder};
use placet_domain::request::Request;
use placet_domain::state::State;
use placet_domain::target::Target;
use placet_store::{Addressed, DueDelivery, Facts, Outbox, OutboxEntry};

use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::channels::Channel;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::letters;

/// The most people of one team who are told.
const MEMBERS: u32 = 50;
/// The stage whose people judge risk.
const SECURITY: &str = "security";
/// How long notices are kept, in seconds: ninety days.
const KEPT_SECONDS: u64 = 90 * 24 * 60 * 60;
/// How much of a batch a channel may take before the next one has its turn, in seconds.
const TURN_SECONDS: u64 = 15;

/// Puts reminders that are due into the outbox, if they are still worth it.
struct Remind {
    due: Vec<Reminder>,
}

#[async_trait::async_trait]
impl Command for Remind {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        for reminder in &self.due {
            let state = draft.state_of(&reminder.about).await?;
            let notices =
                state.map(|state| notice::remind(reminder, &state, draft.now)).unwrap_or_default();
            draft.commit.outbox.push(Outbox::Reminded { reminder: reminder.clone(), notices });
        }
        draft.facts = Facts::default();
        Ok(())
    }
}

/// Finds out whom each entry of the outbox is for.
struct Spread {
    entries: Vec<OutboxEntry>,
}

#[async_trait::async_trait]
impl Command for Spread {
    type Output = u32;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<u32, Error> {
        let mut told = 0;
        for entry in &self.entries {
            let mut notices = Vec::new();
            for receiver in draft.audience(&entry.notice).await? {
                if entry.not_to == Some(receiver) {
                    continue;
                }
                let Notice { kind, about, .. } = &entry.notice;
                let channels = draft.engine.options.channels.iter();
                let channels = channels.filter(|one| one.takes(*kind)).map(|one| one.name.clone());
                told += 1;
                notices.push(Addressed {
                    id: notice::id(&entry.cause, *kind, receiver),
                    receiver,
                    kind: *kind,
                    about: about.clone(),
                    at: entry.at,
                    channels: channels.collect(),
                });
            }
            draft.commit.outbox.push(Outbox::Spread { id: entry.id.clone(), notices });
        }
        draft.facts = Facts::default();
        Ok(told)
    }
}

/// Notes what became of deliveries.
struct Note(Vec<Outbox>);

#[async_trait::async_trait]
impl Command for Note {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.commit.outbox.extend(self.0.iter().cloned());
        Ok(())
    }
}

impl Draft<'_> {
    /// The people of an audience who are active: for a workload, its owner.
    async fn audience(&mut self, notice: &Notice) -> Result<BTreeSet<IdentityId>, Error> {
        let named = match &notice.to {
            Audience::One(id) => vec![*id],
            Audience::ManagerOf(id) => match self.answering(*id).await? {
                Some(person) => person.manager().into_iter().collect(),
                None => Vec::new(),
            },
            Audience::AskerOf(id) => vec![self.request(*id).await?.revision.requester],
            Audience::WaitedFor(id) => self.engine.store.waited_for(*id, self.now).await?,
            Audience::OwnerOf(stream) => self.owner_of(stream).await?.into_iter().collect(),
            Audience::Security => self.security().await?,
            Audience::Administrators => self.in_charge().await?,
        };
        let mut people = BTreeSet::new();
        for id in named {
            people.extend(self.answering(id).await?.map(|person| person.id));
        }
        if let (Kind::RequestWaits, Stream::Request(request)) = (notice.kind, &notice.about) {
            let asked = self.request(*request).await?.revision;
            for giver in people.clone() {
                let delegates = self.engine.store.delegates_of(giver, self.now).await?;
                let theirs = |one: &IdentityId| *one == asked.requester || *one == asked.receiver;
                people.extend(delegates.into_iter().filter(|one| !theirs(one)));
            }
        }
        Ok(people)
    }

    /// The active person who answers for an identity: itself, or the owner of a workload.
    async fn answering(&mut self, id: IdentityId) -> Result<Option<Identity>, Error> {
        let Some(identity) = self.engine.store.load::<Identity>(id, &mut self.facts).await? else {
            return Ok(None);
        };
        let person = match identity.owner() {
            Some(owner) => self.engine.store.load::<Identity>(owner, &mut self.facts).await?,
            None => Some(identity),
        };
        let now = self.now;
        Ok(person.filter(|person| person.is_human() && person.is_active_at(now)))
    }

    async fn owner_of(&mut self, stream: &Stream) -> Result<Option<IdentityId>, Error> {
        let store = &self.engine.store;
        Ok(match stream {
            Stream::Entitlement(id) => {
                store.load::<Entitlement>(*id, &mut self.facts).await?.map(|one| one.owner)
            }
            Stream::Target(id) => {
                store.load::<Target>(*id, &mut self.facts).await?.map(|one| one.owner)
            }
            Stream::Identity(id) => Some(*id),
            _ => None,
        })
    }

    async fn security(&mut self) -> Result<Vec<IdentityId>, Error> {
        // A bundle that knows no such stage, or cannot be read, leaves it to the administrators.
        let stage = SECURITY.parse::<StageName>().ok();
        let teams = match (stage, self.policies().await) {
            (Some(stage), Ok(policies)) => policies.candidate_teams(&stage),
            _ => BTreeSet::new(),
        };
        if teams.is_empty() { self.in_charge().await } else { self.members(&teams).await }
    }

    async fn members(&mut self, teams: &BTreeSet<TeamName>) -> Result<Vec<IdentityId>, Error> {
        let mut out = Vec::new();
        for team in teams {
            out.extend(self.engine.store.first_members(team, MEMBERS).await?);
        }
        Ok(out)
    }

    /// The founders and those who share a team with all of them, as far as policy lets them adopt
    /// changes; the founders, where policy cannot say.
    async fn in_charge(&mut self) -> Result<Vec<IdentityId>, Error> {
        let Some(organisation) = self.engine.store.organisation(&mut self.facts).await? else {
            return Ok(Vec::new());
        };
        let founders = organisation.founded.administrators;
        let mut common: Option<BTreeSet<TeamName>> = None;
        for id in &founders {
            let found = self.engine.store.load::<Identity>(*id, &mut self.facts).await?;
            let teams = found.map(|one| one.teams).unwrap_or_default();
            common = Some(match common {
                None => teams,
                Some(common) => &common & &teams,
            });
        }
        let Ok(policies) = self.policies().await else {
            return Ok(founders.into_iter().collect());
        };
        let mut could = founders;
        could.extend(self.members(&common.unwrap_or_default()).await?);
        let around = self.around(could.iter().copied()).await?;
        let world = around.world();
        let mut asking = policies.asking(&world, self.now);
        could.retain(|id| asking.may_administer(*id, Deed::AdoptCatalogue).permit);
        Ok(could.into_iter().collect())
    }

    async fn state_of(&mut self, stream: &Stream) -> Result<Option<State>, Error> {
        let (store, facts) = (&self.engine.store, &mut self.facts);
        Ok(match stream {
            Stream::Grant(id) => store.load::<Grant>(*id, facts).await?.map(State::Grant),
            Stream::Request(id) => store.load::<Request>(*id, facts).await?.map(State::Request),
            Stream::Finding(id) => store.load::<Finding>(*id, facts).await?.map(State::Finding),
            Stream::Handover(id) => store.load::<Handover>(*id, facts).await?.map(State::Handover),
            _ => None,
        })
    }
}

impl Engine {
    /// One round of telling: what can be told now is told.
    pub(super) async fn notify(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let who = actor(Worker::Notify);
        let now = self.clock.now();
        let due = self.store.due_reminders(now, BATCH).await?;
        if !due.is_empty() {
            self.run(who, &Remind { due }).await?;
        }
        let entries = self.store.outbox(BATCH).await?;
        if !entries.is_empty() {
            stepped.told += self.run(who, &Spread { entries }).await?;
        }
        for channel in &self.options.channels {
            self.carry(channel).await?;
        }
        let before = now.minus_seconds(KEPT_SECONDS);
        if self.store.has_notices_before(before).await? {
            self.run(who, &Note(vec![Outbox::Forget { before, most: BATCH }])).await?;
        }
        Ok(())
    }

    /// Carries what is due on one channel, for as long as its turn lasts.
    async fn carry(&self, channel: &Channel) -> Result<(), Error> {
        let began = self.clock.now();
        let mut outcomes = Vec::new();
        for due in self.store.due_deliveries(&channel.name, began, BATCH).await? {
            let now = self.clock.now();
            if now.seconds_since(began) >= TURN_SECONDS {
                break;
            }
            outcomes.push(self.deliver(channel, &due, now).await);
        }
        if outcomes.is_empty() {
            return Ok(());
        }
        self.run(actor(Worker::Notify), &Note(outcomes)).await
    }

    async fn deliver(&self, channel: &Channel, due: &DueDelivery, now: Timestamp) -> Outbox {
        let delivered = match self.message(due).await {
            // It may still arrive; then it arrives twice, under the same id.
            Ok(message) => tokio::select! {
                delivered = channel.receiver.deliver(&message, now) => delivered,
                () = self.environment.after(CALL_SECONDS + 1) => {
                    Err(Failed::again("it took too long"))
                }
            },
            // One that cannot be put into words keeps no other from its turn.
            Err(error) => {
                tracing::warn!(notice = %due.notice.id, %error, "a notice cannot be put into words");
                Err(Failed::again("it cannot be put into words"))
            }
        };
        let (notice, name) = (due.notice.id, channel.name.clone());
        let Err(failed) = delivered else {
            return Outbox::Delivered { notice, channel: name };
        };
        let failures = due.failures.saturating_add(1);
        let again = notice::again_after(failures).filter(|_| !failed.for_good);
        let at = self.clock.now();
        let due_at = again.map(|seconds| at.plus_seconds(seconds));
        match due_at {
            None => tracing::warn!(%notice, channel = %name, why = %failed, "a notice is given up"),
            // A day is long for whoever could mend it; once for each notice is enough.
            Some(_) if failures == 1 => {
                tracing::warn!(%notice, channel = %name, why = %failed, "a notice is tried again");
            }
            Some(_) => {}
        }
        Outbox::Failed { notice, channel: name, failures, due_at, why: failed.why }
    }

    async fn message(&self, due: &DueDelivery) -> Result<Message, Error> {
        let notice = &due.notice;
        let words = self.words(notice).await?;
        let identity = self.store.load::<Identity>(notice.receiver, &mut Facts::default()).await?;
        let profile = match identity {
            Some(identity) => self.store.disclosed(&identity.profile).await?,
            None => None,
        };
        let mut lines = vec![format!("{}.", words.subject), String::new(), words.about];
        lines.extend(words.next.map(|next| format!("What you can do: {next}")));
        Ok(Message {
            id: notice.id,
            kind: notice.kind,
            about: notice.about.clone(),
            receiver: notice.receiver,
            at: notice.at,
            source: self.store.verifier().name().to_owned(),
            link: letters::link(&notice.about),
            letter: Letter {
                subject: words.subject,
                lines,
                to: profile.and_then(|profile| profile.mail),
            },
        })
    }
}
