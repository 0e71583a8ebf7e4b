//! Work orders: who may carry one out, who may confirm it, and how a grant stands meanwhile.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::action::{Effect, Outcome, Told};
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::grant::{
    Command, Event, Gone, Grant, Intend, REMIND_SECONDS, Reason, State, Step, Working, apply,
    decide,
};
use placet_domain::identity::Identity;

use crate::build::{
    Says, Seen, approved, at, gone, id, length, person, ruling, session, text, token, workload,
};

const LENGTH: u64 = 10 * 86_400;
/// People have four hours.
const WITHIN: i64 = 4 * 3_600;

/// 1 asked, 2 approved; 3, 4 and 5 answer for the target; 9 is a stranger.
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
            self.actions += u128::from(matches!(*word, "grant" | "remove"));
        }
        self
    }

    /// `3 does`, `4 confirms`: who, and what they say.
    fn tell(&self, word: &str) -> Result<Vec<Event>, Refusal> {
        let permit = ruling(Says::Yes);
        let latest = id(0x600 + self.actions.saturating_sub(1));
        let intend = |effect| {
            let ruling = (effect == Effect::Grant).then_some(&permit);
            let action = id(0x600 + self.actions);
            Command::Intend(Intend { action, effect, epoch: 1, busy: false, ruling })
        };
        let told = Told { due_at: at(self.now + WITHIN), team: None };
        let command = match word {
            "grant" => intend(Effect::Grant),
            "remove" => intend(Effect::Remove),
            "told" => {
                Command::Finish { action: latest, outcome: Outcome::Ordered { told }, issued: None }
            }
            "revoked" => Command::End { reason: Reason::Revoked { by: id(2), note: None } },
            "expired" => Command::End { reason: Reason::Expired },
            "remind" => Command::RemindWork,
            other => return self.work(other),
        };
        decide(Some(&self.grant), command, at(self.now))
    }

    fn work(&self, sentence: &str) -> Result<Vec<Event>, Refusal> {
        let (who, what) = sentence.split_once(' ').unwrap();
        let evidence = Digest::of(b"a photo");
        let step = match what.trim_end_matches(" by token").trim_end_matches(" of an old order") {
            "does" => Step::CarryOut { evidence, note: text("as the photo shows") },
            "returns" => Step::Return { why: text("it is blurred") },
            "confirms" => Step::Confirm { evidence },
            "confirms another" => Step::Confirm { evidence: Digest::of(b"another photo") },
            other => panic!("{other}"),
        };
        let number: u128 = who.trim_matches(|c: char| c.is_alphabetic()).parse().unwrap();
        let by: Identity = match who {
            "left3" => gone(person(3)),
            "robot3" => workload(3, 4),
            _ => person(number),
        };
        let actor: Actor = if what.ends_with("by token") { token(number) } else { session(number) };
        let old = what.ends_with("of an old order");
        let (excluded, approvers) = (BTreeSet::from([id(1)]), BTreeSet::from([id(2)]));
        let working = Working {
            actor,
            by: &by,
            action: if old { id(0x999) } else { id(0x600 + self.actions.saturating_sub(1)) },
            answers_for_it: number != 9,
            excluded: &excluded,
            approvers: &approvers,
            step,
        };
        decide(Some(&self.grant), Command::Work(working), at(self.now))
    }
}

const TOLD: &[&str] = &["grant", "told"];
const DONE: &[&str] = &["grant", "told", "3 does"];
const THERE: &[&str] = &["grant", "told", "3 does", "4 confirms"];
const ENDING: &[&str] = &["grant", "told", "3 does", "4 confirms", "revoked", "remove", "told"];

#[test]
fn one_carries_out_and_another_confirms() {
    let mut seen = Seen::default();
    let mut check = |before: &[&str], word: &str, expect: &str| {
        let life = Life::approved().then(before);
        seen.check(&format!("{before:?} {word}"), life.tell(word), expect);
    };
    check(TOLD, "3 does", "work.carried_out");
    check(TOLD, "2 does", "no: approver_carries_out");
    check(TOLD, "1 does", "no: works_for_themselves");
    check(TOLD, "9 does", "no: not_permitted");
    check(TOLD, "3 does by token", "no: needs_session");
    check(TOLD, "robot3 does", "no: only_people_decide");
    check(TOLD, "left3 does", "no: inactive_identity");
    check(TOLD, "3 does of an old order", "no: no_work_order");
    check(TOLD, "4 confirms", "no: no_work_order");
    check(TOLD, "4 returns", "no: no_work_order");
    check(DONE, "5 does", "no: no_work_order");
    check(DONE, "3 confirms", "no: confirms_own_work");
    check(DONE, "1 confirms", "no: works_for_themselves");
    check(DONE, "9 confirms", "no: not_permitted");
    check(DONE, "4 confirms another", "no: other_evidence");
    check(DONE, "4 confirms", "work.confirmed");
    // Whoever approved may well look at what another did.
    check(DONE, "2 confirms", "work.confirmed");
    check(DONE, "4 returns", "work.returned");
    check(&[DONE, &["4 returns"]].concat(), "4 confirms", "no: no_work_order");
    check(&[DONE, &["4 returns"]].concat(), "5 does", "work.carried_out");
    check(THERE, "4 confirms", "no: no_work_order");
    // Nothing is told twice, and no program goes on where people were told.
    check(TOLD, "grant", "no: binding_busy");
    check(ENDING, "remove", "no: binding_busy");
    // Taking away waits for nobody's independence but the holder's.
    check(ENDING, "2 does", "work.carried_out");
    check(ENDING, "1 does", "no: works_for_themselves");
    check(&[ENDING, &["2 does"]].concat(), "4 confirms", "work.confirmed, grant.ended");
    check(&[ENDING, &["2 does"]].concat(), "2 confirms", "no: confirms_own_work");
    seen.covers("grant/work.rs");
}

#[test]
fn what_is_done_by_hand_is_never_called_active() {
    let check = |words: &[&str], state: State, due_at: Option<i64>| {
        let grant = Life::approved().then(words).grant;
        assert_eq!((grant.state, grant.due_at), (state, due_at.map(at)), "{words:?}");
        assert_eq!(grant.first_seen_at, None, "{words:?}");
    };
    let end = LENGTH as i64;
    check(TOLD, State::Pending, Some(WITHIN));
    check(DONE, State::Pending, Some(WITHIN));
    check(THERE, State::Unverified, Some(end));
    check(ENDING, State::Ending, Some(WITHIN));
    check(&[ENDING, &["3 does", "4 confirms"]].concat(), State::Ended, None);
    // Whether or not somebody had made it, its end is told to people.
    check(&[TOLD, &["revoked"]].concat(), State::Ending, Some(0));
    check(&[TOLD, &["revoked", "remove", "told"]].concat(), State::Ending, Some(WITHIN));
    let withdrawn = Life::approved().then(&["grant", "told", "revoked"]);
    assert_eq!(withdrawn.grant.work, None);
    assert!(withdrawn.tell("3 does").is_err(), "nobody makes what is to be taken away");
    // It was revoked while people were being told: that order is none.
    let crossed = Life::approved().then(&["grant", "revoked", "told"]);
    assert_eq!((crossed.grant.state, crossed.grant.work), (State::Ending, None));
    let ended = Life::approved().then(&[ENDING, &["3 does", "4 confirms"]].concat());
    let action = id(0x601);
    assert_eq!(ended.grant.gone, Some(Gone::ConfirmedByPeople { action }));
}

#[test]
fn people_are_reminded_of_what_is_overdue_once_a_day() {
    let late = ["14400"];
    let outcome =
        |words: &[&str]| crate::build::outcome(Life::approved().then(words).tell("remind"));
    assert_eq!(outcome(TOLD), "");
    assert_eq!(outcome(&[TOLD, &["14399"]].concat()), "");
    assert_eq!(outcome(&[TOLD, &late].concat()), "work.overdue");
    assert_eq!(outcome(&[DONE, &late].concat()), "work.overdue", "it waits for a second person");
    assert_eq!(outcome(&[THERE, &late].concat()), "");
    let reminded = Life::approved().then(&[TOLD, &late, &["remind"]].concat());
    assert_eq!(reminded.grant.due_at, Some(at(WITHIN + REMIND_SECONDS as i64)));
    // No reminder puts off the end.
    let near = LENGTH.to_string();
    let near = Life::approved().then(&[TOLD, &[near.as_str(), "remind"]].concat());
    assert_eq!(near.grant.due_at, Some(at(LENGTH as i64)));
}
