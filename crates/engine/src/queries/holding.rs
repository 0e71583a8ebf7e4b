//! May somebody use something now: for programs that ask at each use.

use placet_domain::actor::Actor;
use placet_domain::grant::{Grant, State};
use placet_domain::id::{EntitlementId, GrantId, IdentityId};
use placet_domain::{Refusal, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Whether an identity may use an entitlement at this moment, and on what that rests.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoldingView {
    /// Granted, not over, and seen on the target; issued, where a target cannot be looked at. What was
    /// done by hand and nobody can see is not enough.
    pub may: bool,
    pub at: Timestamp,
    pub grant: Option<GrantId>,
    /// The state of that grant: `active`, `issued`, or why it is not yet or no longer good.
    pub state: Option<&'static str>,
    pub until: Option<Timestamp>,
}

/// Finds both by their names.
struct Find {
    identity: String,
    entitlement: String,
}

#[async_trait::async_trait]
impl Command for Find {
    type Output = (IdentityId, EntitlementId);

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Self::Output, Error> {
        let identity = draft.identity_called(&self.identity).await?;
        Ok((identity, draft.entitlement_called(&self.entitlement).await?.id))
    }
}

impl Engine {
    /// Whether somebody may use something now, as far as whoever asks may read.
    pub async fn holding(
        &self,
        actor: Actor,
        identity: &str,
        entitlement: &str,
    ) -> Result<HoldingView, Error> {
        let reader = self.reader(actor).await?;
        let find = Find { identity: identity.to_owned(), entitlement: entitlement.to_owned() };
        let (who, what) = self.run(actor, &find).await?;
        let held = self.store.holding(&reader, who, what).await?;
        let held = held.ok_or(Refusal::UnknownIdentity { given: find.identity })?;
        let at = self.clock.now();
        let good = |one: &Grant| {
            let seen = matches!(one.state, State::Active | State::Issued);
            seen && one.until.is_some_and(|until| at < until)
        };
        // The one that is good for longest, or else what there is.
        let best = held.iter().max_by_key(|one| (good(one), one.until));
        Ok(HoldingView {
            may: best.is_some_and(good),
            at,
            grant: best.map(|one| one.approved.grant),
            state: best.map(|one| one.state.as_str()),
            until: best.and_then(|one| one.until),
        })
    }
}
