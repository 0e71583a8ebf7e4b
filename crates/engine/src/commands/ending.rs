//! Ending events: something has ended elsewhere, and what was asked for or granted for it ends too.
//!
//! Whoever holds, asked for or owns it may say so; for what is others', policy lets. It asks no policy
//! whether access may end.

use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::ending::EndingEvent;
use placet_domain::grant::Reason;
use placet_domain::id::{IdentityId, RequestId};
use placet_domain::identity::Identity;
use placet_domain::request::{self, Overtaken, Request};
use placet_domain::route::Candidates;

use super::submit::ending_event;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// How many requests are settled in one transaction.
const BATCH: u32 = 50;

/// What came of a report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reported {
    /// Grants whose end was ordered.
    pub ending: u32,
    /// Requests that nobody has to decide any more.
    pub overtaken: u32,
}

/// One batch of those who named the event.
struct Settle<'a> {
    event: &'a EndingEvent,
    by: IdentityId,
    requests: &'a [RequestId],
    /// Policy lets the actor report for others.
    for_all: bool,
}

#[async_trait::async_trait]
impl Command for Settle<'_> {
    type Output = Reported;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Reported, Error> {
        let mut reported = Reported::default();
        for id in self.requests {
            let request = draft.request(*id).await?;
            if self.for_all || self.is_theirs(draft, &request).await? {
                self.settle(draft, &request, &mut reported).await?;
            }
        }
        Ok(reported)
    }
}

impl Settle<'_> {
    async fn is_theirs(&self, draft: &mut Draft<'_>, request: &Request) -> Result<bool, Error> {
        let revision = &request.revision;
        if self.by == revision.requester || self.by == revision.receiver {
            return Ok(true);
        }
        let store = &draft.engine.store;
        let receiver = store.load::<Identity>(revision.receiver, &mut draft.facts).await?;
        Ok(receiver.and_then(|one| one.owner()) == Some(self.by))
    }

    async fn settle(
        &self,
        draft: &mut Draft<'_>,
        request: &Request,
        reported: &mut Reported,
    ) -> Result<(), Error> {
        let (event, by) = (self.event.clone(), self.by);
        if request.state == request::State::Open {
            let command = request::Command::Overtake(Overtaken { event, by });
            let events = request::decide(Some(request), command, draft.now)?;
            draft.change(request.id, request.id, events);
            draft.commit.waiting.push((request.id, Candidates::new()));
            reported.overtaken += 1;
            return Ok(());
        }
        let grant = draft.engine.store.grant_of(request.id, &mut draft.facts).await?;
        if let Some(grant) = grant.filter(|grant| !grant.state.is_over())
            // One that is ending already needs no second order.
            && draft.end(&grant, Reason::EndingEvent { event, by }).is_ok()
        {
            reported.ending += 1;
        }
        Ok(())
    }
}

impl Engine {
    /// Something has ended elsewhere: ends what names it, a batch at a time. Asked twice, it finds
    /// nothing more to do.
    pub async fn report_ending(&self, actor: Actor, event: &str) -> Result<Reported, Error> {
        let event = ending_event(event)?;
        let by = actor.identity().ok_or(placet_domain::Refusal::NotAuthenticated {})?;
        let for_all = match self.authorise(actor, Deed::ReportEnding).await {
            Ok(()) => true,
            Err(Error::Refused(_)) => false,
            Err(other) => return Err(other),
        };
        let mut all = Reported::default();
        let mut after = None;
        loop {
            let requests = self.store.ending_on(&event, after, BATCH).await?;
            let Some(last) = requests.last() else { return Ok(all) };
            after = Some(*last);
            let settle = Settle { event: &event, by, requests: &requests, for_all };
            let done = self.run(actor, &settle).await?;
            all.ending += done.ending;
            all.overtaken += done.overtaken;
        }
    }
}
