//! Killed while it is founded, and while it starts; and stopped by SIGTERM, after which nothing is in
//! doubt.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::book::Book;
use crate::callers::{Caller, Notes};
use crate::company::{Company, Door};
use crate::dice::Dice;
use crate::place::{Place, Server, texts};

/// Whenever `init` dies, the company is founded or it is not; and whoever sits there comes on.
#[tokio::test]
async fn a_founding_that_is_killed_can_be_done_again_or_was_done() {
    let (mut anew, mut done) = (0, 0);
    let place = Place::new();
    std::fs::create_dir(place.path("placet-data")).unwrap();
    let mut company = Company::begin(place);
    // In steps that are finer than those of the founding, whatever the machine is at; then late
    // enough, as long as no founding was done.
    for tenth in (0..400).step_by(15).chain((400..).step_by(400)) {
        if tenth >= 400 && done > 0 {
            break;
        }
        std::fs::remove_dir_all(company.data()).unwrap();
        std::fs::create_dir(company.data()).unwrap();
        let mut init = company.place.command("ada", &company.init());
        let mut child = init.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(tenth * 100));
        child.kill().unwrap();
        child.wait().unwrap();

        let again = [&company.init()[..], &["--output", "json"]].concat();
        let output = company.place.run("ada", &again);
        let (out, err) = texts(&output);
        if output.status.success() {
            anew += 1;
            let founded: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(founded["login_codes"].as_array().unwrap().len(), 2);
        } else {
            done += 1;
            assert!(err.contains("registered already"), "after {tenth}: {err}");
            assert!(err.contains("`placet recover --people PERSON PERSON"), "{err}");
            let recover = ["recover", "--people", "ada", "bo", "--because", "codes never seen"];
            let given = company.place.json("operator", &recover);
            assert_eq!(given["login_codes"].as_array().unwrap().len(), 2);
        }
        assert!(!company.data().join("founding").exists() || !output.status.success());
        company.verifies().unwrap();
    }
    assert!(anew > 0 && done > 0, "{anew} were founded anew, {done} had been");
    // The last one works like any other.
    let recover = ["recover", "--people", "ada", "bo", "--because", "the next test"];
    let given = company.place.json("operator", &recover);
    let key = company.place.path("key");
    let export = ["ledger", "export", "--out", "out", "--key-out"];
    company.place.good("operator", &[&export[..], &[key.to_str().unwrap()]].concat());
    std::fs::rename(&key, company.data().join("log.verifier")).unwrap();
    let server = Server::start(&company.place);
    company.let_in(&server, &given["login_codes"]).await;
    let door = Door::of(&server.url);
    let asked = company.ask(&door, "ines", "build-logs", "1m").await.unwrap().good();
    company.until(&door, &asked.text("/grant/id"), "active").await;
}

/// A key that a founding did not make is never taken for what it left behind.
#[test]
fn a_key_that_lies_there_is_never_replaced() {
    let place = Place::new();
    std::fs::create_dir(place.path("placet-data")).unwrap();
    let company = Company::begin(place);
    let key = company.data().join("log.key");
    std::fs::write(&key, "of another ledger").unwrap();
    company.place.bad("ada", &company.init(), 3, "registered already");
    // A founding was begun with another key.
    std::fs::write(company.data().join("founding"), "/elsewhere/log.key").unwrap();
    company.place.bad("ada", &company.init(), 3, "registered already");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "of another ledger");
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_finishes_what_it_is_at() {
    let company = Arc::new(Company::found().await);
    for round in 0..3 {
        let server = Server::start(&company.place);
        let notes = Arc::<Mutex<Notes>>::default();
        let callers: Vec<_> = (0..6)
            .map(|n| Caller {
                company: Arc::clone(&company),
                door: Door::of(&server.url),
                dice: Dice::of(round, &[n]),
                notes: Arc::clone(&notes),
            })
            .map(|caller| tokio::spawn(caller.work()))
            .collect();
        tokio::time::sleep(Duration::from_millis(600 + 150 * round)).await;
        let stopping = tokio::task::spawn_blocking(|| server.terminate());
        let stopped = tokio::time::timeout(Duration::from_secs(20), stopping).await;
        let (code, said) = stopped.expect("it stops soon").unwrap();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("stopped"), "{said}");
        for caller in callers {
            caller.await.unwrap();
        }
        let mut book = Book::default();
        book.read_on(&company.data(), &company.key).await.unwrap();
        assert!(!book.actions.is_empty(), "something was done");
        for action in book.actions.values() {
            assert!(!action.is_in_doubt(), "nothing is in doubt: {action:?}");
        }
        let notes = notes.lock().unwrap();
        assert_eq!(notes.wrong, Vec::<String>::new());
        notes.promises.iter().try_for_each(|promise| book.keeps(promise)).unwrap();
        assert_eq!(company.verifies().unwrap()["faults"], json!([]));
    }
}
