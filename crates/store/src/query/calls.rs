//! Calls that came with a key of their own, and what they were answered. Kept for a day.

use placet_domain::Timestamp;
use placet_domain::canonical::Digest;
use placet_domain::id::IdentityId;
use sqlx::Row as _;

use crate::Store;
use crate::change::CallAnswer;
use crate::error::{Error, damaged};
use crate::row::parsed;

/// How long a key is remembered.
pub const KEYED_SECONDS: u64 = 24 * 3_600;

/// Keys that came up to here are forgotten.
pub(crate) fn keyed_since(now: Timestamp) -> i64 {
    now.minus_seconds(KEYED_SECONDS).as_micros()
}

/// A call that was carried out, or is just being.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyedCall {
    /// Of all that was sent.
    pub digest: Digest,
    /// None where it is not known, or not yet.
    pub answer: Option<CallAnswer>,
}

impl Store {
    /// The call of somebody that came with this key within a day.
    pub async fn keyed_call(
        &self,
        caller: IdentityId,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<KeyedCall>, Error> {
        let row = sqlx::query(
            "select digest, status, answer from keyed_call \
             where caller = $1 and key = $2 and done_at > $3",
        )
        .bind(caller.to_string())
        .bind(key)
        .bind(keyed_since(now))
        .fetch_optional(&mut *self.read.lend().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (status, body): (Option<i64>, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
        let answer = match (status, body) {
            (Some(status), Some(body)) => {
                let status = u16::try_from(status).map_err(|_| damaged("a status"))?;
                Some(CallAnswer { status, body })
            }
            _ => None,
        };
        Ok(Some(KeyedCall { digest: parsed(&row, 0)?, answer }))
    }
}
