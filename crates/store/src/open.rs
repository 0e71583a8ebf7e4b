//! Opening a store: one program at a time, schema brought up to date, and the database held
//! against its own signature and against the remembered checkpoint.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::Arc;

use placet_ledger::{Checkpoint, Edge, Head, LogKey, VerifierKey, proof};

use crate::connect::{Readers, Settings};
use crate::error::Error;
use crate::remembered::Remembered;
use crate::sqlite::{SqliteLog, tiles};
use crate::writer::{Writer, load_edge};
use crate::{Mode, Store, schema};

const DATABASE: &str = "placet.db";

impl Store {
    /// Whether a data directory holds a store.
    pub fn exists(dir: &Path) -> bool {
        dir.join(DATABASE).exists()
    }

    /// Opens the store of a data directory, or makes an empty one.
    pub async fn open(settings: Settings, key: LogKey) -> Result<Self, Error> {
        std::fs::create_dir_all(&settings.dir)?;
        let lock = lock(&settings.dir)?;
        let database = settings.dir.join(DATABASE);
        let mut connection = settings.connect(&database).await?;
        schema::migrate(&mut connection).await?;

        let read = settings.readers(&database).await?;
        let verifier = key.verifier();
        let remembered = Remembered::beside(&settings.dir);
        let (edge, why) = match load_edge(&mut connection).await {
            Ok((edge, note)) => {
                let (note, memory) = (note.as_deref(), remembered.read());
                let why = match memory {
                    Ok(memory) => doubt(&read, &verifier, &edge, note, memory.as_deref()).await?,
                    Err(error) => Some(format!("the remembered checkpoint: {error}")),
                };
                (edge, why)
            }
            Err(Error::Damaged { what }) => (Edge::empty(), Some(what)),
            Err(error) => return Err(error),
        };
        let owed = None;
        let key = Arc::new(key);
        let memory = remembered.clone();
        let (writer, ended) =
            Writer { settings, database, connection, key, edge, remembered: memory, owed }.start();
        let log = SqliteLog {
            writer,
            read: read.clone(),
            verifier: verifier.clone(),
            ending_only: why.clone(),
        };
        let mode = why.map_or(Mode::Normal, |why| Mode::EndingOnly { why });
        let (log, lock) = (Arc::new(log), Arc::new(lock));
        Ok(Self { read, log, verifier, remembered, mode, ended, _lock: lock })
    }
}

fn lock(dir: &Path) -> Result<File, Error> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse),
        Err(TryLockError::Error(error)) => Err(Error::Files(error)),
    }
}

/// Why this database cannot be trusted with new access, if there is a reason: its tree is not the
/// one that was signed, or it is not the one that was remembered, grown on.
async fn doubt(
    read: &Readers,
    verifier: &VerifierKey,
    edge: &Edge,
    note: Option<&str>,
    memory: Option<&str>,
) -> Result<Option<String>, Error> {
    let signed = match note {
        None => Head::empty(),
        Some(note) => match Checkpoint::open(note, verifier) {
            Ok(checkpoint) => checkpoint.head(),
            Err(error) => return Ok(Some(error.to_string())),
        },
    };
    match edge.head() {
        Ok(head) if head == signed => {}
        Ok(_) => {
            return Ok(Some(
                "the ledger in the database is not the one that was signed".to_owned(),
            ));
        }
        Err(error) => return Ok(Some(error.to_string())),
    }
    let Some(memory) = memory else { return Ok(None) };
    let known = match Checkpoint::open(memory, verifier) {
        Ok(checkpoint) => checkpoint.head(),
        Err(error) => return Ok(Some(format!("the remembered checkpoint: {error}"))),
    };
    if signed.size < known.size {
        return Ok(Some(format!(
            "the database was rolled back: it ends at entry {}, and {} entries are remembered",
            signed.size, known.size
        )));
    }
    let tiles = tiles(read, proof::tiles_for_consistency(known.size, signed.size)).await?;
    let take = |level, index| tiles.get(&(level, index)).cloned();
    let grown = proof::prove_consistency(known.size, signed, take)
        .and_then(|proof| proof::check_consistency(known, signed, &proof));
    Ok(grown.err().map(|error| format!("the ledger did not grow from the remembered one: {error}")))
}
