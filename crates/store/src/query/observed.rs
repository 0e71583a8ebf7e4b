//! What targets were last seen to hold.

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::id::TargetId;
use placet_domain::observation::Binding;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::Store;
use crate::error::Error;
use crate::row::{moment, parsed};

/// The last look at a target.
#[derive(Clone, Debug)]
pub struct LastLook {
    pub completeness: String,
    pub finished_at: Timestamp,
    /// When a look last was complete.
    pub complete_at: Option<Timestamp>,
    pub detail: Option<String>,
}

impl LastLook {
    /// Out of four columns of a row, the first of which is named.
    pub(super) fn read(row: &SqliteRow, first: usize) -> Result<Self, Error> {
        Ok(Self {
            completeness: row.try_get(first)?,
            finished_at: moment(row, first + 1)?,
            complete_at: row.try_get::<Option<i64>, _>(first + 2)?.map(Timestamp::from_micros),
            detail: row.try_get(first + 3)?,
        })
    }
}

impl Store {
    pub async fn last_look(&self, target: TargetId) -> Result<Option<LastLook>, Error> {
        let row = sqlx::query(
            "select completeness, finished_at, complete_at, detail from observed_target where target = $1",
        )
        .bind(target.to_string())
        .fetch_optional(&mut *self.read.lend().await?)
        .await?;
        row.map(|row| LastLook::read(&row, 0)).transpose()
    }

    /// The bindings that a target was last seen to hold.
    pub async fn observed_bindings(&self, target: TargetId) -> Result<BTreeSet<Binding>, Error> {
        let rows = sqlx::query("select native, account from observed_binding where target = $1")
            .bind(target.to_string())
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter()
            .map(|row| Ok(Binding { native: parsed(row, 0)?, account: parsed(row, 1)? }))
            .collect()
    }
}
