//! A whole trail with its proofs under one signed checkpoint: what assent and evidence are
//! verified from.

use placet_domain::id::Stream;
use placet_ledger::{Checkpoint, Head, Proof, Proven, TrailHead, proof};

use crate::Store;
use crate::error::{Error, damaged};
use crate::query::ledger::Stored;
use crate::sqlite::{prove, tiles};

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
    /// Proves stored entries under one checkpoint.
    pub async fn prove(&self, note: &str, entries: Vec<Stored>) -> Result<Vec<Proven>, Error> {
        let mut out = Vec::with_capacity(entries.len());
        for entry in entries {
            let receipt = prove(&self.read, &self.verifier, note, entry.index).await?;
            let body = entry.body.into_bytes();
            out.push(Proven { index: entry.index, body, proof: receipt.proof });
        }
        Ok(out)
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
