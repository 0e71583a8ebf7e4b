//! The questions one by one, what they need loaded, and that every slice fits the schema.

use cedar_policy::{Entities, Schema};
use placet_domain::access::{Deed, Scope};
use placet_domain::name::StageName;

use super::*;
use crate::Sources;

fn stage(name: &str) -> StageName {
    name.parse().unwrap()
}

#[test]
fn candidates_are_exactly_those_who_may_approve() {
    let (town, policies) = (Town::new(), loaded(&shipped()));
    let world = town.world();
    let mut asking = policies.asking(&world, now());
    let mut ask = town.ask("olga", "olga", "prod-db-admin", "1h");
    // Whoever agreed stays eligible, and takes nobody else's place.
    ask.approvers = BTreeSet::from([town.who("piotr"), town.who("sven")]);
    let candidates = asking.candidates(&ask, policies.stages());
    let people = ["mara", "piotr", "sven", "sara", "dora"];
    let named = |name: &str| town.names(&candidates[&stage(name)], &people);
    assert_eq!(named("manager"), ["mara"]);
    assert_eq!(named("owner"), ["piotr"]);
    assert_eq!(named("security"), ["sara", "sven"]);
    assert_eq!(named("data_steward"), ["dora"]);
    for (stage, eligible) in &candidates {
        for person in world.identities.keys() {
            let ruling = asking.may_approve(&ask, stage, *person);
            assert_eq!(ruling.permit, eligible.contains(person), "{stage} {person}");
        }
    }
}

#[test]
fn an_approval_that_counts_stays_eligible_and_is_not_given_twice() {
    let (town, policies) = (Town::new(), loaded(&shipped()));
    let world = town.world();
    let mut asking = policies.asking(&world, now());
    let mut ask = town.ask("ines", "ines", "dev-deploy", "1h");
    let (mara, manager) = (town.who("mara"), stage("manager"));
    ask.approvers.insert(mara);
    assert!(asking.may_approve(&ask, &manager, mara).permit);
    let again = asking.may_approve_anew(&ask, &manager, mara);
    assert_eq!(again.cite().policies, ["approve.once"]);
}

#[test]
fn sources_say_whom_to_load() {
    let policies = loaded(&shipped());
    let sources = |name: &str| policies.sources(&stage(name)).cloned().unwrap();
    assert_eq!(sources("manager"), Sources { managers: true, ..Sources::default() });
    assert_eq!(sources("owner"), Sources { owners: true, ..Sources::default() });
    let teams = BTreeSet::from(["security-reviewers".parse().unwrap()]);
    assert_eq!(sources("security"), Sources { teams, ..Sources::default() });
    assert_eq!(policies.sources(&stage("legal")), None);
    let anybody = edited(APPROVE, "principal in Team::\"data-stewards\"", "principal");
    let policies = loaded(&anybody);
    assert!(policies.sources(&stage("data_steward")).unwrap().anybody);
}

#[test]
fn a_fact_that_was_not_loaded_refuses() {
    let (mut town, policies) = (Town::new(), loaded(&shipped()));
    let ask = town.ask("ines", "ines", "dev-db-read", "1h");
    let refused = |town: &Town, expect: &str| {
        let world = town.world();
        let mut asking = policies.asking(&world, now());
        let solved = asking.solve(&ask);
        assert!(solved.route.is_none() && !solved.ruling.permit);
        assert!(solved.ruling.errors[0].contains(expect), "{:?}", solved.ruling.errors);
        let counters = policies.stages().map(|stage| (stage.clone(), 9)).collect();
        assert!(!asking.may_grant(&ask, &counters, None).permit);
        assert!(!asking.may_grant_preapproved(&ask).permit);
    };
    assert!(policies.asking(&town.world(), now()).solve(&ask).route.is_some());
    let ines = town.who("ines");
    let holds = town.company.holdings.remove(&ines).unwrap();
    refused(&town, "holds is not known");
    town.company.holdings.insert(ines, holds);
    let team = town.company.teams.remove(&"engineering".parse().unwrap()).unwrap();
    refused(&town, "team `engineering` is not known");
    town.company.teams.insert(team.name.clone(), team);
    town.company.entitlements.remove(&ask.entitlement).unwrap();
    refused(&town, "is not known");
    town.company.identities.remove(&ines).unwrap();
    refused(&town, "is not known");
}

#[test]
fn a_stage_that_the_bundle_does_not_know_refuses() {
    let (town, policies) = (Town::new(), loaded(&shipped()));
    let world = town.world();
    let mut asking = policies.asking(&world, now());
    let ask = town.ask("ines", "ines", "dev-deploy", "1h");
    let ruling = asking.may_approve(&ask, &stage("legal"), town.who("mara"));
    assert!(!ruling.permit);
    assert_eq!(ruling.errors, ["`legal` is not a stage of the ruling bundle"]);
    // And its counter counts for nothing.
    let counters = BTreeMap::from([(stage("legal"), 9)]);
    assert!(!asking.may_grant(&ask, &counters, None).permit);
}

#[test]
fn contracts_end_by_the_moment_that_is_asked_about() {
    let (town, policies) = (Town::new(), loaded(&shipped()));
    let ask = town.ask("xenia", "xenia", "dev-db-read", "1h");
    let active = |at: &str| {
        policies.asking(&town.world(), at.parse().unwrap()).may_grant_preapproved(&ask).permit
    };
    assert!(active("2026-10-30T23:59:59Z"));
    assert!(!active("2026-10-31T00:00:00Z"));
}

#[test]
fn teams_within_teams_count_and_may_even_go_round() {
    let (mut town, policies) = (Town::new(), loaded(&shipped()));
    let adam = town.who("adam");
    let inner: placet_domain::name::TeamName = "night-shift".parse().unwrap();
    let within = BTreeSet::from(["administrators".parse().unwrap()]);
    town.company
        .teams
        .insert(inner.clone(), placet_domain::team::Team { name: inner.clone(), within });
    let identity = town.company.identities.get_mut(&adam).unwrap();
    identity.teams = BTreeSet::from([inner.clone()]);
    let may =
        |town: &Town| policies.asking(&town.world(), now()).may_administer(adam, Deed::AdoptBundle);
    assert!(may(&town).permit);
    let above = town.company.teams.get_mut(&"administrators".parse().unwrap()).unwrap();
    above.within.insert(inner);
    let round = may(&town);
    assert!(!round.permit && !round.errors.is_empty(), "{round:?}");
}

#[test]
fn every_slice_fits_the_schema_that_we_ship() {
    let bundle = shipped();
    let (town, policies) = (Town::new(), loaded(&bundle));
    let (schema, _) = Schema::from_cedarschema_str(&bundle.files[SCHEMA]).unwrap();
    let world = town.world();
    let mut asking = policies.asking(&world, now());
    for what in world.entitlements.values() {
        for (requester, receiver) in [("mara", "ines"), ("ines", "ci-deployer"), ("gerda", "gerda")]
        {
            let ask = town.ask(requester, receiver, what.name.as_str(), "1h");
            asking.may_ask(&ask, 40);
            asking.solve(&ask);
            for stage in policies.stages() {
                asking.may_approve(&ask, stage, town.who("olga"));
            }
        }
    }
    asking.may_read(town.who("ines"), Scope::Mine);
    let records = asking.into_records();
    let slices: Vec<&String> = records.values().filter(|text| text.starts_with('[')).collect();
    assert!(slices.len() > 20);
    for text in slices {
        Entities::from_json_str(text, Some(&schema)).unwrap();
    }
}
