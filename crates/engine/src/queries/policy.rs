//! Which policy bundle rules, which ones wait to be adopted, and what its rules say.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::actor::Actor;
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_domain::id::RequestId;
use placet_domain::request::Request;
use placet_domain::route::Route;
use placet_domain::{Refusal, Timestamp};
use placet_store::{Facts, LARGEST_PAGE, Wanted};
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

/// A rule of the ruling bundle, in its own words and as it is written.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleView {
    pub id: String,
    pub why: String,
    /// The file of the bundle in which it stands.
    pub file: String,
    /// Whether it permits, or forbids.
    pub permits: bool,
    /// The stage that it asks for, and the one that has to be complete before.
    pub stage: Option<String>,
    pub after: Option<String>,
    /// What whoever agrees has to sign with: `passkey`.
    pub step_up: Option<&'static str>,
    /// From when on it rules no more, if it is a pre-approval.
    pub lapses_at: Option<Timestamp>,
    pub text: String,
    /// What it decided about, the newest first: at most three, among the last 200 requests that the
    /// reader may see.
    pub decided: Vec<RuledView>,
}

/// A request that a rule had a part in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuledView {
    pub request: RequestId,
    pub entitlement: String,
    pub submitted_at: Timestamp,
}

/// How many requests of a rule are shown.
const SHOWN: usize = 3;

impl Engine {
    /// The rules of the ruling bundle by file, and what they decided lately.
    pub async fn rules(&self, actor: Actor) -> Result<Vec<RuleView>, Error> {
        let reader = self.reader(actor).await?;
        let policies = self.policies(self.policy(actor).await?.bundle).await?;
        let page = placet_store::Page { limit: Some(LARGEST_PAGE), after: None };
        let lately = self.store.requests(&reader, &page).await?;
        let mut decided: BTreeMap<String, Vec<&Request>> = BTreeMap::new();
        for request in &lately {
            for policy in deciding(request) {
                decided.entry(policy).or_default().push(request);
            }
        }
        decided.values_mut().for_each(|requests| requests.truncate(SHOWN));
        let mut wanted = Wanted::default();
        let shown = decided.values().flatten();
        wanted.entitlements.extend(shown.map(|request| request.revision.entitlement));
        let names = self.named(wanted).await?;
        let ruled = |request: &&Request| RuledView {
            request: request.id,
            entitlement: names.entitlement(request.revision.entitlement),
            submitted_at: request.submitted_at,
        };
        let view = |rule: placet_policy::Rule| RuleView {
            decided: decided.get(&rule.id).into_iter().flatten().map(ruled).collect(),
            id: rule.id,
            why: rule.why,
            file: rule.file,
            permits: rule.permits,
            stage: rule.stage.map(|stage| stage.to_string()),
            after: rule.after.map(|stage| stage.to_string()),
            step_up: rule.step_up.map(placet_domain::route::StepUp::as_str),
            lapses_at: rule.lapses_at,
            text: rule.text,
        };
        Ok(policies.rules().into_iter().map(view).collect())
    }

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

/// The policies that a request's way came from.
fn deciding(request: &Request) -> BTreeSet<String> {
    let of_way = match &request.route {
        Route::PreApproved { because } => because.iter().collect::<Vec<_>>(),
        Route::BreakGlass { because, warnings } => because.iter().chain(warnings).collect(),
        Route::People { stages } => stages.iter().flat_map(|stage| &stage.because).collect(),
    };
    let of_way = of_way.into_iter().map(|one| one.policy.clone());
    of_way.chain(request.routed_by.policies.iter().cloned()).collect()
}
