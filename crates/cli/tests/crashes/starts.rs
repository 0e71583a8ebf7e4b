//! Stopped by SIGTERM, after which nothing is in doubt.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use placet_domain::action::Outcome;
use serde_json::json;

use crate::book::Book;
use crate::callers::{Caller, Notes};
use crate::company::{Company, Door};
use crate::dice::Dice;
use crate::place::Server;

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
            let outcome = action.finished.as_ref().map(|(_, outcome)| outcome);
            assert_eq!(outcome, Some(&Outcome::Done), "nothing is in doubt: {action:?}");
        }
        let notes = notes.lock().unwrap();
        assert_eq!(notes.wrong, Vec::<String>::new());
        notes.promises.iter().try_for_each(|promise| book.keeps(promise)).unwrap();
        assert_eq!(company.verifies().unwrap()["faults"], json!([]));
    }
}
