//! Evidence: whole bundles tell their story; anything left out, altered or foreign is refused.

use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::committed::{Committed, Disclosure};
use placet_domain::credential::{self, Kind};
use placet_domain::event::Event;
use placet_domain::grant::Event as GrantEvent;
use placet_domain::request::Event as RequestEvent;
use placet_ledger::evidence::{Bundle, Failed, LARGEST, Mark, Verdict, verify};
use placet_ledger::{LogKey, Proven, TrailHead, VerifierKey};
use serde_json::{Value, json};

use crate::log::{Draft, Log, ORIGIN, key};
use crate::story::{BORIS, FULFIL, Story, Way, minute, person, request, trail};

/// The sealed log of a story, and everything for its bundle.
struct Case {
    log: Log,
    entries: Vec<Proven>,
    related: Vec<Proven>,
    disclosures: Vec<Disclosure>,
}

impl Case {
    fn of(story: &Story) -> Self {
        let mut log = story.log();
        log.seal(&trail(), minute(300), FULFIL);
        let entries = log.trail(request());
        let related = (0..log.entries.len()).filter(|n| log.entries[*n].trail != trail());
        let related = related.map(|index| log.proven(index)).collect();
        Self { entries, related, disclosures: story.disclosures.clone(), log }
    }

    fn whole() -> Self {
        Self::of(&Story::founded(Way::People).ended())
    }

    fn json(&self) -> String {
        let (entries, related) = (self.entries.clone(), self.related.clone());
        let (checkpoint, disclosures) = (self.log.checkpoint(), self.disclosures.clone());
        let bundle = Bundle::new(checkpoint, request(), entries, related, disclosures);
        bundle.unwrap().to_json().unwrap()
    }

    fn verify(&self) -> Result<Verdict, Failed> {
        verify(&self.json(), &key().verifier())
    }
}

/// What the evidence of a story comes to.
pub fn verdict_on(story: &Story) -> Result<Verdict, Failed> {
    Case::of(story).verify()
}

fn incomplete(result: Result<Verdict, Failed>, why: &str) {
    match result {
        Err(Failed::Incomplete(refusal)) => {
            assert_eq!(refusal.code(), "evidence_incomplete");
            let found = refusal.sentence();
            assert!(found.contains(why), "`{found}` does not say `{why}`");
        }
        other => panic!("{other:?} where `{why}` was expected"),
    }
}

fn breach(result: Result<Verdict, Failed>, why: &str) {
    match result {
        Err(failed @ Failed::Breach(_)) => {
            let Failed::Breach(verdict) = &failed else { panic!() };
            assert!(verdict.breaches().any(|line| line.text.contains(why)), "{failed}");
            assert!(failed.to_string().contains("shows a breach"));
        }
        other => panic!("{other:?} where `{why}` was expected"),
    }
}

#[test]
fn a_whole_bundle_tells_who_agreed_to_what_and_when_it_was_gone() {
    let verdict = Case::whole().verify().unwrap();
    let story: Vec<String> = verdict.story.iter().map(ToString::to_string).collect();
    let told = [
        "08:10:00.000000Z  Ana Alves (`ana`) asked for `prod-db-admin` (all tables of `billing` on \
         `prod-db`) for themselves, for 4 h: \"fix the stuck invoices\"",
        "policy asked for the agreement of 1 `owner` and 1 `security`",
        "Boris Brandt (`boris`) agreed in stage `owner`, in session `crd_",
        "it was approved, on the word of Boris Brandt (`boris`) and Cora Conti (`cora`)",
        "was approved: `gid=2001` on `prod-db` for `ana`, for 4 h",
        "set out to create the access until 2026-11-22T12:40:00.000000Z",
        "the access was seen on the target",
        "its end was ordered: expired",
        "the access was seen to be gone from the target",
        "the trail was sealed with 13 entries",
        "OVERSTAYED: the access was seen to be gone 2 min after its end",
    ];
    for sentence in told {
        assert!(story.iter().any(|line| line.contains(sentence)), "{sentence}\n{story:#?}");
    }
    assert_eq!(verdict.complete_up_to, (24, minute(300)));
    assert_eq!(verdict.checkpoint.size, 25);
    assert!(verdict.checks.iter().any(|line| line.contains("asked for 4 h, approved for 4 h")));
    assert!(verdict.cannot_know.iter().any(|line| line.contains("coerced")));
    assert!(!verdict.cannot_know.iter().any(|line| line.contains("interactive")));
    assert_eq!(verdict.breaches().count(), 0);
}

#[test]
fn what_is_not_in_the_bundle_is_said_to_be_unknown() {
    let mut case = Case::whole();
    case.related.clear();
    case.disclosures.clear();
    let verdict = case.verify().unwrap();
    let id = person(BORIS).to_string();
    assert!(verdict.story.iter().any(|line| line.text.starts_with(&format!("`{id}` agreed"))));
    let unknown = |what: &str| verdict.cannot_know.iter().any(|line| line.contains(what));
    assert!(unknown("was an interactive session") && unknown(&id) && unknown("was founded"));
    let json = case.json();
    assert!(!json.contains("Brandt") && !json.contains("invoices"));
}

#[test]
fn no_entry_can_be_left_out_moved_or_doubled() {
    let whole = Case::whole();
    for at in 0..whole.entries.len() {
        let mut case = Case::whole();
        case.entries.remove(at);
        assert!(matches!(case.verify(), Err(Failed::Incomplete(_))), "without entry {at}");
        let mut case = Case::whole();
        case.entries.insert(at, whole.entries[at].clone());
        assert!(matches!(case.verify(), Err(Failed::Incomplete(_))), "twice entry {at}");
        for other in at + 1..whole.entries.len() {
            let mut case = Case::whole();
            case.entries.swap(at, other);
            assert!(matches!(case.verify(), Err(Failed::Incomplete(_))), "{at} and {other}");
        }
    }
    let mut case = Case::whole();
    case.entries.pop();
    incomplete(case.verify(), "does not end with a seal of all its entries");
    // The seal stays, and what it counted is cut away.
    let mut case = Case::whole();
    let before_seal = case.entries.len() - 2;
    case.entries.remove(before_seal);
    incomplete(case.verify(), "where 13 belongs");
    let mut case = Case::whole();
    case.entries.truncate(1);
    incomplete(case.verify(), "does not end with a seal of all its entries");
}

#[test]
fn no_byte_of_a_bundle_can_change_what_it_says() {
    let json = Case::whole().json();
    for at in (0..json.len()).step_by(11) {
        let mut bytes = json.clone().into_bytes();
        bytes[at] ^= 1 + (at % 7) as u8;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        assert!(verify(&text, &key().verifier()).is_err(), "byte {at}");
    }
}

#[test]
fn foreign_parts_and_other_keys_are_refused() {
    let other = LogKey::from_seed(ORIGIN, &[1; 32]).unwrap().verifier();
    incomplete(verify(&Case::whole().json(), &other), "did not sign it");
    let elsewhere: VerifierKey = LogKey::from_seed("other.test", &[42; 32]).unwrap().verifier();
    incomplete(verify(&Case::whole().json(), &elsewhere), "did not sign it");
    let mut case = Case::whole();
    case.disclosures.push(Committed::seal(&"x".to_owned(), "note", [3; 16]).unwrap().1);
    incomplete(case.verify(), "a disclosure opens nothing here");
    let mut case = Case::whole();
    case.related.push(case.entries[0].clone());
    incomplete(case.verify(), "belongs to the trail");
    let mut case = Case::whole();
    case.related.push(case.related[0].clone());
    incomplete(case.verify(), "twice");
    let mut case = Case::whole();
    case.related[0].body[20] ^= 1;
    incomplete(case.verify(), "is not in the signed tree");
}

#[test]
fn files_of_another_form_are_refused() {
    let change = |to: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&Case::whole().json()).unwrap();
        to(&mut value);
        verify(&value.to_string(), &key().verifier())
    };
    assert!(change(&|_| {}).is_ok());
    incomplete(change(&|v| v["format"] = json!("placet.evidence.v2")), "is not known here");
    incomplete(change(&|v| v["note"] = json!("x")), "unknown field");
    incomplete(change(&|v| v["entries"][0]["x"] = json!(1)), "unknown field");
    incomplete(change(&|v| v["origin"] = json!("other")), "names another log");
    incomplete(change(&|v| v["trail"] = json!("organisation")), "not of a request");
    incomplete(change(&|v| v["entries"][0]["proof"][0] = json!("AA")), "base64 of 32 bytes");
    incomplete(verify("", &key().verifier()), "cannot be read");
    incomplete(verify(&" ".repeat(LARGEST + 1), &key().verifier()), "64 MiB are the limit");
}

#[test]
fn an_earlier_seal_is_where_completeness_ends() {
    let story = Story::founded(Way::People).intended();
    let whole = Story::founded(Way::People).ended();
    let mut log = story.log();
    log.seal(&trail(), minute(60), FULFIL);
    whole.drafts[story.drafts.len()..].iter().for_each(|draft| log.append(draft.clone()));
    log.seal(&trail(), minute(300), FULFIL);
    let entries = log.trail(request());
    let (related, disclosures) = (Vec::new(), Vec::new());
    let mut case = Case { log, entries, related, disclosures };
    assert_eq!(case.verify().unwrap().complete_up_to.1, minute(300));
    case.entries.pop();
    incomplete(case.verify(), "does not end with a seal of all its entries");
    // Cut at the earlier seal it is still whole, up to there, and says so.
    case.entries.truncate(8);
    let verdict = case.verify().unwrap();
    assert_eq!(verdict.complete_up_to, (18, minute(60)));
    assert!(verdict.cannot_know.iter().any(|line| line.contains("after the seal")));
    // An entry came between counting and sealing: no harm within, but no end either.
    let mut log = story.log();
    let TrailHead { entries, digest } = log.end(&trail()).unwrap();
    let finished = whole.drafts[story.drafts.len()].clone();
    log.append(finished);
    let early = placet_domain::event::trail::Sealed { entries, head: digest };
    let event = Event::Trail(placet_domain::event::trail::Event::Sealed(early));
    let (at, actor) = (minute(60), FULFIL);
    log.append(Draft { at, actor, stream: trail(), trail: trail(), event });
    let case = |log: Log| {
        let entries = log.trail(request());
        Case { log, entries, related: Vec::new(), disclosures: Vec::new() }
    };
    incomplete(case(log.clone()).verify(), "does not end with a seal of all its entries");
    log.seal(&trail(), minute(61), FULFIL);
    assert_eq!(case(log).verify().unwrap().complete_up_to.1, minute(61));
    // A seal of another trail is refused, wherever it stands.
    let mut log = story.log();
    let sealed = placet_domain::event::trail::Sealed { entries: 3, head: Digest::of(b"x") };
    let event = Event::Trail(placet_domain::event::trail::Event::Sealed(sealed));
    let (at, actor) = (minute(60), FULFIL);
    log.append(Draft { at, actor, stream: trail(), trail: trail(), event });
    log.seal(&trail(), minute(300), FULFIL);
    let entries = log.trail(request());
    let case = Case { log, entries, related: Vec::new(), disclosures: Vec::new() };
    incomplete(case.verify(), "is of another trail");
}

fn tampered(tamper: impl FnOnce(&mut Vec<Draft>)) -> Result<Verdict, Failed> {
    let mut story = Story::founded(Way::People).ended();
    tamper(&mut story.drafts);
    Case::of(&story).verify()
}

fn find<'a>(drafts: &'a mut [Draft], name: &str) -> &'a mut Draft {
    drafts.iter_mut().find(|draft| draft.event.type_name() == name).unwrap()
}

fn position(drafts: &[Draft], name: &str) -> usize {
    drafts.iter().position(|draft| draft.event.type_name() == name).unwrap()
}

#[test]
fn a_broken_law_is_named_and_is_not_a_proof() {
    breach(
        tampered(|drafts| {
            let draft = find(drafts, "approval.recorded");
            draft.actor = Actor::Token { id: person(BORIS), token: crate::story::session(BORIS) };
        }),
        "was not made in a session of their own",
    );
    breach(
        tampered(|drafts| {
            let approval = position(drafts, "approval.recorded");
            drafts.remove(approval);
        }),
        "stage `owner` was not filled",
    );
    breach(
        tampered(|drafts| {
            let intent = position(drafts, "action.intended");
            let grant = position(drafts, "grant.approved");
            drafts[grant..=intent].reverse();
            let decision = position(drafts, "request.approved");
            let draft = drafts.remove(decision);
            drafts.push(draft);
            let grant = position(drafts, "grant.approved");
            let intent = drafts.remove(position(drafts, "action.intended"));
            drafts.insert(grant, intent);
        }),
        "the grant came before its approval",
    );
    breach(
        tampered(|drafts| match &mut find(drafts, "action.intended").event {
            Event::Grant(GrantEvent::Intended(intended)) => intended.until = minute(400),
            _ => unreachable!(),
        }),
        "the end of the access was moved",
    );
    breach(
        tampered(|drafts| {
            let seen = position(drafts, "grant.activated");
            let draft = drafts.remove(seen);
            let intent = position(drafts, "action.intended");
            drafts.insert(intent, draft);
        }),
        "called active before anything was done",
    );
    breach(
        tampered(|drafts| match &mut find(drafts, "grant.ended").event {
            Event::Grant(GrantEvent::Ended {
                gone: placet_domain::grant::Gone::SeenAbsent { sighting },
            }) => {
                sighting.completeness = placet_domain::observation::Completeness::Partial;
            }
            _ => unreachable!(),
        }),
        "called gone on a look that could not show it",
    );
}

#[test]
fn an_end_that_was_not_ordered_or_was_moved_is_a_breach() {
    let unordered = || {
        tampered(|drafts| {
            let ending = position(drafts, "grant.ending");
            drafts.remove(ending);
        })
    };
    breach(unordered(), "a removal was intended that nothing had ordered");
    let unseen = |drafts: &mut Vec<Draft>| {
        for name in ["grant.ending", "action.intended", "action.finished"] {
            let last = drafts.iter().rposition(|draft| draft.event.type_name() == name).unwrap();
            drafts.remove(last);
        }
    };
    breach(tampered(unseen), "the access ended without its end being ordered");
    let early = || {
        tampered(|drafts| {
            let ending = position(drafts, "grant.ending");
            let draft = drafts.remove(ending);
            let intent = position(drafts, "action.intended");
            drafts.insert(intent, draft);
        })
    };
    breach(early(), "the end was ordered of access that had not begun");
    breach(early(), "the access was begun again after it had been active or ordered to end");
    breach(
        tampered(|drafts| {
            let intents = drafts.iter_mut().filter(|d| d.event.type_name() == "action.intended");
            match &mut intents.last().unwrap().event {
                Event::Grant(GrantEvent::Intended(removal)) => removal.until = minute(500),
                _ => unreachable!(),
            }
        }),
        "a removal moved the end of the access",
    );
    breach(
        tampered(|drafts| {
            let reason = placet_domain::grant::Reason::HolderLeft;
            find(drafts, "grant.ending").event = Event::Grant(GrantEvent::Cancelled { reason });
        }),
        "a grant was cancelled that had begun, so its end was never seen",
    );
}

#[test]
fn related_entries_can_show_a_breach_too() {
    let session_of_boris = |change: &dyn Fn(&mut credential::Issued)| {
        tampered(|drafts| {
            for draft in drafts {
                if let Event::Credential(credential::Event::Issued(issued)) = &mut draft.event
                    && issued.holder == person(BORIS)
                {
                    change(issued);
                }
            }
        })
    };
    breach(session_of_boris(&|issued| issued.kind = Kind::Token), "not an interactive session");
    breach(session_of_boris(&|issued| issued.expires_at = minute(20)), "had run out");
    breach(session_of_boris(&|issued| issued.holder = person(9)), "belongs to somebody else");
    breach(
        tampered(|drafts| {
            let session = placet_domain::id::Stream::Credential(crate::story::session(BORIS));
            let issued = drafts.iter().position(|draft| draft.stream == session).unwrap();
            let draft = drafts.remove(issued);
            drafts.push(draft);
        }),
        "was issued only later",
    );
    breach(
        tampered(|drafts| {
            let ended = credential::Event::Ended { why: credential::Ended::LoggedOut };
            let session = placet_domain::id::Stream::Credential(crate::story::session(BORIS));
            let draft = Draft {
                at: minute(15),
                actor: crate::story::actor(BORIS),
                trail: session.clone(),
                stream: session,
                event: Event::Credential(ended),
            };
            let first = position(drafts, "request.submitted");
            drafts.insert(first, draft);
        }),
        "had ended",
    );
    breach(
        tampered(|drafts| {
            let stream = placet_domain::id::Stream::Identity(person(BORIS));
            let left = placet_domain::identity::Event::Deactivated {};
            let draft = Draft {
                at: minute(15),
                actor: Actor::Founding,
                trail: stream.clone(),
                stream,
                event: Event::Identity(left),
            };
            let first = position(drafts, "request.submitted");
            drafts.insert(first, draft);
        }),
        "decided after having left",
    );
    // The receiver is a workload of one of those who approved, and the exclusion was left out.
    breach(
        tampered(|drafts| {
            for draft in drafts {
                if let Event::Identity(placet_domain::identity::Event::Registered(identity)) =
                    &mut draft.event
                    && identity.id == person(crate::story::ANA)
                {
                    identity.is = placet_domain::identity::Nature::Workload {
                        kind: placet_domain::identity::Kind::Service,
                        owner: person(BORIS),
                        purpose: "deploys".to_owned(),
                    };
                }
            }
        }),
        "approved for a workload of their own",
    );
}

#[test]
fn denied_pre_approved_and_still_living_access_is_told_as_well() {
    let verdict = Case::of(&Story::founded(Way::PreApproved).ended()).verify().unwrap();
    let told = |verdict: &Verdict, what: &str| {
        assert!(verdict.story.iter().any(|line| line.text.contains(what)), "{what}");
    };
    told(&verdict, "policy found it pre-approved by `on-call`");
    told(&verdict, "on the pre-approved pattern `on-call`");
    let verdict = Case::of(&Story::founded(Way::People).asked()).verify().unwrap();
    assert!(verdict.story.iter().all(|line| line.mark == Mark::Plain));
    // Sealed after its end, and nobody has seen it gone.
    let verdict = Case::of(&Story::founded(Way::People).intended()).verify().unwrap();
    let last = verdict.story.last().unwrap();
    assert_eq!(last.mark, Mark::Overstayed);
    assert_eq!(last.text, "20 min after its end the access had not been seen to be gone");

    let mut story = Story::founded(Way::People).intended();
    let finding = placet_domain::finding::Opened {
        finding: crate::story::id(900),
        kind: placet_domain::finding::Kind::Stuck,
        target: crate::story::terms().target,
        entitlement: crate::story::entitlement().id,
        account: Some(story.account.0),
        request: Some(request()),
        grant: Some(crate::story::grant()),
        owner: person(BORIS),
        sighting: None,
        detail: "the target does not answer".to_owned(),
        due_at: None,
        baseline: false,
        scope: None,
    };
    let stream = placet_domain::id::Stream::Finding(finding.finding);
    let opened = Event::Finding(placet_domain::finding::Event::Opened(finding));
    story.write(50, FULFIL, stream, vec![opened]);
    let verdict = Case::of(&story).verify().unwrap();
    told(&verdict, "a finding was opened (stuck: the target does not answer); Boris Brandt");

    let mut story = Story::founded(Way::People).asked();
    let reason = Committed::seal(&"not now".to_owned(), "reason", [8; 16]).unwrap();
    story.disclosures.push(reason.1);
    let denied = RequestEvent::Denied(placet_domain::request::Denied {
        by: person(BORIS),
        reason: reason.0,
    });
    story.write(20, crate::story::actor(BORIS), trail(), vec![Event::Request(denied)]);
    let verdict = Case::of(&story).verify().unwrap();
    told(&verdict, "Boris Brandt (`boris`) denied it: \"not now\"");
}
