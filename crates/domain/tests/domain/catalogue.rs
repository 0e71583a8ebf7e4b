//! Changes of the catalogue: which facts widen, who adopts them, and that nobody helps themselves.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::canonical::Digest;
use placet_domain::catalogue::{Change, Changes, Effect, Names, Planned, Stake, helps_own};
use placet_domain::entitlement::{Entitlement, Privilege};
use placet_domain::handover::{self, Handover, Heir, Opened, Settled};
use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::{External, Identity, Kind, Login, Nature, Profile};
use placet_domain::length::Length;
use placet_domain::organisation::Held;
use placet_domain::proposal::{self, OPEN_SECONDS, Proposal, Proposed};
use placet_domain::schedule::{self, Command, Schedule};
use placet_domain::target::Target;
use placet_domain::team::Team;
use placet_domain::{Refusal, committed::Committed};

use crate::build::{
    Seen, at, entitlement as an_entitlement, external, gone, id, person, session,
    target as a_target, token, workload,
};

fn sealed(name: &str, accounts: &[(&str, &str)]) -> (Committed<Profile>, Profile) {
    let profile = Profile {
        handle: "ines".parse().unwrap(),
        name: name.to_owned(),
        accounts: accounts
            .iter()
            .map(|(target, account)| (target.parse().unwrap(), account.parse().unwrap()))
            .collect(),
        mail: None,
        logins: BTreeSet::new(),
    };
    (Committed::seal(&profile, "profile", [5; 16]).unwrap().0, profile)
}

fn names(profiles: &[(Committed<Profile>, Profile)]) -> Names {
    let profiles = profiles.iter().map(|(one, value)| (one.commitment(), value.clone()));
    Names {
        identities: [(id(1), "ines".to_owned()), (id(9), "olga".to_owned())].into(),
        targets: [(id(0x200), "db-1".to_owned())].into(),
        entitlements: BTreeMap::new(),
        profiles: profiles.collect(),
    }
}

fn teams(names: &[&str]) -> BTreeSet<placet_domain::name::TeamName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// One line a difference, as people would read it: `widens teams: - -> x`.
fn told(change: &Change, names: &Names) -> Vec<String> {
    let side = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
    let line = |one: placet_domain::catalogue::Line| {
        format!("{} {}: {} -> {}", one.effect.as_str(), one.fact, side(one.old), side(one.new))
    };
    change.lines(names).into_iter().map(line).collect()
}

fn identity(before: Identity, after: Identity) -> Change {
    Change::Identity { before: Some(Box::new(before)), after: Box::new(after) }
}

fn entitlement(change: impl FnOnce(&mut Entitlement)) -> Change {
    let before = an_entitlement();
    let mut after = before.clone();
    change(&mut after);
    Change::Entitlement { before: Some(Box::new(before)), after: Box::new(after) }
}

#[test]
fn every_fact_of_a_person_says_which_way_it_widens() {
    let one = || person(1);
    let check = |before: Identity, after: Identity, expect: &[&str]| {
        assert_eq!(told(&identity(before, after), &names(&[])), expect);
    };
    check(one(), one(), &[]);
    let risk = |risk| Identity { risk, ..one() };
    check(risk(10), risk(80), &["narrows risk: 10 -> 80"]);
    check(risk(80), risk(10), &["widens risk: 80 -> 10"]);
    check(one(), gone(one()), &["narrows state: active -> has left"]);
    check(gone(one()), one(), &["widens state: has left -> active"]);
    let within = |list: &[&str]| Identity { teams: teams(list), ..one() };
    check(
        within(&["a", "b"]),
        within(&["b", "c"]),
        &["widens teams: a -> -", "widens teams: - -> c"],
    );
    let reports = |to: Option<u128>| Identity {
        is: Nature::Human { manager: to.map(id), external: None },
        ..one()
    };
    check(reports(None), reports(Some(9)), &["widens manager: - -> olga"]);
    check(reports(Some(9)), reports(None), &["widens manager: olga -> -"]);
    let scheduled = Identity { schedule: Some("desk".parse().unwrap()), ..one() };
    check(one(), scheduled, &["widens schedule: - -> desk"]);
    let ends = |seconds| external(5, 9, at(seconds));
    let shorter = told(&identity(ends(200), ends(100)), &names(&[]));
    assert!(shorter.len() == 1 && shorter[0].starts_with("narrows contract_ends"), "{shorter:?}");
    let longer = told(&identity(ends(100), ends(200)), &names(&[]));
    assert!(longer[0].starts_with("widens contract_ends"), "{longer:?}");
    let Nature::Human { external: Some(External { sponsor, .. }), .. } = ends(100).is else {
        panic!("somebody from outside")
    };
    let inside = Identity { is: Nature::Human { manager: None, external: None }, ..ends(100) };
    let told_inside = told(&identity(ends(100), inside), &names(&[]));
    assert!(
        told_inside.iter().any(
            |line| *line == format!("widens sponsor: {} -> -", names(&[]).identities[&sponsor])
        ),
        "{told_inside:?}"
    );
}

#[test]
fn of_a_profile_only_the_name_is_no_business_of_policy() {
    let (plain, named, moved) =
        (sealed("Ines", &[]), sealed("Ines Duarte", &[]), sealed("Ines", &[("db-1", "p-ines")]));
    let of = |profile: &(Committed<Profile>, Profile)| Identity { profile: profile.0, ..person(1) };
    let known = names(&[plain.clone(), named.clone(), moved.clone()]);
    let change = |after| identity(of(&plain), of(after));
    assert_eq!(told(&change(&named), &known), ["neutral name: Ines -> Ines Duarte"]);
    assert_eq!(told(&change(&moved), &known), ["widens accounts: - -> p-ines on db-1"]);
    let with = |logins: &[(&str, &str)]| {
        let (_, mut profile) = sealed("Ines", &[]);
        for (issuer, subject) in logins {
            let (issuer, subject) = (issuer.parse().unwrap(), subject.parse().unwrap());
            profile.logins.insert(Login { issuer, subject });
        }
        (Committed::seal(&profile, "profile", [6; 16]).unwrap().0, profile)
    };
    let (id_1, id_2) = (("https://id.example", "1"), ("https://id.example", "2"));
    let (none, first, second, both) =
        (with(&[]), with(&[id_1]), with(&[id_2]), with(&[id_1, id_2]));
    let known_logins = names(&[none.clone(), first.clone(), second.clone(), both.clone()]);
    let check = |before: &_, after: &_, expect: &[&str]| {
        assert_eq!(told(&identity(of(before), of(after)), &known_logins), expect);
    };
    check(&none, &first, &["widens logins: - -> 1 at https://id.example"]);
    check(&both, &first, &["narrows logins: 2 at https://id.example -> -"]);
    check(
        &first,
        &second,
        &[
            "narrows logins: 1 at https://id.example -> -",
            "widens logins: - -> 2 at https://id.example",
        ],
    );
    // What cannot be opened any more may have been anything.
    let blind = told(&change(&named), &names(&[]));
    assert!(blind.len() == 1 && blind[0].starts_with("widens profile"), "{blind:?}");
}

#[test]
fn every_fact_of_an_entitlement_says_which_way_it_widens() {
    let check = |change: Change, expect: &[&str]| assert_eq!(told(&change, &names(&[])), expect);
    let longest = |text: &str| Length::parse(text).unwrap();
    let base = an_entitlement().longest;
    check(
        entitlement(|one| one.longest = longest("1h")),
        &[&format!("narrows longest: {base} -> 1 h")],
    );
    check(
        entitlement(|one| one.longest = longest("300d")),
        &[&format!("widens longest: {base} -> 300 d")],
    );
    check(entitlement(|one| one.retired = true), &["narrows state: offered -> retired"]);
    let offered = an_entitlement().offered_to.first().unwrap().clone();
    check(
        entitlement(|one| one.offered_to = teams(&["other"])),
        &[&format!("narrows offered_to: {offered} -> -"), "widens offered_to: - -> other"],
    );
    check(
        entitlement(|one| one.holders = [Kind::Agent].into()),
        &[
            "narrows holders: human -> -",
            "narrows holders: service -> -",
            "widens holders: - -> agent",
        ],
    );
    check(entitlement(|one| one.owner = id(1)), &["widens owner: olga -> ines"]);
    check(entitlement(|one| one.terms.sensitivity = 1), &["widens sensitivity: 4 -> 1"]);
    check(
        entitlement(|one| one.conflicts = [id(0x101)].into()),
        &["narrows conflicts: - -> ent_00000000000000000000000000000101"],
    );
    check(
        entitlement(|one| one.packs = ["low-risk".parse().unwrap()].into()),
        &["widens packs: - -> low-risk"],
    );
    for change in [
        entitlement(|one| one.terms.privilege = Privilege::Read),
        entitlement(|one| one.terms.native = "another".parse().unwrap()),
        entitlement(|one| one.terms.scope.push('!')),
        entitlement(|one| one.owners = "another".parse().unwrap()),
        entitlement(|one| one.power_over_placet = true),
    ] {
        assert!(change.widens(&names(&[])), "{change:?}");
    }
}

#[test]
fn whatever_is_new_and_whatever_is_in_doubt_widens() {
    let known = names(&[]);
    let fresh = [
        Change::Team {
            before: None,
            after: Team { name: "a".parse().unwrap(), within: teams(&[]) },
        },
        Change::Schedule { before: None, after: Schedule::usual() },
        Change::Identity { before: None, after: Box::new(person(1)) },
        Change::Identity { before: None, after: Box::new(workload(11, 1)) },
        Change::Target { before: None, after: a_target() },
        Change::Entitlement { before: None, after: Box::new(an_entitlement()) },
    ];
    for change in fresh {
        let lines = change.lines(&known);
        assert!(change.is_new() && change.widens(&known), "{change:?}");
        assert_eq!((lines[0].fact.as_str(), lines[0].effect), ("record", Effect::Widens));
    }
    let team = |list: &[&str]| Team { name: "a".parse().unwrap(), within: teams(list) };
    for (before, after) in [(team(&["b"]), team(&[])), (team(&[]), team(&["b"]))] {
        assert!(Change::Team { before: Some(before), after }.widens(&known));
    }
    let later = Schedule { opens: "10:00".parse().unwrap(), ..Schedule::usual() };
    assert!(Change::Schedule { before: Some(Schedule::usual()), after: later }.widens(&known));
    let target = |after: Target| Change::Target { before: Some(a_target()), after };
    assert!(target(Target { owner: id(1), ..a_target() }).widens(&known));
    assert!(target(Target { settings: BTreeMap::new(), ..a_target() }).widens(&known));
    assert!(!target(Target { retired: true, ..a_target() }).widens(&known));
}

fn stake(who: &str) -> Stake {
    Stake {
        who: who.to_owned(),
        what: "req_1".to_owned(),
        entitlement: an_entitlement().id,
        target: a_target().id,
        people: [id(1), id(2)].into(),
        teams: teams(&["platform", "engineers"]),
    }
}

fn changes(list: Vec<Change>) -> Changes {
    Changes { planned: list.into_iter().map(|change| Planned { base: 1, change }).collect() }
}

/// Glide's issue 655: a rule changed by whom it governs.
#[test]
fn glide_655_a_rule_is_not_changed_by_whom_it_governs() {
    let helps = |change: Change| helps_own(&changes(vec![change]), &[stake("you")], &names(&[]));
    let refused = |change: Change| match helps(change.clone()) {
        Err(Refusal::HelpsOwnRequest { who, what, .. }) => {
            assert_eq!((who.as_str(), what.as_str()), ("you", "req_1"))
        }
        other => panic!("{change:?}: {other:?}"),
    };
    let other = |n: u128, list: &[&str]| Identity { teams: teams(list), ..person(n) };
    // What is asked for, and where it is.
    refused(entitlement(|one| one.longest = Length::LONGEST));
    refused(entitlement(|one| one.owners = "friends".parse().unwrap()));
    refused(entitlement(|one| {
        one.offered_to.insert("friends".parse().unwrap());
    }));
    refused(Change::Target {
        before: Some(a_target()),
        after: Target { owner: id(7), ..a_target() },
    });
    // Themselves, and whoever manages or owns them.
    refused(identity(Identity { risk: 90, ..person(1) }, person(1)));
    refused(identity(person(2), other(2, &["anything"])));
    // Whoever would become an approver, or stop being one.
    refused(identity(person(7), other(7, &["platform"])));
    refused(identity(other(7, &["platform"]), person(7)));
    refused(identity(gone(other(7, &["platform"])), other(7, &["platform"])));
    refused(Change::Identity { before: None, after: Box::new(other(8, &["platform"])) });
    let nested = Team { name: "guests".parse().unwrap(), within: teams(&["platform"]) };
    refused(Change::Team { before: None, after: nested });
    // What only narrows helps nobody, and what is elsewhere does not concern them.
    let fine = |change: Change| assert_eq!(helps(change), Ok(()));
    fine(entitlement(|one| one.longest = Length::SHORTEST));
    fine(identity(other(7, &["platform"]), gone(other(7, &["platform"]))));
    fine(identity(person(7), other(7, &["gardeners"])));
    fine(Change::Team {
        before: None,
        after: Team { name: "z".parse().unwrap(), within: teams(&[]) },
    });
    let elsewhere = Entitlement { id: id(0x1ff), ..an_entitlement() };
    fine(Change::Entitlement { before: None, after: Box::new(elsewhere) });
    assert_eq!(
        helps_own(&changes(vec![entitlement(|one| one.owner = id(1))]), &[], &names(&[])),
        Ok(())
    );
}

#[test]
fn a_proposal_is_adopted_by_another_person_in_time() {
    use proposal::Command;
    let mut seen = Seen::default();
    let proposed = || Proposed {
        proposal: id(0x800),
        by: id(1),
        changes: Digest::of(b"changes"),
        records: 2,
        lapses_at: at(OPEN_SECONDS.try_into().unwrap()),
    };
    let fold = |state: Option<Proposal>, command| {
        let events = proposal::decide(state.as_ref(), command, at(1)).unwrap();
        events.iter().fold(state, |state, event| proposal::apply(state, event, at(1)))
    };
    let open = fold(None, Command::Propose(proposed())).unwrap();
    let mut check = |case: &str, state: Option<&Proposal>, command, now: i64, expect: &str| {
        seen.check(case, proposal::decide(state, command, at(now)), expect);
    };
    let late = i64::try_from(OPEN_SECONDS).unwrap();
    let adopt = |actor| Command::Adopt { actor };
    let reject = |actor| Command::Reject { actor, reason: None };
    check("proposed", None, Command::Propose(proposed()), 0, "catalogue.proposed");
    check("twice", Some(&open), Command::Propose(proposed()), 0, "no: already_registered");
    check("adopted before", None, adopt(session(2)), 0, "no: unknown_proposal");
    check("adopted by its author", Some(&open), adopt(session(1)), 2, "no: own_proposal");
    check("adopted by a program", Some(&open), adopt(token(2)), 2, "no: needs_session");
    check("adopted too late", Some(&open), adopt(session(2)), late, "no: proposal_closed");
    check("adopted by another", Some(&open), adopt(session(2)), 2, "catalogue.adopted");
    check("rejected by its author", Some(&open), reject(session(1)), 2, "no: own_proposal");
    check("rejected by another", Some(&open), reject(session(2)), 2, "catalogue.rejected");
    check("withdrawn", Some(&open), Command::Withdraw { by: id(1) }, 2, "catalogue.withdrawn");
    check("withdrawn by another", Some(&open), Command::Withdraw { by: id(2) }, 2, "no: not_yours");
    check("lapsing early", Some(&open), Command::Lapse, 2, "no: wrong_step");
    check("lapsing", Some(&open), Command::Lapse, late, "catalogue.lapsed");
    for command in [adopt(session(2)), reject(session(2)), Command::Withdraw { by: id(1) }] {
        let closed = fold(Some(open.clone()), command).unwrap();
        check("adopted again", Some(&closed), adopt(session(3)), 2, "no: proposal_closed");
        check("lapsing then", Some(&closed), Command::Lapse, late, "no: proposal_closed");
        // An event that cannot follow changes nothing.
        let after = proposal::apply(Some(closed.clone()), &proposal::Event::Lapsed {}, at(9));
        assert_eq!(after, Some(closed));
    }
    seen.covers("proposal.rs");
}

#[test]
fn what_is_handed_over_is_settled_once_by_whoever_has_it_now() {
    use handover::Command;
    let mut seen = Seen::default();
    let opened = || Opened {
        handover: id(0x900),
        what: Stream::Entitlement(id(0x100)),
        from: id(1),
        to: id(2),
        heir: Heir::Manager,
        settle_by: at(100),
    };
    let event = handover::Event::Opened(opened());
    let waits = handover::apply(None, &event, at(1)).unwrap();
    let mut check = |case: &str, state: Option<&Handover>, command, expect: &str| {
        seen.check(case, handover::decide(state, command), expect);
    };
    check("opened", None, Command::Open(opened()), "handover.opened");
    check("opened twice", Some(&waits), Command::Open(opened()), "no: already_registered");
    let keep = |actor| Command::Keep { actor };
    check("kept before", None, keep(session(2)), "no: unknown_handover");
    check("kept by another", Some(&waits), keep(session(1)), "no: not_yours");
    check("kept by a program", Some(&waits), keep(token(2)), "no: needs_session");
    check("kept", Some(&waits), keep(session(2)), "handover.settled");
    check("passed on", Some(&waits), Command::Settle(Settled::PassedOn), "handover.settled");
    let settled = handover::Event::Settled { how: Settled::Kept };
    let kept = handover::apply(Some(waits), &settled, at(2)).unwrap();
    check("kept twice", Some(&kept), keep(session(2)), "no: wrong_step");
    seen.covers("handover.rs");
}

#[test]
fn whoever_is_nearest_and_alive_answers_next() {
    let heir = |ways: &[(Heir, Identity)]| {
        let ways = ways.iter().map(|(heir, one)| (*heir, one));
        handover::heir(id(1), ways, at(0)).map(|(heir, _)| heir)
    };
    let (manager, owner, security) = (Heir::Manager, Heir::TargetOwner, Heir::Security);
    assert_eq!(heir(&[(manager, person(2)), (owner, person(3))]), Some(manager));
    assert_eq!(heir(&[(manager, gone(person(2))), (owner, person(3))]), Some(owner));
    // Who leaves is no heir of their own, and neither is a workload or a contract that is over.
    assert_eq!(heir(&[(owner, person(1)), (security, person(4))]), Some(security));
    assert_eq!(heir(&[(owner, workload(11, 2)), (security, external(5, 2, at(0)))]), None);
}

#[test]
fn schedules_are_registered_and_revised_under_one_name() {
    let mut seen = Seen::default();
    let usual = Schedule::usual;
    let mut check = |case: &str, state: Option<&Schedule>, command, expect: &str| {
        seen.check(case, schedule::decide(state, command), expect);
    };
    check("registered", None, Command::Register(usual()), "schedule.registered");
    check("twice", Some(&usual()), Command::Register(usual()), "no: already_registered");
    check("revised", Some(&usual()), Command::Revise(usual()), "schedule.revised");
    check("revised before", None, Command::Revise(usual()), "no: no_schedule");
    seen.covers("schedule.rs");
}

#[test]
fn the_brake_lets_a_few_and_a_small_share_end() {
    let stops = |would_end, live| Held { would_end, live }.stops();
    assert!(!stops(0, 0) && !stops(10, 10) && !stops(11, 55) && !stops(200, 1_000));
    assert!(stops(11, 54) && stops(201, 1_000) && stops(11, 11));
}

#[test]
fn a_change_names_exactly_what_it_changes() {
    let one = changes(vec![entitlement(|one| one.owner = id(1))]);
    let mut moved = one.clone();
    moved.planned[0].base = 2;
    let digest = |one: &Changes| one.digest().unwrap();
    assert_ne!(digest(&one), digest(&moved), "the version that it was made on counts");
    let text = placet_domain::canonical::text(&one).unwrap();
    assert_eq!(serde_json::from_str::<Changes>(&text).unwrap(), one);
    let known: IdentityId = id(1);
    assert_eq!(one.planned[0].change.stream(), Stream::Entitlement(an_entitlement().id));
    assert_eq!(identity(person(1), person(1)).stream(), Stream::Identity(known));
}
