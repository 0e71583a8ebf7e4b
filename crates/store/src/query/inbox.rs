//! What waits for whom, and what was decided last. A hint for people: nothing is decided on it.

use placet_domain::Timestamp;
use placet_domain::id::{EntitlementId, IdentityId, RequestId};
use placet_domain::name::StageName;
use placet_domain::request::Request;
use placet_domain::route::Candidates;

use sqlx::Row as _;

use super::{Page, shown};
use crate::Store;
use crate::error::Error;
use crate::row::{parsed, unsigned};

impl Store {
    /// Open requests that wait for this person, or for one who delegated to them, the oldest first.
    pub async fn inbox(
        &self,
        who: IdentityId,
        now: Timestamp,
        page: &Page,
    ) -> Result<Vec<Request>, Error> {
        let rows = sqlx::query(
            "select r.id, r.version, r.state from request r \
             where r.stands = 'open' \
             and r.id in (select w.request from waiting w where w.identity = $1 \
               or w.identity in (select d.giver from delegation d \
                 where d.delegate = $1 and d.starts_at <= $4 and d.ends_at > $4)) \
             and r.requester <> $1 and r.receiver <> $1 \
             and ($2 is null or (r.submitted_at, r.id) > \
               (select p.submitted_at, p.id from request p where p.id = $2)) \
             order by r.submitted_at, r.id limit $3",
        )
        .bind(who.to_string())
        .bind(page.after.as_deref())
        .bind(page.limit())
        .bind(now.as_micros())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// How many wait for this person, or for one who delegated to them; counted up to a hundred.
    pub async fn inbox_count(&self, who: IdentityId, now: Timestamp) -> Result<u64, Error> {
        let row = sqlx::query(
            "select count(*) from (select r.id from request r \
             where r.stands = 'open' \
             and r.id in (select w.request from waiting w where w.identity = $1 \
               or w.identity in (select d.giver from delegation d \
                 where d.delegate = $1 and d.starts_at <= $2 and d.ends_at > $2)) \
             and r.requester <> $1 and r.receiver <> $1 limit 100) run",
        )
        .bind(who.to_string())
        .bind(now.as_micros())
        .fetch_one(&mut *self.read.lend().await?)
        .await?;
        unsigned(&row, 0)
    }

    /// Whether an open request waits for this person, or for one who delegated to them.
    pub async fn waits_for(
        &self,
        request: RequestId,
        who: IdentityId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let row = sqlx::query(
            "select r.id from request r where r.id = $1 and r.stands = 'open' \
             and exists (select 1 from waiting w where w.request = r.id and (w.identity = $2 \
               or w.identity in (select d.giver from delegation d \
                 where d.delegate = $2 and d.starts_at <= $3 and d.ends_at > $3))) \
             and r.requester <> $2 and r.receiver <> $2",
        )
        .bind(request.to_string())
        .bind(who.to_string())
        .bind(now.as_micros())
        .fetch_optional(&mut *self.read.lend().await?)
        .await?;
        Ok(row.is_some())
    }

    /// The last requests for an entitlement that were decided.
    pub async fn decided_on(
        &self,
        entitlement: EntitlementId,
        limit: u32,
    ) -> Result<Vec<Request>, Error> {
        let rows = sqlx::query(
            // By time; the index by state would have to be sorted.
            "select id, version, state from request where entitlement = $1 \
             and stands || '' in ('approved', 'denied') \
             order by submitted_at desc, id desc limit $2",
        )
        .bind(entitlement.to_string())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// Why an open request waits for nobody, if it does.
    pub async fn stalled(&self, request: RequestId) -> Result<Option<String>, Error> {
        let row = sqlx::query("select why from stalled where request = $1")
            .bind(request.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// For whom a request waits, by stage.
    pub async fn waiting_on(&self, request: RequestId) -> Result<Candidates, Error> {
        let rows = sqlx::query(
            "select stage, identity from waiting where request = $1 order by stage, identity",
        )
        .bind(request.to_string())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        let mut out = Candidates::new();
        for row in &rows {
            let stage: StageName = parsed(row, 0)?;
            out.entry(stage).or_default().insert(parsed(row, 1)?);
        }
        Ok(out)
    }
}
