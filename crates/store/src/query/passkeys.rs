//! Passkeys: those of one person, the one that an authenticator names, and those that wait for somebody
//! to answer for them.

use placet_domain::Timestamp;
use placet_domain::id::IdentityId;
use placet_domain::passkey::{Bytes, MOST, Passkey};
use placet_domain::state;

use super::{Page, row_of, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;
use crate::script::{Script, Value};

impl Store {
    /// Somebody's passkeys that are offered or enrolled, and the set that they are in. Lapsed offers
    /// are left out.
    pub async fn passkeys_of(
        &self,
        holder: IdentityId,
        now: Timestamp,
        facts: &mut Facts,
    ) -> Result<Vec<Passkey>, Error> {
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let mut list = Script::default();
        list.add(
            "select id, version, state from passkey where holder = $1 and stands <> 'revoked' \
             and (lapses_at is null or lapses_at > $2) order by id limit $3",
            [Value::text(holder), now.as_micros().into(), most.into()],
        );
        let (_, rows) = self.of_set(state::passkeys(&holder), list, facts).await?;
        rows.iter().map(|row| row_of(row, facts)).collect()
    }

    /// The passkey that an authenticator names.
    pub async fn passkey_called(
        &self,
        credential_id: &Bytes,
        facts: &mut Facts,
    ) -> Result<Option<Passkey>, Error> {
        let sql = "select id, version, state from passkey where credential_id = $1";
        self.found_by(sql, credential_id, facts).await
    }

    /// All passkeys of one person by id, those that are over too.
    pub async fn passkeys(&self, holder: IdentityId, page: &Page) -> Result<Vec<Passkey>, Error> {
        let rows = sqlx::query(
            "select id, version, state from passkey where holder = $1 and id > $2 \
             order by id limit $3",
        )
        .bind(holder.to_string())
        .bind(page.after.as_deref().unwrap_or(""))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// What waits for somebody else than `but` to answer for it: all of it, or of those alone whom
    /// `manager` manages.
    pub async fn offered_passkeys(
        &self,
        but: IdentityId,
        manager: Option<IdentityId>,
        now: Timestamp,
        page: &Page,
    ) -> Result<Vec<Passkey>, Error> {
        let rows = sqlx::query(
            "select k.id, k.version, k.state from passkey k where k.lapses_at > $1 \
             and ($2 is null or k.holder in (select i.id from identity i where i.manager = $2)) \
             and ($3 is null or (k.lapses_at, k.id) > \
               (select p.lapses_at, p.id from passkey p where p.id = $3)) \
             and k.holder <> $4 order by k.lapses_at, k.id limit $5",
        )
        .bind(now.as_micros())
        .bind(manager.map(|id| id.to_string()))
        .bind(page.after.as_deref())
        .bind(but.to_string())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }
}
