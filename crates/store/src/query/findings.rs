//! Findings: what has to be done about them, what they are about, and whose account it is.

use placet_domain::finding::Finding;
use placet_domain::id::{EntitlementId, IdentityId, RequestId, TargetId};
use placet_domain::name::{AccountName, NativeId, TargetName};
use sqlx::Row as _;

use super::row_of;
use crate::Store;
use crate::change::Facts;
use crate::error::Error;
use crate::row::parsed;

impl Store {
    /// The findings that name a request and are not resolved.
    pub async fn open_findings_behind(
        &self,
        request: RequestId,
        facts: &mut Facts,
    ) -> Result<Vec<Finding>, Error> {
        let rows = sqlx::query(
            "select id, version, state from finding where request = $1 and stands <> 'resolved'",
        )
        .bind(request.to_string())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| row_of(row, facts)).collect()
    }

    /// The latest finding that an entitlement allows something else than was agreed to.
    pub async fn last_scope_change(
        &self,
        entitlement: EntitlementId,
        facts: &mut Facts,
    ) -> Result<Option<Finding>, Error> {
        let sql = "select id, version, state from finding \
                   where entitlement = $1 and kind = 'scope_changed' \
                   order by opened_at desc, id desc limit 1";
        self.found_by(sql, entitlement, facts).await
    }

    /// What a native thing was last agreed to allow, as observation wrote it down.
    pub async fn agreed_scope(
        &self,
        target: TargetId,
        native: &NativeId,
    ) -> Result<Option<String>, Error> {
        let row = sqlx::query("select scope from observed_scope where target = $1 and native = $2")
            .bind(target.to_string())
            .bind(native.as_str())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Whose account this may be: those who name it as theirs there, and whoever is called so. The
    /// tables only find; the profile that the ledger commits to says whose it is.
    pub async fn identities_with_account(
        &self,
        target: &TargetName,
        account: &AccountName,
    ) -> Result<Vec<IdentityId>, Error> {
        let rows = sqlx::query(
            "select identity from profile_account where target = $1 and account = $2 \
             union select identity from profile where handle = $2 limit 8",
        )
        .bind(target.as_str())
        .bind(account.as_str())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }
}
