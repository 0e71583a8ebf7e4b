//! What must hold when something is wrong: the database edited, rolled back or full, the policy
//! gone, a worker that died. New access is refused with a reason; what is due still ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

#[path = "../api/world.rs"]
#[allow(dead_code)] // Shared with the tests of the API; not everything is used here.
mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use placet_connectors::Registry;
use placet_domain::Timestamp;
use placet_domain::id::EventId;
use placet_engine::{Engine, Environment, Machine, Options};
use placet_ledger::{LogKey, Receipt};
use placet_store::{Commit, Done, Log, Settings, Store};
use serde_json::json;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use world::{World, place};

async fn sql(world: &World) -> SqliteConnection {
    let path = world.dir.path().join("data/placet.db");
    SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
}

fn groups(world: &World) -> String {
    std::fs::read_to_string(world.groups()).unwrap()
}

async fn rest(millis: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}

fn serve(world: &mut World, engine: Engine) {
    world.router = placet_server::router(engine.clone());
    world.engine = engine;
}

/// Stops the engine: nobody holds the data directory any more.
async fn stop(world: &mut World) {
    let elsewhere = tempfile::tempdir().unwrap();
    let idle = Engine::create(&place(elsewhere.path()), "idle.example/log").await.unwrap();
    serve(world, idle);
}

/// Opens what was just let go: the write task closes the database a moment after the last handle
/// is gone.
async fn patiently<T, E: std::fmt::Debug>(mut open: impl AsyncFnMut() -> Result<T, E>) -> T {
    for _ in 0..100 {
        if let Ok(opened) = open().await {
            return opened;
        }
        rest(100).await;
    }
    open().await.unwrap()
}

/// Opens the engine again, as after a restart.
async fn again(world: &mut World) {
    stop(world).await;
    let place = place(world.dir.path());
    let engine = patiently(async || Engine::open(&place).await).await;
    serve(world, engine);
}

/// Opens the store with settings and a log of the test's own.
async fn opened(world: &mut World, page_limit: Option<u32>, wrap: impl FnOnce(Store) -> Store) {
    opened_in(world, Arc::new(Machine), page_limit, wrap).await;
}

/// The same in an environment of the test's own.
async fn opened_in(
    world: &mut World,
    environment: Arc<dyn Environment>,
    page_limit: Option<u32>,
    wrap: impl FnOnce(Store) -> Store,
) {
    stop(world).await;
    let data = world.dir.path().join("data");
    let text = std::fs::read_to_string(data.join("log.key")).unwrap();
    let settings = Settings { page_limit, ..Settings::new(&data) };
    let key = || LogKey::from_private_text(text.trim()).unwrap();
    let store = wrap(patiently(async || Store::open(settings.clone(), key()).await).await);
    let options = Options {
        observe_seconds: 1,
        calls_at_once: 8,
        journal: data.join("endings.journal"),
        incidents: None,
        channels: Vec::new(),
        trust_clock: false,
    };
    let engine = Engine::new(store, environment, Registry::shipped(), options).await;
    serve(world, engine);
}

/// A machine whose clock somebody has set back, in seconds.
#[derive(Debug)]
struct SetBack(i64);

impl Environment for SetBack {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(Machine.now().as_micros() - self.0 * 1_000_000)
    }

    fn steady(&self) -> i64 {
        Machine.steady()
    }

    fn random(&self) -> [u8; 32] {
        Machine.random()
    }

    fn after(&self, seconds: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Machine.after(seconds)
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_begins_nothing_and_ends_what_is_due() {
    let mut world = World::new().await;
    world.active("2s").await;
    assert!(groups(&world).contains("ines"));
    opened_in(&mut world, Arc::new(SetBack(86_400)), None, |store| store).await;
    world.ask("ines", "build-logs", "1h").await.refused("clock_behind");
    rest(2_500).await;
    world.engine.step().await;
    assert!(!groups(&world).contains("ines"), "what is due still ends");
    // Right again, it goes on as before.
    again(&mut world).await;
    world.ask("ines", "build-logs", "1h").await.good();
    assert_eq!(world.engine.verify_ledger(true).await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn an_edited_row_is_named_and_gives_no_access() {
    let mut world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "1h").await.good();
    world.approve("mara", &asked).await.good();
    world.approve("kim", &asked).await.good();
    // An insider makes eight hours of one, behind Placet's back.
    let mut database = sql(&world).await;
    let edited = sqlx::query(
        "update access_grant set state = replace(state, '\"length\":3600', '\"length\":28800')",
    )
    .execute(&mut database)
    .await
    .unwrap();
    assert_eq!(edited.rows_affected(), 1);
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults.len(), 1, "{:?}", report.faults);
    assert!(report.faults[0].contains("table `access_grant`") && report.faults[0].contains("fold"));

    world.engine.step().await;
    assert!(!groups(&world).contains("ines"), "no access without proof from the ledger");
    again(&mut world).await;
    world.engine.step().await;
    let grants = world.get("nora", "/grants?all=true").await.good();
    assert_eq!(grants.body[0]["end"], json!("the ledger does not show assent"), "{}", grants.body);
}

#[tokio::test]
async fn every_edit_beside_the_rows_is_named_too() {
    let world = World::new().await;
    world.active("4h").await;
    let mut database = sql(&world).await;
    for (edit, named) in [
        ("delete from set_version where name like 'holdings/%'", "table `set_version`"),
        (
            "update trail set nth = 99 where trail = 'organisation'",
            "its head is not its last entry",
        ),
        (
            "insert into trail (trail, nth, head) values ('req_made_up', 1, 'x')",
            "row `req_made_up`",
        ),
        (
            "update disclosure set body = 'eyJ4IjoxfQ' where about like 'req_%'",
            "does not open its commitment",
        ),
        ("update profile set handle = handle || '-x' where handle = 'mara'", "table `profile`"),
    ] {
        let clean = world.engine.verify_ledger(true).await.unwrap().faults;
        assert!(!clean.iter().any(|fault| fault.contains(named)), "{clean:?}");
        sqlx::query(edit).execute(&mut database).await.unwrap();
        let faults = world.engine.verify_ledger(true).await.unwrap().faults;
        assert!(faults.iter().any(|fault| fault.contains(named)), "{edit}: {faults:?}");
    }
}

#[tokio::test]
async fn swapped_handles_let_nobody_in_as_another() {
    let world = World::new().await;
    let mut database = sql(&world).await;
    for edit in [
        "update profile set handle = 'swap' where handle = 'mara'",
        "update profile set handle = 'mara' where handle = 'kim'",
        "update profile set handle = 'kim' where handle = 'swap'",
    ] {
        sqlx::query(edit).execute(&mut database).await.unwrap();
    }
    let answer = world.post("ada", "/login-codes", json!({ "person": "mara" })).await;
    assert_eq!(answer.status, 500, "the ledger says who is who: {}", answer.body);
    let me = world.get("mara", "/me").await.good();
    assert_eq!(me.text("/who/name"), "Mara Holm", "names come from the commitment");
}

#[tokio::test]
async fn an_edited_entry_or_head_means_ending_only() {
    let mut world = World::new().await;
    let mut database = sql(&world).await;
    for text in [
        "update ledger_head set checkpoint = replace(checkpoint, 'test.example/log', 'test.example/lag')",
        "update ledger_head set checkpoint = replace(checkpoint, 'test.example/lag', 'test.example/log')",
    ] {
        sqlx::query(text).execute(&mut database).await.unwrap();
    }
    again(&mut world).await;
    assert_eq!(world.engine.ending_only(), None, "what was put right again is right");
    sqlx::query(
        "update ledger_tile set hashes = replace(hashes, substr(hashes, 1, 8), '00000000')",
    )
    .execute(&mut database)
    .await
    .unwrap();
    again(&mut world).await;
    assert!(world.engine.ending_only().unwrap().contains("not the one that was signed"));
    world.ask("ines", "build-logs", "1h").await.refused("ending_only");
}

#[tokio::test]
async fn a_rolled_back_database_ends_access_and_begins_none() {
    let mut world = World::new().await;
    let (_, _) = world.active("2s").await;
    assert!(groups(&world).contains("ines"));
    let data = world.dir.path().join("data");
    let backup = world.dir.path().join("backup.db");
    let mut database = sql(&world).await;
    sqlx::query("vacuum into $1")
        .bind(backup.display().to_string())
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    world.ask("timetable-ci", "build-logs", "1h").await.good();

    // Somebody puts an older copy of the database back.
    stop(&mut world).await;
    rest(500).await;
    for name in ["placet.db", "placet.db-wal", "placet.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    std::fs::copy(&backup, data.join("placet.db")).unwrap();
    again(&mut world).await;
    let why = world.engine.ending_only().unwrap();
    assert!(why.contains("rolled back"), "{why}");
    assert_eq!(world.get("", "/health").await.good().text("/mode"), "ending_only");
    world.ask("ines", "build-logs", "1h").await.refused("ending_only");

    rest(2_000).await;
    world.engine.step().await;
    assert!(!groups(&world).contains("ines"), "what is due still ends");
    assert_eq!(world.engine.journalled().unwrap(), 1);
    world.engine.step().await;
    assert_eq!(
        world.engine.journalled().unwrap(),
        1,
        "what was seen to be gone is not ended twice"
    );
}

#[tokio::test]
async fn a_lost_policy_grants_nothing_and_ends_everything_due() {
    let mut world = World::new().await;
    world.active("1s").await;
    let waiting = world.ask("tom", "booking-staging-deploy", "1h").await.good();
    world.approve("mara", &waiting).await.good();
    world.approve("kim", &waiting).await.good();
    let mut database = sql(&world).await;
    let bundle = world.get("ada", "/policy").await.good().text("/bundle");
    sqlx::query("delete from record where digest = $1")
        .bind(bundle)
        .execute(&mut database)
        .await
        .unwrap();
    again(&mut world).await;
    world.ask("ines", "build-logs", "1h").await.refused("policy_failed");
    rest(1_000).await;
    world.engine.step().await;
    assert!(!groups(&world).contains("ines"), "ending asks no policy");
    assert!(!groups(&world).contains("tom"), "beginning does");
    let again = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(again.faults, Vec::<String>::new());
}

/// A policy that cannot answer is no reason to end anything: what has to be ruled again waits.
#[tokio::test]
async fn ruling_again_waits_for_a_policy_that_cannot_answer() {
    let mut world = World::new().await;
    world.active("4h").await;
    let mut database = sql(&world).await;
    let bundle = world.get("ada", "/policy").await.good().text("/bundle");
    let kept: String = sqlx::query("select body from record where digest = $1")
        .bind(&bundle)
        .fetch_one(&mut database)
        .await
        .unwrap()
        .get(0);
    sqlx::query("delete from record where digest = $1")
        .bind(&bundle)
        .execute(&mut database)
        .await
        .unwrap();
    // As after the adoption of a bundle, and as after a change of one entitlement.
    let entitlement = "select id from entitlement where name = 'booking-staging-deploy'";
    for round in ["select 'rerule/organisation'", &format!("select 'rerule/' || ({entitlement})")] {
        let begin = format!(
            "insert into upkeep (round, turn, progress, due_at) \
             select ({round}), 1, '', 0"
        );
        sqlx::query(sqlx::AssertSqlSafe(begin)).execute(&mut database).await.unwrap();
    }
    again(&mut world).await;
    for _ in 0..3 {
        world.engine.step().await;
    }
    assert!(groups(&world).contains("ines"), "nothing ends because policy is lost");
    let rounds = "select count(*) from upkeep";
    let left: i64 = sqlx::query(rounds).fetch_one(&mut database).await.unwrap().get(0);
    assert_eq!(left, 2, "and nothing is forgotten");
    let waits = "select count(*) from upkeep where progress like '%\"waited\":1%'";
    let waits: i64 = sqlx::query(waits).fetch_one(&mut database).await.unwrap().get(0);
    assert_eq!(waits, 2, "and whoever asks is told");
    // When policy is back, the rounds come to their end, and what is permitted stands.
    sqlx::query("insert into record (digest, body) values ($1, $2)")
        .bind(&bundle)
        .bind(&kept)
        .execute(&mut database)
        .await
        .unwrap();
    sqlx::query("update upkeep set due_at = 0").execute(&mut database).await.unwrap();
    for _ in 0..3 {
        world.engine.step().await;
    }
    let left: i64 = sqlx::query(rounds).fetch_one(&mut database).await.unwrap().get(0);
    assert_eq!(left, 0);
    assert!(groups(&world).contains("ines"));
}

#[tokio::test]
async fn a_ruling_that_was_edited_does_not_replay() {
    let world = World::new().await;
    world.active("4h").await;
    assert_eq!(world.engine.replay(Default::default()).await.unwrap().different, 0);
    let mut database = sql(&world).await;
    let edited = sqlx::query(
        "update record set body = replace(body, '\"permit\":true', '\"permit\":false') \
         where body like '%\"action\":\"grant\"%'",
    )
    .execute(&mut database)
    .await
    .unwrap();
    assert!(edited.rows_affected() > 0);
    let report = world.engine.replay(Default::default()).await.unwrap();
    assert!(report.different > 0, "{report:?}");
    assert!(report.differences[0].why.contains("not what its digest says"), "{report:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_the_new_and_ends_the_due() {
    let mut world = World::new().await;
    world.active("3s").await;
    let mut database = sql(&world).await;
    let row = sqlx::query("pragma page_count").fetch_one(&mut database).await.unwrap();
    let pages = u32::try_from(row.try_get::<i64, _>(0).unwrap()).unwrap();
    database.close().await.unwrap();

    opened(&mut world, Some(pages), |store| store).await;
    let mut code = String::new();
    for _ in 0..50 {
        code = world.ask("kim", "build-logs", "1h").await.code();
        if code == "storage_full" {
            break;
        }
        let asked = world.get("kim", "/requests?limit=1").await.good();
        let path = format!("/grants/{}/give-back", asked.body[0]["grant"]["id"].as_str().unwrap());
        world.post("kim", &path, json!({})).await;
    }
    assert_eq!(code, "storage_full");
    rest(3_000).await;
    world.engine.step().await;
    world.engine.step().await;
    assert!(!groups(&world).contains("ines"), "what is due still ends: {}", groups(&world));
    assert_eq!(world.engine.journalled().unwrap(), 1, "and is written down beside the database");

    again(&mut world).await;
    for _ in 0..3 {
        world.engine.step().await;
        rest(1_100).await;
    }
    assert_eq!(world.engine.journalled().unwrap(), 0, "entered, once there is room");
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
    let grants = world.get("nora", "/grants?all=true&limit=200").await.good();
    let of_ines =
        grants.body.as_array().unwrap().iter().find(|one| one["receiver"]["handle"] == "ines");
    assert_eq!(of_ines.unwrap()["gone"], json!("seen absent"));
}

/// A log whose facts always moved on.
#[derive(Debug)]
struct Contended;

#[async_trait::async_trait]
impl Log for Contended {
    async fn commit(&self, _: Commit) -> Result<Done, placet_store::Error> {
        Err(placet_store::Error::Stale { what: "everything".to_owned() })
    }

    async fn receipt(&self, _: EventId) -> Result<Receipt, placet_store::Error> {
        Err(placet_store::Error::Stopped)
    }
}

#[tokio::test]
async fn facts_that_never_hold_still_are_told_after_three_tries() {
    let mut world = World::new().await;
    opened(&mut world, None, |store| store.behind(|_| Arc::new(Contended))).await;
    world.ask("ines", "build-logs", "1h").await.refused("stale_facts");
}
