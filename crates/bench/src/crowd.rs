//! A company with many live grants, for figures that must not grow with it. Every event comes out of
//! the domain's own decisions and goes through `Store::commit`, so the ledger verifies; but many
//! grants share a commit, policy is not asked for each (all cite one ruling), and no target is called:
//! what was granted counts as there.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use placet_domain::Timestamp;
use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::entitlement::Entitlement;
use placet_domain::event::Event;
use placet_domain::grant::{self, Approved, Grant, Intend};
use placet_domain::id::{EventId, GrantId, IdentityId, RequestId, Stream, TargetId};
use placet_domain::identity::Identity;
use placet_domain::length::Length;
use placet_domain::name::{AccountName, Handle};
use placet_domain::notice::{Audience, Kind};
use placet_domain::observation::{Binding, Completeness, Observation, Scope, Seen};
use placet_domain::request::{self, Intake, Revision};
use placet_domain::route::{Candidates, Route, Solved};
use placet_domain::ruling::{Deciding, Ruling};
use placet_engine::commands::found::Catalogue;
use placet_engine::{Engine, Environment, Machine, Options};
use placet_ledger::LogKey;
use placet_store::{Change, Commit, Disclosed, Facts, Observed, Outbox, Page};
use placet_store::{Settings, Store};

use crate::company::{self, Company};
use crate::machine;
use crate::remote::{self, Ended, Noting};

/// Targets on which grants live on, and one more on which they are due.
const TARGETS: usize = 11;
/// What can be asked for; of each eleven, the last lies on the target of those that are due.
const ENTITLEMENTS: usize = 550;
/// What one person holds.
const EACH: u64 = 50;
/// Grants in one commit, where nothing depends on when each was made.
const TOGETHER: u64 = 128;
const DAY: u64 = 24 * 60 * 60;
const HOUR: u64 = 60 * 60;

fn environment() -> &'static dyn Environment {
    &Machine
}

/// A grant that was made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub grant: GrantId,
    pub request: RequestId,
    pub holder: IdentityId,
    pub until: Timestamp,
}

/// Who holds what: all that grants are made of.
#[derive(Debug)]
pub struct Crowd {
    people: Vec<Identity>,
    lasting: Vec<Entitlement>,
    due: Vec<Entitlement>,
    permit: Ruling,
    solved: Solved,
}

fn key() -> anyhow::Result<LogKey> {
    Ok(LogKey::from_seed("placet.bench/log", &[7; 32])?)
}

/// Opens the store of a crowd. Until it is `durable`, nothing is waited for on disk.
pub async fn open(dir: &Path, durable: bool) -> anyhow::Result<Store> {
    open_with(dir, durable, key()?).await
}

/// The same where the ledger has a key of its own.
pub async fn open_with(dir: &Path, durable: bool, key: LogKey) -> anyhow::Result<Store> {
    Ok(Store::open(Settings { durable, ..Settings::new(dir) }, key).await?)
}

/// An engine over it that notes what ends.
pub async fn engine(store: &Store, dir: &Path, ended: &Ended) -> Engine {
    let ended = Arc::clone(ended);
    let store = store.clone().behind(move |log| Arc::new(Noting { log, ended }));
    let options = Options {
        // No whole target is looked at while this is measured.
        observe_seconds: 30 * DAY,
        calls_at_once: 8,
        journal: dir.join("endings.journal"),
        incidents: None,
        channels: Vec::new(),
        trust_clock: false,
    };
    Engine::new(store, Arc::new(Machine), remote::registry(), options).await
}

impl Crowd {
    /// A company that is large enough for so many grants.
    pub fn company(grants: u64) -> anyhow::Result<Company> {
        let people = usize::try_from((grants / EACH).max(200))?;
        Ok(Company { people, owners: 8, targets: TARGETS, entitlements: ENTITLEMENTS })
    }

    /// Founds such a company.
    pub async fn found(store: &Store, dir: &Path, grants: u64) -> anyhow::Result<Self> {
        let company = Self::company(grants)?;
        let catalogue: Catalogue = toml::from_str(&company.catalogue(remote::KIND))?;
        let engine = engine(store, dir, &Ended::default()).await;
        let mut catalogue = catalogue;
        let due = company::target(TARGETS - 1);
        for line in catalogue.target.iter_mut().filter(|line| line.name.as_str() == due) {
            line.settings.insert("latency".to_owned(), "20".to_owned());
        }
        engine.found(catalogue, placet_policy::shipped()).await?;
        Self::of(store, company.people).await
    }

    /// The same company, founded already.
    pub async fn of(store: &Store, count: usize) -> anyhow::Result<Self> {
        let mut facts = Facts::default();
        let mut people = Vec::with_capacity(count);
        for number in 0..count {
            let handle: Handle = company::person(number).parse()?;
            let id = store.identity_called(&handle).await?.context("a person")?;
            people.push(store.load(id, &mut facts).await?.context("a person")?);
        }
        let (mut lasting, mut due) = (Vec::new(), Vec::new());
        for number in 0..ENTITLEMENTS {
            let name = company::entitlement(number).parse()?;
            let one = store.entitlement_named(&name, &mut facts).await?.context("it is offered")?;
            let to = if number % TARGETS == TARGETS - 1 { &mut due } else { &mut lasting };
            to.push(one);
        }
        let organisation = store.organisation(&mut facts).await?.context("an organisation")?;
        let deciding = vec![Deciding {
            policy: "preapproved.dev-read".to_owned(),
            why: "what is measured".to_owned(),
        }];
        let permit = Ruling {
            permit: true,
            deciding: deciding.clone(),
            errors: Vec::new(),
            bundle: organisation.ruling_bundle,
            record: Digest::of(b"{}"),
        };
        let route = Some(Route::PreApproved { because: deciding });
        let solved = Solved { route, ruling: permit.clone() };
        let crowd = Self { people, lasting, due, permit, solved };
        crowd.look(store).await?;
        Ok(crowd)
    }

    /// Every target was looked at a moment ago, so that none is due for it.
    async fn look(&self, store: &Store) -> anyhow::Result<()> {
        let now = Machine.now();
        for target in store.targets(&Page::default()).await? {
            let actor = Actor::Worker { name: Worker::Observe };
            let mut commit = Commit::new(environment().id(), now, actor, Facts::default());
            commit.observed = Some(Observed {
                target: target.id,
                completeness: Completeness::Complete,
                began_at: now,
                finished_at: now,
                detail: None,
                seen: Vec::new(),
                gone: Vec::new(),
                scopes: Vec::new(),
            });
            commit.records.insert(Digest::of(b"{}"), "{}".to_owned());
            store.commit(commit).await?;
        }
        Ok(())
    }

    /// So many grants that live on for a month.
    pub async fn live(&self, store: &Store, count: u64) -> anyhow::Result<Vec<Made>> {
        let at = Machine.now().minus_seconds(2 * HOUR);
        let length = Length::from_seconds(30 * DAY)?;
        let (began, mut said) = (machine::clock(), machine::clock());
        // Some of them are worked with later, from all over.
        let (mut kept, keep) = (Vec::new(), (count / 1_000).max(1));
        let mut writing = None;
        for first in (0..count).step_by(usize::try_from(TOGETHER)?) {
            let actor = Actor::Worker { name: Worker::Fulfil };
            let mut commit = Commit::new(environment().id(), at, actor, Facts::default());
            for number in first..(first + TOGETHER).min(count) {
                let made = self.make(&mut commit, Which::Lasting(number), at, length)?;
                if number % keep == 0 {
                    kept.push(made);
                }
            }
            // The next ones are made while these are written.
            let store = store.clone();
            let next = tokio::spawn(async move { store.commit(commit).await.map(|_| ()) });
            if let Some(before) = writing.replace(next) {
                before.await??;
            }
            if machine::clock() - said > 5_000_000 {
                said = machine::clock();
                let seconds = (said - began) / 1_000_000;
                eprintln!("  {first} of {count} grants after {seconds} s");
            }
        }
        if let Some(last) = writing {
            last.await??;
        }
        Ok(kept)
    }

    /// So many grants that are due one after the other, `step` microseconds apart.
    pub async fn due(
        &self,
        store: &Store,
        count: u64,
        from: Timestamp,
        step: u64,
    ) -> anyhow::Result<Vec<Made>> {
        let most = u64::try_from(self.people.len() * self.due.len())?;
        ensure!(count <= most, "at most {most} can be due");
        let length = Length::from_seconds(HOUR)?;
        let mut made = Vec::new();
        let mut writing = Vec::new();
        for number in 0..count {
            let micros = i64::try_from(number * step)?;
            let until = Timestamp::from_micros(from.as_micros() + micros);
            let at = until.minus_seconds(HOUR);
            let actor = Actor::Worker { name: Worker::Fulfil };
            let mut commit = Commit::new(environment().id(), at, actor, Facts::default());
            made.push(self.make(&mut commit, Which::Due(number), at, length)?);
            let store = store.clone();
            writing.push(tokio::spawn(async move { store.commit(commit).await }));
            if writing.len() == 128 {
                for one in writing.drain(..) {
                    one.await??;
                }
            }
        }
        for one in writing {
            one.await??;
        }
        Ok(made)
    }

    /// Filing alone, as one commit: what a caller who asks makes durable.
    pub fn filing(&self, number: u64) -> anyhow::Result<Commit> {
        let (person, entitlement) = self.which(Which::Lasting(number))?;
        let at = Machine.now();
        let actor = Actor::Person { id: person.id, session: environment().id() };
        let mut commit = Commit::new(environment().id(), at, actor, Facts::default());
        commit.facts.row(person.id.into(), 1);
        commit.facts.row(entitlement.id.into(), 1);
        let length = Length::from_seconds(HOUR)?;
        self.file(&mut commit, person, entitlement, at, length)?;
        Ok(commit)
    }

    /// The same facts where nobody is registered.
    pub fn nobody(&self, number: u64) -> anyhow::Result<Facts> {
        let (person, entitlement) = self.which(Which::Lasting(number))?;
        let mut facts = Facts::default();
        facts.row(person.id.into(), 0);
        facts.row(entitlement.id.into(), 0);
        Ok(facts)
    }

    fn which(&self, which: Which) -> anyhow::Result<(&Identity, &Entitlement)> {
        let pick = |list: usize, number: u64| -> anyhow::Result<usize> {
            Ok(usize::try_from(number % u64::try_from(list)?)?)
        };
        let (person, entitlement) = match which {
            Which::Lasting(number) => {
                // Everybody holds another run of fifty.
                let holder = number / EACH;
                let wanted = holder * 7 + number % EACH;
                (pick(self.people.len(), holder)?, {
                    self.lasting.get(pick(self.lasting.len(), wanted)?)
                })
            }
            Which::Due(number) => {
                let held = number / u64::try_from(self.people.len())?;
                (pick(self.people.len(), number)?, self.due.get(pick(self.due.len(), held)?))
            }
        };
        Ok((self.people.get(person).context("people")?, entitlement.context("entitlements")?))
    }

    /// A request that a pre-approval covers, decided by the domain.
    fn file(
        &self,
        commit: &mut Commit,
        person: &Identity,
        entitlement: &Entitlement,
        at: Timestamp,
        length: Length,
    ) -> anyhow::Result<(RequestId, Digest)> {
        let id: RequestId = environment().id();
        let text = "what is measured needs it".to_owned();
        let (justification, disclosure) =
            Committed::seal(&text, "justification", environment().salt())?;
        let revision = Revision {
            request: id,
            number: 1,
            requester: person.id,
            receiver: person.id,
            entitlement: entitlement.id,
            terms: entitlement.terms.clone(),
            length,
            justification,
            reference: None,
            starts_at: None,
            ends_on: BTreeSet::new(),
            extends: None,
            filed_with: None,
            emergency: None,
            answers: None,
        };
        let digest = revision.digest()?;
        let intake = Intake {
            revision,
            requester: person,
            receiver: person,
            entitlement,
            excluded: BTreeSet::from([person.id]),
            already_open: None,
            extends: None,
            may_ask: &self.permit,
            solved: &self.solved,
            candidates: &Candidates::new(),
            escalates_at: None,
        };
        let events = request::decide(None, request::Command::Submit(intake), at)?;
        commit.changes.push(change(id.into(), id.into(), events));
        commit.disclosures.push(Disclosed { disclosure, about: id.into() });
        Ok((id, digest))
    }

    /// A grant from filing to being seen, in one commit.
    fn make(
        &self,
        commit: &mut Commit,
        which: Which,
        at: Timestamp,
        length: Length,
    ) -> anyhow::Result<Made> {
        let (person, entitlement) = self.which(which)?;
        let (request, digest) = self.file(commit, person, entitlement, at, length)?;
        let account: AccountName = format!("account-{}", person.id).parse()?;
        let (account, disclosure) = Committed::seal(&account, "account", environment().salt())?;
        let id: GrantId = environment().id();
        let approved = Approved {
            grant: id,
            request,
            digest,
            receiver: person.id,
            entitlement: entitlement.id,
            target: entitlement.terms.target,
            native: entitlement.terms.native.clone(),
            account,
            length,
            use_by: at.plus_seconds(request::USE_BY_SECONDS),
            starts_at: None,
            issues: None,
        };
        let action = environment().id();
        let intend = Intend {
            action,
            effect: Effect::Grant,
            epoch: 1,
            busy: false,
            ruling: Some(&self.permit),
        };
        let observation = seen(entitlement.terms.target, at);
        let mut life = Life { grant: None, events: Vec::new(), at };
        life.goes_on(grant::Command::Approve { approved, asked: length })?;
        life.goes_on(grant::Command::Intend(intend))?;
        life.goes_on(grant::Command::Finish { action, outcome: Outcome::Done, issued: None })?;
        life.goes_on(grant::Command::See { observation: &observation, seen: Seen::Present })?;
        let until = life.grant.and_then(|grant| grant.until).context("an end")?;
        let change = change(id.into(), request.into(), life.events);
        // As if everybody had been told.
        let cause = change.events.last().map(|(id, _)| *id).context("a sighting")?;
        for to in [Audience::One(person.id), Audience::AskerOf(request)] {
            let id = format!("{cause}/{}/{to}", Kind::GrantActive);
            commit.outbox.push(Outbox::Spread { id, notices: Vec::new() });
        }
        commit.changes.push(change);
        commit.disclosures.push(Disclosed { disclosure, about: person.id.into() });
        Ok(Made { grant: id, request, holder: person.id, until })
    }
}

#[derive(Clone, Copy)]
enum Which {
    Lasting(u64),
    Due(u64),
}

struct Life {
    grant: Option<Grant>,
    events: Vec<grant::Event>,
    at: Timestamp,
}

impl Life {
    fn goes_on(&mut self, command: grant::Command<'_>) -> anyhow::Result<()> {
        for event in grant::decide(self.grant.as_ref(), command, self.at)? {
            self.grant = grant::apply(self.grant.take(), &event, self.at);
            self.events.push(event);
        }
        Ok(())
    }
}

fn change<E: Into<Event>>(stream: Stream, trail: Stream, events: Vec<E>) -> Change {
    let event = |event: E| -> (EventId, Event) { (environment().id(), event.into()) };
    Change { stream, expected: 0, trail, events: events.into_iter().map(event).collect() }
}

fn seen(target: TargetId, at: Timestamp) -> Observation {
    Observation {
        id: environment().id(),
        target,
        scope: Scope::Everything,
        completeness: Completeness::Complete,
        began_at: at,
        finished_at: at,
        present: BTreeSet::<Binding>::new(),
        credentials: None,
        sessions: BTreeSet::new(),
    }
}

/// Somebody who is called so, in a session of their own.
pub async fn acting(store: &Store, handle: &str) -> anyhow::Result<Actor> {
    let id = store.identity_called(&handle.parse()?).await?.context("somebody")?;
    Ok(person(id))
}

pub fn person(id: IdentityId) -> Actor {
    Actor::Person { id, session: environment().id() }
}
