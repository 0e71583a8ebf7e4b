//! Questions: somebody who may decide asks, somebody who wants the access answers. Both stand in the
//! trail.

use placet_domain::Refusal;
use placet_domain::id::RequestId;
use placet_domain::identity::Identity;
use placet_domain::request;

use super::text;
use crate::draft::{Command, Draft};
use crate::error::Error;

#[derive(Clone, Debug)]
pub struct AskQuestion {
    pub request: RequestId,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct AnswerQuestion {
    pub request: RequestId,
    /// As it was numbered when it was asked.
    pub number: u32,
    pub text: String,
}

/// A text that says something.
fn said(what: &str, given: &str) -> Result<String, Refusal> {
    let said = text(what, given)?;
    if said.is_empty() {
        return Err(Refusal::EmptyText { what: what.to_owned() });
    }
    Ok(said)
}

#[async_trait::async_trait]
impl Command for AskQuestion {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let asker = draft.someone()?;
        let request = draft.request(self.request).await?;
        let judged = draft.judge(&request, asker).await?;
        let text = draft.seal(&said("question", &self.text)?, "question", request.id)?;
        let command = request::Command::AskQuestion {
            actor: draft.actor,
            asker: judged.identity(asker)?,
            text,
            eligible: &judged.rights(),
        };
        let events = request::decide(Some(&request), command, draft.now)?;
        draft.change(request.id, request.id, events);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for AnswerQuestion {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let request = draft.request(self.request).await?;
        let receiver = request.revision.receiver;
        let found = draft.engine.store.load::<Identity>(receiver, &mut draft.facts).await?;
        let receiver = found.ok_or(Refusal::UnknownIdentity { given: receiver.to_string() })?;
        let text = draft.seal(&said("answer", &self.text)?, "answer", request.id)?;
        let number = self.number;
        let command = request::Command::AnswerQuestion { by, receiver: &receiver, number, text };
        let events = request::decide(Some(&request), command, draft.now)?;
        draft.change(request.id, request.id, events);
        Ok(())
    }
}
