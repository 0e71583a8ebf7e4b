//! What keeps a request going, through the doors: narrowing, questions, delegations, filing together,
//! emergencies and their reviews, what ends elsewhere, and answers to findings. The faults of other
//! systems that this holds against stand at the end, each test named for the place of the fault.

use serde_json::{Value, json};

use crate::refusals::Provoked;
use crate::world::{Answer, World};

const WHY: &str = "the test of the day needs it";

/// A company with somebody on call, and two entitlements that conflict.
pub async fn company() -> World {
    let mut world = World::with(|catalogue, _| {
        let team = |name: &str| {
            toml::from_str(&format!("name = \"{name}\"")).expect("a team")
        };
        catalogue.team.extend([team("on-call"), team("ticket-desk")]);
        for (handle, manager) in [("olaf", "ada"), ("oda", "ada")] {
            let text = format!(
                "handle = \"{handle}\"\nname = \"{handle}\"\nmanager = \"{manager}\"\nteams = [\"on-call\"]"
            );
            catalogue.person.push(toml::from_str(&text).expect("a person"));
        }
        let mut pay = catalogue.entitlement[0].clone();
        pay.name = "pay".parse().unwrap();
        pay.native = Some("pay".parse().unwrap());
        pay.conflicts = ["order".parse().unwrap()].into();
        let mut order = pay.clone();
        order.name = "order".parse().unwrap();
        order.native = Some("order".parse().unwrap());
        order.conflicts = ["pay".parse().unwrap()].into();
        catalogue.entitlement.extend([pay, order]);
    })
    .await;
    for who in ["olaf", "oda"] {
        let code = world.post("ada", "/login-codes", json!({ "person": who })).await.good();
        world.log_in(who, &code.text("/secret")).await;
    }
    world
}

fn ask(entitlement: &str, length: &str) -> Value {
    json!({ "entitlement": entitlement, "length": length, "justification": WHY })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

async fn broken(world: &World, who: &str) -> Answer {
    let body = with(ask("booking-prod-admin", "1h"), "incident", json!("INC-7"));
    world.post(who, "/requests", body).await
}

pub async fn refusals(seen: &mut Provoked) {
    let world = company().await;
    asking(&world, seen).await;
    deciding(&world, seen).await;
    emergencies(&world, seen).await;
    findings(&world, seen).await;
}

async fn asking(world: &World, seen: &mut Provoked) {
    let logs = || ask("build-logs", "1h");
    let early = with(logs(), "starts_at", json!("2020-01-01T00:00:00Z"));
    seen.check(world.post("ines", "/requests", early).await, "start_out_of_range");
    let event = with(logs(), "ends_on", json!(["person:ines"]));
    seen.check(world.post("ines", "/requests", event).await, "ending_event_unreadable");
    let events: Vec<String> = (0..9).map(|n| format!("ticket:{n}")).collect();
    let events = with(logs(), "ends_on", json!(events));
    seen.check(world.post("ines", "/requests", events).await, "too_many_ending_events");
    let blank = with(logs(), "incident", json!(" "));
    seen.check(world.post("olaf", "/requests", blank).await, "no_emergency");
    let together = |asks: Value| world.post("ines", "/requests/together", json!({ "asks": asks }));
    seen.check(together(json!([])).await, "nothing_asked");
    let both = json!([ask("pay", "1h"), ask("order", "1h")]);
    seen.check(together(both).await, "conflicting_asks");
    let twice = json!([ask("pay", "1h"), ask("pay", "1h")]);
    seen.check(together(twice).await, "asked_twice");
    // All or none: the second is refused, so the first was not asked either.
    let half = json!([ask("pay", "1h"), ask("audit-room", "1h")]);
    seen.check(together(half).await, "refused_by_policy");
    assert_eq!(world.get("ines", "/requests").await.good().body, json!([]));
    let filed = together(json!([ask("order", "2h"), ask("build-logs", "1h")])).await.good();
    assert_eq!(filed.body["requests"].as_array().map(Vec::len), Some(2));
    assert_eq!(filed.body["requests"][0]["filed_with"], filed.body["filed_with"]);
}

async fn deciding(world: &World, seen: &mut Provoked) {
    let asked = world.ask("tom", "booking-staging-deploy", "2h").await.good();
    let path = |what: &str| format!("/requests/{}/{what}", asked.text("/id"));
    let narrow = |length: &str| json!({ "digest": asked.text("/digest"), "length": length });
    seen.check(world.post("kim", &path("narrow"), narrow("3h")).await, "not_narrower");
    let say = |text: &str| json!({ "text": text });
    let reply = |n: u32| json!({ "text": "orders", "answers": n });
    seen.check(world.post("tom", &path("questions"), reply(1)).await, "unknown_question");
    world.post("kim", &path("questions"), say("for which build?")).await.good();
    seen.check(world.post("kim", &path("questions"), say(" ")).await, "empty_text");
    let answered = world.post("tom", &path("questions"), reply(1)).await.good();
    assert_eq!(answered.text("/questions/0/answer"), "orders");
    seen.check(world.post("tom", &path("questions"), reply(1)).await, "answered_already");
    for _ in 1..20 {
        world.post("kim", &path("questions"), say("and now?")).await.good();
    }
    seen.check(world.post("kim", &path("questions"), say("again?")).await, "too_many_questions");
    let narrowed = world.post("kim", &path("narrow"), narrow("1h")).await.good();
    assert_eq!(narrowed.text("/length"), "1 h");
    assert_ne!(narrowed.text("/digest"), asked.text("/digest"));

    let delegate = |to: &str, until: Value| json!({ "to": to, "ends_at": until });
    let never = delegate("ines", Value::Null);
    seen.check(world.post("kim", "/delegations", never).await, "delegation_without_end");
    let until = world.now().plus_seconds(3_600).to_string();
    let to_self = delegate("kim", json!(until));
    seen.check(world.post("kim", "/delegations", to_self).await, "delegation_to_self");
    let made = world.post("kim", "/delegations", delegate("ines", json!(until))).await.good();
    let end = format!("/delegations/{}/end", made.text("/id"));
    seen.check(world.post("sven", &end, json!({})).await, "unknown_delegation");
    // The request of Tom waits for Kim, so it is in the inbox of her delegate.
    let other = world.ask("tom", "pay", "1h").await.good();
    let inbox = world.get("ines", "/inbox").await.good();
    assert_eq!(inbox.body[0]["id"], other.body["id"]);
    let agreed = world.approve("ines", &other).await.good();
    assert_eq!(agreed.text("/stages/1/approved_by/0/for_whom/handle"), "kim");
    world.post("ines", &end, json!({})).await.good();

    let (_, grant) = world.active("1h").await;
    let extend = json!({ "length": "1h", "justification": WHY });
    let extended = world.post("ines", &format!("/grants/{grant}/extend"), extend.clone()).await;
    assert_eq!(extended.good().text("/extends"), grant);
    world.post("ines", &format!("/grants/{grant}/give-back"), json!({})).await.good();
    world.engine.step().await;
    let late = world.post("ines", &format!("/grants/{grant}/extend"), extend).await;
    seen.check(late, "not_extendable");
}

async fn emergencies(world: &World, seen: &mut Provoked) {
    seen.check(broken(world, "ines").await, "refused_by_policy");
    let emergency = broken(world, "olaf").await.good();
    assert_eq!(emergency.text("/state"), "approved");
    assert_eq!(emergency.body["emergency"]["verified"], json!(false));
    let review = format!("/requests/{}/review", emergency.text("/id"));
    let justified = json!({ "verdict": "justified", "note": "I read the incident" });
    seen.check(world.post("olaf", &review, justified.clone()).await, "self_approval");
    seen.check(world.post("nora", &review, justified.clone()).await, "not_permitted");
    let owed = world.get("sven", "/reviews").await.good();
    assert_eq!(owed.body[0]["id"], emergency.body["id"]);
    let reviewed = world.post("sven", &review, justified.clone()).await.good();
    assert_eq!(reviewed.text("/emergency/verdict"), "justified");
    seen.check(world.post("bo", &review, justified.clone()).await, "reviewed_already");
    let ordinary = world.ask("kim", "order", "1h").await.good();
    let review = format!("/requests/{}/review", ordinary.text("/id"));
    seen.check(world.post("ada", &review, justified).await, "no_review");
}

async fn findings(world: &World, seen: &mut Provoked) {
    let before = std::fs::read_to_string(world.groups()).unwrap();
    std::fs::write(world.groups(), format!("{before}pay: ines ghost\n")).unwrap();
    world.look().await;
    let found = world.get("tom", "/findings").await.good();
    let of = |account: &str| {
        let all = found.body.as_array().unwrap();
        let one = all.iter().find(|one| one["account"] == account).unwrap();
        format!("/findings/{}", one["id"].as_str().unwrap())
    };
    let (ines, ghost) = (of("ines"), of("ghost"));
    let answer = |answer: &str, receiver: Value| json!({ "answer": answer, "receiver": receiver, "length": "1h", "justification": WHY });
    let path = format!("{ines}/answer");
    let regrant = answer("regrant", Value::Null);
    seen.check(world.post("tom", &path, regrant).await, "wrong_answer");
    let for_kim = answer("adopt", json!("kim"));
    seen.check(world.post("tom", &path, for_kim).await, "not_that_account");
    seen.check(world.post("sven", &format!("{ghost}/remove"), json!({})).await, "not_permitted");
    world.post("tom", &format!("{ghost}/remove"), json!({})).await.good();
    seen.check(world.post("tom", &format!("{ghost}/remove"), json!({})).await, "removal_ordered");
    let nothing = world.post("tom", "/targets/web-groups/release", json!({})).await;
    seen.check(nothing, "no_brake");
    world.engine.step().await;
    let text = std::fs::read_to_string(world.groups()).unwrap();
    assert!(!text.contains("ghost") && text.contains("pay: ines"), "{text}");
    let adopted = world.post("tom", &format!("{ines}/answer"), answer("adopt", Value::Null)).await;
    let adopted = adopted.good();
    assert_eq!(adopted.text("/receiver/handle"), "ines");
    assert_eq!(adopted.text("/answers/answer"), "adopt");
    seen.check(world.approve("ines", &adopted).await, "self_approval");
}

#[tokio::test]
async fn an_incident_that_the_source_does_not_know_is_refused_and_a_lost_source_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("incidents");
    std::fs::write(&source, "INC-7\n").unwrap();
    let world = company().await;
    let world = world.with_incidents(&source).await;
    let broken = async |incident: &str| {
        let body = with(ask("booking-prod-admin", "1h"), "incident", json!(incident));
        world.post("olaf", "/requests", body).await
    };
    broken("INC-8").await.refused("unknown_incident");
    let known = broken("INC-7").await.good();
    assert_eq!(known.body["emergency"]["verified"], json!(true));
    std::fs::remove_file(&source).unwrap();
    let body = with(ask("build-logs", "1h"), "incident", json!("INC-9"));
    let unchecked = world.post("oda", "/requests", body).await.good();
    assert_eq!(unchecked.body["emergency"]["verified"], json!(false));
}

#[tokio::test]
async fn a_ticket_desk_ends_what_was_granted_for_a_ticket_and_nothing_else() {
    let world = company().await;
    let body = with(ask("build-logs", "1h"), "ends_on", json!(["ticket:OPS-7"]));
    world.post("ines", "/requests", body).await.good();
    world.engine.step().await;
    let over = json!({ "event": "ticket:OPS-7" });
    let by_kim = world.post("kim", "/ending-events", over.clone()).await.good();
    assert_eq!(by_kim.body, json!({ "ending": 0, "overtaken": 0 }), "it is not hers");
    let other = json!({ "event": "ticket:OPS-8" });
    let other = world.post("ada", "/ending-events", other).await.good();
    assert_eq!(other.body, json!({ "ending": 0, "overtaken": 0 }));
    let done = world.post("ada", "/ending-events", over.clone()).await.good();
    assert_eq!(done.body, json!({ "ending": 1, "overtaken": 0 }));
    world.engine.step().await;
    let grants = world.get("ines", "/grants?all=true").await.good();
    assert_eq!(grants.text("/0/state"), "ended");
    let again = world.post("ada", "/ending-events", over).await.good();
    assert_eq!(again.body, json!({ "ending": 0, "overtaken": 0 }), "asked twice, done once");
}

#[tokio::test]
async fn what_nobody_answers_for_is_not_extended() {
    let world = World::new().await;
    let (_, grant) = world.active("1h").await;
    world.post("ada", "/identities/tom/deactivate", json!({})).await.good();
    let extend = json!({ "length": "1h", "justification": WHY });
    let path = format!("/grants/{grant}/extend");
    world.post("ines", &path, extend.clone()).await.refused("ownership_open");
    let handovers = world.get("ada", "/catalogue/handovers").await.good();
    for one in handovers.body.as_array().unwrap() {
        let keep = format!("/catalogue/handovers/{}/keep", one["id"].as_str().unwrap());
        let now = one["to"]["handle"].as_str().unwrap();
        world.post(now, &keep, json!({})).await.good();
    }
    world.post("ines", &path, extend).await.good();
}

// ---- faults of other systems ----

/// TEAM#279: overlapping grants end each other.
#[tokio::test]
async fn team_279_overlapping_grants_do_not_end_each_other() {
    let world = World::new().await;
    let logs = |length: &str| ask("build-logs", length);
    let short = world.post("ines", "/requests", logs("1h")).await.good();
    let long = world.post("ines", "/requests", logs("2h")).await.good();
    world.engine.step().await;
    let first = short.text("/grant/id");
    world.post("ines", &format!("/grants/{first}/give-back"), json!({})).await.good();
    world.engine.step().await;
    let text = std::fs::read_to_string(world.groups()).unwrap();
    assert!(text.contains("build-log-readers: ines"), "{text}");
    let second = long.text("/grant/id");
    world.post("ines", &format!("/grants/{second}/give-back"), json!({})).await.good();
    world.engine.step().await;
    let text = std::fs::read_to_string(world.groups()).unwrap();
    assert!(!text.contains("ines"), "the access goes with the last one: {text}");
}

/// discord/access#119: expired, and still there.
#[tokio::test]
async fn discord_access_119_what_is_expired_and_still_there_is_found_and_never_called_gone() {
    let world = World::new().await;
    world.post("ines", "/requests", ask("build-logs", "1s")).await.good();
    world.engine.step().await;
    let keep = "build-log-readers: ines\n";
    assert!(std::fs::read_to_string(world.groups()).unwrap().contains("ines"));
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    // Somebody puts it back each time that it is taken away.
    for _ in 0..3 {
        world.engine.step().await;
        std::fs::write(world.groups(), keep).unwrap();
    }
    world.look().await;
    let grants = world.get("ines", "/grants?all=true").await.good();
    assert_ne!(grants.text("/0/state"), "active", "{}", grants.body);
    let found = world.get("nora", "/findings").await.good();
    assert!(!found.body.as_array().unwrap().is_empty(), "{}", grants.body);
}

/// TEAM#255: a revoke that fails without a reason, and nobody knows.
#[tokio::test]
async fn team_255_a_revoke_that_fails_says_why_and_is_tried_until_it_is_done() {
    let world = World::new().await;
    let (_, grant) = world.active("1h").await;
    let text = std::fs::read_to_string(world.groups()).unwrap();
    std::fs::remove_file(world.groups()).unwrap();
    world.post("ada", &format!("/grants/{grant}/revoke"), json!({})).await.good();
    for seconds in [0, 1_100, 2_100, 4_100] {
        tokio::time::sleep(std::time::Duration::from_millis(seconds)).await;
        world.engine.step().await;
    }
    let shown = world.get("ines", &format!("/grants/{grant}")).await.good();
    assert_eq!(shown.text("/state"), "ending");
    assert!(shown.text("/trouble").contains("cannot find"), "{}", shown.body);
    let found = world.get("tom", "/findings").await.good();
    assert_eq!(found.text("/0/kind"), "stuck");
    assert!(found.text("/0/detail").contains("cannot find"), "{}", found.body);
    assert_eq!(found.text("/0/owner/handle"), "tom");
    std::fs::write(world.groups(), text).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(8_100)).await;
    world.engine.step().await;
    let shown = world.get("ines", &format!("/grants/{grant}")).await.good();
    assert_eq!(shown.text("/gone"), "seen absent");
    assert_eq!(world.get("tom", "/findings").await.good().body, json!([]));
}

/// midPoint and Glide: no approver means granted.
#[tokio::test]
async fn midpoint_and_glide_no_approver_never_means_granted() {
    let world = World::new().await;
    // The one person who could agree is the one who asks.
    world.ask("yara", "lonely", "1h").await.refused("unfillable_stage");
    // The one person who could agree leaves while it is open.
    let asked = world.ask("ines", "lonely", "1h").await.good();
    world.approve("mara", &asked).await.good();
    world.post("ada", "/identities/yara/deactivate", json!({})).await.good();
    for _ in 0..3 {
        world.engine.step().await;
    }
    let shown = world.get("ines", &format!("/requests/{}", asked.text("/id"))).await.good();
    assert_eq!(shown.text("/state"), "open");
    assert!(!shown.text("/stalled").is_empty(), "it says that nobody can decide it");
    assert!(!std::fs::read_to_string(world.groups()).unwrap().contains("lonely: ines"));
}

/// discord/access: approving for oneself is a silent no-op.
#[tokio::test]
async fn discord_access_approving_for_oneself_is_refused_in_words() {
    let world = World::new().await;
    let asked = world.ask("tom", "booking-staging-deploy", "1h").await.good();
    let refused = world.approve("tom", &asked).await.refused("self_approval");
    assert!(refused.text("/detail").contains("you asked for this"), "{}", refused.body);
    assert!(!refused.text("/next").is_empty());
    let shown = world.get("tom", &format!("/requests/{}", asked.text("/id"))).await.good();
    assert!(
        shown.body["stages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|stage| { stage["approved_by"].as_array().is_some_and(Vec::is_empty) })
    );
}

/// authentik PR#24457: one named reviewer satisfies any minimum.
#[tokio::test]
async fn authentik_24457_one_reviewer_never_satisfies_a_minimum_of_two() {
    // Power over Placet needs two security reviewers and an owner; each person counts once.
    let world = World::with(|catalogue, _| {
        let mut config = catalogue.entitlement[0].clone();
        config.name = "placet-config".parse().unwrap();
        config.native = Some("placet-config".parse().unwrap());
        config.power_over_placet = true;
        catalogue.entitlement.push(config);
    })
    .await;
    let asked = world.ask("ines", "placet-config", "1h").await.good();
    let needed: Vec<(String, u64)> = asked.body["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one["needed"].as_u64().unwrap()))
        .collect();
    assert!(needed.contains(&("security".to_owned(), 2)), "{needed:?}");
    for who in ["mara", "kim", "sven"] {
        world.approve(who, &asked).await.good();
    }
    world.approve("sven", &asked).await.refused("already_approved");
    let open = world.get("ines", &format!("/requests/{}", asked.text("/id"))).await.good();
    assert_eq!(open.text("/state"), "open");
    assert_eq!(world.approve("bo", &asked).await.good().text("/state"), "approved");
}
