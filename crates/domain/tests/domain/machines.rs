//! The smaller machines, case by case: who may be registered, adopted, retired, logged in; and
//! the closed lists that policy is asked about.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::access::{Deed, Scope};
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
    Seen, at, entitlement as an_entitlement, external, gone, id, outcome, person, profile, session,
    target as a_target, token, workload,
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
    seen.covers("target.rs");
    let event = target::Event::Observed(observed);
    assert_eq!(target::apply(Some(a_target()), &event), Some(a_target()));
    assert_eq!(target::apply(None, &event), None);
}

#[test]
fn a_team_is_registered_once() {
    let team = Team { name: "engineers".parse().unwrap(), within: BTreeSet::new() };
    let mut seen = Seen::default();
    let register =
        |state: Option<&Team>| team::decide(state, team::Command::Register(team.clone()));
    seen.check("once", register(None), "team.registered");
    seen.check("twice", register(Some(&team)), "no: already_registered");
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
    check("logged out too late", end(Some(&fresh), Ended::LoggedOut, 60), "no: not_authenticated");
    check("used, never issued", end(None, Ended::Used, 0), "no: login_code_spent");
    let used = credential::Event::Ended { why: Ended::Used };
    let spent = credential::apply(Some(fresh.clone()), &used, at(9)).unwrap();
    check("used twice", end(Some(&spent), Ended::Used, 9), "no: login_code_spent");
    let again = Command::Issue { issued: issued(Kind::LoginCode, 60), holder: &person(1) };
    check("issued twice", credential::decide(Some(&fresh), again, at(0)), "no: already_registered");
    seen.covers("credential.rs");
}

#[test]
fn a_finding_is_opened_once_and_resolved_once() {
    use finding::Command;
    let mut seen = Seen::default();
    let opened = Opened {
        finding: id(0x700),
        kind: finding::Kind::Unapproved,
        target: id(0x200),
        entitlement: id(0x100),
        account: Committed::seal(&"eve".parse().unwrap(), "account", [4; 16]).unwrap().0,
        request: None,
        grant: None,
        owner: id(9),
        sighting: None,
        detail: "approved by nobody".to_owned(),
    };
    let open =
        |state: Option<&finding::Finding>| finding::decide(state, Command::Open(opened.clone()));
    let resolve = |state: Option<&finding::Finding>| {
        finding::decide(state, Command::Resolve(Resolution::Done))
    };
    seen.check("opened", open(None), "finding.opened");
    seen.check("nothing resolved", resolve(None), "no: unknown_finding");
    let one = finding::apply(None, &open(None).unwrap()[0], at(0)).unwrap();
    seen.check("opened twice", open(Some(&one)), "no: wrong_step");
    seen.check("resolved", resolve(Some(&one)), "finding.resolved");
    let done = finding::apply(Some(one.clone()), &resolve(Some(&one)).unwrap()[0], at(5)).unwrap();
    assert_eq!((done.state.as_str(), done.resolved_at), ("resolved", Some(at(5))));
    seen.check("resolved twice", resolve(Some(&done)), "no: wrong_step");
    seen.covers("finding.rs");
}

#[test]
fn the_lists_that_policy_is_asked_about_are_closed_and_speak_plainly() {
    let scopes: Vec<&str> = Scope::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(scopes, ["mine", "reports", "owned", "everything"]);
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
    assert_eq!(without, ["propose_bundle", "export_evidence"], "every other deed is a decision");
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
