//! Calls that are sent again, and calls that hold only while a record is as it was seen.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::refusals::Provoked;
use crate::world::{Answer, World};

/// What came back, and what its head said.
struct Told {
    answer: Answer,
    etag: Option<String>,
    replayed: bool,
}

async fn call(world: &World, who: &str, path: &str, with: &[(&str, &str)], body: Value) -> Told {
    let method = if body.is_null() { "GET" } else { "POST" };
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    request = request.header("authorization", format!("Bearer {}", world.secret(who)));
    for (name, value) in with {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let response =
        world.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let head = |name| response.headers().get(name).map(|one| one.to_str().unwrap().to_owned());
    let (etag, replayed) = (head("etag"), head("idempotency-replayed").is_some());
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Told { answer: Answer { status, body }, etag, replayed }
}

fn ask(length: &str) -> Value {
    json!({
        "entitlement": "booking-staging-deploy",
        "length": length,
        "justification": "the test of the day needs it",
    })
}

#[tokio::test]
async fn a_call_that_is_sent_again_under_its_key_is_done_once() {
    let world = World::new().await;
    let key = [("idempotency-key", "\"8e03978e-40d5-43e8-bc93\"")];
    let first = call(&world, "ines", "/requests", &key, ask("1h")).await;
    let again = call(&world, "ines", "/requests", &key, ask("1h")).await;
    assert_eq!((first.answer.status, first.replayed), (201, false), "{}", first.answer.body);
    assert_eq!((again.answer.status, again.replayed), (201, true));
    assert_eq!(first.answer.body, again.answer.body);
    assert_eq!(world.get("ines", "/requests").await.body.as_array().unwrap().len(), 1);

    // Another call under the same key is a mistake; another caller's key is another one.
    let other = call(&world, "ines", "/requests", &key, ask("2h")).await;
    other.answer.refused("key_reused");
    let theirs = call(&world, "tom", "/requests", &key, ask("1h")).await;
    assert!(!theirs.replayed && theirs.answer.status == 201, "{}", theirs.answer.body);

    // What was refused was not done: the same key may try again.
    let key = [("idempotency-key", "second")];
    let id = first.answer.text("/id");
    let path = format!("/requests/{id}/approve");
    let digest = |text: &str| json!({ "digest": text });
    let wrong = call(&world, "mara", &path, &key, digest(&"0".repeat(64))).await;
    wrong.answer.refused("old_revision");
    let right = digest(&first.answer.text("/digest"));
    let agreed = call(&world, "mara", &path, &key, right.clone()).await;
    assert_eq!(agreed.answer.code(), "ok", "{}", agreed.answer.body);
    let again = call(&world, "mara", &path, &key, right).await;
    assert!(again.replayed, "and not `already_approved`: {}", again.answer.body);
    assert_eq!(again.answer.body, agreed.answer.body);
}

#[tokio::test]
async fn two_calls_at_once_under_one_key_are_one() {
    let world = World::new().await;
    let key = [("idempotency-key", "at-once")];
    let calls = (0..8).map(|_| call(&world, "ines", "/requests", &key, ask("1h")));
    let told = futures_util::future::join_all(calls).await;
    for one in &told {
        let code = one.answer.code();
        let known = ["ok", "answer_not_kept"];
        assert!(known.contains(&code.as_str()), "{code}: {}", one.answer.body);
    }
    assert_eq!(world.get("ines", "/requests").await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_record_that_moved_on_is_not_changed_by_whoever_saw_it_before() {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "1h").await.good();
    let path = format!("/requests/{}", asked.text("/id"));
    let seen = call(&world, "ines", &path, &[], Value::Null).await.etag.unwrap();
    world.post("mara", &format!("{path}/questions"), json!({ "text": "what for?" })).await.good();
    let withdraw = format!("{path}/withdraw");
    let late = call(&world, "ines", &withdraw, &[("if-match", &seen)], json!({})).await;
    assert_eq!(late.answer.status, 412);
    late.answer.refused("changed_meanwhile");
    let now = call(&world, "ines", &path, &[], Value::Null).await.etag.unwrap();
    assert_ne!(seen, now);
    let done = call(&world, "ines", &withdraw, &[("if-match", &now)], json!({})).await;
    assert_eq!(done.answer.code(), "ok", "{}", done.answer.body);
    assert_eq!(world.get("ines", &path).await.text("/state"), "withdrawn");
}

/// What conditions are refused for.
pub async fn refusals(seen: &mut Provoked) {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "1h").await.good();
    let path = format!("/requests/{}/withdraw", asked.text("/id"));
    let stale = call(&world, "ines", &path, &[("if-match", "\"99\"")], json!({})).await;
    seen.check(stale.answer, "changed_meanwhile");
    for tag in ["7", "W/\"1\"", "*", "\"1\", \"2\"", "\"x\""] {
        let odd = call(&world, "ines", &path, &[("if-match", tag)], json!({})).await;
        odd.answer.refused("unreadable");
    }
    let odd = [("idempotency-key", "a b")];
    call(&world, "ines", &path, &odd, json!({})).await.answer.refused("unreadable");
    // Where nothing is kept, a caller who relies on it is told so.
    let key = [("idempotency-key", "k")];
    let body = json!({ "length": "1h" });
    call(&world, "ines", "/tokens", &key, body).await.answer.refused("unreadable");
    let path = "/ending-events";
    let body = json!({ "event": "ticket:none" });
    let tag = [("if-match", "\"1\"")];
    call(&world, "ines-token", path, &tag, body).await.answer.refused("unreadable");
    let ask = |length| call(&world, "tom", "/requests", &key, ask(length));
    assert_eq!(ask("1h").await.answer.code(), "ok");
    seen.check(ask("2h").await.answer, "key_reused");
}
