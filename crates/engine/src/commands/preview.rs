//! Preview: what would come of an ask, before it is sent. Nothing is written.

use placet_domain::Refusal;
use placet_domain::id::IdentityId;
use placet_domain::request;
use placet_domain::route::{Candidates, Route};

use super::submit::SubmitRequest;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Thinks an ask through, as if it were sent now.
#[derive(Clone, Debug)]
pub struct PreviewRequest {
    pub asked: SubmitRequest,
    /// As if somebody else asked it, for themselves. Whether whoever looks may know what would come of
    /// it is for the query to say.
    pub asker: Option<IdentityId>,
}

/// What would come of it.
#[derive(Clone, Debug)]
pub struct Previewed {
    /// Why it would be refused, if so.
    pub refused: Option<Refusal>,
    /// The way that policy would send it, if it let it in.
    pub route: Option<Route>,
    /// Who would be asked, by stage.
    pub candidates: Candidates,
}

/// Long enough for any policy: what is written is judged when it is sent.
const WRITTEN: usize = 1_000;

#[async_trait::async_trait]
impl Command for PreviewRequest {
    type Output = Previewed;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Previewed, Error> {
        let mut asked = self.asked.clone();
        if asked.justification.trim().is_empty() {
            "not written yet".clone_into(&mut asked.justification);
        }
        let mut revision = draft.revision(&asked, None, None).await?;
        if let Some(asker) = self.asker {
            (revision.requester, revision.receiver) = (asker, asker);
        }
        let answered = draft.answer(&revision, WRITTEN).await?;
        let command = request::Command::Submit(answered.intake(&revision, None)?);
        let refused = request::decide(None, command, draft.now).err();
        let route = answered.route().cloned();
        // What was only thought through leaves no record.
        draft.commit.records.clear();
        Ok(Previewed { refused, route, candidates: answered.candidates })
    }
}
