//! Why something of the ledger was refused. What a person is told is a sentence, here; which
//! refusal it becomes is up to the caller.

/// Why a key, checkpoint, tile, proof, entry or file of the ledger does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    #[error("not a key of a ledger: {why}")]
    Key { why: String },
    #[error("the checkpoint does not hold: {why}")]
    Checkpoint { why: String },
    #[error("tile {index} of level {level} does not hold: {why}")]
    Tile { level: u8, index: u64, why: String },
    #[error("the proof does not hold: {why}")]
    Proof { why: String },
    #[error("the receipt cannot be read: {why}")]
    Receipt { why: String },
    /// The index is that of the first entry at fault.
    #[error("entry {index} does not hold: {why}")]
    Entry { index: u64, why: String },
    #[error("file `{path}` does not hold: {why}")]
    File { path: String, why: String },
}
