//! Step-up: what somebody is about to sign goes into the trail before it is shown to them, and what
//! they signed goes into their approval.

use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::id::{CredentialId, RequestId};
use placet_domain::name::RpId;
use placet_domain::passkey::{Asserted, Bytes, Challenge};
use placet_domain::request;
use placet_domain::{Refusal, Timestamp};

use super::approve::{ApproveRequest, Decided};
use super::passkeys::SignedByPasskey;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Somebody is about to sign what they were shown.
#[derive(Clone, Debug)]
pub struct OpenStepUp {
    pub request: RequestId,
    /// The digest of what they were shown.
    pub digest: Digest,
    /// For which host their passkeys must have been made.
    pub rp: RpId,
}

/// What is to be signed, and with which passkeys it may be.
#[derive(Clone, Debug)]
pub struct ToSign {
    pub challenge: Challenge,
    pub expires_at: Timestamp,
    /// By what authenticators know them.
    pub credentials: Vec<Bytes>,
}

/// Somebody agrees to what they were shown, and signs it.
#[derive(Clone, Debug)]
pub struct ApproveSigned {
    pub approve: ApproveRequest,
    pub signed: SignedByPasskey,
    /// For which host the passkey must have been made.
    pub rp: RpId,
}

#[async_trait::async_trait]
impl Command for OpenStepUp {
    type Output = ToSign;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<ToSign, Error> {
        let (approver, session) = (draft.someone()?, draft.session()?);
        let request = draft.request(self.request).await?;
        let judged = draft.judge(&request, approver).await?;
        let held = draft.engine.store.passkeys_of(approver, draft.now, &mut draft.facts).await?;
        let fit = held.into_iter().filter(|one| one.is_enrolled() && one.offered.rp == self.rp);
        let credentials: Vec<Bytes> = fit.map(|one| one.offered.credential_id).collect();
        let rights = judged.rights();
        let command = request::Command::OpenStepUp(request::Opening {
            actor: draft.actor,
            approver: judged.identity(approver)?,
            digest: self.digest,
            challenge: Challenge::of(draft.engine.environment.random()),
            excluded: judged.excluded(),
            eligible: &rights,
            has_passkey: !credentials.is_empty(),
        });
        let events = request::decide(Some(&request), command, draft.now)?;
        let after = draft.fold(&request, &events);
        let opened = after.opened_for(approver, session, draft.now);
        let opened = opened.cloned().ok_or(Refusal::StepUpOver {})?;
        if events.is_empty() {
            // Nothing is written for what is open already.
            draft.commit.records.clear();
        }
        draft.change(request.id, request.id, events);
        Ok(ToSign { challenge: opened.challenge, expires_at: opened.expires_at, credentials })
    }
}

#[async_trait::async_trait]
impl Command for ApproveSigned {
    type Output = Decided;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Decided, Error> {
        let ApproveRequest { request, digest, stage } = &self.approve;
        let (approver, session) = (draft.someone()?, draft.session()?);
        let request = draft.request(*request).await?;
        let opened = request.opened_for(approver, session, draft.now);
        let challenge = opened.ok_or(Refusal::StepUpOver {})?.challenge;
        let (passkey, assertion) = draft.signed(&self.signed, challenge, &self.rp).await?;
        let asserted = Asserted { passkey: &passkey, challenge, assertion };
        draft.approve(&request, *digest, stage.as_ref(), Some(&asserted)).await
    }
}

impl Draft<'_> {
    /// The interactive session of the one who acts.
    pub(super) fn session(&self) -> Result<CredentialId, Refusal> {
        match self.actor {
            Actor::Person { session, .. } => Ok(session),
            _ => Err(Refusal::NeedsSession {}),
        }
    }
}
