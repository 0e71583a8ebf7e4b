//! The life of a grant: every entry of its trail, each proved to be in the signed ledger.

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::id::GrantId;
use placet_ledger::evidence;
use serde::Serialize;
use utoipa::ToSchema;

use super::{GrantView, RequestView};
use crate::Engine;
use crate::error::Error;

/// A grant, the request behind it, and its trail.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LifeView {
    pub grant: GrantView,
    /// None for whoever may see the grant and not the request.
    pub request: Option<RequestView>,
    pub entries: Vec<EntryView>,
}

/// An entry of a trail in words.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Where it stands in the ledger.
    pub index: u64,
    /// Where it stands in its trail, from 1.
    pub nth: u64,
    pub at: Timestamp,
    pub r#type: &'static str,
    /// `seen` on the target, `trouble`, or `plain`.
    pub tone: &'static str,
    pub text: String,
}

/// What verifying a trail showed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VerifiedView {
    pub lawful: bool,
    /// What was checked and holds.
    pub checks: Vec<String>,
    /// What does not hold.
    pub breaches: Vec<String>,
    pub cannot_know: Vec<String>,
    pub complete_up_to: Timestamp,
    /// How many entries the checkpoint covers.
    pub size: u64,
}

impl Engine {
    pub async fn life(&self, actor: Actor, id: GrantId) -> Result<LifeView, Error> {
        let grant = self.grant(actor, id).await?;
        let request = match self.request(actor, grant.request).await {
            Ok(request) => Some(request),
            Err(Error::Refused(_)) => None,
            Err(error) => return Err(error),
        };
        let bundle = self.bundle(grant.request).await?;
        let told = evidence::tell(bundle, self.store.verifier());
        let told = told.map_err(|failed| Error::Fault(format!("the trail of `{id}`: {failed}")))?;
        let entry = |one: evidence::Told| EntryView {
            index: one.index,
            nth: one.nth,
            at: one.at,
            r#type: one.kind,
            tone: one.tone.as_str(),
            text: one.text,
        };
        Ok(LifeView { grant, request, entries: told.into_iter().map(entry).collect() })
    }

    /// Exports the evidence behind a grant and verifies it, as an auditor would, with the ledger's own
    /// key.
    pub async fn verify_grant(&self, actor: Actor, id: GrantId) -> Result<VerifiedView, Error> {
        let request = self.grant(actor, id).await?.request;
        let json = self.export_evidence(actor, request).await?;
        let (verdict, lawful) = match evidence::verify(&json, self.store.verifier()) {
            Ok(verdict) => (verdict, true),
            Err(evidence::Failed::Breach(verdict)) => (*verdict, false),
            Err(other) => return Err(Error::Fault(other.to_string())),
        };
        let breaches = verdict.story.iter().filter(|line| line.mark == evidence::Mark::Breach);
        Ok(VerifiedView {
            lawful,
            breaches: breaches.map(|line| line.text.clone()).collect(),
            checks: verdict.checks,
            cannot_know: verdict.cannot_know,
            complete_up_to: verdict.complete_up_to.1,
            size: verdict.checkpoint.size,
        })
    }
}
