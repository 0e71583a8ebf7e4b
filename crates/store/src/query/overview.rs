//! Counts for whoever answers for something: what is held and until when, and what waits unsettled.
//! Each is counted up to a bound, by an index.

use placet_domain::Timestamp;
use placet_domain::access::Scope;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Reader;
use crate::Store;
use crate::error::Error;
use crate::row::{signed, unsigned};

/// How many grants are counted at the most.
pub const COUNTED: i64 = 50_000;

/// Live grants by how long they go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub live: u64,
    /// In force, and ending within a day, a week and thirty days; each holds the one before.
    pub in_a_day: u64,
    pub in_a_week: u64,
    pub in_a_month: u64,
    /// In force, with whatever end.
    pub in_force: u64,
}

/// Unsettled findings of one kind, by their age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    pub kind: String,
    pub all: u64,
    /// Not older than a day, a week and thirty days; each holds the one before.
    pub of_a_day: u64,
    pub of_a_week: u64,
    pub of_a_month: u64,
    /// Borne until a day.
    pub borne: u64,
}

const DAY: u64 = 24 * 60 * 60;

impl Store {
    /// Live grants, 50,000 at the most: all of them, or those on what the reader owns. Where all are
    /// more than that, those that go on longest are left out.
    pub async fn held(&self, reader: &Reader) -> Result<Held, Error> {
        match reader.may(Scope::Everything) {
            true => self.all_held(reader.at).await,
            false => self.owned_held(reader).await,
        }
    }

    /// Counted a stretch of time after the other: each lies together in its index, and none of its rows
    /// is looked at.
    async fn all_held(&self, at: Timestamp) -> Result<Held, Error> {
        let mut read = self.read.lend().await?;
        let row = sqlx::query(
            "select count(*) from (select 1 from access_grant \
             where live and stands in ('approved', 'pending', 'ending') limit $1) run",
        )
        .bind(COUNTED)
        .fetch_one(&mut *read)
        .await?;
        let not_in_force = unsigned(&row, 0)?;
        let mut left = COUNTED - signed(not_in_force)?;
        let mut in_force = 0;
        let mut since = i64::MIN;
        let mut up_to = [0; 4];
        let ends = [DAY, 7 * DAY, 30 * DAY].map(|seconds| at.plus_seconds(seconds).as_micros());
        for (until, sum) in ends.into_iter().chain([i64::MAX]).zip(&mut up_to) {
            let row = sqlx::query(
                "select count(*) from (select 1 from access_grant \
                 where live and stands in ('active', 'issued', 'unverified') \
                 and due_at > $1 and due_at <= $2 limit $3) run",
            )
            .bind(since)
            .bind(until)
            .bind(left)
            .fetch_one(&mut *read)
            .await?;
            let counted = unsigned(&row, 0)?;
            left -= signed(counted)?;
            in_force += counted;
            *sum = in_force;
            since = until;
        }
        let [in_a_day, in_a_week, in_a_month, _] = up_to;
        Ok(Held { live: not_in_force + in_force, in_a_day, in_a_week, in_a_month, in_force })
    }

    async fn owned_held(&self, reader: &Reader) -> Result<Held, Error> {
        let row = sqlx::query(
            "select count(*), count(case when e <= $1 then 1 end), \
             count(case when e <= $2 then 1 end), count(case when e <= $3 then 1 end), count(e) \
             from (select case when g.stands in ('active', 'issued', 'unverified') \
                 then g.due_at end as e from entitlement o \
               join access_grant g on g.entitlement = o.id and g.live = true \
               where o.owner = $4 limit $5) run",
        )
        .bind(reader.at.plus_seconds(DAY).as_micros())
        .bind(reader.at.plus_seconds(7 * DAY).as_micros())
        .bind(reader.at.plus_seconds(30 * DAY).as_micros())
        .bind(reader.who.to_string())
        .bind(COUNTED)
        .fetch_one(&mut *self.read.lend().await?)
        .await?;
        Ok(Held {
            live: unsigned(&row, 0)?,
            in_a_day: unsigned(&row, 1)?,
            in_a_week: unsigned(&row, 2)?,
            in_a_month: unsigned(&row, 3)?,
            in_force: unsigned(&row, 4)?,
        })
    }

    /// Findings that are not settled, by kind: all of them, or those that the reader answers for.
    pub async fn unsettled(&self, reader: &Reader) -> Result<Vec<Unsettled>, Error> {
        let rows = sqlx::query(
            "select kind, count(*), count(case when opened_at > $1 then 1 end), \
             count(case when opened_at > $2 then 1 end), count(case when opened_at > $3 then 1 end), \
             count(case when stands = 'accepted' then 1 end) \
             from (select kind, stands, opened_at from finding \
               where stands <> 'resolved' and ($4 or owner = $5 \
                 or target in (select id from target where owner = $5)) \
               order by opened_at desc, id desc limit $6) run group by kind order by kind",
        )
        .bind(reader.at.minus_seconds(DAY).as_micros())
        .bind(reader.at.minus_seconds(7 * DAY).as_micros())
        .bind(reader.at.minus_seconds(30 * DAY).as_micros())
        .bind(reader.may(Scope::Everything))
        .bind(reader.who.to_string())
        .bind(COUNTED)
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        let one = |row: &SqliteRow| {
            Ok(Unsettled {
                kind: row.try_get(0)?,
                all: unsigned(row, 1)?,
                of_a_day: unsigned(row, 2)?,
                of_a_week: unsigned(row, 3)?,
                of_a_month: unsigned(row, 4)?,
                borne: unsigned(row, 5)?,
            })
        };
        rows.iter().map(one).collect()
    }
}
