//! Requests, grants and findings: one by one within a reader's scopes, and the sets that decisions read.
//! Lists of requests and grants are in [`super::sought`].

use placet_domain::access::Scope;
use placet_domain::finding::Finding;
use placet_domain::grant::{Grant, Public};
use placet_domain::id::{
    EntitlementId, FindingId, GrantId, IdentityId, RequestId, Stream, TargetId,
};
use placet_domain::request::Request;
use placet_domain::state;
use sqlx::sqlite::SqliteRow;

use super::{Page, Reader, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;
use crate::row::parsed;
use crate::script::{Script, Value};

/// The live grants of one entitlement to one identity. Who holds it leads to a handful; what is held, to
/// everybody who holds it. The index of the latter cannot answer for a text made of it.
pub(super) fn live_grants(receiver: IdentityId, entitlement: EntitlementId) -> Script {
    let mut list = Script::default();
    list.add(
        "select id, version, state from access_grant \
         where receiver = $1 and live = true and entitlement || '' = $2",
        [Value::text(receiver), Value::text(entitlement)],
    );
    list
}

impl Store {
    /// One request, if it lies within the reader's scopes.
    pub async fn request_for(
        &self,
        reader: &Reader,
        id: RequestId,
    ) -> Result<Option<Request>, Error> {
        let rows = sqlx::query(
            "select id, version, state from request r \
             where r.id = $1 \
             and ($2 or ($6 and (r.requester = $3 or r.receiver = $3 \
                 or r.receiver in (select id from identity where owner = $3) \
                 or exists (select 1 from waiting w where w.request = r.id and (w.identity = $3 \
                   or w.identity in (select d.giver from delegation d where d.delegate = $3 \
                     and d.starts_at <= $7 and d.ends_at > $7))) \
                 or ($8 and r.emergency_of is not null) \
                 or exists (select 1 from request_approver a \
                   where a.request = r.id and a.identity = $3))) \
               or ($4 and r.receiver in (select id from identity where manager = $3)) \
               or ($5 and r.entitlement in (select id from entitlement where owner = $3)))",
        )
        .bind(id.to_string())
        .bind(reader.may(Scope::Everything))
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Reports))
        .bind(reader.may(Scope::Owned))
        .bind(reader.may(Scope::Mine))
        .bind(reader.at.as_micros())
        .bind(reader.may(Scope::Emergencies))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        Ok(shown(&rows)?.into_iter().next())
    }

    /// What somebody asked for, the newest first.
    pub async fn asked_by(&self, who: IdentityId, page: &Page) -> Result<Vec<Request>, Error> {
        let rows = sqlx::query(
            "select id, version, state from request r where r.requester = $1 \
             and ($2 is null or (r.submitted_at, r.id) < \
               (select p.submitted_at, p.id from request p where p.id = $2)) \
             order by r.submitted_at desc, r.id desc limit $3",
        )
        .bind(who.to_string())
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// One grant, if it lies within the reader's scopes.
    pub async fn grant_for(&self, reader: &Reader, id: GrantId) -> Result<Option<Grant>, Error> {
        let rows = sqlx::query(
            "select id, version, state from access_grant g \
             where g.id = $1 \
             and ($2 or ($6 and (g.receiver = $3 \
                 or g.receiver in (select id from identity where owner = $3))) \
               or ($4 and g.receiver in (select id from identity where manager = $3)) \
               or ($5 and g.entitlement in (select id from entitlement where owner = $3)))",
        )
        .bind(id.to_string())
        .bind(reader.may(Scope::Everything))
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Reports))
        .bind(reader.may(Scope::Owned))
        .bind(reader.may(Scope::Mine))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        Ok(shown(&rows)?.into_iter().next())
    }

    /// Findings within the reader's scopes, the newest first; `open` leaves out resolved ones.
    pub async fn findings(
        &self,
        reader: &Reader,
        open: bool,
        page: &Page,
    ) -> Result<Vec<Finding>, Error> {
        let rows = sqlx::query(
            "select id, version, state from finding f \
             where (not $1 or f.stands <> 'resolved') \
             and ($2 or ($7 and f.owner = $3) \
               or ($4 and f.target in (select id from target where owner = $3))) \
             and ($5 is null or (f.opened_at, f.id) < \
               (select p.opened_at, p.id from finding p where p.id = $5)) \
             order by f.opened_at desc, f.id desc limit $6",
        )
        .bind(open)
        .bind(reader.may(Scope::Everything))
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Owned))
        .bind(page.after.as_deref())
        .bind(page.limit())
        .bind(reader.may(Scope::Mine))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// Unsettled findings about a target within the reader's scopes, the newest first.
    pub async fn findings_on(
        &self,
        reader: &Reader,
        target: TargetId,
        page: &Page,
    ) -> Result<Vec<Finding>, Error> {
        let rows = sqlx::query(
            "select id, version, state from finding f \
             where f.target = $1 and f.stands in ('open', 'accepted') \
             and ($2 or ($3 and f.owner = $4) \
               or ($5 and f.target in (select id from target where owner = $4))) \
             order by f.opened_at desc, f.id desc limit $6",
        )
        .bind(target.to_string())
        .bind(reader.may(Scope::Everything))
        .bind(reader.may(Scope::Mine))
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Owned))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// One finding, if it lies within the reader's scopes.
    pub async fn finding_for(
        &self,
        reader: &Reader,
        id: FindingId,
    ) -> Result<Option<Finding>, Error> {
        let rows = sqlx::query(
            "select id, version, state from finding f where f.id = $1 \
             and ($2 or ($4 and f.owner = $3) \
               or ($5 and f.target in (select id from target where owner = $3)))",
        )
        .bind(id.to_string())
        .bind(reader.may(Scope::Everything))
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Mine))
        .bind(reader.may(Scope::Owned))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        Ok(shown(&rows)?.into_iter().next())
    }

    /// What an identity holds or is about to: its live grants, in the order in which they were approved.
    pub async fn holdings(
        &self,
        receiver: IdentityId,
        facts: &mut Facts,
    ) -> Result<Vec<Grant>, Error> {
        let mut list = Script::default();
        list.add(
            "select id, version, state from access_grant where receiver = $1 and live = true \
             order by approved_at, id",
            [Value::text(receiver)],
        );
        shown(&self.of_set(state::holdings(&receiver), list, facts).await?.1)
    }

    /// The live grants of one entitlement to one identity, and the version of that set: the
    /// fencing epoch of the next action on it.
    pub async fn overlapping(
        &self,
        receiver: IdentityId,
        entitlement: EntitlementId,
        facts: &mut Facts,
    ) -> Result<(Vec<Grant>, u64), Error> {
        let set = state::binding(&receiver, &entitlement);
        let live = live_grants(receiver, entitlement);
        let (epoch, rows) = self.of_set(set, live, facts).await?;
        Ok((shown(&rows)?, epoch))
    }

    /// Whether a public half was collected before: at all, or by and for others than these two.
    pub async fn collected_before(
        &self,
        public: &Public,
        except: Option<(IdentityId, IdentityId)>,
        facts: &mut Facts,
    ) -> Result<bool, Error> {
        self.note_set(state::half(&public.mark()), facts).await?;
        let row = sqlx::query(
            "select id from access_grant where half = $1 \
             and ($2 is null or (receiver <> $2 and collector <> $3)) limit 1",
        )
        .bind(public.mark())
        .bind(except.map(|(receiver, _)| receiver.to_string()))
        .bind(except.map(|(_, collector)| collector.to_string()))
        .fetch_optional(&mut *self.read.lend().await?)
        .await?;
        Ok(row.is_some())
    }

    /// An open request for the same access.
    pub async fn open_ask(
        &self,
        receiver: IdentityId,
        entitlement: EntitlementId,
        facts: &mut Facts,
    ) -> Result<Option<RequestId>, Error> {
        let mut list = Script::default();
        list.add(
            // By the receiver, as live grants are found.
            "select id from request where receiver = $1 and stands = 'open' \
             and entitlement || '' = $2 limit 1",
            [Value::text(receiver), Value::text(entitlement)],
        );
        let (_, rows) = self.of_set(state::asks(&receiver), list, facts).await?;
        rows.first().map(|row| parsed(row, 0)).transpose()
    }

    /// The grant that a request led to.
    pub async fn grant_of(
        &self,
        request: RequestId,
        facts: &mut Facts,
    ) -> Result<Option<Grant>, Error> {
        let sql = "select id, version, state from access_grant where request = $1";
        self.found_by(sql, request, facts).await
    }

    /// The live grants on a target.
    pub async fn held_on(&self, target: TargetId) -> Result<Vec<Grant>, Error> {
        let rows =
            sqlx::query("select id, version, state from access_grant where target = $1 and live")
                .bind(target.to_string())
                .fetch_all(&mut *self.read.lend().await?)
                .await?;
        shown(&rows)
    }

    /// The open findings about a target.
    pub async fn open_findings_on(&self, target: TargetId) -> Result<Vec<Finding>, Error> {
        let rows = sqlx::query(
            "select id, version, state from finding where target = $1 and stands <> 'resolved'",
        )
        .bind(target.to_string())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// Open findings about one grant.
    pub async fn open_findings_of(&self, grant: &Stream) -> Result<Vec<Finding>, Error> {
        let rows: Vec<SqliteRow> = sqlx::query(
            "select id, version, state from finding where access_grant = $1 and stands <> 'resolved'",
        )
        .bind(grant.to_string())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }
}
