//! What keeps a request going after it was filed: delegations, ending events, silence, and the
//! reviews that emergencies owe.

use placet_domain::Timestamp;
use placet_domain::delegation::Delegation;
use placet_domain::ending::EndingEvent;
use placet_domain::id::{IdentityId, RequestId};
use placet_domain::request::Request;
use placet_domain::state;
use sqlx::Row as _;

use super::{Page, Reader, row_of, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;
use crate::row::parsed;
use crate::script::{Script, Value};
use placet_domain::access::Scope;

/// The most delegations to one person that count at once.
const DELEGATIONS: i64 = 100;

impl Store {
    /// The delegations to somebody that are in force, and the set that they are in.
    pub async fn delegations_to(
        &self,
        delegate: IdentityId,
        now: Timestamp,
        facts: &mut Facts,
    ) -> Result<Vec<Delegation>, Error> {
        let mut list = Script::default();
        list.add(
            "select id, version, state from delegation \
             where delegate = $1 and ends_at > $2 and starts_at <= $2 order by id limit $3",
            [Value::text(delegate), now.as_micros().into(), DELEGATIONS.into()],
        );
        let (_, rows) = self.of_set(state::delegations(&delegate), list, facts).await?;
        rows.iter().map(|row| row_of(row, facts)).collect()
    }

    /// Delegations within the reader's scopes, the latest end first.
    pub async fn delegations(
        &self,
        reader: &Reader,
        page: &Page,
    ) -> Result<Vec<Delegation>, Error> {
        let rows = sqlx::query(
            "select id, version, state from delegation d \
             where ($1 or ($2 and (d.giver = $3 or d.delegate = $3))) \
             and ($4 is null or (d.ends_at, d.id) < \
               (select p.ends_at, p.id from delegation p where p.id = $4)) \
             order by d.ends_at desc, d.id desc limit $5",
        )
        .bind(reader.may(Scope::Everything))
        .bind(reader.may(Scope::Mine))
        .bind(reader.who.to_string())
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// Requests that name an ending event and may still lead to access, a batch at a time.
    pub async fn ending_on(
        &self,
        event: &EndingEvent,
        after: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        let rows = sqlx::query(
            "select e.request from request_ends_on e join request r on r.id = e.request \
             where e.event = $1 and r.stands in ('open', 'approved') \
             and ($2 is null or e.request > $2) order by e.request limit $3",
        )
        .bind(event.to_string())
        .bind(after.map(|id| id.to_string()))
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// Open requests on which everybody has been silent for too long.
    pub async fn silent_requests(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        let rows = sqlx::query(
            "select id from request where escalates_at <= $1 order by escalates_at, id limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// How many reviews of somebody's emergencies are overdue, and the set that this is read from.
    pub async fn overdue_reviews(
        &self,
        asker: IdentityId,
        now: Timestamp,
        facts: &mut Facts,
    ) -> Result<u32, Error> {
        self.note_set(state::breaks(&asker), facts).await?;
        let row = sqlx::query(
            "select count(*) from request where emergency_of = $1 and review_due_at <= $2",
        )
        .bind(asker.to_string())
        .bind(now.as_micros())
        .fetch_one(&mut *self.read.lend().await?)
        .await?;
        let count: i64 = row.try_get(0)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Requests whose review is overdue and has no open finding yet.
    pub async fn unreviewed(&self, now: Timestamp, limit: u32) -> Result<Vec<Request>, Error> {
        let rows = sqlx::query(
            "select id, version, state from request r where r.review_due_at <= $1 \
             and not exists (select 1 from finding f \
               where f.request = r.id and f.kind = 'overdue_review' and f.stands <> 'resolved') \
             order by r.review_due_at, r.id limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// Emergencies whose review is owed and within the reader's scopes, the longest due first.
    pub async fn owed_reviews(&self, reader: &Reader, page: &Page) -> Result<Vec<Request>, Error> {
        let rows = sqlx::query(
            "select id, version, state from request r where r.review_due_at is not null \
             and ($1 or $2 or ($3 and r.requester = $4)) \
             and ($5 is null or (r.review_due_at, r.id) > \
               (select p.review_due_at, p.id from request p where p.id = $5)) \
             order by r.review_due_at, r.id limit $6",
        )
        .bind(reader.may(Scope::Everything))
        .bind(reader.may(Scope::Emergencies))
        .bind(reader.may(Scope::Mine))
        .bind(reader.who.to_string())
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }
}
