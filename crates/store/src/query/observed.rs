//! What targets were last seen to hold.

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::id::TargetId;
use placet_domain::observation::Binding;
use sqlx::Row as _;

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

impl Store {
    pub async fn last_look(&self, target: TargetId) -> Result<Option<LastLook>, Error> {
        let row = sqlx::query(
            "select completeness, finished_at, complete_at, detail from observed_target where target = $1",
        )
        .bind(target.to_string())
        .fetch_optional(&mut *self.read.lend().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(LastLook {
            completeness: row.try_get(0)?,
            finished_at: moment(&row, 1)?,
            complete_at: row.try_get::<Option<i64>, _>(2)?.map(Timestamp::from_micros),
            detail: row.try_get(3)?,
        }))
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
