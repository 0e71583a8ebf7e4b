//! How access stands for whoever answers for it: what has an end and what has none, how long deciding
//! and ending took, what is not settled, what has no owner. All of it for those who may read
//! everything, else what stands on what the reader owns. Every figure says of how many it is.

use std::collections::BTreeSet;

use placet_domain::access::Scope;
use placet_domain::actor::Actor;
use placet_domain::grant::Grant;
use placet_domain::route::Route;
use placet_domain::{Refusal, Timestamp};
use placet_store::{LARGEST_PAGE, Reader, SoughtRequests, Unsettled};
use serde::Serialize;
use utoipa::ToSchema;

use super::before::{percentile, took};
use super::{HandoverView, Page};
use crate::Engine;
use crate::error::Error;

/// Live grants: approved access, which has an end.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct TimeBoundView {
    /// All that is not over, 50,000 at the most.
    pub live: u64,
    /// In force, by when it ends: within a day, after that within a week, within thirty days, later.
    pub in_a_day: u64,
    pub in_a_week: u64,
    pub in_a_month: u64,
    pub later: u64,
    /// Not in force yet, or being ended.
    pub not_in_force: u64,
}

/// Unsettled findings of one kind, by age.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnsettledView {
    pub kind: String,
    pub all: u64,
    /// Up to a day old, after that up to a week, up to thirty days, older.
    pub of_a_day: u64,
    pub of_a_week: u64,
    pub of_a_month: u64,
    pub older: u64,
    /// Of all: those that are borne until a day.
    pub borne: u64,
}

/// How long something took.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct TookView {
    pub median_seconds: u64,
    pub p95_seconds: u64,
    pub of: usize,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverviewView {
    /// `everything`, or `owned`: what the reader owns.
    pub of: &'static str,
    pub time_bound: TimeBoundView,
    /// Seen on targets without a grant behind it: unsettled findings `unapproved` and `orphan`, those
    /// that are borne included. What a look held back is not among it.
    pub standing: u64,
    /// From asking to the decision, where people decided, of the last requests of thirty days.
    pub decide: Option<TookView>,
    /// From the order to end access until it was over, of grants that were approved in thirty days.
    pub revoke: Option<TookView>,
    /// How many requests and grants these were found among, at the most.
    pub among: u32,
    pub unsettled: Vec<UnsettledView>,
    /// What passed on because its owner left and waits for the new one, the oldest first.
    pub handovers: Vec<HandoverView>,
}

/// The requests and the grants that times are taken from.
const AMONG: placet_store::Page = placet_store::Page { limit: Some(LARGEST_PAGE), after: None };
const DAYS: u64 = 30 * 24 * 60 * 60;

impl Engine {
    pub async fn overview(&self, actor: Actor) -> Result<OverviewView, Error> {
        let reader = self.reader(actor).await?;
        let widest = [Scope::Everything, Scope::Owned];
        let scope = widest.into_iter().find(|one| reader.scopes.contains(one));
        let scope = scope.ok_or_else(|| Refusal::NotPermitted {
            what: "reading the overview".to_owned(),
            why: "it takes the right to read everything, or what one owns".to_owned(),
        })?;
        let reader = Reader { scopes: BTreeSet::from([scope]), ..reader };
        let held = self.store.held(&reader).await?;
        let unsettled: Vec<UnsettledView> =
            self.store.unsettled(&reader).await?.into_iter().map(by_age).collect();
        let without = unsettled.iter().filter(|one| matches!(&*one.kind, "unapproved" | "orphan"));
        let since = reader.at.minus_seconds(DAYS);
        Ok(OverviewView {
            of: scope.as_str(),
            time_bound: TimeBoundView {
                live: held.live,
                in_a_day: held.in_a_day,
                in_a_week: held.in_a_week.saturating_sub(held.in_a_day),
                in_a_month: held.in_a_month.saturating_sub(held.in_a_week),
                later: held.in_force.saturating_sub(held.in_a_month),
                not_in_force: held.live.saturating_sub(held.in_force),
            },
            standing: without.map(|one| one.all).sum(),
            decide: self.took_to_decide(&reader, since).await?,
            revoke: self.took_to_revoke(&reader, since).await?,
            among: LARGEST_PAGE,
            unsettled,
            handovers: self.handovers(actor, &Page { limit: Some(20), after: None }).await?,
        })
    }

    async fn took_to_decide(
        &self,
        reader: &Reader,
        since: Timestamp,
    ) -> Result<Option<TookView>, Error> {
        let sought = SoughtRequests { since: Some(since), ..SoughtRequests::default() };
        let last = self.store.sought_requests(reader, &sought, &AMONG).await?;
        let by_people = last.iter().filter(|one| matches!(one.route, Route::People { .. }));
        Ok(summary(by_people.filter_map(took).collect()))
    }

    async fn took_to_revoke(
        &self,
        reader: &Reader,
        since: Timestamp,
    ) -> Result<Option<TookView>, Error> {
        let took = |one: &Grant| Some(one.over_at?.seconds_since(one.end_ordered_at?));
        let last = self.store.grants(reader, false, &AMONG).await?;
        let recent = last.iter().filter(|one| one.approved_at >= since);
        Ok(summary(recent.filter_map(took).collect()))
    }
}

fn summary(mut seconds: Vec<u64>) -> Option<TookView> {
    seconds.sort_unstable();
    Some(TookView {
        median_seconds: percentile(&seconds, 50)?,
        p95_seconds: percentile(&seconds, 95)?,
        of: seconds.len(),
    })
}

fn by_age(one: Unsettled) -> UnsettledView {
    UnsettledView {
        kind: one.kind,
        all: one.all,
        of_a_day: one.of_a_day,
        of_a_week: one.of_a_week.saturating_sub(one.of_a_day),
        of_a_month: one.of_a_month.saturating_sub(one.of_a_week),
        older: one.all.saturating_sub(one.of_a_month),
        borne: one.borne,
    }
}
