//! Receivers against real other sides: a mail server and a signature checker that are not ours (by
//! Python, in the environment that `./test` makes), and web servers that behave badly.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod file;
mod python;
mod sink;
mod smtp;
mod smtp_tls;
mod webhook;

use placet_connectors::receivers::{Letter, Message};
use placet_domain::Timestamp;
use placet_domain::notice::Kind;

const ABOUT: &str = "req_0192f0c1a2b37c4d8e9fa0b1c2d3e4f5";

/// The moment of every test: a real one, since signatures are checked against the clock.
#[allow(clippy::disallowed_methods)] // A test looks at the clock as the other side does.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

fn message(n: u8) -> Message {
    Message {
        id: format!("ntc_{n:032x}").parse().unwrap(),
        kind: Kind::RequestWaits,
        about: ABOUT.parse().unwrap(),
        receiver: "idn_0192f0c1a2b37c4d8e9fa0b1c2d3e4f5".parse().unwrap(),
        at: "2026-11-22T06:21:02Z".parse().unwrap(),
        source: "placet.example/log".to_owned(),
        link: format!("/api/v1/requests/{ABOUT}"),
        letter: Letter {
            subject: "A request waits for your decision: prod-db-admin".to_owned(),
            lines: vec!["Zoë asks for `prod-db-admin` for 4h.".to_owned(), ".".to_owned()],
            to: Some("olga@example.org".parse().unwrap()),
        },
    }
}
