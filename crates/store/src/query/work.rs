//! Work orders: which are open, for whom, and the grant behind one.

use std::collections::BTreeSet;

use placet_domain::access::Scope;
use placet_domain::grant::Grant;
use placet_domain::id::ActionId;
use placet_domain::name::TeamName;
use sqlx::AssertSqlSafe;

use super::{Page, Reader, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;

impl Store {
    /// Grants with an open work order that the reader answers for or that waits for one of these
    /// teams, the longest due first.
    pub async fn open_work(
        &self,
        reader: &Reader,
        teams: &BTreeSet<TeamName>,
        page: &Page,
    ) -> Result<Vec<Grant>, Error> {
        let places: Vec<String> = (7..).take(teams.len()).map(|nth| format!("${nth}")).collect();
        let sql = format!(
            "select id, version, state from access_grant g where g.work_due_at is not null \
             and ($1 or ($2 and g.work_team in ({})) \
               or ($3 and (g.entitlement in (select id from entitlement where owner = $4) \
                 or g.target in (select id from target where owner = $4)))) \
             and ($5 is null or (g.work_due_at, g.id) > \
               (select p.work_due_at, p.id from access_grant p where p.id = $5)) \
             order by g.work_due_at, g.id limit $6",
            if places.is_empty() { "null".to_owned() } else { places.join(", ") }
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(reader.may(Scope::Everything))
            .bind(reader.may(Scope::Mine))
            .bind(reader.may(Scope::Owned))
            .bind(reader.who.to_string())
            .bind(page.after.as_deref())
            .bind(page.limit());
        for team in teams {
            query = query.bind(team.as_str());
        }
        shown(&query.fetch_all(&mut *self.read.lend().await?).await?)
    }

    /// The grant whose latest work order this is.
    pub async fn grant_of_work(
        &self,
        action: ActionId,
        facts: &mut Facts,
    ) -> Result<Option<Grant>, Error> {
        let sql = "select id, version, state from access_grant where work_action = $1";
        self.found_by(sql, action, facts).await
    }
}
