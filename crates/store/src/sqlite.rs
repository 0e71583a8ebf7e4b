//! The log on SQLite: durable and sequenced in one transaction, so a receipt is there at once.

use std::collections::BTreeMap;

use placet_domain::id::EventId;
use placet_ledger::{Checkpoint, Receipt, TileName, VerifierKey, proof};
use sqlx::Row as _;

use crate::change::{Commit, Done};
use crate::connect::Readers;
use crate::error::{Error, damaged};
use crate::log::Log;
use crate::row::{signed, unhex, unsigned};
use crate::writer::Handle;

#[derive(Clone, Debug)]
pub(crate) struct SqliteLog {
    pub writer: Handle,
    pub read: Readers,
    pub verifier: VerifierKey,
    /// Why nothing but ending is possible, if so.
    pub ending_only: Option<String>,
}

#[async_trait::async_trait]
impl Log for SqliteLog {
    async fn commit(&self, commit: Commit) -> Result<Done, Error> {
        if let Some(why) = &self.ending_only {
            return Err(Error::EndingOnly { why: why.clone() });
        }
        self.writer.commit(commit).await
    }

    async fn receipt(&self, event: EventId) -> Result<Receipt, Error> {
        let row = sqlx::query("select idx from ledger_entry where id = $1")
            .bind(event.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?
            .ok_or_else(|| damaged(format!("event `{event}` is not in the ledger")))?;
        let note = checkpoint(&self.read).await?;
        prove(&self.read, &self.verifier, &note, unsigned(&row, 0)?).await
    }
}

pub(crate) async fn checkpoint(read: &Readers) -> Result<String, Error> {
    let row = sqlx::query("select checkpoint from ledger_head where one = 1")
        .fetch_optional(&mut *read.lend().await?)
        .await?
        .ok_or_else(|| damaged("the ledger has no head"))?;
    Ok(row.try_get(0)?)
}

/// The receipt of one entry under a signed checkpoint.
pub(crate) async fn prove(
    read: &Readers,
    verifier: &VerifierKey,
    note: &str,
    index: u64,
) -> Result<Receipt, Error> {
    let broken = |e: placet_ledger::Error| damaged(e.to_string());
    let head = Checkpoint::open(note, verifier).map_err(broken)?.head();
    let tiles = tiles(read, proof::tiles_for_inclusion(index, head.size)).await?;
    let take = |level, index| tiles.get(&(level, index)).cloned();
    let proof = proof::prove_inclusion(index, head, take).map_err(broken)?;
    Ok(Receipt { index, proof, checkpoint: note.to_owned() })
}

pub(crate) type Tiles = BTreeMap<(u8, u64), Vec<u8>>;

/// Stored tiles by level and index.
pub(crate) async fn tiles(read: &Readers, names: Vec<TileName>) -> Result<Tiles, Error> {
    let mut out = Tiles::new();
    for name in names {
        if out.contains_key(&(name.level, name.index)) {
            continue;
        }
        let row = sqlx::query("select hashes from ledger_tile where level = $1 and idx = $2")
            .bind(i64::from(name.level))
            .bind(signed(name.index)?)
            .fetch_optional(&mut *read.lend().await?)
            .await?;
        if let Some(row) = row {
            out.insert((name.level, name.index), unhex(row.try_get(0)?)?);
        }
    }
    Ok(out)
}
