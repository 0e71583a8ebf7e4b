//! The laws over what lasts: acting for others, silence, narrowing, emergencies, reviews, starts.
//! Each case adds or changes something in a good trail, as whoever wrote it might have.

use std::collections::BTreeMap;

use placet_domain::actor::{Actor, Worker};
use placet_domain::committed::Committed;
use placet_domain::event::Event;
use placet_domain::grant::Event as GrantEvent;
use placet_domain::id::Stream;
use placet_domain::request::{
    ActingFor, Authority, Basis, Emergency, Escalated, Event as RequestEvent, Narrow, Overtaken,
    Owed, Reviewed, Submitted, Talked, Verdict,
};
use placet_domain::route::Route;
use placet_domain::ruling::Deciding;

use crate::assent::{approval, find, trail_case};
use crate::log::Draft;
use crate::story::{
    ANA, BORIS, CORA, DINA, actor, id, minute, person, request, ruling, session, stage,
};

fn committed(text: &str) -> Committed<String> {
    Committed::seal(&text.to_owned(), "text", [3; 16]).unwrap().0
}

/// Puts an event of the request before the first of a type.
fn before(drafts: &mut Vec<Draft>, name: &str, by: Actor, event: RequestEvent) {
    let at = drafts.iter().position(|draft| draft.event.type_name() == name).unwrap();
    let when = drafts[at].at;
    let (stream, trail) = (Stream::Request(request()), Stream::Request(request()));
    drafts.insert(at, Draft { at: when, actor: by, stream, trail, event: event.into() });
}

fn submitted(drafts: &mut [Draft]) -> &mut Submitted {
    match &mut find(drafts, "request.submitted", 0).event {
        Event::Request(RequestEvent::Submitted(submitted)) => submitted,
        _ => unreachable!(),
    }
}

fn acting(who: u128, by: Authority) -> impl FnOnce(&mut Vec<Draft>) {
    move |drafts| {
        approval(drafts, 0).1.acting_for = Some(ActingFor { identity: person(who), by });
    }
}

#[test]
fn whoever_acts_for_another_needs_a_mandate_and_counts_once_with_them() {
    let delegated = || Authority::Delegation { delegation: id(800) };
    trail_case(acting(ANA, delegated())).refused("on the right of someone who is not independent");
    trail_case(acting(BORIS, delegated())).refused("without a mandate");
    trail_case(acting(DINA, Authority::Escalation)).refused("without a mandate");
    trail_case(|drafts| {
        approval(drafts, 1).1.acting_for =
            Some(ActingFor { identity: person(BORIS), by: delegated() });
    })
    .refused("is the second on the right of the same person");
    // What nothing in the trail forbids, only the delegation's own entry can: evidence looks at it.
    let case = trail_case(acting(DINA, delegated()));
    assert!(case.verify().is_ok());
}

#[test]
fn silence_is_recorded_by_a_worker_in_its_time_and_leads_to_nobody_excluded() {
    let worker = Actor::Worker { name: Worker::Escalate };
    let step = |to: u128| {
        let to = BTreeMap::from([(person(to), person(BORIS))]);
        RequestEvent::Escalated(Escalated { stage: stage("owner"), to, escalates_at: None })
    };
    let case = |by: Actor, to: u128, due: bool| {
        trail_case(move |drafts| {
            if due
                && let Event::Request(RequestEvent::Routed(routed)) =
                    &mut find(drafts, "request.routed", 0).event
            {
                routed.escalates_at = Some(minute(0));
            }
            before(drafts, "approval.recorded", by, step(to));
        })
    };
    assert!(case(worker, DINA, true).verify().is_ok());
    case(worker, DINA, false).refused("it was escalated before its time");
    case(worker, ANA, true).refused("escalated to someone who is not independent");
    case(actor(CORA), DINA, true).refused("it was escalated by somebody, not by silence");
}

#[test]
fn only_less_is_narrowed_and_only_by_the_independent() {
    let narrowed = |by: u128, change: fn(&mut Submitted)| {
        trail_case(move |drafts| {
            let mut narrow = submitted(drafts).clone();
            narrow.revision.number += 1;
            change(&mut narrow);
            narrow.digest = narrow.revision.digest().unwrap();
            let event = RequestEvent::Narrowed(Narrow { submitted: narrow, by: person(by) });
            before(drafts, "approval.recorded", actor(by), event);
        })
    };
    let shorter: fn(&mut Submitted) =
        |one| one.revision.length = placet_domain::length::Length::from_seconds(60).unwrap();
    // It stands, and so the approvals of what was wider do not.
    narrowed(DINA, shorter).refused("is for another digest than that of the request");
    narrowed(DINA, |_| {}).refused("changed it to more, or to something else");
    narrowed(DINA, |one| one.revision.length = placet_domain::length::Length::LONGEST)
        .refused("changed it to more");
    narrowed(ANA, shorter).refused("narrowed by someone who is not independent");
}

#[test]
fn what_is_said_is_said_by_oneself() {
    let asked = |by: Actor| {
        trail_case(move |drafts| {
            let text = committed("which table?");
            let event = RequestEvent::QuestionAsked(Talked { number: 1, by: person(CORA), text });
            before(drafts, "approval.recorded", by, event);
        })
    };
    assert!(asked(actor(CORA)).verify().is_ok());
    asked(actor(DINA)).refused("was recorded by another");
    trail_case(|drafts| {
        let overtaken = Overtaken { event: "ticket:OPS-7".parse().unwrap(), by: person(ANA) };
        before(drafts, "approval.recorded", actor(ANA), RequestEvent::Overtaken(overtaken));
    })
    .refused("overtaken by an event that it does not name");
}

/// Makes an emergency of the whole trail: nobody is asked, and a review is owed.
fn emergency(drafts: &mut Vec<Draft>) {
    let submitted = submitted(drafts);
    let incident = committed("INC-7");
    submitted.revision.emergency = Some(Emergency { incident, verified: false });
    submitted.digest = submitted.revision.digest().unwrap();
    let digest = submitted.digest;
    drafts.retain(|draft| draft.event.type_name() != "approval.recorded");
    let because = vec![Deciding { policy: "break.fulfil".to_owned(), why: "why".to_owned() }];
    let mut policies = Vec::new();
    for draft in drafts.iter_mut() {
        match &mut draft.event {
            Event::Request(RequestEvent::Routed(routed)) => {
                routed.route = Route::BreakGlass { because: because.clone(), warnings: Vec::new() };
                policies = routed.ruling.policies.clone();
            }
            Event::Request(RequestEvent::Approved(approved)) => {
                approved.digest = digest;
                approved.basis = Basis::BreakGlass { policies: policies.clone() };
            }
            Event::Grant(GrantEvent::Approved(approved)) => approved.digest = digest,
            _ => {}
        }
    }
    let owed = RequestEvent::ReviewOwed(Owed { due_at: minute(4_000) });
    before(drafts, "grant.approved", actor(ANA), owed);
}

#[test]
fn an_emergency_is_no_assent_without_the_review_that_it_owes() {
    let case = |tamper: fn(&mut Vec<Draft>)| {
        let mut case = trail_case(|drafts| {
            emergency(drafts);
            tamper(drafts);
        });
        case.without_approvals();
        case
    };
    assert!(case(|_| {}).verify().is_ok());
    case(|drafts| drafts.retain(|draft| draft.event.type_name() != "review.owed"))
        .refused("an emergency was granted, and no review is owed for it");
    case(|drafts| {
        let owed = RequestEvent::ReviewOwed(Owed { due_at: minute(1) });
        before(drafts, "grant.approved", actor(ANA), owed);
    })
    .refused("owed for what was no emergency, or twice");
    case(|drafts| {
        let submitted = submitted(drafts);
        submitted.revision.emergency = None;
        submitted.digest = submitted.revision.digest().unwrap();
    })
    .refused("the decision is for another digest");
    let reviewed = |by: u128| {
        RequestEvent::ReviewRecorded(Reviewed {
            by: person(by),
            session: session(by),
            verdict: Verdict::Justified,
            note: committed("I read the incident"),
            ruling: ruling(true, "review.security").cite(),
        })
    };
    let after = move |by: u128, who: Actor| {
        let mut case = trail_case(move |drafts| {
            emergency(drafts);
            before(drafts, "action.intended", who, reviewed(by));
        });
        case.without_approvals();
        case
    };
    assert!(after(CORA, actor(CORA)).verify().is_ok());
    after(ANA, actor(ANA)).refused("the review is by someone who is not independent");
    after(CORA, actor(DINA)).refused("was recorded by another");
    trail_case(move |drafts| before(drafts, "action.intended", actor(CORA), reviewed(CORA)))
        .refused("a review was recorded that was not owed");
}

#[test]
fn nothing_begins_before_its_start() {
    let starting = |seconds: u64| {
        trail_case(move |drafts| {
            let at = find(drafts, "action.intended", 0).at.plus_seconds(seconds);
            let submitted = submitted(drafts);
            submitted.revision.starts_at = Some(at);
            submitted.digest = submitted.revision.digest().unwrap();
            let digest = submitted.digest;
            for draft in drafts.iter_mut() {
                match &mut draft.event {
                    Event::Request(RequestEvent::ApprovalRecorded(one)) => one.digest = digest,
                    Event::Request(RequestEvent::Approved(one)) => one.digest = digest,
                    Event::Grant(GrantEvent::Approved(one)) => {
                        one.digest = digest;
                        one.starts_at = Some(at);
                    }
                    _ => {}
                }
            }
        })
    };
    assert!(starting(0).verify().is_ok());
    starting(1).refused("the access was begun before its start");
    trail_case(|drafts| {
        if let Event::Grant(GrantEvent::Approved(one)) =
            &mut find(drafts, "grant.approved", 0).event
        {
            one.starts_at = Some(minute(0));
        }
    })
    .refused("the grant begins at another time");
}
