//! A log in memory: drafts of entries become linked entries, tiles, proofs and checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::entry::{Entry, EventField, VERSION};
use placet_domain::event::{Event, trail};
use placet_domain::id::{CommitId, EventId, PasskeyId, RequestId, Stream};
use placet_ledger::{
    Checkpoint, Edge, Exporter, Head, LogKey, PasskeyTrail, Proof, Proven, TrailHead, VerifierKey,
    proof,
};
use uuid::Uuid;

pub const ORIGIN: &str = "placet.test/log";

pub fn key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[42; 32]).unwrap()
}

/// What an entry says, before it has a place.
#[derive(Clone, Debug)]
pub struct Draft {
    pub at: Timestamp,
    pub actor: Actor,
    pub stream: Stream,
    pub trail: Stream,
    pub event: Event,
}

/// A log: its entries as stored, and every tile.
#[derive(Clone, Default)]
pub struct Log {
    pub bodies: Vec<Vec<u8>>,
    pub entries: Vec<Entry>,
    pub edge: Edge,
    pub tiles: BTreeMap<(u8, u64), Vec<u8>>,
}

impl Log {
    pub fn of(drafts: &[Draft]) -> Self {
        let mut log = Self::default();
        drafts.iter().for_each(|draft| log.append(draft.clone()));
        log
    }

    /// The trail so far.
    pub fn end(&self, trail: &Stream) -> Option<TrailHead> {
        let last = self.entries.iter().rposition(|entry| entry.trail == *trail)?;
        let digest = Digest::of(&self.bodies[last]);
        Some(TrailHead { entries: self.entries[last].nth, digest })
    }

    pub fn append(&mut self, draft: Draft) {
        let Draft { at, actor, stream, trail, event } = draft;
        let end = self.end(&trail);
        let earlier = self.entries.iter().filter(|entry| entry.stream == stream).count();
        let n = self.entries.len() as u128;
        self.store(Entry {
            v: VERSION,
            id: EventId::from(Uuid::from_u128(n)),
            at,
            node: "n1".to_owned(),
            commit: CommitId::from(Uuid::from_u128(n)),
            actor,
            stream,
            version: earlier as u64 + 1,
            nth: end.map_or(1, |end| end.entries + 1),
            prev: end.map(|end| end.digest),
            trail,
            event: EventField(event),
        });
    }

    pub fn store(&mut self, entry: Entry) {
        let body = entry.encode().unwrap();
        for tile in self.edge.append([body.as_slice()]) {
            self.tiles.insert((tile.level, tile.index), tile.bytes);
        }
        self.entries.push(entry);
        self.bodies.push(body);
    }

    /// Seals a trail as it stands.
    pub fn seal(&mut self, trail: &Stream, at: Timestamp, actor: Actor) {
        let TrailHead { entries, digest } = self.end(trail).unwrap();
        let event = Event::Trail(trail::Event::Sealed(trail::Sealed { entries, head: digest }));
        self.append(Draft { at, actor, stream: trail.clone(), trail: trail.clone(), event });
    }

    pub fn head(&self) -> Head {
        self.edge.head().unwrap()
    }

    pub fn checkpoint(&self) -> String {
        Checkpoint::sign(&key(), self.head()).unwrap()
    }

    pub fn verifier(&self) -> VerifierKey {
        key().verifier()
    }

    pub fn tile(&self, level: u8, index: u64) -> Option<Vec<u8>> {
        self.tiles.get(&(level, index)).cloned()
    }

    pub fn inclusion(&self, index: u64, head: Head) -> Proof {
        // Only the tiles that were asked for may be read.
        let asked = proof::tiles_for_inclusion(index, head.size);
        proof::prove_inclusion(index, head, |level, index| {
            assert!(asked.iter().any(|tile| (tile.level, tile.index) == (level, index)));
            self.tile(level, index)
        })
        .unwrap()
    }

    pub fn consistency(&self, old: u64) -> Proof {
        let asked = proof::tiles_for_consistency(old, self.head().size);
        proof::prove_consistency(old, self.head(), |level, index| {
            assert!(asked.iter().any(|tile| (tile.level, tile.index) == (level, index)));
            self.tile(level, index)
        })
        .unwrap()
    }

    pub fn proven(&self, index: usize) -> Proven {
        let body = self.bodies[index].clone();
        Proven { index: index as u64, body, proof: self.inclusion(index as u64, self.head()) }
    }

    pub fn trail(&self, request: RequestId) -> Vec<Proven> {
        let trail = Stream::Request(request);
        let mine = (0..self.entries.len()).filter(|n| self.entries[*n].trail == trail);
        mine.map(|index| self.proven(index)).collect()
    }

    /// Every passkey of which there are entries, whole.
    pub fn passkeys(&self) -> Vec<PasskeyTrail> {
        let ids = self.entries.iter().filter_map(|entry| match entry.stream {
            Stream::Passkey(id) => Some(id),
            _ => None,
        });
        let of = |passkey: PasskeyId| {
            let trail = Stream::Passkey(passkey);
            let mine = (0..self.entries.len()).filter(|n| self.entries[*n].trail == trail);
            let entries = mine.map(|index| self.proven(index)).collect();
            PasskeyTrail { passkey, entries, end: self.end(&trail).unwrap() }
        };
        let ids: BTreeSet<String> = ids.map(|id| id.to_string()).collect();
        ids.iter().map(|id| of(id.parse().unwrap())).collect()
    }

    /// The exported files by path.
    pub fn export(&self) -> BTreeMap<String, Vec<u8>> {
        export(&self.bodies, &self.checkpoint())
    }
}

pub fn export(bodies: &[Vec<u8>], checkpoint: &str) -> BTreeMap<String, Vec<u8>> {
    let mut exporter = Exporter::new();
    let mut files = Vec::new();
    for body in bodies {
        files.extend(exporter.push(body).unwrap());
    }
    files.extend(exporter.finish(checkpoint, &key().verifier()).unwrap());
    files.into_iter().map(|file| (file.path, file.bytes)).collect()
}
