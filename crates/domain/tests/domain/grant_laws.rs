//! Law 3 over every life that a grant can have: random commands at random times through `decide`,
//! and beside it a record of calls and looks of our own, by which each event is judged.

use std::collections::BTreeSet;

use placet_domain::action::{Effect, Outcome};
use placet_domain::grant::{
    self, Command, Event, Gone, Grant, Intend, Reason, State, apply, decide,
};
use placet_domain::id::ActionId;
use placet_domain::observation::{Completeness, Observation, Scope, Seen};
use placet_domain::{Refusal, Timestamp};
use proptest::prelude::*;

use crate::build::{GRANT, Says, TARGET, approved, at, id, length, ruling, speaks};

/// The longest wait until something that failed is tried again, in seconds.
const LONGEST_WAIT: u64 = 300;

#[derive(Clone, Debug)]
enum Op {
    Wait(u64),
    Intend {
        effect: Effect,
        busy: bool,
        policy: Option<Says>,
    },
    /// The reply to the latest call, or to one that was overtaken.
    Finish {
        back: usize,
        outcome: Outcome,
    },
    /// A look that began some seconds ago.
    See {
        seen: Seen,
        completeness: Completeness,
        ago: i64,
    },
    End(Reason),
    CarryOn {
        by: Other,
    },
    Cancel,
}

/// Another grant, by which this one might be carried on.
#[derive(Clone, Copy, Debug)]
struct Other {
    state: State,
    same_access: bool,
    itself: bool,
}

fn ops() -> impl Strategy<Value = Op> {
    let why = || "connection reset".to_owned();
    let effect = prop_oneof![Just(Effect::Grant), Just(Effect::Remove)];
    let policy = prop_oneof![
        6 => Just(Some(Says::Yes)), 1 => Just(Some(Says::No)), 1 => Just(Some(Says::Fails)), 1 => Just(None)
    ];
    let outcome = prop_oneof![
        Just(Outcome::Done),
        Just(Outcome::Failed { why: why() }),
        Just(Outcome::InDoubt { why: why() })
    ];
    let seen = prop_oneof![
        Just(Seen::Present),
        Just(Seen::SessionOpen),
        Just(Seen::Absent),
        Just(Seen::Unknown)
    ];
    let completeness = prop_oneof![
        3 => Just(Completeness::Complete), 1 => Just(Completeness::Partial), 1 => Just(Completeness::Unknown)
    ];
    let reason = prop_oneof![
        Just(Reason::Expired),
        Just(Reason::GivenBack { by: id(1) }),
        Just(Reason::Revoked { by: id(2), note: None }),
        Just(Reason::HolderLeft),
    ];
    let state = prop_oneof![
        Just(State::Approved),
        Just(State::Pending),
        Just(State::Active),
        Just(State::Ending),
        Just(State::Ended),
        Just(State::Cancelled)
    ];
    let by = (state, prop::bool::weighted(0.8), prop::bool::weighted(0.1))
        .prop_map(|(state, same_access, itself)| Other { state, same_access, itself });
    let wait = prop_oneof![4 => 0u64..5, 3 => 5u64..40, 2 => 40u64..400, 1 => Just(8 * 86_400)];
    prop_oneof![
        6 => wait.prop_map(Op::Wait),
        6 => (effect, prop::bool::weighted(0.1), policy)
            .prop_map(|(effect, busy, policy)| Op::Intend { effect, busy, policy }),
        5 => (prop_oneof![4 => Just(0usize), 1 => 1usize..3], outcome)
            .prop_map(|(back, outcome)| Op::Finish { back, outcome }),
        6 => (seen, completeness, 0i64..40)
            .prop_map(|(seen, completeness, ago)| Op::See { seen, completeness, ago }),
        3 => reason.prop_map(Op::End),
        1 => by.prop_map(|by| Op::CarryOn { by }),
        1 => Just(Op::Cancel),
    ]
}

/// A call to the target as the world remembers it.
#[derive(Clone, Debug)]
struct Call {
    id: ActionId,
    effect: Effect,
    /// From when on it can have no effect any more.
    over_at: Timestamp,
}

/// One grant and everything that really happened to it.
struct World {
    now: Timestamp,
    grant: Grant,
    first_intent: Option<Timestamp>,
    calls: Vec<Call>,
    last_event: Timestamp,
}

impl World {
    fn begin(seconds: u64) -> Self {
        let approved = approved(length(seconds));
        let command = Command::Approve { asked: approved.length, approved };
        let events = decide(None, command, at(0)).unwrap();
        let grant = apply(None, &events[0], at(0)).unwrap();
        let now = at(0);
        Self { now, grant, first_intent: None, calls: Vec::new(), last_event: now }
    }

    fn run(&mut self, op: &Op) -> Result<Vec<Event>, Refusal> {
        let fresh: ActionId = id(0x6000 + self.calls.len() as u128);
        let mut observation = None;
        let mut other = None;
        let permit;
        let command = match op {
            Op::Wait(seconds) => {
                self.now = self.now.plus_seconds(*seconds);
                return Ok(Vec::new());
            }
            Op::Intend { effect, busy, policy } => {
                permit = policy.map(ruling);
                let epoch = self.calls.len() as u64 + 1;
                let (effect, busy) = (*effect, *busy);
                Command::Intend(Intend {
                    action: fresh,
                    effect,
                    epoch,
                    busy,
                    ruling: permit.as_ref(),
                })
            }
            Op::Finish { back, outcome } => {
                let call = self.calls.iter().rev().nth(*back);
                let action = call.map_or(id(0x9999), |call| call.id);
                Command::Finish { action, outcome: outcome.clone(), issued: None }
            }
            Op::See { seen, completeness, ago } => {
                let began_at = Timestamp::from_micros(self.now.as_micros() - ago * 1_000_000);
                let looked = look(began_at, self.now, *completeness);
                Command::See { observation: observation.insert(looked), seen: *seen }
            }
            Op::End(reason) => Command::End { reason: reason.clone() },
            Op::CarryOn { by } => Command::CarryOn { by: other.insert(self.other(*by)) },
            Op::Cancel => Command::Cancel { reason: Reason::ApprovalLapsed },
        };
        decide(Some(&self.grant), command, self.now)
    }

    fn other(&self, by: Other) -> Grant {
        let mut other = self.grant.clone();
        other.state = by.state;
        if !by.itself {
            other.id = id(GRANT + 1);
        }
        if !by.same_access {
            other.approved.entitlement = id(0x101);
        }
        other
    }

    /// Holds one event against the laws, remembers what it means, and folds it.
    fn judge(&mut self, op: &Op, event: &Event) {
        let before = self.grant.clone();
        match (event, op) {
            (Event::Intended(intended), Op::Intend { effect, busy, policy }) => {
                assert!(!busy, "an intent although the binding is busy");
                let first = *self.first_intent.get_or_insert(self.now);
                let length = self.grant.approved.length;
                assert_eq!(
                    intended.until,
                    first + length,
                    "until is the first intent and the length"
                );
                let calls = &mut self.calls;
                assert!(calls.iter().all(|call| call.over_at <= self.now), "two calls at once");
                if *effect == Effect::Grant {
                    assert_eq!(*policy, Some(Says::Yes), "access begins on a permit only");
                    assert!(self.now < intended.until, "access begins after its end");
                    assert!(matches!(before.state, State::Approved | State::Pending));
                    let in_time = self.now < before.approved.use_by || before.until.is_some();
                    assert!(in_time, "a lapsed approval was used");
                } else {
                    assert_eq!(before.state, State::Ending, "removed without an end");
                    assert_eq!(intended.ruling, None, "a removal asks nobody");
                }
                let (id, effect, over_at) = (intended.action, *effect, intended.call_over_by);
                calls.push(Call { id, effect, over_at });
            }
            (Event::Finished(finished), Op::Finish { .. }) => {
                let latest = self.calls.last_mut().unwrap();
                assert_eq!(latest.id, finished.action, "the end of a call that was overtaken");
                if !matches!(finished.outcome, Outcome::InDoubt { .. }) {
                    latest.over_at = self.now;
                }
            }
            (Event::Activated { .. }, Op::See { seen: Seen::Present, .. }) => {
                assert_eq!(before.state, State::Pending);
            }
            (Event::SeenStill { session, .. }, Op::See { seen, .. }) => {
                let still = if *session { Seen::SessionOpen } else { Seen::Present };
                assert_eq!(*seen, still);
                assert_eq!(before.state, State::Ending);
            }
            (Event::Ending { reason }, Op::End(_)) => {
                assert!(matches!(before.state, State::Pending | State::Active));
                let due = before.until.is_some_and(|until| self.now >= until);
                assert!(*reason != Reason::Expired || due, "it expired before its end");
            }
            (Event::Ended { gone: Gone::SeenAbsent { sighting } }, Op::See { seen, .. }) => {
                assert_eq!(before.state, State::Ending);
                assert_eq!(*seen, Seen::Absent);
                assert_eq!(sighting.completeness, Completeness::Complete, "only a complete look");
                for call in self.calls.iter().filter(|call| call.effect == Effect::Remove) {
                    assert!(self.now >= call.over_at, "ended while {call:?} may still remove");
                }
                for call in self.calls.iter().filter(|call| call.effect == Effect::Grant) {
                    assert!(
                        sighting.began_at >= call.over_at,
                        "ended by a look that began at {} while {call:?} could still create access",
                        sighting.began_at
                    );
                }
            }
            (Event::Ended { gone: Gone::CarriedOn { by } }, Op::CarryOn { by: other }) => {
                assert_eq!(before.state, State::Ending);
                assert!(other.same_access && !other.itself && *by != before.id);
                assert!(matches!(other.state, State::Pending | State::Active));
                let creating = self.calls.iter().filter(|call| call.effect == Effect::Grant);
                for call in creating {
                    // The other one's own calls are all that its end waits for.
                    assert!(call.over_at <= self.now, "carried on while {call:?} was not over");
                }
            }
            (Event::Cancelled { .. }, Op::Cancel | Op::End(_)) => {
                assert_eq!(before.state, State::Approved, "what was begun cannot be cancelled");
                assert!(self.calls.is_empty());
            }
            (event, op) => panic!("{event:?} came of {op:?}"),
        }
        self.grant = apply(Some(before.clone()), event, self.now).unwrap();
        self.last_event = self.now;
        self.settled(&before);
    }

    /// What holds of every state that was reached.
    fn settled(&self, before: &Grant) {
        let Grant { state, until, due_at, .. } = self.grant;
        assert_eq!(self.grant.approved, before.approved, "what was approved never changes");
        if before.until.is_some() {
            assert_eq!(until, before.until, "nothing moves the end");
        }
        assert_eq!(until, self.first_intent.map(|first| first + self.grant.approved.length));
        assert_eq!(due_at.is_none(), state.is_over(), "what is not over is looked at again");
        match state {
            State::Pending | State::Active => {
                assert!(due_at <= until, "the next look at {due_at:?} misses the end at {until:?}");
            }
            State::Ending => {
                let latest = self.last_event.plus_seconds(LONGEST_WAIT);
                assert!(due_at <= Some(latest), "an ending waits until {due_at:?}");
            }
            _ => {}
        }
        let expect = self.first_intent.is_some();
        assert_eq!(expect, !matches!(state, State::Approved | State::Cancelled));
    }

    /// Nothing changes a grant that is over.
    fn stays_over(&self, op: &Op, result: &Result<Vec<Event>, Refusal>) {
        if self.grant.state.is_over() && !matches!(op, Op::Wait(_)) {
            assert_eq!(result.as_ref().unwrap_err().code(), "grant_over");
            for event in every_event(&self.grant) {
                let after = apply(Some(self.grant.clone()), &event, self.now);
                assert_eq!(after.as_ref(), Some(&self.grant), "{event:?} changed what was over");
            }
        }
    }

    /// From here on the workers do their work whenever it is due, targets obey, and looks are
    /// complete: how many steps until it is over.
    fn continue_fairly(&mut self) -> usize {
        for step in 0..12 {
            let Some(due_at) = self.grant.due_at else { return step };
            self.now = self.now.max(due_at);
            let now = self.now;
            let ended = |grant: &Grant| grant.until.is_some_and(|until| now >= until);
            let work = match self.grant.state {
                State::Approved => vec![Op::Cancel],
                State::Active | State::Pending if ended(&self.grant) => {
                    vec![Op::End(Reason::Expired)]
                }
                // A grant that is not seen is tried again, and may fail for ever.
                State::Active | State::Pending => {
                    let until = self.grant.until.unwrap();
                    vec![Op::Wait(until.seconds_since(now) + 1), Op::End(Reason::Expired)]
                }
                State::Ending => vec![
                    Op::Intend { effect: Effect::Remove, busy: false, policy: None },
                    Op::Wait(1),
                    Op::Finish { back: 0, outcome: Outcome::Done },
                    Op::See { seen: Seen::Absent, completeness: Completeness::Complete, ago: 0 },
                ],
                State::Unverified | State::Issued | State::Ended | State::Cancelled => return step,
            };
            for op in work {
                match self.run(&op) {
                    Ok(events) => events.iter().for_each(|event| self.judge(&op, event)),
                    // A call is under way: the removal is tried when that one is over.
                    Err(Refusal::BindingBusy {}) => {
                        let over_at = self.calls.last().unwrap().over_at;
                        self.now = self.now.max(over_at);
                        break;
                    }
                    Err(refusal) => panic!("{op:?} in {:?}: {refusal}", self.grant.state),
                }
            }
        }
        panic!("it never ends: {:?}", self.grant);
    }
}

fn look(began_at: Timestamp, finished_at: Timestamp, completeness: Completeness) -> Observation {
    Observation {
        id: id(0x500),
        target: id(TARGET),
        scope: Scope::Everything,
        completeness,
        began_at,
        finished_at,
        present: Default::default(),
        credentials: None,
        sessions: BTreeSet::new(),
    }
}

fn every_event(grant: &Grant) -> Vec<Event> {
    let sighting = look(at(0), at(0), Completeness::Complete).cite();
    vec![
        Event::Approved(grant.approved.clone()),
        Event::Intended(grant::Intended {
            action: id(0x6fff),
            effect: Effect::Grant,
            epoch: 99,
            call_over_by: at(0),
            until: at(1),
            ruling: None,
        }),
        Event::Finished(grant::Finished { action: id(0x6fff), outcome: Outcome::Done }),
        Event::Activated { sighting: sighting.clone() },
        Event::Ending { reason: Reason::HolderLeft },
        Event::SeenStill { sighting: sighting.clone(), session: false },
        Event::Ended { gone: Gone::SeenAbsent { sighting } },
        Event::Cancelled { reason: Reason::HolderLeft },
    ]
}

/// Lets a life run, holds every step against the laws, and then lets it end.
fn live(seconds: u64, ops: &[Op]) {
    let mut world = World::begin(seconds);
    for op in ops {
        let result = world.run(op);
        world.stays_over(op, &result);
        match result {
            Ok(events) => events.iter().for_each(|event| world.judge(op, event)),
            Err(refusal) => speaks(&refusal),
        }
    }
    world.continue_fairly();
    assert!(world.grant.state.is_over());
    if let (Some(first), Some(until)) = (world.first_intent, world.grant.until) {
        assert_eq!(until.seconds_since(first), world.grant.approved.length.as_seconds());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn every_life_of_a_grant_keeps_the_law_and_every_end_is_reached(
        seconds in prop_oneof![1u64..100, 100u64..30_000],
        ops in prop::collection::vec(ops(), 0..40)
    ) {
        live(seconds, &ops);
    }

    #[test]
    fn a_grant_is_never_longer_than_what_was_asked(asked in 1u64..30_000, given in 1u64..30_000) {
        let result = decide(None, Command::Approve { approved: approved(length(given)), asked: length(asked) }, at(0));
        match result {
            Ok(events) => {
                prop_assert!(given <= asked);
                let grant = apply(None, &events[0], at(0)).unwrap();
                prop_assert_eq!(grant.approved.length, length(given));
            }
            Err(refusal) => {
                prop_assert!(given > asked);
                prop_assert_eq!(refusal.code(), "not_assented");
            }
        }
    }
}

const GRANT_IT: Op = Op::Intend { effect: Effect::Grant, busy: false, policy: Some(Says::Yes) };
const GONE: Op = Op::See { seen: Seen::Absent, completeness: Completeness::Complete, ago: 0 };

fn in_doubt() -> Op {
    Op::Finish { back: 0, outcome: Outcome::InDoubt { why: "reset".to_owned() } }
}

fn give_back() -> Op {
    Op::End(Reason::GivenBack { by: id(1) })
}

#[test]
fn a_call_in_doubt_may_still_have_its_effect_although_a_later_one_has_failed() {
    let failed = Op::Finish { back: 0, outcome: Outcome::Failed { why: "refused".to_owned() } };
    live(3_600, &[GRANT_IT, in_doubt(), Op::Wait(2), GRANT_IT, failed, give_back(), GONE]);
}

#[test]
fn what_is_given_back_during_its_call_is_removed_after_the_call_and_not_at_its_end() {
    let done = Op::Finish { back: 0, outcome: Outcome::Done };
    live(30_000, &[GRANT_IT, Op::Wait(1), give_back(), Op::Wait(1), done]);
}

#[test]
fn a_partial_look_shows_no_absence_whoever_says_so() {
    let partial = Op::See { seen: Seen::Absent, completeness: Completeness::Partial, ago: 0 };
    live(3_600, &[GRANT_IT, Op::Wait(40), give_back(), partial]);
}

#[test]
fn a_grant_is_not_carried_on_while_its_own_call_may_still_have_its_effect() {
    let by = Other { state: State::Active, same_access: true, itself: false };
    live(3_600, &[GRANT_IT, Op::Wait(1), give_back(), Op::CarryOn { by }]);
}
