//! One request from its asking to its end, as the domain decides it, as drafts of entries.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Timestamp;
use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::committed::{Committed, Disclosure};
use placet_domain::credential::{self, Issued};
use placet_domain::entitlement::{self, Entitlement, Environment, Privilege, Terms};
use placet_domain::event::Event;
use placet_domain::grant::{self, Approved, Intend, Reason};
use placet_domain::id::{
    ActionId, CredentialId, EntitlementId, GrantId, IdentityId, ObservationId, RequestId, Stream,
    TargetId,
};
use placet_domain::identity::{self, Identity, Kind, Nature, Profile};
use placet_domain::length::Length;
use placet_domain::name::{AccountName, StageName};
use placet_domain::observation::{Binding, Completeness, Observation, Scope, Seen};
use placet_domain::organisation::{self, Founded};
use placet_domain::request::{self, Approve, Intake, Revision};
use placet_domain::route::{Candidates, Route, Solved, Stage};
use placet_domain::ruling::{Deciding, Ruling};
use placet_domain::state::{State, apply};
use placet_domain::target::{self, Target};
use uuid::Uuid;

use crate::log::{Draft, Log, key};

pub fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

pub const ANA: u128 = 1;
pub const BORIS: u128 = 2;
pub const CORA: u128 = 3;
pub const DINA: u128 = 4;

pub fn person(n: u128) -> IdentityId {
    id(n)
}

/// The session of a person.
pub fn session(n: u128) -> CredentialId {
    id(100 + n)
}

pub fn actor(n: u128) -> Actor {
    Actor::Person { id: person(n), session: session(n) }
}

pub const FULFIL: Actor = Actor::Worker { name: Worker::Fulfil };

/// Minutes after eight.
pub fn minute(n: u64) -> Timestamp {
    "2026-11-22T08:00:00Z".parse::<Timestamp>().unwrap().plus_seconds(60 * n)
}

pub fn stage(name: &str) -> StageName {
    name.parse().unwrap()
}

pub fn ruling(permit: bool, policy: &str) -> Ruling {
    Ruling {
        permit,
        deciding: vec![Deciding { policy: policy.to_owned(), why: "said so".to_owned() }],
        errors: Vec::new(),
        bundle: Digest::of(b"bundle"),
        record: Digest::of(policy.as_bytes()),
    }
}

pub fn request() -> RequestId {
    id(500)
}

pub fn trail() -> Stream {
    Stream::Request(request())
}

pub fn grant() -> GrantId {
    id(600)
}

pub fn action(n: u128) -> ActionId {
    id(700 + n)
}

pub fn account() -> AccountName {
    "ana".parse().unwrap()
}

pub fn terms() -> Terms {
    Terms {
        target: id(300),
        native: "gid=2001".parse().unwrap(),
        kind: entitlement::Kind::Group,
        environment: Environment::Prod,
        privilege: Privilege::Admin,
        scope: "all tables of `billing`".to_owned(),
        sensitivity: 3,
    }
}

pub fn entitlement() -> Entitlement {
    Entitlement {
        id: id::<EntitlementId>(400),
        name: "prod-db-admin".parse().unwrap(),
        terms: terms(),
        owner: person(BORIS),
        owners: "db-owners".parse().unwrap(),
        offered_to: BTreeSet::new(),
        holders: BTreeSet::from([Kind::Human]),
        longest: Length::from_seconds(8 * 3600).unwrap(),
        conflicts: BTreeSet::new(),
        packs: BTreeSet::new(),
        power_over_placet: false,
        retired: false,
    }
}

/// Which way the request goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    People,
    PreApproved,
}

/// A story in the making: the drafts so far, and the state that they fold to.
pub struct Story {
    pub drafts: Vec<Draft>,
    pub disclosures: Vec<Disclosure>,
    pub account: (Committed<AccountName>, Disclosure),
    identities: BTreeMap<u128, Identity>,
    states: BTreeMap<Stream, State>,
    way: Way,
}

impl Story {
    /// The house is founded; everyone is registered and logged in.
    pub fn founded(way: Way) -> Self {
        let account = Committed::seal(&account(), "account", [9; 16]).unwrap();
        let mut story = Self {
            drafts: Vec::new(),
            disclosures: Vec::new(),
            account,
            identities: BTreeMap::new(),
            states: BTreeMap::new(),
            way,
        };
        let founded = Founded {
            verifier_key: key().verifier().to_string(),
            bundle: Digest::of(b"bundle"),
            catalogue: Digest::of(b"catalogue"),
            administrators: BTreeSet::from([person(BORIS), person(CORA)]),
        };
        let event = Event::Organisation(organisation::Event::Founded(founded));
        story.write(0, Actor::Founding, Stream::Organisation, vec![event]);
        for (n, handle, name) in [
            (ANA, "ana", "Ana Alves"),
            (BORIS, "boris", "Boris Brandt"),
            (CORA, "cora", "Cora Conti"),
            (DINA, "dina", "Dina Dahl"),
        ] {
            story.register(n, handle, name);
        }
        story.catalogue();
        story
    }

    fn register(&mut self, n: u128, handle: &str, name: &str) {
        let profile = Profile {
            handle: handle.parse().unwrap(),
            name: name.to_owned(),
            accounts: BTreeMap::new(),
            mail: None,
            logins: BTreeSet::new(),
        };
        let (profile, disclosure) = Committed::seal(&profile, "profile", [n as u8; 16]).unwrap();
        self.disclosures.push(disclosure);
        let identity = Identity {
            id: person(n),
            profile,
            is: Nature::Human { manager: None, external: None },
            teams: BTreeSet::new(),
            active: true,
            risk: 0,
            schedule: None,
        };
        self.identities.insert(n, identity.clone());
        let event = Event::Identity(identity::Event::Registered(identity));
        self.write(0, Actor::Founding, Stream::Identity(person(n)), vec![event]);
        let issued = Issued {
            credential: session(n),
            kind: credential::Kind::Session,
            holder: person(n),
            fingerprint: Digest::of(&[n as u8]),
            expires_at: minute(600),
            opened_by: None,
            provider: None,
            passkey: None,
            scopes: Default::default(),
        };
        let event = Event::Credential(credential::Event::Issued(issued));
        self.write(0, actor(n), Stream::Credential(session(n)), vec![event]);
    }

    fn catalogue(&mut self) {
        let target = Target {
            id: id::<TargetId>(300),
            name: "prod-db".parse().unwrap(),
            owner: person(BORIS),
            connector: "group-file".parse().unwrap(),
            settings: BTreeMap::new(),
            retired: false,
            brake: None,
            released: false,
        };
        let stream = Stream::Target(target.id);
        let event = Event::Target(target::Event::Registered(target));
        self.write(0, actor(BORIS), stream, vec![event]);
        let stream = Stream::Entitlement(entitlement().id);
        let registered = Box::new(entitlement());
        let event = Event::Entitlement(entitlement::Event::Registered(registered));
        self.write(0, actor(BORIS), stream, vec![event]);
    }

    /// Writes events, and folds them as the store does.
    pub fn write(&mut self, at: u64, actor: Actor, stream: Stream, events: Vec<Event>) {
        let at = minute(at);
        for event in events {
            let before = self.states.remove(&stream);
            let after = apply(&stream, before, &event, at).unwrap().unwrap();
            let trail = after.trail(&stream);
            self.states.insert(stream.clone(), after);
            self.drafts.push(Draft { at, actor, stream: stream.clone(), trail, event });
        }
    }

    fn the_request(&self) -> Option<&request::Request> {
        match self.states.get(&trail()) {
            Some(State::Request(request)) => Some(request),
            _ => None,
        }
    }

    pub fn the_grant(&self) -> Option<&grant::Grant> {
        match self.states.get(&Stream::Grant(grant())) {
            Some(State::Grant(grant)) => Some(grant),
            _ => None,
        }
    }

    fn solved(&self) -> Solved {
        let stage = |name| Stage {
            name: stage(name),
            needed: 1,
            after: BTreeSet::new(),
            because: Vec::new(),
            step_up: None,
        };
        let route = match self.way {
            Way::People => Route::People { stages: vec![stage("owner"), stage("security")] },
            Way::PreApproved => Route::PreApproved { because: ruling(true, "on-call").deciding },
        };
        Solved { route: Some(route), ruling: ruling(true, "on-call") }
    }

    fn candidates(&self) -> Candidates {
        BTreeMap::from([
            (stage("owner"), BTreeSet::from([person(BORIS)])),
            (stage("security"), BTreeSet::from([person(CORA), person(DINA)])),
        ])
    }

    fn excluded(&self) -> BTreeSet<IdentityId> {
        BTreeSet::from([person(ANA)])
    }

    pub fn asked(mut self) -> Self {
        let why = "fix the stuck invoices".to_owned();
        let (justification, disclosure) = Committed::seal(&why, "justification", [5; 16]).unwrap();
        self.disclosures.push(disclosure);
        let ana = self.identities[&ANA].clone();
        let intake = Intake {
            revision: Revision {
                request: request(),
                number: 1,
                requester: person(ANA),
                receiver: person(ANA),
                entitlement: entitlement().id,
                terms: terms(),
                length: Length::from_seconds(4 * 3600).unwrap(),
                justification,
                reference: None,
                starts_at: None,
                ends_on: BTreeSet::new(),
                extends: None,
                filed_with: None,
                emergency: None,
                answers: None,
            },
            requester: &ana,
            receiver: &ana,
            entitlement: &entitlement(),
            excluded: self.excluded(),
            already_open: None,
            extends: None,
            escalates_at: None,
            may_ask: &ruling(true, "staff-may-ask"),
            solved: &self.solved(),
            candidates: &self.candidates(),
        };
        self.decide_request(10, actor(ANA), request::Command::Submit(intake));
        self
    }

    fn decide_request(&mut self, at: u64, actor: Actor, command: request::Command<'_>) {
        let events = request::decide(self.the_request(), command, minute(at)).unwrap();
        self.write(at, actor, trail(), events.into_iter().map(Event::Request).collect());
    }

    fn agrees(&mut self, at: u64, who: u128, name: &str) {
        let eligible = [(stage(name), ruling(true, "may-approve"))];
        let events = {
            let approve = Approve {
                actor: actor(who),
                approver: &self.identities[&who],
                digest: self.the_request().unwrap().digest,
                stage: None,
                receiver: &self.identities[&ANA],
                entitlement: &entitlement(),
                excluded: &self.excluded(),
                solved: &self.solved(),
                candidates: &self.candidates(),
                eligible: &eligible,
                acting: &[],
                asserted: None,
                escalates_at: None,
            };
            let command = request::Command::Approve(approve);
            request::decide(self.the_request(), command, minute(at)).unwrap()
        };
        self.write(at, actor(who), trail(), events.into_iter().map(Event::Request).collect());
    }

    /// Asked, agreed to and approved as a grant.
    pub fn approved(self) -> Self {
        self.approved_on(None)
    }

    pub fn identity(&self, n: u128) -> Identity {
        self.identities.get(&n).cloned().unwrap()
    }

    /// The same on a target that issues credentials.
    pub fn approved_on(self, issues: Option<grant::Half>) -> Self {
        let mut story = self.asked();
        if story.way == Way::People {
            story.agrees(20, BORIS, "owner");
            story.agrees(30, CORA, "security");
        }
        story.disclosures.push(story.account.1.clone());
        let request = story.the_request().unwrap().clone();
        let approved = Approved {
            grant: grant(),
            request: request.id,
            digest: request.digest,
            receiver: person(ANA),
            entitlement: request.revision.entitlement,
            target: request.revision.terms.target,
            native: request.revision.terms.native.clone(),
            account: story.account.0,
            length: request.revision.length,
            use_by: minute(30).plus_seconds(request::USE_BY_SECONDS),
            starts_at: None,
            issues,
        };
        let asked = request.revision.length;
        story.decide_grant(30, FULFIL, grant::Command::Approve { approved, asked });
        story
    }

    pub fn decide_grant(&mut self, at: u64, actor: Actor, command: grant::Command<'_>) {
        let events = grant::decide(self.the_grant(), command, minute(at)).unwrap();
        let events = events.into_iter().map(Event::Grant).collect();
        self.write(at, actor, Stream::Grant(grant()), events);
    }

    pub fn intends(&mut self, at: u64, n: u128, effect: Effect) {
        let permit = ruling(true, "grant-after-approval");
        let intend = Intend {
            action: action(n),
            effect,
            epoch: n as u64,
            busy: false,
            ruling: (effect == Effect::Grant).then_some(&permit),
        };
        self.decide_grant(at, FULFIL, grant::Command::Intend(intend));
    }

    /// About to be carried out.
    pub fn intended(self) -> Self {
        let mut story = self.approved();
        story.intends(40, 1, Effect::Grant);
        story
    }

    fn sees(&mut self, at: u64, seen: Seen) {
        let binding = Binding { native: terms().native, account: account() };
        let observation = Observation {
            id: id::<ObservationId>(u128::from(800 + at)),
            target: id(300),
            scope: Scope::Binding(binding.clone()),
            completeness: Completeness::Complete,
            began_at: minute(at),
            finished_at: minute(at),
            present: if seen == Seen::Present { [binding].into() } else { BTreeSet::new() },
            credentials: None,
            sessions: BTreeSet::new(),
        };
        let actor = Actor::Worker { name: Worker::Observe };
        self.decide_grant(at, actor, grant::Command::See { observation: &observation, seen });
    }

    /// Carried out, seen, ended after its time and seen to be gone.
    pub fn ended(self) -> Self {
        let mut story = self.intended();
        let done =
            |n| grant::Command::Finish { action: action(n), outcome: Outcome::Done, issued: None };
        story.decide_grant(41, FULFIL, done(1));
        story.sees(42, Seen::Present);
        story.decide_grant(280, FULFIL, grant::Command::End { reason: Reason::Expired });
        story.intends(281, 2, Effect::Remove);
        story.decide_grant(281, FULFIL, done(2));
        story.sees(282, Seen::Absent);
        story
    }

    pub fn log(&self) -> Log {
        Log::of(&self.drafts)
    }
}
