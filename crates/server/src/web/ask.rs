//! Ask: what is offered, the least privilege first; and the form, which shows what would come of it
//! before it is sent.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::actor::Actor;
use placet_engine::Engine;
use placet_engine::commands::submit::SubmitRequest;
use placet_engine::queries::{EntitlementView, OfferView, PreviewView, SoughtOffers};
use serde::Deserialize;

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::{Form, Typed};
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows;
use super::show;
use super::visitor::Visitor;

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Sought {
    #[serde(default)]
    q: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    privilege: String,
}

#[derive(Template)]
#[template(path = "ask.html")]
struct SearchPage {
    page: Page,
    sought: Sought,
    found: Vec<EntitlementView>,
    more: bool,
}

impl SearchPage {
    fn count(&self) -> String {
        let what = match self.found.len() {
            1 => "1 entitlement".to_owned(),
            n => format!("{n} entitlements"),
        };
        match (self.sought.q.trim(), self.found.len()) {
            ("", _) => what,
            (q, 1) => format!("{what} matches \u{201c}{q}\u{201d}"),
            (q, _) => format!("{what} match \u{201c}{q}\u{201d}"),
        }
    }
}

/// The most that are shown: the page stays small, and a search finds the rest.
const SHOWN: usize = 25;

pub(super) async fn search(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(sought): Query<Sought>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Ask).await?;
    let Sought { q, environment, privilege } = sought.clone();
    let fits = SoughtOffers { text: q, environment, privilege };
    // One more, which tells that there are more.
    let mut found = engine.offered(actor, &fits, SHOWN as u32 + 1).await?;
    let more = rows::trim(&mut found, SHOWN) > 0;
    page::shown(&SearchPage { page, sought, found, more })
}

#[derive(Template)]
#[template(path = "ask_form.html")]
struct FormPage {
    page: Page,
    offer: OfferView,
    preview: Option<PreviewView>,
    /// For which length the way is shown.
    length: String,
    /// What stands in the form: typed before, or named by the address.
    typed: Typed,
    /// What whoever asks holds beside what is shown of it.
    more_holds: usize,
}

/// How much is shown of what whoever asks holds.
const HOLDS: usize = 12;

impl FormPage {
    fn after_the_end(&self) -> String {
        show::after_the_end(self.offer.residual_seconds, self.offer.sessions)
    }

    fn said(&self, field: &str) -> &str {
        self.typed.text(field)
    }
}

fn asked(name: &str, typed: &Typed) -> SubmitRequest {
    SubmitRequest {
        receiver: typed.optional("receiver"),
        entitlement: name.to_owned(),
        length: typed.text("length").to_owned(),
        justification: typed.text("justification").to_owned(),
        reference: typed.optional("reference"),
        starts_at: typed.optional("starts_at"),
        ends_on: typed.text("ends_on").split_whitespace().map(str::to_owned).collect(),
        incident: typed.optional("incident"),
        ..SubmitRequest::default()
    }
}

async fn shown(
    engine: &Engine,
    actor: Actor,
    name: &str,
    typed: Typed,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Ask).await?.with(refused);
    let mut offer = engine.offer(actor, name).await?;
    let more_holds = rows::trim(&mut offer.holds, HOLDS);
    // As long as nothing is typed, the way is that of the longest grant that there is.
    let length = typed.optional("length").unwrap_or_else(|| offer.entitlement.longest.clone());
    let ask = SubmitRequest { length: length.clone(), ..asked(name, &typed) };
    let preview = match engine.preview(actor, ask).await {
        Ok(preview) => Some(preview),
        Err(placet_engine::Error::Refused(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let status = page.status();
    page::with_status(status, &FormPage { page, offer, preview, length, typed, more_holds })
}

pub(super) async fn form(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(name): Path<String>,
    Query(typed): Query<Vec<(String, String)>>,
) -> Result<Response, Failed> {
    shown(&engine, actor, &name, Typed::of(typed), None).await
}

pub(super) async fn send(
    State(engine): State<Engine>,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let (actor, typed) = (form.actor, form.typed.clone());
    match engine.run(actor, &asked(&name, &typed)).await {
        Ok(sent) => Ok(Redirect::to(&format!("/requests/{}", sent.request)).into_response()),
        Err(error) => {
            let again = async |refused| shown(&engine, actor, &name, typed, Some(refused)).await;
            refused::back(error, form, again).await
        }
    }
}
