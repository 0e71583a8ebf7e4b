//! The governed catalogue from outside: what files change is shown, what widens needs two people,
//! and nobody changes a rule that governs their own request.

use serde_json::{Value, json};

use crate::refusals::Provoked;
use crate::world::{Answer, World, catalogue};

/// The lines of the company's catalogue, for changing one of them.
fn lines(world: &World) -> Value {
    serde_json::to_value(catalogue(&world.groups())).unwrap()
}

/// A catalogue with one line of a kind, changed.
pub fn one(world: &World, kind: &str, name: &str, change: Value) -> Value {
    let all = lines(world);
    let named = |line: &&Value| line["name"] == name || line["handle"] == name;
    let mut line = all[kind].as_array().unwrap().iter().find(named).unwrap().clone();
    for (key, value) in change.as_object().unwrap() {
        line[key] = value.clone();
    }
    json!({ "catalogue": { kind: [line] } })
}

pub fn deploy(world: &World, change: Value) -> Value {
    one(world, "entitlement", "booking-staging-deploy", change)
}

async fn propose(world: &World, who: &str, body: Value) -> Answer {
    world.post(who, "/catalogue/proposals", body).await
}

async fn act(world: &World, who: &str, proposal: &str, what: &str) -> Answer {
    world.post(who, &format!("/catalogue/proposals/{proposal}/{what}"), json!({})).await
}

async fn longest(world: &World) -> String {
    let list = world.get("ada", "/entitlements").await.good();
    let all = list.body.as_array().unwrap().clone();
    let one = all.iter().find(|one| one["name"] == "booking-staging-deploy").unwrap();
    one["longest"].as_str().unwrap().to_owned()
}

fn told(answer: &Answer) -> Vec<String> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or("-").to_owned();
    answer.body["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let (fact, old, new) = (text(line, "fact"), text(line, "old"), text(line, "new"));
            format!("{} {} {fact}: {old} -> {new}", text(line, "effect"), text(line, "record"))
        })
        .collect()
}

#[tokio::test]
async fn what_widens_is_proposed_by_one_and_adopted_by_another() {
    let world = World::new().await;
    let wider =
        deploy(&world, json!({ "longest": "2d", "offered_to": ["engineering", "auditors"] }));
    let shown = world.post("ada", "/catalogue/diff", wider.clone()).await.good();
    let expected = [
        "widens entitlement `booking-staging-deploy` offered_to: - -> auditors",
        "widens entitlement `booking-staging-deploy` longest: 8 h -> 2 d",
    ];
    assert_eq!(told(&shown), expected);
    assert_eq!(longest(&world).await, "8 h", "a difference changes nothing");
    let proposed = propose(&world, "ada", wider).await.good();
    let id = proposed.text("/proposal");
    assert_eq!(longest(&world).await, "8 h", "and neither does a proposal");
    let list = world.get("bo", "/catalogue/proposals").await.good();
    assert_eq!((&list.body[0]["id"], &list.body[0]["state"]), (&json!(id), &json!("open")));
    let seen = world.get("bo", &format!("/catalogue/proposals/{id}")).await.good();
    assert_eq!(told(&seen), expected, "the other reads what the author was shown");
    act(&world, "bo", &id, "adopt").await.good();
    assert_eq!(longest(&world).await, "2 d");
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());

    // What only narrows is one person's business, and happens at once.
    let narrower = deploy(&world, json!({ "longest": "1h" }));
    let done = propose(&world, "bo", narrower.clone()).await.good();
    assert_eq!((done.text("/proposal"), longest(&world).await), (String::new(), "1 h".to_owned()));
    assert_eq!(done.body["widens"], json!(false));
    assert_eq!(propose(&world, "bo", narrower).await.code(), "nothing_changes");
}

#[tokio::test]
async fn a_person_from_a_file_is_there_after_the_adoption_and_gone_by_the_whole_file() {
    let world = World::new().await;
    let zoe = json!({ "handle": "zoe", "name": "Zoe Wolf", "manager": "mara", "teams": ["engineering"],
        "schedule": "late" });
    let late = json!({ "name": "late", "zone": "Europe/Stockholm", "days": ["mon", "tue"],
        "opens": "12:00", "closes": "20:00" });
    let files = json!({ "catalogue": { "schedule": [late], "person": [zoe] } });
    let id = propose(&world, "ada", files).await.good().text("/proposal");
    assert_eq!(
        world.post("ada", "/login-codes", json!({ "person": "zoe" })).await.code(),
        "unknown_identity"
    );
    act(&world, "bo", &id, "adopt").await.good();
    world.post("ada", "/login-codes", json!({ "person": "zoe" })).await.good();

    // The ledger has no personal text in clear.
    let whole = json!({ "catalogue": lines(&world), "whole": true });
    let shown = world.post("ada", "/catalogue/diff", whole.clone()).await.good();
    assert_eq!(told(&shown), ["narrows person `zoe` state: active -> has left"]);
    propose(&world, "ada", whole).await.good();
    assert_eq!(
        world.post("ada", "/login-codes", json!({ "person": "zoe" })).await.code(),
        "inactive_identity"
    );
    let again = json!({ "catalogue": { "person": [
        { "handle": "zoe", "name": "Zoe Wolf", "manager": "mara", "teams": ["engineering"], "schedule": "late" }] } });
    let shown = world.post("ada", "/catalogue/diff", again).await.good();
    assert_eq!(told(&shown), ["widens person `zoe` state: has left -> active"]);
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

/// Glide's issue 91: a target deleted with live grants. What is live must be found where it is.
#[tokio::test]
async fn glide_91_a_target_with_live_grants_is_not_retired() {
    let world = World::new().await;
    let (_, grant) = world.active("2h").await;
    let refused = world.post("ada", "/targets/web-groups/retire", json!({})).await;
    assert!(
        refused.text("/detail").contains(&grant),
        "the live grants are named: {}",
        refused.body
    );
    refused.refused("target_in_use");
    let elsewhere =
        one(&world, "target", "web-groups", json!({ "settings": { "path": "/dev/null" } }));
    propose(&world, "ada", elsewhere).await.refused("target_in_use");
    assert!(std::fs::read_to_string(world.groups()).unwrap().contains("ines"));
    // Nothing new may begin, what is live ends, and then the target may go.
    for name in
        ["booking-staging-deploy", "booking-prod-admin", "build-logs", "lonely", "audit-room"]
    {
        world.post("ada", &format!("/entitlements/{name}/retire"), json!({})).await.good();
    }
    world.ask("ines", "build-logs", "1h").await.refused("retired_entitlement");
    world.post("ines", &format!("/grants/{grant}/give-back"), json!({})).await.good();
    world.engine.step().await;
    assert!(!std::fs::read_to_string(world.groups()).unwrap().contains("ines"));
    world.post("ada", "/targets/web-groups/retire", json!({})).await.good();
    let targets = world.get("ada", "/targets").await.good();
    assert_eq!(targets.body[0]["retired"], json!(true));
}

/// Glide's issue 655: a rule changed by whom it governs.
#[tokio::test]
async fn glide_655_nobody_changes_a_rule_that_governs_their_own_request() {
    let world = World::new().await;
    let all = lines(&world);
    // Bo may ask for it now.
    let bo = json!({ "teams": ["administrators", "security-reviewers", "engineering"] });
    let id = propose(&world, "ada", one(&world, "person", "bo", bo)).await.good().text("/proposal");
    act(&world, "bo", &id, "adopt").await.good();
    let asked = world.ask("bo", "booking-staging-deploy", "4h").await.good();
    let request = asked.text("/id");
    let refused = |answer: Answer| {
        assert!(
            answer.text("/detail").contains(&request),
            "it says which request: {}",
            answer.body
        );
        answer.refused("helps_own_request");
    };
    // Whoever could agree to it, how long it may be, who it is offered to: not by Bo.
    let friends = json!({ "handle": "sven", "name": "Sven Dahl", "manager": "ada",
        "teams": ["security-reviewers", "platform"] });
    refused(propose(&world, "bo", json!({ "catalogue": { "person": [friends] } })).await);
    refused(propose(&world, "bo", deploy(&world, json!({ "owners": "security-reviewers" }))).await);
    refused(propose(&world, "bo", deploy(&world, json!({ "longest": "2d" }))).await);
    // Neither as the one who adopts.
    let id = propose(&world, "ada", deploy(&world, json!({ "longest": "2d" })))
        .await
        .good()
        .text("/proposal");
    refused(act(&world, "bo", &id, "adopt").await);
    // What narrows helps nobody, and what is elsewhere is no part of it.
    propose(&world, "bo", deploy(&world, json!({ "longest": "5h" }))).await.good();
    propose(&world, "bo", one(&world, "entitlement", "build-logs", json!({ "longest": "9h" })))
        .await
        .good();
    // When it is over, so is the conflict.
    world.post("bo", &format!("/requests/{request}/withdraw"), json!({})).await.good();
    let wider = deploy(&world, json!({ "longest": "2d" }));
    propose(&world, "bo", wider).await.good();
    assert_eq!(all, lines(&world));
}

#[tokio::test]
async fn who_leaves_hands_on_what_they_answered_for() {
    let world = World::new().await;
    let asked = world.ask("tom", "booking-staging-deploy", "1h").await.good();
    let (_, grant) = world.active("2h").await;
    world.post("ada", "/identities/tom/deactivate", json!({})).await.good();
    let path = format!("/requests/{}", asked.text("/id"));
    assert_eq!(world.get("ada", &path).await.good().text("/state"), "withdrawn");
    let handovers = world.get("ada", "/catalogue/handovers?limit=50").await.good();
    let list = handovers.body.as_array().unwrap();
    let of = |what: &str| list.iter().find(|one| one["what"] == what).unwrap();
    assert_eq!(of("workload `booking-api`")["to"]["handle"], "mara");
    assert_eq!(of("target `web-groups`")["because"], "as the manager of the one who left");
    let deploy = of("entitlement `booking-staging-deploy`");
    assert_eq!((&deploy["to"]["handle"], &deploy["overdue"]), (&json!("mara"), &json!(false)));
    // The new owner answers: keeps it. Nobody else can.
    let id = deploy["id"].as_str().unwrap();
    let keep = format!("/catalogue/handovers/{id}/keep");
    world.post("kim", &keep, json!({})).await.refused("not_yours");
    world.post("mara", &keep, json!({})).await.good();
    world.post("mara", &keep, json!({})).await.refused("wrong_step");
    let mine = world.get("mara", "/catalogue/handovers").await.good();
    assert!(!mine.body.to_string().contains(id));
    // Access that others hold goes on, and its owner may end it.
    world.engine.step().await;
    world.post("mara", &format!("/grants/{grant}/revoke"), json!({})).await.good();
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_agreed_to_outlasts_who_agreed_but_not_who_may_no_longer() {
    let world = World::new().await;
    let (_, grant) = world.active("2h").await;
    let state = async || {
        for _ in 0..3 {
            world.engine.step().await;
        }
        let grants = world.get("ada", "/grants?all=true").await.good();
        let all = grants.body.as_array().unwrap().clone();
        let one = all.iter().find(|one| one["id"] == grant.as_str()).unwrap();
        one["state"].as_str().unwrap().to_owned()
    };
    // Kim agreed, and leaves; then something changes that concerns all that was agreed to.
    world.post("ada", "/identities/kim/deactivate", json!({})).await.good();
    assert_eq!(state().await, "active");
    propose(&world, "ada", deploy(&world, json!({ "longest": "4h" }))).await.good();
    assert_eq!(state().await, "active", "she was eligible when she agreed and when it began");
    // The limit comes below what is held: policy refuses that now.
    propose(&world, "ada", deploy(&world, json!({ "longest": "1h" }))).await.good();
    assert_eq!(state().await, "ended");
}

#[tokio::test]
async fn a_change_of_terms_ends_what_was_agreed_to() {
    let world = World::new().await;
    let (_, grant) = world.active("2h").await;
    let wider = deploy(&world, json!({ "scope": "deploy any build anywhere" }));
    let id = propose(&world, "ada", wider).await.good().text("/proposal");
    act(&world, "bo", &id, "adopt").await.good();
    world.engine.step().await;
    world.engine.step().await;
    let grants = world.get("ada", "/grants?all=true").await.good();
    let one =
        grants.body.as_array().unwrap().iter().find(|one| one["id"] == grant.as_str()).unwrap();
    assert_eq!((&one["state"], &one["end"]), (&json!("ended"), &json!("its terms have changed")));
    assert_eq!(world.get("ada", "/catalogue/upkeep").await.good().body, json!([]));
}

/// Every refusal that changing the catalogue can meet.
pub async fn refusals(seen: &mut Provoked) {
    let world = &World::new().await;
    let wider = |length: &str| deploy(world, json!({ "longest": length }));
    let nobody = "prp_00000000000000000000000000000000";
    seen.check(act(world, "bo", nobody, "adopt").await, "unknown_proposal");
    seen.check(propose(world, "ines", wider("2d")).await, "not_permitted");
    seen.check(
        propose(world, "ada", json!({ "catalogue": lines(world) })).await,
        "nothing_changes",
    );
    let twice = json!({ "catalogue": { "team": [{ "name": "pilots" }, { "name": "pilots" }] } });
    seen.check(propose(world, "ada", twice).await, "unreadable");
    let nowhere = json!({ "catalogue": { "schedule": [{ "name": "x", "zone": "Mars/Olympus",
        "days": ["mon"], "opens": "09:00", "closes": "17:00" }] } });
    seen.check(propose(world, "ada", nowhere).await, "no_schedule");
    let id = propose(world, "ada", wider("2d")).await.good().text("/proposal");
    seen.check(act(world, "ada", &id, "adopt").await, "own_proposal");
    seen.check(act(world, "bo", &id, "withdraw").await, "not_yours");
    let other = propose(world, "ada", wider("3d")).await.good().text("/proposal");
    act(world, "bo", &other, "adopt").await.good();
    seen.check(act(world, "bo", &id, "adopt").await, "proposal_stale");
    act(world, "bo", &id, "reject").await.good();
    seen.check(act(world, "bo", &id, "adopt").await, "proposal_closed");
    let (_, grant) = world.active("2h").await;
    let retire = world.post("ada", "/targets/web-groups/retire", json!({})).await;
    assert!(retire.text("/detail").contains(&grant));
    seen.check(retire, "target_in_use");
    let release = "/catalogue/upkeep/organisation/release";
    seen.check(world.post("ada", release, json!({})).await, "nothing_held");
    let keep = "/catalogue/handovers/hnd_00000000000000000000000000000000/keep";
    seen.check(world.post("ada", keep, json!({})).await, "unknown_handover");
    let own = one(world, "person", "bo", json!({ "teams": ["administrators", "engineering"] }));
    let id = propose(world, "ada", own).await.good().text("/proposal");
    act(world, "bo", &id, "adopt").await.good();
    world.ask("bo", "booking-staging-deploy", "4h").await.good();
    seen.check(propose(world, "bo", wider("4d")).await, "helps_own_request");
}

#[tokio::test]
async fn a_proposed_bundle_is_weighed_before_it_is_adopted_and_replayed_after() {
    let world = World::new().await;
    let (_, grant) = world.active("2h").await;
    let asked = world.ask("tom", "booking-staging-deploy", "1h").await.good();
    let mut bundle = placet_policy::shipped();
    bundle.files.get_mut("policies/guardrails.cedar").unwrap().push_str(
        "\n@id(\"guard.freeze\")\n@why(\"Staging is frozen.\")\n\
         forbid (principal, action in Action::\"fulfil\", resource)\n\
         when { resource.entitlement.environment == Environment::\"staging\" };\n",
    );
    let proposed = world.post("ada", "/policy/bundles", json!({ "files": bundle })).await.good();
    let digest = proposed.text("/bundle");
    let weighed = world.get("bo", &format!("/policy/bundles/{digest}/effects")).await.good();
    assert_eq!((&weighed.body["requests"], &weighed.body["grants"]), (&json!(1), &json!(1)));
    let of = |what: &str| {
        let list = weighed.body["otherwise"].as_array().unwrap();
        list.iter().find(|one| one["what"] == what).unwrap().clone()
    };
    let (open, held) = (of(&asked.text("/id")), of(&grant));
    assert_eq!(open["old"], "needs manager 1, owner 1");
    assert_eq!(open["new"], "refused: Staging is frozen");
    assert_eq!(
        (&held["old"], &held["new"]),
        (&json!("goes on"), &json!("ends: refused by guard.freeze"))
    );
    // Nothing has happened yet; adopting does it, and says why to whoever looks.
    world.engine.step().await;
    let shown = world.get("tom", &format!("/requests/{}", asked.text("/id"))).await.good();
    assert_eq!(shown.body["stalled"], json!(null));
    world.post("bo", &format!("/policy/bundles/{digest}/adopt"), json!({})).await.good();
    for _ in 0..3 {
        world.engine.step().await;
    }
    let shown = world.get("tom", &format!("/requests/{}", asked.text("/id"))).await.good();
    assert_eq!(shown.text("/stalled"), "policy refuses this: Staging is frozen");
    let grants = world.get("ada", "/grants?all=true").await.good();
    assert_eq!(grants.body[0]["end"], json!("policy no longer permits it"));
    // Every ruling so far comes out as it was recorded, of the bundle that ruled then.
    let all = world.engine.replay(Default::default()).await.unwrap();
    assert!(all.same > 5 && all.different == 0, "{all:?}");
    let request = asked.text("/id").parse().ok();
    let chosen = placet_engine::queries::Replayed { request, ..Default::default() };
    let one = world.engine.replay(chosen).await.unwrap();
    assert!(one.same > 0 && one.same < all.same, "{one:?}");
}
