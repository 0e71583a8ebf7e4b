//! How the database is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqliteConnection};

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
            .busy_timeout(Duration::from_secs(5))
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
    pub(crate) fn readers(&self, database: &Path) -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(4)
            // No network lies between, so a connection that was good is good.
            .test_before_acquire(false)
            .connect_lazy_with(self.options(database).read_only(true))
    }
}
