//! The conformance suite: what every connector must pass, against a real target of its kind.
//!
//! The assents are real ones, verified against a ledger that is made for the occasion under a key
//! of its own; no shortcut around verification exists. It is a test, so it may panic.

#![allow(clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::entitlement::{Environment, Kind, Privilege, Terms};
use placet_domain::entry::{Entry, EventField, VERSION};
use placet_domain::event::Event;
use placet_domain::id::{GrantId, RequestId, Stream};
use placet_domain::length::Length;
use placet_domain::observation::{Binding, Completeness, Scope};
use placet_domain::request::{Approved as RequestApproved, Basis, Revision, Routed, Submitted};
use placet_domain::route::Route;
use placet_domain::ruling::{Cited, Deciding};
use placet_domain::time::Timestamp;
use placet_domain::{grant, request};
use placet_ledger::{
    Act, Checkpoint, Claim, Edge, LogKey, Proof, Proven, RemovalOrder, TrailHead, VerifiedAssent,
    proof,
};

use crate::{Connector, half};

/// Makes numbered ids: distinct, and the same in each run.
#[derive(Debug)]
struct Ids(u128);

impl Ids {
    fn next<T: From<uuid::Uuid>>(&mut self) -> T {
        self.0 += 1;
        T::from(uuid::Uuid::from_u128(self.0))
    }
}

/// What an assent is for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub binding: Binding,
    /// The same serial makes the same assent.
    pub serial: u128,
    pub at: Timestamp,
    pub length: Length,
    /// What was collected for it, where something is issued.
    pub half: Option<half::Read>,
}

/// A real assent for one binding: a pre-approved request, entered into a small ledger and proved.
pub fn assent(binding: &Binding, serial: u128) -> VerifiedAssent {
    issuing(binding, serial, None)
}

/// The same where a half was collected for it.
pub fn issuing(binding: &Binding, serial: u128, half: Option<half::Read>) -> VerifiedAssent {
    let at = Timestamp::from_micros(1_795_328_462_000_000);
    let length = Length::parse("4h").expect("a length");
    assent_of(&Wanted { binding: binding.clone(), serial, at, length, half })
}

/// The grant that an assent of this serial is for.
pub fn grant_of(serial: u128) -> GrantId {
    let mut ids = Ids(serial << 64);
    let _request: RequestId = ids.next();
    ids.next()
}

/// The same at any time, and for any length.
pub fn assent_of(wanted: &Wanted) -> VerifiedAssent {
    let binding = &wanted.binding;
    let mut ids = Ids(wanted.serial << 64);
    let now = wanted.at;
    let story = Story::new(wanted, &mut ids);
    let key = LogKey::from_seed("conformance.test/log", &[7; 32]).expect("a key");
    let mut edge = Edge::empty();
    let mut tiles = BTreeMap::new();
    for body in &story.bodies {
        for tile in edge.append([body.as_slice()]) {
            tiles.insert((tile.level, tile.index), tile.bytes);
        }
    }
    let head = edge.head().expect("a head");
    let checkpoint = Checkpoint::sign(&key, head).expect("a checkpoint");
    let entries: Vec<Proven> = (0..)
        .zip(&story.bodies)
        .map(|(index, body)| {
            let take = |level, at| tiles.get(&(level, at)).cloned();
            let proof = proof::prove_inclusion(index, head, take).expect("a proof");
            Proven { index, body: body.clone(), proof }
        })
        .collect();
    let verifier = key.verifier();
    let eligible_now = BTreeMap::new();
    let claim = Claim {
        key: &verifier,
        remembered: None,
        checkpoint: &checkpoint,
        consistency: &Proof::default(),
        request: story.request,
        entries: &entries,
        end: TrailHead { entries: story.bodies.len() as u64, digest: story.head.expect("a head") },
        passkeys: &[],
        act: Act {
            grant: story.grant,
            action: story.action,
            entitlement: story.revision.entitlement,
            native: &binding.native,
            account: &binding.account,
            disclosure: &story.disclosure,
            terms: &story.revision.terms,
        },
        eligible_now: &eligible_now,
        now,
    };
    VerifiedAssent::verify(&claim).expect("assent")
}

/// The entries of a pre-approved request up to the intent to grant.
struct Story {
    request: RequestId,
    grant: GrantId,
    action: placet_domain::id::ActionId,
    revision: Revision,
    disclosure: placet_domain::committed::Disclosure,
    bodies: Vec<Vec<u8>>,
    head: Option<Digest>,
}

impl Story {
    fn new(wanted: &Wanted, ids: &mut Ids) -> Self {
        let (binding, now) = (&wanted.binding, wanted.at);
        let (request, grant) = (ids.next(), ids.next());
        let revision = revision(request, wanted, ids);
        let (account, disclosure) =
            Committed::seal(&binding.account, "account", [2; 16]).expect("sealed");
        let mut story = Self {
            request,
            grant,
            action: ids.next(),
            revision,
            disclosure,
            bodies: vec![],
            head: None,
        };
        for event in story.events(account, wanted) {
            story.enter(event, ids, now);
        }
        story
    }

    fn events(
        &self,
        account: Committed<placet_domain::name::AccountName>,
        wanted: &Wanted,
    ) -> Vec<Event> {
        let now = wanted.at;
        let revision = &self.revision;
        let digest = revision.digest().expect("a digest");
        let policies = vec!["preapproved.conformance".to_owned()];
        let nothing = Digest::of(b"");
        let ruling =
            Cited { permit: true, policies: policies.clone(), bundle: nothing, record: nothing };
        let because = vec![Deciding {
            policy: policies.concat(),
            why: "for the conformance suite".to_owned(),
        }];
        let collected = wanted.half.clone().map(|half| {
            let by = revision.receiver;
            let half::Read { public, sources } = half;
            Event::Grant(grant::Event::Collected(grant::Collected { by, public, sources }))
        });
        let mut events = vec![
            Event::Request(request::Event::Submitted(Submitted {
                revision: revision.clone(),
                digest,
                excluded: BTreeSet::from([revision.requester]),
                ruling: ruling.clone(),
                lapses_at: now.plus_seconds(request::OPEN_SECONDS),
            })),
            Event::Request(request::Event::Routed(Routed {
                route: Route::PreApproved { because },
                ruling: ruling.clone(),
                escalates_at: None,
            })),
            Event::Request(request::Event::Approved(RequestApproved {
                digest,
                basis: Basis::PreApproved { policies },
            })),
            Event::Grant(grant::Event::Approved(grant::Approved {
                grant: self.grant,
                request: self.request,
                digest,
                receiver: revision.receiver,
                entitlement: revision.entitlement,
                target: revision.terms.target,
                native: revision.terms.native.clone(),
                account,
                length: revision.length,
                use_by: now.plus_seconds(request::USE_BY_SECONDS),
                starts_at: None,
                issues: wanted.half.as_ref().map(|half| half.public.half()),
            })),
        ];
        events.extend(collected);
        events.push(Event::Grant(grant::Event::Intended(grant::Intended {
            action: self.action,
            effect: Effect::Grant,
            epoch: 1,
            call_over_by: now.plus_seconds(30),
            until: now + revision.length,
            ruling: Some(ruling),
        })));
        events
    }

    fn enter(&mut self, event: Event, ids: &mut Ids, now: Timestamp) {
        let (stream, before) = match &event {
            Event::Grant(_) => (Stream::Grant(self.grant), 3),
            _ => (Stream::Request(self.request), 0),
        };
        let nth = self.bodies.len() as u64 + 1;
        let person = Actor::Token { id: self.revision.requester, token: ids.next() };
        let by_person = nth < 4 || matches!(event, Event::Grant(grant::Event::Collected(_)));
        let actor = if by_person { person } else { Actor::Worker { name: Worker::Fulfil } };
        let entry = Entry {
            v: VERSION,
            id: ids.next(),
            at: now,
            node: "conformance".to_owned(),
            commit: ids.next(),
            actor,
            stream,
            version: nth - before,
            trail: Stream::Request(self.request),
            nth,
            prev: self.head,
            event: EventField(event),
        };
        let bytes = entry.encode().expect("an entry");
        self.head = Some(Digest::of(&bytes));
        self.bodies.push(bytes);
    }
}

fn revision(request: RequestId, wanted: &Wanted, ids: &mut Ids) -> Revision {
    let person = ids.next();
    let (justification, _) =
        Committed::seal(&"conformance".to_owned(), "justification", [1; 16]).expect("sealed");
    Revision {
        request,
        number: 1,
        requester: person,
        receiver: person,
        entitlement: ids.next(),
        terms: Terms {
            target: ids.next(),
            native: wanted.binding.native.clone(),
            kind: Kind::Group,
            environment: Environment::Dev,
            privilege: Privilege::Read,
            scope: "what the conformance suite needs".to_owned(),
            sensitivity: 1,
        },
        length: wanted.length,
        justification,
        reference: None,
        starts_at: None,
        ends_on: BTreeSet::new(),
        extends: None,
        filed_with: None,
        emergency: None,
        answers: None,
    }
}

/// Runs the suite. `binding` must be absent and `other` present on the target when it begins.
pub async fn check(connector: &dyn Connector, binding: &Binding, other: &Binding) {
    check_with(connector, binding, other, |_| None).await;
}

/// The same for a target that issues: `half` is what is collected for each grant.
pub async fn check_with(
    connector: &dyn Connector,
    binding: &Binding,
    other: &Binding,
    half: impl Fn(u128) -> Option<half::Read>,
) {
    let assent = |serial| issuing(binding, serial, half(serial));
    let everything = Scope::Everything;
    let only = Scope::Binding(binding.clone());
    let present = |look: crate::Look| {
        assert_eq!(look.completeness, Completeness::Complete, "{:?}", look.detail);
        (look.present.contains(binding), look.present.contains(other))
    };

    assert_eq!(present(connector.observe(&everything).await), (false, true), "as it begins");
    assert_eq!(connector.grant(assent(1)).await.outcome, Outcome::Done, "grant");
    assert_eq!(present(connector.observe(&everything).await), (true, true), "a grant is seen");
    assert_eq!(connector.grant(assent(1)).await.outcome, Outcome::Done, "the same action again");
    assert_eq!(present(connector.observe(&only).await), (true, false), "a look at one binding");
    assert_eq!(connector.remove(removal(binding, 1)).await, Outcome::Done, "remove");
    assert_eq!(present(connector.observe(&everything).await), (false, true), "a removal is seen");
    let again = connector.remove(removal(binding, 1)).await;
    assert_eq!(again, Outcome::Done, "removing what is not there");
    assert_eq!(present(connector.observe(&only).await), (false, false), "nothing else is touched");
}

/// The order to remove what the assent of this serial granted.
pub fn removal(binding: &Binding, serial: u128) -> RemovalOrder {
    let mut ids = Ids((serial << 64) + (1 << 32));
    RemovalOrder {
        action: ids.next(),
        epoch: 2,
        grant: Some(grant_of(serial)),
        entitlement: ids.next(),
        target: ids.next(),
        native: binding.native.clone(),
        account: binding.account.clone(),
        issued: None,
        at: Timestamp::from_micros(1_795_328_470_000_000),
    }
}
