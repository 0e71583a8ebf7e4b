//! What waits for whom. A hint for people: nothing is decided on it.

use placet_domain::id::{IdentityId, RequestId};
use placet_domain::name::StageName;
use placet_domain::request::Request;
use placet_domain::route::Candidates;

use super::{Page, shown};
use crate::Store;
use crate::error::Error;
use crate::row::parsed;

impl Store {
    /// Open requests that wait for this person, the oldest first.
    pub async fn inbox(&self, who: IdentityId, page: &Page) -> Result<Vec<Request>, Error> {
        let rows = sqlx::query(
            "select r.id, r.version, r.state from request r \
             where r.stands = 'open' \
             and r.id in (select w.request from waiting w where w.identity = $1) \
             and ($2 is null or (r.submitted_at, r.id) > \
               (select p.submitted_at, p.id from request p where p.id = $2)) \
             order by r.submitted_at, r.id limit $3",
        )
        .bind(who.to_string())
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&self.read)
        .await?;
        shown(&rows)
    }

    /// For whom a request waits, by stage.
    pub async fn waiting_on(&self, request: RequestId) -> Result<Candidates, Error> {
        let rows = sqlx::query(
            "select stage, identity from waiting where request = $1 order by stage, identity",
        )
        .bind(request.to_string())
        .fetch_all(&self.read)
        .await?;
        let mut out = Candidates::new();
        for row in &rows {
            let stage: StageName = parsed(row, 0)?;
            out.entry(stage).or_default().insert(parsed(row, 1)?);
        }
        Ok(out)
    }
}
