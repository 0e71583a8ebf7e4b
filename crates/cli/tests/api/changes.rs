//! Being told of changes: which kinds, never which records; for as long as one is there.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::pages::{browse, quoted};
use crate::world::World;

type Lines = axum::body::BodyDataStream;

async fn watch(world: &World, who: &str, last: Option<&str>) -> Lines {
    let caller = ("authorization", format!("Bearer {}", world.secret(who)));
    listen(world, "/api/v1/changes", caller, last).await
}

/// What an open page does, which says up to which entry it shows.
async fn watch_page(world: &World, who: &str, since: &str, last: Option<&str>) -> Lines {
    let caller = ("cookie", format!("placet_session={}", world.secret(who)));
    listen(world, &format!("/changes?since={since}"), caller, last).await
}

async fn listen(world: &World, to: &str, caller: (&str, String), last: Option<&str>) -> Lines {
    let mut request = Request::builder().uri(to).header(caller.0, caller.1);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response =
        world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body().into_data_stream()
}

/// The next event; nothing when there is no more.
async fn next(lines: &mut Lines) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_secs(20), lines.next()).await;
    let bytes = chunk.expect("an event within twenty seconds")?;
    Some(String::from_utf8(bytes.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn whoever_is_there_is_told_which_kinds_of_records_changed() {
    let world = World::new().await;
    // Yara may read nothing of this: kinds are all that anybody is told.
    let mut lines = watch(&world, "yara", None).await;
    let asked = world.ask("ines", "booking-staging-deploy", "1h").await.good();
    let first = next(&mut lines).await.unwrap();
    assert!(first.contains("event: changed\n") && first.contains("data: request\n"), "{first}");
    assert!(!first.contains(&asked.text("/id")), "{first}");
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    // Who comes back is told what changed meanwhile.
    drop(lines);
    let path = format!("/requests/{}/withdraw", asked.text("/id"));
    world.post("ines", &path, json!({})).await.good();
    let mut lines = watch(&world, "yara", Some(&id)).await;
    assert!(next(&mut lines).await.unwrap().contains("data: request\n"));
    // Whoever logs out is told no more.
    world.post("yara", "/logout", json!({})).await.good();
    assert_eq!(next(&mut lines).await, None);
    let odd = Request::builder()
        .uri("/api/v1/changes")
        .header("authorization", format!("Bearer {}", world.secret("ines")))
        .header("last-event-id", "yesterday");
    let odd = world.router.clone().oneshot(odd.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(odd.status(), 422);
}

#[tokio::test]
async fn a_page_is_told_at_once_what_changed_while_it_was_on_its_way() {
    let world = World::new().await;
    let shown = async || {
        let page = browse(&world, &world.secret("ines"), "/", None).await.text;
        quoted(&page, "data-entries=\"").to_owned()
    };
    let old = shown().await;
    world.ask("ines", "booking-staging-deploy", "1h").await.good();
    let told = next(&mut watch_page(&world, "ines", &old, None).await).await.unwrap();
    assert!(told.contains("data: request\n"), "{told}");
    // A page that shows that already waits for what comes after it; so does one made before it that was
    // told and comes back.
    let now = shown().await;
    assert!(told.contains(&format!("id: {now}\n")), "{told}");
    let mut fresh = watch_page(&world, "ines", &now, None).await;
    let mut back = watch_page(&world, "ines", &old, Some(&now)).await;
    for lines in [&mut fresh, &mut back] {
        let soon = tokio::time::timeout(Duration::from_secs(1), lines.next()).await;
        assert!(soon.is_err(), "nothing is new: {soon:?}");
    }
    world.post("ines", "/tokens", json!({ "length": "1d", "scopes": ["read"] })).await.good();
    for lines in [&mut fresh, &mut back] {
        let told = next(lines).await.unwrap();
        assert!(told.contains("data: credential\n"), "{told}");
    }
}

#[tokio::test]
async fn nobody_is_told_any_more_when_the_program_stops() {
    let world = World::new().await;
    let mut lines = watch(&world, "ines", None).await;
    world.engine.close_watches();
    assert_eq!(next(&mut lines).await, None);
}

/// More than can be told at once are refused.
pub async fn refusals(seen: &mut crate::refusals::Provoked) {
    let world = World::new().await;
    let mut all = Vec::new();
    for _ in 0..512 {
        all.push(watch(&world, "ines", None).await);
    }
    seen.check(world.get("ines", "/changes").await, "too_many_watchers");
}
