//! What has to be gone through after a change, by index, a bounded batch at a time.

use placet_domain::Timestamp;
use placet_domain::id::{GrantId, IdentityId, RequestId, Stream};
use placet_domain::name::TeamName;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::change::Round;
use crate::error::Error;
use crate::row::{parsed, unsigned};
use crate::{Facts, Store};

/// A round that is due: how often it was begun, and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueRound {
    pub what: Round,
    pub turn: u64,
    /// As whoever goes through it wrote it; empty at the beginning.
    pub progress: String,
}

/// Live grants by whom or what they concern; `$1` is who or what changed.
const GRANTS_OF_IDENTITY: &str = "select id from access_grant where live and id > $2 and \
     (receiver = $1 or receiver in (select id from identity where owner = $1) \
     or request in (select request from request_approver where identity = $1) \
     or request in (select id from request where requester = $1)) order by id limit $3";
const GRANTS_OF_ENTITLEMENT: &str = "select id from access_grant \
     where live and entitlement = $1 and id > $2 order by id limit $3";
const GRANTS_OF_TARGET: &str = "select id from access_grant \
     where live and target = $1 and id > $2 order by id limit $3";
const GRANTS: &str = "select id from access_grant \
     where live and $1 is not null and id > $2 order by id limit $3";

/// Open requests likewise. Only open ones can lapse.
const REQUESTS_OF_IDENTITY: &str = "select id from request \
     where lapses_at is not null and id > $2 and (requester = $1 or receiver = $1 \
     or receiver in (select id from identity where owner = $1) \
     or receiver in (select id from identity where manager = $1) \
     or id in (select request from waiting where identity = $1)) order by id limit $3";
const REQUESTS_OF_ENTITLEMENT: &str = "select id from request \
     where stands = 'open' and entitlement = $1 and id > $2 order by id limit $3";
const REQUESTS_OF_TARGET: &str = "select id from request where stands = 'open' and entitlement in \
     (select e.id from entitlement e where e.target = $1) and id > $2 order by id limit $3";
const REQUESTS: &str = "select id from request \
     where lapses_at is not null and $1 is not null and id > $2 order by id limit $3";

impl Store {
    pub async fn due_rounds(&self, now: Timestamp, limit: u32) -> Result<Vec<DueRound>, Error> {
        let rows = sqlx::query(
            "select round, turn, progress from upkeep where due_at <= $1 order by due_at, round limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(due_round).collect()
    }

    pub async fn round(&self, what: &Round) -> Result<Option<DueRound>, Error> {
        let row = sqlx::query("select round, turn, progress from upkeep where round = $1")
            .bind(what.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.as_ref().map(due_round).transpose()
    }

    /// Everything that is still to be gone through, due or not.
    pub async fn rounds(&self, limit: u32) -> Result<Vec<DueRound>, Error> {
        let rows = sqlx::query("select round, turn, progress from upkeep order by round limit $1")
            .bind(i64::from(limit))
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(due_round).collect()
    }

    /// Live grants that a change of `what` concerns, by id, after `after`.
    pub async fn concerned_grants(
        &self,
        what: &Stream,
        after: &str,
        limit: u32,
    ) -> Result<Vec<GrantId>, Error> {
        let sql = match what {
            Stream::Identity(_) => GRANTS_OF_IDENTITY,
            Stream::Entitlement(_) => GRANTS_OF_ENTITLEMENT,
            Stream::Target(_) => GRANTS_OF_TARGET,
            _ => GRANTS,
        };
        self.concerned(sql, what, after, limit).await
    }

    /// How many grants are live.
    pub async fn live_grants(&self) -> Result<u64, Error> {
        let row = sqlx::query("select count(*) from access_grant where live")
            .fetch_one(&mut *self.read.lend().await?)
            .await?;
        unsigned(&row, 0)
    }

    /// Open requests that a change of `what` concerns, by id, after `after`: those that a person
    /// asked for, would receive or is waited for; those for an entitlement; else all of them.
    pub async fn concerned_requests(
        &self,
        what: &Stream,
        after: &str,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        let sql = match what {
            Stream::Identity(_) => REQUESTS_OF_IDENTITY,
            Stream::Entitlement(_) => REQUESTS_OF_ENTITLEMENT,
            Stream::Target(_) => REQUESTS_OF_TARGET,
            _ => REQUESTS,
        };
        self.concerned(sql, what, after, limit).await
    }

    async fn concerned<T>(
        &self,
        sql: &'static str,
        what: &Stream,
        after: &str,
        limit: u32,
    ) -> Result<Vec<T>, Error>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let rows = sqlx::query(sql)
            .bind(what.to_string())
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// People whose contract is over and who are still active on record.
    pub async fn contracts_over(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<IdentityId>, Error> {
        let rows = sqlx::query(
            "select id from identity where contract_ends <= $1 order by contract_ends, id limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// The open requests in which somebody has a part: asked for by them or a workload of theirs,
    /// or for one of these. The sets of each are noted.
    pub async fn open_requests_of(
        &self,
        parties: &[IdentityId],
        limit: u32,
        facts: &mut Facts,
    ) -> Result<Vec<RequestId>, Error> {
        let mut out = Vec::new();
        for party in parties {
            self.note_set(placet_domain::state::asks(party), facts).await?;
            self.note_set(placet_domain::state::asked_by(party), facts).await?;
            let rows = sqlx::query(
                "select id from request where stands = 'open' \
                 and (requester = $1 or receiver = $1) order by id limit $2",
            )
            .bind(party.to_string())
            .bind(i64::from(limit))
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
            for row in &rows {
                let id = parsed(row, 0)?;
                if !out.contains(&id) {
                    out.push(id);
                }
            }
        }
        Ok(out)
    }

    /// Some of a team, by id: who answers when nobody nearer is left.
    pub async fn first_members(
        &self,
        team: &TeamName,
        limit: u32,
    ) -> Result<Vec<IdentityId>, Error> {
        let rows = sqlx::query(
            "select identity from identity_team where team = $1 order by identity limit $2",
        )
        .bind(team.as_str())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }
}

fn due_round(row: &SqliteRow) -> Result<DueRound, Error> {
    Ok(DueRound { what: parsed(row, 0)?, turn: unsigned(row, 1)?, progress: row.try_get(2)? })
}
