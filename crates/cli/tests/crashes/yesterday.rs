//! Yesterday's database is put back under the program, which remembers that there was more: it ends
//! what is due and begins nothing; and when today's is back, what was ended is entered.

use std::time::Duration;

use crate::book::Book;
use crate::company::{Company, Door};
use crate::place::Server;

const FILES: [&str; 3] = ["placet.db", "placet.db-wal", "placet.db-shm"];

/// Copies the database, as a backup of a stopped program does; what is not there is not left.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    for name in FILES {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_of_yesterday_only_ends_and_todays_goes_on() {
    let company = Company::found().await;
    let (data, yesterday, today) =
        (company.data(), company.place.path("yesterday"), company.place.path("today"));
    std::fs::create_dir(&yesterday).unwrap();
    std::fs::create_dir(&today).unwrap();
    let granted = async |door: &Door, who: &str, length: &str| {
        let asked = company.ask(door, who, "build-logs", length).await.unwrap().good();
        let grant = asked.text("/grant/id");
        company.until(door, &grant, "active").await;
        grant
    };

    let server = Server::start(&company.place);
    let door = Door::of(&server.url);
    let old = granted(&door, "anna", "6s").await;
    server.kill();
    copy(&data, &yesterday);
    let server = Server::start(&company.place);
    let door = Door::of(&server.url);
    let newer = granted(&door, "bert", "1h").await;
    let short = granted(&door, "cleo", "5s").await;
    server.kill();
    copy(&data, &today);

    copy(&yesterday, &data);
    let server = Server::start(&company.place);
    let door = Door::of(&server.url);
    assert!(server.log.lock().unwrap().contains("ending-only mode: the database was rolled back"));
    let health = door.call("", "GET", "/health", None).await.unwrap().good();
    assert_eq!(health.text("/mode"), "ending_only");
    company.ask(&door, "dag", "build-logs", "1m").await.unwrap().refused("ending_only");
    let is_gone = |who: &str| !company.groups().contains(who);
    for _ in 0..200 {
        if is_gone("anna") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_gone("anna"), "what is due ends: {}", company.groups());
    assert!(!is_gone("bert"), "what the database does not know of is not swept away");
    tokio::time::sleep(Duration::from_millis(300)).await;
    // The mode outlives a kill, and what was ended is not ended again.
    server.kill();
    let lines = company.journal();
    assert_eq!(lines.len(), 2, "that it set out, and how it came out: {lines:?}");
    let server = Server::start(&company.place);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    company.place.bad("operator", &["ledger", "verify", "--state"], 3, "another `placet` works");
    server.kill();
    assert_eq!(company.journal(), lines);
    assert!(company.verifies().is_err(), "and an operator is told");

    copy(&today, &data);
    let server = Server::start(&company.place);
    let door = Door::of(&server.url);
    assert!(!server.log.lock().unwrap().contains("ending-only"));
    for grant in [&old, &short] {
        let ended = company.until(&door, grant, "ended").await;
        assert_eq!(ended.text("/gone"), "seen absent", "{}", ended.body);
    }
    company.until(&door, &newer, "active").await;
    granted(&door, "dag", "1h").await;
    for _ in 0..100 {
        if company.journal().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        company.journal(),
        Vec::<serde_json::Value>::new(),
        "what was journalled is entered"
    );
    assert!(is_gone("anna") && is_gone("cleo") && !is_gone("bert"), "{}", company.groups());
    server.kill();
    Book::default().read_on(&data, &company.key).await.unwrap();
    company.verifies().unwrap();
}
