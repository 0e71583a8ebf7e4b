//! Part of `ledger verify --state`: what stands beside the governed rows, held against the
//! commitments in the ledger. A text that was erased is no difference; one that was changed is.

use placet_domain::committed::Disclosure;
use placet_domain::id::Stream;
use placet_domain::identity::Identity;
use sqlx::Row as _;

use crate::Store;
use crate::change::Facts;
use crate::error::Error;
use crate::verify::{Report, STEP};

impl Store {
    pub(crate) async fn verify_disclosed(&self, report: &mut Report) -> Result<(), Error> {
        self.verify_disclosures(report).await?;
        self.verify_profiles(report).await
    }

    /// Each disclosure is stored under its own commitment.
    async fn verify_disclosures(&self, report: &mut Report) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let rows = sqlx::query(
                "select commitment, body from disclosure where commitment > $1 order by commitment limit $2",
            )
            .bind(&after)
            .bind(STEP)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in &rows {
                let commitment: String = row.try_get(0)?;
                let opened = Disclosure::from_text(row.try_get(1)?).commitment().to_string();
                if opened != commitment {
                    report.differ("disclosure", &commitment, "it does not open its commitment");
                }
            }
        }
    }

    /// Each identity is called what it committed to.
    async fn verify_profiles(&self, report: &mut Report) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let rows = sqlx::query(
                "select identity, handle from profile where identity > $1 order by identity limit $2",
            )
            .bind(&after)
            .bind(STEP)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in &rows {
                let (id, handle): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                if self.handle_of(&id).await? != Some(handle) {
                    report.differ(
                        "profile",
                        &id,
                        "its handle is not the one that was committed to",
                    );
                }
            }
        }
    }

    /// The handle that an identity committed to.
    async fn handle_of(&self, id: &str) -> Result<Option<String>, Error> {
        let Ok(stream) = id.parse::<Stream>() else { return Ok(None) };
        // A row or text that cannot be read is named where it stands.
        let Ok(Some(identity)) = self.load::<Identity>(stream, &mut Facts::default()).await else {
            return Ok(None);
        };
        let profile = self.disclosed(&identity.profile).await.ok().flatten();
        Ok(profile.map(|profile| profile.handle.to_string()))
    }
}
