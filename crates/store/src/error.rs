//! What can go wrong in the store.

use placet_domain::id::Stream;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the decision was made on has moved on.
    #[error("`{what}` changed meanwhile")]
    Stale { what: String },
    /// A name that must be unique is taken.
    #[error("{what} is taken already")]
    Taken { what: String },
    #[error("the disk is full")]
    Full,
    #[error("another program works on this data directory")]
    InUse,
    #[error("only ending access is possible: {why}")]
    EndingOnly { why: String },
    /// What is stored contradicts itself or its signatures.
    #[error("{what}")]
    Damaged { what: String },
    #[error("an event does not fit: {0}")]
    Misplaced(#[from] placet_domain::state::Misplaced),
    #[error("`{stream}` is not in the ledger")]
    Unknown { stream: Stream },
    #[error("the store stopped")]
    Stopped,
    #[error("the file system refused: {0}")]
    Files(std::io::Error),
    #[error("the database refused: {0}")]
    Database(sqlx::Error),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        // A disk can be full for the files beside the database while there is room left in that.
        match error.kind() {
            StorageFull | QuotaExceeded => Self::Full,
            _ => Self::Files(error),
        }
    }
}

/// SQLite's result code for a full disk, and for a database at its page limit.
const SQLITE_FULL: &str = "13";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // SQLite holds no column to its type: what is stored there is not what was written.
        if let sqlx::Error::ColumnDecode { .. } = error {
            return damaged(format!("a stored value cannot be read: {error}"));
        }
        let Some(database) = error.as_database_error() else { return Self::Database(error) };
        if database.code().as_deref() == Some(SQLITE_FULL) {
            return Self::Full;
        }
        if database.is_unique_violation() {
            // SQLite names the columns: "UNIQUE constraint failed: profile.handle".
            let columns = database.message().rsplit(": ").next().unwrap_or_default();
            return Self::Taken { what: columns.replace('.', " ") };
        }
        Self::Database(error)
    }
}

pub(crate) fn damaged(what: impl Into<String>) -> Error {
    Error::Damaged { what: what.into() }
}
