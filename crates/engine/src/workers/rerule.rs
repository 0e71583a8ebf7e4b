//! Rerule: after a change of what policy reads, the live grants that it concerns are ruled again as
//! they were when they were carried out, and what is refused now ends.
//!
//! Where a change concerns everything, it is counted first what would end; if that is much, a
//! person has to let it go on. An error of policy ends nothing: what cannot be ruled waits.

use placet_domain::Timestamp;
use placet_domain::actor::Worker;
use placet_domain::entitlement::Entitlement;
use placet_domain::grant::{self, Grant, Reason};
use placet_domain::id::{GrantId, Stream};
use placet_domain::organisation::{self, Held};
use placet_policy::Policies;
use placet_store::{DueRound, Round, Upkeep};
use serde::{Deserialize, Serialize};

use super::{BATCH, Stepped, actor};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// How long grants that policy could not rule wait, in seconds.
const WAITS: u64 = 300;

/// How far a round has come.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    phase: Phase,
    /// The last grant that was looked at.
    after: String,
    /// How many would end, or have ended.
    ends: u64,
    /// How many could not be ruled.
    waits: u64,
    /// How many could not be ruled the last time that all were looked at.
    #[serde(default)]
    waited: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// What would end is counted, and nothing ends.
    #[default]
    Count,
    /// It would be much: a person has to look.
    Held,
    Act,
}

impl Progress {
    /// A person let it go on.
    pub(crate) fn released() -> Self {
        Self { phase: Phase::Act, ..Self::default() }
    }

    pub(crate) fn is_held(text: &str) -> bool {
        serde_json::from_str::<Self>(text).is_ok_and(|progress| progress.phase == Phase::Held)
    }

    /// How many grants wait for a policy that can answer.
    pub(crate) fn waited(text: &str) -> u64 {
        serde_json::from_str::<Self>(text).map_or(0, |progress| progress.waited)
    }

    /// A change that concerns one record ends what it has to; only the sweeping ones are counted.
    fn of(round: &DueRound) -> Self {
        serde_json::from_str(&round.progress).unwrap_or(match &round.what {
            Round::Rerule(Stream::Organisation) => Self::default(),
            _ => Self::released(),
        })
    }

    pub(crate) fn written(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|e| Error::Fault(e.to_string()))
    }
}

/// What ruling one grant again came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ruled {
    Stands,
    /// It ends, or would.
    Ends,
    /// Policy could not say: nothing follows from that.
    Waits,
}

struct RuleAgain {
    grant: GrantId,
    /// Whether what is refused ends now.
    act: bool,
}

#[async_trait::async_trait]
impl Command for RuleAgain {
    type Output = Ruled;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Ruled, Error> {
        let grant = draft.grant(self.grant).await?;
        // What has not begun is ruled when it does; what ends, ends.
        if !grant.state.is_held() {
            return Ok(Ruled::Stands);
        }
        let policies = draft.policies().await?;
        let Some(reason) = draft.refused_by(&policies, &grant).await? else {
            return Ok(Ruled::Stands);
        };
        let Some(reason) = reason else { return Ok(Ruled::Waits) };
        if self.act {
            let command = grant::Command::End { reason };
            let events = grant::decide(Some(&grant), command, draft.now)?;
            draft.change(grant.id, grant.approved.request, events);
        }
        Ok(Ruled::Ends)
    }
}

impl Draft<'_> {
    /// Why these policies would refuse a grant now; none if they would not. The reason is left out
    /// where policy erred.
    pub(crate) async fn refused_by(
        &mut self,
        policies: &Policies,
        grant: &Grant,
    ) -> Result<Option<Option<Reason>>, Error> {
        let request = self.request(grant.approved.request).await?;
        let entitlement = self
            .engine
            .store
            .load::<Entitlement>(grant.approved.entitlement, &mut self.facts)
            .await?;
        let Some(entitlement) = entitlement else { return Ok(Some(None)) };
        if entitlement.terms != request.revision.terms {
            return Ok(Some(Some(Reason::TermsChanged)));
        }
        let begun = grant.until.map_or(self.now, |until| began(until, grant));
        let (ruling, _) = self.rule_again(policies, &request, &entitlement, begun).await?;
        if !ruling.errors.is_empty() {
            return Ok(Some(None));
        }
        if ruling.permit {
            return Ok(None);
        }
        Ok(Some(Some(Reason::RuledOut { ruling: ruling.cite() })))
    }
}

/// When a grant began: its end was fixed then.
fn began(until: Timestamp, grant: &Grant) -> Timestamp {
    let length = i64::try_from(grant.approved.length.as_seconds()).unwrap_or(i64::MAX);
    Timestamp::from_micros(until.as_micros().saturating_sub(length.saturating_mul(1_000_000)))
}

/// Writes down how far a round has come, with what the organisation has to know of it.
struct Note<'a> {
    round: &'a DueRound,
    next: Next,
}

enum Next {
    Go(Progress),
    /// What could not be ruled waits a while.
    Wait(Progress),
    Hold(Progress, Held),
    Done,
}

#[async_trait::async_trait]
impl Command for Note<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let DueRound { what, turn, .. } = self.round.clone();
        let Round::Rerule(stream) = what.clone() else { return Ok(()) };
        let go = |progress: &Progress, due_at| {
            let progress = progress.written()?;
            Ok::<_, Error>(Upkeep::Move { what: what.clone(), turn, progress, due_at })
        };
        let (upkeep, command) = match &self.next {
            Next::Go(progress) => {
                // Counted, and not too much: whatever waited for a person does not any more.
                let begins = progress.phase == Phase::Act && progress.after.is_empty();
                let settle = organisation::Command::SettleRerule { what: stream };
                (go(progress, draft.now)?, begins.then_some(settle))
            }
            Next::Wait(progress) => (go(progress, draft.now.plus_seconds(WAITS))?, None),
            Next::Hold(progress, held) => {
                let hold = organisation::Command::HoldRerule { what: stream, held: *held };
                (go(progress, Timestamp::from_micros(i64::MAX))?, Some(hold))
            }
            Next::Done => (Upkeep::Done { what: what.clone(), turn }, None),
        };
        draft.commit.upkeep.push(upkeep);
        if let Some(command) = command {
            let organisation = draft.engine.store.organisation(&mut draft.facts).await?;
            let events = organisation::decide(organisation.as_ref(), command)?;
            draft.change(Stream::Organisation, Stream::Organisation, events);
        }
        Ok(())
    }
}

impl Engine {
    pub(super) async fn rerule(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let now = self.clock.now();
        for round in self.store.due_rounds(now, BATCH).await? {
            let Round::Rerule(what) = &round.what else { continue };
            let next = self.rerule_batch(what, Progress::of(&round), stepped).await?;
            self.run(actor(Worker::Rerule), &Note { round: &round, next }).await?;
        }
        Ok(())
    }

    /// One batch of a round, in the order of ids.
    async fn rerule_batch(
        &self,
        what: &Stream,
        mut progress: Progress,
        stepped: &mut Stepped,
    ) -> Result<Next, Error> {
        let batch = self.store.concerned_grants(what, &progress.after, BATCH).await?;
        let act = progress.phase == Phase::Act;
        for grant in &batch {
            let ruled = self.run(actor(Worker::Rerule), &RuleAgain { grant: *grant, act }).await;
            match ruled {
                Ok(Ruled::Stands) => {}
                Ok(Ruled::Ends) => progress.ends += 1,
                Ok(Ruled::Waits) => progress.waits += 1,
                Err(error) => {
                    progress.waits += 1;
                    tracing::warn!(%grant, %error, "a grant could not be ruled again yet");
                }
            }
            stepped.gone_through += 1;
            progress.after = grant.to_string();
        }
        if batch.len() >= BATCH as usize {
            return Ok(Next::Go(progress));
        }
        if progress.waits > 0 {
            stepped.postponed += 1;
            let (phase, waited) = (progress.phase, progress.waits);
            return Ok(Next::Wait(Progress { phase, waited, ..Progress::default() }));
        }
        match progress.phase {
            Phase::Act | Phase::Held => Ok(Next::Done),
            Phase::Count => {
                let live = self.store.live_grants().await?;
                let held = Held { would_end: progress.ends, live };
                if held.stops() {
                    let held_up = Progress { phase: Phase::Held, ..progress };
                    return Ok(Next::Hold(held_up, held));
                }
                Ok(Next::Go(Progress::released()))
            }
        }
    }
}
