//! Requests, grants and findings as people see them.

use placet_connectors::Sessions;
use placet_domain::action::Outcome;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::finding::{Finding, Resolution};
use placet_domain::grant::{Gone, Grant, Reason, State};
use placet_domain::id::{EntitlementId, FilingId, FindingId, GrantId, PasskeyId, RequestId};
use placet_domain::request::{self, Request};
use placet_domain::route::{Candidates, Route};
use placet_domain::{Refusal, Timestamp};
use placet_store::{Beside, Facts, Wanted};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::catalogue::ObservedView;
use super::{Names, Page, Who};
use crate::Engine;
use crate::error::Error;

/// A stage of a request's route: what it needs, who gave it, for whom it waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StageView {
    pub name: String,
    pub needed: u32,
    pub approved_by: Vec<ApprovedBy>,
    pub waits_for: Vec<Who>,
    /// The policies' own sentences.
    pub because: Vec<String>,
    /// What whoever agrees signs with: `passkey`; none where a session is enough.
    pub step_up: Option<&'static str>,
}

/// Who agreed, and in whose place if not in their own.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApprovedBy {
    #[serde(flatten)]
    pub who: Who,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_whom: Option<Who>,
    /// The passkey with which they signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_with: Option<PasskeyId>,
}

/// A request, with everything that one who decides has to see.
#[derive(Clone, Debug, Serialize, ToSchema)]
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
    /// `people`, `pre_approved` or `break_glass`.
    pub route: &'static str,
    pub because: Vec<String>,
    pub stages: Vec<StageView>,
    /// Since when it waits for those whom it waits for now; none when it is decided.
    pub waits_since: Option<Timestamp>,
    /// When silence puts it before those above them.
    pub escalates_at: Option<Timestamp>,
    /// Not before this moment.
    pub starts_at: Option<Timestamp>,
    /// What ends it as well.
    pub ends_on: Vec<String>,
    /// The grant that it goes on from.
    pub extends: Option<GrantId>,
    pub filed_with: Option<FilingId>,
    pub answers: Option<AnswersView>,
    pub emergency: Option<EmergencyView>,
    pub questions: Vec<QuestionView>,
    /// Why nobody can decide it any more, if so: since it was asked, something has changed.
    pub stalled: Option<String>,
    /// What the receiver holds already.
    pub holds: Vec<String>,
    /// Of that: what the catalogue says nobody may hold beside this.
    pub conflicts: Vec<String>,
    /// How fresh the knowledge of the target is.
    pub observed: ObservedView,
    /// What the entitlement really allows, in the target's own words, where it tells.
    pub allows: Option<String>,
    /// How long access may go on after it is removed, in seconds.
    pub residual_seconds: Option<u64>,
    /// What becomes of a session that is open then: `none`, `ended` or `go_on`.
    pub sessions: Option<&'static str>,
    pub grant: Option<GrantView>,
}

/// The finding that a request answers, and how.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnswersView {
    pub finding: FindingId,
    pub answer: &'static str,
}

/// Why the glass was broken, what was warned of, and the review that is owed for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EmergencyView {
    /// None once it was erased.
    pub incident: Option<String>,
    /// Whether a source of incidents knew it.
    pub verified: bool,
    /// What would have refused it in the ordinary way.
    pub warnings: Vec<String>,
    pub review_due_at: Option<Timestamp>,
    pub review_overdue: bool,
    pub reviewed_by: Option<Who>,
    pub verdict: Option<&'static str>,
}

/// A question about a request, with its answer once there is one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QuestionView {
    pub number: u32,
    pub asked_by: Who,
    pub asked_at: Timestamp,
    pub question: Option<String>,
    pub answered_by: Option<Who>,
    pub answer: Option<String>,
}

/// What a grant waits for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CollectView {
    /// `ssh_key`, `token_digest` or `scram_sha256`.
    pub half: &'static str,
    pub until: Timestamp,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
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
    pub length_seconds: u64,
    pub approved_at: Timestamp,
    pub until: Option<Timestamp>,
    pub first_seen_at: Option<Timestamp>,
    /// While it waits for its receiver: what has to be handed in, and until when.
    pub collect: Option<CollectView>,
    /// The public half that was collected, as `ssh:SHA256:...`, `sha256:...` or `scram:...`.
    pub collected: Option<String>,
    /// The certificate, which is public: who has no key for it can do nothing with it.
    pub certificate: Option<String>,
    pub serial: Option<String>,
    /// What the target answered when the last call did not go well.
    pub trouble: Option<String>,
    /// Why it ends or ended.
    pub end: Option<&'static str>,
    /// What was not as it had been agreed to, where that is why.
    pub end_detail: Option<String>,
    pub end_ordered_at: Option<Timestamp>,
    pub over_at: Option<Timestamp>,
    /// `seen absent`, or `carried on by grt_...`.
    pub gone: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
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
    /// By when it has to be answered.
    pub due_at: Option<Timestamp>,
    pub overdue: bool,
    /// Found by the first look at the target.
    pub baseline: bool,
    pub accepted_until: Option<Timestamp>,
    /// How an ordered removal stands.
    pub removal: Option<String>,
    pub resolved_at: Option<Timestamp>,
    pub resolution: Option<&'static str>,
}

impl Engine {
    pub async fn request(&self, actor: Actor, id: RequestId) -> Result<RequestView, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.request_for(&reader, id).await?;
        let found = found.ok_or(Refusal::UnknownRequest { given: id.to_string() })?;
        self.request_views(vec![found])
            .await?
            .pop()
            .ok_or_else(|| Refusal::UnknownRequest { given: id.to_string() }.into())
    }

    pub async fn requests(&self, actor: Actor, page: &Page) -> Result<Vec<RequestView>, Error> {
        let reader = self.reader(actor).await?;
        self.request_views(self.store.requests(&reader, &page.into()).await?).await
    }

    /// What waits for the actor, the oldest first.
    pub async fn inbox(&self, actor: Actor, page: &Page) -> Result<Vec<RequestView>, Error> {
        let reader = self.reader(actor).await?;
        self.request_views(self.store.inbox(reader.who, reader.at, &page.into()).await?).await
    }

    pub async fn grants(
        &self,
        actor: Actor,
        live: bool,
        page: &Page,
    ) -> Result<Vec<GrantView>, Error> {
        let reader = self.reader(actor).await?;
        self.grant_views(self.store.grants(&reader, live, &page.into()).await?).await
    }

    pub async fn grant(&self, actor: Actor, id: GrantId) -> Result<GrantView, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.grant_for(&reader, id).await?.into_iter().collect();
        self.grant_views(found)
            .await?
            .pop()
            .ok_or_else(|| Refusal::UnknownGrant { given: id.to_string() }.into())
    }

    pub async fn findings(
        &self,
        actor: Actor,
        open: bool,
        page: &Page,
    ) -> Result<Vec<FindingView>, Error> {
        let reader = self.reader(actor).await?;
        self.finding_views(self.store.findings(&reader, open, &page.into()).await?).await
    }

    pub async fn finding(&self, actor: Actor, id: FindingId) -> Result<FindingView, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.finding_for(&reader, id).await?.into_iter().collect();
        let unknown = || Refusal::UnknownFinding { given: id.to_string() };
        Ok(self.finding_views(found).await?.pop().ok_or_else(unknown)?)
    }

    /// Where a request stands: for one who could see it a moment ago.
    pub async fn request_state(&self, id: RequestId) -> Result<&'static str, Error> {
        let found = self.store.load::<Request>(id, &mut Facts::default()).await?;
        let found = found.ok_or(Refusal::UnknownRequest { given: id.to_string() })?;
        Ok(found.state.as_str())
    }

    pub(super) async fn request_views(
        &self,
        requests: Vec<Request>,
    ) -> Result<Vec<RequestView>, Error> {
        let beside = self.store.beside(&requests).await?;
        let mut wanted = Wanted::default();
        for (request, beside) in requests.iter().zip(&beside) {
            want(&mut wanted, request, beside);
        }
        let names = self.named(wanted).await?;
        let view = |(request, beside)| self.request_view(request, beside, &names);
        requests.into_iter().zip(beside).map(view).collect()
    }

    pub(super) async fn finding_views(
        &self,
        findings: Vec<Finding>,
    ) -> Result<Vec<FindingView>, Error> {
        let mut wanted = Wanted::default();
        for one in &findings {
            wanted.people.insert(one.opened.owner);
            wanted.targets.insert(one.opened.target);
            wanted.entitlements.insert(one.opened.entitlement);
            wanted.texts.extend(one.opened.account.map(|account| account.commitment()));
        }
        let names = self.named(wanted).await?;
        findings.into_iter().map(|one| finding_view(one, &names, self.clock.now())).collect()
    }

    pub(super) async fn grant_views(&self, grants: Vec<Grant>) -> Result<Vec<GrantView>, Error> {
        let mut wanted = Wanted::default();
        for grant in &grants {
            want_for_grant(&mut wanted, grant);
        }
        let names = self.named(wanted).await?;
        grants.into_iter().map(|grant| grant_view(grant, &names)).collect()
    }

    fn request_view(
        &self,
        request: Request,
        beside: Beside,
        names: &Names,
    ) -> Result<RequestView, Error> {
        let open = request.state == request::State::Open;
        let revision = &request.revision;
        let (because, stages) = stages(&request, &beside.waiting, names);
        let others = beside.held.iter().filter(|grant| grant.approved.request != request.id);
        let others: Vec<EntitlementId> = others.map(|grant| grant.approved.entitlement).collect();
        let named = |id: &EntitlementId| names.entitlement(*id);
        let clashes = |id: &&EntitlementId| names.conflict(revision.entitlement, **id);
        let target = names.whole_target(revision.terms.target);
        let connector = target.and_then(|target| self.connector(target).ok());
        let abilities = connector.map(|connector| connector.abilities());
        Ok(RequestView {
            id: request.id,
            state: request.state.as_str(),
            digest: request.digest,
            revision: revision.number,
            requester: names.who(revision.requester),
            receiver: names.who(revision.receiver),
            entitlement: names.entitlement(revision.entitlement),
            target: names.target(revision.terms.target),
            native: revision.terms.native.to_string(),
            privilege: revision.terms.privilege.as_str(),
            environment: revision.terms.environment.as_str(),
            sensitivity: revision.terms.sensitivity,
            scope: revision.terms.scope.clone(),
            length: revision.length.to_string(),
            length_seconds: revision.length.as_seconds(),
            justification: names.text(&revision.justification)?,
            reference: shown(revision.reference.as_ref(), names)?,
            submitted_at: request.submitted_at,
            lapses_at: request.lapses_at,
            decided_at: request.decided_at,
            route: match request.route {
                Route::People { .. } => "people",
                Route::PreApproved { .. } => "pre_approved",
                Route::BreakGlass { .. } => "break_glass",
            },
            because,
            stages,
            waits_since: open.then_some(request.waits_since),
            escalates_at: request.escalates_at.filter(|_| open),
            starts_at: revision.starts_at,
            ends_on: revision.ends_on.iter().map(ToString::to_string).collect(),
            extends: revision.extends,
            filed_with: revision.filed_with,
            answers: revision
                .answers
                .map(|one| AnswersView { finding: one.finding, answer: one.answer.as_str() }),
            emergency: emergency_view(&request, names, self.clock.now())?,
            questions: question_views(&request, names)?,
            stalled: beside.stalled,
            holds: others.iter().map(named).collect(),
            conflicts: others.iter().filter(clashes).map(named).collect(),
            observed: beside.look.into(),
            allows: beside.allows,
            residual_seconds: abilities.map(|one| one.residual_seconds),
            sessions: abilities.map(|one| match one.sessions {
                Sessions::None => "none",
                Sessions::Ended => "ended",
                Sessions::GoOn => "go_on",
            }),
            grant: beside.grant.map(|grant| grant_view(grant, names)).transpose()?,
        })
    }
}

/// What a view of a request calls by name.
fn want(wanted: &mut Wanted, request: &Request, beside: &Beside) {
    let revision = &request.revision;
    wanted.people.extend([revision.requester, revision.receiver]);
    wanted.people.extend(request.spent());
    wanted.people.extend(beside.waiting.values().flatten());
    wanted.entitlements.insert(revision.entitlement);
    wanted.entitlements.extend(beside.held.iter().map(|grant| grant.approved.entitlement));
    wanted.targets.insert(revision.terms.target);
    wanted.texts.insert(revision.justification.commitment());
    wanted.texts.extend(revision.reference.map(|one| one.commitment()));
    wanted.texts.extend(revision.emergency.as_ref().map(|one| one.incident.commitment()));
    let review = request.review.as_ref().and_then(|review| review.recorded.as_ref());
    wanted.people.extend(review.map(|one| one.by));
    for one in &request.questions {
        wanted.people.insert(one.asked.by);
        wanted.texts.insert(one.asked.text.commitment());
        if let Some(answer) = &one.answered {
            wanted.people.insert(answer.by);
            wanted.texts.insert(answer.text.commitment());
        }
    }
    if let Some(grant) = &beside.grant {
        want_for_grant(wanted, grant);
    }
}

fn want_for_grant(wanted: &mut Wanted, grant: &Grant) {
    wanted.people.insert(grant.approved.receiver);
    wanted.entitlements.insert(grant.approved.entitlement);
    wanted.targets.insert(grant.approved.target);
    wanted.texts.insert(grant.approved.account.commitment());
}

/// The value behind a commitment, where there is one.
fn shown<T: Serialize + DeserializeOwned>(
    committed: Option<&Committed<T>>,
    names: &Names,
) -> Result<Option<T>, Error> {
    committed.map_or(Ok(None), |committed| names.text(committed))
}

fn emergency_view(
    request: &Request,
    names: &Names,
    now: Timestamp,
) -> Result<Option<EmergencyView>, Error> {
    let Some(emergency) = &request.revision.emergency else { return Ok(None) };
    let warnings = match &request.route {
        Route::BreakGlass { warnings, .. } => warnings.iter().map(|one| one.why.clone()).collect(),
        _ => Vec::new(),
    };
    let review = request.review.as_ref();
    let recorded = review.and_then(|review| review.recorded.as_ref());
    Ok(Some(EmergencyView {
        incident: names.text(&emergency.incident)?,
        verified: emergency.verified,
        warnings,
        review_due_at: review.map(|review| review.due_at),
        review_overdue: review.is_some_and(|review| review.is_overdue_at(now)),
        reviewed_by: recorded.map(|one| names.who(one.by)),
        verdict: recorded.map(|one| one.verdict.as_str()),
    }))
}

fn question_views(request: &Request, names: &Names) -> Result<Vec<QuestionView>, Error> {
    let view = |one: &request::Question| {
        let answered = one.answered.as_ref();
        Ok(QuestionView {
            number: one.asked.number,
            asked_by: names.who(one.asked.by),
            asked_at: one.asked_at,
            question: names.text(&one.asked.text)?,
            answered_by: answered.map(|answer| names.who(answer.by)),
            answer: shown(answered.map(|answer| &answer.text), names)?,
        })
    };
    request.questions.iter().map(view).collect()
}

/// The sentences of a pre-approval, or the stages with their people.
fn stages(request: &Request, waiting: &Candidates, names: &Names) -> (Vec<String>, Vec<StageView>) {
    let stages = match &request.route {
        Route::PreApproved { because } | Route::BreakGlass { because, .. } => {
            return (because.iter().map(|one| one.why.clone()).collect(), Vec::new());
        }
        Route::People { stages } => stages,
    };
    let view = |stage: &placet_domain::route::Stage| StageView {
        name: stage.name.to_string(),
        needed: stage.needed,
        approved_by: request
            .approvals
            .iter()
            .filter(|one| one.stage == stage.name)
            .map(|one| ApprovedBy {
                who: names.who(one.approver),
                for_whom: one.acting_for.as_ref().map(|acting| names.who(acting.identity)),
                signed_with: one.assertion.as_ref().map(|signed| signed.passkey),
            })
            .collect(),
        waits_for: waiting
            .get(&stage.name)
            .into_iter()
            .flatten()
            .map(|id| names.who(*id))
            .collect(),
        because: stage.because.iter().map(|one| one.why.clone()).collect(),
        step_up: stage.step_up.map(|one| one.as_str()),
    };
    (Vec::new(), stages.iter().map(view).collect())
}

fn grant_view(grant: Grant, names: &Names) -> Result<GrantView, Error> {
    let approved = &grant.approved;
    Ok(GrantView {
        id: grant.id,
        request: approved.request,
        state: grant.state.as_str(),
        receiver: names.who(approved.receiver),
        entitlement: names.entitlement(approved.entitlement),
        target: names.target(approved.target),
        native: approved.native.to_string(),
        account: names.text(&approved.account)?.map(|account| account.to_string()),
        length: approved.length.to_string(),
        length_seconds: approved.length.as_seconds(),
        approved_at: grant.approved_at,
        until: grant.until,
        first_seen_at: grant.first_seen_at,
        collect: waits_for_its_receiver(&grant),
        collected: grant.collected.as_ref().map(|collected| collected.public.mark()),
        certificate: grant.issued.as_ref().map(|issued| issued.certificate.clone()),
        serial: grant.issued.as_ref().map(|issued| issued.serial.to_string()),
        trouble: trouble(&grant),
        end: grant.end.as_ref().map(|reason| reason.as_str()),
        end_detail: match &grant.end {
            Some(Reason::NotAssented { why }) => Some(why.clone()),
            _ => None,
        },
        end_ordered_at: grant.end_ordered_at,
        over_at: grant.over_at,
        gone: grant.gone.as_ref().map(|gone| match gone {
            Gone::SeenAbsent { .. } => "seen absent".to_owned(),
            Gone::CarriedOn { by } => format!("carried on by {by}"),
            Gone::ValidityOver => "validity over".to_owned(),
            Gone::RevocationReadBack { hosts } => {
                let plural = if hosts.len() == 1 { "" } else { "s" };
                format!("revocation read back from {} host{plural}", hosts.len())
            }
            Gone::NeverIssued => "never issued".to_owned(),
            Gone::ConfirmedByPeople { .. } => "confirmed by people, unverified".to_owned(),
        }),
    })
}

fn finding_view(finding: Finding, names: &Names, now: Timestamp) -> Result<FindingView, Error> {
    let opened = &finding.opened;
    Ok(FindingView {
        id: finding.id,
        kind: opened.kind.as_str(),
        state: finding.state.as_str(),
        target: names.target(opened.target),
        entitlement: names.entitlement(opened.entitlement),
        account: shown(opened.account.as_ref(), names)?.map(|account| account.to_string()),
        request: opened.request,
        grant: opened.grant,
        owner: names.who(opened.owner),
        detail: opened.detail.clone(),
        opened_at: finding.opened_at,
        due_at: opened.due_at,
        overdue: finding.is_overdue_at(now),
        baseline: opened.baseline,
        accepted_until: finding.accepted.as_ref().map(|one| one.until),
        removal: finding.removal.as_ref().map(|one| match &one.outcome {
            None => "ordered".to_owned(),
            Some(Outcome::Done) => "done, and not yet seen to be gone".to_owned(),
            Some(Outcome::Ordered { .. }) => "given to people".to_owned(),
            Some(Outcome::Failed { why } | Outcome::InDoubt { why }) => {
                format!("tried {} times: {why}", one.attempts)
            }
        }),
        resolved_at: finding.resolved_at,
        resolution: finding.resolution.as_ref().map(|resolution| match resolution {
            Resolution::SeenRight { .. } => "a later look no longer shows it",
            Resolution::Done => "what kept failing has been done",
            Resolution::Agreed { .. } => "it was agreed to",
        }),
    })
}

fn waits_for_its_receiver(grant: &Grant) -> Option<CollectView> {
    let waits = grant.state == State::Approved && grant.collected.is_none();
    let half = grant.approved.issues.filter(|_| waits)?;
    Some(CollectView { half: half.as_str(), until: grant.approved.use_by })
}

/// What keeps a grant from where it is to go.
fn trouble(grant: &Grant) -> Option<String> {
    if grant.state.is_over() {
        return None;
    }
    match grant.action.as_ref().and_then(|action| action.outcome.as_ref()) {
        Some(Outcome::Failed { why } | Outcome::InDoubt { why }) => Some(why.clone()),
        _ => {
            let waits_for = &grant.read_back.as_ref()?.waits_for;
            let hosts: Vec<&str> = waits_for.iter().map(String::as_str).collect();
            Some(format!("the revocation is not yet seen on {}", hosts.join(", ")))
        }
    }
}
