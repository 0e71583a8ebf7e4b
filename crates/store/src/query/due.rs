//! Due work, by index: what a worker has to look at now.

use placet_domain::Timestamp;
use placet_domain::id::{GrantId, RequestId};

use crate::Store;
use crate::error::Error;
use crate::row::parsed;

impl Store {
    /// Grants whose time has come, the longest due first.
    pub async fn due_grants(&self, now: Timestamp, limit: u32) -> Result<Vec<GrantId>, Error> {
        let rows = sqlx::query(
            "select id from access_grant where due_at <= $1 order by due_at, id limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// Open requests whose time is over.
    pub async fn lapsing_requests(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        let rows = sqlx::query(
            "select id from request where lapses_at <= $1 order by lapses_at, id limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }
}
