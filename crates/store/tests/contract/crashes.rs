//! Crashes: a program is killed in the middle of its commits, and everything that it was told to be
//! durable is there afterwards.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use placet_domain::id::EventId;
use placet_store::{Mode, Settings, Store};

use crate::commits::whole;
use crate::company::{Company, another_event, person};
use crate::ground::{Ground, key};

const DIR: &str = "PLACET_TEST_CRASH_DIR";

/// The program that is killed: it commits from several tasks, and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test below, in a process of its own"]
async fn program() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let settings = Settings::new(dir);
    let store = Store::open(settings, key()).await.unwrap();
    let target = store.targets(&Default::default()).await.unwrap()[0].id;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            while let Ok(event) = another_event(&store, target).await {
                use std::io::Write as _;
                let _ = writeln!(std::io::stdout(), "\nacknowledged {event}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_the_program_was_killed_is_there() {
    let ground = Ground::sqlite();
    drop(Company::found(ground.open().await).await);
    ground.settled().await;
    let mut acknowledged: Vec<EventId> = Vec::new();
    for round in 0..4 {
        let mut program = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crashes::program", "--ignored", "--nocapture"])
            .env(DIR, ground.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
        let event = |line: String| line.strip_prefix("acknowledged ")?.parse::<EventId>().ok();
        let mut said = lines.filter_map(event);
        // Killed while it works: after some events, and in the middle of others.
        acknowledged.extend(said.by_ref().take(10 + 7 * round));
        program.kill().unwrap();
        acknowledged.extend(said);
        program.wait().unwrap();

        let store = ground.open().await;
        assert_eq!(*store.mode(), Mode::Normal);
        for event in &acknowledged {
            store.receipt(*event).await.unwrap();
        }
        assert_eq!(store.verify_state().await.unwrap().differences, []);
        whole(&store).await;
        store.commit(person(&format!("round-{round}"), None, &[]).0).await.unwrap();
        drop(store);
        ground.settled().await;
    }
    assert!(acknowledged.len() > 80, "{}", acknowledged.len());
}
