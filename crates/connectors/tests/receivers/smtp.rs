//! Mail to a real server (aiosmtpd).

use std::time::Duration;

use placet_connectors::receivers::{Encryption, Receiver as _, Smtp, SmtpSettings};

use crate::sink::{Conduct, Sink, free_port};
use crate::{message, now};

fn mail(port: u16, encryption: Encryption) -> Smtp {
    Smtp::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        encryption,
        from: "placet@example.org".parse().unwrap(),
        login: None,
        authorities: None,
        base: Some("https://placet.example.org/".to_owned()),
    })
    .unwrap()
}

fn header<'a>(mail: &'a serde_json::Value, name: &str) -> Vec<&'a str> {
    let all = mail["headers"].as_array().unwrap();
    all.iter().filter(|one| one[0] == name).map(|one| one[1].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_meant() {
    let mut sink = Sink::start(&Conduct::default());
    mail(sink.port, Encryption::None).deliver(&message(7), now()).await.unwrap();
    let got = sink.received();
    assert_eq!(got["from"], "placet@example.org");
    assert_eq!(got["to"], serde_json::json!(["olga@example.org"]));
    assert_eq!(got["type"], "text/plain");
    assert_eq!(header(&got, "Subject"), ["A request waits for your decision: prod-db-admin"]);
    assert_eq!(header(&got, "Message-ID"), [format!("<{}@example.org>", message(7).id)]);
    assert_eq!(header(&got, "Date").len(), 1);
    let text = got["text"].as_str().unwrap();
    // The line with a dot alone, too, which would end a mail that is not escaped.
    assert!(
        text.replace("\r\n", "\n").starts_with("Zoë asks for `prod-db-admin` for 4h.\n.\n"),
        "{text}"
    );
    assert!(text.contains(&format!("https://placet.example.org{}", message(7).link)), "{text}");
}

#[tokio::test]
async fn no_name_can_add_a_header() {
    let mut sink = Sink::start(&Conduct::default());
    let mut sly = message(1);
    sly.letter.subject = "x\r\nBcc: all@example.org\r\n\r\nbody".to_owned();
    mail(sink.port, Encryption::None).deliver(&sly, now()).await.unwrap();
    let got = sink.received();
    assert_eq!(got["to"], serde_json::json!(["olga@example.org"]));
    assert!(header(&got, "Bcc").is_empty(), "{got}");
    assert!(header(&got, "Subject")[0].contains("Bcc: all@example.org"), "{got}");
}

#[tokio::test]
async fn one_receiver_that_is_refused_loses_no_other() {
    let mut sink = Sink::start(&Conduct::default());
    let receiver = mail(sink.port, Encryption::None);
    let to = |who: &str, n| {
        let mut one = message(n);
        one.letter.to = Some(format!("{who}@example.org").parse().unwrap());
        one
    };
    let gone = receiver.deliver(&to("gone", 1), now()).await.unwrap_err();
    assert!(gone.for_good && gone.why.contains("550") && !gone.why.contains("gone@"), "{gone}");
    let busy = receiver.deliver(&to("busy", 2), now()).await.unwrap_err();
    assert!(!busy.for_good && busy.why.contains("451"), "{busy}");
    receiver.deliver(&to("olga", 3), now()).await.unwrap();
    assert_eq!(sink.received()["to"], serde_json::json!(["olga@example.org"]));

    let mut nowhere = message(4);
    nowhere.letter.to = None;
    let failed = receiver.deliver(&nowhere, now()).await.unwrap_err();
    assert!(failed.for_good && failed.why.contains("no mail address"), "{failed}");
}

#[tokio::test]
async fn a_server_that_is_down_is_tried_again() {
    let port = free_port();
    let receiver = mail(port, Encryption::None);
    let failed = receiver.deliver(&message(1), now()).await.unwrap_err();
    assert!(!failed.for_good && failed.why.contains("cannot be reached"), "{failed}");
    let mut sink = Sink::at(port, &Conduct::default());
    receiver.deliver(&message(1), now()).await.unwrap();
    let id = format!("<{}@example.org>", message(1).id);
    assert_eq!(header(&sink.received(), "Message-ID"), [id]);
}

/// What was taken over is told once, however long the server takes to say goodbye.
#[tokio::test]
async fn a_mail_that_was_taken_over_arrived() {
    let mut sink = Sink::start(&Conduct { lingers: true, ..Conduct::default() });
    let started = tokio::time::Instant::now();
    mail(sink.port, Encryption::None).deliver(&message(1), now()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    sink.received();
}
