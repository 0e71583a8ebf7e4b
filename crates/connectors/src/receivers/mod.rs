//! Receivers: where notices go, behind one trait. A receiver carries a message out of the house; it
//! decides nothing, tries nothing twice and reads no records.
//!
//! # The contract
//!
//! 1. `Ok` means that whoever is behind it has taken the message over: it is on the disk, or the
//!    other side has said so. Anything else is an error, doubt too.
//! 2. A message may come twice, with the same id. A receiver passes that id on, so that whoever
//!    reads can tell.
//! 3. [`Failed::again`] is what may be better later; [`Failed::for_good`] will never be: nobody to
//!    send it to, or an answer that says so.
//! 4. Errors are words for people. No secret and no name of a person stands in them.
//! 5. A call ends by itself within [`CALL_SECONDS`], whatever is on the other side.

mod file;
pub mod outbound;
mod smtp;
mod webhook;

use std::fmt::Debug;

use async_trait::async_trait;
use placet_domain::Timestamp;
use placet_domain::id::{IdentityId, NoticeId, Stream};
use placet_domain::name::MailAddress;
use placet_domain::notice::Kind;
use serde::Serialize;

pub use file::File;
pub use smtp::{Authorities, Encryption, Smtp, SmtpSettings};
pub use webhook::{SigningSecret, Webhook, WebhookSettings};

/// How long one call may take, in seconds.
pub const CALL_SECONDS: u64 = 10;

/// One notice for one person, ready to go out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub id: NoticeId,
    pub kind: Kind,
    pub about: Stream,
    pub receiver: IdentityId,
    /// When it happened, not when it is told.
    pub at: Timestamp,
    /// The name of the log that it comes from.
    pub source: String,
    /// Where to read on, below the address of the API.
    pub link: String,
    /// For people alone; machines get ids.
    pub letter: Letter,
}

/// What a person reads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Letter {
    pub subject: String,
    pub lines: Vec<String>,
    pub to: Option<MailAddress>,
}

/// Why a message did not arrive.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}")]
pub struct Failed {
    pub why: String,
    /// It is of no use to try again.
    pub for_good: bool,
}

impl Failed {
    pub fn again(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: false }
    }

    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: true }
    }
}

/// One way out. See the contract above.
#[async_trait]
pub trait Receiver: Debug + Send + Sync {
    async fn deliver(&self, message: &Message, now: Timestamp) -> Result<(), Failed>;
}

/// The message as a CloudEvent (1.0, structured mode): ids and a link, no personal data.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    r#type: String,
    subject: String,
    time: Timestamp,
    datacontenttype: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    receiver: IdentityId,
    title: &'static str,
    loud: bool,
    link: &'a str,
}

/// The one JSON text of a message: the same each time that it is told.
fn cloud_event(message: &Message) -> Result<String, Failed> {
    let event = CloudEvent {
        specversion: "1.0",
        id: message.id.to_string(),
        source: &message.source,
        r#type: format!("dev.placet.{}", message.kind),
        subject: message.about.to_string(),
        time: message.at,
        datacontenttype: "application/json",
        data: Data {
            receiver: message.receiver,
            title: message.kind.subject(),
            loud: message.kind.is_loud(),
            link: &message.link,
        },
    };
    serde_json::to_string(&event).map_err(|error| Failed::for_good(error.to_string()))
}
