//! What keeps a request going, case by case: starts and ends, narrowing, talking, acting for others,
//! silence, emergencies and their reviews.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Refusal;
use placet_domain::actor::{Actor, Worker};
use placet_domain::committed::Committed;
use placet_domain::delegation::{Delegation, Made};
use placet_domain::entitlement::Privilege;
use placet_domain::request::{
    Acting, Authority, Basis, Command, Emergency, Event, Judging, MOST_QUESTIONS, Overtaken,
    REVIEW_SECONDS, Request, USE_BY_SECONDS, Verdict, decide,
};
use placet_domain::route::{Candidates, Route};
use placet_domain::ruling::Deciding;

use crate::build::{
    GRANT, Says, Seen, approved, at, by_people, candidates, gone, id, length, outcome, person,
    pre_approved, ruling, session, solved, text, token, workload,
};
use crate::request::{Ask, Nod, fold};

fn emergency(ask: &mut Ask) {
    let incident = Committed::seal(&"INC-7".to_owned(), "incident", [5; 16]).unwrap().0;
    ask.revision.emergency = Some(Emergency { incident, verified: false });
}

fn glass() -> Route {
    let because = vec![Deciding { policy: "break.fulfil".to_owned(), why: "why".to_owned() }];
    Route::BreakGlass { because, warnings: Vec::new() }
}

#[test]
fn starts_ends_and_emergencies_are_asked_for_or_refused_in_words() {
    let mut seen = Seen::default();
    let asked = "request.submitted, request.routed";
    let mut check = |case: &str, change: fn(&mut Ask), expect: &str| {
        seen.check(case, Ask::of(change).submit(), expect);
    };
    let week = USE_BY_SECONDS as i64;
    check("from tomorrow", |ask| ask.revision.starts_at = Some(at(86_400)), asked);
    check("in a week", |ask| ask.revision.starts_at = Some(at(USE_BY_SECONDS as i64)), asked);
    check("backdated", |ask| ask.revision.starts_at = Some(at(-1)), "no: start_out_of_range");
    assert!(week > 0);
    check(
        "after the approvals have lapsed",
        |ask| ask.revision.starts_at = Some(at(USE_BY_SECONDS as i64 + 1)),
        "no: start_out_of_range",
    );
    check(
        "a later revision keeps a start that has passed",
        |ask| {
            ask.revision.number = 2;
            ask.revision.starts_at = Some(at(-1));
        },
        asked,
    );
    check(
        "nine ending events",
        |ask| {
            let event = |n: u32| format!("ticket:{n}").parse().unwrap();
            ask.revision.ends_on = (0..9).map(event).collect();
        },
        "no: too_many_ending_events",
    );
    check(
        "of a grant that is not there",
        |ask| ask.revision.extends = Some(id(GRANT)),
        "no: not_extendable",
    );
    check(
        "an emergency that policy lets through",
        |ask| {
            emergency(ask);
            ask.solved = solved(glass());
        },
        "request.submitted, request.routed, request.approved, review.owed",
    );
    check("an emergency that needs a second person", emergency, asked);
    check("glass without an emergency", |ask| ask.solved = solved(glass()), "no: unassented_route");
    check(
        "power over Placet in an emergency",
        |ask| {
            emergency(ask);
            ask.entitlement.power_over_placet = true;
            ask.solved = solved(glass());
        },
        "no: power_pre_approved",
    );
    let open = Ask::lawful().request();
    seen.check(
        "a revision cannot make it an emergency",
        Ask::of(emergency).revise(&open),
        "no: unreadable",
    );
}

#[test]
fn an_extension_goes_on_from_a_living_grant_of_the_same_access() {
    use placet_domain::grant::{self, Event as E, Reason};
    let of = |receiver: u128| {
        let mut fact = approved(length(3_600));
        fact.receiver = id(receiver);
        grant::apply(None, &E::Approved(fact), at(0)).unwrap()
    };
    let check = |grant: Option<&grant::Grant>, expect: &str| {
        let ask = Ask::of(|ask| ask.revision.extends = Some(id(GRANT)));
        let intake = placet_domain::request::Intake { extends: grant, ..ask.intake() };
        assert_eq!(outcome(decide(None, Command::Submit(intake), at(0))), expect);
    };
    let mut living = of(11);
    check(Some(&living), "request.submitted, request.routed");
    check(Some(&of(1)), "no: not_extendable");
    check(None, "no: not_extendable");
    living.state = grant::State::Active;
    let ending = E::Ending { reason: Reason::Expired };
    let ending = grant::apply(Some(living), &ending, at(9)).unwrap();
    check(Some(&ending), "no: not_extendable");
}

#[test]
fn an_approver_can_ask_for_less_and_never_for_more() {
    let request = Nod::lawful().after();
    assert_eq!(request.approvals.len(), 1);
    let narrow = |who: u128, says: Says, change: fn(&mut Ask)| {
        let ask = Ask::of(|ask| {
            ask.revision.number = 2;
            change(ask);
        });
        let eligible = [("owner".parse().unwrap(), ruling(says))];
        let narrower = if who == 11 { workload(11, 4) } else { person(who) };
        let command = Command::Narrow {
            actor: session(who),
            narrower: &narrower,
            digest: request.digest,
            eligible: &eligible,
            intake: ask.intake(),
        };
        decide(Some(&request), command, at(10))
    };
    let shorter: fn(&mut Ask) = |ask| ask.revision.length = length(3_600);
    let mut seen = Seen::default();
    seen.check("shorter", narrow(2, Says::Yes, shorter), "request.narrowed, request.routed");
    let narrowed = fold(Some(request.clone()), &narrow(2, Says::Yes, shorter).unwrap(), at(10));
    assert_ne!(narrowed.digest, request.digest);
    assert!(narrowed.approvals.is_empty(), "nobody has agreed to the new digest");
    assert_eq!(narrowed.revision.length, length(3_600));
    seen.check(
        "less privilege",
        narrow(2, Says::Yes, |ask| {
            ask.revision.entitlement = id(0x101);
            ask.revision.terms.privilege = Privilege::Read;
        }),
        "request.narrowed, request.routed",
    );
    let mut wider = |case: &str, change: fn(&mut Ask)| {
        seen.check(case, narrow(2, Says::Yes, change), "no: not_narrower");
    };
    wider("as it is", |_| {});
    wider("longer", |ask| ask.revision.length = length(5 * 3_600));
    wider("for another", |ask| {
        ask.revision.length = length(60);
        ask.revision.receiver = id(12);
    });
    wider("by another", |ask| {
        ask.revision.length = length(60);
        ask.revision.requester = id(12);
    });
    wider("on another target", |ask| {
        ask.revision.length = length(60);
        ask.revision.terms.target = id(0x201);
    });
    wider("more sensitive", |ask| {
        ask.revision.terms.privilege = Privilege::Read;
        ask.revision.terms.sensitivity += 1;
    });
    wider("elsewhere", |ask| {
        ask.revision.terms.privilege = Privilege::Read;
        ask.revision.terms.environment = placet_domain::entitlement::Environment::Dev;
    });
    wider("without what ends it", |ask| {
        ask.revision.length = length(60);
        ask.revision.ends_on = BTreeSet::from(["ticket:1".parse().unwrap()]);
    });
    seen.check("not eligible", narrow(2, Says::No, shorter), "no: not_eligible");
    seen.check("by the asker", narrow(1, Says::Yes, shorter), "no: self_approval");
    seen.check("by the receiver's owner", narrow(4, Says::Yes, shorter), "no: owns_receiver");
    seen.check("by a workload", narrow(11, Says::Yes, shorter), "no: only_people_decide");
    seen.covers("request/narrow.rs");
}

#[test]
fn those_who_may_decide_ask_and_those_who_want_it_answer() {
    let mut seen = Seen::default();
    let request = Ask::lawful().request();
    let ask = |request: &Request, who: u128, actor: Actor, says: Says| {
        let eligible = [("owner".parse().unwrap(), ruling(says))];
        let asker = person(who);
        let command = Command::AskQuestion {
            actor,
            asker: &asker,
            text: text("which table?"),
            eligible: &eligible,
        };
        decide(Some(request), command, at(10))
    };
    let reply = |request: &Request, who: u128, number: u32| {
        let (by, receiver) = (id(who), workload(11, 4));
        let text = text("orders");
        let command = Command::AnswerQuestion { by, receiver: &receiver, number, text };
        decide(Some(request), command, at(20))
    };
    seen.check("asked", ask(&request, 2, session(2), Says::Yes), "question.asked");
    seen.check("no right", ask(&request, 2, session(2), Says::No), "no: not_eligible");
    seen.check("a token", ask(&request, 2, token(2), Says::Yes), "no: needs_session");
    seen.check("unasked", reply(&request, 1, 1), "no: unknown_question");
    let asked = ask(&request, 2, session(2), Says::Yes).unwrap();
    let mut open = fold(Some(request), &asked, at(10));
    seen.check("by the asker", reply(&open, 1, 1), "question.answered");
    seen.check("by the owner", reply(&open, 4, 1), "question.answered");
    seen.check("by somebody", reply(&open, 3, 1), "no: not_yours");
    let answered = fold(Some(open.clone()), &reply(&open, 1, 1).unwrap(), at(20));
    assert_eq!(answered.questions[0].answered_at, Some(at(20)));
    seen.check("twice", reply(&answered, 1, 1), "no: answered_already");
    for _ in 1..MOST_QUESTIONS {
        open = fold(Some(open.clone()), &ask(&open, 2, session(2), Says::Yes).unwrap(), at(10));
    }
    seen.check("too many", ask(&open, 2, session(2), Says::Yes), "no: too_many_questions");
    seen.covers("request/talk.rs");
}

/// A delegation from one to another, in force from 0 to 100.
fn delegation(from: u128, to: u128) -> Delegation {
    let made = Made {
        delegation: id(0x800),
        from: id(from),
        to: id(to),
        starts_at: at(0),
        ends_at: at(100),
    };
    Delegation { made, made_at: at(0), ended_at: None }
}

/// Somebody without a right of their own agrees on the right of another.
fn act(request: Request, who: u128, of: u128, given: Option<Delegation>, now: i64) -> String {
    let mut nod = Nod::by(who, request);
    nod.eligible = vec![("owner".parse().unwrap(), ruling(Says::No))];
    nod.ask.now = at(now);
    let acting = Acting {
        identity: id(of),
        stage: "owner".parse().unwrap(),
        ruling: ruling(Says::Yes),
        delegation: given,
    };
    outcome(nod.give_acting(&[acting]))
}

#[test]
fn a_delegate_acts_on_the_right_of_another_and_counts_once_with_them() {
    let open = || Ask::lawful().request();
    let check = |case: &str, got: String, expect: &str| assert_eq!(got, expect, "{case}");
    check("in force", act(open(), 7, 2, Some(delegation(2, 7)), 10), "approval.recorded");
    check("not begun", act(open(), 7, 2, Some(delegation(2, 7)), -1), "no: not_eligible");
    check("over", act(open(), 7, 2, Some(delegation(2, 7)), 100), "no: not_eligible");
    check("to another", act(open(), 7, 2, Some(delegation(2, 8)), 10), "no: not_eligible");
    check("from another", act(open(), 7, 2, Some(delegation(3, 7)), 10), "no: not_eligible");
    check("nobody asked them", act(open(), 7, 2, None, 10), "no: not_eligible");
    // A delegate who is the requester, and a requester who has somebody agree for them.
    check("the requester", act(open(), 1, 2, Some(delegation(2, 1)), 10), "no: self_approval");
    check("for the requester", act(open(), 7, 1, Some(delegation(1, 7)), 10), "no: not_eligible");
    check("for the owner", act(open(), 7, 4, Some(delegation(4, 7)), 10), "no: not_eligible");
    check("the owner", act(open(), 4, 2, Some(delegation(2, 4)), 10), "no: owns_receiver");
    // The two count once, whoever comes first.
    let agreed = Nod::lawful().after();
    check("after them", act(agreed, 7, 2, Some(delegation(2, 7)), 10), "no: not_eligible");
    let mut nod = Nod::by(7, open());
    nod.eligible.clear();
    let acting = Acting {
        identity: id(2),
        stage: "owner".parse().unwrap(),
        ruling: ruling(Says::Yes),
        delegation: Some(delegation(2, 7)),
    };
    let events = nod.give_acting(&[acting]).unwrap();
    let Event::ApprovalRecorded(approval) = &events[0] else { panic!("{events:?}") };
    let acting_for = approval.acting_for.as_ref().unwrap();
    assert_eq!((approval.approver, acting_for.identity), (id(7), id(2)));
    assert_eq!(acting_for.by, Authority::Delegation { delegation: id(0x800) });
    let after = fold(Some(nod.request.clone()), &events, at(0));
    assert_eq!(after.spent(), BTreeSet::from([id(2), id(7)]));
    assert_eq!(after.counters().get(&"owner".parse().unwrap()), Some(&1));
    assert_eq!(outcome(Nod::by(2, after).give()), "no: already_approved");
}

/// A request that has been silent since 0 and escalates at 50.
fn silent() -> Request {
    let mut request = Ask::lawful().request();
    request.escalates_at = Some(at(50));
    request
}

fn escalate(
    request: &Request,
    waiting: &Candidates,
    above: &[(u128, u128)],
    now: i64,
) -> Result<Vec<Event>, Refusal> {
    let above: BTreeMap<_, _> = above.iter().map(|(of, up)| (id(*of), id(*up))).collect();
    let excluded = BTreeSet::from([id(1), id(4), id(11)]);
    let command =
        Command::Escalate { waiting, above: &above, excluded: &excluded, next: Some(at(90)) };
    decide(Some(request), command, at(now))
}

fn raised(events: &[Event]) -> Vec<(String, Vec<(u128, u128)>)> {
    let known: BTreeMap<placet_domain::id::IdentityId, u128> =
        (0..32u128).map(|n| (id(n), n)).collect();
    let one = |event: &Event| match event {
        Event::Escalated(step) => {
            let to = step.to.iter().map(|(to, silent)| (known[to], known[silent])).collect();
            (step.stage.to_string(), to)
        }
        other => panic!("{other:?}"),
    };
    events.iter().map(one).collect()
}

#[test]
fn silence_is_put_before_those_above_and_never_before_the_excluded() {
    let waiting = candidates(&[("owner", &[2]), ("security", &[3])]);
    let early = escalate(&silent(), &waiting, &[(2, 8)], 49);
    assert_eq!(outcome(early), "no: wrong_step");
    let step = escalate(&silent(), &waiting, &[(2, 8), (3, 4)], 50).unwrap();
    // 4 owns the receiver: nobody is asked there.
    assert_eq!(raised(&step), [("owner".into(), vec![(8, 2)]), ("security".into(), vec![])]);
    let first = fold(Some(silent()), &step, at(50));
    assert_eq!(outcome(escalate(&first, &waiting, &[(2, 8)], 51)), "no: wrong_step");
    // Whoever it was put before agrees in the place of the silent one, and only in that stage.
    assert_eq!(act(first.clone(), 8, 2, None, 60), "approval.recorded");
    assert_eq!(act(first.clone(), 9, 2, None, 60), "no: not_eligible");
    assert_eq!(act(first.clone(), 8, 3, None, 60), "no: not_eligible");

    // The next step goes above those, still in the place of the first.
    let owners = candidates(&[("owner", &[2, 8])]);
    let mut again = first.clone();
    again.escalates_at = Some(at(90));
    let step = escalate(&again, &owners, &[(2, 8), (8, 9)], 90).unwrap();
    assert_eq!(raised(&step), [("owner".to_owned(), vec![(9, 2)])]);
    let second = fold(Some(again), &step, at(90));
    assert_eq!(act(second, 9, 2, None, 95), "approval.recorded");

    // Whose word was given is not silent.
    let mut agreed = Nod::lawful().after();
    agreed.escalates_at = Some(at(50));
    let step = escalate(&agreed, &waiting, &[(2, 8), (3, 8)], 50).unwrap();
    assert_eq!(raised(&step), [("security".to_owned(), vec![(8, 3)])]);
}

#[test]
fn what_is_over_elsewhere_needs_no_decision() {
    let request = Ask::of(|ask| {
        ask.revision.ends_on = BTreeSet::from(["ticket:OPS-7".parse().unwrap()]);
    })
    .request();
    let over = |request: &Request, event: &str| {
        let overtaken = Overtaken { event: event.parse().unwrap(), by: id(1) };
        decide(Some(request), Command::Overtake(overtaken), at(10))
    };
    assert_eq!(outcome(over(&request, "ticket:OPS-8")), "no: not_yours");
    let events = over(&request, "ticket:OPS-7").unwrap();
    let after = fold(Some(request), &events, at(10));
    assert_eq!(after.state.as_str(), "lapsed");
    assert_eq!(outcome(over(&after, "ticket:OPS-7")), "no: request_closed");
    assert_eq!(outcome(Nod::by(2, after).give()), "no: request_closed");
}

fn review(request: &Request, who: u128, actor: Actor, says: Says) -> Result<Vec<Event>, Refusal> {
    let reviewer = if who == 6 { gone(person(6)) } else { person(who) };
    let judging = Judging {
        actor,
        reviewer: &reviewer,
        verdict: Verdict::Justified,
        note: text("I read the incident"),
        excluded: &BTreeSet::from([id(1), id(4), id(11)]),
        may_review: &ruling(says),
    };
    decide(Some(request), Command::Review(judging), at(100))
}

#[test]
fn an_emergency_owes_a_review_by_somebody_who_had_no_part_in_it() {
    let mut seen = Seen::default();
    let broken = Ask::of(|ask| {
        emergency(ask);
        ask.solved = solved(glass());
    })
    .request();
    let owed = broken.review.clone().unwrap();
    assert_eq!(owed.due_at, at(REVIEW_SECONDS as i64));
    let due = REVIEW_SECONDS as i64;
    assert!(!owed.is_overdue_at(at(due - 1)) && owed.is_overdue_at(at(due)));
    seen.check("reviewed", review(&broken, 3, session(3), Says::Yes), "review.recorded");
    seen.check("by the asker", review(&broken, 1, session(1), Says::Yes), "no: self_approval");
    seen.check("by the owner", review(&broken, 4, session(4), Says::Yes), "no: owns_receiver");
    seen.check("by a token", review(&broken, 3, token(3), Says::Yes), "no: needs_session");
    let worker = Actor::Worker { name: Worker::Expire };
    seen.check("by a worker", review(&broken, 3, worker, Says::Yes), "no: needs_session");
    seen.check("one who left", review(&broken, 6, session(6), Says::Yes), "no: inactive_identity");
    seen.check("no right", review(&broken, 3, session(3), Says::No), "no: not_permitted");
    let plain = Ask::of(|ask| ask.solved = solved(pre_approved())).request();
    seen.check("no emergency", review(&plain, 3, session(3), Says::Yes), "no: no_review");
    let events = review(&broken, 3, session(3), Says::Yes).unwrap();
    let reviewed = fold(Some(broken), &events, at(100));
    assert!(!reviewed.review.clone().unwrap().is_overdue_at(at(due)));
    seen.check("twice", review(&reviewed, 7, session(7), Says::Yes), "no: reviewed_already");

    // The second person of an emergency had a part in it.
    let mut nod = Nod::by(3, Ask::of(emergency).request());
    nod.ask = Ask::of(emergency);
    nod.ask.solved = solved(by_people(&[("owner", 1)]));
    let events = nod.give().unwrap();
    let done = fold(Some(nod.request.clone()), &events, at(0));
    assert_eq!(
        outcome(Ok(events)),
        "request.routed, approval.recorded, request.approved, review.owed"
    );
    seen.check(
        "by the second",
        review(&done, 3, session(3), Says::Yes),
        "no: reviews_own_approval",
    );
    seen.covers("request/review.rs");
}

#[test]
fn an_emergency_rests_on_the_policies_that_let_the_glass_be_broken() {
    let ask = Ask::of(|ask| {
        emergency(ask);
        ask.solved = solved(glass());
    });
    let events = ask.submit().unwrap();
    let basis = events.iter().find_map(|event| match event {
        Event::Approved(approved) => Some(approved.basis.clone()),
        _ => None,
    });
    let policies = ask.solved.ruling.cite().policies;
    assert_eq!(basis, Some(Basis::BreakGlass { policies }));
}
