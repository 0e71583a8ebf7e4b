//! Entries: an event in its envelope, as the ledger stores and hashes it.
//!
//! The canonical bytes of an entry are the leaf of the Merkle tree. They are written once, and
//! from then on only read.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::actor::Actor;
use crate::canonical::{self, Digest};
use crate::event::Event;
use crate::id::{CommitId, EventId, Stream};
use crate::time::Timestamp;

/// The version of the envelope that this code writes; readers refuse any other.
pub const VERSION: u32 = 1;

/// The largest entry, in bytes; larger things go in by digest.
pub const LARGEST: usize = 16 * 1024;

/// An event in its envelope.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub v: u32,
    pub id: EventId,
    /// When the writer says it happened; the order of the ledger is the proof of order.
    pub at: Timestamp,
    /// The node that wrote it.
    pub node: String,
    /// The transaction that made it durable, together with others of the same id.
    pub commit: CommitId,
    pub actor: Actor,
    pub stream: Stream,
    /// The version of the stream's row after this event, from 1.
    pub version: u64,
    /// The trail that it belongs to, and its place there, from 1.
    pub trail: Stream,
    pub nth: u64,
    /// The digest of the previous entry of the trail: an omission shows.
    pub prev: Option<Digest>,
    #[serde(flatten)]
    pub event: EventField,
}

/// `type` and `body` stand in the envelope itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventField(pub Event);

impl Serialize for EventField {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventField {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Event::deserialize(deserializer).map(Self)
    }
}

/// Why bytes are not an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unreadable {
    TooLarge { bytes: usize },
    Version { found: u32 },
    Form { why: String },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => {
                write!(f, "an entry of {bytes} bytes is over the limit of {LARGEST}")
            }
            Self::Version { found } => {
                write!(f, "envelope version {found} is not known here; use a newer `placet`")
            }
            Self::Form { why } => write!(f, "not an entry: {why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// The envelope as it is read: once, with the event's body left as it stands until its type is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    v: u32,
    id: EventId,
    at: Timestamp,
    node: String,
    commit: CommitId,
    actor: Actor,
    stream: Stream,
    version: u64,
    trail: Stream,
    nth: u64,
    prev: Option<Digest>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Envelope<'_> {
    fn open(self) -> Result<Entry, serde_json::Error> {
        let event = Event::read(&self.r#type, self.body)?;
        let Self { v, id, at, node, commit, actor, stream, version, trail, nth, prev, .. } = self;
        let event = EventField(event);
        Ok(Entry { v, id, at, node, commit, actor, stream, version, trail, nth, prev, event })
    }
}

impl Entry {
    /// The bytes to store and hash.
    pub fn encode(&self) -> Result<Vec<u8>, Unreadable> {
        let bytes = canonical::bytes(self).map_err(|e| Unreadable::Form { why: e.to_string() })?;
        if bytes.len() > LARGEST {
            return Err(Unreadable::TooLarge { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads stored bytes; fails closed on a version that it does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        if bytes.len() > LARGEST {
            return Err(Unreadable::TooLarge { bytes: bytes.len() });
        }
        let form = |e: serde_json::Error| Unreadable::Form { why: e.to_string() };
        match serde_json::from_slice::<Envelope<'_>>(bytes) {
            Ok(envelope) if envelope.v == VERSION => envelope.open().map_err(form),
            Ok(envelope) => Err(Unreadable::Version { found: envelope.v }),
            // Another version may have other fields, so that it is another is said first.
            Err(error) => match serde_json::from_slice(bytes) {
                Ok(Versioned { v }) if v != VERSION => Err(Unreadable::Version { found: v }),
                _ => Err(form(error)),
            },
        }
    }
}
