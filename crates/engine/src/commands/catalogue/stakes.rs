//! Stakes: what somebody who changes the catalogue has a part in themselves, with everything in the
//! catalogue that it depends on.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::catalogue::{Changes, Names, Stake, helps_own};
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{EntitlementId, IdentityId};
use placet_domain::name::{StageName, TeamName};
use placet_domain::request::Request;

use crate::draft::Draft;
use crate::error::Error;
use crate::world::stage_names;

/// The most open requests of one party that are looked at; more than that are no way to ask.
const MOST_OPEN: u32 = 200;

impl Draft<'_> {
    /// Refuses a change by which one of these people could help their own request or access.
    pub(super) async fn nobody_helps_themselves(
        &mut self,
        changes: &Changes,
        people: &[(IdentityId, String)],
        names: &Names,
    ) -> Result<(), Error> {
        for (who, called) in people {
            let stakes = self.stakes(*who, called).await?;
            helps_own(changes, &stakes, names)?;
        }
        Ok(())
    }

    async fn stakes(&mut self, who: IdentityId, called: &str) -> Result<Vec<Stake>, Error> {
        let mut parties = vec![who];
        parties.extend(self.engine.store.workloads_of(who, &mut self.facts).await?);
        let mut stakes = Vec::new();
        let open = self.engine.store.open_requests_of(&parties, MOST_OPEN, &mut self.facts).await?;
        for id in open {
            let request: Request = self.request(id).await?;
            let stages = stage_names(Some(&request.route));
            let parties = [request.revision.requester, request.revision.receiver];
            let entitlement = request.revision.entitlement;
            let what = request.id.to_string();
            stakes.extend(self.stake(called, what, entitlement, &parties, &stages).await?);
        }
        for party in parties {
            for grant in self.engine.store.holdings(party, &mut self.facts).await? {
                let (entitlement, what) = (grant.approved.entitlement, grant.id.to_string());
                stakes.extend(self.stake(called, what, entitlement, &[party], &[]).await?);
            }
        }
        Ok(stakes)
    }

    async fn stake(
        &mut self,
        called: &str,
        what: String,
        entitlement: EntitlementId,
        parties: &[IdentityId],
        stages: &[StageName],
    ) -> Result<Option<Stake>, Error> {
        let found = self.engine.store.load::<Entitlement>(entitlement, &mut self.facts).await?;
        let Some(entitlement) = found else { return Ok(None) };
        let around = self.around(parties.iter().copied()).await?;
        let policies = self.policies().await?;
        let mut teams: BTreeSet<TeamName> = entitlement.offered_to.clone();
        for sources in stages.iter().filter_map(|stage| policies.sources(stage)) {
            teams.extend(sources.teams.iter().cloned());
            teams.insert(entitlement.owners.clone());
        }
        Ok(Some(Stake {
            who: called.to_owned(),
            what,
            entitlement: entitlement.id,
            target: entitlement.terms.target,
            people: around.identities.keys().copied().collect(),
            teams: around.within(teams),
        }))
    }
}

/// Whoever does it is told so as "you".
pub(super) fn you() -> String {
    "you".to_owned()
}

/// Whether a refusal says that somebody may not do something alone, so that it has to be proposed.
pub(super) fn needs_another(error: &Error) -> bool {
    matches!(error.refusal(), Some(Refusal::NeedsSession {} | Refusal::NotPermitted { .. }))
}
