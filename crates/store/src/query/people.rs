//! Who is who: identities by team and handle, credentials by fingerprint.

use std::collections::BTreeMap;

use placet_domain::access::Scope;
use placet_domain::canonical::Digest;
use placet_domain::credential::Credential;
use placet_domain::id::IdentityId;
use placet_domain::identity::{Identity, Login};
use placet_domain::name::{Handle, TeamName};
use placet_domain::state;

use super::{Page, Reader, row_of, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;
use crate::row::parsed;
use crate::script::{Script, Value};

/// The most people that one ruling looks at as candidates for a stage.
pub const CANDIDATES: i64 = 500;

impl Store {
    /// Where a handle leads. The table only finds: who is called so, the commitment in the ledger says.
    pub async fn identity_called(&self, handle: &Handle) -> Result<Option<IdentityId>, Error> {
        let row = sqlx::query("select identity from profile where handle = $1")
            .bind(handle.as_str())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.map(|row| parsed(&row, 0)).transpose()
    }

    /// Where a login leads. The table only finds: whose it is, the commitment in the ledger says.
    pub async fn identity_with_login(&self, login: &Login) -> Result<Option<IdentityId>, Error> {
        let row =
            sqlx::query("select identity from profile_login where issuer = $1 and subject = $2")
                .bind(login.issuer.as_str())
                .bind(login.subject.as_str())
                .fetch_optional(&mut *self.read.lend().await?)
                .await?;
        row.map(|row| parsed(&row, 0)).transpose()
    }

    /// One identity, if it lies within the reader's scopes: themselves and workloads of theirs, who
    /// reports to them, and who holds something that they own.
    pub async fn identity_for(
        &self,
        reader: &Reader,
        id: IdentityId,
    ) -> Result<Option<Identity>, Error> {
        let rows = sqlx::query(
            "select id, version, state from identity i where i.id = $1 \
             and ($2 or ($3 and (i.id = $4 or i.owner = $4)) or ($5 and i.manager = $4) \
               or ($6 and exists (select 1 from access_grant g where g.receiver = i.id \
                 and g.live = true and g.entitlement in \
                   (select id from entitlement where owner = $4))))",
        )
        .bind(id.to_string())
        .bind(reader.may(Scope::Everything))
        .bind(reader.may(Scope::Mine))
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Reports))
        .bind(reader.may(Scope::Owned))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        Ok(shown(&rows)?.into_iter().next())
    }

    /// Identities by id, for somebody who may read everything.
    pub async fn identities(&self, page: &Page) -> Result<Vec<Identity>, Error> {
        let rows = sqlx::query(
            "select id, version, state from identity where id > $1 order by id limit $2",
        )
        .bind(page.after.as_deref().unwrap_or(""))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// For whom the reader answers, by id: workloads of theirs and who reports to them.
    pub async fn identities_under(
        &self,
        reader: &Reader,
        page: &Page,
    ) -> Result<Vec<Identity>, Error> {
        let rows = sqlx::query(
            "select id, version, state from identity where id > $1 and id in \
             (select id from identity where $2 and owner = $3 union all \
              select id from identity where $4 and manager = $3) order by id limit $5",
        )
        .bind(page.after.as_deref().unwrap_or(""))
        .bind(reader.may(Scope::Mine))
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Reports))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// Members of any of these teams, bounded. That nobody joined or left meanwhile is held still
    /// by the version of the set of identities.
    pub async fn members(
        &self,
        teams: impl IntoIterator<Item = &TeamName>,
        facts: &mut Facts,
    ) -> Result<Vec<Identity>, Error> {
        let mut lists = Script::default();
        for team in teams {
            lists.add(
                "select id, version, state from identity where id in \
                 (select identity from identity_team where team = $1 order by identity limit $2)",
                [Value::text(team), CANDIDATES.into()],
            );
        }
        let (_, rows) = self.of_set(state::IDENTITIES.to_owned(), lists, facts).await?;
        let mut out = BTreeMap::new();
        for identity in shown::<Identity>(&rows)? {
            out.insert(identity.id, identity);
        }
        Ok(out.into_values().collect())
    }

    /// The credential with this fingerprint and whoever holds it: for letting in, not for deciding.
    pub async fn credential_and_holder(
        &self,
        fingerprint: &Digest,
    ) -> Result<Option<(Credential, Identity)>, Error> {
        let mut script = Script::default();
        script.add(
            "select id, version, state from credential where fingerprint = $1",
            [Value::text(fingerprint)],
        );
        script.add(
            "select id, version, state from identity where id = \
             (select holder from credential where fingerprint = $1)",
            [Value::text(fingerprint)],
        );
        let rows = script.rows(&mut *self.read.lend().await?).await?;
        let [credential, holder] = rows.as_slice() else { return Ok(None) };
        let facts = &mut Facts::default();
        Ok(Some((row_of(credential, facts)?, row_of(holder, facts)?)))
    }

    pub async fn credential_with(
        &self,
        fingerprint: &Digest,
        facts: &mut Facts,
    ) -> Result<Option<Credential>, Error> {
        let sql = "select id, version, state from credential where fingerprint = $1";
        self.found_by(sql, fingerprint, facts).await
    }
}
