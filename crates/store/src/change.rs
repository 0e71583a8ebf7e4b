//! What is handed to the store to become durable at once: changes, the facts that they were
//! decided on, and the texts that go beside them.

use std::collections::BTreeMap;

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::committed::Disclosure;
use placet_domain::event::Event;
use placet_domain::id::{CommitId, CredentialId, EventId, IdentityId, RequestId, Stream, TargetId};
use placet_domain::identity::Profile;
use placet_domain::name::NativeId;
use placet_domain::observation::{Binding, Completeness};
use placet_domain::route::Candidates;

use crate::outbox::Outbox;

/// One stream moves on by some events.
#[derive(Clone, Debug)]
pub struct Change {
    pub stream: Stream,
    /// The version that the decision was made on; 0 for a stream that begins.
    pub expected: u64,
    /// The trail that the events belong to.
    pub trail: Stream,
    pub events: Vec<(EventId, Event)>,
}

/// The versions of everything that a decision was computed from. `commit` refuses to write when
/// one of them has moved on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    rows: BTreeMap<Stream, u64>,
    sets: BTreeMap<String, u64>,
}

impl Facts {
    /// Notes a row that was read; 0 stands for "there is none". A row that was read twice counts
    /// as it was first, so that a change between the two reads is not missed.
    pub fn row(&mut self, stream: Stream, version: u64) {
        self.rows.entry(stream).or_insert(version);
    }

    pub fn set(&mut self, name: String, version: u64) {
        self.sets.entry(name).or_insert(version);
    }

    /// The version of a row as it was read; 0 if there was none or it was not read.
    pub fn version(&self, stream: &Stream) -> u64 {
        self.rows.get(stream).copied().unwrap_or(0)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Stream, u64)> {
        self.rows.iter().map(|(stream, version)| (stream, *version))
    }

    pub(crate) fn sets(&self) -> impl Iterator<Item = (&str, u64)> {
        self.sets.iter().map(|(name, version)| (name.as_str(), *version))
    }
}

/// A disclosure, and whom or what it is about: erasing follows that.
#[derive(Clone, Debug)]
pub struct Disclosed {
    pub disclosure: Disclosure,
    pub about: Stream,
}

/// What an observation found, for the observed tables.
#[derive(Clone, Debug)]
pub struct Observed {
    pub target: TargetId,
    pub completeness: Completeness,
    pub began_at: Timestamp,
    pub finished_at: Timestamp,
    /// What went wrong, when it is not complete.
    pub detail: Option<String>,
    pub seen: Vec<Binding>,
    /// Known bindings that a complete look no longer shows.
    pub gone: Vec<Binding>,
    /// What native things were seen to allow for the first time, or were agreed to allow.
    pub scopes: Vec<(NativeId, String)>,
}

/// A change of the list of what workers go through after a change: durable in the transaction of
/// the change itself, so that a crash loses none of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Upkeep {
    /// Go through this, from the beginning if it is under way already.
    Begin { what: Round, due_at: Timestamp },
    /// It has come so far, if nobody began it anew meanwhile.
    Move { what: Round, turn: u64, progress: String, due_at: Timestamp },
    /// Nothing is left of it, if nobody began it anew meanwhile.
    Done { what: Round, turn: u64 },
}

/// What has to be gone through.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Round {
    /// What somebody who left held, asked for and answered for.
    Leave(IdentityId),
    /// The live grants that a changed record concerns; the organisation concerns all of them.
    Rerule(Stream),
    /// The open requests that a changed record concerns, likewise.
    Reroute(Stream),
}

impl std::fmt::Display for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Leave(identity) => write!(f, "leave/{identity}"),
            Self::Rerule(what) => write!(f, "rerule/{what}"),
            Self::Reroute(what) => write!(f, "reroute/{what}"),
        }
    }
}

impl std::str::FromStr for Round {
    type Err = placet_domain::id::UnreadableId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || placet_domain::id::UnreadableId {
            expected: "round",
            given: text.chars().take(64).collect(),
        };
        match text.split_once('/').ok_or_else(unreadable)? {
            ("leave", identity) => identity.parse().map(Self::Leave),
            ("rerule", what) => what.parse().map(Self::Rerule),
            ("reroute", what) => what.parse().map(Self::Reroute),
            _ => Err(unreadable()),
        }
    }
}

/// Everything that becomes durable in one transaction, or not at all.
#[derive(Clone, Debug)]
pub struct Commit {
    pub id: CommitId,
    pub at: Timestamp,
    pub actor: Actor,
    pub changes: Vec<Change>,
    pub facts: Facts,
    pub disclosures: Vec<Disclosed>,
    /// Of those who are new, or committed to another profile.
    pub profiles: Vec<(IdentityId, Profile)>,
    /// Content-addressed texts: rulings, slices, bundles.
    pub records: BTreeMap<Digest, String>,
    /// For whom each request waits now; replaces what was there.
    pub waiting: Vec<(RequestId, Candidates)>,
    /// Why an open request waits for nobody, or that it does not any more.
    pub stalled: Vec<(RequestId, Option<String>)>,
    pub observed: Option<Observed>,
    /// What has to be gone through after this, or how far that has come.
    pub upkeep: Vec<Upkeep>,
    /// How far what people are told has come. What the events themselves say to whom is no business
    /// of the caller: the store writes that with them.
    pub outbox: Vec<Outbox>,
    /// When tokens were used last; no decision reads it.
    pub used: Vec<(CredentialId, Timestamp)>,
    /// The key of the call that this carries out. A commit whose key was there before is refused.
    pub key: Option<CallKey>,
    /// What such a call was answered.
    pub answered: Option<(CallKey, CallAnswer)>,
}

/// A call that is to be done once, however often it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallKey {
    pub caller: IdentityId,
    pub key: String,
    /// Of all that was sent.
    pub digest: Digest,
}

/// What a call was answered, to be said again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallAnswer {
    pub status: u16,
    pub body: String,
}

impl Commit {
    pub fn new(id: CommitId, at: Timestamp, actor: Actor, facts: Facts) -> Self {
        Self {
            id,
            at,
            actor,
            changes: Vec::new(),
            facts,
            disclosures: Vec::new(),
            profiles: Vec::new(),
            records: BTreeMap::new(),
            waiting: Vec::new(),
            stalled: Vec::new(),
            observed: None,
            upkeep: Vec::new(),
            outbox: Vec::new(),
            used: Vec::new(),
            key: None,
            answered: None,
        }
    }

    /// Nothing would become durable. Disclosures and records alone are of no use to anybody.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.observed.is_none()
            && self.waiting.is_empty()
            && self.stalled.is_empty()
            && self.upkeep.is_empty()
            && self.outbox.is_empty()
            && self.used.is_empty()
            && self.answered.is_none()
    }
}

/// What became durable.
#[derive(Clone, Debug, Default)]
pub struct Done {
    pub events: Vec<EventId>,
}
