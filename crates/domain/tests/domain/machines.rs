//! The smaller machines, case by case: who may be registered, adopted, retired, logged in; and
//! the closed lists that policy is asked about.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::access::{Deed, Scope};
use placet_domain::action::Outcome;
use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::credential::{self, Ended, Issued, Kind, longest_seconds};
use placet_domain::event::{Event, trail};
use placet_domain::finding::{self, Opened, Resolution};
use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::{Identity, Nature};
use placet_domain::independence::excluded;
use placet_domain::observation::Completeness;
use placet_domain::organisation::{self, Founded};
use placet_domain::target::Observed;
use placet_domain::team::{self, Team};
use placet_domain::{Refusal, committed::Committed, entitlement, identity, state, target};

use crate::build::{
    GRANT, REQUEST, Seen, at, entitlement as an_entitlement, external, gone, id, outcome, person,
    profile, session, target as a_target, token, workload,
};

#[test]
fn an_identity_is_registered_once_with_somebody_who_answers_for_it() {
    let mut seen = Seen::default();
    let register = |identity: Identity, answerable: Option<Identity>| {
        let command = identity::Command::Register { identity, answerable: answerable.as_ref() };
        identity::decide(None, command)
    };
    let mut check = |case: &str, result, expect: &str| seen.check(case, result, expect);
    let registered = "identity.registered";
    check("a person", register(person(1), None), registered);
    check("a workload", register(workload(11, 1), Some(person(1))), registered);
    check("an external", register(external(5, 1, at(9)), Some(person(1))), registered);
    check("nobody's workload", register(workload(11, 1), None), "no: unowned");
    check("owned by a workload", register(workload(12, 11), Some(workload(11, 1))), "no: unowned");
    check("owned by one who left", register(workload(11, 1), Some(gone(person(1)))), "no: unowned");
    check("nobody's external", register(external(5, 1, at(9)), None), "no: unowned");
    let mut disguised = workload(11, 1);
    if let Nature::Workload { kind, .. } = &mut disguised.is {
        *kind = identity::Kind::Human;
    }
    check("a workload that says it is human", register(disguised, Some(person(1))), "no: unowned");
    let one = person(1);
    let again = identity::Command::Register { identity: person(1), answerable: None };
    check("twice", identity::decide(Some(&one), again), "no: already_registered");
    let deactivate =
        |state: Option<&Identity>| identity::decide(state, identity::Command::Deactivate);
    check("deactivated", deactivate(Some(&one)), "identity.deactivated");
    check("deactivated twice", deactivate(Some(&gone(person(1)))), "no: inactive_identity");
    check("nobody", deactivate(None), "no: unknown_identity");
    let revise = |state: Option<&Identity>, after: Identity, answerable: Option<Identity>| {
        let command =
            identity::Command::Revise { identity: after, answerable: answerable.as_ref() };
        identity::decide(state, command)
    };
    let job = workload(11, 1);
    let revised = "identity.revised";
    check("back again", revise(Some(&gone(person(1))), person(1), None), revised);
    check("another owner", revise(Some(&job), workload(11, 2), Some(person(2))), revised);
    check("no owner", revise(Some(&job), workload(11, 2), None), "no: unowned");
    // Who has left needs nobody to answer for them; who is back does.
    check("left without one", revise(Some(&job), gone(workload(11, 2)), None), revised);
    check(
        "back without one",
        revise(Some(&gone(workload(11, 2))), job.clone(), None),
        "no: unowned",
    );
    check("another identity", revise(Some(&one), person(2), None), "no: already_registered");
    check(
        "a person as a workload",
        revise(Some(&one), workload(1, 2), Some(person(2))),
        "no: already_registered",
    );
    check("nobody yet", revise(None, person(1), None), "no: unknown_identity");
    seen.covers("identity.rs");
    let left = identity::apply(Some(person(1)), &identity::Event::Deactivated {}).unwrap();
    assert!(!left.is_active_at(at(0)));
    assert_eq!(identity::apply(None, &identity::Event::Deactivated {}), None);
}

#[test]
fn an_account_is_the_handle_unless_another_is_named_for_the_target() {
    let mut profile = profile("ines");
    profile.accounts.insert("db-1".parse().unwrap(), "DOM\\ines".parse().unwrap());
    let on = |target: &str| profile.account_on(&target.parse().unwrap()).to_string();
    assert_eq!((on("db-1"), on("wiki-1")), ("DOM\\ines".to_owned(), "ines".to_owned()));
}

#[test]
fn whoever_asks_or_benefits_or_owns_them_through_any_chain_is_excluded() {
    let check = |chain: &[(u128, u128)], requester: u128, receiver: u128, expect: &[u128]| {
        let owned: BTreeMap<u128, u128> = chain.iter().copied().collect();
        let of = |n: u128| owned.get(&n).map_or_else(|| person(n), |owner| workload(n, *owner));
        let everybody = owned.iter().flat_map(|(one, owner)| [*one, *owner]);
        let known: BTreeMap<IdentityId, Identity> = everybody.map(|n| (id(n), of(n))).collect();
        let got = excluded(&of(requester), &of(receiver), &known);
        let expect: BTreeSet<IdentityId> = expect.iter().map(|n| id(*n)).collect();
        assert_eq!(got, expect, "{chain:?}: {requester} for {receiver}");
    };
    check(&[], 1, 1, &[1]);
    check(&[], 1, 2, &[1, 2]);
    check(&[(11, 2)], 1, 11, &[1, 2, 11]);
    check(&[(11, 2)], 11, 1, &[1, 2, 11]);
    check(&[(11, 12), (12, 13), (13, 3)], 1, 11, &[1, 3, 11, 12, 13]);
    check(&[(11, 2), (12, 3)], 11, 12, &[2, 3, 11, 12]);
    // Chains that meet, and a circle that nobody should have made.
    check(&[(11, 12), (13, 12), (12, 2)], 11, 13, &[2, 11, 12, 13]);
    check(&[(11, 12), (12, 11)], 1, 11, &[1, 11, 12]);
    check(&[(11, 11)], 11, 11, &[11]);
}

#[test]
fn an_entitlement_has_a_living_owner_and_a_target_and_ends_once() {
    use entitlement::Command;
    let mut seen = Seen::default();
    let register = |owner: Option<Identity>, target: Option<target::Target>| {
        let entitlement = Box::new(an_entitlement());
        let (owner, target) = (owner.as_ref(), target.as_ref());
        entitlement::decide(None, Command::Register { entitlement, owner, target })
    };
    let mut check = |case: &str, result, expect: &str| seen.check(case, result, expect);
    check("owned", register(Some(person(9)), Some(a_target())), "entitlement.registered");
    check("unowned", register(None, Some(a_target())), "no: unowned");
    check("owned by a workload", register(Some(workload(9, 1)), Some(a_target())), "no: unowned");
    check("its owner left", register(Some(gone(person(9))), Some(a_target())), "no: unowned");
    check("on nothing", register(Some(person(9)), None), "no: unknown_target");
    let other = target::Target { id: id(0x201), ..a_target() };
    check("on another target", register(Some(person(9)), Some(other)), "no: unknown_target");
    let known = an_entitlement();
    let again =
        Command::Register { entitlement: Box::new(an_entitlement()), owner: None, target: None };
    check("twice", entitlement::decide(Some(&known), again), "no: already_registered");
    let retire =
        |state: Option<&entitlement::Entitlement>| entitlement::decide(state, Command::Retire);
    check("retired", retire(Some(&known)), "entitlement.retired");
    let retired = entitlement::apply(Some(known), &entitlement::Event::Retired {}).unwrap();
    check("retired twice", retire(Some(&retired)), "no: retired_entitlement");
    check("nothing", retire(None), "no: unknown_entitlement");
    let revise = |state: Option<&entitlement::Entitlement>, after, owner: Option<Identity>, on| {
        let target: target::Target = on;
        let entitlement = Box::new(after);
        let (owner, target) = (owner.as_ref(), Some(&target));
        entitlement::decide(state, Command::Revise { entitlement, owner, target })
    };
    let owner = || Some(person(9));
    let offered = an_entitlement;
    check(
        "offered again",
        revise(Some(&retired), offered(), owner(), a_target()),
        "entitlement.revised",
    );
    check("without an owner", revise(Some(&retired), offered(), None, a_target()), "no: unowned");
    let no_more = || target::Target { retired: true, ..a_target() };
    check(
        "on a retired target",
        revise(Some(&retired), offered(), owner(), no_more()),
        "no: unknown_target",
    );
    check(
        "retired on it",
        revise(Some(&retired), retired.clone(), owner(), no_more()),
        "entitlement.revised",
    );
    let renamed = entitlement::Entitlement { name: "other".parse().unwrap(), ..offered() };
    check(
        "renamed",
        revise(Some(&retired), renamed, owner(), a_target()),
        "no: already_registered",
    );
    check("not there", revise(None, offered(), owner(), a_target()), "no: unknown_entitlement");
    seen.covers("entitlement.rs");
}

#[test]
fn a_target_has_a_living_owner_and_its_looks_change_no_record() {
    use target::Command;
    let mut seen = Seen::default();
    let register = |state: Option<&target::Target>, owner: Option<Identity>| {
        target::decide(state, Command::Register { target: a_target(), owner: owner.as_ref() })
    };
    let mut check = |case: &str, result, expect: &str| seen.check(case, result, expect);
    check("owned", register(None, Some(person(9))), "target.registered");
    check("unowned", register(None, None), "no: unowned");
    check("owned by a workload", register(None, Some(workload(9, 1))), "no: unowned");
    check("its owner left", register(None, Some(gone(person(9)))), "no: unowned");
    check("twice", register(Some(&a_target()), Some(person(9))), "no: already_registered");
    let observed = Observed {
        completeness: Completeness::Complete,
        began_at: at(0),
        count: 1,
        salt: Committed::seal(&"salt".to_owned(), "observation", [3; 16]).unwrap().0,
        root: Digest::of(b"bindings"),
        appeared: 1,
        vanished: 0,
        baseline: true,
    };
    let look = |state: Option<&target::Target>| {
        target::decide(state, Command::RecordObservation(observed.clone()))
    };
    check("a look", look(Some(&a_target())), "target.observed");
    check("a look at nothing", look(None), "no: unknown_target");
    let brake = |state: &target::Target| {
        let braked = target::Braked { findings: 40, of: 100 };
        target::decide(Some(state), Command::Brake(braked))
    };
    let release =
        |state: &target::Target, actor| target::decide(Some(state), Command::Release { actor });
    check("too much at once", brake(&a_target()), "target.braked");
    check("nothing to release", release(&a_target(), session(9)), "no: no_brake");
    let braked = target::apply(Some(a_target()), &brake(&a_target()).unwrap()[0]).unwrap();
    check("told once", brake(&braked), "");
    check("released", release(&braked, session(9)), "target.released");
    check("released by a program", release(&braked, token(9)), "no: needs_session");
    let released = release(&braked, session(9)).unwrap();
    let released = target::apply(Some(braked), &released[0]).unwrap();
    assert!(released.released && released.brake.is_none());
    let look_after = target::apply(Some(released), &target::Event::Observed(observed.clone()));
    assert!(!look_after.unwrap().released, "a release is good for one look");
    changed(&mut check);
    seen.covers("target.rs");
    let event = target::Event::Observed(observed);
    assert_eq!(target::apply(Some(a_target()), &event), Some(a_target()));
    assert_eq!(target::apply(None, &event), None);
}

/// A target that carries live grants stays where it is.
fn changed(check: &mut impl FnMut(&str, Result<Vec<target::Event>, Refusal>, &str)) {
    use target::{Command, Target};
    let owner = person(9);
    let revise = |after: Target, owner, live: &[u128]| {
        let live: Vec<_> = live.iter().map(|n| id(*n)).collect();
        let command = Command::Revise { target: after, owner, live: &live };
        target::decide(Some(&a_target()), command)
    };
    let moved = || Target { settings: BTreeMap::new(), ..a_target() };
    let retired = || Target { retired: true, ..a_target() };
    check("moved", revise(moved(), Some(&owner), &[]), "target.revised");
    check("moved while in use", revise(moved(), Some(&owner), &[GRANT]), "no: target_in_use");
    check("same place in use", revise(a_target(), Some(&owner), &[GRANT]), "target.revised");
    check("revised to retired", revise(retired(), Some(&owner), &[GRANT]), "no: target_in_use");
    check("left without an owner", revise(a_target(), None, &[]), "no: unowned");
    let other = Target { name: "db-2".parse().unwrap(), ..a_target() };
    check("renamed", revise(other, Some(&owner), &[]), "no: already_registered");
    let retire = |state: Option<&Target>, live: &[u128]| {
        let live: Vec<_> = live.iter().map(|n| id(*n)).collect();
        target::decide(state, Command::Retire { live: &live })
    };
    check("retired", retire(Some(&a_target()), &[]), "target.retired");
    check("retired twice", retire(Some(&retired()), &[]), "no: wrong_step");
    check("retired before it was there", retire(None, &[]), "no: unknown_target");
    check("retired in use", retire(Some(&a_target()), &[GRANT]), "no: target_in_use");
    let many: Vec<u128> = (GRANT..GRANT + 9).collect();
    let told = retire(Some(&a_target()), &many).unwrap_err().sentence();
    assert!(told.contains(&id::<placet_domain::id::GrantId>(GRANT).to_string()), "{told}");
    assert!(told.contains("4 more"), "{told}");
    assert_eq!(target::apply(Some(a_target()), &target::Event::Retired {}), Some(retired()));
}

#[test]
fn a_look_is_believed_up_to_a_share_of_what_is_known() {
    let check = |findings, of, unbelievable| {
        assert_eq!(target::is_unbelievable(findings, of), unbelievable, "{findings} of {of}");
    };
    check(10, 0, false);
    check(11, 0, true);
    check(11, 55, false);
    check(12, 55, true);
    check(200, 1_000, false);
    check(201, 1_000, true);
    check(u64::MAX, 1, true);
}

#[test]
fn a_team_is_registered_once() {
    let team = Team { name: "engineers".parse().unwrap(), within: BTreeSet::new() };
    let mut seen = Seen::default();
    let register =
        |state: Option<&Team>| team::decide(state, team::Command::Register(team.clone()));
    seen.check("once", register(None), "team.registered");
    seen.check("twice", register(Some(&team)), "no: already_registered");
    let revise = |state: Option<&Team>| team::decide(state, team::Command::Revise(team.clone()));
    seen.check("revised", revise(Some(&team)), "team.revised");
    let other = Team { name: "pilots".parse().unwrap(), ..team.clone() };
    seen.check("revised as another", revise(Some(&other)), "no: already_registered");
    seen.check("revised before it was there", revise(None), "no: unreadable");
    seen.covers("team.rs");
}

#[test]
fn an_organisation_is_founded_by_two_and_its_policy_adopted_by_another() {
    use organisation::Command;
    let mut seen = Seen::default();
    let founded = |administrators: &[u128]| Founded {
        verifier_key: "placet.test/log+0a1b2c3d+AQIDBA==".to_owned(),
        bundle: Digest::of(b"first"),
        catalogue: Digest::of(b"catalogue"),
        administrators: administrators.iter().map(|n| id(*n)).collect(),
    };
    let found = |names: &[u128], people: &[Identity]| {
        let command = Command::Found { founded: founded(names), administrators: people };
        organisation::decide(None, command)
    };
    let mut check = |case: &str, result, expect: &str| seen.check(case, result, expect);
    check("by two", found(&[1, 2], &[person(1), person(2)]), "organisation.founded");
    check("by one", found(&[1], &[person(1)]), "no: founders");
    check("by one twice", found(&[1], &[person(1), person(1)]), "no: founders");
    check("with a workload", found(&[1, 11], &[person(1), workload(11, 1)]), "no: founders");
    check("with one who left", found(&[1, 2], &[person(1), gone(person(2))]), "no: founders");
    check("by others than named", found(&[1, 3], &[person(1), person(2)]), "no: founders");

    let fold = |events: Result<Vec<organisation::Event>, Refusal>, state| {
        events
            .unwrap()
            .iter()
            .fold(state, |state, event| organisation::apply(state, event, at(0)))
            .unwrap()
    };
    let new = fold(found(&[1, 2], &[person(1), person(2)]), None);
    let again = Command::Found { founded: founded(&[1, 2]), administrators: &[] };
    check("twice", organisation::decide(Some(&new), again), "no: already_registered");
    let next = Digest::of(b"next");
    let propose = |state: Option<&organisation::Organisation>, bundle| {
        organisation::decide(state, Command::ProposeBundle { bundle, by: id(1) })
    };
    check("proposed", propose(Some(&new), next), "bundle.proposed");
    check("proposed before the founding", propose(None, next), "no: founders");
    check(
        "proposed though it rules",
        propose(Some(&new), Digest::of(b"first")),
        "no: bundle_rules",
    );
    let adopt = |state: &organisation::Organisation, actor| {
        organisation::decide(Some(state), Command::AdoptBundle { bundle: next, actor })
    };
    check("adopted unproposed", adopt(&new, session(2)), "no: bundle_unknown");
    let proposed = fold(propose(Some(&new), next), Some(new.clone()));
    check("adopted by its author", adopt(&proposed, session(1)), "no: bundle_own_proposal");
    check("adopted by a token", adopt(&proposed, token(2)), "no: needs_session");
    let worker = Actor::Worker { name: Worker::Reconcile };
    check("adopted by a worker", adopt(&proposed, worker), "no: needs_session");
    check("adopted by another", adopt(&proposed, session(2)), "bundle.adopted");
    let held = organisation::Held { would_end: 30, live: 100 };
    let rerule =
        |state: &organisation::Organisation, command| organisation::decide(Some(state), command);
    let what = || Stream::Organisation;
    let hold = || Command::HoldRerule { what: what(), held };
    let release = |actor| Command::ReleaseRerule { what: what(), actor };
    check("released unheld", rerule(&new, release(session(1))), "no: nothing_held");
    check("settled unheld", rerule(&new, Command::SettleRerule { what: what() }), "");
    let stopped = fold(rerule(&new, hold()), Some(new.clone()));
    check("held", rerule(&new, hold()), "rerule.held");
    check("held twice", rerule(&stopped, hold()), "");
    check("released by a token", rerule(&stopped, release(token(1))), "no: needs_session");
    check("released", rerule(&stopped, release(session(1))), "rerule.released");
    let settle = Command::SettleRerule { what: what() };
    check("settled", rerule(&stopped, settle), "rerule.released");
    let freed = fold(rerule(&stopped, release(session(1))), Some(stopped));
    assert!(freed.held.is_empty());
    let administrators = |list: &[u128]| list.iter().map(|n| id(*n)).collect();
    let recover = |named: &[Identity], left: &[u128], blank| {
        let reason = Committed::seal(&"laptops lost".to_owned(), "reason", [3; 16]).unwrap().0;
        let people = named.iter().map(|one| one.id).collect();
        let recovered = organisation::Recovered { people, none_left: left.is_empty(), reason };
        let administrators: BTreeSet<IdentityId> = administrators(left);
        let (people, administrators) = (named, &administrators);
        let command = Command::Recover { recovered, blank, people, administrators, now: at(0) };
        organisation::decide(Some(&new), command)
    };
    let two = [person(1), person(2)];
    check("let in again", recover(&two, &[1, 2, 3], false), "organisation.recovered");
    check("one of them is none", recover(&two, &[1, 3], false), "no: recovery_refused");
    check("nobody is left", recover(&two, &[], false), "organisation.recovered");
    check("nobody says why", recover(&two, &[1, 2], true), "no: recovery_refused");
    check("one alone", recover(&two[..1], &[1, 2], false), "no: recovery_refused");
    let same = [person(1), person(1)];
    check("one twice", recover(&same, &[1, 2], false), "no: recovery_refused");
    let left = [person(1), gone(person(2))];
    check("one who left", recover(&left, &[1], false), "no: recovery_refused");
    seen.covers("organisation.rs");
    let adopted = fold(adopt(&proposed, session(2)), Some(proposed));
    assert_eq!((adopted.ruling_bundle, adopted.proposals.len()), (next, 0));
}

#[test]
fn a_credential_is_for_somebody_active_and_ends_once_and_in_time() {
    use credential::Command;
    let mut seen = Seen::default();
    let issued = |kind, seconds| Issued {
        credential: id(0x1001),
        kind,
        holder: id(1),
        fingerprint: Digest::of(b"secret"),
        expires_at: at(seconds),
        opened_by: None,
        provider: None,
        passkey: None,
        scopes: Default::default(),
    };
    let issue = |kind, seconds, holder: Identity| {
        let command = Command::Issue { issued: issued(kind, seconds), holder: &holder };
        credential::decide(None, command, at(0))
    };
    let mut check = |case: &str, result, expect: &str| seen.check(case, result, expect);
    for kind in [Kind::LoginCode, Kind::Session, Kind::Token] {
        check("a person", issue(kind, 60, person(1)), "credential.issued");
        check("one who left", issue(kind, 60, gone(person(1))), "no: inactive_identity");
        check("contract over", issue(kind, 60, external(1, 2, at(0))), "no: inactive_identity");
        let expect =
            if kind == Kind::Token { "credential.issued" } else { "no: only_people_decide" };
        check("a workload", issue(kind, 60, workload(1, 2)), expect);
        // A credential may be shorter than the longest of its kind, never longer.
        let longest = longest_seconds(kind) as i64;
        for (asked, given) in
            [(60, 60), (longest, longest), (longest + 1, longest), (i64::MAX / 4_000_000, longest)]
        {
            let events = issue(kind, asked, person(1)).unwrap();
            let [credential::Event::Issued(one)] = events.as_slice() else { panic!("{events:?}") };
            assert_eq!(one.expires_at, at(given), "{kind:?} for {asked} s");
        }
    }
    let events = issue(Kind::LoginCode, 60, person(1)).unwrap();
    let fresh = credential::apply(None, &events[0], at(0)).unwrap();
    let end = |state: Option<&credential::Credential>, why, seconds| {
        credential::decide(state, Command::End(why), at(seconds))
    };
    check("used", end(Some(&fresh), Ended::Used, 59), "credential.ended");
    check("logged out", end(Some(&fresh), Ended::LoggedOut, 59), "credential.ended");
    check("used too late", end(Some(&fresh), Ended::Used, 60), "no: login_code_spent");
    check("revoked", end(Some(&fresh), Ended::Revoked, 59), "credential.ended");
    check("revoked too late", end(Some(&fresh), Ended::Revoked, 60), "no: token_over");
    check("logged out too late", end(Some(&fresh), Ended::LoggedOut, 60), "no: not_authenticated");
    check("used, never issued", end(None, Ended::Used, 0), "no: login_code_spent");
    let used = credential::Event::Ended { why: Ended::Used };
    let spent = credential::apply(Some(fresh.clone()), &used, at(9)).unwrap();
    check("used twice", end(Some(&spent), Ended::Used, 9), "no: login_code_spent");
    let again = Command::Issue { issued: issued(Kind::LoginCode, 60), holder: &person(1) };
    check("issued twice", credential::decide(Some(&fresh), again, at(0)), "no: already_registered");
    seen.covers("credential.rs");
}

fn a_finding(kind: finding::Kind) -> Opened {
    Opened {
        finding: id(0x700),
        kind,
        target: id(0x200),
        entitlement: id(0x100),
        account: Some(Committed::seal(&"eve".parse().unwrap(), "account", [4; 16]).unwrap().0),
        request: None,
        grant: None,
        owner: id(9),
        sighting: None,
        detail: "approved by nobody".to_owned(),
        due_at: Some(at(100)),
        baseline: false,
        scope: None,
    }
}

#[test]
fn a_finding_is_opened_once_answered_and_resolved_once() {
    use finding::{Accepted, Command, Kind, Tried};
    let mut seen = Seen::default();
    let on =
        |state: Option<&finding::Finding>, command, now| finding::decide(state, command, at(now));
    let fold = |state: Option<finding::Finding>, events: &[finding::Event], now| {
        events.iter().fold(state, |state, event| finding::apply(state, event, at(now))).unwrap()
    };
    let opened = || Command::Open(a_finding(Kind::Unapproved));
    let resolve = || Command::Resolve(Resolution::Done);
    let accept = |until| Command::Accept(Accepted { request: id(REQUEST), until: at(until) });
    let tried = |outcome| Command::Tried(Tried { action: id(0x600), outcome });
    seen.check("opened", on(None, opened(), 0), "finding.opened");
    for nothing in [resolve(), accept(50), Command::Reopen, tried(Outcome::Done)] {
        seen.check("of nothing", on(None, nothing, 0), "no: unknown_finding");
    }
    let one = fold(None, &on(None, opened(), 0).unwrap(), 0);
    assert!(!one.is_overdue_at(at(99)) && one.is_overdue_at(at(100)));
    seen.check("opened twice", on(Some(&one), opened(), 0), "no: wrong_step");

    seen.check("borne", on(Some(&one), accept(50), 10), "finding.accepted");
    seen.check("borne until a day gone by", on(Some(&one), accept(10), 10), "no: not_acceptable");
    let borne = fold(Some(one.clone()), &on(Some(&one), accept(50), 10).unwrap(), 10);
    assert_eq!((borne.state.as_str(), borne.work_at), ("accepted", Some(at(50))));
    assert!(!borne.is_overdue_at(at(200)), "what is borne is not overdue");
    seen.check("before its day", on(Some(&borne), Command::Reopen, 49), "no: wrong_step");
    seen.check("on its day", on(Some(&borne), Command::Reopen, 50), "finding.reopened");
    let again = fold(Some(borne.clone()), &on(Some(&borne), Command::Reopen, 50).unwrap(), 50);
    assert_eq!((again.state.as_str(), again.work_at), ("open", None));
    for kind in [Kind::Overstayed, Kind::Stuck] {
        let late = fold(None, &on(None, Command::Open(a_finding(kind)), 0).unwrap(), 0);
        seen.check("an end is never borne", on(Some(&late), accept(50), 0), "no: not_acceptable");
        let remove = Command::OrderRemoval { by: id(9) };
        seen.check("it has a grant", on(Some(&late), remove, 0), "no: nothing_to_remove");
    }

    let order = || Command::OrderRemoval { by: id(9) };
    seen.check("not ordered", on(Some(&one), tried(Outcome::Done), 5), "no: wrong_step");
    seen.check("removed", on(Some(&borne), order(), 20), "finding.removal_ordered");
    let ordered = fold(Some(borne), &on(Some(&one), order(), 20).unwrap(), 20);
    assert_eq!((ordered.state.as_str(), ordered.work_at), ("open", Some(at(20))));
    seen.check("ordered twice", on(Some(&ordered), order(), 21), "no: removal_ordered");
    let failed = || tried(Outcome::Failed { why: "down".to_owned() });
    let intend = || Command::IntendRemoval { action: id(0x600) };
    seen.check("not intended", on(Some(&ordered), failed(), 21), "no: wrong_step");
    seen.check("too early", on(Some(&ordered), intend(), 19), "no: wrong_step");
    seen.check("not ordered", on(Some(&again), intend(), 60), "no: wrong_step");
    let mut trying = ordered;
    let mut now = 21;
    for (attempt, wait) in [(1, 1), (2, 2), (3, 4)] {
        seen.check("intended", on(Some(&trying), intend(), now), "finding.removal_intended");
        let events = on(Some(&trying), intend(), now).unwrap();
        trying = fold(Some(trying), &events, now);
        seen.check("under way", on(Some(&trying), intend(), now + 1), "no: wrong_step");
        assert_eq!(trying.work_at, Some(at(now + 30)), "until the call is surely over");
        seen.check("tried", on(Some(&trying), failed(), now), "finding.removal_tried");
        let events = on(Some(&trying), failed(), now).unwrap();
        trying = fold(Some(trying), &events, now);
        let removal = trying.removal.clone().unwrap();
        assert_eq!((removal.attempts, trying.work_at), (attempt, Some(at(now + wait))));
        now += wait;
    }

    seen.check("resolved", on(Some(&trying), resolve(), 30), "finding.resolved");
    let done = fold(Some(trying.clone()), &on(Some(&trying), resolve(), 30).unwrap(), 30);
    assert_eq!((done.state.as_str(), done.resolved_at), ("resolved", Some(at(30))));
    assert_eq!(done.work_at, None, "nobody works on what is resolved");
    for late in [resolve(), accept(50), Command::Reopen, order(), tried(Outcome::Done)] {
        seen.check("after it was resolved", on(Some(&done), late, 40), "no: wrong_step");
    }
    seen.covers("finding.rs");
}

#[test]
fn a_delegation_is_dated_and_gives_no_right_of_its_own() {
    use placet_domain::delegation::{self, Command};
    let mut seen = Seen::default();
    let make = |from: u128, to: u128, actor, starts: i64, ends: Option<i64>| {
        let (from, to) = (person(from), if to == 11 { workload(11, 1) } else { person(to) });
        let command = Command::Make {
            delegation: id(0x800),
            actor,
            from: &from,
            to: &to,
            starts_at: at(starts),
            ends_at: ends.map(at),
        };
        delegation::decide(None, command, at(10))
    };
    seen.check("made", make(1, 2, session(1), 10, Some(100)), "delegation.made");
    seen.check("without an end", make(1, 2, session(1), 10, None), "no: delegation_without_end");
    seen.check(
        "over before it began",
        make(1, 2, session(1), 10, Some(10)),
        "no: delegation_without_end",
    );
    seen.check("in the past", make(1, 2, session(1), 1, Some(9)), "no: delegation_without_end");
    let day = 86_400;
    let too_long = make(1, 2, session(1), 10, Some(10 + 90 * day + 1));
    seen.check("longer than 90 days", too_long, "no: delegation_without_end");
    seen.check("to oneself", make(1, 1, session(1), 10, Some(100)), "no: delegation_to_self");
    seen.check("to a workload", make(1, 11, session(1), 10, Some(100)), "no: only_people_decide");
    seen.check("by a token", make(1, 2, token(1), 10, Some(100)), "no: needs_session");
    let left = gone(person(2));
    let to_one_who_left = Command::Make {
        delegation: id(0x800),
        actor: session(1),
        from: &person(1),
        to: &left,
        starts_at: at(10),
        ends_at: Some(at(100)),
    };
    let to_one_who_left = delegation::decide(None, to_one_who_left, at(10));
    seen.check("to one who left", to_one_who_left, "no: inactive_identity");
    seen.check("by another", make(1, 2, session(3), 10, Some(100)), "no: needs_session");

    let made = make(1, 2, session(1), 10, Some(100)).unwrap();
    let one = delegation::apply(None, &made[0], at(10)).unwrap();
    let valid = |now| one.is_valid_at(at(now));
    assert_eq!([valid(9), valid(10), valid(99), valid(100)], [false, true, true, false]);
    let end =
        |state, by: u128, now| delegation::decide(state, Command::End { by: id(by) }, at(now));
    seen.check("of others", end(Some(&one), 3, 20), "no: not_yours");
    seen.check("of nothing", end(None, 1, 20), "no: unknown_delegation");
    seen.check("by the delegate", end(Some(&one), 2, 20), "delegation.ended");
    let over = delegation::apply(Some(one.clone()), &end(Some(&one), 1, 20).unwrap()[0], at(20));
    let over = over.unwrap();
    assert!(over.is_valid_at(at(19)) && !over.is_valid_at(at(20)));
    seen.check("twice", end(Some(&over), 1, 30), "no: wrong_step");
    seen.check("after its end", end(Some(&one), 1, 100), "no: wrong_step");
    let again = Command::Make {
        delegation: id(0x800),
        actor: session(1),
        from: &person(1),
        to: &person(2),
        starts_at: at(10),
        ends_at: Some(at(100)),
    };
    let again = delegation::decide(Some(&one), again, at(10));
    seen.check("made twice", again, "no: already_registered");
    seen.covers("delegation.rs");
}

#[test]
fn the_lists_that_policy_is_asked_about_are_closed_and_speak_plainly() {
    let scopes: Vec<&str> = Scope::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(scopes, ["mine", "reports", "owned", "emergencies", "everything"]);
    for deed in Deed::ALL {
        // One name for policies, one for JSON.
        assert_eq!(serde_json::to_value(deed).unwrap(), deed.as_str());
        assert!(deed.words().contains(' ') && !deed.words().ends_with('.'));
    }
    for scope in Scope::ALL {
        assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
    }
    let without: Vec<&str> =
        Deed::ALL.iter().filter(|one| !one.needs_session()).map(|one| one.as_str()).collect();
    let ends_or_reads = ["propose_bundle", "propose_catalogue", "report_ending", "export_evidence"];
    assert_eq!(without, ends_or_reads, "every other deed is a decision");
    let deeds: BTreeSet<&str> = Deed::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(deeds.len(), Deed::ALL.len());
}

#[test]
fn an_event_in_a_stream_that_is_not_its_own_is_misplaced() {
    let registered: Event = identity::Event::Registered(person(1)).into();
    let check = |stream: Stream, state, event: &Event, expect: &str| {
        let got = match state::apply(&stream, state, event, at(0)) {
            Ok(state) => format!("{}", state.is_some()),
            Err(misplaced) => misplaced.to_string(),
        };
        assert_eq!(got, expect);
    };
    let one = || Some(state::State::Identity(person(1)));
    check(Stream::Identity(id(1)), None, &registered, "true");
    let misplaced = "event `identity.registered` cannot follow in stream `organisation`";
    check(Stream::Organisation, None, &registered, misplaced);
    let early: Event = identity::Event::Deactivated {}.into();
    let misplaced =
        format!("event `identity.deactivated` cannot follow in stream `{}`", person(1).id);
    check(Stream::Identity(id(1)), None, &early, &misplaced);
    let team = Event::from(team::Event::Registered(Team {
        name: "engineers".parse().unwrap(),
        within: BTreeSet::new(),
    }));
    let misplaced = "event `team.registered` cannot follow in stream `team_engineers`";
    check(Stream::Team("engineers".parse().unwrap()), one(), &team, misplaced);
    // A seal changes nothing, wherever it stands.
    let sealed = trail::Event::Sealed(trail::Sealed { entries: 1, head: Digest::of(b"") }).into();
    check(Stream::Identity(id(1)), one(), &sealed, "true");
    check(Stream::Identity(id(1)), None, &sealed, "false");
    let state = one().unwrap();
    assert_eq!(state.sets(), ["identities"]);
    assert_eq!(outcome::<Event>(Ok(vec![registered])), "identity.registered");
}
