//! Requests and grants as lists: by scope, and by what people look for. The newest first.
//!
//! What somebody may read comes from several indexes: what they asked for, what their workloads
//! receive, what stands on what they own. Each is walked for itself, and only as far as a page goes,
//! so that a page costs the same however much there is beside it. Only what somebody agreed to is
//! read whole: the table of approvals knows no time.

use placet_domain::Timestamp;
use placet_domain::access::Scope;
use placet_domain::grant::Grant;
use placet_domain::id::{EntitlementId, IdentityId, TargetId};
use placet_domain::request::Request;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Page, Reader, shown};
use crate::Store;
use crate::error::Error;

/// What requests are looked for by; what is left out fits all.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoughtRequests {
    /// Who asked, would receive, or agreed.
    pub person: Option<IdentityId>,
    pub entitlement: Option<EntitlementId>,
    pub since: Option<Timestamp>,
    /// Not at this moment or later.
    pub until: Option<Timestamp>,
}

/// What grants are looked for by; what is left out fits all.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoughtGrants {
    pub receiver: Option<IdentityId>,
    pub entitlement: Option<EntitlementId>,
    pub target: Option<TargetId>,
}

/// `$1` is the reader; `$2` to `$6` say what they may read. `{fits}` and `{page}` stand for the two
/// texts below it.
const REQUESTS: &str = "select id, version, state from request where id in ( \
     select id from (select x.id from request x \
       where $2 and $11 is null and $12 is null {page}) run \
     union all select id from (select x.id from request x \
       where $2 and $11 is null and x.entitlement = $12 {page}) run \
     union all select id from (select x.id from request x \
       where $2 and x.requester = $11 {fits} {page}) run \
     union all select id from (select x.id from request x \
       where $2 and x.receiver = $11 {fits} {page}) run \
     union all select id from (select x.id from request x where $2 and x.id in \
       (select request from request_approver where identity = $11) {fits} {page}) run \
     union all select id from (select x.id from request x \
       where $3 and x.requester = $1 {fits} {page}) run \
     union all select id from (select x.id from request x \
       where $3 and x.receiver = $1 {fits} {page}) run \
     union all select r.id from identity i join request r on r.id in \
       (select x.id from request x where x.receiver = i.id {fits} {page}) \
       where $3 and i.owner = $1 \
     union all select id from (select x.id from request x where $3 and x.id in \
       (select w.request from waiting w where w.identity in \
         (select $1 union all select d.giver from delegation d \
           where d.delegate = $1 and d.starts_at <= $13 and d.ends_at > $13)) {fits} {page}) run \
     union all select id from (select x.id from request x where $3 and $6 and x.id in \
       (select m.id from request m where m.emergency_of is not null) {fits} {page}) run \
     union all select id from (select x.id from request x where $3 and x.id in \
       (select request from request_approver where identity = $1) {fits} {page}) run \
     union all select r.id from identity i join request r on r.id in \
       (select x.id from request x where x.receiver = i.id {fits} {page}) \
       where $4 and i.manager = $1 \
     union all select r.id from entitlement e join request r on r.id in \
       (select x.id from request x where x.entitlement = e.id {fits} {page}) \
       where $5 and e.owner = $1 \
     ) order by submitted_at desc, id desc limit $7";

const REQUEST_FITS: &str = "and ($11 is null or x.requester = $11 or x.receiver = $11 \
       or exists (select 1 from request_approver b where b.identity = $11 and b.request = x.id)) \
     and ($12 is null or x.entitlement = $12)";

const REQUEST_PAGE: &str = "and (x.submitted_at, x.id) < ($8, $9) and x.submitted_at >= $10 \
     order by x.submitted_at desc, x.id desc limit $7";

/// The same of grants. `{rest}` is nothing, or the same once more for what is over.
const GRANTS: &str = "select id, version, state from access_grant where id in ( \
     select id from (select x.id from access_grant x \
       where $2 and $9 is null and $10 is null and $11 is null and x.live {page}) run \
     {rest}) order by approved_at desc, id desc limit $6";

const GRANTS_REST: &str = "union all select id from (select x.id from access_grant x \
       where $2 and x.receiver = $9 and x.live = true {fits} {page}) run \
     union all select id from (select x.id from access_grant x \
       where $2 and $9 is null and x.entitlement = $10 and x.live = true {fits} {page}) run \
     union all select id from (select x.id from access_grant x where $2 and $9 is null \
       and $10 is null and x.target = $11 and x.live = true {page}) run \
     union all select id from (select x.id from access_grant x \
       where $3 and x.receiver = $1 and x.live = true {fits} {page}) run \
     union all select g.id from identity i join access_grant g on g.id in \
       (select x.id from access_grant x where x.receiver = i.id and x.live = true {fits} {page}) \
       where $3 and i.owner = $1 \
     union all select g.id from identity i join access_grant g on g.id in \
       (select x.id from access_grant x where x.receiver = i.id and x.live = true {fits} {page}) \
       where $4 and i.manager = $1 \
     union all select g.id from entitlement e join access_grant g on g.id in \
       (select x.id from access_grant x where x.entitlement = e.id and x.live = true {fits} {page}) \
       where $5 and e.owner = $1";

const GRANT_FITS: &str = "and ($9 is null or x.receiver = $9) \
     and ($10 is null or x.entitlement = $10) and ($11 is null or x.target = $11)";

const GRANT_PAGE: &str = "and (x.approved_at, x.id) < ($7, $8) \
     order by x.approved_at desc, x.id desc limit $6";

fn of_requests() -> String {
    REQUESTS.replace("{fits}", REQUEST_FITS).replace("{page}", REQUEST_PAGE)
}

/// Live and other grants are apart in their indexes, so what is asked of all is asked of both.
fn of_grants(live: bool) -> String {
    let rest = match live {
        true => GRANTS_REST.to_owned(),
        false => {
            format!("{GRANTS_REST} {}", GRANTS_REST.replace("x.live = true", "x.live = false"))
        }
    };
    let all = if live { GRANTS.to_owned() } else { GRANTS.replacen(" and x.live", "", 1) };
    all.replace("{rest}", &rest).replace("{fits}", GRANT_FITS).replace("{page}", GRANT_PAGE)
}

/// The texts that are asked, for the test that looks at how they are answered.
#[doc(hidden)]
pub fn texts() -> [String; 3] {
    [of_requests(), of_grants(true), of_grants(false)]
}

/// Where a page begins: before a moment and an id.
type Before = (i64, String);

impl Store {
    /// Requests within the reader's scopes, the newest first.
    pub async fn requests(&self, reader: &Reader, page: &Page) -> Result<Vec<Request>, Error> {
        self.sought_requests(reader, &SoughtRequests::default(), page).await
    }

    /// Those of them that somebody looks for.
    pub async fn sought_requests(
        &self,
        reader: &Reader,
        sought: &SoughtRequests,
        page: &Page,
    ) -> Result<Vec<Request>, Error> {
        let latest = sought.until.map_or(i64::MAX, Timestamp::as_micros);
        let row = "select submitted_at from request where id = $1";
        let Some((at, id)) = self.before(row, page, latest).await? else { return Ok(Vec::new()) };
        let everything = reader.may(Scope::Everything);
        let may = |scope| !everything && reader.may(scope);
        let rows = sqlx::query(AssertSqlSafe(of_requests()))
            .bind(reader.who.to_string())
            .bind(everything)
            .bind(may(Scope::Mine))
            .bind(may(Scope::Reports))
            .bind(may(Scope::Owned))
            .bind(may(Scope::Emergencies))
            .bind(page.limit())
            .bind(at)
            .bind(id)
            .bind(sought.since.map_or(i64::MIN, Timestamp::as_micros))
            .bind(sought.person.map(|id| id.to_string()))
            .bind(sought.entitlement.map(|id| id.to_string()))
            .bind(reader.at.as_micros())
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        shown(&rows)
    }

    /// Grants within the reader's scopes, the newest first; `live` leaves out what is over.
    pub async fn grants(
        &self,
        reader: &Reader,
        live: bool,
        page: &Page,
    ) -> Result<Vec<Grant>, Error> {
        self.sought_grants(reader, &SoughtGrants::default(), live, page).await
    }

    /// Those of them that somebody looks for.
    pub async fn sought_grants(
        &self,
        reader: &Reader,
        sought: &SoughtGrants,
        live: bool,
        page: &Page,
    ) -> Result<Vec<Grant>, Error> {
        let row = "select approved_at from access_grant where id = $1";
        let Some((at, id)) = self.before(row, page, i64::MAX).await? else { return Ok(Vec::new()) };
        let everything = reader.may(Scope::Everything);
        let may = |scope| !everything && reader.may(scope);
        let rows = sqlx::query(AssertSqlSafe(of_grants(live)))
            .bind(reader.who.to_string())
            .bind(everything)
            .bind(may(Scope::Mine))
            .bind(may(Scope::Reports))
            .bind(may(Scope::Owned))
            .bind(page.limit())
            .bind(at)
            .bind(id)
            .bind(sought.receiver.map(|id| id.to_string()))
            .bind(sought.entitlement.map(|id| id.to_string()))
            .bind(sought.target.map(|id| id.to_string()))
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        shown(&rows)
    }

    /// The place of the row that a page comes after, and never later than `latest`; none if there is
    /// no such row.
    async fn before(
        &self,
        row: &'static str,
        page: &Page,
        latest: i64,
    ) -> Result<Option<Before>, Error> {
        let Some(after) = &page.after else { return Ok(Some((latest, String::new()))) };
        let found =
            sqlx::query(row).bind(after).fetch_optional(&mut *self.read.lend().await?).await?;
        let Some(found) = found else { return Ok(None) };
        let at: i64 = found.try_get(0)?;
        let place = if at < latest { (at, after.clone()) } else { (latest, String::new()) };
        Ok(Some(place))
    }
}
