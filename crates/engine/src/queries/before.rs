//! What came before: what an asker asked for earlier and what became of it, and how long others waited.

use placet_domain::actor::Actor;
use placet_domain::grant::Grant;
use placet_domain::id::{EntitlementId, RequestId};
use placet_domain::request::Request;
use placet_domain::route::Route;
use placet_domain::{Refusal, Timestamp};
use placet_store::{Facts, Wanted};
use serde::Serialize;
use utoipa::ToSchema;

use super::Page;
use crate::Engine;
use crate::error::Error;

/// An earlier request of the same asker. It has no text and no id: whoever decides about one request
/// sees no others by that.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EarlierView {
    pub entitlement: String,
    pub length: String,
    pub state: &'static str,
    pub submitted_at: Timestamp,
    /// How the grant stands that it led to.
    pub grant: Option<&'static str>,
    /// Why that grant ended, if it did so before its time.
    pub end: Option<&'static str>,
}

/// How long others waited for people to decide.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct WaitedView {
    pub median_seconds: u64,
    /// Of how many requests: the last ones that were decided, twenty at the most.
    pub of: usize,
}

/// What whoever decides about a request is told of what came before it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BeforeView {
    /// What the same asker asked for, the newest first; five at the most.
    pub earlier: Vec<EarlierView>,
    pub waited: Option<WaitedView>,
}

/// How many are looked at.
const LAST: u32 = 20;
const EARLIER: u32 = 5;

/// The middle of some numbers: as many are below as above.
pub(super) fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last * percent).div_ceil(100)).copied()
}

impl Engine {
    /// What came before a request: for whoever may see it.
    pub async fn before(&self, actor: Actor, id: RequestId) -> Result<BeforeView, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.request_for(&reader, id).await?;
        let revision = found.ok_or(Refusal::UnknownRequest { given: id.to_string() })?.revision;
        let page = Page { limit: Some(EARLIER), after: Some(id.to_string()) };
        let earlier = self.store.asked_by(revision.requester, &(&page).into()).await?;
        let mut wanted = Wanted::default();
        wanted.entitlements.extend(earlier.iter().map(|one| one.revision.entitlement));
        let names = self.named(wanted).await?;
        let mut out = Vec::with_capacity(earlier.len());
        for one in earlier {
            let grant = self.store.grant_of(one.id, &mut Facts::default()).await?;
            out.push(earlier_view(
                &one,
                grant.as_ref(),
                names.entitlement(one.revision.entitlement),
            ));
        }
        Ok(BeforeView { earlier: out, waited: self.waited(revision.entitlement).await? })
    }

    /// How long people took to decide about an entitlement, the last times.
    pub(super) async fn waited(&self, id: EntitlementId) -> Result<Option<WaitedView>, Error> {
        let decided = self.store.decided_on(id, LAST).await?;
        let by_people = decided.iter().filter(|one| matches!(one.route, Route::People { .. }));
        let mut took: Vec<u64> = by_people.filter_map(took).collect();
        took.sort_unstable();
        Ok(percentile(&took, 50)
            .map(|median_seconds| WaitedView { median_seconds, of: took.len() }))
    }
}

/// How long it took to decide.
pub(super) fn took(request: &Request) -> Option<u64> {
    Some(request.decided_at?.seconds_since(request.submitted_at))
}

fn earlier_view(request: &Request, grant: Option<&Grant>, entitlement: String) -> EarlierView {
    EarlierView {
        entitlement,
        length: request.revision.length.to_string(),
        state: request.state.as_str(),
        submitted_at: request.submitted_at,
        grant: grant.map(|grant| grant.state.as_str()),
        end: grant.and_then(|grant| grant.end.as_ref()).map(|reason| reason.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn the_middle_is_one_of_them() {
        for (sorted, percent, found) in [
            (&[][..], 50, None),
            (&[7], 95, Some(7)),
            (&[1, 2], 50, Some(2)),
            (&[1, 2, 3], 50, Some(2)),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 95, Some(10)),
        ] {
            assert_eq!(percentile(sorted, percent), found, "{sorted:?}");
        }
    }
}
