//! Whether somebody holds something now: a question that other programs ask for each use, and that is
//! answered from two indexes.

use placet_domain::access::Scope;
use placet_domain::grant::Grant;
use placet_domain::id::{EntitlementId, IdentityId};
use sqlx::Row as _;

use super::access::live_grants;
use super::{Reader, shown};
use crate::Store;
use crate::error::Error;

impl Store {
    /// The live grants of one thing to one identity; none if the reader may read neither what this
    /// identity holds nor who holds this.
    pub async fn holding(
        &self,
        reader: &Reader,
        identity: IdentityId,
        entitlement: EntitlementId,
    ) -> Result<Option<Vec<Grant>>, Error> {
        let mut connection = self.read.lend().await?;
        let may = sqlx::query(
            "select $4 or ($5 and $1 = $3) \
             or exists (select 1 from identity i where i.id = $1 \
               and (($5 and i.owner = $3) or ($6 and i.manager = $3))) \
             or exists (select 1 from entitlement e where e.id = $2 and $7 and e.owner = $3)",
        )
        .bind(identity.to_string())
        .bind(entitlement.to_string())
        .bind(reader.who.to_string())
        .bind(reader.may(Scope::Everything))
        .bind(reader.may(Scope::Mine))
        .bind(reader.may(Scope::Reports))
        .bind(reader.may(Scope::Owned))
        .fetch_one(&mut *connection)
        .await?;
        if !may.try_get::<bool, _>(0)? {
            return Ok(None);
        }
        let rows = live_grants(identity, entitlement).rows(&mut connection).await?;
        shown(&rows).map(Some)
    }
}
