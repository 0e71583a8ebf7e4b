//! What people do from end to end, and what the world sees of it.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn two_people_agree_and_the_file_changes() {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "4h").await.good();
    assert_eq!(asked.text("/state"), "open");
    let inbox = world.get("mara", "/inbox").await.good();
    assert_eq!(inbox.body[0]["id"], asked.body["id"]);
    assert_eq!(world.get("sven", "/inbox").await.good().body, json!([]));
    assert_eq!(world.approve("mara", &asked).await.good().text("/state"), "open");
    world.engine.step().await;
    assert!(!std::fs::read_to_string(world.groups()).unwrap().contains("ines"), "one is not two");
    assert_eq!(world.approve("kim", &asked).await.good().text("/state"), "approved");
    let decided = world.get("kim", "/requests").await.good();
    assert_eq!(decided.body[0]["id"], asked.body["id"], "who agreed keeps sight of it");
    assert_eq!(world.get("tom", "/requests").await.good().body.as_array().unwrap().len(), 1);
    world.engine.step().await;
    let text = std::fs::read_to_string(world.groups()).unwrap();
    assert_eq!(text, "booking-deployers: ines\n# kept\ncaptains: lotta\n");
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_short_grant_ends_and_is_seen_to_be_gone() {
    let world = World::new().await;
    let asked = world.ask("timetable-ci", "build-logs", "1s").await.good();
    assert_eq!(
        (asked.text("/state"), asked.text("/route")),
        ("approved".into(), "pre_approved".into())
    );
    world.engine.step().await;
    assert!(std::fs::read_to_string(world.groups()).unwrap().contains("timetable-ci"));
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    world.engine.step().await;
    assert!(!std::fs::read_to_string(world.groups()).unwrap().contains("timetable-ci"));
    let grants = world.get("nora", "/grants?all=true").await.good();
    assert_eq!(
        (&grants.body[0]["state"], &grants.body[0]["gone"]),
        (&json!("ended"), &json!("seen absent"))
    );
}

#[tokio::test]
async fn a_change_by_hand_is_a_finding_without_a_request() {
    let world = World::new().await;
    std::fs::write(world.groups(), "booking-deployers: eve\nnot-ours: carl\n").unwrap();
    world.engine.step().await;
    let findings = world.get("nora", "/findings").await.good();
    assert_eq!(findings.body.as_array().unwrap().len(), 1, "what is not governed is nobody's case");
    let found = &findings.body[0];
    assert_eq!((&found["kind"], &found["account"]), (&json!("orphan"), &json!("eve")));
    assert_eq!((&found["request"], &found["owner"]["handle"]), (&Value::Null, &json!("tom")));
    assert_eq!(world.get("ines", "/findings").await.good().body, json!([]), "not hers to read");
}

#[tokio::test]
async fn a_target_that_is_down_is_unknown_and_its_grants_wait() {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "4h").await.good();
    world.approve("mara", &asked).await.good();
    world.approve("kim", &asked).await.good();
    let text = std::fs::read_to_string(world.groups()).unwrap();
    std::fs::remove_file(world.groups()).unwrap();
    world.engine.step().await;
    let path = format!("/requests/{}", asked.text("/id"));
    let shown = world.get("ines", &path).await.good();
    assert_eq!(shown.text("/grant/state"), "pending");
    assert_eq!(shown.text("/observed/completeness"), "unknown");
    assert_eq!(
        world.get("nora", "/findings").await.good().body,
        json!([]),
        "unknown is never removed"
    );
    std::fs::write(world.groups(), text).unwrap();
    for _ in 0..40 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.engine.step().await;
        if world.get("ines", &path).await.good().text("/grant/state") == "active" {
            return;
        }
    }
    panic!("the grant was not carried out after the target came back");
}

#[tokio::test]
async fn a_garbled_target_is_partial_and_nothing_counts_as_removed() {
    let world = World::new().await;
    let (_, _) = world.active("4h").await;
    let mut bytes = std::fs::read(world.groups()).unwrap();
    let at = bytes.windows(4).position(|w| w == b"ines").unwrap();
    bytes.splice(at..at + 4, *b"\xff\xfe");
    std::fs::write(world.groups(), bytes).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    world.engine.step().await;
    let targets = world.get("nora", "/targets").await.good();
    assert_eq!(targets.body[0]["observed"]["completeness"], json!("partial"));
    assert_eq!(world.get("nora", "/findings").await.good().body, json!([]));
}

#[tokio::test]
async fn evidence_proves_itself_and_a_missing_entry_shows() {
    let world = World::new().await;
    let (request, grant) = world.active("4h").await;
    let key = world.engine.verifier_key().parse().unwrap();
    let by_request = format!("/requests/{}/evidence", request.text("/id"));
    let path = format!("/grants/{grant}/evidence");
    for path in [&by_request, &path] {
        world.post("ines", path, json!({})).await.refused("not_permitted");
        let evidence = world.post("nora", path, json!({})).await.good().body;
        let text = serde_json::to_string(&evidence).unwrap();
        placet_ledger::evidence::verify(&text, &key).unwrap();
        let entries = evidence["entries"].as_array().unwrap().len();
        for left_out in 0..entries {
            let mut cut = evidence.clone();
            cut["entries"].as_array_mut().unwrap().remove(left_out);
            let verdict =
                placet_ledger::evidence::verify(&serde_json::to_string(&cut).unwrap(), &key);
            // The second export without its seal is just the first one: whole, up to an older seal.
            match (verdict, *path == by_request || left_out + 1 < entries) {
                (Err(_), true) => {}
                (Ok(older), false) => assert!(older.complete_up_to.0 < last_index(&evidence)),
                (_, _) => panic!("entry {left_out} of {entries} is not missed"),
            }
        }
    }
}

fn last_index(evidence: &Value) -> u64 {
    evidence["entries"].as_array().unwrap().last().unwrap()["index"].as_u64().unwrap()
}

#[tokio::test]
async fn two_who_decide_at_once_do_not_decide_twice() {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "4h").await.good();
    world.approve("mara", &asked).await.good();
    let (one, other) = tokio::join!(world.approve("kim", &asked), world.approve("tom", &asked));
    let mut codes = [one.code(), other.code()];
    codes.sort();
    assert_eq!(codes, ["ok", "request_closed"], "one wins, the other is told");
    assert_eq!(
        world.get("nora", "/grants?all=true").await.good().body.as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_leaver_loses_access_and_sessions_at_once() {
    let world = World::new().await;
    world.active("4h").await;
    world.post("ada", "/identities/ines/deactivate", json!({})).await.good();
    world.get("ines", "/me").await.refused("not_authenticated");
    world.engine.step().await;
    assert!(!std::fs::read_to_string(world.groups()).unwrap().contains("ines"));
    let grants = world.get("nora", "/grants?all=true").await.good();
    assert_eq!(grants.body[0]["end"], json!("the holder left"));
}

#[tokio::test]
async fn an_approval_that_is_withdrawn_ends_what_it_allowed() {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "4h").await.good();
    world.approve("mara", &asked).await.good();
    world.approve("kim", &asked).await.good();
    let path = format!("/requests/{}/withdraw-approval", asked.text("/id"));
    world.post("kim", &path, json!({})).await.good();
    world.engine.step().await;
    assert!(!std::fs::read_to_string(world.groups()).unwrap().contains("ines"));
    let grants = world.get("nora", "/grants?all=true").await.good();
    assert_eq!(grants.body[0]["state"], json!("cancelled"));
}

#[tokio::test]
async fn a_new_revision_voids_the_old_approvals() {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "4h").await.good();
    world.approve("mara", &asked).await.good();
    let body = json!({
        "entitlement": "booking-staging-deploy",
        "length": "8h",
        "justification": "it takes longer than I thought",
    });
    let path = format!("/requests/{}/revisions", asked.text("/id"));
    let revised = world.post("ines", &path, body).await.good();
    assert_eq!((revised.text("/length"), &revised.body["revision"]), ("8 h".into(), &json!(2)));
    assert_eq!(revised.body["stages"][0]["approved_by"], json!([]));
    world.approve("kim", &asked).await.refused("old_revision");
    world.approve("kim", &revised).await.good();
}
