//! Tokens of programs: what each is good for, who sees them, and when they were used last.

use placet_server::{Needs, ROUTES};
use serde_json::json;

use crate::world::World;

/// Every route with every token that has one scope, and with one that has none named.
#[tokio::test]
async fn a_token_is_good_for_what_it_was_issued_for() {
    let world = World::new().await;
    let mut tokens = Vec::new();
    for scope in ["read", "ask", "report", "propose"] {
        let ask = json!({ "length": "1h", "scopes": [scope] });
        tokens.push((vec![scope], world.post("kim", "/tokens", ask).await.good().text("/secret")));
    }
    let usual = world.post("kim", "/tokens", json!({ "length": "1h" })).await.good();
    tokens.push((vec!["read", "ask"], usual.text("/secret")));
    for route in ROUTES.iter().filter(|route| route.path != "/logout") {
        let path = route.path.replace(['{', '}'], "");
        for (scopes, secret) in &tokens {
            let code = world.call(secret, route.method, &path, None).await.code();
            let needed = match route.needs {
                Needs::Nothing | Needs::Itself => None,
                Needs::Session => Some("a session"),
                Needs::Read => Some("read"),
                Needs::Ask => Some("ask"),
                Needs::Report => Some("report"),
                Needs::Propose => Some("propose"),
            };
            let expected = match needed {
                Some("a session") => Some("needs_session"),
                Some(scope) if !scopes.contains(&scope) => Some("scope_missing"),
                _ => None,
            };
            let stopped = ["needs_session", "scope_missing"].contains(&code.as_str());
            let what = format!("{} {} with {scopes:?}: {code}", route.method, route.path);
            match expected {
                Some(expected) => assert_eq!(code, expected, "{what}"),
                None => assert!(!stopped && code != "not_authenticated", "{what}"),
            }
        }
    }
}

#[tokio::test]
async fn tokens_are_seen_by_those_who_answer_for_them_and_never_their_secrets() {
    let world = World::new().await;
    world.get("timetable-ci", "/me").await.good();
    let listed = world.get("mara", "/tokens").await.good();
    let one = &listed.body[0];
    assert_eq!(listed.body.as_array().unwrap().len(), 1, "{}", listed.body);
    assert_eq!(one["holder"]["handle"], "timetable-ci");
    assert_eq!(one["scopes"], json!(["read", "ask", "report", "propose"]));
    assert_eq!((&one["state"], &one["used_at"]), (&json!("valid"), &json!(null)));
    assert!(!listed.body.to_string().contains(&world.secret("timetable-ci")));
    // Written down by a worker, not by whoever calls.
    world.engine.step().await;
    let used = world.get("mara", "/tokens").await.good().body[0]["used_at"].clone();
    assert!(used.is_string(), "{used}");
    world.get("timetable-ci", "/me").await.good();
    world.engine.step().await;
    let again = world.get("mara", "/tokens").await.good().body[0]["used_at"].clone();
    assert_eq!(used, again, "at most once a minute");
    // Its owner ends it, at once; then it is listed among what was ended.
    let id = one["id"].as_str().unwrap();
    world.post("mara", &format!("/tokens/{id}/revoke"), json!({})).await.good();
    world.get("timetable-ci", "/me").await.refused("not_authenticated");
    assert_eq!(world.get("mara", "/tokens").await.good().body, json!([]));
    assert_eq!(world.get("mara", "/tokens?all=true").await.good().body[0]["state"], "ended");
    assert_eq!(world.get("kim", "/tokens?all=true").await.good().body, json!([]));
}
