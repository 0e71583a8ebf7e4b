//! Passkeys in a browser: mine, those that I am asked to vouch for, and the pages on which the browser
//! is asked for one. Those need script; what they say is a field of an ordinary form.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::PasskeyId;
use placet_engine::Engine;
use placet_engine::commands::approve::ApproveRequest;
use placet_engine::commands::passkeys::{ConfirmPasskey, RevokePasskey, VouchPasskey};
use placet_engine::commands::step_up::{ApproveSigned, OpenStepUp};
use placet_engine::queries::PasskeyView;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::{Form, Typed};
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows::{self, Rows};
use super::show::{self, Digits};
use super::visitor::Visitor;
use crate::passkeys::{Asked, Passkeys};

/// A page on which the browser is asked for a passkey.
pub(super) type Asking = Result<Asked, crate::problem::Failed>;

/// The passkeys that are set up, or a page that says that there are none.
pub(super) fn set_up(asked: Asking) -> Result<Asked, Failed> {
    asked.map_err(|crate::problem::Failed(error)| error.into())
}

/// What a browser is asked, for the script of the page.
pub(super) fn options(options: &impl Serialize) -> Result<String, Failed> {
    let text = serde_json::to_string(options);
    Ok(text.map_err(|error| placet_engine::Error::Fault(error.to_string()))?)
}

/// What the script of the page put into the form.
pub(super) fn said<T: DeserializeOwned>(typed: &Typed) -> Result<T, Refusal> {
    let unreadable = |what: &str| Refusal::Unreadable { what: what.to_owned() };
    match typed.text("said") {
        "" => Err(unreadable("the browser said nothing: a passkey needs script in this page")),
        said => serde_json::from_str(said)
            .map_err(|_| unreadable("what the browser said cannot be read")),
    }
}

#[derive(Template)]
#[template(path = "passkeys.html")]
struct PasskeysPage {
    page: Page,
    mine: Rows<PasskeyView>,
    waiting: Rows<PasskeyView>,
    set_up: bool,
    /// Whether another one of theirs can answer for one that waits.
    can_confirm: bool,
}

/// How many of their own, which may be long over, and how many that wait.
const MINE: usize = 12;
const WAITING: usize = 10;

/// After which of each list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Parts {
    mine: Option<String>,
    waiting: Option<String>,
}

async fn shown(
    engine: &Engine,
    actor: Actor,
    asked: &Asking,
    parts: Parts,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Me).await?.with(refused);
    let found = engine.passkeys(actor, &rows::asked(MINE, parts.mine)).await?;
    let mine = Rows::cut(found, MINE, |one| one.id.to_string());
    let found = engine.passkeys_to_vouch(actor, &rows::asked(WAITING, parts.waiting)).await?;
    let waiting = Rows::cut(found, WAITING, |one| one.id.to_string());
    let can_confirm = match asked {
        Ok(asked) => {
            let me = page.standing.who.id;
            !engine.passkeys_for(me, Some(asked.passkeys.rp())).await?.is_empty()
        }
        Err(_) => false,
    };
    let set_up = asked.is_ok();
    let status = page.status();
    page::with_status(status, &PasskeysPage { page, mine, waiting, set_up, can_confirm })
}

pub(super) async fn list(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    asked: Asking,
    Query(parts): Query<Parts>,
) -> Result<Response, Failed> {
    shown(&engine, actor, &asked, parts, None).await
}

/// The list again, after something was done about one of them or was not.
async fn after<T>(
    engine: &Engine,
    asked: &Asking,
    form: Form,
    done: Result<T, impl Into<Failed>>,
) -> Result<Response, Failed> {
    let actor = form.actor;
    let again = async |refused| shown(engine, actor, asked, Parts::default(), Some(refused)).await;
    refused::then(done, "/passkeys", form, again).await
}

/// Where a passkey is made, or signs.
#[derive(Template)]
#[template(path = "passkey.html")]
struct PasskeyPage {
    page: Page,
    title: &'static str,
    /// `make` or `sign`.
    way: &'static str,
    options: String,
    /// Where the answer goes, and what goes with it.
    to: String,
    digest: Option<Digits>,
    /// What is agreed to, in words.
    says: Option<String>,
    hidden: Option<String>,
    back: String,
}

/// The page on which the browser makes one.
async fn making(
    engine: &Engine,
    asked: &Asked,
    actor: Actor,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let to_make = asked.to_make(engine, actor).await?;
    let page = Page::of(engine, actor, Here::Me).await?.with(refused);
    let status = page.status();
    let page = PasskeyPage {
        page,
        title: "Add a passkey",
        way: "make",
        options: options(&to_make)?,
        to: "/passkeys".to_owned(),
        digest: None,
        says: None,
        hidden: None,
        back: "/passkeys".to_owned(),
    };
    page::with_status(status, &page)
}

pub(super) async fn make(
    State(engine): State<Engine>,
    asked: Asking,
    form: Form,
) -> Result<Response, Failed> {
    let asked = set_up(asked)?;
    match making(&engine, &asked, form.actor, None).await {
        Err(failed) => after::<()>(&engine, &Ok(asked), form, Err(failed)).await,
        page => page,
    }
}

pub(super) async fn offer(
    State(engine): State<Engine>,
    asked: Asking,
    form: Form,
) -> Result<Response, Failed> {
    let asked = set_up(asked)?;
    let name = form.typed.text("name").to_owned();
    let offered = match said(&form.typed) {
        Ok(made) => asked.offer(&engine, form.actor, made, name).await,
        Err(refusal) => Err(refusal.into()),
    };
    let actor = form.actor;
    let again = async |refused| making(&engine, &asked, actor, Some(refused)).await;
    refused::then(offered, "/passkeys", form, again).await
}

fn named(id: &str) -> Result<PasskeyId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownPasskey { given: id.chars().take(64).collect() })
}

pub(super) async fn vouch(
    State(engine): State<Engine>,
    asked: Asking,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let vouch = VouchPasskey { passkey: named(&id)? };
    let done = engine.run(form.actor, &vouch).await;
    after(&engine, &asked, form, done).await
}

pub(super) async fn revoke(
    State(engine): State<Engine>,
    asked: Asking,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let revoke = RevokePasskey { passkey: named(&id)? };
    let done = engine.run(form.actor, &revoke).await;
    after(&engine, &asked, form, done).await
}

/// Without an answer the page that asks for one; with it, what it is for.
pub(super) async fn confirm(
    State(engine): State<Engine>,
    asked: Asking,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let passkey = named(&id)?;
    if form.typed.has("asked") {
        let done = match said(&form.typed) {
            Ok(signed) => engine.run(form.actor, &ConfirmPasskey { passkey, signed }).await,
            Err(refusal) => Err(refusal.into()),
        };
        return after(&engine, &asked, form, done).await;
    }
    let asked = set_up(asked)?;
    match confirming(&engine, &asked, form.actor, passkey).await {
        Err(failed) => after::<()>(&engine, &Ok(asked), form, Err(failed)).await,
        page => page,
    }
}

/// The page on which another passkey of theirs answers for a new one.
async fn confirming(
    engine: &Engine,
    asked: &Asked,
    actor: Actor,
    passkey: PasskeyId,
) -> Result<Response, Failed> {
    let to = engine.passkey_to_confirm(actor, passkey, asked.passkeys.rp()).await?;
    let new = engine.passkey(actor, passkey).await?;
    page::shown(&PasskeyPage {
        page: Page::of(engine, actor, Here::Me).await?,
        title: "Confirm your new passkey",
        way: "sign",
        options: options(&asked.passkeys.to_sign(to.challenge, to.credentials))?,
        to: format!("/passkeys/{passkey}/confirm"),
        digest: Some(Digits(new.fingerprint.to_string())),
        says: None,
        hidden: None,
        back: "/passkeys".to_owned(),
    })
}

/// The page on which somebody signs what they agree to. That they are about to stands in the trail
/// before they see it.
pub(super) async fn to_agree(
    engine: &Engine,
    passkeys: &Passkeys,
    form: &Form,
    ApproveRequest { request, digest, .. }: ApproveRequest,
) -> Result<Response, Failed> {
    let asked = engine.request(form.actor, request).await?;
    let says = format!(
        "{} asks for `{}`, for {}",
        show::called(&asked.requester),
        asked.entitlement,
        asked.length
    );
    let rp = passkeys.rp().clone();
    let to = engine.run(form.actor, &OpenStepUp { request, digest, rp }).await?;
    let page = PasskeyPage {
        page: Page::of(engine, form.actor, Here::Decide).await?,
        title: "Sign what you agree to",
        way: "sign",
        options: options(&passkeys.to_sign(to.challenge, to.credentials))?,
        to: format!("/requests/{request}/approve"),
        digest: Some(Digits(digest.to_string())),
        says: Some(says),
        hidden: Some(digest.to_string()),
        back: format!("/requests/{request}"),
    };
    page::with_status(StatusCode::OK, &page)
}

/// The agreement, with what was signed.
pub(super) fn agreed(
    form: &Form,
    approve: ApproveRequest,
    asked: Asked,
) -> Result<ApproveSigned, Refusal> {
    let rp = asked.passkeys.rp().clone();
    Ok(ApproveSigned { approve, signed: said(&form.typed)?, rp })
}
