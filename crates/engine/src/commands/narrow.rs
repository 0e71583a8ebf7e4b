//! Narrow: somebody who may agree asks for less, in time or in scope, and agrees to that.

use placet_domain::Refusal;
use placet_domain::canonical::Digest;
use placet_domain::id::RequestId;
use placet_domain::length::Length;
use placet_domain::request::{self, Revision};

use super::approve::{Decided, still_waiting};
use super::moment;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// An approver agrees to less than was asked for: a new digest, so earlier approvals no longer
/// count and the others are asked anew.
#[derive(Clone, Debug)]
pub struct NarrowRequest {
    pub request: RequestId,
    /// The digest that the approver saw.
    pub digest: Digest,
    pub length: Option<String>,
    /// A lower privilege on the same target.
    pub entitlement: Option<String>,
    /// Later than was asked for.
    pub starts_at: Option<String>,
}

#[async_trait::async_trait]
impl Command for NarrowRequest {
    type Output = Decided;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Decided, Error> {
        let narrower = draft.someone()?;
        let request = draft.request(self.request).await?;
        let judged = draft.judge(&request, narrower).await?;
        let revision = self.revision(draft, &request.revision).await?;
        // What the asker wrote was long enough for policy when it was asked; it stands as it was.
        let written = draft.engine.store.disclosed(&revision.justification).await?;
        let characters = written.map_or(0, |text| text.chars().count());
        let answered = draft.answer(&revision, characters).await?;
        let extends = match revision.extends {
            Some(id) => Some(draft.grant(id).await?),
            None => None,
        };
        let command = request::Command::Narrow {
            actor: draft.actor,
            narrower: judged.identity(narrower)?,
            digest: self.digest,
            eligible: &judged.rights(),
            intake: answered.intake(&revision, extends.as_ref())?,
        };
        let events = request::decide(Some(&request), command, draft.now)?;
        let narrowed = draft.fold(&request, &events);
        draft.change(request.id, request.id, events.clone());
        if narrowed.state != request::State::Open {
            // So narrow that nobody has to agree any more.
            let grant = draft.carry_out(&events, &narrowed.revision).await?;
            draft.commit.waiting.push((request.id, Default::default()));
            return Ok(Decided { state: narrowed.state, grant });
        }
        match draft.approve(&narrowed, narrowed.digest, None, None).await {
            // What they asked for instead stands; they sign its digest next, which they can see now.
            Err(Error::Refused(Refusal::StepUpNeeded { .. })) => {
                let (_, _, candidates) = draft.candidates_now(&narrowed).await?;
                draft.commit.waiting.push((request.id, still_waiting(&narrowed, candidates)));
                Ok(Decided { state: narrowed.state, grant: None })
            }
            decided => decided,
        }
    }
}

impl NarrowRequest {
    async fn revision(&self, draft: &mut Draft<'_>, wide: &Revision) -> Result<Revision, Error> {
        let mut revision = Revision { number: wide.number.saturating_add(1), ..wide.clone() };
        if let Some(given) = &self.length {
            revision.length = Length::parse(given)?;
        }
        if let Some(given) = &self.starts_at {
            revision.starts_at = Some(moment(given)?);
        }
        if let Some(given) = &self.entitlement {
            let entitlement = draft.entitlement_called(given).await?;
            if entitlement.retired {
                return Err(Refusal::RetiredEntitlement { name: given.clone() }.into());
            }
            revision.entitlement = entitlement.id;
            revision.terms = entitlement.terms;
        }
        Ok(revision)
    }
}
