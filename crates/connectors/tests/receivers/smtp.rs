//! Mail to a real server (aiosmtpd).

use std::net::TcpListener;

use placet_connectors::receivers::{Encryption, Receiver as _, Smtp, SmtpSettings};

use crate::python::Running;
use crate::{message, now};

/// Prints each mail as one line of JSON; knows no `gone@`, and is too busy for `busy@`.
const SINK: &str = r#"
import email, email.policy, json, sys, threading
from aiosmtpd.controller import Controller

class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 no such mailbox <%s>" % address
        if address.startswith("busy@"):
            return "451 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "type": mail.get_content_type(), "text": mail.get_content(),
        }), flush=True)
        return "250 taken"

controller = Controller(Sink(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
threading.Event().wait()
"#;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn sink(port: u16) -> Running {
    let mut sink = Running::start(SINK, &[&port.to_string()]);
    assert_eq!(sink.line(), "ready");
    sink
}

fn mail(port: u16, encryption: Encryption) -> Smtp {
    Smtp::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        encryption,
        from: "placet@example.org".parse().unwrap(),
        login: None,
        base: Some("https://placet.example.org/".to_owned()),
    })
    .unwrap()
}

fn received(sink: &mut Running) -> serde_json::Value {
    serde_json::from_str(&sink.line()).unwrap()
}

fn header<'a>(mail: &'a serde_json::Value, name: &str) -> Vec<&'a str> {
    let all = mail["headers"].as_array().unwrap();
    all.iter().filter(|one| one[0] == name).map(|one| one[1].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_meant() {
    let port = free_port();
    let mut sink = sink(port);
    mail(port, Encryption::None).deliver(&message(7), now()).await.unwrap();
    let got = received(&mut sink);
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
    let port = free_port();
    let mut sink = sink(port);
    let mut sly = message(1);
    sly.letter.subject = "x\r\nBcc: all@example.org\r\n\r\nbody".to_owned();
    mail(port, Encryption::None).deliver(&sly, now()).await.unwrap();
    let got = received(&mut sink);
    assert_eq!(got["to"], serde_json::json!(["olga@example.org"]));
    assert!(header(&got, "Bcc").is_empty(), "{got}");
    assert!(header(&got, "Subject")[0].contains("Bcc: all@example.org"), "{got}");
}

#[tokio::test]
async fn one_receiver_that_is_refused_loses_no_other() {
    let port = free_port();
    let mut sink = sink(port);
    let receiver = mail(port, Encryption::None);
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
    assert_eq!(received(&mut sink)["to"], serde_json::json!(["olga@example.org"]));

    let mut nowhere = message(4);
    nowhere.letter.to = None;
    let failed = receiver.deliver(&nowhere, now()).await.unwrap_err();
    assert!(failed.for_good && failed.why.contains("no mail address"), "{failed}");
}

#[tokio::test]
async fn a_server_that_is_down_is_tried_again_and_one_without_tls_gets_nothing() {
    let port = free_port();
    let receiver = mail(port, Encryption::None);
    let failed = receiver.deliver(&message(1), now()).await.unwrap_err();
    assert!(!failed.for_good, "{failed}");
    let mut sink = sink(port);
    // What is to be encrypted is not sent in clear because the other side cannot.
    let failed = mail(port, Encryption::StartTls).deliver(&message(2), now()).await.unwrap_err();
    assert!(!failed.for_good, "{failed}");
    receiver.deliver(&message(1), now()).await.unwrap();
    let id = format!("<{}@example.org>", message(1).id);
    assert_eq!(header(&received(&mut sink), "Message-ID"), [id]);
}
