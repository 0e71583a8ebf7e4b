//! The ledger: the only crate that knows Merkle trees and signatures.
//!
//! Here belong: the log's key, signed checkpoints, tiles and proofs, receipts, the proof of assent
//! that a connector takes, signatures of passkeys, the evidence bundle and its offline verifier, and
//! the exported log.
//! Here does not belong: a database, files, `async`, a clock or randomness; seeds and times come in
//! as values, and what is stored comes in as bytes.
//!
//! The formats are not ours: RFC 6962 hashing, and C2SP `tlog-tiles`, `tlog-checkpoint`,
//! `signed-note` and `tlog-proof`. Programs that we did not write can check what we write.

pub mod assent;
pub mod assertion;
pub mod checkpoint;
pub mod error;
pub mod evidence;
pub mod export;
pub mod key;
mod laws;
mod passkeys;
pub mod proof;
pub mod receipt;
pub mod removal;
pub mod trail;
pub mod tree;
pub mod verify;

pub use assent::{Act, Claim, PasskeyTrail, VerifiedAssent};
pub use checkpoint::{Checkpoint, Head};
pub use error::Error;
pub use evidence::{Bundle, Failed, Verdict};
pub use export::Exporter;
pub use key::{LogKey, VerifierKey};
pub use proof::Proof;
pub use receipt::Receipt;
pub use removal::RemovalOrder;
pub use trail::{Proven, TrailHead};
pub use tree::{Edge, Tile, TileName};
pub use verify::{Verifier, verify_export};
