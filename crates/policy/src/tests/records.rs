//! Records: anybody can ask again, and what was tampered with does not replay.

use placet_domain::access::{Deed, Scope};
use placet_domain::canonical::Digest;
use placet_domain::ruling::Ruling;
use serde_json::Value;

use super::*;
use crate::{NotReplayed, replay};

/// Every kind of question once, with the records.
fn asked(policies: &Policies, at: Timestamp) -> (Vec<Ruling>, BTreeMap<Digest, String>) {
    let town = Town::new();
    let world = town.world();
    let mut asking = policies.asking(&world, at);
    let deploy = town.ask("ines", "ci-deployer", "prod-deploy", "60d");
    let read = town.ask("ines", "ines", "dev-db-read", "1h");
    let counters =
        BTreeMap::from([("owner".parse().unwrap(), 2), ("security".parse().unwrap(), 1)]);
    let rulings = vec![
        asking.may_ask(&deploy, 40),
        asking.may_ask(&town.ask("tom", "tom", "dev-deploy", "1h"), 40),
        asking.solve(&deploy).ruling,
        asking.solve(&read).ruling,
        asking.solve(&town.ask("tom", "tom", "payments-approve", "1h")).ruling,
        asking.may_approve(&deploy, &"owner".parse().unwrap(), town.who("olga")),
        asking.may_approve(&deploy, &"owner".parse().unwrap(), town.who("ines")),
        asking.may_grant(&deploy, &counters, Some(86_400)),
        asking.may_grant(&deploy, &counters, Some(u64::MAX)),
        asking.may_grant_preapproved(&read),
        asking.may_read(town.who("audra"), Scope::Everything),
        asking.may_administer(town.who("audra"), Deed::Revoke),
    ];
    (rulings, asking.into_records())
}

fn slice_of(record: &str) -> Digest {
    let record: Value = serde_json::from_str(record).unwrap();
    record["slice"].as_str().unwrap().parse().unwrap()
}

#[test]
fn asking_again_gives_the_same_ruling() {
    let policies = loaded(&shipped());
    for at in ["2026-11-22T09:00:00Z", "2029-01-01T00:00:00Z"] {
        let (rulings, records) = asked(&policies, at.parse().unwrap());
        for ruling in &rulings {
            let record = &records[&ruling.record];
            let again = replay(&policies, record, &records[&slice_of(record)]).unwrap();
            assert_eq!(again, *ruling);
        }
        assert!(rulings.iter().any(|one| one.permit) && rulings.iter().any(|one| !one.permit));
        for (digest, text) in &records {
            assert_eq!(Digest::of(text.as_bytes()), *digest);
        }
    }
}

#[test]
fn the_same_question_leaves_the_same_record() {
    let policies = loaded(&shipped());
    assert_eq!(asked(&policies, now()), asked(&policies, now()));
}

#[test]
fn a_record_says_what_was_asked_and_by_which_engine() {
    let policies = loaded(&shipped());
    let (rulings, records) = asked(&policies, now());
    let record: Value = serde_json::from_str(&records[&rulings[7].record]).unwrap();
    assert_eq!(record["bundle"], policies.bundle().to_string());
    assert_eq!(record["engine"], "cedar-policy 4.14.1, language 4.6");
    assert_eq!(record["action"], "grant");
    assert_eq!(record["principal"], "Worker::\"fulfil\"");
    assert_eq!(record["context"]["approvals"]["owner"], 2);
    assert_eq!(record["policies"][0], "grant.fulfil");
    assert_eq!(record["permit"], true);
}

#[test]
fn what_was_tampered_with_does_not_replay() {
    let policies = loaded(&shipped());
    let (rulings, records) = asked(&policies, now());
    let record = &records[&rulings[7].record];
    let slice = &records[&slice_of(record)];
    let narrower = slice.replace("\"risk\":0", "\"risk\":99");
    assert!(matches!(replay(&policies, record, &narrower), Err(NotReplayed::Slice { .. })));
    assert!(matches!(replay(&policies, "{}", slice), Err(NotReplayed::Record(_))));
    let other = loaded(&edited(GUARDRAILS, "risk < 70", "risk < 60"));
    assert!(matches!(replay(&other, record, slice), Err(NotReplayed::Bundle { .. })));
    // A record that lies about the answer is found out by its digest.
    let lie = record.replace("\"permit\":true", "\"permit\":false");
    let again = replay(&policies, &lie, slice).unwrap();
    assert!(again.permit && again.record != Digest::of(lie.as_bytes()));
}

#[test]
fn a_ruling_without_facts_cannot_be_asked_again() {
    let policies = loaded(&shipped());
    let mut town = Town::new();
    town.company.holdings.clear();
    let world = town.world();
    let mut asking = policies.asking(&world, now());
    let ruling = asking.solve(&town.ask("ines", "ines", "dev-deploy", "1h")).ruling;
    let records = asking.into_records();
    let record = &records[&ruling.record];
    assert_eq!(replay(&policies, record, "[]"), Err(NotReplayed::NoSlice));
}
