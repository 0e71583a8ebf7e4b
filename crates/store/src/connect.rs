//! How the database is opened.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory: database, remembered checkpoint, lock.
    pub dir: PathBuf,
    /// The name of this node, written into every entry.
    pub node: String,
    /// False only where durability is not under test: nothing is waited for on disk.
    pub durable: bool,
    /// The most pages that the database may have; SQLite then answers as for a full disk.
    pub page_limit: Option<u32>,
}

impl Settings {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), node: "node-1".to_owned(), durable: true, page_limit: None }
    }

    fn options(&self, database: &Path) -> SqliteConnectOptions {
        let synchronous =
            if self.durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
        let options = SqliteConnectOptions::new()
            .filename(database)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .pragma("cache_size", format!("-{CACHE_KIB}"))
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        match self.page_limit {
            Some(pages) => options.pragma("max_page_count", pages.to_string()),
            None => options,
        }
    }

    pub(crate) async fn connect(&self, database: &Path) -> Result<SqliteConnection, Error> {
        Ok(self.options(database).create_if_missing(true).connect().await?)
    }

    /// Read-only connections: a query can never write, whatever its text.
    pub(crate) async fn readers(&self, database: &Path) -> Result<Readers, Error> {
        let options = self.options(database).read_only(true);
        let mut slots = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            slots.push(Arc::new(Mutex::new(options.connect().await?)));
        }
        Ok(Readers { slots: slots.into(), free: Arc::new(Semaphore::new(READERS)) })
    }
}

/// The most memory in which each connection keeps pages, in KiB. It is taken as it is needed: a small
/// database takes little.
const CACHE_KIB: u32 = 16 * 1024;
/// After how many pages SQLite carries its log (WAL) over into the database. Each time costs two waits
/// for the disk and, in a large database, a page for nearly every row that changed; what changes again
/// and again meanwhile is carried over once.
const CHECKPOINT_PAGES: u32 = 8_192;
/// How many read at once.
const READERS: usize = 4;
/// More texts than there are, so that each is prepared once.
const STATEMENTS: usize = 512;

/// The connections that queries read by, lent for one query at a time.
///
/// The pool of `sqlx` asks a connection that comes back whether it is still there: for every query a
/// task of its own, and another one for the thread of the connection. No network lies between here,
/// so that said nothing, and it cost as much as the query.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    slots: Arc<[Arc<Mutex<SqliteConnection>>]>,
    free: Arc<Semaphore>,
}

/// A connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lent {
    connection: OwnedMutexGuard<SqliteConnection>,
    // Given back after the connection, so that whoever is let in finds one.
    _place: OwnedSemaphorePermit,
}

impl Readers {
    pub(crate) async fn lend(&self) -> Result<Lent, Error> {
        let free = Arc::clone(&self.free);
        let place = free.acquire_owned().await.map_err(|_| Error::Stopped)?;
        let open = self.slots.iter().find_map(|slot| Arc::clone(slot).try_lock_owned().ok());
        // As many places as connections, so there is one.
        let connection = open.ok_or(Error::Stopped)?;
        Ok(Lent { connection, _place: place })
    }
}

impl Deref for Lent {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
