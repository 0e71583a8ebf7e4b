//! What is to be told, what is due, and what somebody was told.

use placet_domain::Timestamp;
use placet_domain::access::Scope;
use placet_domain::id::{IdentityId, NoticeId, RequestId, Stream};
use placet_domain::notice::{Audience, Kind, Notice, Reminder};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Page, Reader};
use crate::Store;
use crate::error::Error;
use crate::row::{moment, parsed, unsigned};

/// Something that is to be told, before it is known to whom by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub id: String,
    pub cause: String,
    pub notice: Notice,
    /// Whoever did it themselves.
    pub not_to: Option<IdentityId>,
    pub at: Timestamp,
}

/// A notice as it was addressed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    pub id: NoticeId,
    pub receiver: IdentityId,
    pub kind: Kind,
    pub about: Stream,
    pub at: Timestamp,
}

/// A notice that is due on a channel, and how often that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueDelivery {
    pub notice: Shown,
    pub failures: u32,
}

/// A notice that was given up on a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undelivered {
    pub notice: Shown,
    pub channel: String,
    pub failures: u32,
    pub why: String,
}

/// The most of those who are told in the place of one who delegated.
const DELEGATES: i64 = 100;

impl Store {
    /// What is in the outbox, the oldest first.
    pub async fn outbox(&self, limit: u32) -> Result<Vec<Entry>, Error> {
        let rows = sqlx::query(
            "select id, cause, kind, about, audience, not_to, at from outbox \
             order by at, id limit $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        let entry = |row: &SqliteRow| {
            let not_to: Option<&str> = row.try_get(5)?;
            Ok(Entry {
                id: row.try_get(0)?,
                cause: row.try_get(1)?,
                notice: Notice {
                    kind: parsed(row, 2)?,
                    about: parsed(row, 3)?,
                    to: parsed::<Audience>(row, 4)?,
                },
                not_to: not_to.map(|_| parsed(row, 5)).transpose()?,
                at: moment(row, 6)?,
            })
        };
        rows.iter().map(entry).collect()
    }

    /// Reminders whose time has come.
    pub async fn due_reminders(&self, now: Timestamp, limit: u32) -> Result<Vec<Reminder>, Error> {
        let rows = sqlx::query(
            "select kind, about, due_at from reminder where due_at <= $1 \
             order by due_at, about, kind limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        let reminder = |row: &SqliteRow| {
            Ok(Reminder { kind: parsed(row, 0)?, about: parsed(row, 1)?, due_at: moment(row, 2)? })
        };
        rows.iter().map(reminder).collect()
    }

    /// What is due on a channel, the longest due first.
    pub async fn due_deliveries(
        &self,
        channel: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueDelivery>, Error> {
        let rows = sqlx::query(
            "select n.id, n.receiver, n.kind, n.about, n.at, d.failures \
             from delivery d join notice n on n.id = d.notice \
             where d.channel = $1 and d.due_at <= $2 order by d.due_at, d.notice limit $3",
        )
        .bind(channel)
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter()
            .map(|row| Ok(DueDelivery { notice: notice(row)?, failures: count(row, 5)? }))
            .collect()
    }

    /// What the reader was told, the newest first.
    pub async fn notices(&self, reader: &Reader, page: &Page) -> Result<Vec<Shown>, Error> {
        let rows = sqlx::query(
            "select id, receiver, kind, about, at from notice n where $1 and n.receiver = $2 \
             and ($3 is null or (n.at, n.id) < (select p.at, p.id from notice p where p.id = $3)) \
             order by n.at desc, n.id desc limit $4",
        )
        .bind(reader.may(Scope::Mine))
        .bind(reader.who.to_string())
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(notice).collect()
    }

    /// What was given up, the newest first; only for those who may read everything. A page goes on
    /// after `notice/channel`.
    pub async fn undelivered(
        &self,
        reader: &Reader,
        page: &Page,
    ) -> Result<Vec<Undelivered>, Error> {
        let after = page.after.as_deref().map(|after| after.split_once('/').unwrap_or((after, "")));
        let rows = sqlx::query(
            "select n.id, n.receiver, n.kind, n.about, n.at, d.failures, d.channel, d.why \
             from delivery d join notice n on n.id = d.notice \
             where d.due_at is null and d.why is not null and $1 \
             and ($2 is null or (n.at, d.notice, d.channel) < \
               ((select p.at from notice p where p.id = $2), $2, $3)) \
             order by n.at desc, d.notice desc, d.channel desc limit $4",
        )
        .bind(reader.may(Scope::Everything))
        .bind(after.map(|(notice, _)| notice))
        .bind(after.map(|(_, channel)| channel))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        let given_up = |row: &SqliteRow| {
            Ok(Undelivered {
                notice: notice(row)?,
                failures: count(row, 5)?,
                channel: row.try_get(6)?,
                why: row.try_get(7)?,
            })
        };
        rows.iter().map(given_up).collect()
    }

    /// How many were given up.
    pub async fn count_undelivered(&self) -> Result<u64, Error> {
        let row =
            sqlx::query("select count(*) from delivery where due_at is null and why is not null")
                .fetch_one(&mut *self.read.lend().await?)
                .await?;
        unsigned(&row, 0)
    }

    /// Whether there are notices from before a moment.
    pub async fn has_notices_before(&self, before: Timestamp) -> Result<bool, Error> {
        let row = sqlx::query("select 1 from notice where at < $1 limit 1")
            .bind(before.as_micros())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        Ok(row.is_some())
    }

    /// Those for whom a request waits, and those to whom they delegated.
    pub async fn waited_for(
        &self,
        request: RequestId,
        now: Timestamp,
    ) -> Result<Vec<IdentityId>, Error> {
        let rows = sqlx::query(
            "select w.identity from waiting w where w.request = $1 \
             union select d.delegate from waiting w join delegation d on d.giver = w.identity \
             where w.request = $1 and d.starts_at <= $2 and d.ends_at > $2 order by 1 limit $3",
        )
        .bind(request.to_string())
        .bind(now.as_micros())
        .bind(i64::from(super::PAGE))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// Those to whom somebody delegated, as of now.
    pub async fn delegates_of(
        &self,
        giver: IdentityId,
        now: Timestamp,
    ) -> Result<Vec<IdentityId>, Error> {
        let rows = sqlx::query(
            "select distinct delegate from delegation \
             where giver = $1 and starts_at <= $2 and ends_at > $2 order by delegate limit $3",
        )
        .bind(giver.to_string())
        .bind(now.as_micros())
        .bind(DELEGATES)
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }
}

fn notice(row: &SqliteRow) -> Result<Shown, Error> {
    Ok(Shown {
        id: parsed(row, 0)?,
        receiver: parsed(row, 1)?,
        kind: parsed(row, 2)?,
        about: parsed(row, 3)?,
        at: moment(row, 4)?,
    })
}

fn count(row: &SqliteRow, column: usize) -> Result<u32, Error> {
    Ok(u32::try_from(unsigned(row, column)?).unwrap_or(u32::MAX))
}
