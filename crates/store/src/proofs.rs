//! A whole trail with its proofs under one signed checkpoint: what assent and evidence are
//! verified from.

use placet_domain::canonical::Digest;
use placet_domain::id::{PasskeyId, Stream};
use placet_ledger::{Checkpoint, Head, PasskeyTrail, Proof, Proven, TrailHead, proof};

use crate::Store;
use crate::error::{Error, damaged};
use crate::query::ledger::Stored;
use crate::sqlite::tiles;

/// Every entry of a trail, proven under one checkpoint.
#[derive(Clone, Debug)]
pub struct ProvenTrail {
    pub checkpoint: String,
    pub entries: Vec<Proven>,
    /// Where the trail ended when it was read.
    pub end: TrailHead,
    /// The remembered head, and the proof that the checkpoint grew from it.
    pub remembered: Option<(Head, Proof)>,
}

impl Store {
    /// Proves stored entries under one checkpoint; each tile is read once for all of them.
    pub async fn prove(&self, note: &str, entries: Vec<Stored>) -> Result<Vec<Proven>, Error> {
        let broken = |e: placet_ledger::Error| damaged(e.to_string());
        let head = Checkpoint::open(note, &self.verifier).map_err(broken)?.head();
        let names = entries.iter().flat_map(|one| proof::tiles_for_inclusion(one.index, head.size));
        let tiles = tiles(&self.read, names.collect()).await?;
        let prove = |entry: Stored| {
            let take = |level, index| tiles.get(&(level, index)).cloned();
            let proof = proof::prove_inclusion(entry.index, head, take).map_err(broken)?;
            Ok(Proven { index: entry.index, body: entry.body.into_bytes(), proof })
        };
        entries.into_iter().map(prove).collect()
    }

    /// A passkey's whole trail under a checkpoint that was read before. What was entered after that
    /// checkpoint cannot be proved under it, and came after everything that is.
    pub async fn proven_passkey(
        &self,
        note: &str,
        passkey: PasskeyId,
    ) -> Result<PasskeyTrail, Error> {
        let broken = |e: placet_ledger::Error| damaged(e.to_string());
        let size = Checkpoint::open(note, &self.verifier).map_err(broken)?.size;
        let (mut entries, mut end) = self.whole_trail(&Stream::Passkey(passkey)).await?;
        entries.retain(|one| one.index < size);
        if let Some(last) = entries.last().filter(|_| (entries.len() as u64) < end.entries) {
            let digest = Digest::of(last.body.as_bytes());
            end = TrailHead { entries: entries.len() as u64, digest };
        }
        let entries = self.prove(note, entries).await?;
        Ok(PasskeyTrail { passkey, entries, end })
    }

    /// A whole trail under a checkpoint at least as new as the remembered one.
    pub async fn proven_trail(&self, trail: &Stream) -> Result<ProvenTrail, Error> {
        let broken = |e: placet_ledger::Error| damaged(e.to_string());
        // The checkpoint is read last: so it covers every entry that was read.
        let (entries, end) = self.whole_trail(trail).await?;
        let memory = self.remembered.read()?;
        let checkpoint = self.checkpoint().await?;
        let head = Checkpoint::open(&checkpoint, &self.verifier).map_err(broken)?.head();
        let remembered = match memory {
            None => None,
            Some(memory) => {
                let known = Checkpoint::open(&memory, &self.verifier).map_err(broken)?.head();
                if known.size > head.size {
                    return Err(damaged("the database is older than the remembered checkpoint"));
                }
                let names = proof::tiles_for_consistency(known.size, head.size);
                let tiles = tiles(&self.read, names).await?;
                let take = |level, index| tiles.get(&(level, index)).cloned();
                let grown = proof::prove_consistency(known.size, head, take).map_err(broken)?;
                Some((known, grown))
            }
        };
        let entries = self.prove(&checkpoint, entries).await?;
        Ok(ProvenTrail { checkpoint, entries, end, remembered })
    }
}
