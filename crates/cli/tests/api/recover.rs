//! Letting people in: the first codes are good for one thing, and a recovery is loud.

use serde_json::json;

use placet_engine::Engine;

use crate::world::{World, catalogue, place};

#[tokio::test]
async fn the_first_codes_open_one_session_each_and_do_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let groups = dir.path().join("groups");
    std::fs::write(&groups, "").unwrap();
    let engine = Engine::create(&place(dir.path()), "test.example/log").await.unwrap();
    let codes = engine.found(catalogue(&groups), placet_policy::shipped()).await.unwrap();
    let world = World::around(dir, engine);
    let code = codes[0].secret.reveal();
    let day = 24 * 60 * 60;
    let life = codes[0].expires_at.seconds_since(world.now());
    assert!((day - 60..=day).contains(&life), "a day, and not longer: {life}");
    for route in placet_server::ROUTES {
        if route.needs == placet_server::Needs::Nothing {
            continue;
        }
        let path = route.path.replace("{id}", "x").replace("{name}", "x");
        let answer = world.call(code, route.method, &path, None).await;
        assert_eq!(answer.code(), "not_authenticated", "{} {}", route.method, route.path);
    }
    let session = world.post("", "/login", json!({ "code": code })).await.good().text("/secret");
    world.get(&session, "/me").await.good();
    world.post("", "/login", json!({ "code": code })).await.refused("login_code_spent");
}

#[tokio::test]
async fn two_named_administrators_are_let_in_again_and_everybody_is_told() {
    let world = World::new().await;
    let recover = async |people: &[&str], why: &str| {
        let people = people.iter().map(|one| (*one).to_owned()).collect();
        let given = world.engine.recover(people, why.to_owned()).await;
        given.map_err(|error| error.refusal().map(|refusal| refusal.code()).unwrap_or("fault"))
    };
    assert_eq!(world.get("ines", "/me").await.good().body["recovered"], json!(null));
    for (people, why) in [
        (&["ada", "ines"][..], "the laptops were lost"),
        (&["ada", "ada"], "the laptops were lost"),
        (&["ada"], "the laptops were lost"),
        (&["ada", "bo"], "  "),
    ] {
        assert_eq!(recover(people, why).await.unwrap_err(), "recovery_refused", "{people:?}");
    }
    assert_eq!(recover(&["ada", "nobody"], "lost").await.unwrap_err(), "unknown_identity");
    let given = recover(&["ada", "bo"], "the laptops were lost").await.unwrap();
    let code = json!({ "code": given[1].secret.reveal() });
    let session = world.post("", "/login", code).await.good().text("/secret");
    assert_eq!(world.get(&session, "/me").await.good().text("/who/handle"), "bo");
    let told = world.get("ines", "/me").await.good();
    assert_eq!(told.text("/recovered/reason"), "the laptops were lost");
    assert_eq!(told.body["recovered"]["people"].as_array().unwrap().len(), 2);
    assert_eq!(told.body["recovered"]["none_left"], json!(false));
    assert_eq!(world.engine.verify_ledger(true).await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn where_no_administrator_is_left_two_people_are_put_in_charge() {
    let world = World::new().await;
    // Each takes the other's way out: Bo deactivates Ada, and then, still logged in, himself.
    for who in ["ada", "bo"] {
        world.post("bo", &format!("/identities/{who}/deactivate"), json!({})).await.good();
    }
    world.get("bo", "/me").await.refused("not_authenticated");
    let people = vec!["mara".to_owned(), "kim".to_owned()];
    let given = world.engine.recover(people, "both administrators left".to_owned()).await.unwrap();
    let code = json!({ "code": given[0].secret.reveal() });
    let session = world.post("", "/login", code).await.good().text("/secret");
    let me = world.get(&session, "/me").await.good();
    assert_eq!(me.body["recovered"]["none_left"], json!(true));
    world.post(&session, "/login-codes", json!({ "person": "ines" })).await.good();
    assert_eq!(world.engine.verify_ledger(true).await.unwrap().faults, Vec::<String>::new());
}

/// Every refusal that a recovery can meet.
pub async fn refusals(seen: &mut crate::refusals::Provoked) {
    let world = World::new().await;
    let people = vec!["ada".to_owned(), "ines".to_owned()];
    let refused = world.engine.recover(people, "lost".to_owned()).await.unwrap_err();
    seen.name(refused.refusal().unwrap().code());
}
