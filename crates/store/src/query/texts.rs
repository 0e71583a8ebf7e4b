//! Texts that stand beside the ledger: disclosures by commitment, records by digest.

use placet_domain::canonical::Digest;
use placet_domain::committed::{Commitment, Committed, Disclosure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;

use crate::Store;
use crate::error::{Error, damaged};

impl Store {
    pub async fn disclosure(&self, commitment: Commitment) -> Result<Option<Disclosure>, Error> {
        let row = sqlx::query("select body from disclosure where commitment = $1")
            .bind(commitment.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.map(Disclosure::from_text))
    }

    /// The value behind a commitment; none once it is erased.
    pub async fn disclosed<T: Serialize + DeserializeOwned>(
        &self,
        committed: &Committed<T>,
    ) -> Result<Option<T>, Error> {
        let Some(disclosure) = self.disclosure(committed.commitment()).await? else {
            return Ok(None);
        };
        committed.open(&disclosure).map(Some).map_err(|e| damaged(e.to_string()))
    }

    /// The text stored under its own digest; a text that does not match is refused.
    pub async fn record(&self, digest: Digest) -> Result<Option<String>, Error> {
        let row = sqlx::query("select body from record where digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let body: String = row.try_get(0)?;
        if Digest::of(body.as_bytes()) != digest {
            return Err(damaged(format!("record `{digest}` is not what its digest says")));
        }
        Ok(Some(body))
    }
}
