//! Requests: the inbox of whoever decides, and one request with everything that they have to see.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::RequestId;
use placet_engine::commands::approve::{ApproveRequest, DenyRequest};
use placet_engine::commands::narrow::NarrowRequest;
use placet_engine::commands::question::{AnswerQuestion, AskQuestion};
use placet_engine::commands::review::ReviewEmergency;
use placet_engine::commands::withdraw::WithdrawRequest;
use placet_engine::queries::{
    self, BeforeView, HandoverView, QuestionView, RequestView, StageView, Who, WorkView,
};
use placet_engine::{Command, Engine, Error};
use serde::Deserialize;

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::passkeys;
use super::refused::{self, Refused};
use super::risk::Risk;
use super::rows::{self, Pager, Rows};
use super::show::{self, Digits};
use super::visitor::Visitor;

/// A request that waits for whoever looks.
pub(super) struct Waiting {
    pub request: RequestView,
    pub risk: Risk,
    pub why_me: String,
}

/// What waits for somebody, what puts most at stake first.
pub(super) fn by_risk(inbox: Vec<RequestView>, me: &Who) -> Vec<Waiting> {
    let waiting =
        |request| Waiting { risk: Risk::of(&request), why_me: why(&request, me), request };
    let mut out: Vec<Waiting> = inbox.into_iter().map(waiting).collect();
    // They come by age; of the same risk the oldest stays first.
    out.sort_by_key(|one| std::cmp::Reverse(one.risk));
    out
}

#[derive(Template)]
#[template(path = "decide.html")]
struct InboxPage {
    page: Page,
    /// How many wait, of those that are put in order.
    count: usize,
    waiting: Vec<Waiting>,
    /// The way to those that put less at stake.
    pager: Pager,
    /// Emergencies whose review is owed, the longest due first.
    reviews: Vec<RequestView>,
    handovers: Vec<HandoverView>,
    work: Vec<WorkView>,
}

impl InboxPage {
    fn sentence(&self) -> String {
        let order = "what puts most at stake first, then the oldest";
        match self.count {
            0 => "No request waits for you.".to_owned(),
            1 => "1 request waits for you.".to_owned(),
            ORDERED => format!(
                "{ORDERED} requests or more wait for you; of the oldest {ORDERED}: {order}."
            ),
            count => format!("{count} requests wait for you: {order}."),
        }
    }
}

/// How many requests are put in order of what they put at stake, and how many of them are on a page.
const ORDERED: usize = 100;
const SHOWN: usize = 15;
/// How many rows of what else waits.
const ROWS: u32 = 5;

/// From which request on, in that order.
#[derive(Debug, Default, Deserialize)]
pub(super) struct From {
    #[serde(default)]
    from: usize,
}

pub(super) async fn inbox(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(From { from }): Query<From>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Decide).await?;
    let all = queries::Page { limit: u32::try_from(ORDERED).ok(), after: None };
    let some = queries::Page { limit: Some(ROWS), after: None };
    let mut waiting = by_risk(engine.inbox(actor, &all).await?, &page.standing.who);
    let count = waiting.len();
    // Where fewer wait by now, it is the last of them.
    let from = from.min(count.saturating_sub(1) / SHOWN * SHOWN);
    let waiting = waiting.split_off(from);
    let waiting = Rows::cut(waiting, SHOWN, |_| from.saturating_add(SHOWN).to_string());
    let pager = waiting.pager_by("from", "requests that wait", "/decide");
    let waiting = waiting.shown;
    let reviews = engine.owed_reviews(actor, &some).await?;
    let handovers = engine.handovers(actor, &some).await?;
    let work = engine.work(actor, &some).await?;
    page::shown(&InboxPage { page, count, waiting, pager, reviews, handovers, work })
}

/// For which stages it waits for somebody, or for one in whose place they act.
fn why(request: &RequestView, me: &Who) -> String {
    let mine = |stage: &&StageView| stage.waits_for.iter().any(|one| one.id == me.id);
    let stages: Vec<&str> =
        request.stages.iter().filter(mine).map(|stage| stage.name.as_str()).collect();
    if stages.is_empty() {
        return "in the place of somebody who delegated to you".to_owned();
    }
    format!("you are one who decides as {}", stages.join(" and "))
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    page: Page,
    request: RequestView,
    risk: Risk,
    why_me: String,
    /// It waits for whoever looks.
    mine_to_decide: bool,
    /// Whoever looks asked for it or would receive it.
    mine: bool,
    digits: Digits,
    /// What came before; looked up for whoever decides.
    before: Option<BeforeView>,
    /// How many questions come before those that are shown.
    earlier: usize,
    /// What the receiver holds beside what is shown of it.
    more_holds: usize,
}

/// How much is shown of what the receiver holds already; what conflicts is always named.
const HOLDS: usize = 12;

/// How many questions are shown, which may be long as their answers may.
const QUESTIONS: usize = 3;
/// How many bytes of them, as they are served.
const BYTES: usize = 12_500;

/// How many of the last questions fit on a page.
fn fitting(questions: &[QuestionView]) -> usize {
    let last = questions.iter().rev().take(QUESTIONS);
    rows::fitting(last, BYTES, |one| {
        show::weight([&one.question, &one.answer].into_iter().flatten())
    })
}

/// Up to which question they are shown; the last ones if it is left out.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Talk {
    questions: Option<usize>,
}

impl RequestPage {
    fn after_the_end(&self) -> String {
        show::after_the_end(self.request.residual_seconds, self.request.sessions)
    }

    /// Whether a stage that is still open takes a passkey of whoever agrees.
    fn takes_passkey(&self) -> bool {
        self.request.stages.iter().any(|one| one.step_up.is_some() && !self.is_filled(one))
    }

    /// A review is owed, and whoever looks had no part in it.
    fn owes_review(&self) -> bool {
        let owed = self.request.emergency.as_ref();
        let owed = owed.is_some_and(|one| one.review_due_at.is_some() && one.verdict.is_none());
        owed && !self.mine
    }

    fn is_filled(&self, stage: &StageView) -> bool {
        u32::try_from(stage.approved_by.len()).unwrap_or(u32::MAX) >= stage.needed
    }
}

async fn shown(
    engine: &Engine,
    actor: Actor,
    id: RequestId,
    talk: Talk,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let mut request = engine.request(actor, id).await?;
    request.questions.truncate(talk.questions.unwrap_or(usize::MAX).max(1));
    let earlier = request.questions.len().saturating_sub(fitting(&request.questions));
    request.questions.drain(..earlier);
    let more_holds = rows::trim(&mut request.holds, HOLDS);
    let mine_to_decide = engine.waits_for_me(actor, id).await?;
    let here = if mine_to_decide { Here::Decide } else { Here::Mine };
    let page = Page::of(engine, actor, here).await?.with(refused);
    let me = page.standing.who.clone();
    let mine = request.requester.id == me.id || request.receiver.id == me.id;
    let (why_me, risk) = (why(&request, &me), Risk::of(&request));
    let digits = Digits(request.digest.to_string());
    let before = match mine_to_decide {
        true => Some(engine.before(actor, id).await?),
        false => None,
    };
    let status = page.status();
    let page = RequestPage {
        page,
        request,
        risk,
        why_me,
        mine_to_decide,
        mine,
        digits,
        before,
        earlier,
        more_holds,
    };
    page::with_status(status, &page)
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(id): Path<String>,
    Query(talk): Query<Talk>,
) -> Result<Response, Failed> {
    shown(&engine, actor, named(&id)?, talk, None).await
}

/// Shows the request after something was done about it, or the inbox to one who may see it no more.
async fn after(
    engine: &Engine,
    form: Form,
    request: RequestId,
    done: Result<(), impl Into<Failed>>,
) -> Result<Response, Failed> {
    let actor = form.actor;
    if let Err(error) = done {
        let again =
            async |refused| shown(engine, actor, request, Talk::default(), Some(refused)).await;
        return refused::back(error, form, again).await;
    }
    let to = match engine.request(actor, request).await {
        Ok(_) => format!("/requests/{request}"),
        Err(_) => "/decide".to_owned(),
    };
    Ok(Redirect::to(&to).into_response())
}

/// Runs a command about a request, if the form said one.
async fn then<C: Command>(
    engine: &Engine,
    form: Form,
    request: RequestId,
    command: Result<C, Failed>,
) -> Result<Response, Failed> {
    let done = match command {
        Ok(command) => engine.run(form.actor, &command).await.map(drop).map_err(Failed::from),
        Err(failed) => Err(failed),
    };
    after(engine, form, request, done).await
}

fn named(id: &str) -> Result<RequestId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownRequest { given: id.chars().take(64).collect() })
}

/// The request that a form is about: one that whoever sends it may see.
async fn about(engine: &Engine, id: &str, form: &Form) -> Result<RequestId, Failed> {
    let request = named(id)?;
    engine.request(form.actor, request).await?;
    Ok(request)
}

pub(super) async fn approve(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    asked: passkeys::Asking,
    form: Form,
) -> Result<Response, Failed> {
    let request = about(&engine, &id, &form).await?;
    let digest = form.typed.parsed("digest");
    let approve = digest.map(|digest| ApproveRequest { request, digest, stage: None });
    if form.typed.optional("asked").is_some() {
        let asked = passkeys::set_up(asked)?;
        let signed = approve.and_then(|approve| Ok(passkeys::agreed(&form, approve, asked)?));
        return then(&engine, form, request, signed).await;
    }
    let approve = match approve {
        Ok(approve) => approve,
        Err(failed) => return after(&engine, form, request, Err(failed)).await,
    };
    match engine.run(form.actor, &approve).await {
        // Where it takes a passkey, the page that asks for one comes next.
        Err(Error::Refused(Refusal::StepUpNeeded { .. })) => {
            let passkeys = passkeys::set_up(asked)?.passkeys;
            match passkeys::to_agree(&engine, &passkeys, &form, approve).await {
                Ok(page) => Ok(page),
                Err(failed) => after(&engine, form, request, Err(failed)).await,
            }
        }
        done => after(&engine, form, request, done.map(drop)).await,
    }
}

pub(super) async fn narrow(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let request = about(&engine, &id, &form).await?;
    let command = form.typed.parsed("digest").map(|digest| NarrowRequest {
        request,
        digest,
        length: form.typed.optional("length"),
        entitlement: form.typed.optional("entitlement"),
        starts_at: None,
    });
    then(&engine, form, request, command).await
}

pub(super) async fn deny(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let request = about(&engine, &id, &form).await?;
    let reason = form.typed.text("reason").to_owned();
    let digest = form.typed.parsed("digest");
    let command = digest.map(|digest| DenyRequest { request, digest, reason });
    then(&engine, form, request, command).await
}

/// Asks a question, or answers one.
pub(super) async fn say(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let request = about(&engine, &id, &form).await?;
    let text = form.typed.text("text").to_owned();
    if form.typed.has("answers") {
        let number = form.typed.parsed("answers");
        let answer = number.map(|number| AnswerQuestion { request, number, text });
        return then(&engine, form, request, answer).await;
    }
    then(&engine, form, request, Ok(AskQuestion { request, text })).await
}

pub(super) async fn withdraw(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let request = about(&engine, &id, &form).await?;
    then(&engine, form, request, Ok(WithdrawRequest { request })).await
}

/// Gives the review that an emergency owes.
pub(super) async fn review(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let request = about(&engine, &id, &form).await?;
    let note = form.typed.text("note").to_owned();
    let verdict = form.typed.word("verdict", "verdict of a review");
    let command = verdict.map(|verdict| ReviewEmergency { request, verdict, note });
    then(&engine, form, request, command).await
}

/// The evidence as a file. A form and no link: exporting writes a seal into the ledger.
pub(super) async fn evidence(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let request = about(&engine, &id, &form).await?;
    match evidence_of(&engine, form.actor, request).await {
        Ok(file) => Ok(file),
        Err(failed) => after(&engine, form, request, Err(failed)).await,
    }
}

pub(super) async fn evidence_of(
    engine: &Engine,
    actor: Actor,
    request: RequestId,
) -> Result<Response, Failed> {
    let json = engine.export_evidence(actor, request).await?;
    let about = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"evidence-{request}.json\"")),
    ];
    Ok((about, json).into_response())
}
