//! What a grant can be told, case by case: every refusal of the machine, and every way through.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::action::{Action, Effect, Outcome, back_off_seconds};
use placet_domain::actor::Actor;
use placet_domain::grant::{
    CALL_SECONDS, Command, Event, Grant, Intend, Intended, Reason, State, apply, decide,
};
use placet_domain::id::Stream;
use placet_domain::observation::{Binding, Completeness, Observation, Scope, Seen as Looked};

use crate::build::{GRANT, REQUEST, Says, Seen, TARGET, approved, at, id, length, outcome, ruling};

const LENGTH: u64 = 3_600;

/// A grant at a point of its life, and a clock in seconds.
#[derive(Clone)]
struct Life {
    grant: Grant,
    now: i64,
    actions: u128,
}

impl Life {
    fn approved() -> Self {
        let approved = approved(length(LENGTH));
        let events =
            decide(None, Command::Approve { asked: approved.length, approved }, at(0)).unwrap();
        Self { grant: apply(None, &events[0], at(0)).unwrap(), now: 0, actions: 0 }
    }

    /// Does what the words say, one after another: `grant`, `remove`, `done`, `failed`,
    /// `in doubt`, `seen`, `gone`, `revoked`, `expired`, or a number of seconds to wait.
    fn then(mut self, words: &[&str]) -> Self {
        for word in words {
            if let Ok(seconds) = word.parse::<i64>() {
                self.now += seconds;
                continue;
            }
            let events = self.tell(word).unwrap_or_else(|refusal| panic!("{word}: {refusal}"));
            for event in &events {
                self.grant = apply(Some(self.grant), event, at(self.now)).unwrap();
            }
            if matches!(*word, "grant" | "remove") {
                self.actions += 1;
            }
        }
        self
    }

    fn tell(&self, word: &str) -> Result<Vec<Event>, Refusal> {
        let action = id(0x600 + self.actions);
        let latest = id(0x600 + self.actions.saturating_sub(1));
        let permit = ruling(Says::Yes);
        let why = || "no route to host".to_owned();
        let intend = |effect| {
            let ruling = (effect == Effect::Grant).then_some(&permit);
            Command::Intend(Intend { action, effect, epoch: 1, busy: false, ruling })
        };
        let finish = |outcome| Command::Finish { action: latest, outcome, issued: None };
        let observation = look(Completeness::Complete, self.now);
        let see = |seen| Command::See { observation: &observation, seen };
        let command = match word {
            "grant" => intend(Effect::Grant),
            "remove" => intend(Effect::Remove),
            "done" => finish(Outcome::Done),
            "failed" => finish(Outcome::Failed { why: why() }),
            "in doubt" => finish(Outcome::InDoubt { why: why() }),
            "seen" => see(Looked::Present),
            "gone" => see(Looked::Absent),
            "unknown" => see(Looked::Unknown),
            "revoked" => Command::End { reason: Reason::Revoked { by: id(2), note: None } },
            "expired" => Command::End { reason: Reason::Expired },
            "cancelled" => Command::Cancel { reason: Reason::ApprovalLapsed },
            other => panic!("{other}"),
        };
        decide(Some(&self.grant), command, at(self.now))
    }
}

fn look(completeness: Completeness, began: i64) -> Observation {
    Observation {
        id: id(0x500),
        target: id(TARGET),
        scope: Scope::Everything,
        completeness,
        began_at: at(began),
        finished_at: at(began),
        present: Default::default(),
        credentials: None,
        sessions: BTreeSet::new(),
    }
}

#[test]
fn every_step_of_a_grant_follows_or_is_refused_in_words() {
    let mut seen = Seen::default();
    let mut check = |before: &[&str], word: &str, expect: &str| {
        let life = Life::approved().then(before);
        seen.check(&format!("{before:?} then {word}"), life.tell(word), expect);
    };
    check(&[], "grant", "action.intended");
    check(&[], "remove", "no: wrong_step");
    check(&[], "done", "no: wrong_step");
    check(&[], "seen", "");
    check(&[], "gone", "");
    check(&[], "cancelled", "grant.cancelled");
    // What was never begun needs no removal.
    check(&[], "revoked", "grant.cancelled");
    check(&[], "expired", "grant.cancelled");
    check(&["604799"], "grant", "action.intended");
    check(&["604800"], "grant", "no: approval_lapsed");
    check(&["grant"], "grant", "no: binding_busy");
    check(&["grant", "29"], "grant", "no: binding_busy");
    check(&["grant", "30"], "grant", "action.intended");
    check(&["grant", "done"], "grant", "action.intended");
    check(&["grant", "done"], "done", "no: wrong_step");
    check(&["grant", "failed", "1"], "grant", "action.intended");
    check(&["grant", "in doubt", "1"], "grant", "no: binding_busy");
    check(&["grant", "in doubt", "30"], "grant", "action.intended");
    check(&["grant", "done", "3600"], "grant", "no: wrong_step");
    check(&["grant"], "seen", "grant.activated");
    check(&["grant"], "gone", "");
    check(&["grant"], "unknown", "");
    check(&["grant"], "cancelled", "no: wrong_step");
    check(&["grant", "done"], "remove", "no: wrong_step");
    check(&["grant", "done"], "revoked", "grant.ending");
    check(&["grant", "done"], "expired", "no: wrong_step");
    check(&["grant", "done", "3600"], "expired", "grant.ending");
    check(&["grant", "done", "seen"], "seen", "");
    check(&["grant", "done", "seen"], "gone", "");
    check(&["grant", "done", "seen"], "grant", "no: wrong_step");
    check(&["grant", "done", "seen", "3599"], "expired", "no: wrong_step");
    check(&["grant", "done", "seen", "3600"], "expired", "grant.ending");
    let ending = &["grant", "1", "done", "seen", "revoked"];
    check(ending, "remove", "action.intended");
    check(ending, "grant", "no: wrong_step");
    check(ending, "revoked", "no: grant_over");
    check(ending, "cancelled", "no: wrong_step");
    check(ending, "seen", "");
    check(ending, "gone", "grant.ended");
    check(&["grant", "1", "revoked"], "remove", "no: binding_busy");
    check(&["grant", "1", "revoked"], "gone", "");
    check(&["grant", "1", "revoked", "29"], "gone", "grant.ended");
    let removed = &["grant", "1", "done", "revoked", "remove", "1", "done"];
    check(removed, "seen", "grant.seen_still");
    check(removed, "gone", "grant.ended");
    check(&["grant", "1", "done", "revoked", "remove", "failed"], "seen", "");
    check(&[removed as &[&str], &["gone"]].concat(), "remove", "no: grant_over");
    check(&["cancelled"], "grant", "no: grant_over");

    fn told(life: &Life, command: Command<'_>) -> Result<Vec<Event>, Refusal> {
        decide(Some(&life.grant), command, at(life.now))
    }
    let fresh = Life::approved();
    let intend = |busy, policy: Option<Says>| {
        let permit = policy.map(ruling);
        let intend = Intend {
            action: id(0x600),
            effect: Effect::Grant,
            epoch: 1,
            busy,
            ruling: permit.as_ref(),
        };
        told(&fresh, Command::Intend(intend))
    };
    seen.check("another call on the binding", intend(true, Some(Says::Yes)), "no: binding_busy");
    seen.check("policy was not asked", intend(false, None), "no: policy_failed");
    seen.check("policy fails", intend(false, Some(Says::Fails)), "no: policy_failed");
    seen.check("policy refuses", intend(false, Some(Says::No)), "no: refused_by_policy");
    let again = approved(length(LENGTH));
    let again = told(&fresh, Command::Approve { asked: again.length, approved: again });
    seen.check("approved twice", again, "no: already_registered");
    let longer = Command::Approve { approved: approved(length(2)), asked: length(1) };
    seen.check("longer than asked", decide(None, longer, at(0)), "no: not_assented");
    let nothing = decide(None, Command::End { reason: Reason::Expired }, at(0));
    seen.check("ending nothing", nothing, "no: unknown_grant");
    seen.covers("grant/decide.rs");
}

#[test]
fn access_is_carried_on_by_another_living_grant_of_the_same() {
    let ending = Life::approved().then(&["grant", "1", "done", "revoked"]);
    let check = |change: fn(&mut Grant), expect: &str| {
        let mut by = Life::approved().then(&["grant", "done", "seen"]).grant;
        by.id = id(GRANT + 1);
        change(&mut by);
        let result = decide(Some(&ending.grant), Command::CarryOn { by: &by }, at(ending.now));
        assert_eq!(outcome(result), expect);
    };
    check(|_| {}, "grant.ended");
    check(|by| by.state = State::Pending, "grant.ended");
    check(|by| by.state = State::Approved, "no: wrong_step");
    check(|by| by.state = State::Ending, "no: wrong_step");
    check(|by| by.state = State::Ended, "no: wrong_step");
    check(|by| by.id = id(GRANT), "no: wrong_step");
    check(|by| by.approved.receiver = id(2), "no: wrong_step");
    check(|by| by.approved.entitlement = id(0x101), "no: wrong_step");
}

#[test]
fn only_a_complete_look_shows_absence() {
    let life = Life::approved().then(&["grant", "1", "done", "revoked"]);
    let binding = |account: &str| Binding {
        native: "dba".parse().unwrap(),
        account: account.parse().unwrap(),
    };
    let check = |scope: Scope, completeness, present: &[&str], expect: Looked, then: &str| {
        let mut observation = look(completeness, life.now);
        observation.scope = scope;
        observation.present = present.iter().map(|account| binding(account)).collect();
        let says = observation.says(&binding("ines"));
        assert_eq!(says, expect);
        let command = Command::See { observation: &observation, seen: says };
        assert_eq!(outcome(decide(Some(&life.grant), command, at(life.now))), then);
    };
    use Completeness::{Complete, Partial, Unknown};
    let whole = || Scope::Everything;
    check(whole(), Complete, &[], Looked::Absent, "grant.ended");
    check(whole(), Complete, &["eve"], Looked::Absent, "grant.ended");
    check(whole(), Complete, &["ines"], Looked::Present, "");
    check(whole(), Partial, &["ines"], Looked::Present, "");
    check(whole(), Partial, &[], Looked::Unknown, "");
    check(whole(), Unknown, &[], Looked::Unknown, "");
    check(Scope::Binding(binding("ines")), Complete, &[], Looked::Absent, "grant.ended");
    check(Scope::Binding(binding("eve")), Complete, &[], Looked::Unknown, "");
}

/// When a worker has to look again, in seconds from the beginning.
#[test]
fn what_is_due_is_looked_at_in_time() {
    let check = |words: &[&str], expect: Option<i64>| {
        let life = Life::approved().then(words);
        assert_eq!(life.grant.due_at, expect.map(at), "{words:?}");
    };
    check(&[], Some(0));
    check(&["5", "grant"], Some(35));
    check(&["5", "grant", "1", "done"], Some(3_605));
    check(&["grant", "1", "failed"], Some(2));
    check(&["grant", "1", "in doubt"], Some(30));
    check(&["grant", "failed", "1", "grant", "failed"], Some(3));
    check(&["grant", "done", "seen"], Some(3_600));
    check(&["grant", "done", "seen", "7", "revoked"], Some(7));
    check(&["grant", "1", "revoked", "1", "done"], Some(2));
    check(&["grant", "1", "revoked", "1", "in doubt"], Some(30));
    check(&["grant", "done", "revoked", "remove"], Some(30));
    check(&["grant", "done", "revoked", "remove", "done"], Some(1));
    check(&["grant", "done", "revoked", "remove", "1", "done", "seen"], Some(2));
    check(&["grant", "done", "revoked", "remove", "in doubt"], Some(30));
    check(&["grant", "done", "revoked", "remove", "1", "done", "gone"], None);
    check(&["cancelled"], None);
    let near_the_end = &["grant", "failed", "3595", "grant", "1", "failed"];
    check(near_the_end, Some(3_598));
}

/// The fold holds the end by itself, whoever wrote the later event.
#[test]
fn no_later_intent_moves_the_end() {
    let grant = Life::approved().then(&["grant", "done"]).grant;
    let Event::Intended(intended) = Life::approved().tell("grant").unwrap().remove(0) else {
        panic!("no intent")
    };
    for until in [at(1), at(90_000)] {
        let later = Event::Intended(Intended { until, ..intended.clone() });
        let after = apply(Some(grant.clone()), &later, at(9)).unwrap();
        assert_eq!(after.until, Some(at(LENGTH as i64)));
    }
}

#[test]
fn waiting_doubles_up_to_five_minutes() {
    let waits: Vec<u64> = [0, 1, 2, 3, 9, 10, 64, 65, u32::MAX].map(back_off_seconds).into();
    assert_eq!(waits, [1, 1, 2, 4, 256, 300, 300, 300, 300]);
}

#[test]
fn a_call_is_over_when_its_answer_says_so_or_its_time_has_run_out() {
    let check = |outcome: Option<Outcome>, expect: i64| {
        let action = Action {
            id: id(0x600),
            effect: Effect::Grant,
            epoch: 1,
            intended_at: at(0),
            call_over_by: at(30),
            finished_at: outcome.as_ref().map(|_| at(3)),
            outcome,
        };
        assert_eq!(action.provably_over_at(), at(expect));
        assert!(action.is_under_way_at(at(expect - 1)) && !action.is_under_way_at(at(expect)));
    };
    let why = || "reset".to_owned();
    check(None, CALL_SECONDS as i64);
    check(Some(Outcome::Done), 3);
    check(Some(Outcome::Failed { why: why() }), 3);
    check(Some(Outcome::InDoubt { why: why() }), 30);
}

#[test]
fn a_grant_lives_in_the_trail_of_its_request_and_is_in_its_sets() {
    let grant = Life::approved().grant;
    let state = placet_domain::state::State::Grant(grant);
    assert_eq!(state.trail(&Stream::Grant(id(GRANT))), Stream::Request(id(REQUEST)));
    let receiver = "idn_00000000000000000000000000000001";
    let entitlement = "ent_00000000000000000000000000000100";
    assert_eq!(
        state.sets(),
        [
            format!("holdings/{receiver}"),
            format!("binding/{receiver}/{entitlement}"),
            "held/tgt_00000000000000000000000000000200".to_owned(),
        ]
    );
    assert_eq!(Actor::Founding.identity(), None);
}
