//! Work by hand: the laws find every forged order, hand and confirmation, and the story tells who
//! said what.

use placet_domain::action::{Effect, Outcome, Told};
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::event::Event;
use placet_domain::grant::{self, CarriedOut, Confirmed, Gone, Reason};

use crate::evidence::verdict_on;
use crate::log::Draft;
use crate::story::{
    ANA, BORIS, DINA, FULFIL, Story, Way, action, actor, grant as the_grant, minute, person,
};

/// Neither of them asked, gains or approved.
const HANS: u128 = 21;
const HANNA: u128 = 22;

fn note() -> Committed<String> {
    Committed::seal(&"as the photo shows".to_owned(), "note", [5; 16]).unwrap().0
}

/// Given and taken back by people.
fn by_hand() -> Story {
    let mut story = Story::founded(Way::People).approved_on(None);
    story.intends(40, 1, Effect::Grant);
    told(&mut story, 40, 1);
    done(&mut story, 41, 1);
    let reason = Reason::GivenBack { by: person(ANA) };
    story.decide_grant(50, actor(ANA), grant::Command::End { reason });
    story.intends(51, 2, Effect::Remove);
    told(&mut story, 51, 2);
    done(&mut story, 52, 2);
    let gone = Gone::ConfirmedByPeople { action: action(2) };
    write(&mut story, 54, actor(HANNA), grant::Event::Ended { gone });
    story
}

fn write(story: &mut Story, at: u64, by: Actor, event: grant::Event) {
    story.write(at, by, placet_domain::id::Stream::Grant(the_grant()), vec![event.into()]);
}

fn told(story: &mut Story, at: u64, n: u128) {
    let told = Told { due_at: minute(at + 240), team: Some("on-call".parse().unwrap()) };
    let finish = grant::Command::Finish {
        action: action(n),
        outcome: Outcome::Ordered { told },
        issued: None,
    };
    story.decide_grant(at, FULFIL, finish);
}

fn done(story: &mut Story, at: u64, n: u128) {
    let action = action(n);
    let evidence = Digest::of(b"a photo");
    let carried_out = CarriedOut { action, by: person(HANS), evidence, note: note() };
    write(story, at, actor(HANS), grant::Event::CarriedOut(carried_out));
    let confirmed = Confirmed { action, by: person(HANNA) };
    write(story, at + 1, actor(HANNA), grant::Event::Confirmed(confirmed));
}

fn verdict(tamper: impl FnOnce(&mut Vec<Draft>)) -> Result<String, String> {
    let mut story = by_hand();
    tamper(&mut story.drafts);
    match verdict_on(&story) {
        Ok(verdict) => Ok(verdict.story.iter().map(|line| format!("{line}\n")).collect()),
        Err(failed) => Err(failed.to_string()),
    }
}

fn places(drafts: &[Draft], type_name: &str) -> Vec<usize> {
    let all = drafts.iter().enumerate();
    all.filter(|(_, draft)| draft.event.type_name() == type_name).map(|(at, _)| at).collect()
}

#[test]
fn the_evidence_says_on_whose_word_it_stands() {
    let told = verdict(|_| {}).unwrap();
    for sentence in [
        "was given to people of team `on-call`, to be done by",
        "was carried out by hand, with evidence of SHA-256",
        "nobody can look at the target",
        "the grant ended on the word of two people; the target was not looked at",
    ] {
        assert!(told.contains(sentence), "`{sentence}` is missing:\n{told}");
    }
}

#[test]
fn a_forged_hand_is_a_breach() {
    let forged = |why: &str, tamper: &dyn Fn(&mut Vec<Draft>)| {
        let told = verdict(|drafts| tamper(drafts)).unwrap_err();
        assert!(told.contains(why), "`{why}` is not said: {told}");
    };
    let carried_out = |drafts: &mut Vec<Draft>, nth: usize, by: u128| {
        let at = places(drafts, "work.carried_out")[nth];
        let draft = &mut drafts[at];
        draft.actor = actor(by);
        match &mut draft.event {
            Event::Grant(grant::Event::CarriedOut(one)) => one.by = person(by),
            _ => unreachable!(),
        }
    };
    let confirmed = |drafts: &mut Vec<Draft>, by: u128, who: Actor| {
        let at = places(drafts, "work.confirmed")[0];
        let draft = &mut drafts[at];
        draft.actor = who;
        match &mut draft.event {
            Event::Grant(grant::Event::Confirmed(one)) => one.by = person(by),
            _ => unreachable!(),
        }
    };
    forged("who approved it carried it out", &|drafts| carried_out(drafts, 0, BORIS));
    forged("who gains by it carried it out", &|drafts| carried_out(drafts, 0, ANA));
    forged("who gains by it carried it out", &|drafts| carried_out(drafts, 1, ANA));
    forged("who carried it out confirmed it", &|drafts| confirmed(drafts, HANS, actor(HANS)));
    forged("who gains by it confirmed it", &|drafts| confirmed(drafts, ANA, actor(ANA)));
    forged("was recorded by another", &|drafts| confirmed(drafts, HANNA, actor(DINA)));
    forged("was not made in a session", &|drafts| confirmed(drafts, HANNA, FULFIL));
    forged("work was carried out that nobody was told to do", &|drafts| {
        let at = places(drafts, "action.finished")[0];
        match &mut drafts[at].event {
            Event::Grant(grant::Event::Finished(one)) => one.outcome = Outcome::Done,
            _ => unreachable!(),
        }
    });
    forged("work was confirmed that nobody had carried out", &|drafts| {
        let at = places(drafts, "work.carried_out")[0];
        drafts.remove(at);
    });
    forged("called gone on a look that could not show it", &|drafts| {
        let at = places(drafts, "work.confirmed")[1];
        drafts.remove(at);
    });
    // What gave it is no proof that it was taken away.
    forged("called gone on a look that could not show it", &|drafts| {
        let at = places(drafts, "grant.ended")[0];
        let gone = Gone::ConfirmedByPeople { action: action(1) };
        drafts[at].event = Event::Grant(grant::Event::Ended { gone });
    });
}
