//! Ask: what is offered, the least privilege first; and the form, which shows what would come of it
//! before it is sent.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_engine::Engine;
use placet_engine::commands::submit::SubmitRequest;
use placet_engine::queries::{self, EntitlementView, OfferView, PreviewView};
use serde::Deserialize;

use super::failed::Failed;
use super::form::{Form, Typed};
use super::page::{self, Here, Page};
use super::show;
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
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

/// The most entitlements that a search looks at and shows.
const LOOKED_AT: usize = 2_000;
const SHOWN: usize = 100;

/// Privilege and environment in the order of what they put at stake.
fn stake(one: &EntitlementView) -> (u8, u8, u8, String) {
    let privilege = match one.privilege {
        "read" => 0,
        "write" => 1,
        _ => 2,
    };
    let environment = u8::from(one.environment == "prod");
    (privilege, environment, one.sensitivity, one.name.clone())
}

pub(super) async fn search(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(sought): Query<Sought>,
) -> Result<Response, Failed> {
    let page = Page::of(&engine, actor, Here::Ask).await?;
    let words: Vec<String> =
        sought.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let fits = |one: &EntitlementView| {
        let text = format!("{} {} {}", one.name, one.target, one.scope).to_lowercase();
        !one.retired
            && words.iter().all(|word| text.contains(word))
            && (sought.environment.is_empty() || one.environment == sought.environment)
            && (sought.privilege.is_empty() || one.privilege == sought.privilege)
    };
    let mut found = Vec::new();
    let mut after = None;
    let mut looked_at = 0;
    loop {
        let next = queries::Page { limit: Some(200), after: after.take() };
        let some = engine.entitlements(actor, &next).await?;
        looked_at += some.len();
        after = some.last().map(|one| one.name.clone());
        found.extend(some.into_iter().filter(fits));
        if after.is_none() || looked_at >= LOOKED_AT {
            break;
        }
    }
    found.sort_by_cached_key(stake);
    let more = found.len() > SHOWN || after.is_some();
    found.truncate(SHOWN);
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
    typed: Typed,
    refused: Option<Refused>,
}

/// Why it was not sent, and beside which field.
struct Refused {
    field: &'static str,
    sentence: String,
    next: String,
}

impl FormPage {
    fn wrong(&self, field: &str) -> bool {
        self.refused.as_ref().is_some_and(|one| one.field == field)
    }

    fn after_the_end(&self) -> String {
        show::after_the_end(self.offer.residual_seconds, self.offer.sessions)
    }

    fn said(&self, field: &str) -> &str {
        self.typed.text(field)
    }
}

/// The field that a refusal is about.
fn field_of(refusal: &Refusal) -> &'static str {
    match refusal.code() {
        "over_limit" | "length_out_of_range" | "length_unreadable" => "length",
        "empty_justification" => "justification",
        "unknown_identity" | "inactive_identity" => "receiver",
        "ending_event_unreadable" => "ends_on",
        _ => "",
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
    let page = Page::of(engine, actor, Here::Ask).await?;
    let offer = engine.offer(actor, name).await?;
    // As long as nothing is typed, the way is that of the longest grant that there is.
    let length = typed.optional("length").unwrap_or_else(|| offer.entitlement.longest.clone());
    let ask = SubmitRequest { length: length.clone(), ..asked(name, &typed) };
    let preview = match engine.preview(actor, ask).await {
        Ok(preview) => Some(preview),
        Err(placet_engine::Error::Refused(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::with_status(status, &FormPage { page, offer, preview, length, typed, refused })
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
    Form { actor, typed }: Form,
) -> Result<Response, Failed> {
    match engine.run(actor, &asked(&name, &typed)).await {
        Ok(sent) => Ok(Redirect::to(&format!("/requests/{}", sent.request)).into_response()),
        Err(placet_engine::Error::Refused(refusal)) => {
            let refused = Refused {
                field: field_of(&refusal),
                sentence: refusal.sentence(),
                next: refusal.next_step(),
            };
            shown(&engine, actor, &name, typed, Some(refused)).await
        }
        Err(error) => Err(error.into()),
    }
}
