//! Extend: asks for the same access anew, from a little before the grant ends, so that the access goes
//! on without a gap. It is a request like any other.

use placet_domain::Refusal;
use placet_domain::id::GrantId;

use super::submit::{SubmitRequest, Submitted};
use crate::draft::{Command, Draft};
use crate::error::Error;

/// How long before the end the continuation begins, in seconds: enough to be carried out and seen.
const LEAD_SECONDS: u64 = 120;

#[derive(Clone, Debug)]
pub struct ExtendGrant {
    pub grant: GrantId,
    /// For how long from the end of the grant.
    pub length: String,
    pub justification: String,
}

#[async_trait::async_trait]
impl Command for ExtendGrant {
    type Output = Submitted;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Submitted, Error> {
        let grant = draft.grant(self.grant).await?;
        let not_extendable = || Refusal::NotExtendable { grant: grant.id.to_string() };
        let until = grant.until.ok_or_else(not_extendable)?;
        let entitlement = draft.entitlement(grant.approved.entitlement).await?;
        // Who answers for it has changed and is not settled yet: nothing is prolonged meanwhile.
        if !draft.ownership_is_settled(entitlement.id).await? {
            return Err(Refusal::OwnershipOpen { entitlement: entitlement.name.to_string() }.into());
        }
        let lead = i64::try_from(LEAD_SECONDS * 1_000_000).unwrap_or(i64::MAX);
        let starts_at = placet_domain::Timestamp::from_micros(until.as_micros() - lead);
        let ask = SubmitRequest {
            receiver: Some(grant.approved.receiver.to_string()),
            entitlement: entitlement.name.to_string(),
            length: self.length.clone(),
            justification: self.justification.clone(),
            starts_at: (starts_at > draft.now).then(|| starts_at.to_string()),
            extends: Some(grant.id),
            ..SubmitRequest::default()
        };
        draft.submit(&ask, None).await
    }
}
