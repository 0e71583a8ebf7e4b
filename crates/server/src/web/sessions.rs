//! Sessions and tokens of whoever looks: what is open, ending one, and a new token, shown once.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::credential::TokenScope;
use placet_domain::id::CredentialId;
use placet_engine::commands::login::{IssueToken, RevokeToken};
use placet_engine::commands::session::EndSession;
use placet_engine::queries::{self, SessionView, TokenView, Who};
use placet_engine::{Engine, Error};

use super::failed::Failed;
use super::form::{Form, Refused, Typed};
use super::page::{self, Here, Page};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    page: Page,
    sessions: Vec<SessionView>,
    tokens: Vec<TokenView>,
    /// Who a new token may be for, beside whoever looks.
    workloads: Vec<Who>,
    typed: Typed,
    refused: Option<Refused>,
    /// The secret of a token that was made just now.
    secret: Option<String>,
}

impl SessionsPage {
    fn wrong(&self, field: &str) -> Option<&str> {
        let refused = self.refused.as_ref()?;
        (refused.field == field).then_some(refused.sentence.as_str())
    }

    fn said(&self, field: &str) -> &str {
        self.typed.text(field)
    }

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
        match self.typed.is_empty() {
            true => matches!(scope, "read" | "ask"),
            false => !self.typed.text(&format!("scope-{scope}")).is_empty(),
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
const ROWS: u32 = 20;

async fn shown(
    engine: &Engine,
    actor: Actor,
    typed: Typed,
    refused: Option<Refused>,
    secret: Option<String>,
) -> Result<Response, Failed> {
    let page = Page::of(engine, actor, Here::Me).await?;
    let rows = queries::Page { limit: Some(ROWS), after: None };
    let sessions = engine.sessions(actor, &rows).await?;
    let tokens = engine.tokens(actor, false, &rows).await?;
    let me = page.standing.who.id.to_string();
    let workloads = engine.identity(actor, &me).await.map(|one| one.workloads).unwrap_or_default();
    let status = match (&refused, &secret) {
        (Some(_), _) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, Some(_)) => StatusCode::CREATED,
        (None, None) => StatusCode::OK,
    };
    let shown = SessionsPage { page, sessions, tokens, workloads, typed, refused, secret };
    page::with_status(status, &shown)
}

pub(super) async fn page(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
) -> Result<Response, Failed> {
    shown(&engine, actor, Typed::default(), None, None).await
}

fn session(id: &str) -> Result<CredentialId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownSession { given: id.chars().take(64).collect() })
}

fn token(id: &str) -> Result<CredentialId, Refusal> {
    id.parse().map_err(|_| Refusal::UnknownToken { given: id.chars().take(64).collect() })
}

pub(super) async fn end(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, .. }: Form,
) -> Result<Response, Failed> {
    engine.run(actor, &EndSession { session: session(&id)? }).await?;
    Ok(Redirect::to("/sessions").into_response())
}

pub(super) async fn revoke(
    State(engine): State<Engine>,
    Path(id): Path<String>,
    Form { actor, .. }: Form,
) -> Result<Response, Failed> {
    engine.run(actor, &RevokeToken { token: token(&id)? }).await?;
    Ok(Redirect::to("/sessions").into_response())
}

/// Makes a token. Its secret is on the page that answers, and nowhere else.
pub(super) async fn make(
    State(engine): State<Engine>,
    Form { actor, typed }: Form,
) -> Result<Response, Failed> {
    let chosen = |scope: &TokenScope| !typed.text(&format!("scope-{}", scope.as_str())).is_empty();
    let scopes: BTreeSet<TokenScope> = TokenScope::ALL.into_iter().filter(chosen).collect();
    if scopes.is_empty() {
        let refused = Refused {
            field: "scopes",
            sentence: "a token that is good for nothing is not made".to_owned(),
            next: "choose what it is for".to_owned(),
        };
        return shown(&engine, actor, typed, Some(refused), None).await;
    }
    let command = IssueToken {
        holder: typed.optional("holder"),
        length: typed.text("length").to_owned(),
        scopes,
    };
    match engine.run(actor, &command).await {
        Ok(given) => {
            let secret = Some(given.secret.reveal().to_owned());
            shown(&engine, actor, Typed::default(), None, secret).await
        }
        Err(Error::Refused(refusal)) => {
            let field = match refusal.code() {
                "length_out_of_range" | "length_unreadable" => "length",
                "not_yours" | "unknown_identity" | "inactive_identity" => "holder",
                _ => "",
            };
            shown(&engine, actor, typed, Some(Refused::of(&refusal, field)), None).await
        }
        Err(error) => Err(error.into()),
    }
}
