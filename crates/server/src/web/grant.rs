//! One grant: its life as a picture, approved beside observed, every entry, and the proof.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::GrantId;
use placet_engine::Engine;
use placet_engine::commands::end::{GiveBack, RevokeGrant};
use placet_engine::commands::extend::ExtendGrant;
use placet_engine::queries::{EntryView, LifeView, VerifiedView};

use super::address::Path;
use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::picture::{self, Picture};
use super::refused::{self, Refused};
use super::requests;
use super::show::{self, Digits, Spoken};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "grant.html")]
struct GrantPage {
    page: Page,
    life: LifeView,
    /// How many entries in the middle are left out.
    left_out: usize,
    picture: Picture,
    digits: Option<Digits>,
    verified: Option<VerifiedView>,
}

impl GrantPage {
    fn is_live(&self) -> bool {
        !matches!(self.life.grant.state, "ended" | "cancelled")
    }

    /// What became of it, in a sentence.
    fn sentence(&self) -> String {
        let grant = &self.life.grant;
        let approved =
            format!("Approved for {} on {}", grant.length, show::date(grant.approved_at));
        match (grant.state, &grant.gone, grant.first_seen_at) {
            ("active", ..) => format!("{approved}; seen there."),
            ("ended", Some(gone), Some(_)) => format!("{approved}; seen there, and {gone}."),
            ("ended", Some(gone), None) => format!("{approved}; {gone}."),
            (state, ..) => format!("{approved}; {}.", state.replace('_', " ")),
        }
    }

    fn clock(&self, entry: &EntryView) -> String {
        show::clock(entry.at)
    }

    fn exact(&self, entry: &EntryView) -> String {
        entry.at.to_string().get(..19).unwrap_or_default().to_owned()
    }

    fn spoken(&self, entry: &EntryView) -> Spoken {
        Spoken(show::cut(&entry.text, TOLD))
    }

    fn is_seen(&self, entry: &EntryView) -> bool {
        entry.tone == "seen"
    }
}

/// How many entries are shown of a long life: what is tried again and again fills thousands.
const FIRST: usize = 12;
const LAST: usize = 20;
/// How much is told of an entry, in bytes as they are served: more than ours say without what people wrote.
const TOLD: usize = 320;

fn named(id: &str) -> Result<GrantId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownGrant { given: id.chars().take(64).collect() })
}

async fn shown(
    engine: &Engine,
    actor: Actor,
    id: GrantId,
    verified: Option<VerifiedView>,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Mine).await?.with(refused);
    let mut life = engine.life(actor, id).await?;
    let left_out = life.entries.len().saturating_sub(FIRST + LAST);
    if left_out > 0 {
        life.entries.drain(FIRST..FIRST + left_out);
    }
    let picture = picture::draw(&life, page.now);
    let digits = life.request.as_ref().map(|request| Digits(request.digest.to_string()));
    let status = page.status();
    page::with_status(status, &GrantPage { page, life, left_out, picture, digits, verified })
}

/// The grant again, with why nothing was done about it.
async fn back(
    engine: &Engine,
    form: Form,
    grant: GrantId,
    error: impl Into<Failed>,
) -> Result<Response, Failed> {
    let actor = form.actor;
    let again = async |refused| shown(engine, actor, grant, None, Some(refused)).await;
    refused::back(error, form, again).await
}

/// What answers a form about a grant: the page at `to`, or the grant again.
async fn then<T>(
    engine: &Engine,
    form: Form,
    grant: GrantId,
    done: Result<T, impl Into<Failed>>,
    to: &str,
) -> Result<Response, Failed> {
    match done {
        Ok(_) => Ok(Redirect::to(to).into_response()),
        Err(error) => back(engine, form, grant, error).await,
    }
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failed> {
    shown(&engine, actor, named(&id)?, None, None).await
}

pub(super) async fn verify(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let grant = named(&id)?;
    match engine.verify_grant(form.actor, grant).await {
        Ok(verified) => shown(&engine, form.actor, grant, Some(verified), None).await,
        Err(error) => back(&engine, form, grant, error).await,
    }
}

/// The evidence as a file. A form and no link: exporting writes a seal into the ledger.
pub(super) async fn evidence(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let grant = named(&id)?;
    let request = engine.grant(form.actor, grant).await?.request;
    match requests::evidence_of(&engine, form.actor, request).await {
        Ok(file) => Ok(file),
        Err(failed) => back(&engine, form, grant, failed).await,
    }
}

pub(super) async fn give_back(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let grant = named(&id)?;
    let done = engine.run(form.actor, &GiveBack { grant }).await;
    then(&engine, form, grant, done, "/").await
}

pub(super) async fn revoke(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let grant = named(&id)?;
    let revoke = RevokeGrant { grant, note: form.typed.optional("note") };
    let done = engine.run(form.actor, &revoke).await;
    then(&engine, form, grant, done, &format!("/grants/{grant}")).await
}

/// Asks for it to go on. What is left empty is as it was.
pub(super) async fn extend(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let grant = named(&id)?;
    let before = engine.grant(form.actor, grant).await?;
    let length = form.typed.optional("length").unwrap_or(before.length);
    let justification = match form.typed.optional("justification") {
        Some(given) => given,
        None => engine.request(form.actor, before.request).await?.justification.unwrap_or_default(),
    };
    let sent = engine.run(form.actor, &ExtendGrant { grant, length, justification }).await;
    let to = sent.as_ref().map(|sent| format!("/requests/{}", sent.request)).unwrap_or_default();
    then(&engine, form, grant, sent, &to).await
}
