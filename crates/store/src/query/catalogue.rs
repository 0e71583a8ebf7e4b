//! What may be asked for: targets, entitlements, teams, the organisation.

use placet_domain::entitlement::Entitlement;
use placet_domain::id::{Stream, TargetId};
use placet_domain::name::{EntitlementName, TargetName};
use placet_domain::organisation::Organisation;
use placet_domain::target::Target;
use placet_domain::team::Team;
use sqlx::Row as _;

use super::{Page, row_of, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;

/// What is looked for in the catalogue; what is empty fits all.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Words, of which the first four are looked for.
    pub text: String,
    pub environment: String,
    pub privilege: String,
}

/// How many words of a search are looked for.
const WORDS: usize = 4;

impl Store {
    pub async fn organisation(&self, facts: &mut Facts) -> Result<Option<Organisation>, Error> {
        self.load(Stream::Organisation, facts).await
    }

    pub async fn entitlement_named(
        &self,
        name: &EntitlementName,
        facts: &mut Facts,
    ) -> Result<Option<Entitlement>, Error> {
        let sql = "select id, version, state from entitlement where name = $1";
        self.found_by(sql, name, facts).await
    }

    pub async fn target_named(
        &self,
        name: &TargetName,
        facts: &mut Facts,
    ) -> Result<Option<Target>, Error> {
        let sql = "select id, version, state from target where name = $1";
        self.found_by(sql, name, facts).await
    }

    /// Entitlements by name, a page at a time; the page is continued after a name.
    pub async fn entitlements(&self, page: &Page) -> Result<Vec<Entitlement>, Error> {
        let rows = sqlx::query(
            "select id, version, state from entitlement where name > $1 order by name limit $2",
        )
        .bind(page.after.as_deref().unwrap_or(""))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// What may be asked for and fits a search, the least privilege first: every word stands in its
    /// name, in that of its target, or in what it allows. At most 20,000 names are looked at.
    pub async fn offered(&self, search: &Search, limit: u32) -> Result<Vec<Entitlement>, Error> {
        let mut query = sqlx::query(
            "select id, version, state from entitlement where id in ( \
             select run.id from (select id, name, target, scope, privilege, environment, sensitivity \
               from entitlement where not retired and ($1 = '' or environment = $1) \
               and ($2 = '' or privilege = $2) order by name limit 20000) run \
             join target t on t.id = run.target \
             where lower(run.name || ' ' || t.name || ' ' || run.scope) like $4 escape '!' \
               and lower(run.name || ' ' || t.name || ' ' || run.scope) like $5 escape '!' \
               and lower(run.name || ' ' || t.name || ' ' || run.scope) like $6 escape '!' \
               and lower(run.name || ' ' || t.name || ' ' || run.scope) like $7 escape '!' \
             order by case run.privilege when 'read' then 0 when 'write' then 1 else 2 end, \
               case run.environment when 'prod' then 1 else 0 end, run.sensitivity, run.name \
             limit $3) \
             order by case privilege when 'read' then 0 when 'write' then 1 else 2 end, \
               case environment when 'prod' then 1 else 0 end, sensitivity, name",
        )
        .bind(&search.environment)
        .bind(&search.privilege)
        .bind(i64::from(limit.min(super::PAGE)));
        let words = search.text.split_whitespace().map(|word| {
            let word = word.to_lowercase().replace('!', "!!");
            format!("%{}%", word.replace('%', "!%").replace('_', "!_"))
        });
        for pattern in words.chain(std::iter::repeat("%".to_owned())).take(WORDS) {
            query = query.bind(pattern);
        }
        shown(&query.fetch_all(&mut *self.read.lend().await?).await?)
    }

    /// Names of entitlements near a given text: those that share its first characters, and a page
    /// of others, for "did you mean".
    pub async fn entitlement_names(&self) -> Result<Vec<String>, Error> {
        let rows =
            sqlx::query("select name from entitlement where not retired order by name limit 500")
                .fetch_all(&mut *self.read.lend().await?)
                .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The entitlements on one target, retired ones too: what was granted must still be observed.
    pub async fn entitlements_on(
        &self,
        target: TargetId,
        facts: &mut Facts,
    ) -> Result<Vec<Entitlement>, Error> {
        let rows = sqlx::query("select id, version, state from entitlement where target = $1")
            .bind(target.to_string())
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(|row| row_of(row, facts)).collect()
    }

    /// A target's entitlements by what they are called there, a page at a time.
    pub async fn entitlements_of(
        &self,
        target: TargetId,
        page: &Page,
    ) -> Result<Vec<Entitlement>, Error> {
        let rows = sqlx::query(
            "select id, version, state from entitlement where target = $1 and native > $2 \
             order by native limit $3",
        )
        .bind(target.to_string())
        .bind(page.after.as_deref().unwrap_or(""))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    pub async fn targets(&self, page: &Page) -> Result<Vec<Target>, Error> {
        let rows = sqlx::query(
            "select id, version, state from target where name > $1 order by name limit $2",
        )
        .bind(page.after.as_deref().unwrap_or(""))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// All teams: few, and every ruling needs the ones above a member's.
    pub async fn teams(&self, facts: &mut Facts) -> Result<Vec<Team>, Error> {
        let rows = sqlx::query("select id, version, state from team")
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(|row| row_of(row, facts)).collect()
    }
}
