//! Credentials: assent covers what was collected, and the laws find every forged collection,
//! certificate and end.

use std::collections::BTreeSet;

use placet_domain::action::{Effect, Outcome};
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::event::Event;
use placet_domain::grant::{
    self, Collect, Collected, Gone, Half, Issued, Public, ReadBack, Reason, Serial,
};
use placet_domain::id::Stream;

use crate::assent::Case;
use crate::evidence::verdict_on;
use crate::log::Draft;
use crate::story::{ANA, BORIS, DINA, FULFIL, Story, Way, action, actor, grant, minute, person};

fn key() -> Public {
    Public::SshKey { key: "ssh-ed25519 AAAA".to_owned(), fingerprint: "SHA256:x".to_owned() }
}

fn certificate() -> Issued {
    Issued {
        serial: Serial(7),
        digest: Digest::of(b"a certificate"),
        certificate: "a certificate".to_owned(),
        over_at: minute(281),
    }
}

/// Collected by Ana herself, and about to be carried out.
fn intended() -> Story {
    let mut story = Story::founded(Way::People).approved_on(Some(Half::SshKey));
    let collected = Collected { by: person(ANA), public: key(), sources: BTreeSet::new() };
    let receiver = story.identity(ANA);
    let collect = Collect { collected, receiver: &receiver, anothers: false };
    story.decide_grant(35, actor(ANA), grant::Command::Collect(collect));
    story.intends(40, 1, Effect::Grant);
    story
}

/// Issued, revoked, and read back from one host and then from both.
fn revoked() -> Story {
    let mut story = intended();
    let finish =
        |n, issued| grant::Command::Finish { action: action(n), outcome: Outcome::Done, issued };
    story.decide_grant(41, FULFIL, finish(1, Some(certificate())));
    let reason = Reason::GivenBack { by: person(ANA) };
    story.decide_grant(50, actor(ANA), grant::Command::End { reason });
    story.intends(51, 2, Effect::Remove);
    story.decide_grant(51, FULFIL, finish(2, None));
    let shown = |hosts: &[&str], waits: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        grant::Command::ReadBack(ReadBack { hosts: names(hosts), waits_for: names(waits) })
    };
    story.decide_grant(52, FULFIL, shown(&["a"], &["b"]));
    story.decide_grant(53, FULFIL, shown(&["a", "b"], &[]));
    story
}

fn case(tamper: impl FnOnce(&mut Vec<Draft>)) -> Case {
    let mut story = intended();
    tamper(&mut story.drafts);
    Case::of(&story.log(), &story)
}

fn place(drafts: &[Draft], type_name: &str) -> usize {
    drafts.iter().position(|draft| draft.event.type_name() == type_name).unwrap()
}

fn collection(drafts: &mut [Draft]) -> (&mut Actor, &mut Collected) {
    let at = place(drafts, "grant.collected");
    match &mut drafts[at] {
        Draft { actor, event: Event::Grant(grant::Event::Collected(collected)), .. } => {
            (actor, collected)
        }
        _ => unreachable!(),
    }
}

#[test]
fn an_assent_carries_what_was_collected_and_where_it_was_intended() {
    let assent = case(|_| {}).verify().unwrap();
    assert_eq!(assent.collected().map(|one| &one.public), Some(&key()));
    assert_eq!(assent.intended_at(), minute(40));
    let log = intended().log();
    let last = log.trail(crate::story::request()).pop().unwrap();
    assert_eq!(assent.place(), last.index, "the intent is the last entry of the trail");
}

#[test]
fn a_forged_collection_is_no_assent() {
    case(|drafts| {
        let at = place(drafts, "grant.collected");
        drafts.remove(at);
    })
    .refused("begun before its receiver had collected it");
    case(|drafts| {
        let at = place(drafts, "grant.collected");
        let collected = drafts.remove(at);
        drafts.push(Draft { at: minute(40), ..collected });
    })
    .refused("begun before its receiver had collected it");
    case(|drafts| {
        let at = place(drafts, "grant.collected");
        let again = drafts[at].clone();
        drafts.insert(at, again);
    })
    .refused("collected twice");
    case(|drafts| {
        let (by, collected) = collection(drafts);
        (*by, collected.by) = (actor(DINA), person(DINA));
    })
    .refused("collected by a stranger");
    case(|drafts| *collection(drafts).0 = actor(BORIS)).refused("recorded by another");
    case(|drafts| collection(drafts).1.public = Public::TokenDigest { sha256: Digest::of(b"x") })
        .refused("something was collected that is not issued");
    case(|drafts| {
        let at = place(drafts, "grant.approved");
        match &mut drafts[at].event {
            Event::Grant(grant::Event::Approved(approved)) => approved.issues = None,
            _ => unreachable!(),
        }
    })
    .refused("something was collected that is not issued");
}

fn verdict(tamper: impl FnOnce(&mut Vec<Draft>)) -> Result<String, String> {
    let mut story = revoked();
    tamper(&mut story.drafts);
    match verdict_on(&story) {
        Ok(verdict) => Ok(verdict.story.iter().map(|line| format!("{line}\n")).collect()),
        Err(failed) => Err(failed.to_string()),
    }
}

#[test]
fn the_evidence_tells_the_life_of_a_certificate() {
    let told = verdict(|_| {}).unwrap();
    for sentence in [
        "Ana Alves (`ana`) collected it with key `SHA256:x`, shown to be their own",
        "a certificate was issued, serial 7",
        "its revocation was read back from `a`, and not yet from `b`",
        "its revocation was read back from every enrolled host: `a`, `b`",
    ] {
        assert!(told.contains(sentence), "`{sentence}` is missing:\n{told}");
    }
}

#[test]
fn a_forged_end_of_a_certificate_is_a_breach() {
    let forged = |gone: Gone, why: &str| {
        let failed = verdict(|drafts| {
            let at = place(drafts, "grant.ended");
            drafts[at].event = Event::Grant(grant::Event::Ended { gone: gone.clone() });
        });
        let told = failed.unwrap_err();
        assert!(told.contains(why), "{gone:?}: {told}");
    };
    let why = "called gone on a look that could not show it";
    forged(Gone::ValidityOver, why);
    forged(Gone::NeverIssued, why);
    forged(Gone::RevocationReadBack { hosts: BTreeSet::new() }, why);
    forged(Gone::CarriedOn { by: grant() }, why);
    let early = verdict(|drafts| {
        let at = place(drafts, "grant.issued");
        match &mut drafts[at].event {
            Event::Grant(grant::Event::Issued(issued)) => issued.over_at = minute(279),
            _ => unreachable!(),
        }
    });
    assert!(early.unwrap_err().contains("a certificate was called over before its access was"));
    let stream = Stream::Grant(grant());
    let unordered = verdict(|drafts| {
        drafts.retain(|draft| draft.stream != stream || draft.event.type_name() != "grant.ending");
    });
    assert!(unordered.unwrap_err().contains("a revocation was read back that nothing had ordered"));
}
