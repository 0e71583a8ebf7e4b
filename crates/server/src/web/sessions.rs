//! Sessions and tokens of whoever looks: what is open, ending one, and a new token, shown once.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::credential::TokenScope;
use placet_domain::id::CredentialId;
use placet_engine::Engine;
use placet_engine::commands::login::{IssueToken, RevokeToken};
use placet_engine::commands::session::EndSession;
use placet_engine::queries::{SessionView, TokenView, Who};
use serde::Deserialize;

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows::{self, Rows};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    page: Page,
    sessions: Rows<SessionView>,
    tokens: Rows<TokenView>,
    /// Who a new token may be for, beside whoever looks.
    workloads: Vec<Who>,
    /// There are more of them, which are found by their handles.
    more_workloads: bool,
    /// The secret of a token that was made just now.
    secret: Option<String>,
}

impl SessionsPage {
    /// The scopes, with what each is for.
    fn scopes(&self) -> [(&'static str, &'static str); 4] {
        [
            ("read", "read what its holder may read"),
            ("ask", "ask, extend, collect, give back, withdraw"),
            ("report", "say that something has ended elsewhere"),
            ("propose", "propose changes of the catalogue and of policy"),
        ]
    }

    /// As it was sent; reading and asking to begin with.
    fn is_chosen(&self, scope: &str) -> bool {
        let sent = self.page.form("/tokens");
        match sent.is_back() {
            false => matches!(scope, "read" | "ask"),
            true => sent.has_typed(&format!("scope-{scope}")),
        }
    }

    fn scopes_of(&self, token: &TokenView) -> String {
        if token.scopes.is_empty() {
            return "everything that a token may do".to_owned();
        }
        let names: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        names.join(", ")
    }
}

/// How many of each are shown.
const ROWS: usize = 15;

/// After which of each list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Parts {
    sessions: Option<String>,
    tokens: Option<String>,
}

async fn shown(
    engine: &Engine,
    actor: Actor,
    parts: Parts,
    refused: Option<Refused>,
    secret: Option<String>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Me).await?.with(refused);
    let found = engine.sessions(actor, &rows::asked(ROWS, parts.sessions)).await?;
    let sessions = Rows::cut(found, ROWS, |one| one.id.to_string());
    let found = engine.tokens(actor, false, &rows::asked(ROWS, parts.tokens)).await?;
    let tokens = Rows::cut(found, ROWS, |one| one.id.to_string());
    let me = page.standing.who.id.to_string();
    let owned = engine.identity(actor, &me).await.map(|one| (one.workloads, one.more_workloads));
    let (workloads, more_workloads) = owned.unwrap_or_default();
    let status = if secret.is_some() { StatusCode::CREATED } else { page.status() };
    let shown = SessionsPage { page, sessions, tokens, workloads, more_workloads, secret };
    page::with_status(status, &shown)
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Query(parts): Query<Parts>,
) -> Result<Response, Failed> {
    shown(&engine, actor, parts, None, None).await
}

fn session(id: &str) -> Result<CredentialId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownSession { given: id.chars().take(64).collect() })
}

fn token(id: &str) -> Result<CredentialId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownToken { given: id.chars().take(64).collect() })
}

/// The page again, after something was done or was not.
async fn after<T>(
    engine: &Engine,
    form: Form,
    done: Result<T, impl Into<Failed>>,
) -> Result<Response, Failed> {
    let actor = form.actor;
    let again = async |refused| shown(engine, actor, Parts::default(), Some(refused), None).await;
    refused::then(done, "/sessions", form, again).await
}

pub(super) async fn end(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let session = session(&id)?;
    let ended = engine.run(form.actor, &EndSession { session }).await;
    after(&engine, form, ended).await
}

pub(super) async fn revoke(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let token = token(&id)?;
    let revoked = engine.run(form.actor, &RevokeToken { token }).await;
    after(&engine, form, revoked).await
}

/// Makes a token. Its secret is on the page that answers, and nowhere else.
pub(super) async fn make(State(engine): State<Engine>, form: Form) -> Result<Response, Failed> {
    let typed = &form.typed;
    let chosen = |scope: &TokenScope| !typed.text(&format!("scope-{}", scope.as_str())).is_empty();
    let scopes: BTreeSet<TokenScope> = TokenScope::ALL.into_iter().filter(chosen).collect();
    // Elsewhere none means all of them; here it is somebody who took every tick away.
    if scopes.is_empty() {
        let nothing = Failed::at("scopes", "a token that is good for nothing is not made");
        return after::<()>(&engine, form, Err(nothing)).await;
    }
    let command = IssueToken {
        holder: typed.optional("holder"),
        length: typed.text("length").to_owned(),
        scopes,
    };
    match engine.run(form.actor, &command).await {
        Ok(given) => {
            let secret = Some(given.secret.reveal().to_owned());
            shown(&engine, form.actor, Parts::default(), None, secret).await
        }
        Err(error) => after::<()>(&engine, form, Err(error)).await,
    }
}
