//! Due work, by index: what a worker has to look at now.

use placet_domain::Timestamp;
use placet_domain::id::{GrantId, RequestId};

use crate::Store;
use crate::error::Error;
use crate::row::{moment, parsed};

/// A grant, and since when something is due on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
    pub grant: GrantId,
    pub at: Timestamp,
}

impl Store {
    /// Grants whose time has come, the longest due first, a page at a time: what cannot be done now
    /// stays due, and must not keep what comes after it.
    pub async fn due_grants(
        &self,
        now: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, Error> {
        let rows = sqlx::query(
            "select id, due_at from access_grant where due_at <= $1 \
             and ($2 is null or (due_at, id) > ($2, $3)) order by due_at, id limit $4",
        )
        .bind(now.as_micros())
        .bind(after.map(|due| due.at.as_micros()))
        .bind(after.map(|due| due.grant.to_string()))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| Ok(Due { grant: parsed(row, 0)?, at: moment(row, 1)? })).collect()
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
