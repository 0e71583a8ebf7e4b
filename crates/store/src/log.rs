//! The seam between the store and the way its log is sequenced: `commit` makes durable and answers
//! with event ids, `receipt` is awaited apart. On SQLite a receipt is there at once; where a
//! sequencer of its own orders the log, it comes later. Callers must bear both.

use std::fmt::Debug;

use placet_domain::id::EventId;
use placet_ledger::Receipt;

use crate::change::{Commit, Done};
use crate::error::Error;

/// The write side of a store.
#[async_trait::async_trait]
pub trait Log: Debug + Send + Sync {
    /// Everything in `commit` becomes durable together, or nothing does.
    async fn commit(&self, commit: Commit) -> Result<Done, Error>;

    /// The proof that an event is in the signed log; waits until it is.
    async fn receipt(&self, event: EventId) -> Result<Receipt, Error>;
}
