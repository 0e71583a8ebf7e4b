//! Work orders as people see them.

use placet_domain::Timestamp;
use placet_domain::action::Effect;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::grant::Grant;
use placet_domain::id::{ActionId, GrantId, RequestId};
use placet_domain::name::TeamName;
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

use super::{Page, Who};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// What is to be done by hand, and how far it has come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkView {
    /// Names the order; sent back with what was done about it.
    pub id: ActionId,
    /// `grant` or `remove`.
    pub effect: &'static str,
    pub grant: GrantId,
    pub request: RequestId,
    pub entitlement: String,
    pub target: String,
    /// What is to be made or taken away, and for which account.
    pub native: String,
    pub account: Option<String>,
    pub receiver: Who,
    /// When the access ends.
    pub until: Option<Timestamp>,
    pub due_at: Timestamp,
    pub overdue: bool,
    pub team: Option<String>,
    /// Who says that it was done; then it waits for a second person.
    pub carried_out_by: Option<Who>,
    /// The SHA-256 of what shows it.
    pub evidence: Option<Digest>,
    pub note: Option<String>,
    /// Why it was sent back.
    pub returned: Option<String>,
}

/// The teams that somebody belongs to, those around them included.
struct TeamsOf;

#[async_trait::async_trait]
impl Command for TeamsOf {
    type Output = BTreeSet<TeamName>;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<BTreeSet<TeamName>, Error> {
        let who = draft.someone()?;
        let around = draft.around([who]).await?;
        let mine = &around.identity(who)?.teams;
        let holds =
            |team: &&TeamName| !around.within(BTreeSet::from([(*team).clone()])).is_disjoint(mine);
        Ok(around.teams.keys().filter(holds).cloned().collect())
    }
}

impl Engine {
    /// Open work orders that wait for the actor, or stand on what they answer for.
    pub async fn work(&self, actor: Actor, page: &Page) -> Result<Vec<WorkView>, Error> {
        let reader = self.reader(actor).await?;
        let teams = self.run(actor, &TeamsOf).await?;
        let mut out = Vec::new();
        for grant in self.store.open_work(&reader, &teams, &page.into()).await? {
            out.extend(self.work_view(&grant).await?);
        }
        Ok(out)
    }

    async fn work_view(&self, grant: &Grant) -> Result<Option<WorkView>, Error> {
        let Some(work) = &grant.work else { return Ok(None) };
        let approved = &grant.approved;
        let carried_out = work.carried_out.as_ref();
        let people = carried_out.map(|one| one.by).into_iter().chain([approved.receiver]);
        let names = self.names(people.collect()).await?;
        let note = match carried_out {
            Some(one) => self.store.disclosed(&one.note).await?,
            None => None,
        };
        let returned = match &work.returned {
            Some(one) => self.store.disclosed(&one.why).await?,
            None => None,
        };
        let account = self.store.disclosed(&approved.account).await?;
        Ok(Some(WorkView {
            id: work.action,
            effect: match work.effect {
                Effect::Grant => "grant",
                Effect::Remove => "remove",
            },
            grant: grant.id,
            request: approved.request,
            entitlement: self.entitlement_name(approved.entitlement).await?,
            target: self.target_name(approved.target).await?,
            native: approved.native.to_string(),
            account: account.map(|account| account.to_string()),
            receiver: names.who(approved.receiver),
            until: grant.until,
            due_at: work.told.due_at,
            overdue: work.is_overdue_at(self.clock.now()),
            team: work.told.team.as_ref().map(ToString::to_string),
            carried_out_by: carried_out.map(|one| names.who(one.by)),
            evidence: carried_out.map(|one| one.evidence),
            note,
            returned,
        }))
    }
}
