//! Withdraw: the asker takes back the request, or an approver their approval.

use placet_domain::grant::{self, Reason};
use placet_domain::id::RequestId;
use placet_domain::request;
use placet_domain::route::Candidates;

use crate::draft::{Command, Draft};
use crate::error::Error;

/// The asker or receiver no longer wants it.
#[derive(Clone, Copy, Debug)]
pub struct WithdrawRequest {
    pub request: RequestId,
}

/// An approver changed their mind. What was granted on it ends.
#[derive(Clone, Copy, Debug)]
pub struct WithdrawApproval {
    pub request: RequestId,
}

#[async_trait::async_trait]
impl Command for WithdrawRequest {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let request = draft.request(self.request).await?;
        let events = request::decide(Some(&request), request::Command::Withdraw { by }, draft.now)?;
        draft.change(request.id, request.id, events);
        draft.commit.waiting.push((request.id, Candidates::new()));
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for WithdrawApproval {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let request = draft.request(self.request).await?;
        let command = request::Command::WithdrawApproval { actor: draft.actor };
        let events = request::decide(Some(&request), command, draft.now)?;
        draft.change(request.id, request.id, events);
        let grant = draft.engine.store.grant_of(request.id, &mut draft.facts).await?;
        if let Some(grant) = grant.filter(|grant| !grant.state.is_over()) {
            let command = grant::Command::End { reason: Reason::ApprovalWithdrawn };
            // One that is ending already needs no second order.
            if let Ok(events) = grant::decide(Some(&grant), command, draft.now) {
                draft.change(grant.id, request.id, events);
            }
        }
        Ok(())
    }
}
