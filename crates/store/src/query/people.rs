//! Who is who: identities by team and handle, credentials by fingerprint.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::canonical::Digest;
use placet_domain::committed::Disclosure;
use placet_domain::credential::Credential;
use placet_domain::id::IdentityId;
use placet_domain::identity::{Identity, Profile};
use placet_domain::name::{Handle, TeamName};
use placet_domain::state;

use sqlx::Row as _;

use super::{Page, row_of, shown};
use crate::Store;
use crate::aggregate::keyed;
use crate::change::Facts;
use crate::error::{Error, damaged};
use crate::row::parsed;

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

    /// Members of any of these teams, bounded. That nobody joined or left meanwhile is held still
    /// by the version of the set of identities.
    pub async fn members(
        &self,
        teams: impl IntoIterator<Item = &TeamName>,
        facts: &mut Facts,
    ) -> Result<Vec<Identity>, Error> {
        self.note_set(state::IDENTITIES.to_owned(), facts).await?;
        let mut out = BTreeMap::new();
        for team in teams {
            let rows = sqlx::query(
                "select id, version, state from identity where id in \
                 (select identity from identity_team where team = $1 order by identity limit $2)",
            )
            .bind(team.as_str())
            .bind(CANDIDATES)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
            for row in &rows {
                let identity: Identity = row_of(row, &mut Facts::default())?;
                out.insert(identity.id, identity);
            }
        }
        Ok(out.into_values().collect())
    }

    /// An identity with its managers and owners, so many levels up, itself the first.
    pub async fn with_those_above(
        &self,
        id: IdentityId,
        levels: u32,
        facts: &mut Facts,
    ) -> Result<Vec<Identity>, Error> {
        let rows = sqlx::query(
            "with recursive up (id, level) as (select $1, 1 union \
               select above.id, up.level + 1 from up join identity i on i.id = up.id \
               join identity above on above.id in (i.manager, i.owner) where up.level < $2) \
             select id, version, state from identity where id in (select id from up)",
        )
        .bind(id.to_string())
        .bind(i64::from(levels))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        let found: Result<Vec<Identity>, Error> =
            rows.iter().map(|row| row_of(row, facts)).collect();
        // Where it was not among them, it was not there.
        facts.row(id.into(), 0);
        found
    }

    /// How these are called; who was erased is left out. Opened against the commitments in the
    /// ledger: a name that was edited in the database is no name.
    pub async fn profiles(
        &self,
        ids: &BTreeSet<IdentityId>,
    ) -> Result<BTreeMap<IdentityId, Profile>, Error> {
        let mut lent = self.read.lend().await?;
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let rows = keyed(&mut lent, "identity", "id", "id, version, state", &ids).await?;
        let identities: Vec<Identity> = shown(&rows)?;
        let commitments: Vec<String> =
            identities.iter().map(|one| one.profile.commitment().to_string()).collect();
        let rows = keyed(&mut lent, "disclosure", "commitment", "body", &commitments).await?;
        let mut bodies = BTreeMap::new();
        for row in &rows {
            let body = Disclosure::from_text(row.try_get(0)?);
            bodies.insert(body.commitment(), body);
        }
        let mut found = BTreeMap::new();
        for identity in identities {
            if let Some(body) = bodies.get(&identity.profile.commitment()) {
                let profile = identity.profile.open(body).map_err(|e| damaged(e.to_string()))?;
                found.insert(identity.id, profile);
            }
        }
        Ok(found)
    }

    pub async fn credential_with(
        &self,
        fingerprint: &Digest,
        facts: &mut Facts,
    ) -> Result<Option<Credential>, Error> {
        let row = sqlx::query("select id, version, state from credential where fingerprint = $1")
            .bind(fingerprint.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.map(|row| row_of(&row, facts)).transpose()
    }
}
