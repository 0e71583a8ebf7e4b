//! Which policy bundle rules, and which ones wait to be adopted.

use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_store::Facts;
use serde::Serialize;
use utoipa::ToSchema;

use super::Who;
use crate::Engine;
use crate::error::Error;

/// A bundle that was proposed and not adopted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProposalView {
    pub bundle: Digest,
    pub by: Who,
}

/// The ruling bundle, and the proposals.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyView {
    pub bundle: Digest,
    pub proposals: Vec<ProposalView>,
}

impl Engine {
    /// Everybody who is known may read the policy that rules them.
    pub async fn policy(&self, actor: Actor) -> Result<PolicyView, Error> {
        self.reader(actor).await?;
        let organisation = self.store.organisation(&mut Facts::default()).await?;
        let organisation =
            organisation.ok_or(Refusal::Founders { why: "it has not been founded".to_owned() })?;
        let names = self.names(organisation.proposals.values().copied().collect()).await?;
        let view =
            |(bundle, by): (&Digest, &_)| ProposalView { bundle: *bundle, by: names.who(*by) };
        let proposals = organisation.proposals.iter().map(view).collect();
        Ok(PolicyView { bundle: organisation.ruling_bundle, proposals })
    }

    /// The files of the ruling bundle or of a proposal.
    pub async fn bundle_files(&self, actor: Actor, digest: Digest) -> Result<Bundle, Error> {
        let policy = self.policy(actor).await?;
        let known =
            policy.bundle == digest || policy.proposals.iter().any(|one| one.bundle == digest);
        let unknown = || Error::from(Refusal::BundleUnknown { given: digest.to_string() });
        let text = if known { self.store.record(digest).await? } else { None };
        serde_json::from_str(&text.ok_or_else(unknown)?).map_err(|e| Error::Fault(e.to_string()))
    }
}
