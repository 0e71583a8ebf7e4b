//! Webhooks: signed so that others can check it, and to nobody who leads elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use placet_connectors::receivers::outbound::Reach;
use placet_connectors::receivers::{Receiver as _, SigningSecret, Webhook, WebhookSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::python::run;
use crate::{ABOUT, message, now};

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_b2xkZXIgYnl0ZXMgb2YgYSBzZWNyZXQgdGhhdCBpcw==";

/// What came in, as it came: head and body.
type Came = mpsc::UnboundedReceiver<(String, String)>;

/// What a server does with its nth call.
#[derive(Clone, Copy)]
enum Does {
    Answers(&'static str),
    Hangs,
    /// Sends for ever.
    Endless,
}

/// A server of ours that behaves as it is told; the last behaviour goes on.
async fn server(script: &'static [Does]) -> (u16, Came, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, came) = mpsc::unbounded_channel();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let nth = counted.fetch_add(1, Ordering::SeqCst).min(script.len() - 1);
            tokio::spawn(answer(stream, script[nth], sender.clone()));
        }
    });
    (port, came, calls)
}

async fn answer(mut stream: TcpStream, does: Does, came: mpsc::UnboundedSender<(String, String)>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = header(head, "content-length").parse().unwrap_or(0);
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let _ = came.send((head, body));
    match does {
        Does::Answers(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Does::Hangs => tokio::time::sleep(Duration::from_secs(60)).await,
        Does::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
}

fn header(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(given, _)| given.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn hook(host: &str, port: u16, secrets: &[&str]) -> Webhook {
    Webhook::new(WebhookSettings {
        url: format!("http://{host}:{port}/hooks/placet"),
        secrets: secrets.iter().map(|one| SigningSecret::read(one).unwrap()).collect(),
        reach: Reach::Private,
    })
    .unwrap()
}

const OK: Does = Does::Answers("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");

/// Checked by the library of Standard Webhooks, with the new secret and, at a rotation, the old one.
#[tokio::test]
async fn others_can_check_the_signature() {
    let (port, mut came, _) = server(&[OK]).await;
    hook("localhost", port, &[NEW, OLD]).deliver(&message(9), now()).await.unwrap();
    let (head, body) = came.recv().await.unwrap();
    assert!(head.starts_with("POST /hooks/placet HTTP/1.1"), "{head}");
    assert!(header(&head, "content-type").starts_with("application/cloudevents+json"), "{head}");
    assert_eq!(header(&head, "webhook-id"), message(9).id.to_string());

    let event: serde_json::Value = serde_json::from_str(&body).unwrap();
    let expected = serde_json::json!({
        "specversion": "1.0",
        "id": message(9).id,
        "source": "placet.example/log",
        "type": "dev.placet.request_waits",
        "subject": ABOUT,
        "time": "2026-11-22T06:21:02.000000Z",
        "datacontenttype": "application/json",
        "data": {
            "receiver": message(9).receiver,
            "title": "A request waits for your decision",
            "loud": false,
            "link": format!("/api/v1/requests/{ABOUT}"),
        },
    });
    assert_eq!(event, expected, "and no name of anybody");

    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<String, serde_json::Value> =
        names.iter().map(|name| ((*name).to_owned(), header(&head, name).into())).collect();
    let check = |secret: &str, body: &str| {
        let program = "import json, sys\nfrom standardwebhooks.webhooks import Webhook\n\
                       given = json.load(sys.stdin)\n\
                       Webhook(given['secret']).verify(given['body'], given['headers'])\n\
                       print('good')";
        let given = serde_json::json!({ "secret": secret, "body": body, "headers": headers });
        run(program, &given.to_string())
    };
    assert_eq!(check(NEW, &body), Ok("good".to_owned()));
    assert_eq!(check(OLD, &body), Ok("good".to_owned()));
    let changed = body.replace("prod", "dev").replace("request_waits", "request_denied");
    let refused = check(NEW, &changed).unwrap_err();
    assert!(refused.contains("WebhookVerificationError"), "{refused}");
    assert!(check("whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==", &body).is_err());
}

#[tokio::test]
async fn what_fails_is_told_again_under_the_same_id() {
    const DOWN: Does =
        Does::Answers("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
    let (port, mut came, _) = server(&[DOWN, OK]).await;
    let hook = hook("127.0.0.1", port, &[NEW]);
    let failed = hook.deliver(&message(3), now()).await.unwrap_err();
    assert!(!failed.for_good && failed.why.contains("500"), "{failed}");
    hook.deliver(&message(3), now()).await.unwrap();
    let (first, second) = (came.recv().await.unwrap(), came.recv().await.unwrap());
    assert_eq!(header(&first.0, "webhook-id"), header(&second.0, "webhook-id"));
    assert_eq!(first.1, second.1);
}

/// A redirect inwards is the oldest way to make a server call what only it can reach.
#[tokio::test]
async fn no_redirect_is_followed() {
    let (inner, _came, calls) = server(&[OK]).await;
    let to = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{inner}/\r\ncontent-length: 0\r\n\r\n"
    );
    let script: &'static [Does] =
        Box::leak(Box::new([Does::Answers(Box::leak(to.into_boxed_str()))]));
    let (port, _outer, _) = server(script).await;
    let failed = hook("localhost", port, &[NEW]).deliver(&message(1), now()).await.unwrap_err();
    assert!(failed.why.contains("a redirect is not followed"), "{failed}");
    assert_eq!(calls.load(Ordering::SeqCst), 0, "nothing inside was called");
}

#[tokio::test]
async fn a_name_that_leads_inwards_is_not_called() {
    let (port, _came, calls) = server(&[OK]).await;
    let settings = WebhookSettings {
        url: format!("https://localhost:{port}/"),
        secrets: vec![SigningSecret::read(NEW).unwrap()],
        reach: Reach::Public,
    };
    let failed = Webhook::new(settings).unwrap().deliver(&message(1), now()).await.unwrap_err();
    assert!(failed.why.contains("leads to this machine"), "{failed}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_receiver_that_hangs_or_never_ends_costs_seconds_and_no_memory() {
    let (port, _came, _) = server(&[Does::Hangs]).await;
    let started = tokio::time::Instant::now();
    let failed = hook("127.0.0.1", port, &[NEW]).deliver(&message(1), now()).await.unwrap_err();
    assert!(failed.why.contains("did not answer within"), "{failed}");
    assert!(started.elapsed() < Duration::from_secs(13));

    // It said yes; the rest of what it says is of no interest.
    let (port, _came, _) = server(&[Does::Endless]).await;
    hook("127.0.0.1", port, &[NEW]).deliver(&message(1), now()).await.unwrap();
}

#[tokio::test]
async fn whoever_wants_no_more_is_told_no_more() {
    const GONE: Does = Does::Answers("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n");
    let (port, _came, _) = server(&[GONE]).await;
    let failed = hook("127.0.0.1", port, &[NEW]).deliver(&message(1), now()).await.unwrap_err();
    assert!(failed.for_good, "{failed}");
}
