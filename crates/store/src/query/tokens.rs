//! Open sessions, and tokens of programs: those that somebody answers for, and when each was used
//! last.

use placet_domain::Timestamp;
use placet_domain::credential::Credential;
use placet_domain::id::IdentityId;
use sqlx::Row as _;

use super::{Page, row_of, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;

impl Store {
    /// Tokens of this identity and of the workloads that it owns, by id, with their last use;
    /// `all` includes those that were ended.
    pub async fn tokens(
        &self,
        who: IdentityId,
        all: bool,
        page: &Page,
    ) -> Result<Vec<(Credential, Option<Timestamp>)>, Error> {
        let rows = sqlx::query(
            "select c.id, c.version, c.state, u.used_at from credential c \
             left join token_use u on u.token = c.id \
             where c.holder in (select $1 union all select id from identity where owner = $1) \
             and c.kind = 'token' and ($2 or not c.ended) and c.id > $3 order by c.id limit $4",
        )
        .bind(who.to_string())
        .bind(all)
        .bind(page.after.as_deref().unwrap_or(""))
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter()
            .map(|row| {
                let used: Option<i64> = row.try_get(3)?;
                Ok((row_of(row, &mut Facts::default())?, used.map(Timestamp::from_micros)))
            })
            .collect()
    }

    /// Sessions of somebody that are good for something at `now`, the newest first.
    pub async fn open_sessions(
        &self,
        who: IdentityId,
        now: Timestamp,
        page: &Page,
    ) -> Result<Vec<Credential>, Error> {
        let rows = sqlx::query(
            "select c.id, c.version, c.state from credential c \
             where c.holder = $1 and c.kind = 'session' and not c.ended and c.expires_at > $2 \
             and ($3 is null or (c.expires_at, c.id) < \
               (select p.expires_at, p.id from credential p where p.id = $3)) \
             order by c.expires_at desc, c.id desc limit $4",
        )
        .bind(who.to_string())
        .bind(now.as_micros())
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }
}
