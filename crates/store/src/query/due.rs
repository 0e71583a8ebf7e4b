//! Due work, by index: what a worker has to look at now.

use placet_domain::Timestamp;
use placet_domain::finding::Finding;
use placet_domain::id::{FindingId, GrantId, RequestId, TargetId};

use super::shown;
use crate::Store;
use crate::error::Error;
use crate::row::{moment, parsed, signed};

/// What is due at a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// Access is to end: grants whose end has come, and what was found and ordered to be removed.
    End,
    /// Access is to begin.
    Begin,
}

/// A grant, and since when something is due on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
    pub grant: GrantId,
    pub at: Timestamp,
}

impl Store {
    /// The targets that have such work due. What is pending may be either, so it counts as both.
    pub async fn targets_due(&self, duty: Duty, now: Timestamp) -> Result<Vec<TargetId>, Error> {
        let text = match duty {
            Duty::End => {
                "select t.id from target t where exists (select 1 from access_grant g \
                 where g.target = t.id and g.due_at <= $1 \
                 and g.stands in ('pending', 'issued', 'active', 'unverified', 'ending')) \
                 or exists (select 1 from finding f where f.target = t.id and f.work_at <= $1 \
                 and f.stands = 'open') order by t.id"
            }
            Duty::Begin => {
                "select t.id from target t where exists (select 1 from access_grant g \
                 where g.target = t.id and g.due_at <= $1 \
                 and g.stands in ('approved', 'pending')) order by t.id"
            }
        };
        let rows = sqlx::query(text)
            .bind(now.as_micros())
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// Grants of a target whose time has come, the longest due first, a page at a time: what cannot be
    /// done now stays due, and must not keep what comes after it.
    pub async fn due_grants(
        &self,
        target: TargetId,
        duty: Duty,
        now: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, Error> {
        let text = match duty {
            Duty::End => {
                "select id, due_at from access_grant where target = $1 and due_at <= $2 \
                 and stands in ('pending', 'issued', 'active', 'unverified', 'ending') \
                 and ($3 is null or (due_at, id) > ($3, $4)) order by due_at, id limit $5"
            }
            Duty::Begin => {
                "select id, due_at from access_grant where target = $1 and due_at <= $2 \
                 and stands in ('approved', 'pending') \
                 and ($3 is null or (due_at, id) > ($3, $4)) order by due_at, id limit $5"
            }
        };
        let rows = sqlx::query(text)
            .bind(target.to_string())
            .bind(now.as_micros())
            .bind(after.map(|due| due.at.as_micros()))
            .bind(after.map(|due| due.grant.to_string()))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(|row| Ok(Due { grant: parsed(row, 0)?, at: moment(row, 1)? })).collect()
    }

    /// Findings of a target whose removal was ordered and is due to be tried, the longest due first.
    pub async fn findings_to_remove(
        &self,
        target: TargetId,
        now: Timestamp,
        after: Option<(Timestamp, FindingId)>,
        limit: u32,
    ) -> Result<Vec<Finding>, Error> {
        let rows = sqlx::query(
            "select id, version, state from finding where target = $1 and work_at <= $2 \
             and stands = 'open' and ($3 is null or (work_at, id) > ($3, $4)) \
             order by work_at, id limit $5",
        )
        .bind(target.to_string())
        .bind(now.as_micros())
        .bind(after.map(|(at, _)| at.as_micros()))
        .bind(after.map(|(_, finding)| finding.to_string()))
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// Findings that were borne until now.
    pub async fn findings_to_reopen(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<FindingId>, Error> {
        let rows = sqlx::query(
            "select id from finding where work_at <= $1 and stands = 'accepted' \
             order by work_at, id limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// Targets that were not looked at as a whole for so many seconds, or never; by name.
    pub async fn targets_to_look_at(
        &self,
        now: Timestamp,
        seconds: u64,
    ) -> Result<Vec<TargetId>, Error> {
        let since = now.as_micros().saturating_sub(signed(seconds)?.saturating_mul(1_000_000));
        let rows = sqlx::query(
            "select t.id from target t left join observed_target o on o.target = t.id \
             where not t.retired and (o.finished_at is null or o.finished_at <= $1) \
             order by t.name",
        )
        .bind(since)
        .fetch_all(&mut *self.read.lend().await?)
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
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }
}
