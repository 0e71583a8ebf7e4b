//! Reroute: an open request finds its way again, and whom it waits for.

use placet_domain::Refusal;
use placet_domain::entitlement::Entitlement;
use placet_domain::id::RequestId;
use placet_domain::request::{self, Request, State};
use placet_domain::route::{Candidates, Route, Solved};
use placet_policy::{Ask, Policies};

use super::approve::still_waiting;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::world::{Around, independent_candidates, stage_names};

/// Solves the way of an open request again.
pub(crate) struct RouteAgain {
    pub request: RequestId,
}

#[async_trait::async_trait]
impl Command for RouteAgain {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let request = draft.request(self.request).await?;
        if request.state != State::Open {
            return Ok(());
        }
        let revision = &request.revision;
        let entitlement = draft.entitlement(revision.entitlement).await?;
        let policies = draft.policies().await?;
        let (around, solved, candidates) =
            draft.solve_again(&policies, &request, &entitlement).await?;
        let escalates_at = draft.escalates_at(&around, &candidates).await?;
        let now = draft.now;
        let events = match request::reroute(&request, &solved, &entitlement, escalates_at, now) {
            Ok(events) => events,
            // It is impossible now: it waits for nobody, and says why until it lapses or is revised.
            Err(refusal) => {
                draft.commit.stalled.push((request.id, Some(refusal.sentence())));
                draft.commit.waiting.push((request.id, Candidates::new()));
                return Ok(());
            }
        };
        let after = draft.fold(&request, &events);
        let waiting = still_waiting(&after, candidates);
        let why = unfillable(&after, &waiting);
        // The request's own events come first in the trail.
        draft.change(request.id, request.id, events.clone());
        draft.carry_out(&events, revision).await?;
        draft.commit.stalled.push((request.id, why));
        draft.commit.waiting.push((request.id, waiting));
        Ok(())
    }
}

/// Why nobody can decide a request any more, if so.
fn unfillable(request: &Request, candidates: &Candidates) -> Option<String> {
    let open = request.open_places();
    placet_domain::assign::assign(&open, candidates).err().map(|unfillable| {
        Refusal::UnfillableStage {
            stage: unfillable.stage.to_string(),
            needed: unfillable.needed,
            eligible: unfillable.eligible,
        }
        .sentence()
    })
}

impl Draft<'_> {
    /// The way of an open request as these policies solve it now, and whom it would wait for.
    pub(crate) async fn solve_again(
        &mut self,
        policies: &Policies,
        request: &Request,
        entitlement: &Entitlement,
    ) -> Result<(Around, Solved, Candidates), Error> {
        let revision = &request.revision;
        let mut around = self.around_ask(revision, entitlement, request.spent()).await?;
        let excluded = around.excluded(revision.requester, revision.receiver)?;
        let ask = Ask { approvers: request.spent(), ..self.asked(revision).await? };
        let solved = {
            let world = around.world();
            let mut asking = policies.asking(&world, self.now);
            let solved = asking.solve(&ask);
            self.commit.records.extend(asking.into_records());
            solved
        };
        let stages = stage_names(solved.route.as_ref());
        self.include_candidates(&mut around, policies, entitlement, &stages).await?;
        let mut candidates = {
            let world = around.world();
            let mut asking = policies.asking(&world, self.now);
            let candidates = independent_candidates(&mut asking, &ask, &stages, &excluded);
            self.commit.records.extend(asking.into_records());
            candidates
        };
        let open = match &solved.route {
            Some(route @ Route::People { .. }) => {
                Request { route: route.clone(), ..request.clone() }.open_places()
            }
            _ => placet_domain::assign::Open::new(),
        };
        candidates.retain(|stage, _| open.contains_key(stage));
        for people in candidates.values_mut() {
            people.retain(|person| {
                !ask.approvers.contains(person) && !request.excluded.contains(person)
            });
        }
        Ok((around, solved, candidates))
    }
}
