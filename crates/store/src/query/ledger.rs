//! The ledger as it is read: entries of a trail, entries in order, the signed head.

use std::collections::BTreeMap;

use placet_domain::Timestamp;
use placet_domain::entry::Entry;
use placet_domain::id::{EventId, Stream};
use placet_ledger::TrailHead;
use sqlx::Row as _;

use crate::Store;
use crate::error::{Error, damaged};
use crate::row::{parsed, signed, unsigned};
use crate::script::{Script, Value};

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub index: u64,
    pub id: EventId,
    /// The canonical bytes: the leaf of the tree.
    pub body: String,
}

impl Store {
    /// When the newest entry was made, by whoever made it; none in an empty ledger.
    pub async fn last_entry_at(&self) -> Result<Option<Timestamp>, Error> {
        let row = sqlx::query("select body from ledger_entry order by idx desc limit 1")
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let body: &str = row.try_get(0)?;
        let entry = Entry::decode(body.as_bytes()).map_err(|error| damaged(error.to_string()))?;
        Ok(Some(entry.at))
    }

    /// The streams of the entries from an index on, at most so many, in order.
    pub async fn streams_since(&self, index: u64, limit: u32) -> Result<Vec<Stream>, Error> {
        let rows =
            sqlx::query("select stream from ledger_entry where idx >= $1 order by idx limit $2")
                .bind(signed(index)?)
                .bind(limit)
                .fetch_all(&mut *self.read.lend().await?)
                .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// When the first and the last event of each of these streams were entered.
    pub async fn begun_and_changed(
        &self,
        streams: &[Stream],
    ) -> Result<BTreeMap<Stream, (Timestamp, Timestamp)>, Error> {
        let mut script = Script::default();
        for stream in streams {
            script.add(
                "select body from ledger_entry where stream = $1 and version = 1",
                [Value::text(stream)],
            );
            script.add(
                "select body from ledger_entry where stream = $1 order by version desc limit 1",
                [Value::text(stream)],
            );
        }
        let mut out = BTreeMap::new();
        for row in script.rows(&mut *self.read.lend().await?).await? {
            let body: &str = row.try_get(0)?;
            let entry = Entry::decode(body.as_bytes()).map_err(|e| damaged(e.to_string()))?;
            // The first comes before the last.
            out.entry(entry.stream)
                .and_modify(|(_, last)| *last = entry.at)
                .or_insert((entry.at, entry.at));
        }
        Ok(out)
    }

    /// Every entry of a trail, in order.
    pub async fn trail(&self, trail: &Stream) -> Result<Vec<Stored>, Error> {
        let rows =
            sqlx::query("select idx, id, body from ledger_entry where trail = $1 order by nth")
                .bind(trail.to_string())
                .fetch_all(&mut *self.read.lend().await?)
                .await?;
        rows.iter().map(stored).collect()
    }

    /// Every entry of a trail with its recorded end, read at one moment.
    pub(crate) async fn whole_trail(
        &self,
        trail: &Stream,
    ) -> Result<(Vec<Stored>, TrailHead), Error> {
        let rows = sqlx::query(
            "select e.idx, e.id, e.body, t.nth, t.head from trail t \
             join ledger_entry e on e.trail = t.trail where t.trail = $1 order by e.nth",
        )
        .bind(trail.to_string())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        let last = rows.last().ok_or_else(|| Error::Unknown { stream: trail.clone() })?;
        let end = TrailHead { entries: unsigned(last, 3)?, digest: parsed(last, 4)? };
        let entries = rows.iter().map(stored).collect::<Result<_, _>>()?;
        Ok((entries, end))
    }

    pub async fn trail_head(&self, trail: &Stream) -> Result<Option<TrailHead>, Error> {
        let row = sqlx::query("select nth, head from trail where trail = $1")
            .bind(trail.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.map(|row| Ok(TrailHead { entries: unsigned(&row, 0)?, digest: parsed(&row, 1)? }))
            .transpose()
    }

    /// Every entry of a stream, in order.
    pub async fn stream(&self, stream: &Stream) -> Result<Vec<Stored>, Error> {
        let rows = sqlx::query(
            "select idx, id, body from ledger_entry where stream = $1 order by version",
        )
        .bind(stream.to_string())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(stored).collect()
    }

    /// Entries from an index on, at most 256: one bundle.
    pub async fn entries_from(&self, index: u64) -> Result<Vec<Stored>, Error> {
        let rows = sqlx::query(
            "select idx, id, body from ledger_entry where idx >= $1 order by idx limit 256",
        )
        .bind(crate::row::signed(index)?)
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(stored).collect()
    }

    /// The bodies of the entries from an index on, at most 1,024, where they follow on each other and
    /// none has a line break in it, which no entry that Placet wrote has. Otherwise, and at the end,
    /// none: [`Store::entries_from`] has them one by one.
    ///
    /// They come as one row: handing rows over one by one takes longer than checking what is in them.
    pub async fn bodies_from(&self, index: u64) -> Result<Option<Bodies>, Error> {
        let row = sqlx::query(
            "select count(*), max(idx), string_agg(body, $2 order by idx) from \
             (select idx, body from ledger_entry where idx >= $1 order by idx limit 1024) run",
        )
        .bind(crate::row::signed(index)?)
        .bind(BREAK)
        .fetch_one(&mut *self.read.lend().await?)
        .await?;
        let count = unsigned(&row, 0)?;
        if count == 0 || Some(unsigned(&row, 1)?) != index.checked_add(count - 1) {
            return Ok(None);
        }
        let bodies = Bodies { text: row.try_get(2)? };
        let found = u64::try_from(bodies.iter().count()).unwrap_or(u64::MAX);
        Ok((found == count).then_some(bodies))
    }

    /// The last signed checkpoint.
    pub async fn checkpoint(&self) -> Result<String, Error> {
        let row = sqlx::query("select checkpoint from ledger_head where one = 1")
            .fetch_optional(&mut *self.read.lend().await?)
            .await?
            .ok_or_else(|| damaged("the ledger has no head"))?;
        Ok(row.try_get(0)?)
    }
}

const BREAK: &str = "\n";

/// Bodies of entries that follow on each other.
#[derive(Clone, Debug)]
pub struct Bodies {
    text: String,
}

impl Bodies {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.split(BREAK)
    }
}

fn stored(row: &sqlx::sqlite::SqliteRow) -> Result<Stored, Error> {
    Ok(Stored { index: unsigned(row, 0)?, id: parsed(row, 1)?, body: row.try_get(2)? })
}
