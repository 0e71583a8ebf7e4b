//! Weigh: what a proposed bundle would do to what is open and what is held, before it is adopted.
//! Nothing is written.

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::canonical::Digest;
use placet_domain::entitlement::Entitlement;
use placet_domain::grant::Reason;
use placet_domain::id::Stream;
use placet_domain::request::Request;
use placet_domain::route::{Route, Solved};
use placet_policy::Policies;

use crate::draft::{Command, Draft};
use crate::error::Error;

/// The most open requests, and the most live grants, that are weighed.
const MOST: u32 = 200;

/// What a bundle would change.
#[derive(Clone, Copy, Debug)]
pub struct WeighBundle {
    pub bundle: Digest,
}

/// One request or grant that comes out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// Its id.
    pub what: String,
    pub entitlement: String,
    /// What the ruling bundle answers, in words.
    pub old: String,
    /// What the other would answer.
    pub new: String,
}

/// What was weighed.
#[derive(Clone, Debug, Default)]
pub struct Weight {
    pub requests: usize,
    pub grants: usize,
    /// There is more than was weighed.
    pub more: bool,
    pub otherwise: Vec<Weighed>,
}

#[async_trait::async_trait]
impl Command for WeighBundle {
    type Output = Weight;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Weight, Error> {
        draft.must_be_allowed(Deed::ProposeBundle).await?;
        let organisation = draft.engine.store.organisation(&mut draft.facts).await?;
        let known = organisation.is_some_and(|one| {
            one.ruling_bundle == self.bundle || one.proposals.contains_key(&self.bundle)
        });
        if !known {
            return Err(Refusal::BundleUnknown { given: self.bundle.to_string() }.into());
        }
        let old = draft.policies().await?;
        let new = draft.engine.policies(self.bundle).await?;
        let mut weight = Weight::default();
        draft.weigh_requests(&old, &new, &mut weight).await?;
        draft.weigh_grants(&old, &new, &mut weight).await?;
        // What was only thought through leaves no record.
        draft.commit.records.clear();
        Ok(weight)
    }
}

impl Draft<'_> {
    async fn weigh_requests(
        &mut self,
        old: &Policies,
        new: &Policies,
        weight: &mut Weight,
    ) -> Result<(), Error> {
        let open =
            self.engine.store.concerned_requests(&Stream::Organisation, "", MOST + 1).await?;
        weight.more |= open.len() > MOST as usize;
        for id in open.into_iter().take(MOST as usize) {
            let request: Request = self.request(id).await?;
            let entitlement = self
                .engine
                .store
                .load::<Entitlement>(request.revision.entitlement, &mut self.facts)
                .await?;
            let Some(entitlement) = entitlement else { continue };
            let (_, before, _) = self.solve_again(old, &request, &entitlement).await?;
            let (_, after, _) = self.solve_again(new, &request, &entitlement).await?;
            weight.requests += 1;
            weight.add(id.to_string(), &entitlement, way(&before), way(&after));
        }
        Ok(())
    }

    async fn weigh_grants(
        &mut self,
        old: &Policies,
        new: &Policies,
        weight: &mut Weight,
    ) -> Result<(), Error> {
        let live = self.engine.store.concerned_grants(&Stream::Organisation, "", MOST + 1).await?;
        weight.more |= live.len() > MOST as usize;
        for id in live.into_iter().take(MOST as usize) {
            let grant = self.grant(id).await?;
            if !grant.state.is_held() {
                continue;
            }
            let entitlement = self
                .engine
                .store
                .load::<Entitlement>(grant.approved.entitlement, &mut self.facts)
                .await?;
            let Some(entitlement) = entitlement else { continue };
            let before = life(self.refused_by(old, &grant).await?);
            let after = life(self.refused_by(new, &grant).await?);
            weight.grants += 1;
            weight.add(id.to_string(), &entitlement, before, after);
        }
        Ok(())
    }
}

impl Weight {
    fn add(&mut self, what: String, entitlement: &Entitlement, old: String, new: String) {
        if old != new {
            let entitlement = entitlement.name.to_string();
            self.otherwise.push(Weighed { what, entitlement, old, new });
        }
    }
}

/// A way to a decision in words.
fn way(solved: &Solved) -> String {
    match &solved.route {
        None => format!("refused: {}", solved.ruling.sentence()),
        Some(Route::PreApproved { .. }) => "pre-approved".to_owned(),
        Some(Route::BreakGlass { .. }) => "breaks the glass".to_owned(),
        Some(Route::People { stages }) => {
            let stages = stages.iter().map(|one| format!("{} {}", one.name, one.needed));
            format!("needs {}", stages.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What becomes of something that is held, in words.
#[allow(clippy::option_option)] // The form in which ruling again answers.
fn life(refused: Option<Option<Reason>>) -> String {
    match refused {
        None => "goes on".to_owned(),
        Some(None) => "waits: policy cannot say".to_owned(),
        Some(Some(Reason::RuledOut { ruling })) => {
            format!("ends: refused by {}", ruling.policies.join(", "))
        }
        Some(Some(reason)) => format!("ends: {}", reason.as_str()),
    }
}
