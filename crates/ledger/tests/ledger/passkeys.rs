//! Passkeys: what they sign is checked from bytes alone, and in a stage that takes one no approval
//! counts that was not signed for exactly this.

use placet_domain::actor::Actor;
use placet_domain::committed::Committed;
use placet_domain::event::Event;
use placet_domain::id::{PasskeyId, Stream};
use placet_domain::name::RpId;
use placet_domain::passkey::{self, Assertion, Backing, Bytes, Challenge, Offered};
use placet_domain::request::{Approval, Event as RequestEvent, Opened};
use placet_domain::route::{Route, StepUp};
use placet_ledger::assertion::{read_made, verify};

use crate::assent::{Case, approval, find, trail_case};
use crate::authenticator::{Authenticator, Signed};
use crate::log::Draft;
use crate::story::{
    BORIS, CORA, DINA, Story, Way, actor, id, minute, person, ruling, session, trail,
};

fn bytes(of: &[u8]) -> Bytes {
    Bytes::new(of.to_vec()).unwrap()
}

fn challenge(n: u8) -> Challenge {
    Challenge::of([n; 32])
}

fn rp() -> RpId {
    "placet.example.org".parse().unwrap()
}

fn assertion(passkey: u128, signed: Signed) -> Assertion {
    Assertion {
        passkey: id(passkey),
        authenticator_data: bytes(&signed.authenticator_data),
        client_data_json: bytes(&signed.client_data),
        signature: bytes(&signed.signature),
    }
}

#[test]
fn what_openssl_signed_is_right_under_each_kind_of_key() {
    let text = include_str!("../passkeys/openssl.txt");
    let challenge = Challenge::of(std::array::from_fn(|n| u8::try_from(n).unwrap()));
    let mut checked = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").collect();
        let part = |n: usize| parts[n].parse::<Bytes>().unwrap();
        let assertion = Assertion {
            passkey: id(1),
            authenticator_data: part(2),
            client_data_json: part(3),
            signature: part(4),
        };
        let right = verify(&part(1), &rp(), challenge, &assertion);
        if parts[0].contains("1024") {
            assert!(right.unwrap_err().to_string().contains("a kind that is not taken"));
            continue;
        }
        assert_eq!(right, Ok(()), "{}", parts[0]);
        // Not one bit of the signature, or of what it is over, may be another.
        for change in [2, 4] {
            let mut changed = part(change).as_slice().to_vec();
            *changed.last_mut().unwrap() ^= 1;
            let mut other = assertion.clone();
            match change {
                2 => other.authenticator_data = bytes(&changed),
                _ => other.signature = bytes(&changed),
            }
            let wrong = verify(&part(1), &rp(), challenge, &other).unwrap_err();
            assert_eq!(wrong.to_string(), "the signature is not of this passkey", "{}", parts[0]);
        }
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[test]
fn an_assertion_is_for_one_host_one_challenge_and_a_person_who_was_there() {
    let honest = Authenticator::new(1);
    let check = |lies: &dyn Fn(&mut Authenticator), expect: &str| {
        let mut one = honest.clone();
        lies(&mut one);
        let signed = assertion(1, one.signed(challenge(1)));
        let key = bytes(&honest.public());
        match verify(&key, &rp(), challenge(1), &signed) {
            Ok(()) => assert_eq!(expect, ""),
            Err(why) => assert!(!expect.is_empty() && why.to_string().contains(expect), "{why}"),
        }
    };
    check(&|_| {}, "");
    check(&|one| one.flags = 4, "nobody was there");
    check(&|one| one.flags = 1, "make sure who was there");
    check(&|one| one.rp = "evil.example".to_owned(), "for another host");
    check(&|one| one.origin = "https://evil.example".to_owned(), "asked for by another site");
    check(&|one| one.origin = "http://placet.example.org".to_owned(), "by another site");
    check(&|one| one.cross_origin = true, "inside the page of another site");
    check(&|one| one.r#type = Some("webauthn.create"), "another kind of ceremony");
    let below = "https://a.placet.example.org".to_owned();
    check(&|one| one.origin = below.clone(), "");
    check(&|one| *one = Authenticator::new(2), "not of this passkey");
    let other = verify(
        &bytes(&honest.public()),
        &rp(),
        challenge(2),
        &assertion(1, honest.signed(challenge(1))),
    );
    assert!(other.unwrap_err().to_string().contains("over another challenge"));
}

#[test]
fn a_passkey_that_was_made_is_read_and_anything_else_is_not() {
    let honest = Authenticator::new(1);
    let (client, object) = honest.made(challenge(1));
    let made = read_made(&rp(), challenge(1), &bytes(&client), &bytes(&object)).unwrap();
    assert_eq!(made.credential_id.as_slice(), honest.id);
    assert_eq!(made.public_key.as_slice(), honest.public());
    let refused = |challenge: Challenge, client: &[u8], object: &[u8]| {
        read_made(&rp(), challenge, &bytes(client), &bytes(object)).unwrap_err()
    };
    refused(challenge(2), &client, &object);
    for cut in 1..object.len() {
        refused(challenge(1), &client, &object[..cut]);
    }
    let more = [&*object, &[0]].concat();
    // What comes after the object is nobody's; what comes after the key is refused.
    assert!(read_made(&rp(), challenge(1), &bytes(&client), &bytes(&more)).is_ok());
    let (client, object) = Authenticator { flags: 1, ..honest.clone() }.made(challenge(1));
    refused(challenge(1), &client, &object);
    refused(challenge(1), &honest.signed(challenge(1)).client_data, &honest.made(challenge(1)).1);
}

/// Boris's passkey, and what he signs his approval with.
const KEY: u128 = 900;

fn offered(n: u128, holder: u128, of: &Authenticator) -> Offered {
    let name = "laptop".to_owned();
    Offered {
        passkey: id(n),
        holder: person(holder),
        session: session(holder),
        credential_id: bytes(&of.id),
        public_key: bytes(&of.public()),
        rp: rp(),
        name: Committed::seal(&name, "passkey", [4; 16]).unwrap().0,
        challenge: challenge(40),
        lapses_at: minute(600),
    }
}

fn vouched(by: u128) -> Backing {
    let ruling = Some(ruling(true, "administers").cite());
    Backing::Person { who: person(by), session: session(by), ruling }
}

/// The entries of a passkey, before anything was asked.
fn enrolled(n: u128, holder: u128, of: &Authenticator, backing: Backing) -> Vec<Draft> {
    let by = match &backing {
        Backing::Person { .. } => actor(DINA),
        Backing::Passkey { .. } => actor(holder),
    };
    vec![
        entry(n, 5, actor(holder), passkey::Event::Offered(offered(n, holder, of))),
        entry(n, 6, by, passkey::Event::Enrolled { backing }),
    ]
}

fn entry(n: u128, at: u64, by: Actor, event: passkey::Event) -> Draft {
    let stream = Stream::Passkey(id(n));
    let (trail, event) = (stream.clone(), Event::Passkey(event));
    Draft { at: minute(at), actor: by, stream, trail, event }
}

/// What may be changed in a trail whose first approval is signed as it should be.
struct Parts {
    passkeys: Vec<Draft>,
    opened: Opened,
    opened_by: Actor,
    approval: Approval,
}

/// A trail in which the first stage takes a passkey, and Boris signs with his.
fn signed(change: impl FnOnce(&mut Parts)) -> impl FnOnce(&mut Vec<Draft>) {
    move |drafts| {
        if let Event::Request(RequestEvent::Routed(routed)) =
            &mut find(drafts, "request.routed", 0).event
            && let Route::People { stages } = &mut routed.route
        {
            stages.iter_mut().filter(|one| one.name.as_str() == "owner").for_each(|one| {
                one.step_up = Some(StepUp::Passkey);
            });
        }
        let key = Authenticator::new(1);
        let (_, approved) = approval(drafts, 0);
        approved.assertion = Some(assertion(KEY, key.signed(challenge(7))));
        let opened = Opened {
            digest: approved.digest,
            approver: person(BORIS),
            session: session(BORIS),
            challenge: challenge(7),
            expires_at: minute(22),
        };
        let passkeys = enrolled(KEY, BORIS, &key, vouched(DINA));
        let mut parts =
            Parts { passkeys, opened, opened_by: actor(BORIS), approval: approved.clone() };
        change(&mut parts);
        *approval(drafts, 0).1 = parts.approval;
        let at =
            drafts.iter().position(|one| one.event.type_name() == "approval.recorded").unwrap();
        drafts.insert(
            at,
            Draft {
                at: minute(19),
                actor: parts.opened_by,
                stream: trail(),
                trail: trail(),
                event: RequestEvent::StepUpOpened(parts.opened).into(),
            },
        );
        let at =
            drafts.iter().position(|one| one.event.type_name() == "request.submitted").unwrap();
        drafts.splice(at..at, parts.passkeys);
    }
}

fn both(change: impl Fn(&mut Parts) + Copy, expect: &str) {
    let case = trail_case(signed(change));
    let mut story = Story::founded(Way::People).ended();
    signed(change)(&mut story.drafts);
    let verdict = crate::evidence::verdict_on(&story);
    if expect.is_empty() {
        assert!(case.verify().is_ok(), "{:?}", case.verify().err());
        let verdict = verdict.unwrap();
        assert!(verdict.checks.iter().any(|one| one.contains("signed with passkeys")));
        assert!(verdict.story.iter().any(|line| line.text.contains("signed with `pky_")));
        return;
    }
    case.refused(expect);
    let failed = verdict.unwrap_err().to_string();
    assert!(failed.contains(expect), "`{failed}` does not say `{expect}`");
}

#[test]
fn a_signed_approval_is_assent_down_to_the_enrolled_key() {
    both(|_| {}, "");
    both(|one| one.approval.assertion = None, "was not signed, in a stage that takes a passkey");
    // Another one signs.
    both(
        |one| {
            let other = Authenticator::new(2).signed(challenge(7));
            one.approval.assertion = Some(assertion(KEY, other));
        },
        "the signature is not of this passkey",
    );
    // A passkey of somebody else's, which is enrolled as it should be.
    both(
        |one| {
            let other = Authenticator::new(2);
            one.passkeys.extend(enrolled(901, CORA, &other, vouched(DINA)));
            one.approval.assertion = Some(assertion(901, other.signed(challenge(7))));
        },
        "belongs to somebody else",
    );
    both(
        |one| {
            let lax = Authenticator { flags: 1, ..Authenticator::new(1) };
            one.approval.assertion = Some(assertion(KEY, lax.signed(challenge(7))));
        },
        "did not make sure who was there",
    );
    both(
        |one| {
            let there = Authenticator::new(1).at("placet.example.org", "https://evil.example");
            one.approval.assertion = Some(assertion(KEY, there.signed(challenge(7))));
        },
        "asked for by another site",
    );
    // What was signed is not what was opened.
    both(
        |one| {
            let other = Authenticator::new(1).signed(challenge(8));
            one.approval.assertion = Some(assertion(KEY, other));
        },
        "over another challenge",
    );
    both(|one| one.opened.digest = ruling(true, "x").bundle, "is for another digest");
    both(|one| one.opened.expires_at = minute(20), "is signed with what was not open");
    both(|one| one.opened.expires_at = minute(25), "was opened for too long");
    both(|one| one.opened.session = session(CORA), "was opened for another session");
    both(|one| one.opened_by = actor(CORA), "was recorded by another");
    both(
        |one| {
            one.opened.approver = person(DINA);
            one.opened.session = session(DINA);
            one.opened_by = actor(DINA);
        },
        "is signed with what was not open",
    );
}

#[test]
fn only_what_was_enrolled_by_then_signs() {
    both(|one| one.passkeys.truncate(1), "was not enrolled yet");
    both(|one| one.passkeys.clear(), "is not known");
    let revoke = |one: &mut Parts| {
        one.passkeys.push(entry(
            KEY,
            7,
            actor(BORIS),
            passkey::Event::Revoked { by: person(BORIS) },
        ));
    };
    both(revoke, "had been revoked");
    both(
        |one| one.passkeys = enrolled(KEY, BORIS, &Authenticator::new(1), vouched(BORIS)),
        "nobody vouched for it in a session of their own",
    );
    both(
        |one| {
            one.passkeys = enrolled(KEY, BORIS, &Authenticator::new(1), vouched(BORIS));
            one.passkeys[1].actor = actor(BORIS);
        },
        "its holder vouched for it themselves",
    );
    // Offered in his name by somebody else, it is as if it were not there.
    both(|one| one.passkeys[0].actor = actor(CORA), "is not known");
    both(|one| one.passkeys[1].at = minute(700), "after its offer had lapsed");
}

/// Boris has a second passkey, for which the first one answers.
fn second(one: &mut Parts, answered: Challenge) {
    let (first, second) = (Authenticator::new(1), Authenticator::new(2));
    let backing = Backing::Passkey { assertion: assertion(KEY, first.signed(answered)) };
    one.passkeys.extend(enrolled(901, BORIS, &second, backing));
    one.approval.assertion = Some(assertion(901, second.signed(challenge(7))));
}

#[test]
fn a_passkey_answers_for_another_of_the_same_holder() {
    both(|one| second(one, challenge(40)), "");
    both(|one| second(one, challenge(41)), "never counted");
    both(
        |one| {
            second(one, challenge(40));
            one.passkeys.remove(1);
        },
        "never counted",
    );
}

#[test]
fn one_signature_is_used_once() {
    // Withdrawn, and given again with the same bytes.
    let twice = |drafts: &mut Vec<Draft>| {
        signed(|_| {})(drafts);
        let again = find(drafts, "approval.recorded", 0).clone();
        let Event::Request(RequestEvent::ApprovalRecorded(given)) = &again.event else { return };
        let withdrawn =
            RequestEvent::ApprovalWithdrawn { approver: given.approver, digest: given.digest };
        let at = drafts.iter().position(|one| one.event == again.event).unwrap() + 1;
        let withdrawn = Draft { event: withdrawn.into(), ..again.clone() };
        drafts.splice(at..at, [withdrawn, again]);
    };
    trail_case(twice).refused("is signed with what was not open: used");
}

#[test]
fn the_passkeys_of_a_claim_are_whole_trails() {
    let story = || {
        let mut story = Story::founded(Way::People).intended();
        signed(|_| {})(&mut story.drafts);
        story
    };
    let story = story();
    let mut case = Case::of(&story.log(), &story);
    assert!(case.verify().is_ok());
    let whole = case.passkeys[0].clone();
    case.passkeys[0].entries.pop();
    case.refused("and elsewhere at entry");
    case.passkeys[0] = whole;
    let known: PasskeyId = case.passkeys[0].passkey;
    assert_eq!(known, id(KEY));
    case.passkeys.clear();
    case.refused("is not known");
}
