//! Work by hand, through the doors: a target that no program reaches, and who may do what there.

use placet_domain::canonical::Digest;
use serde_json::{Value, json};

use crate::refusals::Provoked;
use crate::world::{Answer, World};

/// A company with a room that people unlock, for which `kim`, `tom` and `sven` answer.
pub async fn company() -> World {
    World::with(|catalogue, _| {
        let room = "name = \"server-room\"\nowner = \"sven\"\nconnector = \"manual\"\n\
                    [settings]\nteam = \"platform\"\nwithin = \"4h\"";
        catalogue.target.push(toml::from_str(room).expect("a target"));
        let mut key = catalogue.entitlement[2].clone();
        key.name = "server-room-key".parse().unwrap();
        key.target = "server-room".parse().unwrap();
        key.native = Some("key".parse().unwrap());
        catalogue.entitlement.push(key);
    })
    .await
}

fn evidence(text: &str) -> Value {
    json!(Digest::of(text.as_bytes()).to_string())
}

fn done(text: &str) -> Value {
    json!({ "evidence_sha256": evidence(text), "note": "the key is handed over" })
}

fn seen(text: &str) -> Value {
    json!({ "evidence_sha256": evidence(text) })
}

pub async fn order(world: &World) -> String {
    world.engine.step().await;
    let open = world.get("kim", "/work").await.good();
    open.text("/0/id")
}

async fn step(world: &World, who: &str, order: &str, what: &str, body: Value) -> Answer {
    world.post(who, &format!("/work/{order}/{what}"), body).await
}

#[tokio::test]
async fn a_key_is_handed_over_and_taken_back_by_people() {
    let world = company().await;
    let asked = world.ask("ines", "server-room-key", "4h").await.good();
    let grant = asked.text("/grant/id");
    let first = order(&world).await;
    let shown = world.get("kim", "/work").await.good();
    assert_eq!(shown.text("/0/effect"), "grant");
    assert_eq!(shown.text("/0/native"), "key");
    assert_eq!(shown.text("/0/account"), "ines");
    assert_eq!(shown.text("/0/team"), "platform");
    assert_eq!(
        world.get("mara", "/work").await.good().body,
        json!([]),
        "it is no business of hers"
    );
    step(&world, "kim", &first, "carried-out", done("a photo")).await.good();
    step(&world, "tom", &first, "confirm", seen("a photo")).await.good();
    let held = world.get("ines", &format!("/grants/{grant}")).await.good();
    assert_eq!(held.text("/state"), "unverified");

    world.post("ines", &format!("/grants/{grant}/give-back"), json!({})).await.good();
    let second = order(&world).await;
    assert_ne!(first, second);
    step(&world, "tom", &second, "carried-out", done("the key again")).await.good();
    step(&world, "kim", &second, "return", json!({ "why": "that is the cellar's" })).await.good();
    step(&world, "tom", &second, "carried-out", done("the right key")).await.good();
    step(&world, "sven", &second, "confirm", seen("the right key")).await.good();
    let over = world.get("ines", &format!("/grants/{grant}")).await.good();
    assert_eq!(over.text("/state"), "ended");
    assert_eq!(over.text("/gone"), "confirmed by people, unverified");
    assert_eq!(world.get("kim", "/work").await.good().body, json!([]));

    let evidence = world.post("nora", &format!("/grants/{grant}/evidence"), json!({})).await;
    assert_eq!(evidence.code(), "ok");
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

pub async fn refusals(provoked: &mut Provoked) {
    let world = company().await;
    let nowhere = format!("act_{}", "0".repeat(32));
    let none = step(&world, "kim", &nowhere, "confirm", seen("x")).await;
    provoked.check(none, "no_work_order");
    world.ask("ines", "server-room-key", "4h").await.good();
    let open = order(&world).await;
    let own = step(&world, "ines", &open, "carried-out", done("x")).await;
    provoked.check(own, "works_for_themselves");
    step(&world, "mara", &open, "carried-out", done("x")).await.refused("not_permitted");
    step(&world, "kim", &open, "carried-out", done("x")).await.good();
    let alone = step(&world, "kim", &open, "confirm", seen("x")).await;
    provoked.check(alone, "confirms_own_work");
    let other = step(&world, "tom", &open, "confirm", seen("y")).await;
    provoked.check(other, "other_evidence");
    let body = json!({ "evidence_sha256": "not hex", "note": "x" });
    step(&world, "tom", &open, "carried-out", body).await.refused("unreadable");
}
