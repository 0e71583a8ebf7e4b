//! Laws 1 and 2 over every life that a request can have: random people, routes and actors through
//! `decide`, and beside it a record of our own of who agreed to what.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{CredentialId, IdentityId};
use placet_domain::identity::{Identity, Nature};
use placet_domain::independence::excluded;
use placet_domain::name::StageName;
use placet_domain::request::{
    Approve, Basis, Command, Event, Intake, OPEN_SECONDS, Request, State, apply, decide,
};
use placet_domain::route::{Candidates, Route, Solved};
use placet_domain::ruling::Ruling;
use placet_domain::{Refusal, Timestamp};
use proptest::prelude::*;

use crate::build::{
    Says, at, entitlement, external, gone, id, length, person, pre_approved, revision, ruling,
    session, speaks, stage, token, workload,
};

/// The people and workloads of the company. Workload 12 is owned by workload 11, and that by
/// person 1; the contract of person 5 ends; person 6 has left.
fn company() -> BTreeMap<IdentityId, Identity> {
    let all = [
        person(1),
        person(2),
        person(3),
        person(4),
        external(5, 2, at(3 * 86_400)),
        gone(person(6)),
        workload(11, 1),
        workload(12, 11),
        workload(13, 2),
    ];
    all.into_iter().map(|one| (one.id, one)).collect()
}

const EVERYBODY: [u128; 9] = [1, 2, 3, 4, 5, 6, 11, 12, 13];

/// Which route policy solves.
#[derive(Clone, Debug)]
enum Way {
    /// People needed in `owner`, in `security`, and in `audit` after both.
    People([u32; 3]),
    PreApproved,
    Refused,
    Failing,
}

/// How policy and the catalogue stand when a command comes.
#[derive(Clone, Debug)]
struct Facts {
    way: Way,
    /// Who is eligible for each of the three stages, by policy alone.
    eligible: [BTreeSet<u128>; 3],
    power: bool,
    retired: bool,
    other_terms: bool,
}

#[derive(Clone, Copy, Debug)]
enum By {
    OwnSession,
    SessionOf(u128),
    Token,
    Worker,
    Founding,
}

#[derive(Clone, Debug)]
enum Op {
    Wait(u64),
    Revise { hours: u64, receiver: Option<u128>, facts: Facts, may_ask: Says },
    Approve { who: u128, by: By, right: bool, stage: Option<usize>, facts: Facts },
    WithdrawApproval { who: u128, by: By },
    Deny { who: u128, by: By, right: bool, facts: Facts },
    Withdraw { who: u128 },
    Lapse,
}

fn anybody() -> impl Strategy<Value = u128> {
    prop::sample::select(&EVERYBODY[..])
}

fn facts() -> impl Strategy<Value = Facts> {
    let way = prop_oneof![
        12 => (0u32..3, 0u32..3, 0u32..2).prop_map(|(a, b, c)| Way::People([a, b, c])),
        12 => Just(Way::People([1, 1, 0])),
        1 => Just(Way::PreApproved),
        1 => Just(Way::Refused),
        1 => Just(Way::Failing),
    ];
    let people = || prop::collection::btree_set(anybody(), 3..9);
    let rare = || prop::bool::weighted(0.05);
    (way, [people(), people(), people()], rare(), rare(), rare()).prop_map(
        |(way, eligible, power, retired, other_terms)| Facts {
            way,
            eligible,
            power,
            retired,
            other_terms,
        },
    )
}

fn ops() -> impl Strategy<Value = Op> {
    let by = || {
        prop_oneof![
            12 => Just(By::OwnSession),
            1 => anybody().prop_map(By::SessionOf),
            1 => Just(By::Token),
            1 => Just(By::Worker),
            1 => Just(By::Founding),
        ]
    };
    let right = || prop::bool::weighted(0.9);
    let stage = prop_oneof![4 => Just(None), 1 => (0usize..4).prop_map(Some)];
    let receiver = prop_oneof![8 => Just(None), 1 => anybody().prop_map(Some)];
    let may_ask = prop_oneof![8 => Just(Says::Yes), 1 => Just(Says::No), 1 => Just(Says::Fails)];
    let wait = prop_oneof![6 => 0u64..3_600, 1 => Just(2 * 86_400), 1 => Just(OPEN_SECONDS)];
    prop_oneof![
        2 => wait.prop_map(Op::Wait),
        2 => (1u64..12, receiver, facts(), may_ask)
            .prop_map(|(hours, receiver, facts, may_ask)| Op::Revise { hours, receiver, facts, may_ask }),
        20 => (anybody(), by(), right(), stage, facts())
            .prop_map(|(who, by, right, stage, facts)| Op::Approve { who, by, right, stage, facts }),
        2 => (anybody(), by()).prop_map(|(who, by)| Op::WithdrawApproval { who, by }),
        1 => (anybody(), by(), right(), facts())
            .prop_map(|(who, by, right, facts)| Op::Deny { who, by, right, facts }),
        1 => anybody().prop_map(|who| Op::Withdraw { who }),
        1 => Just(Op::Lapse),
    ]
}

fn names() -> [StageName; 3] {
    ["owner", "security", "audit"].map(|name| name.parse().unwrap())
}

impl Facts {
    fn route(&self) -> Option<Route> {
        match self.way {
            Way::People([a, b, c]) => Some(Route::People {
                stages: vec![
                    stage("owner", a, &[]),
                    stage("security", b, &[]),
                    stage("audit", c, &["owner", "security"]),
                ],
            }),
            Way::PreApproved => Some(pre_approved()),
            Way::Refused | Way::Failing => None,
        }
    }

    fn solved(&self) -> Solved {
        let says = match self.way {
            Way::Refused => Says::No,
            Way::Failing => Says::Fails,
            _ => Says::Yes,
        };
        Solved { route: self.route(), ruling: ruling(says) }
    }

    fn candidates(&self) -> Candidates {
        let people = |set: &BTreeSet<u128>| set.iter().map(|n| id(*n)).collect();
        names().into_iter().zip(self.eligible.iter().map(people)).collect()
    }

    /// For each stage, whether policy lets `who` approve in it.
    fn rulings(&self, who: u128) -> Vec<(StageName, Ruling)> {
        let says = |set: &BTreeSet<u128>| if set.contains(&who) { Says::Yes } else { Says::No };
        names().into_iter().zip(self.eligible.iter().map(|set| ruling(says(set)))).collect()
    }

    fn entitlement(&self) -> Entitlement {
        let mut out = entitlement();
        out.power_over_placet = self.power;
        out.retired = self.retired;
        if self.other_terms {
            out.terms.sensitivity = 1;
        }
        out
    }
}

fn actor(who: u128, by: By) -> Actor {
    match by {
        By::OwnSession => session(who),
        By::SessionOf(other) => session(other),
        By::Token => token(who),
        By::Worker => Actor::Worker { name: Worker::Fulfil },
        By::Founding => Actor::Founding,
    }
}

struct World {
    now: Timestamp,
    company: BTreeMap<IdentityId, Identity>,
    request: Request,
    /// Who agreed to which digest in which stage, and has not taken it back.
    agreed: BTreeMap<IdentityId, (Digest, StageName)>,
    digests: BTreeSet<Digest>,
}

impl World {
    fn excluded(&self, requester: u128, receiver: u128) -> BTreeSet<IdentityId> {
        let of = |n: u128| &self.company[&id(n)];
        excluded(of(requester), of(receiver), &self.company)
    }

    fn submit(requester: u128, receiver: u128, facts: &Facts) -> Result<Self, Refusal> {
        let company = company();
        let entitlement = facts.entitlement();
        let known = |n: u128| &company[&id(n)];
        let mut revision = revision(requester, receiver);
        revision.terms = entitlement.terms.clone();
        let intake = Intake {
            requester: known(requester),
            receiver: known(receiver),
            entitlement: &entitlement,
            excluded: excluded(known(requester), known(receiver), &company),
            already_open: None,
            extends: None,
            escalates_at: None,
            may_ask: &ruling(Says::Yes),
            solved: &facts.solved(),
            candidates: &facts.candidates(),
            revision,
        };
        let (actives, now) = ([known(requester), known(receiver)], at(0));
        let active = actives.iter().all(|one| one.is_active_at(now));
        let events = decide(None, Command::Submit(intake), now)?;
        assert!(active, "somebody who is not active asked or would receive");
        let request = events.iter().fold(None, |state, event| apply(state, event, now)).unwrap();
        let digests = BTreeSet::from([request.digest]);
        let world = Self { now, company, request, agreed: BTreeMap::new(), digests };
        world.no_silent_approval(facts);
        Ok(world)
    }

    /// Law 1 at intake: approved at once on a pre-approved pattern only, which never gives power.
    fn no_silent_approval(&self, facts: &Facts) {
        assert!(!facts.retired);
        match self.request.state {
            State::Approved => assert!(matches!(facts.way, Way::PreApproved) && !facts.power),
            State::Open => {
                let needed: u32 = self.request.open_places().values().sum();
                assert!(needed > 0, "an open request that waits for nobody");
            }
            state => panic!("{state:?} at intake"),
        }
    }

    fn run(&self, op: &Op) -> Result<Vec<Event>, Refusal> {
        let request = &self.request;
        let digest = |right: bool| if right { request.digest } else { Digest::of(b"another") };
        let (requester, receiver) = (request.revision.requester, request.revision.receiver);
        let known = |id: &IdentityId| &self.company[id];
        match op {
            Op::Wait(_) => Ok(Vec::new()),
            Op::Revise { hours, receiver: other, facts, may_ask } => {
                let entitlement = facts.entitlement();
                let receiver = other.map_or(receiver, id);
                let mut revision = request.revision.clone();
                revision.number += 1;
                revision.length = length(hours * 3_600);
                revision.receiver = receiver;
                revision.terms = entitlement.terms.clone();
                let intake = Intake {
                    revision,
                    requester: known(&requester),
                    receiver: known(&receiver),
                    entitlement: &entitlement,
                    excluded: excluded(known(&requester), known(&receiver), &self.company),
                    already_open: None,
                    extends: None,
                    escalates_at: None,
                    may_ask: &ruling(*may_ask),
                    solved: &facts.solved(),
                    candidates: &facts.candidates(),
                };
                decide(Some(request), Command::Revise(intake), self.now)
            }
            Op::Approve { who, by, right, stage, facts } => {
                let stage = stage.map(|n| names().get(n).cloned());
                let stage = stage.map(|one| one.unwrap_or_else(|| "unheard-of".parse().unwrap()));
                let approve = Approve {
                    actor: actor(*who, *by),
                    approver: known(&id(*who)),
                    digest: digest(*right),
                    stage,
                    receiver: known(&receiver),
                    entitlement: &facts.entitlement(),
                    excluded: &excluded(known(&requester), known(&receiver), &self.company),
                    solved: &facts.solved(),
                    candidates: &facts.candidates(),
                    eligible: &facts.rulings(*who),
                    acting: &[],
                    asserted: None,
                    escalates_at: None,
                };
                decide(Some(request), Command::Approve(approve), self.now)
            }
            Op::WithdrawApproval { who, by } => {
                let actor = actor(*who, *by);
                decide(Some(request), Command::WithdrawApproval { actor }, self.now)
            }
            Op::Deny { who, by, right, facts } => {
                let reason = Committed::seal(&"no".to_owned(), "reason", [5; 16]).unwrap().0;
                let command = Command::Deny {
                    actor: actor(*who, *by),
                    decider: known(&id(*who)),
                    digest: digest(*right),
                    reason,
                    eligible: &facts.rulings(*who),
                };
                decide(Some(request), command, self.now)
            }
            Op::Withdraw { who } => {
                decide(Some(request), Command::Withdraw { by: id(*who) }, self.now)
            }
            Op::Lapse => decide(Some(request), Command::Lapse, self.now),
        }
    }

    /// A person in a session of their own, active now.
    fn by_a_person(&self, who: IdentityId, op: &Op) {
        let (Op::Approve { by, .. } | Op::Deny { by, .. } | Op::WithdrawApproval { by, .. }) = op
        else {
            panic!("{op:?}")
        };
        let own = match by {
            By::OwnSession => true,
            By::SessionOf(other) => id::<IdentityId>(*other) == who,
            _ => false,
        };
        assert!(own, "{by:?} decided for {who}");
        let is = &self.company[&who];
        assert!(matches!(is.is, Nature::Human { .. }), "a workload decided");
        if !matches!(op, Op::WithdrawApproval { .. }) {
            assert!(is.is_active_at(self.now), "somebody who left decided");
        }
    }

    /// Whoever asked, receives, or owns one of them through a chain; found by walking upwards.
    fn interested(&self) -> BTreeSet<IdentityId> {
        let mut out = BTreeSet::new();
        let mut next = vec![self.request.revision.requester, self.request.revision.receiver];
        while let Some(one) = next.pop() {
            out.insert(one);
            next.extend(self.company[&one].owner());
        }
        out
    }

    fn judge(&mut self, op: &Op, events: &[Event]) {
        let before = self.request.clone();
        if before.state != State::Open && !events.is_empty() {
            let [Event::ApprovalWithdrawn { .. }] = events else {
                panic!("{events:?} after {:?}", before.state)
            };
            assert_eq!(before.state, State::Approved, "only consent is taken back");
        }
        for event in events {
            self.judge_one(op, event);
            self.request = apply(Some(self.request.clone()), event, self.now).unwrap();
        }
        let recorded: BTreeMap<IdentityId, (Digest, StageName)> = self
            .request
            .approvals
            .iter()
            .map(|one| (one.approver, (one.digest, one.stage.clone())))
            .collect();
        assert_eq!(recorded, self.agreed, "the approvals are those that were given");
        assert_eq!(self.request.approvals.len(), recorded.len(), "nobody counts twice");
        assert_eq!(self.request.revision.receiver, before.revision.receiver);
        assert_eq!(self.request.revision.requester, before.revision.requester);
    }

    fn judge_one(&mut self, op: &Op, event: &Event) {
        match (event, op) {
            (Event::ApprovalRecorded(approval), Op::Approve { who, right, facts, .. }) => {
                let approver = approval.approver;
                assert_eq!(approver, id(*who));
                self.by_a_person(approver, op);
                assert_eq!(approval.session, id::<CredentialId>(0x1000 + who));
                assert!(*right && approval.digest == self.request.digest, "another digest");
                assert!(!self.interested().contains(&approver), "{approver} is not independent");
                assert!(self.now < self.request.lapses_at, "approved after its time");
                let same_terms = facts.entitlement().terms == self.request.revision.terms;
                assert!(!facts.retired && same_terms, "agreed to other terms");
                let at = names().iter().position(|one| *one == approval.stage).unwrap();
                assert!(facts.eligible[at].contains(who), "policy said no");
                let Way::People(needed) = facts.way else { panic!("{:?}", facts.way) };
                let given = |n: usize| {
                    self.agreed.values().filter(|(_, stage)| *stage == names()[n]).count() as u32
                };
                assert!(given(at) < needed[at], "the stage was full");
                let earlier_full = at < 2 || (given(0) >= needed[0] && given(1) >= needed[1]);
                assert!(earlier_full, "a stage that was not open yet");
                let agreement = (approval.digest, approval.stage.clone());
                assert_eq!(self.agreed.insert(approver, agreement), None, "one person twice");
            }
            (Event::Approved(approved), Op::Approve { facts, .. } | Op::Revise { facts, .. }) => {
                assert_eq!(approved.digest, self.request.digest);
                match (&approved.basis, &facts.way) {
                    (Basis::People { approvers }, Way::People(needed)) => {
                        assert_eq!(*approvers, self.agreed.keys().copied().collect());
                        for (n, stage) in names().iter().enumerate() {
                            let here = self
                                .agreed
                                .values()
                                .filter(|(digest, one)| one == stage && *digest == approved.digest);
                            assert!(
                                here.count() as u32 >= needed[n],
                                "stage `{stage}` is not full"
                            );
                        }
                        assert!(needed.iter().sum::<u32>() > 0, "approved on nobody's word");
                        assert!(approvers.is_disjoint(&self.interested()));
                    }
                    (Basis::PreApproved { policies }, Way::PreApproved) => {
                        assert!(!facts.power, "power over Placet was pre-approved");
                        assert_eq!(policies, &["engineers-ask"]);
                    }
                    (basis, way) => panic!("approved on {basis:?} where policy wants {way:?}"),
                }
            }
            (Event::Revised(revised), Op::Revise { hours, may_ask, facts, .. }) => {
                assert_eq!(*may_ask, Says::Yes);
                assert!(*hours <= 8 && !facts.retired);
                assert!(self.digests.insert(revised.digest), "two revisions with one digest");
                // What was agreed to is not what is asked now.
                self.agreed.clear();
            }
            (Event::Routed(_), Op::Approve { .. } | Op::Revise { .. }) => {}
            (Event::ApprovalWithdrawn { approver, .. }, Op::WithdrawApproval { .. }) => {
                self.by_a_person(*approver, op);
                assert!(self.agreed.remove(approver).is_some(), "nothing was given");
            }
            (Event::Denied(denied), Op::Deny { who, right, .. }) => {
                assert!(*right && denied.by == id(*who));
                self.by_a_person(denied.by, op);
            }
            (Event::Withdrawn { by }, Op::Withdraw { .. }) => {
                let revision = &self.request.revision;
                assert!(*by == revision.requester || *by == revision.receiver);
            }
            (Event::Lapsed {}, Op::Lapse) => assert!(self.now >= self.request.lapses_at),
            (event, op) => panic!("{event:?} came of {op:?}"),
        }
    }

    /// No event but a withdrawn approval moves what was decided.
    fn stays_decided(&self) {
        if self.request.state == State::Open {
            return;
        }
        let events = [
            Event::Lapsed {},
            Event::Withdrawn { by: self.request.revision.requester },
            Event::Approved(placet_domain::request::Approved {
                digest: self.request.digest,
                basis: Basis::PreApproved { policies: Vec::new() },
            }),
            Event::Routed(placet_domain::request::Routed {
                route: pre_approved(),
                ruling: ruling(Says::Yes).cite(),
                escalates_at: None,
            }),
        ];
        for event in events {
            let after = apply(Some(self.request.clone()), &event, self.now);
            assert_eq!(after.as_ref(), Some(&self.request), "{event:?} changed what was decided");
        }
    }
}

fn live(requester: u128, receiver: u128, first: &Facts, ops: &[Op]) {
    let mut world = match World::submit(requester, receiver, first) {
        Ok(world) => world,
        Err(refusal) => return speaks(&refusal),
    };
    let chain = world.excluded(requester, receiver);
    assert_eq!(chain, world.interested(), "the chain of owners was not walked to its end");
    for op in ops {
        if let Op::Wait(seconds) = op {
            world.now = world.now.plus_seconds(*seconds);
        }
        match world.run(op) {
            Ok(events) => world.judge(op, &events),
            Err(refusal) => speaks(&refusal),
        }
        world.stays_decided();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn every_life_of_a_request_keeps_assent_and_independence(
        requester in anybody(),
        receiver in anybody(),
        first in facts(),
        ops in prop::collection::vec(ops(), 0..30)
    ) {
        live(requester, receiver, &first, &ops);
    }
}

/// The policy that every case below begins with: two people, and everybody is eligible.
fn two_people() -> Facts {
    let all: BTreeSet<u128> = EVERYBODY.into_iter().collect();
    let eligible = [all.clone(), all.clone(), all];
    let way = Way::People([1, 1, 0]);
    Facts { way, eligible, power: false, retired: false, other_terms: false }
}

fn approve(who: u128) -> Op {
    Op::Approve { who, by: By::OwnSession, right: true, stage: None, facts: two_people() }
}

#[test]
fn a_request_whose_time_is_over_is_not_approved_although_nobody_closed_it() {
    live(1, 1, &two_people(), &[approve(2), Op::Wait(OPEN_SECONDS), approve(3)]);
}

#[test]
fn a_revision_is_for_the_same_receiver() {
    let (facts, may_ask) = (two_people(), Says::Yes);
    live(1, 1, &two_people(), &[Op::Revise { hours: 1, receiver: Some(13), facts, may_ask }]);
}

#[test]
fn the_random_lives_reach_every_state() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..400 {
        let life = (anybody(), anybody(), facts(), prop::collection::vec(ops(), 0..30));
        let (requester, receiver, first, ops) = life.new_tree(&mut runner).unwrap().current();
        let Ok(mut world) = World::submit(requester, receiver, &first) else { continue };
        let mut counts = BTreeMap::new();
        for op in &ops {
            if let Op::Wait(seconds) = op {
                world.now = world.now.plus_seconds(*seconds);
            }
            if let Ok(events) = world.run(op) {
                world.judge(op, &events);
                for event in events {
                    let name = placet_domain::event::Event::from(event).type_name();
                    *counts.entry(name).or_insert(0) += 1;
                }
            }
        }
        reached.extend(counts.into_keys());
        reached.insert(world.request.state.as_str());
        if world.agreed.len() > 1 && world.request.state == State::Approved {
            reached.insert("approved by several");
        }
    }
    for expect in [
        "open",
        "approved",
        "denied",
        "withdrawn",
        "lapsed",
        "approved by several",
        "approval.recorded",
        "approval.withdrawn",
        "request.revised",
        "request.routed",
        "request.approved",
    ] {
        assert!(reached.contains(expect), "no life reached `{expect}`: {reached:?}");
    }
}
