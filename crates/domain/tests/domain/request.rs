//! What a request can be told, case by case: every refusal of the machine, and every way through.

use std::collections::BTreeSet;

use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{IdentityId, RequestId};
use placet_domain::identity::Identity;
use placet_domain::name::StageName;
use placet_domain::passkey::Asserted;
use placet_domain::request::{
    Acting, Approve, Command, Event, Intake, OPEN_SECONDS, Request, Revision, State, apply, decide,
};
use placet_domain::route::{Candidates, Route, Solved};
use placet_domain::ruling::Ruling;
use placet_domain::{Refusal, Timestamp};

use crate::build::{
    Says, Seen, at, by_people, candidates, entitlement, external, gone, id, length, person,
    pre_approved, revision, ruling, session, solved, stage, token, workload,
};

/// An ask and everything that it is judged by; as it stands, it is a lawful one.
#[derive(Clone)]
pub struct Ask {
    pub revision: Revision,
    pub requester: Identity,
    pub receiver: Identity,
    pub entitlement: Entitlement,
    pub excluded: BTreeSet<IdentityId>,
    pub already_open: Option<RequestId>,
    pub may_ask: Ruling,
    pub solved: Solved,
    pub candidates: Candidates,
    pub now: Timestamp,
}

impl Ask {
    pub fn lawful() -> Self {
        Self {
            revision: revision(1, 11),
            requester: person(1),
            receiver: workload(11, 4),
            entitlement: entitlement(),
            excluded: BTreeSet::from([id(1), id(4), id(11)]),
            already_open: None,
            may_ask: ruling(Says::Yes),
            solved: solved(by_people(&[("owner", 1), ("security", 1)])),
            candidates: candidates(&[("owner", &[2, 3, 4]), ("security", &[3, 4])]),
            now: at(0),
        }
    }

    pub fn of(change: impl FnOnce(&mut Self)) -> Self {
        let mut ask = Self::lawful();
        change(&mut ask);
        ask
    }

    pub fn intake(&self) -> Intake<'_> {
        Intake {
            revision: self.revision.clone(),
            requester: &self.requester,
            receiver: &self.receiver,
            entitlement: &self.entitlement,
            excluded: self.excluded.clone(),
            already_open: self.already_open,
            extends: None,
            escalates_at: None,
            may_ask: &self.may_ask,
            solved: &self.solved,
            candidates: &self.candidates,
        }
    }

    pub fn submit(&self) -> Result<Vec<Event>, Refusal> {
        decide(None, Command::Submit(self.intake()), self.now)
    }

    pub fn revise(&self, request: &Request) -> Result<Vec<Event>, Refusal> {
        decide(Some(request), Command::Revise(self.intake()), self.now)
    }

    pub fn request(&self) -> Request {
        fold(None, &self.submit().unwrap(), self.now)
    }
}

pub fn fold(state: Option<Request>, events: &[Event], at: Timestamp) -> Request {
    events.iter().fold(state, |state, event| apply(state, event, at)).unwrap()
}

/// An approval and everything that it is judged by; as it stands, it is a lawful one.
pub struct Nod {
    pub request: Request,
    pub actor: Actor,
    pub approver: Identity,
    pub digest: Digest,
    pub stage: Option<StageName>,
    pub ask: Ask,
    pub eligible: Vec<(StageName, Ruling)>,
}

impl Nod {
    pub fn by(who: u128, request: Request) -> Self {
        let eligible = ["owner", "security"]
            .map(|stage| (stage.parse().unwrap(), ruling(Says::Yes)))
            .into_iter()
            .collect();
        let digest = request.digest;
        let (actor, approver) = (session(who), person(who));
        Self { request, actor, approver, digest, stage: None, ask: Ask::lawful(), eligible }
    }

    pub fn lawful() -> Self {
        Self::by(2, Ask::lawful().request())
    }

    pub fn of(change: impl FnOnce(&mut Self)) -> Self {
        let mut nod = Self::lawful();
        change(&mut nod);
        nod
    }

    pub fn give(&self) -> Result<Vec<Event>, Refusal> {
        self.give_acting(&[])
    }

    pub fn give_acting(&self, acting: &[Acting]) -> Result<Vec<Event>, Refusal> {
        self.give_so(acting, None, self.ask.now)
    }

    pub fn give_signed(
        &self,
        asserted: &Asserted<'_>,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        self.give_so(&[], Some(asserted), now)
    }

    fn give_so(
        &self,
        acting: &[Acting],
        asserted: Option<&Asserted<'_>>,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        let approve = Approve {
            actor: self.actor,
            approver: &self.approver,
            digest: self.digest,
            stage: self.stage.clone(),
            receiver: &self.ask.receiver,
            entitlement: &self.ask.entitlement,
            excluded: &self.ask.excluded,
            solved: &self.ask.solved,
            candidates: &self.ask.candidates,
            eligible: &self.eligible,
            acting,
            asserted,
            escalates_at: None,
        };
        decide(Some(&self.request), Command::Approve(approve), now)
    }

    pub fn after(&self) -> Request {
        fold(Some(self.request.clone()), &self.give().unwrap(), self.ask.now)
    }
}

fn deny(
    request: Option<&Request>,
    who: Identity,
    actor: Actor,
    says: Says,
) -> Result<Vec<Event>, Refusal> {
    let digest = request.map_or(Digest::of(b""), |one| one.digest);
    let reason = Committed::seal(&"not now".to_owned(), "reason", [6; 16]).unwrap().0;
    let eligible = [("owner".parse().unwrap(), ruling(says))];
    let command = Command::Deny { actor, decider: &who, digest, reason, eligible: &eligible };
    decide(request, command, at(10))
}

#[test]
fn every_ask_is_accepted_or_refused_in_words() {
    let mut seen = Seen::default();
    let mut check = |case: &str, change: fn(&mut Ask), expect: &str| {
        seen.check(case, Ask::of(change).submit(), expect);
    };
    check("as it stands", |_| {}, "request.submitted, request.routed");
    check(
        "pre-approved",
        |ask| ask.solved = solved(pre_approved()),
        "request.submitted, request.routed, request.approved",
    );
    check("the requester left", |ask| ask.requester = gone(person(1)), "no: inactive_identity");
    check("the receiver left", |ask| ask.receiver = gone(workload(11, 4)), "no: inactive_identity");
    check(
        "the contract is over",
        |ask| ask.requester = external(1, 2, ask.now),
        "no: inactive_identity",
    );
    check(
        "the contract ends in a second",
        |ask| ask.requester = external(1, 2, at(1)),
        "request.submitted, request.routed",
    );
    check("retired", |ask| ask.entitlement.retired = true, "no: retired_entitlement");
    check("too long", |ask| ask.revision.length = length(8 * 3_600 + 1), "no: over_limit");
    check(
        "as long as may be",
        |ask| ask.revision.length = length(8 * 3_600),
        "request.submitted, request.routed",
    );
    check("asked already", |ask| ask.already_open = Some(id(0x301)), "no: already_asked");
    check("may not ask", |ask| ask.may_ask = ruling(Says::No), "no: refused_by_policy");
    check("policy fails", |ask| ask.may_ask = ruling(Says::Fails), "no: policy_failed");
    check(
        "no route",
        |ask| ask.solved = Solved { route: None, ruling: ruling(Says::No) },
        "no: refused_by_policy",
    );
    check("no route in spite of a permit", |ask| ask.solved.route = None, "no: refused_by_policy");
    check(
        "a route that failed",
        |ask| ask.solved.ruling = ruling(Says::Fails),
        "no: policy_failed",
    );
    check("nobody is asked", |ask| ask.solved = solved(by_people(&[])), "no: unassented_route");
    check(
        "stages without places",
        |ask| ask.solved = solved(by_people(&[("owner", 0)])),
        "no: unassented_route",
    );
    check(
        "power, pre-approved",
        |ask| {
            ask.entitlement.power_over_placet = true;
            ask.solved = solved(pre_approved());
        },
        "no: power_pre_approved",
    );
    check(
        "power, by people",
        |ask| ask.entitlement.power_over_placet = true,
        "request.submitted, request.routed",
    );
    check("nobody eligible", |ask| ask.candidates.clear(), "no: unfillable_stage");
    check(
        "one person for two places",
        |ask| {
            ask.solved = solved(by_people(&[("owner", 2)]));
            ask.candidates = candidates(&[("owner", &[2])]);
        },
        "no: unfillable_stage",
    );
    check(
        "one person for two stages",
        |ask| ask.candidates = candidates(&[("owner", &[3]), ("security", &[3])]),
        "no: unfillable_stage",
    );
    check(
        "only the owner of the receiver",
        |ask| ask.candidates = candidates(&[("owner", &[2]), ("security", &[4])]),
        "no: unfillable_stage",
    );

    let request = Ask::lawful().request();
    let mut revise = |case: &str, change: fn(&mut Ask), expect: &str| {
        seen.check(case, Ask::of(change).revise(&request), expect);
    };
    revise("a revision", |ask| ask.revision.number = 2, "request.revised, request.routed");
    revise("of another requester", |ask| ask.revision.requester = id(3), "no: not_yours");
    revise("for another receiver", |ask| ask.revision.receiver = id(3), "no: unreadable");
    revise("of something else", |ask| ask.revision.entitlement = id(0x101), "no: unreadable");
    revise("too late", |ask| ask.now = at(OPEN_SECONDS as i64), "no: request_closed");

    nods(&mut seen);
    others(&mut seen);
    let mut more = |case: &str, change: fn(&mut Ask), expect: &str| {
        seen.check(case, Ask::of(change).submit(), expect);
    };
    more("backdated", |ask| ask.revision.starts_at = Some(at(-1)), "no: start_out_of_range");
    more("extends nothing", |ask| ask.revision.extends = Some(id(0x400)), "no: not_extendable");
    more(
        "ends on too much",
        |ask| {
            ask.revision.ends_on = (0..9).map(|n| format!("ticket:{n}").parse().unwrap()).collect()
        },
        "no: too_many_ending_events",
    );
    seen.covers("request/decide.rs");
}

fn nods(seen: &mut Seen) {
    let mut check = |case: &str, change: fn(&mut Nod), expect: &str| {
        seen.check(case, Nod::of(change).give(), expect);
    };
    check("as it stands", |_| {}, "approval.recorded");
    check("by a token", |nod| nod.actor = token(2), "no: needs_session");
    check(
        "by a worker",
        |nod| nod.actor = Actor::Worker { name: Worker::Fulfil },
        "no: needs_session",
    );
    check("by the founding", |nod| nod.actor = Actor::Founding, "no: needs_session");
    check("in a session of somebody else", |nod| nod.actor = session(3), "no: needs_session");
    check("by a workload", |nod| nod.approver = workload(2, 9), "no: only_people_decide");
    check("by one who left", |nod| nod.approver = gone(person(2)), "no: inactive_identity");
    check("of something else", |nod| nod.digest = Digest::of(b"x"), "no: old_revision");
    check(
        "by the requester",
        |nod| (nod.actor, nod.approver) = (session(1), person(1)),
        "no: self_approval",
    );
    check(
        "by the owner of the receiver",
        |nod| (nod.actor, nod.approver) = (session(4), person(4)),
        "no: owns_receiver",
    );
    check(
        "by an owner whom only the record names",
        |nod| {
            (nod.actor, nod.approver) = (session(4), person(4));
            nod.ask.excluded.clear();
        },
        "no: owns_receiver",
    );
    check(
        "by an owner whom only today's facts name",
        |nod| {
            nod.ask.excluded.insert(id(2));
        },
        "no: owns_receiver",
    );
    check("when the receiver left", |nod| nod.ask.receiver.active = false, "no: inactive_identity");
    check(
        "when it is retired",
        |nod| nod.ask.entitlement.retired = true,
        "no: retired_entitlement",
    );
    check(
        "when its terms changed",
        |nod| nod.ask.entitlement.terms.sensitivity = 1,
        "no: terms_changed",
    );
    check(
        "when policy fails",
        |nod| nod.ask.solved.ruling = ruling(Says::Fails),
        "no: policy_failed",
    );
    check(
        "when policy refuses",
        |nod| nod.ask.solved.ruling = ruling(Says::No),
        "no: refused_by_policy",
    );
    check(
        "when nobody is asked any more",
        |nod| nod.ask.solved = solved(by_people(&[])),
        "no: unassented_route",
    );
    check(
        "when it became pre-approved",
        |nod| nod.ask.solved = solved(pre_approved()),
        "request.routed, request.approved",
    );
    check(
        "when power became pre-approved",
        |nod| {
            nod.ask.entitlement.power_over_placet = true;
            nod.ask.solved = solved(pre_approved());
        },
        "no: power_pre_approved",
    );
    check(
        "when one person became enough",
        |nod| nod.ask.solved = solved(by_people(&[("owner", 1)])),
        "request.routed, approval.recorded, request.approved",
    );
    check(
        "in no stage by policy",
        |nod| nod.eligible.iter_mut().for_each(|(_, one)| *one = ruling(Says::No)),
        "no: not_eligible",
    );
    check("without a ruling", |nod| nod.eligible.clear(), "no: not_eligible");
    check(
        "in a stage that there is not",
        |nod| nod.stage = Some("audit".parse().unwrap()),
        "no: unknown_stage",
    );
    check(
        "in the stage named",
        |nod| nod.stage = Some("security".parse().unwrap()),
        "approval.recorded",
    );
    check("too late", |nod| nod.ask.now = at(OPEN_SECONDS as i64), "no: request_closed");
    check(
        "at the last moment",
        |nod| nod.ask.now = at(OPEN_SECONDS as i64 - 1),
        "approval.recorded",
    );

    let once = Nod::lawful().after();
    seen.check("twice", Nod::by(2, once.clone()).give(), "no: already_approved");
    let both = Nod::by(3, once);
    seen.check("the second person", both.give(), "approval.recorded, request.approved");
    seen.check("after the decision", Nod::by(5, both.after()).give(), "no: request_closed");
}

fn others(seen: &mut Seen) {
    let open = Ask::lawful().request();
    let agreed = Nod::lawful().after();
    let approved = Nod::by(3, agreed.clone()).after();
    let missing = |command| decide(None, command, at(0));
    seen.check("deny nothing", deny(None, person(2), session(2), Says::Yes), "no: unknown_request");
    seen.check("withdraw nothing", missing(Command::Withdraw { by: id(1) }), "no: unknown_request");
    seen.check("lapse nothing", missing(Command::Lapse), "no: unknown_request");
    let ask = Ask::lawful();
    seen.check("revise nothing", missing(Command::Revise(ask.intake())), "no: unknown_request");
    let twice = decide(Some(&open), Command::Submit(ask.intake()), at(0));
    seen.check("submit it twice", twice, "no: already_registered");

    seen.check("deny", deny(Some(&open), person(2), session(2), Says::Yes), "request.denied");
    seen.check(
        "deny by a token",
        deny(Some(&open), person(2), token(2), Says::Yes),
        "no: needs_session",
    );
    seen.check(
        "deny by nobody eligible",
        deny(Some(&open), person(2), session(2), Says::No),
        "no: not_eligible",
    );
    seen.check(
        "deny too late",
        deny(Some(&approved), person(2), session(2), Says::Yes),
        "no: request_closed",
    );

    let withdraw =
        |request: &Request, by| decide(Some(request), Command::Withdraw { by: id(by) }, at(0));
    seen.check("withdrawn by the requester", withdraw(&open, 1), "request.withdrawn");
    seen.check("withdrawn by the receiver", withdraw(&open, 11), "request.withdrawn");
    seen.check("withdrawn by another", withdraw(&open, 2), "no: not_yours");
    seen.check("withdrawn too late", withdraw(&approved, 1), "no: request_closed");

    let lapse = |request: &Request, seconds| decide(Some(request), Command::Lapse, at(seconds));
    seen.check("lapses in time", lapse(&open, OPEN_SECONDS as i64), "request.lapsed");
    seen.check("lapses too early", lapse(&open, OPEN_SECONDS as i64 - 1), "no: wrong_step");
    seen.check(
        "what is decided does not lapse",
        lapse(&approved, i64::MAX / 2_000_000),
        "no: request_closed",
    );

    let take_back = |request: &Request, actor| {
        decide(Some(request), Command::WithdrawApproval { actor }, at(0))
    };
    seen.check("taken back while open", take_back(&agreed, session(2)), "approval.withdrawn");
    seen.check("taken back when approved", take_back(&approved, session(2)), "approval.withdrawn");
    seen.check("taken back by a token", take_back(&agreed, token(2)), "no: needs_session");
    seen.check(
        "taken back by one who gave none",
        take_back(&agreed, session(3)),
        "no: no_approval",
    );
    let events = take_back(&approved, session(2)).unwrap();
    let withdrawn = fold(Some(approved), &events, at(0));
    assert_eq!(
        withdrawn.state,
        State::Withdrawn,
        "consent taken back after the decision undoes it"
    );
    seen.check("taken back twice", take_back(&withdrawn, session(3)), "no: request_closed");
}

/// An approval counts where it leaves the other stages fillable, in the order of the route.
#[test]
fn an_approval_counts_in_the_stage_that_leaves_the_rest_fillable() {
    let check = |route: Route, eligible: &[(&str, &[u128])], who: u128, expect: &str| {
        let ask = Ask::of(|ask| {
            ask.solved = solved(route);
            ask.candidates = candidates(eligible);
        });
        let mut nod = Nod::by(who, ask.request());
        nod.eligible = eligible
            .iter()
            .map(|(stage, people)| {
                let says = if people.contains(&who) { Says::Yes } else { Says::No };
                (stage.parse().unwrap(), ruling(says))
            })
            .collect();
        nod.ask = ask;
        let got = match nod.give() {
            Ok(events) => events.iter().find_map(|event| match event {
                Event::ApprovalRecorded(approval) => Some(approval.stage.to_string()),
                _ => None,
            }),
            Err(refusal) => Some(refusal.code().to_owned()),
        };
        assert_eq!(got.as_deref(), Some(expect));
    };
    let two = || by_people(&[("owner", 1), ("security", 1)]);
    check(two(), &[("owner", &[2, 3]), ("security", &[2, 3])], 2, "owner");
    // Nobody else could be the owner's side, so this person must stand for security.
    check(two(), &[("owner", &[2, 3]), ("security", &[2])], 2, "security");
    check(two(), &[("owner", &[2]), ("security", &[2, 3])], 2, "owner");
    let in_order =
        || Route::People { stages: vec![stage("owner", 1, &[]), stage("security", 1, &["owner"])] };
    check(in_order(), &[("owner", &[2]), ("security", &[3, 5])], 3, "not_eligible");
    check(in_order(), &[("owner", &[2]), ("security", &[3, 5])], 2, "owner");
}

#[test]
fn where_nothing_leaves_the_rest_fillable_the_first_stage_counts() {
    let mut nod = Nod::by(2, Ask::lawful().request());
    // Everybody else left since it was asked.
    nod.ask.candidates = candidates(&[("owner", &[2]), ("security", &[2])]);
    let events = nod.give().unwrap();
    let [Event::ApprovalRecorded(approval)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(approval.stage.as_str(), "owner");
}

#[test]
fn what_is_still_open_is_counted_by_stage() {
    let ask = Ask::of(|ask| {
        ask.solved = solved(by_people(&[("owner", 2), ("security", 1)]));
        ask.candidates = candidates(&[("owner", &[2, 3, 5]), ("security", &[3, 5])]);
    });
    let open = |request: &Request| {
        let words = request.open_places().into_iter().map(|(stage, n)| format!("{stage} {n}"));
        words.collect::<Vec<_>>().join(", ")
    };
    let request = ask.request();
    assert_eq!(open(&request), "owner 2, security 1");
    let mut nod = Nod::by(2, request);
    nod.ask = ask;
    assert_eq!(open(&nod.after()), "owner 1, security 1");
}

/// Where nothing permits the ask, the refusal says to whom the entitlement is offered.
#[test]
fn what_nothing_permits_says_to_whom_it_is_offered() {
    let check = |teams: &[&str], expect: &str| {
        let ask = Ask::of(|ask| {
            ask.may_ask = Ruling { permit: false, deciding: Vec::new(), ..ruling(Says::Yes) };
            ask.entitlement.offered_to = teams.iter().map(|one| one.parse().unwrap()).collect();
        });
        let sentence = ask.submit().unwrap_err().sentence();
        assert!(sentence.contains(expect), "`{sentence}` does not say `{expect}`");
    };
    check(&["engineers"], "is offered to engineers, and no policy");
    check(&["engineers", "stewards"], "is offered to engineers, stewards, and no policy");
    check(&[], "is offered to nobody");
}

#[test]
fn an_event_that_cannot_follow_leaves_a_request_as_it_is() {
    let request = Ask::lawful().request();
    let submitted = Ask::lawful().submit().unwrap().remove(0);
    assert_eq!(apply(None, &Event::Lapsed {}, at(0)), None);
    assert_eq!(apply(Some(request.clone()), &submitted, at(9)), Some(request));
}
