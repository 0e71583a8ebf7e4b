//! Passkeys: who answers for one, and what is signed with it is for one person, one session, one
//! digest, once, in time.

use placet_domain::actor::Actor;
use placet_domain::identity::{Identity, Nature};
use placet_domain::passkey::{
    self, Asserted, Backing, By, Challenge, Command, Event, MOST, OFFER_SECONDS, Passkey, decide,
};
use placet_domain::request::{self, Event as RequestEvent, Opening, Request, STEP_UP_SECONDS};
use placet_domain::route::{Route, StepUp};
use placet_domain::{Refusal, Timestamp};

use crate::build::{Says, Seen, at, id, person, ruling, session, stage, token, workload};
use crate::goldens_passkeys::{assertion, offered};
use crate::request::Nod;

const HOLDER: u128 = 2;
const MANAGER: u128 = 3;
const ADMINISTRATOR: u128 = 9;
const KEY: u128 = 0x900;
const OTHER: u128 = 0x901;

fn holder() -> Identity {
    let is = Nature::Human { manager: Some(id(MANAGER)), external: None };
    Identity { is, ..person(HOLDER) }
}

fn gone(who: Identity) -> Identity {
    Identity { active: false, ..who }
}

fn folded(passkey: u128, events: &[Event], when: Timestamp) -> Option<Passkey> {
    let first = passkey::apply(None, &Event::Offered(offered(passkey, HOLDER)), at(0));
    events.iter().fold(first, |state, event| passkey::apply(state, event, when))
}

fn vouched(by: u128) -> Event {
    let Actor::Person { id: who, session } = session(by) else { unreachable!() };
    Event::Enrolled { backing: Backing::Person { who, session, ruling: None } }
}

#[test]
fn nobody_gets_a_key_of_their_own_by_a_session_alone() {
    let mut seen = Seen::default();
    let waits = folded(KEY, &[], at(0));
    let enrolled = folded(OTHER, &[vouched(MANAGER)], at(5));
    let revoked = folded(KEY, &[vouched(MANAGER), Event::Revoked { by: id(HOLDER) }], at(5));
    let (yes, no, fails) = (ruling(Says::Yes), ruling(Says::No), ruling(Says::Fails));
    let offer = |actor, of: &Identity, held| {
        let offered = offered(KEY, HOLDER);
        decide(None, Command::Offer { actor, holder: of, offered, held }, at(1))
    };
    let own = session(HOLDER);
    seen.check("offered", offer(own, &holder(), MOST - 1), "passkey.offered");
    seen.check("one too many", offer(own, &holder(), MOST), "no: too_many_passkeys");
    seen.check("by a token", offer(token(HOLDER), &holder(), 0), "no: needs_session");
    seen.check("by somebody else", offer(session(5), &holder(), 0), "no: needs_session");
    seen.check("by one who left", offer(own, &gone(holder()), 0), "no: inactive_identity");
    let machine = workload(HOLDER, 5);
    seen.check("for a workload", offer(own, &machine, 0), "no: only_people_decide");
    let again = Command::Offer { actor: own, holder: &holder(), offered: offered(KEY, 2), held: 0 };
    seen.check("twice", decide(waits.as_ref(), again, at(1)), "no: already_registered");

    let vouch = |state: &Option<Passkey>, by: u128, actor, may, of: &Identity, now| {
        let by = if by == HOLDER { holder() } else { person(by) };
        let command = Command::Vouch(By { actor, person: &by, holder: of, may });
        decide(state.as_ref(), command, now)
    };
    let soon = at(10);
    let of = holder();
    let good = vouch(&waits, MANAGER, session(MANAGER), &no, &of, soon);
    assert!(matches!(
        good.as_ref().unwrap()[0],
        Event::Enrolled { backing: Backing::Person { ruling: None, .. } }
    ));
    seen.check("by the manager", good, "passkey.enrolled");
    let good = vouch(&waits, ADMINISTRATOR, session(ADMINISTRATOR), &yes, &of, soon);
    assert!(matches!(
        good.as_ref().unwrap()[0],
        Event::Enrolled { backing: Backing::Person { ruling: Some(_), .. } }
    ));
    seen.check("by an administrator", good, "passkey.enrolled");
    for (case, by, actor, may, expect) in [
        ("by oneself", HOLDER, own, &yes, "no: vouches_for_themselves"),
        ("by a stranger", 7, session(7), &no, "no: not_permitted"),
        ("where policy fails", 7, session(7), &fails, "no: not_permitted"),
        ("by a token", MANAGER, token(MANAGER), &yes, "no: needs_session"),
    ] {
        seen.check(case, vouch(&waits, by, actor, may, &of, soon), expect);
    }
    let left = vouch(&waits, MANAGER, session(MANAGER), &no, &gone(holder()), soon);
    seen.check("for one who left", left, "no: inactive_identity");
    let late = at(i64::try_from(OFFER_SECONDS).unwrap());
    let lapsed = vouch(&waits, MANAGER, session(MANAGER), &no, &of, late);
    seen.check("too late", lapsed, "no: passkey_over");
    for state in [&enrolled, &revoked] {
        let again = vouch(state, MANAGER, session(MANAGER), &no, &of, soon);
        seen.check("what does not wait", again, "no: passkey_over");
    }
    let nothing = vouch(&None, MANAGER, session(MANAGER), &no, &of, soon);
    seen.check("what is not there", nothing, "no: unknown_passkey");

    // Another passkey of theirs answers for it; what it signed has been checked.
    let challenge = Challenge::of([7; 32]);
    let asserted = |by: &Passkey, challenge| {
        let passkey = by.offered.passkey;
        let assertion = placet_domain::passkey::Assertion { passkey, ..assertion(0) };
        (challenge, assertion)
    };
    let confirm = |state: &Option<Passkey>, actor: Actor, by: &Passkey, challenge| {
        let (challenge, assertion) = asserted(by, challenge);
        let asserted = Asserted { passkey: by, challenge, assertion };
        let who = match actor.identity() {
            Some(who) if who == id(HOLDER) => holder(),
            _ => person(5),
        };
        decide(state.as_ref(), Command::Confirm { actor, holder: &who, asserted }, soon)
    };
    let other = enrolled.clone().unwrap();
    seen.check("with another", confirm(&waits, own, &other, challenge), "passkey.enrolled");
    let refused = "no: passkey_refused";
    let wrong = confirm(&waits, own, &other, Challenge::of([8; 32]));
    seen.check("over something else", wrong, refused);
    let itself = waits.clone().unwrap();
    seen.check("with itself", confirm(&waits, own, &itself, challenge), refused);
    let over = revoked.clone().unwrap();
    seen.check("with a revoked one", confirm(&waits, own, &over, challenge), refused);
    let mut theirs = other.clone();
    theirs.offered.holder = id(5);
    seen.check("with another's", confirm(&waits, own, &theirs, challenge), refused);
    let mut elsewhere = other.clone();
    elsewhere.offered.rp = "elsewhere.example".parse().unwrap();
    seen.check("with one of another host", confirm(&waits, own, &elsewhere, challenge), refused);
    let stranger = confirm(&waits, session(5), &theirs, challenge);
    seen.check("for somebody else", stranger, "no: unknown_passkey");

    let revoke = |state: &Option<Passkey>, by: u128, may, now| {
        let by_whom = if by == HOLDER { holder() } else { person(by) };
        let actor = session(by);
        let command = Command::Revoke(By { actor, person: &by_whom, holder: &of, may });
        decide(state.as_ref(), command, now)
    };
    seen.check("one's own", revoke(&enrolled, HOLDER, &no, soon), "passkey.revoked");
    seen.check("an offered one", revoke(&waits, MANAGER, &no, soon), "passkey.revoked");
    seen.check("by a stranger", revoke(&waits, 7, &no, soon), "no: not_permitted");
    seen.check("a lapsed one", revoke(&waits, HOLDER, &no, late), "no: passkey_over");
    seen.check("a revoked one", revoke(&revoked, HOLDER, &no, soon), "no: passkey_over");
    seen.covers("passkey/mod.rs");
}

/// A request that waits in a stage which takes a passkey, and one who may agree there.
fn signing() -> Nod {
    let mut nod = Nod::lawful();
    let mut signed = stage("owner", 1, &[]);
    signed.step_up = Some(StepUp::Passkey);
    let route = Route::People { stages: vec![signed] };
    nod.ask.solved.route = Some(route.clone());
    nod.request.route = route;
    nod
}

impl Nod {
    fn open(
        &self,
        now: Timestamp,
        has_passkey: bool,
        drawn: u8,
    ) -> Result<Vec<RequestEvent>, Refusal> {
        let opening = Opening {
            actor: self.actor,
            approver: &self.approver,
            digest: self.digest,
            challenge: Challenge::of([drawn; 32]),
            excluded: &self.ask.excluded,
            eligible: &self.eligible,
            has_passkey,
        };
        request::decide(Some(&self.request), request::Command::OpenStepUp(opening), now)
    }

    fn opened(mut self, now: Timestamp) -> Self {
        for event in self.open(now, true, 1).unwrap() {
            self.request = request::apply(Some(self.request), &event, now).unwrap();
        }
        self
    }

    /// Agrees with a signature over a challenge, of a passkey as it is now.
    fn sign(
        &self,
        drawn: u8,
        passkey: &Passkey,
        now: Timestamp,
    ) -> Result<Vec<RequestEvent>, Refusal> {
        let assertion = assertion(KEY);
        let challenge = Challenge::of([drawn; 32]);
        self.give_signed(&Asserted { passkey, challenge, assertion }, now)
    }
}

/// An enrolled passkey of the one who agrees.
fn passkey_of(nod: &Nod) -> Passkey {
    let mut passkey = folded(KEY, &[vouched(MANAGER)], at(0)).unwrap();
    passkey.offered.holder = nod.approver.id;
    passkey
}

#[test]
fn a_stage_that_takes_a_passkey_is_not_agreed_to_without() {
    let mut seen = Seen::default();
    let now = signing().ask.now;
    let later = |seconds: u64| now.plus_seconds(seconds);
    let plain = signing();
    seen.check("unsigned", plain.give(), "no: step_up_needed");
    let key = passkey_of(&plain);
    seen.check("nothing was opened", plain.sign(1, &key, now), "no: step_up_over");
    seen.check("opened", plain.open(now, true, 1), "step_up.opened");
    seen.check("without a passkey", plain.open(now, false, 1), "no: no_passkey");

    let open = signing().opened(now);
    seen.check("opened twice is once", open.open(later(1), true, 2), "");
    seen.check("unsigned still", open.give(), "no: step_up_needed");
    seen.check("signed", open.sign(1, &key, later(2)), "approval.recorded, request.approved");
    seen.check("another challenge", open.sign(2, &key, later(2)), "no: step_up_over");
    seen.check("too late", open.sign(1, &key, later(STEP_UP_SECONDS)), "no: step_up_over");
    seen.check("opened anew", open.open(later(STEP_UP_SECONDS), true, 2), "step_up.opened");
    let mut theirs = key.clone();
    theirs.offered.holder = id(77);
    seen.check("another's passkey", open.sign(1, &theirs, later(2)), "no: passkey_refused");
    let revoked = Passkey { revoked_at: Some(now), ..key.clone() };
    seen.check("a revoked passkey", open.sign(1, &revoked, later(2)), "no: passkey_refused");

    // The session in which it was opened is the one in which it is used.
    let mut elsewhere = signing().opened(now);
    let Actor::Person { id: who, .. } = elsewhere.actor else { unreachable!() };
    elsewhere.actor = Actor::Person { id: who, session: id(0x1fff) };
    seen.check("another session", elsewhere.sign(1, &key, later(2)), "no: step_up_over");

    // What was used is gone, also when the approval is taken back.
    let mut used = signing().opened(now);
    for event in used.sign(1, &key, later(2)).unwrap() {
        if matches!(event, RequestEvent::ApprovalRecorded(_)) {
            used.request = request::apply(Some(used.request), &event, later(2)).unwrap();
        }
    }
    used.request.approvals.clear();
    seen.check("used twice", used.sign(1, &key, later(3)), "no: step_up_over");

    // Another digest is another thing to sign.
    let mut narrowed = signing().opened(now);
    narrowed.request.digest = placet_domain::canonical::Digest::of(b"less");
    narrowed.digest = narrowed.request.digest;
    seen.check("another digest", narrowed.sign(1, &key, later(2)), "no: step_up_over");
    let closed = Request { state: request::State::Denied, ..signing().request };
    let closed = Nod { request: closed, ..signing() };
    seen.check("of a closed request", closed.open(now, true, 1), "no: request_closed");
}
