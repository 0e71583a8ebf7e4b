//! The store: the only crate that knows the SQL of our own database, and the only one that opens its
//! transactions.
//!
//! Here belong: `commit` (the one write path), the SQLite log with its write task, one file for
//! each aggregate and for each question that is read, the schema, and the check of governed rows
//! against the ledger. Here does not belong: a rule (that is `domain`), the time, or a decision.

mod aggregate;
mod beside;
mod change;
mod commit;
mod connect;
mod disclosed;
mod error;
mod log;
mod open;
mod outbox;
mod proofs;
mod query;
mod remembered;
mod row;
mod schema;
mod script;
mod sqlite;
mod standing;
#[cfg(feature = "unledgered")]
mod unledgered;
mod verify;
mod writer;

use std::fs::File;
use std::sync::Arc;

use placet_domain::id::EventId;
use placet_ledger::{Receipt, VerifierKey};
use tokio::sync::watch;

pub use aggregate::Aggregate;
pub use change::{
    CallAnswer, CallKey, Change, Commit, Disclosed, Done, Facts, Observed, Round, Upkeep,
};
use connect::Readers;
pub use connect::Settings;
pub use error::Error;
pub use log::Log;
pub use outbox::{Addressed, Outbox};
pub use proofs::ProvenTrail;
pub use query::calls::KeyedCall;
pub use query::catalogue::Search;
pub use query::due::{Due, Duty};
pub use query::governed::Answers;
pub use query::ground::Ground;
pub use query::ledger::{Bodies, Stored};
pub use query::named::{Beside, Named, Wanted};
pub use query::notices::{DueDelivery, Entry as OutboxEntry, Shown as ShownNotice, Undelivered};
pub use query::observed::LastLook;
pub use query::overview::{Held, Unsettled};
pub use query::sought::{SoughtGrants, SoughtRequests, texts as sought_texts};
pub use query::upkeep::DueRound;
pub use query::{PAGE as LARGEST_PAGE, Page, Reader};
pub use schema::{Class, TABLES};
#[cfg(feature = "unledgered")]
pub use unledgered::Unledgered;
pub use verify::{Difference, Report};

/// What the store can do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mode {
    Normal,
    /// Nothing is written: what is due still ends, and is journalled.
    EndingOnly {
        why: String,
    },
}

/// An open store. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    read: Readers,
    log: Arc<dyn Log>,
    verifier: VerifierKey,
    remembered: remembered::Remembered,
    mode: Mode,
    ended: watch::Receiver<()>,
    /// Held as long as the store is open: one program works on a data directory.
    _lock: Arc<File>,
}

impl Store {
    /// Makes everything in `commit` durable together, or nothing.
    pub async fn commit(&self, commit: Commit) -> Result<Done, Error> {
        self.log.commit(commit).await
    }

    /// The proof that an event is in the signed ledger; waits until it is.
    pub async fn receipt(&self, event: EventId) -> Result<Receipt, Error> {
        self.log.receipt(event).await
    }

    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// The key that verifies this ledger.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Waits until all clones of this store are gone and its database is closed, as one file. Waiting
    /// does not keep it open.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            // Nothing is ever sent: the write task lets go of its side.
            while ended.changed().await.is_ok() {}
        }
    }

    /// The same store behind another log: a slower one, or one that fails on purpose.
    #[must_use]
    pub fn behind(mut self, wrap: impl FnOnce(Arc<dyn Log>) -> Arc<dyn Log>) -> Self {
        self.log = wrap(self.log);
        self
    }
}
