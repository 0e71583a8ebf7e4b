//! The governed catalogue: what is proposed, what somebody answers for, what passes on.

use placet_domain::Timestamp;
use placet_domain::handover::Handover;
use placet_domain::id::{
    EntitlementId, GrantId, HandoverId, IdentityId, ProposalId, Stream, TargetId,
};
use placet_domain::proposal::Proposal;
use placet_domain::state;

use super::{Page, shown};
use crate::Store;
use crate::change::Facts;
use crate::error::Error;
use crate::row::parsed;

/// What somebody answers for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    pub workloads: Vec<IdentityId>,
    pub entitlements: Vec<EntitlementId>,
    pub targets: Vec<TargetId>,
    /// Those who report to them, and those from outside whom they sponsor.
    pub people: Vec<IdentityId>,
}

impl Answers {
    pub fn is_empty(&self) -> bool {
        self.workloads.is_empty()
            && self.entitlements.is_empty()
            && self.targets.is_empty()
            && self.people.is_empty()
    }
}

impl Store {
    /// Proposals, the newest first; `open` leaves out what was decided.
    pub async fn proposals(&self, open: bool, page: &Page) -> Result<Vec<Proposal>, Error> {
        let rows = sqlx::query(
            "select id, version, state from proposal p where (not $1 or p.stands = 'open') \
             and ($2 is null or (p.proposed_at, p.id) < \
               (select q.proposed_at, q.id from proposal q where q.id = $2)) \
             order by p.proposed_at desc, p.id desc limit $3",
        )
        .bind(open)
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    pub async fn lapsing_proposals(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ProposalId>, Error> {
        let rows = sqlx::query(
            "select id from proposal where lapses_at <= $1 order by lapses_at, id limit $2",
        )
        .bind(now.as_micros())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// Handovers that wait, the oldest first; of one owner, or of everybody.
    pub async fn handovers(
        &self,
        of: Option<IdentityId>,
        page: &Page,
    ) -> Result<Vec<Handover>, Error> {
        let rows = sqlx::query(
            "select id, version, state from handover h where h.waits \
             and ($1 is null or h.owner = $1) \
             and ($2 is null or (h.opened_at, h.id) > \
               (select o.opened_at, o.id from handover o where o.id = $2)) \
             order by h.opened_at, h.id limit $3",
        )
        .bind(of.map(|one| one.to_string()))
        .bind(page.after.as_deref())
        .bind(page.limit())
        .fetch_all(&mut *self.read.lend().await?)
        .await?;
        shown(&rows)
    }

    /// The handovers of one record that wait.
    pub async fn handovers_on(&self, what: &Stream) -> Result<Vec<HandoverId>, Error> {
        let rows = sqlx::query("select id from handover where what = $1 and waits order by id")
            .bind(what.to_string())
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// The live grants on a target; their set is noted.
    pub async fn live_on(
        &self,
        target: TargetId,
        facts: &mut Facts,
    ) -> Result<Vec<GrantId>, Error> {
        self.note_set(state::held_on(&target), facts).await?;
        let rows =
            sqlx::query("select id from access_grant where target = $1 and live order by id")
                .bind(target.to_string())
                .fetch_all(&mut *self.read.lend().await?)
                .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// The workloads that somebody owns.
    pub async fn workloads_of(
        &self,
        owner: IdentityId,
        facts: &mut Facts,
    ) -> Result<Vec<IdentityId>, Error> {
        self.note_set(state::IDENTITIES.to_owned(), facts).await?;
        self.ids_where(
            "select id from identity where owner = $1 order by id limit $2",
            owner,
            1_000,
        )
        .await
    }

    /// What somebody answers for that is not retired or gone, at most `limit` of each.
    pub async fn answered_by(&self, owner: IdentityId, limit: u32) -> Result<Answers, Error> {
        Ok(Answers {
            workloads: self
                .ids_where(
                    "select id from identity where owner = $1 and active order by id limit $2",
                    owner,
                    limit,
                )
                .await?,
            entitlements: self
                .ids_where(
                    "select id from entitlement where owner = $1 and not retired \
                     order by id limit $2",
                    owner,
                    limit,
                )
                .await?,
            targets: self
                .ids_where(
                    "select id from target where owner = $1 and not retired order by id limit $2",
                    owner,
                    limit,
                )
                .await?,
            people: self
                .ids_where(
                    "select id from identity where active and (manager = $1 or sponsor = $1) \
                     order by id limit $2",
                    owner,
                    limit,
                )
                .await?,
        })
    }

    async fn ids_where<T>(
        &self,
        sql: &'static str,
        who: IdentityId,
        limit: u32,
    ) -> Result<Vec<T>, Error>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let rows = sqlx::query(sql)
            .bind(who.to_string())
            .bind(i64::from(limit))
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }
}
