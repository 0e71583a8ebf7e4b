//! Trails: the entries of one request, each proved to be in the log and linked to the one before.
//!
//! Here it is shown that a trail is whole and unaltered. Whether what it tells was lawful is the
//! business of `laws`.

use std::collections::HashMap;

use placet_domain::canonical::Digest;
use placet_domain::entry::Entry;
use placet_domain::id::Stream;

use crate::checkpoint::Head;
use crate::error::Error;
use crate::proof::{self, Proof};

/// An entry as it is stored, where it stands, and the proof that it stands there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    pub index: u64,
    /// The stored bytes, verbatim.
    pub body: Vec<u8>,
    /// Of inclusion, in the tree of one checkpoint that the whole trail is shown under.
    pub proof: Proof,
}

impl Proven {
    /// The entry, if it is in the tree `head`.
    pub(crate) fn read(&self, head: Head) -> Result<Entry, Error> {
        proof::check_inclusion(self.index, &self.body, head, &self.proof)?;
        decode(self.index, &self.body)
    }
}

pub(crate) fn decode(index: u64, body: &[u8]) -> Result<Entry, Error> {
    Entry::decode(body).map_err(|e| Error::Entry { index, why: e.to_string() })
}

/// Where a trail ends: how many entries it has, and the digest of the last one's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrailHead {
    pub entries: u64,
    pub digest: Digest,
}

/// One entry of a trail that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub index: u64,
    pub entry: Entry,
    pub digest: Digest,
}

/// A whole trail: proved, linked and in order, from its first entry on.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    pub steps: Vec<Step>,
    pub head: TrailHead,
}

impl Trail {
    /// Reads the entries of `trail`, which must be all from the first on, in order.
    pub fn read(trail: &Stream, entries: &[Proven], head: Head) -> Result<Self, Error> {
        let mut links = Links::default();
        let mut steps: Vec<Step> = Vec::new();
        for proven in entries {
            let Proven { index, body, .. } = proven;
            let entry = proven.read(head)?;
            let at_fault = |why: String| Error::Entry { index: *index, why };
            if entry.trail != *trail {
                return Err(at_fault(format!("it belongs to trail `{}`", entry.trail)));
            }
            if steps.last().is_some_and(|last| last.index >= *index) {
                return Err(at_fault("it is out of the order of the ledger".to_owned()));
            }
            let digest = Digest::of(body);
            links.follow(&entry, digest).map_err(at_fault)?;
            steps.push(Step { index: *index, entry, digest });
        }
        let Some(last) = steps.last() else {
            return Err(Error::Proof { why: format!("there is no entry of trail `{trail}`") });
        };
        let head = TrailHead { entries: last.entry.nth, digest: last.digest };
        Ok(Self { steps, head })
    }
}

/// What the next entry of each trail and stream must link to.
///
/// It remembers 40 bytes for each trail and 8 for each stream that it has seen, besides their
/// names: about 200 MiB for a ledger of a million requests.
#[derive(Clone, Default, Debug)]
pub(crate) struct Links {
    // Looked up and never gone through, so their order means nothing.
    trails: HashMap<Stream, TrailHead>,
    versions: HashMap<Stream, u64>,
}

impl Links {
    /// Checks that `entry` follows on the entries before it; the answer says why not.
    pub fn follow(&mut self, entry: &Entry, digest: Digest) -> Result<(), String> {
        let before = self.trails.get(&entry.trail);
        let nth = before.map_or(0, |head| head.entries).saturating_add(1);
        if entry.nth != nth {
            let Entry { trail, nth: found, .. } = entry;
            return Err(format!("it is number {found} of trail `{trail}`, where {nth} belongs"));
        }
        if entry.prev != before.map(|head| head.digest) {
            let trail = &entry.trail;
            return Err(format!("it does not link to the entry before it in trail `{trail}`"));
        }
        let version = self.versions.get(&entry.stream).copied().unwrap_or(0).saturating_add(1);
        if entry.version != version {
            let Entry { stream, version: found, .. } = entry;
            return Err(format!("it is version {found} of `{stream}`, where {version} belongs"));
        }
        self.trails.insert(entry.trail.clone(), TrailHead { entries: nth, digest });
        self.versions.insert(entry.stream.clone(), version);
        Ok(())
    }
}
