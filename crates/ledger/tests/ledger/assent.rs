//! Assent: granted for exactly what was agreed to, and refused, with its sentence, for anything else.
//!
//! Every tampered trail here is properly linked, logged and signed: what refuses it is the laws.

use std::collections::BTreeMap;

use placet_domain::Refusal;
use placet_domain::action::Effect;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::committed::Disclosure;
use placet_domain::entitlement::Terms;
use placet_domain::event::Event;
use placet_domain::grant::{Command, Event as GrantEvent};
use placet_domain::id::{ActionId, EntitlementId, GrantId, IdentityId};
use placet_domain::name::{AccountName, NativeId, StageName};
use placet_domain::request::{Basis, Event as RequestEvent};
use placet_domain::route::Route;
use placet_domain::ruling::Ruling;
use placet_domain::time::Timestamp;
use placet_ledger::{
    Act, Checkpoint, Claim, Head, LogKey, PasskeyTrail, Proof, Proven, TrailHead, VerifiedAssent,
    VerifierKey,
};

use crate::log::{Draft, Log, ORIGIN, key};
use crate::story::{
    ANA, BORIS, CORA, DINA, Story, Way, account, action, actor, entitlement, grant, id, minute,
    person, request, ruling, stage, terms, trail,
};

/// A claim that owns what it is made of, to be tampered with.
pub struct Case {
    key: VerifierKey,
    remembered: Option<Head>,
    checkpoint: String,
    consistency: Proof,
    entries: Vec<Proven>,
    end: TrailHead,
    pub passkeys: Vec<PasskeyTrail>,
    grant: GrantId,
    action: ActionId,
    entitlement: EntitlementId,
    native: NativeId,
    account: AccountName,
    disclosure: Disclosure,
    terms: Terms,
    eligible: BTreeMap<(IdentityId, StageName), Ruling>,
    now: Timestamp,
}

impl Case {
    pub fn of(log: &Log, story: &Story) -> Self {
        let permit = ruling(true, "may-approve");
        Self {
            key: log.verifier(),
            remembered: Some(log.head()),
            checkpoint: log.checkpoint(),
            consistency: Proof::default(),
            entries: log.trail(request()),
            end: log.end(&trail()).unwrap(),
            passkeys: log.passkeys(),
            grant: grant(),
            action: action(1),
            entitlement: entitlement().id,
            native: terms().native,
            account: account(),
            disclosure: story.account.1.clone(),
            terms: terms(),
            eligible: BTreeMap::from([
                ((person(BORIS), stage("owner")), permit.clone()),
                ((person(CORA), stage("security")), permit.clone()),
                ((person(DINA), stage("security")), permit),
            ]),
            now: minute(40).plus_seconds(2),
        }
    }

    pub fn verify(&self) -> Result<VerifiedAssent, Refusal> {
        VerifiedAssent::verify(&Claim {
            key: &self.key,
            remembered: self.remembered,
            checkpoint: &self.checkpoint,
            consistency: &self.consistency,
            request: request(),
            entries: &self.entries,
            end: self.end,
            passkeys: &self.passkeys,
            act: Act {
                grant: self.grant,
                action: self.action,
                entitlement: self.entitlement,
                native: &self.native,
                account: &self.account,
                disclosure: &self.disclosure,
                terms: &self.terms,
            },
            eligible_now: &self.eligible,
            now: self.now,
        })
    }

    /// Policy is asked about nobody, where nobody approved.
    pub fn without_approvals(&mut self) {
        self.eligible.clear();
    }

    pub fn refused(&self, why: &str) {
        match self.verify() {
            Ok(_) => panic!("assented, where `{why}` was expected"),
            Err(Refusal::NotAssented { why: found }) => {
                assert!(found.contains(why), "`{found}` does not say `{why}`");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// A trail that was tampered with before it was logged.
pub fn trail_case(tamper: impl FnOnce(&mut Vec<Draft>)) -> Case {
    let mut story = Story::founded(Way::People).intended();
    tamper(&mut story.drafts);
    Case::of(&story.log(), &story)
}

/// What is claimed about a good trail was tampered with.
fn claim_case(tamper: impl FnOnce(&mut Case)) -> Case {
    let story = Story::founded(Way::People).intended();
    let mut case = Case::of(&story.log(), &story);
    tamper(&mut case);
    case
}

pub fn find<'a>(drafts: &'a mut [Draft], name: &str, nth: usize) -> &'a mut Draft {
    drafts.iter_mut().filter(|draft| draft.event.type_name() == name).nth(nth).unwrap()
}

pub fn approval(
    drafts: &mut [Draft],
    nth: usize,
) -> (&mut Actor, &mut placet_domain::request::Approval) {
    let draft = find(drafts, "approval.recorded", nth);
    match &mut draft.event {
        Event::Request(RequestEvent::ApprovalRecorded(approval)) => (&mut draft.actor, approval),
        _ => unreachable!(),
    }
}

fn intent(drafts: &mut [Draft]) -> &mut placet_domain::grant::Intended {
    match &mut find(drafts, "action.intended", 0).event {
        Event::Grant(GrantEvent::Intended(intended)) => intended,
        _ => unreachable!(),
    }
}

fn drop_first(drafts: &mut Vec<Draft>, name: &str) {
    let at = drafts.iter().position(|draft| draft.event.type_name() == name).unwrap();
    drafts.remove(at);
}

/// Says that whoever the approvals now name are those on whom the decision rests.
fn rests_on(drafts: &mut [Draft], people: &[u128]) {
    match &mut find(drafts, "request.approved", 0).event {
        Event::Request(RequestEvent::Approved(approved)) => {
            let approvers = people.iter().map(|n| person(*n)).collect();
            approved.basis = Basis::People { approvers };
        }
        _ => unreachable!(),
    }
}

#[test]
fn what_people_agreed_to_is_assented() {
    let assent = claim_case(|_| {}).verify().unwrap();
    assert_eq!(assent.action(), action(1));
    assert_eq!(assent.epoch(), 1);
    assert_eq!(assent.until(), minute(280));
    assert_eq!(assent.call_over_by(), minute(40).plus_seconds(30));
    assert_eq!(assent.entitlement(), entitlement().id);
    assert_eq!(assent.native(), &terms().native);
    assert_eq!(assent.target(), terms().target);
    assert_eq!(assent.account(), &account());
    assert_eq!(assent.receiver(), person(ANA));
    assert_eq!((assent.request(), assent.grant()), (request(), grant()));
    let words = format!("agreed to by {}, {}", person(BORIS), person(CORA));
    assert_eq!(assent.basis_words(), words);
}

#[test]
fn what_is_pre_approved_is_assented() {
    let story = Story::founded(Way::PreApproved).intended();
    let assent = Case::of(&story.log(), &story).verify().unwrap();
    assert_eq!(assent.basis_words(), "pre-approved by `on-call`");
}

#[test]
fn the_checkpoint_must_be_signed_and_no_older_than_the_remembered_one() {
    let story = Story::founded(Way::People).intended();
    let log = story.log();
    let mut older = Log::of(&story.drafts[..story.drafts.len() - 3]);
    let mut case = Case::of(&log, &story);
    case.remembered = Some(older.head());
    case.consistency = log.consistency(older.head().size);
    assert!(case.verify().is_ok(), "grown since");
    case.consistency = Proof::default();
    case.refused("did not grow from the known tree");
    case.remembered = None;
    assert!(case.verify().is_ok(), "nothing is remembered yet");

    // The database was put back: what it shows is whole, but older than what is remembered.
    let mut rolled_back = Case::of(&older, &story);
    rolled_back.remembered = Some(log.head());
    rolled_back.refused("is older than the one of");
    // A fork by whoever holds the key.
    older.append(story.drafts[0].clone());
    let mut forked = Case::of(&log, &story);
    forked.remembered = Some(older.head());
    forked.consistency = log.consistency(older.head().size);
    forked.refused("did not grow from the known tree");

    let other = LogKey::from_seed(ORIGIN, &[1; 32]).unwrap();
    claim_case(|case| case.key = other.verifier()).refused("did not sign it");
    claim_case(|case| case.checkpoint = Checkpoint::sign(&other, log.head()).unwrap())
        .refused("did not sign it");
    let elsewhere = LogKey::from_seed("placet.test/other", &[42; 32]).unwrap();
    claim_case(|case| case.checkpoint = Checkpoint::sign(&elsewhere, log.head()).unwrap())
        .refused("did not sign it");
}

#[test]
fn every_entry_of_the_trail_must_be_there_as_it_was_written() {
    let count = claim_case(|_| {}).entries.len();
    for at in 0..count {
        let case = claim_case(|case| drop(case.entries.remove(at)));
        let why = if at + 1 == count { "the trail ends at entry" } else { "where" };
        case.refused(why);
        let case = claim_case(|case| case.entries[at].body[30] ^= 1);
        case.refused("is not in the signed tree as it stands here");
        let case = claim_case(|case| case.entries[at].index += 1);
        assert!(case.verify().is_err());
    }
    claim_case(|case| case.entries.swap(1, 2)).refused("where");
    claim_case(|case| case.entries.clear()).refused("there is no entry of trail");
    claim_case(|case| case.end.digest = Digest::of(b"x")).refused("the trail ends at entry");
    let story = Story::founded(Way::People).intended();
    let foreign = story.log().proven(0);
    claim_case(|case| case.entries.insert(0, foreign)).refused("it belongs to trail");
}

#[test]
fn a_trail_that_breaks_a_law_is_no_assent() {
    trail_case(|drafts| approval(drafts, 0).1.digest = Digest::of(b"other"))
        .refused("is for another digest than that of the request");
    trail_case(|drafts| {
        let (actor_of, approval) = approval(drafts, 1);
        *actor_of = actor(BORIS);
        approval.approver = person(BORIS);
        approval.session = crate::story::session(BORIS);
        rests_on(drafts, &[BORIS]);
    })
    .refused("is the second by the same person");
    trail_case(|drafts| {
        let (actor_of, approval) = approval(drafts, 0);
        *actor_of = actor(ANA);
        approval.approver = person(ANA);
        approval.session = crate::story::session(ANA);
        rests_on(drafts, &[ANA, CORA]);
    })
    .refused("is by someone who is not independent");
    trail_case(|drafts| match &mut find(drafts, "request.submitted", 0).event {
        Event::Request(RequestEvent::Submitted(submitted)) => {
            submitted.excluded.insert(person(CORA));
        }
        _ => unreachable!(),
    })
    .refused("is by someone who is not independent");
    trail_case(|drafts| {
        let (actor_of, approval) = approval(drafts, 0);
        *actor_of = Actor::Token { id: approval.approver, token: approval.session };
    })
    .refused("was not made in a session of their own");
    trail_case(|drafts| *approval(drafts, 0).0 = actor(DINA)).refused("was recorded by another");
    trail_case(|drafts| approval(drafts, 0).1.session = id(999)).refused("in another session");
    trail_case(|drafts| approval(drafts, 0).1.ruling.permit = false).refused("was not permitted");
    trail_case(|drafts| approval(drafts, 0).1.stage = stage("finance"))
        .refused("in a stage that the route does not have");
    trail_case(|drafts| drop_first(drafts, "approval.recorded"))
        .refused("rests on something else than the recorded approvals");
    trail_case(|drafts| {
        drop_first(drafts, "approval.recorded");
        rests_on(drafts, &[CORA]);
    })
    .refused("stage `owner` was not filled");
    trail_case(|drafts| drop_first(drafts, "request.approved"))
        .refused("the grant came before its approval");
    trail_case(|drafts| match &mut find(drafts, "request.submitted", 0).event {
        Event::Request(RequestEvent::Submitted(submitted)) => submitted.revision.number = 2,
        _ => unreachable!(),
    })
    .refused("the recorded digest is not that of what was asked for");
    trail_case(|drafts| match &mut find(drafts, "grant.approved", 0).event {
        Event::Grant(GrantEvent::Approved(approved)) => {
            approved.length = placet_domain::length::Length::LONGEST;
        }
        _ => unreachable!(),
    })
    .refused("longer than what was asked for");
}

fn routed(drafts: &mut [Draft]) -> (&mut Vec<placet_domain::route::Stage>, &mut bool) {
    match &mut find(drafts, "request.routed", 0).event {
        Event::Request(RequestEvent::Routed(routed)) => match &mut routed.route {
            Route::People { stages } => (stages, &mut routed.ruling.permit),
            Route::PreApproved { .. } | Route::BreakGlass { .. } => unreachable!(),
        },
        _ => unreachable!(),
    }
}

#[test]
fn a_forged_route_is_no_assent() {
    trail_case(|drafts| routed(drafts).0.clear()).refused("the route asks nobody");
    trail_case(|drafts| routed(drafts).0.iter_mut().for_each(|stage| stage.needed = 0))
        .refused("the route asks nobody");
    trail_case(|drafts| {
        for name in ["request.routed", "approval.recorded", "approval.recorded"] {
            drop_first(drafts, name);
        }
        rests_on(drafts, &[]);
    })
    .refused("the route asks nobody");
    trail_case(|drafts| match &mut find(drafts, "request.submitted", 0).event {
        Event::Request(RequestEvent::Submitted(submitted)) => submitted.revision.request = id(501),
        _ => unreachable!(),
    })
    .refused("the request is not the one it names");
    trail_case(|drafts| match &mut find(drafts, "request.approved", 0).event {
        Event::Request(RequestEvent::Approved(approved)) => approved.digest = Digest::of(b"x"),
        _ => unreachable!(),
    })
    .refused("the decision is for another digest");
    trail_case(|drafts| *routed(drafts).1 = false).refused("the route was not permitted");
    trail_case(|drafts| routed(drafts).0[0].needed = 2).refused("stage `owner` was not filled");
    trail_case(|drafts| {
        routed(drafts).0[0].after.insert(stage("security"));
    })
    .refused("was given before its stage had opened");
    trail_case(|drafts| match &mut find(drafts, "request.submitted", 0).event {
        Event::Request(RequestEvent::Submitted(submitted)) => submitted.excluded.clear(),
        _ => unreachable!(),
    })
    .refused("was not excluded from approving");
    trail_case(|drafts| match &mut find(drafts, "request.submitted", 0).event {
        Event::Request(RequestEvent::Submitted(submitted)) => submitted.ruling.permit = false,
        _ => unreachable!(),
    })
    .refused("asking for it was not permitted");
    trail_case(|drafts| {
        let mut late = find(drafts, "approval.recorded", 0).clone();
        late.actor = actor(DINA);
        if let Event::Request(RequestEvent::ApprovalRecorded(approval)) = &mut late.event {
            approval.approver = person(DINA);
            approval.session = crate::story::session(DINA);
        }
        drafts.push(late);
    })
    .refused("`approval.recorded` cannot follow: approved");
}

#[test]
fn the_grant_must_be_the_one_that_was_agreed_to() {
    let approved = |change: &dyn Fn(&mut placet_domain::grant::Approved), why: &str| {
        trail_case(|drafts| match &mut find(drafts, "grant.approved", 0).event {
            Event::Grant(GrantEvent::Approved(approved)) => change(approved),
            _ => unreachable!(),
        })
        .refused(why);
    };
    approved(&|one| one.digest = Digest::of(b"x"), "not of the digest that was agreed to");
    approved(&|one| one.receiver = person(DINA), "for another receiver");
    approved(&|one| one.entitlement = id(401), "of another entitlement");
    approved(&|one| one.native = "gid=0".parse().unwrap(), "of another native id");
    approved(&|one| one.target = id(301), "on another target");
    approved(&|one| one.grant = id(601), "not the one it names");
    approved(&|one| one.request = id(501), "does not belong to this trail");
    approved(&|one| one.use_by = minute(35), "after the approval had lapsed");
    trail_case(|drafts| {
        let mut second = find(drafts, "grant.approved", 0).clone();
        second.stream = placet_domain::id::Stream::Grant(id(601));
        drafts.push(second);
    })
    .refused("one request led to a second grant");
}

#[test]
fn a_withdrawn_or_forged_basis_is_no_assent() {
    let mut story = Story::founded(Way::People).intended();
    let draft = find(&mut story.drafts, "approval.recorded", 0).clone();
    let Event::Request(RequestEvent::ApprovalRecorded(given)) = &draft.event else { panic!() };
    let withdrawn =
        RequestEvent::ApprovalWithdrawn { approver: given.approver, digest: given.digest };
    let withdrawn = Draft { event: Event::Request(withdrawn), ..draft.clone() };
    let mut before = story.drafts.clone();
    before.insert(before.len() - 1, withdrawn.clone());
    Case::of(&Log::of(&before), &story).refused("although an approval had been withdrawn");
    story.drafts.push(withdrawn);
    Case::of(&story.log(), &story).refused("an approval or the request was withdrawn");

    let mut story = Story::founded(Way::PreApproved).intended();
    match &mut find(&mut story.drafts, "request.routed", 0).event {
        Event::Request(RequestEvent::Routed(routed)) => routed.ruling.policies.clear(),
        _ => unreachable!(),
    }
    Case::of(&story.log(), &story).refused("no pre-approved pattern is cited");
    let story = Story::founded(Way::People).asked();
    let mut case = Case::of(&story.log(), &story);
    case.refused("the request is open, not approved");
    let story = Story::founded(Way::People).approved();
    case = Case::of(&story.log(), &story);
    case.refused("never intended");
}

#[test]
fn the_intent_must_be_for_this_action_and_its_end_stays_where_it_was() {
    trail_case(|drafts| intent(drafts).until = minute(281))
        .refused("the end of the access was moved");
    trail_case(|drafts| intent(drafts).ruling = None).refused("without a permit of policy");
    trail_case(|drafts| find(drafts, "action.intended", 0).actor = actor(BORIS))
        .refused("who approved it carried it out");
    claim_case(|case| case.action = action(2)).refused("the latest intended action is another one");
    claim_case(|case| case.now = minute(280)).refused("its time is over");
    claim_case(|case| case.now = minute(41)).refused("the time for this call is over");
    claim_case(|case| case.now = minute(39)).refused("a clock is wrong");
    trail_case(|drafts| {
        let again = find(drafts, "grant.approved", 0).clone();
        drafts.push(again);
    })
    .refused("approved twice");

    trail_case(|drafts| {
        let mut late = find(drafts, "action.intended", 0).clone();
        late.at = minute(281);
        drafts.push(late);
    })
    .refused("the access was begun after its end");

    let mut story = Story::founded(Way::People).intended();
    let outcome = placet_domain::action::Outcome::Failed { why: "no answer".to_owned() };
    let finish = Command::Finish { action: action(1), outcome, issued: None };
    story.decide_grant(41, crate::story::FULFIL, finish);
    let mut case = Case::of(&story.log(), &story);
    case.refused("the action has been carried out already");
    // A second try has its own action, and the end of the first.
    story.intends(50, 2, Effect::Grant);
    case = Case::of(&story.log(), &story);
    case.now = minute(50);
    case.refused("the latest intended action is another one");
    case.action = action(2);
    assert_eq!(case.verify().unwrap().until(), minute(280));

    let ended = Story::founded(Way::People).ended();
    let mut case = Case::of(&ended.log(), &ended);
    case.action = action(2);
    case.now = minute(281);
    case.refused("is not to grant this");
}

#[test]
fn only_exactly_what_was_agreed_to_is_assented() {
    claim_case(|case| case.terms.scope.push_str(" and `payroll`"))
        .refused("what the entitlement means has changed since");
    claim_case(|case| case.entitlement = id(401)).refused("another entitlement");
    claim_case(|case| case.native = "gid=0".parse().unwrap()).refused("another native id");
    claim_case(|case| case.grant = id(601)).refused("another grant");
    claim_case(|case| case.account = "root".parse().unwrap()).refused("another account");
    let forged =
        placet_domain::committed::Committed::seal(&account(), "account", [1; 16]).unwrap().1;
    claim_case(|case| case.disclosure = forged).refused("cannot be shown to be the one agreed to");
    claim_case(|case| {
        case.eligible.insert((person(CORA), stage("security")), ruling(false, "left-the-team"));
    })
    .refused("may no longer approve in stage `security`: said so");
    claim_case(|case| {
        let failed = Ruling { errors: vec!["no such team".to_owned()], ..ruling(true, "x") };
        case.eligible.insert((person(CORA), stage("security")), failed);
    })
    .refused("may no longer approve");
    claim_case(|case| case.eligible.clear()).refused("policy was not asked again");
}

#[test]
fn a_removal_asks_for_nothing() {
    let order = placet_ledger::RemovalOrder {
        action: action(2),
        epoch: 2,
        grant: Some(grant()),
        entitlement: entitlement().id,
        target: terms().target,
        native: terms().native,
        account: account(),
        issued: None,
        at: minute(9),
    };
    assert_eq!(order.epoch, 2);
    assert_eq!(key().verifier().name(), ORIGIN);
}
