//! What people are told, through the door, and what could not be delivered.

use std::os::unix::fs::PermissionsExt as _;

use placet_engine::{NotifyLine, Place};
use serde_json::json;

use crate::world::{World, place};

fn lines(toml: &str) -> Vec<NotifyLine> {
    #[derive(serde::Deserialize)]
    struct Lines {
        notify: Vec<NotifyLine>,
    }
    toml::from_str::<Lines>(toml).unwrap().notify
}

#[tokio::test]
async fn everybody_reads_what_they_were_told_and_nobody_else_does() {
    let world = World::new().await;
    let request = world.ask("ines", "booking-staging-deploy", "4h").await.good().text("/id");
    world.engine.step().await;
    let waiting: Vec<&str> = ["ada", "bo", "mara", "tom", "kim", "sven", "yara", "nora"].into();
    let mut told = 0;
    for who in waiting {
        let mine = world.get(who, "/notices").await.good();
        for one in mine.body.as_array().unwrap() {
            if one["kind"] == "request_waits" {
                assert_eq!(one["about"], json!(request));
                assert_eq!(one["link"], json!(format!("/api/v1/requests/{request}")));
                assert!(one["next"].as_str().unwrap().contains("placet approve"), "{one}");
                told += 1;
            }
        }
    }
    assert!(told > 0, "somebody is waited for");
    assert_eq!(world.get("ines", "/notices").await.good().body, json!([]));
    world.get("ines", "/notices/undelivered").await.refused("not_permitted");
    assert_eq!(world.get("ada", "/notices/undelivered").await.good().body, json!([]));
}

#[tokio::test]
async fn what_cannot_be_delivered_shows_and_keeps_nothing_else_waiting() {
    let world = World::new().await;
    let secret = world.dir.path().join("data/hook.secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    // Nobody in this company has a mail address: that is for good, and no server is needed.
    let notify = lines(
        "[[notify]]\nkind = \"smtp\"\nhost = \"mail.example.org\"\nfrom = \"placet@example.org\"\n\
         [[notify]]\nkind = \"file\"\npath = \"notices.jsonl\"\nnotices = [\"request_waits\"]\n\
         [[notify]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nsecret_file = \"hook.secret\"\n\
         allow_private = true\n",
    );
    let place = Place { notify, ..place(world.dir.path()) };
    let world = world.restarted(&place).await;
    world.ask("ines", "booking-staging-deploy", "4h").await.good();
    world.engine.step().await;
    let path = world.dir.path().join("data/notices.jsonl");
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written.contains("dev.placet.request_waits"), "{written}");
    let given_up = world.get("ada", "/notices/undelivered").await.good();
    let all = given_up.body.as_array().unwrap();
    assert!(!all.is_empty());
    assert!(all.iter().all(|one| one["channel"] == "smtp"), "{given_up:?}");
    assert!(all.iter().all(|one| one["why"] == "the receiver has no mail address"), "{given_up:?}");
    let after = all[0]["id"].as_str().unwrap();
    let rest = world.get("ada", &format!("/notices/undelivered?after={after}")).await.good();
    assert_eq!(rest.body.as_array().unwrap().len(), all.len() - 1);
    assert_eq!(world.engine.count_undelivered().await.unwrap(), all.len() as u64);
}

/// Calls that nobody answers cost ten seconds each; the grant is over long before the first.
#[tokio::test]
async fn a_receiver_that_hangs_keeps_no_ending_waiting() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::new().await;
    let secret = world.dir.path().join("data/hook.secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let notify = lines(&format!(
        "[[notify]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\n\
         secret_file = \"hook.secret\"\nallow_private = true\n"
    ));
    let place = Place { notify, ..place(world.dir.path()) };
    let world = world.restarted(&place).await;
    let asked = world.ask("ines", "booking-staging-deploy", "2s").await.good();
    world.approve("mara", &asked).await.good();
    world.approve("kim", &asked).await.good();
    let while_it_hangs = async {
        let (_held, _) = listener.accept().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    };
    world.engine.work_until(while_it_hangs).await;
    let shown = world.get("ines", &format!("/requests/{}", asked.text("/id"))).await.good();
    assert_eq!(shown.text("/grant/state"), "ended", "{}", shown.body);
}
