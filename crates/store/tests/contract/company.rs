//! A small company in a store, made through the domain's own decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use placet_domain::Timestamp;
use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::credential::{self, Issued};
use placet_domain::delegation;
use placet_domain::entitlement::{self, Entitlement, Environment, Kind, Privilege, Terms};
use placet_domain::event::Event;
use placet_domain::finding::{self, Opened};
use placet_domain::grant::{self, Approved, Grant, Intend};
use placet_domain::id::{
    ActionId, CredentialId, DelegationId, EntitlementId, EventId, FindingId, GrantId, IdentityId,
    PasskeyId, RequestId, Stream, TargetId,
};
use placet_domain::identity::{self, Identity, Kind as Holder, Nature, Profile};
use placet_domain::length::Length;
use placet_domain::name::AccountName;
use placet_domain::observation::{Binding, Completeness, Observation, Scope, Seen};
use placet_domain::organisation::{self, Founded};
use placet_domain::passkey;
use placet_domain::request::{self, Approve, Intake, Revision};
use placet_domain::route::{Candidates, Route, Solved, Stage};
use placet_domain::ruling::{Deciding, Ruling};
use placet_domain::state::{self, State};
use placet_domain::target::{self, Observed, Target};
use placet_domain::team::{self, Team};
use placet_store::{Change, Commit, Disclosed, Done, Error, Facts, Store};
use uuid::Uuid;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number that was not given out before, by any process; later ones are larger.
fn next() -> u128 {
    let n = NEXT.fetch_add(1, Ordering::SeqCst);
    u128::from(std::process::id()) << 64 | u128::from(n)
}

/// A fresh id of whatever kind is expected.
pub fn fresh<T: From<Uuid>>() -> T {
    T::from(Uuid::from_u128(next()))
}

/// Seconds after the morning on which every test begins.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_338_000_000_000 + seconds * 1_000_000)
}

pub fn salt() -> [u8; 16] {
    next().to_be_bytes()
}

pub const FULFIL: Actor = Actor::Worker { name: Worker::Fulfil };

pub fn empty(seconds: i64) -> Commit {
    Commit::new(fresh(), at(seconds), FULFIL, Facts::default())
}

pub fn change<E: Into<Event>>(stream: impl Into<Stream>, expected: u64, events: Vec<E>) -> Change {
    let stream = stream.into();
    let events = events.into_iter().map(|event| (fresh(), event.into())).collect();
    Change { trail: stream.clone(), stream, expected, events }
}

pub fn permit() -> Ruling {
    let deciding =
        vec![Deciding { policy: "engineers-ask".to_owned(), why: "engineers may".to_owned() }];
    let (bundle, record) = (Digest::of(b"bundle"), Digest::of(b"record"));
    Ruling { permit: true, deciding, errors: Vec::new(), bundle, record }
}

pub fn by_one(stage: &str) -> Solved {
    let stages = vec![Stage {
        name: stage.parse().unwrap(),
        needed: 1,
        after: BTreeSet::new(),
        because: permit().deciding,
        step_up: None,
    }];
    Solved { route: Some(Route::People { stages }), ruling: permit() }
}

/// Somebody to register: the commit that does it, and the identity.
pub fn person(handle: &str, manager: Option<IdentityId>, teams: &[&str]) -> (Commit, Identity) {
    registered(handle, Nature::Human { manager, external: None }, teams, None)
}

pub fn workload(handle: &str, owner: &Identity) -> (Commit, Identity) {
    let purpose = "deploys to production".to_owned();
    let is = Nature::Workload { kind: Holder::Pipeline, owner: owner.id, purpose };
    registered(handle, is, &[], Some(owner))
}

fn registered(
    handle: &str,
    is: Nature,
    teams: &[&str],
    answerable: Option<&Identity>,
) -> (Commit, Identity) {
    let name = format!("{handle} example");
    let profile = Profile {
        handle: handle.parse().unwrap(),
        name,
        accounts: BTreeMap::new(),
        mail: None,
        logins: BTreeSet::new(),
    };
    let (committed, disclosure) = Committed::seal(&profile, "profile", salt()).unwrap();
    let teams = teams.iter().map(|one| one.parse().unwrap()).collect();
    let id: IdentityId = fresh();
    let identity =
        Identity { id, profile: committed, is, teams, active: true, risk: 0, schedule: None };
    let command = identity::Command::Register { identity: identity.clone(), answerable };
    let mut commit = empty(0);
    commit.changes.push(change(id, 0, identity::decide(None, command).unwrap()));
    commit.disclosures.push(Disclosed { disclosure, about: id.into() });
    commit.profiles.push((id, profile));
    (commit, identity)
}

pub fn a_team(name: &str) -> Commit {
    let team = Team { name: name.parse().unwrap(), within: BTreeSet::new() };
    let mut commit = empty(0);
    let events = team::decide(None, team::Command::Register(team.clone())).unwrap();
    commit.changes.push(change(team.name, 0, events));
    commit
}

pub fn a_target(name: &str, owner: &Identity) -> (Commit, Target) {
    let target = Target {
        id: fresh(),
        name: name.parse().unwrap(),
        owner: owner.id,
        connector: "group-file".parse().unwrap(),
        settings: BTreeMap::new(),
        brake: None,
        released: false,
        retired: false,
    };
    let command = target::Command::Register { target: target.clone(), owner: Some(owner) };
    let mut commit = empty(0);
    commit.changes.push(change(target.id, 0, target::decide(None, command).unwrap()));
    (commit, target)
}

pub fn an_entitlement(
    name: &str,
    native: &str,
    target: &Target,
    owner: &Identity,
) -> (Commit, Entitlement) {
    let terms = Terms {
        target: target.id,
        native: native.parse().unwrap(),
        kind: Kind::Group,
        environment: Environment::Prod,
        privilege: Privilege::Admin,
        scope: "every table".to_owned(),
        sensitivity: 3,
    };
    let entitlement = Entitlement {
        id: fresh(),
        name: name.parse().unwrap(),
        terms,
        owner: owner.id,
        owners: "stewards".parse().unwrap(),
        offered_to: BTreeSet::new(),
        holders: BTreeSet::from([Holder::Human, Holder::Pipeline]),
        longest: Length::LONGEST,
        conflicts: BTreeSet::new(),
        packs: BTreeSet::new(),
        power_over_placet: false,
        retired: false,
    };
    let command = entitlement::Command::Register {
        entitlement: Box::new(entitlement.clone()),
        owner: Some(owner),
        target: Some(target),
    };
    let mut commit = empty(0);
    commit.changes.push(change(entitlement.id, 0, entitlement::decide(None, command).unwrap()));
    (commit, entitlement)
}

pub fn a_session(holder: &Identity) -> (Commit, Issued) {
    let credential: CredentialId = fresh();
    let issued = Issued {
        credential,
        kind: credential::Kind::Session,
        holder: holder.id,
        fingerprint: Digest::of(credential.to_string().as_bytes()),
        expires_at: at(3_600),
        opened_by: None,
        provider: None,
        passkey: None,
        scopes: Default::default(),
    };
    let command = credential::Command::Issue { issued: issued.clone(), holder };
    let mut commit = empty(0);
    commit.changes.push(change(credential, 0, credential::decide(None, command, at(0)).unwrap()));
    (commit, issued)
}

/// A credential that lasts as long as its kind can, issued after so many seconds.
pub fn a_credential(
    kind: credential::Kind,
    holder: &Identity,
    seconds: i64,
) -> (Commit, CredentialId) {
    let (_, issued) = a_session(holder);
    let longest = credential::longest_seconds(kind);
    let issued = Issued { kind, expires_at: at(seconds).plus_seconds(longest), ..issued };
    let id = issued.credential;
    let command = credential::Command::Issue { issued, holder };
    let events = credential::decide(None, command, at(seconds)).unwrap();
    let mut commit = empty(seconds);
    commit.changes.push(change(id, 0, events));
    (commit, id)
}

/// A look at a target, to record: as small an event as there is.
pub fn observed(count: u64) -> target::Event {
    target::Event::Observed(Observed {
        completeness: Completeness::Complete,
        began_at: at(0),
        count,
        salt: Committed::seal(&"salt".to_owned(), "observation", [3; 16]).unwrap().0,
        root: Digest::of(&count.to_be_bytes()),
        appeared: 0,
        vanished: 0,
        baseline: count == 0,
    })
}

/// The company as it stands in a store.
pub struct Company {
    pub store: Store,
    pub ana: Identity,
    pub olga: Identity,
    /// Ana is her manager.
    pub ines: Identity,
    /// Owned by Ines.
    pub ci: Identity,
    /// Owned by Olga, and everything on it.
    pub target: Target,
    pub entitlement: Entitlement,
    pub clock: std::cell::Cell<i64>,
}

impl Company {
    pub async fn found(store: Store) -> Self {
        let (commit, ana) = person("ana", None, &["engineers", "stewards"]);
        store.commit(commit).await.unwrap();
        let (commit, olga) = person("olga", None, &["stewards"]);
        store.commit(commit).await.unwrap();
        let (commit, ines) = person("ines", Some(ana.id), &["engineers"]);
        store.commit(commit).await.unwrap();
        let (commit, ci) = workload("ci-deployer", &ines);
        store.commit(commit).await.unwrap();
        for name in ["engineers", "stewards"] {
            store.commit(a_team(name)).await.unwrap();
        }
        let (commit, target) = a_target("db-1", &olga);
        store.commit(commit).await.unwrap();
        let (commit, entitlement) = an_entitlement("prod-db-admin", "dba", &target, &olga);
        store.commit(commit).await.unwrap();
        let founded = Founded {
            verifier_key: store.verifier().to_string(),
            bundle: Digest::of(b"bundle"),
            catalogue: Digest::of(b"catalogue"),
            administrators: BTreeSet::from([ana.id, olga.id]),
        };
        let administrators = [ana.clone(), olga.clone()];
        let found = organisation::Command::Found { founded, administrators: &administrators };
        let mut commit = empty(0);
        let events = organisation::decide(None, found).unwrap();
        commit.changes.push(change(Stream::Organisation, 0, events));
        commit.records.insert(Digest::of(b"{}"), "{}".to_owned());
        store.commit(commit).await.unwrap();
        let clock = std::cell::Cell::new(1);
        Self { store, ana, olga, ines, ci, target, entitlement, clock }
    }

    /// One second later, every time that it is asked.
    pub fn now(&self) -> i64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    /// Olga agrees to what others receive, and Ana to what she does.
    fn approver(&self, receiver: &Identity) -> &Identity {
        if receiver.id == self.olga.id { &self.ana } else { &self.olga }
    }

    /// A request of Ines for somebody, open and waiting for the approver.
    pub async fn ask(&self, receiver: &Identity, entitlement: &Entitlement) -> RequestId {
        let (commit, id) = self.asking(&self.ines, receiver, entitlement);
        self.store.commit(commit).await.unwrap();
        id
    }

    pub fn asking(
        &self,
        requester: &Identity,
        receiver: &Identity,
        entitlement: &Entitlement,
    ) -> (Commit, RequestId) {
        let id: RequestId = fresh();
        let mut commit = empty(self.now());
        let text = "the index is broken".to_owned();
        let (justification, disclosure) = Committed::seal(&text, "justification", salt()).unwrap();
        let revision = Revision {
            request: id,
            number: 1,
            requester: requester.id,
            receiver: receiver.id,
            entitlement: entitlement.id,
            terms: entitlement.terms.clone(),
            length: Length::from_seconds(3_600).unwrap(),
            justification,
            reference: None,
            starts_at: None,
            ends_on: BTreeSet::new(),
            extends: None,
            filed_with: None,
            emergency: None,
            answers: None,
        };
        let candidates = Candidates::from([(
            "owner".parse().unwrap(),
            BTreeSet::from([self.approver(receiver).id]),
        )]);
        let intake = Intake {
            revision,
            requester,
            receiver,
            entitlement,
            excluded: BTreeSet::from([requester.id, receiver.id]),
            already_open: None,
            extends: None,
            escalates_at: None,
            may_ask: &permit(),
            solved: &by_one("owner"),
            candidates: &candidates,
        };
        let events = request::decide(None, request::Command::Submit(intake), commit.at).unwrap();
        commit.changes.push(change(id, 0, events));
        commit.disclosures.push(Disclosed { disclosure, about: id.into() });
        commit.waiting.push((id, candidates));
        (commit, id)
    }

    /// The approver agrees, and the grant begins to be.
    pub async fn approve(&self, id: RequestId, receiver: &Identity) -> GrantId {
        let mut facts = Facts::default();
        let request: request::Request = self.store.load(id, &mut facts).await.unwrap().unwrap();
        let approver = self.approver(receiver);
        let session = Actor::Person { id: approver.id, session: fresh() };
        let (entitlement, _) = self.entitlement_of(&request).await;
        let approve = Approve {
            actor: session,
            approver,
            digest: request.digest,
            stage: None,
            receiver,
            entitlement: &entitlement,
            excluded: &request.excluded,
            solved: &by_one("owner"),
            candidates: &Candidates::new(),
            eligible: &[("owner".parse().unwrap(), permit())],
            acting: &[],
            asserted: None,
            escalates_at: None,
        };
        let now = at(self.now());
        let command = request::Command::Approve(approve);
        let events = request::decide(Some(&request), command, now).unwrap();
        let mut commit = Commit::new(fresh(), now, session, facts);
        let version = commit.facts.version(&id.into());
        commit.changes.push(change(id, version, events));
        let grant: GrantId = fresh();
        let account: AccountName = "ines".parse().unwrap();
        let (account, disclosure) = Committed::seal(&account, "account", salt()).unwrap();
        let approved = Approved {
            grant,
            request: id,
            digest: request.digest,
            receiver: receiver.id,
            entitlement: entitlement.id,
            target: entitlement.terms.target,
            native: entitlement.terms.native.clone(),
            account,
            length: request.revision.length,
            use_by: now.plus_seconds(request::USE_BY_SECONDS),
            starts_at: None,
            issues: None,
        };
        let asked = request.revision.length;
        let events = grant::decide(None, grant::Command::Approve { approved, asked }, now).unwrap();
        commit.changes.push(Change { trail: id.into(), ..change(grant, 0, events) });
        commit.disclosures.push(Disclosed { disclosure, about: receiver.id.into() });
        commit.waiting.push((id, Candidates::new()));
        self.store.commit(commit).await.unwrap();
        grant
    }

    async fn entitlement_of(&self, request: &request::Request) -> (Entitlement, u64) {
        let mut facts = Facts::default();
        let id: EntitlementId = request.revision.entitlement;
        let found = self.store.load(id, &mut facts).await.unwrap().unwrap();
        (found, facts.version(&id.into()))
    }

    /// A grant moves on by one command.
    pub async fn tell(&self, id: GrantId, command: grant::Command<'_>) -> Done {
        let mut facts = Facts::default();
        let grant: Grant = self.store.load(id, &mut facts).await.unwrap().unwrap();
        let now = at(self.now());
        let events = grant::decide(Some(&grant), command, now).unwrap();
        let mut commit = Commit::new(fresh(), now, FULFIL, facts);
        let version = commit.facts.version(&id.into());
        let trail = grant.approved.request.into();
        commit.changes.push(Change { trail, ..change(id, version, events) });
        self.store.commit(commit).await.unwrap()
    }

    pub async fn intend(&self, grant: GrantId, effect: Effect) -> ActionId {
        let action: ActionId = fresh();
        let permit = permit();
        let ruling = (effect == Effect::Grant).then_some(&permit);
        let intend = Intend { action, effect, epoch: 1, busy: false, ruling };
        self.tell(grant, grant::Command::Intend(intend)).await;
        action
    }

    /// A grant that is carried out and seen.
    pub async fn active(&self, receiver: &Identity, entitlement: &Entitlement) -> GrantId {
        let request = self.ask(receiver, entitlement).await;
        let grant = self.approve(request, receiver).await;
        let action = self.intend(grant, Effect::Grant).await;
        let outcome = Outcome::Done;
        self.tell(grant, grant::Command::Finish { action, outcome, issued: None }).await;
        let observation = self.look();
        let see = grant::Command::See { observation: &observation, seen: Seen::Present };
        self.tell(grant, see).await;
        grant
    }

    pub fn look(&self) -> Observation {
        let now = at(self.now());
        Observation {
            id: fresh(),
            target: self.target.id,
            scope: Scope::Everything,
            completeness: Completeness::Complete,
            began_at: now,
            finished_at: now,
            present: BTreeSet::new(),
            credentials: None,
            sessions: BTreeSet::new(),
        }
    }

    pub fn finding(&self, grant: Option<GrantId>) -> (Commit, FindingId) {
        let finding: FindingId = fresh();
        let account: AccountName = "eve".parse().unwrap();
        let (account, disclosure) = Committed::seal(&account, "account", salt()).unwrap();
        let opened = Opened {
            finding,
            kind: finding::Kind::Unapproved,
            target: self.target.id,
            entitlement: self.entitlement.id,
            account: Some(account),
            request: None,
            grant,
            owner: self.olga.id,
            sighting: Some(self.look().cite()),
            detail: "approved by nobody".to_owned(),
            due_at: None,
            baseline: false,
            scope: None,
        };
        let mut commit = empty(self.now());
        let events = finding::decide(None, finding::Command::Open(opened), at(self.now())).unwrap();
        commit.changes.push(change(finding, 0, events));
        commit.disclosures.push(Disclosed { disclosure, about: finding.into() });
        (commit, finding)
    }

    /// Rows in every governed table, in as many states as there are kinds of column values.
    pub async fn busy(&self) {
        self.active(&self.ines, &self.entitlement).await;
        let (commit, other) = an_entitlement("prod-db-read", "reader", &self.target, &self.olga);
        self.store.commit(commit).await.unwrap();
        let grant = self.active(&self.ci, &other).await;
        let reason = grant::Reason::GivenBack { by: self.ines.id };
        self.tell(grant, grant::Command::End { reason }).await;
        let observation = self.look();
        let see = grant::Command::See { observation: &observation, seen: Seen::Absent };
        self.tell(grant, see).await;
        self.ask(&self.ci, &self.entitlement).await;
        for grant in [None, Some(grant)] {
            self.store.commit(self.finding(grant).0).await.unwrap();
        }
        let (commit, _) = a_session(&self.ana);
        self.store.commit(commit).await.unwrap();
        let (governed, ..) = crate::governed::one_of_each(self);
        self.store.commit(governed).await.unwrap();
        self.lasting().await;
    }

    /// A request that waits for a ticket and escalates, an emergency whose review is owed, a
    /// delegation, passkeys, and a finding that is borne until a day.
    async fn lasting(&self) {
        let (mut commit, request) = self.asking(&self.ana, &self.ana, &self.entitlement);
        let mut events = Vec::new();
        for (_, event) in commit.changes.iter().flat_map(|change| &change.events) {
            let mut event = event.clone();
            if let Event::Request(request::Event::Submitted(submitted)) = &mut event {
                let incident = Committed::seal(&"INC-7".to_owned(), "incident", salt()).unwrap().0;
                submitted.revision.emergency =
                    Some(request::Emergency { incident, verified: false });
                submitted.revision.ends_on = BTreeSet::from(["ticket:OPS-7".parse().unwrap()]);
            }
            if let Event::Request(request::Event::Routed(routed)) = &mut event {
                routed.escalates_at = Some(at(90));
            }
            events.push(event);
        }
        events.push(request::Event::ReviewOwed(request::Owed { due_at: at(900) }).into());
        commit.changes = vec![change(request, 0, events)];
        let delegation: DelegationId = fresh();
        let made = delegation::Made {
            delegation,
            from: self.olga.id,
            to: self.ana.id,
            starts_at: at(0),
            ends_at: at(900),
        };
        commit.changes.push(change(delegation, 0, vec![delegation::Event::Made(made)]));
        commit.changes.extend([self.passkey(false), self.passkey(true)]);
        self.store.commit(commit).await.unwrap();
        let (mut commit, _) = self.finding(None);
        let accepted = finding::Accepted { request, until: at(900) };
        let borne: Event = finding::Event::Accepted(accepted).into();
        commit.changes[0].events.push((fresh(), borne));
        self.store.commit(commit).await.unwrap();
    }

    /// A passkey of Ana's, which waits or for which Olga has vouched.
    fn passkey(&self, enrolled: bool) -> Change {
        let passkey: PasskeyId = fresh();
        let bytes = |of: String| passkey::Bytes::new(of.into_bytes()).unwrap();
        let offered = passkey::Offered {
            passkey,
            holder: self.ana.id,
            session: fresh(),
            credential_id: bytes(format!("credential of {passkey}")),
            public_key: bytes("a COSE key".to_owned()),
            rp: "placet.example.org".parse().unwrap(),
            name: Committed::seal(&"laptop".to_owned(), "passkey", salt()).unwrap().0,
            challenge: passkey::Challenge::of([7; 32]),
            lapses_at: at(900),
        };
        let mut events = vec![passkey::Event::Offered(offered)];
        if enrolled {
            let (who, session) = (self.olga.id, fresh());
            let backing = passkey::Backing::Person { who, session, ruling: None };
            events.push(passkey::Event::Enrolled { backing });
        }
        change(passkey, 0, events)
    }

    /// One more event, and the id of it.
    pub async fn another_event(&self) -> Result<EventId, Error> {
        another_event(&self.store, self.target.id).await
    }

    pub fn binding(account: &str) -> Binding {
        Binding { native: "dba".parse().unwrap(), account: account.parse().unwrap() }
    }
}

/// Records one more look at a target, trying again when somebody else was first.
pub async fn another_event(store: &Store, target: TargetId) -> Result<EventId, Error> {
    loop {
        let mut facts = Facts::default();
        let _: Option<Target> = store.load(target, &mut facts).await?;
        let version = facts.version(&target.into());
        let mut commit = Commit::new(fresh(), at(0), FULFIL, facts);
        commit.changes.push(change(target, version, vec![observed(version)]));
        match store.commit(commit).await {
            Ok(done) => return Ok(done.events[0]),
            Err(Error::Stale { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The fold of some events, for comparing with a row.
pub fn fold(stream: &Stream, events: &[Event]) -> Option<State> {
    events.iter().fold(None, |state, event| state::apply(stream, state, event, at(0)).unwrap())
}
