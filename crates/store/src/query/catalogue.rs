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

impl Store {
    pub async fn organisation(&self, facts: &mut Facts) -> Result<Option<Organisation>, Error> {
        self.load(Stream::Organisation, facts).await
    }

    pub async fn entitlement_named(
        &self,
        name: &EntitlementName,
        facts: &mut Facts,
    ) -> Result<Option<Entitlement>, Error> {
        let row = sqlx::query("select id, version, state from entitlement where name = $1")
            .bind(name.as_str())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.map(|row| row_of(&row, facts)).transpose()
    }

    pub async fn target_named(
        &self,
        name: &TargetName,
        facts: &mut Facts,
    ) -> Result<Option<Target>, Error> {
        let row = sqlx::query("select id, version, state from target where name = $1")
            .bind(name.as_str())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.map(|row| row_of(&row, facts)).transpose()
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
