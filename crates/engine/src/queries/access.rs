//! Requests, grants and findings as people see them.

use placet_domain::action::Outcome;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::finding::{Finding, Resolution};
use placet_domain::grant::{Gone, Grant};
use placet_domain::id::{FindingId, GrantId, RequestId};
use placet_domain::request::Request;
use placet_domain::route::Route;
use placet_domain::{Refusal, Timestamp};
use placet_store::Facts;
use serde::Serialize;

use super::catalogue::ObservedView;
use super::{Page, Who};
use crate::Engine;
use crate::error::Error;

/// A stage of a request's route: what it needs, who gave it, for whom it waits.
#[derive(Clone, Debug, Serialize)]
pub struct StageView {
    pub name: String,
    pub needed: u32,
    pub approved_by: Vec<Who>,
    pub waits_for: Vec<Who>,
    /// The policies' own sentences.
    pub because: Vec<String>,
}

/// A request, with everything that one who decides has to see.
#[derive(Clone, Debug, Serialize)]
pub struct RequestView {
    pub id: RequestId,
    pub state: &'static str,
    /// What an approval is for: sent back with the decision.
    pub digest: Digest,
    pub revision: u32,
    pub requester: Who,
    pub receiver: Who,
    pub entitlement: String,
    pub target: String,
    pub native: String,
    pub privilege: &'static str,
    pub environment: &'static str,
    pub sensitivity: u8,
    /// What it really allows on the target.
    pub scope: String,
    pub length: String,
    pub length_seconds: u64,
    /// None once it was erased.
    pub justification: Option<String>,
    pub reference: Option<String>,
    pub submitted_at: Timestamp,
    pub lapses_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    /// `people` or `pre_approved`.
    pub route: &'static str,
    pub because: Vec<String>,
    pub stages: Vec<StageView>,
    /// What the receiver holds already.
    pub holds: Vec<String>,
    /// How fresh the knowledge of the target is.
    pub observed: ObservedView,
    /// How long access may go on after it is removed, in seconds.
    pub residual_seconds: Option<u64>,
    pub grant: Option<GrantView>,
}

#[derive(Clone, Debug, Serialize)]
pub struct GrantView {
    pub id: GrantId,
    pub request: RequestId,
    pub state: &'static str,
    pub receiver: Who,
    pub entitlement: String,
    pub target: String,
    pub native: String,
    pub account: Option<String>,
    pub length: String,
    pub approved_at: Timestamp,
    pub until: Option<Timestamp>,
    pub first_seen_at: Option<Timestamp>,
    /// What the target answered when the last call did not go well.
    pub trouble: Option<String>,
    /// Why it ends or ended.
    pub end: Option<&'static str>,
    pub end_ordered_at: Option<Timestamp>,
    pub over_at: Option<Timestamp>,
    /// `seen absent`, or `carried on by grt_...`.
    pub gone: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FindingView {
    pub id: FindingId,
    pub kind: &'static str,
    pub state: &'static str,
    pub target: String,
    pub entitlement: String,
    pub account: Option<String>,
    /// The request behind it; none when nobody ever asked for it.
    pub request: Option<RequestId>,
    pub grant: Option<GrantId>,
    pub owner: Who,
    pub detail: String,
    pub opened_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub resolution: Option<&'static str>,
}

impl Engine {
    pub async fn request(&self, actor: Actor, id: RequestId) -> Result<RequestView, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.request_for(&reader, id).await?;
        let found = found.ok_or(Refusal::UnknownRequest { given: id.to_string() })?;
        self.request_view(found).await
    }

    pub async fn requests(&self, actor: Actor, page: &Page) -> Result<Vec<RequestView>, Error> {
        let reader = self.reader(actor).await?;
        self.request_views(self.store.requests(&reader, &page.into()).await?).await
    }

    /// What waits for the actor, the oldest first.
    pub async fn inbox(&self, actor: Actor, page: &Page) -> Result<Vec<RequestView>, Error> {
        let reader = self.reader(actor).await?;
        self.request_views(self.store.inbox(reader.who, &page.into()).await?).await
    }

    pub async fn grants(
        &self,
        actor: Actor,
        live: bool,
        page: &Page,
    ) -> Result<Vec<GrantView>, Error> {
        let reader = self.reader(actor).await?;
        let mut out = Vec::new();
        for grant in self.store.grants(&reader, live, &page.into()).await? {
            out.push(self.grant_view(grant).await?);
        }
        Ok(out)
    }

    pub async fn findings(
        &self,
        actor: Actor,
        open: bool,
        page: &Page,
    ) -> Result<Vec<FindingView>, Error> {
        let reader = self.reader(actor).await?;
        let mut out = Vec::new();
        for finding in self.store.findings(&reader, open, &page.into()).await? {
            out.push(self.finding_view(finding).await?);
        }
        Ok(out)
    }

    /// Where a request stands: for one who could see it a moment ago.
    pub async fn request_state(&self, id: RequestId) -> Result<&'static str, Error> {
        let found = self.store.load::<Request>(id, &mut Facts::default()).await?;
        let found = found.ok_or(Refusal::UnknownRequest { given: id.to_string() })?;
        Ok(found.state.as_str())
    }

    async fn request_views(&self, requests: Vec<Request>) -> Result<Vec<RequestView>, Error> {
        let mut out = Vec::with_capacity(requests.len());
        for request in requests {
            out.push(self.request_view(request).await?);
        }
        Ok(out)
    }

    async fn request_view(&self, request: Request) -> Result<RequestView, Error> {
        let revision = &request.revision;
        let (because, stages) = self.stages(&request).await?;
        let names = self.names(vec![revision.requester, revision.receiver]).await?;
        let justification = self.store.disclosed(&revision.justification).await?;
        let reference = match &revision.reference {
            Some(reference) => self.store.disclosed(reference).await?,
            None => None,
        };
        let mut facts = Facts::default();
        let mut holds = Vec::new();
        let held = self.store.holdings(revision.receiver, &mut facts).await?;
        for grant in held.iter().filter(|grant| grant.approved.request != request.id) {
            holds.push(self.entitlement_name(grant.approved.entitlement).await?);
        }
        let grant = match self.store.grant_of(request.id, &mut facts).await? {
            Some(grant) => Some(self.grant_view(grant).await?),
            None => None,
        };
        let reached = self.reach(revision.terms.target).await.ok();
        Ok(RequestView {
            id: request.id,
            state: request.state.as_str(),
            digest: request.digest,
            revision: revision.number,
            requester: names.who(revision.requester),
            receiver: names.who(revision.receiver),
            entitlement: self.entitlement_name(revision.entitlement).await?,
            target: self.target_name(revision.terms.target).await?,
            native: revision.terms.native.to_string(),
            privilege: revision.terms.privilege.as_str(),
            environment: revision.terms.environment.as_str(),
            sensitivity: revision.terms.sensitivity,
            scope: revision.terms.scope.clone(),
            length: revision.length.to_string(),
            length_seconds: revision.length.as_seconds(),
            justification,
            reference,
            submitted_at: request.submitted_at,
            lapses_at: request.lapses_at,
            decided_at: request.decided_at,
            route: match request.route {
                Route::People { .. } => "people",
                Route::PreApproved { .. } => "pre_approved",
            },
            because,
            stages,
            holds,
            observed: self.store.last_look(revision.terms.target).await?.into(),
            residual_seconds: reached.map(|reached| reached.connector.abilities().residual_seconds),
            grant,
        })
    }

    /// The sentences of a pre-approval, or the stages with their people.
    async fn stages(&self, request: &Request) -> Result<(Vec<String>, Vec<StageView>), Error> {
        let stages = match &request.route {
            Route::PreApproved { because } => {
                return Ok((because.iter().map(|one| one.why.clone()).collect(), Vec::new()));
            }
            Route::People { stages } => stages,
        };
        let waiting = self.store.waiting_on(request.id).await?;
        let people = waiting.values().flatten().copied().chain(request.approvers());
        let names = self.names(people.collect()).await?;
        let view = |stage: &placet_domain::route::Stage| StageView {
            name: stage.name.to_string(),
            needed: stage.needed,
            approved_by: request
                .approvals
                .iter()
                .filter(|one| one.stage == stage.name)
                .map(|one| names.who(one.approver))
                .collect(),
            waits_for: waiting
                .get(&stage.name)
                .into_iter()
                .flatten()
                .map(|id| names.who(*id))
                .collect(),
            because: stage.because.iter().map(|one| one.why.clone()).collect(),
        };
        Ok((Vec::new(), stages.iter().map(view).collect()))
    }

    async fn grant_view(&self, grant: Grant) -> Result<GrantView, Error> {
        let approved = &grant.approved;
        let names = self.names(vec![approved.receiver]).await?;
        let account = self.store.disclosed(&approved.account).await?;
        Ok(GrantView {
            id: grant.id,
            request: approved.request,
            state: grant.state.as_str(),
            receiver: names.who(approved.receiver),
            entitlement: self.entitlement_name(approved.entitlement).await?,
            target: self.target_name(approved.target).await?,
            native: approved.native.to_string(),
            account: account.map(|account| account.to_string()),
            length: approved.length.to_string(),
            approved_at: grant.approved_at,
            until: grant.until,
            first_seen_at: grant.first_seen_at,
            trouble: match grant.action.as_ref().and_then(|action| action.outcome.as_ref()) {
                Some(Outcome::Failed { why } | Outcome::InDoubt { why })
                    if !grant.state.is_over() =>
                {
                    Some(why.clone())
                }
                _ => None,
            },
            end: grant.end.as_ref().map(|reason| reason.as_str()),
            end_ordered_at: grant.end_ordered_at,
            over_at: grant.over_at,
            gone: grant.gone.as_ref().map(|gone| match gone {
                Gone::SeenAbsent { .. } => "seen absent".to_owned(),
                Gone::CarriedOn { by } => format!("carried on by {by}"),
            }),
        })
    }

    async fn finding_view(&self, finding: Finding) -> Result<FindingView, Error> {
        let opened = &finding.opened;
        let names = self.names(vec![opened.owner]).await?;
        let account = self.store.disclosed(&opened.account).await?;
        Ok(FindingView {
            id: finding.id,
            kind: opened.kind.as_str(),
            state: finding.state.as_str(),
            target: self.target_name(opened.target).await?,
            entitlement: self.entitlement_name(opened.entitlement).await?,
            account: account.map(|account| account.to_string()),
            request: opened.request,
            grant: opened.grant,
            owner: names.who(opened.owner),
            detail: opened.detail.clone(),
            opened_at: finding.opened_at,
            resolved_at: finding.resolved_at,
            resolution: finding.resolution.as_ref().map(|resolution| match resolution {
                Resolution::SeenRight { .. } => "a later look no longer shows it",
                Resolution::Done => "what kept failing has been done",
            }),
        })
    }
}
