//! One identity, entitlement or target: what is held, by whom, through which request, until when.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use placet_domain::actor::Actor;
use placet_engine::Engine;
use placet_engine::commands::answer::ReleaseBrake;
use placet_engine::queries::{
    self, GrantView, OfferView, OneIdentityView, OneTargetView, SoughtGrants,
};
use serde::Deserialize;

use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::show;
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Shown {
    /// What is over as well.
    #[serde(default)]
    all: bool,
    after: Option<String>,
}

/// How many grants on a page, which stays small with them.
const ROWS: u32 = 10;

/// How many of what may be granted on a target.
const OFFERS: usize = 10;

/// Grants of one thing, and where they go on.
struct Held {
    grants: Vec<GrantView>,
    all: bool,
    /// The address of the page itself.
    path: String,
    next: Option<String>,
}

impl Held {
    async fn of(
        engine: &Engine,
        actor: Actor,
        sought: SoughtGrants,
        shown: Shown,
        path: String,
    ) -> Result<Self, Failed> {
        let Shown { all, after } = shown;
        let rows = queries::Page { limit: Some(ROWS), after };
        let grants = engine.sought_grants(actor, &sought, !all, &rows).await?;
        let full = grants.len() >= ROWS as usize;
        let next = grants.last().filter(|_| full).map(|last| last.id.to_string());
        Ok(Self { grants, all, path, next })
    }
}

#[derive(Template)]
#[template(path = "identity.html")]
struct IdentityPage {
    page: Page,
    one: OneIdentityView,
    held: Held,
}

pub(super) async fn identity(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(handle): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Failed> {
    let one = engine.identity(actor, &handle).await?;
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let who = &one.identity.who;
    let sought = SoughtGrants { receiver: Some(who.id.to_string()), ..SoughtGrants::default() };
    let path = format!("/identities/{}", page.at(who));
    let held = Held::of(&engine, actor, sought, shown, path).await?;
    page::shown(&IdentityPage { page, one, held })
}

#[derive(Template)]
#[template(path = "entitlement.html")]
struct EntitlementPage {
    page: Page,
    offer: OfferView,
    held: Held,
}

impl EntitlementPage {
    fn after_the_end(&self) -> String {
        show::after_the_end(self.offer.residual_seconds, self.offer.sessions)
    }
}

pub(super) async fn entitlement(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(name): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Failed> {
    let offer = engine.offer(actor, &name).await?;
    let page = Page::of(&engine, actor, Here::Catalogue).await?;
    let name = offer.entitlement.name.clone();
    let path = format!("/entitlements/{name}");
    let sought = SoughtGrants { entitlement: Some(name), ..SoughtGrants::default() };
    let held = Held::of(&engine, actor, sought, shown, path).await?;
    page::shown(&EntitlementPage { page, offer, held })
}

#[derive(Template)]
#[template(path = "target.html")]
struct TargetPage {
    page: Page,
    one: OneTargetView,
    /// There are more entitlements than are shown.
    more_offers: bool,
    held: Held,
}

async fn about(
    engine: &Engine,
    actor: Actor,
    name: &str,
    rows: Shown,
    refused: Option<Refused>,
) -> Result<Response, Failed> {
    let mut one = engine.target(actor, name).await?;
    let more_offers = one.entitlements.len() > OFFERS;
    one.entitlements.truncate(OFFERS);
    let page = Page::of(engine, actor, Here::Catalogue).await?.with(refused);
    let name = one.target.name.clone();
    let path = format!("/targets/{name}");
    let sought = SoughtGrants { target: Some(name), ..SoughtGrants::default() };
    let held = Held::of(engine, actor, sought, rows, path).await?;
    let status = page.status();
    page::with_status(status, &TargetPage { page, one, more_offers, held })
}

pub(super) async fn target(
    State(engine): State<Engine>,
    Visitor(actor): Visitor,
    Path(name): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Failed> {
    about(&engine, actor, &name, shown, None).await
}

/// Believes a look that found a great deal at once.
pub(super) async fn release(
    State(engine): State<Engine>,
    Path(target): Path<String>,
    form: Form,
) -> Result<Response, Failed> {
    let actor = form.actor;
    let name = engine.target(actor, &target).await?.target.name;
    match engine.run(actor, &ReleaseBrake { target }).await {
        Ok(_) => Ok(Redirect::to(&format!("/targets/{name}")).into_response()),
        Err(error) => {
            let rows = Shown::default();
            let again = async |refused| about(&engine, actor, &name, rows, Some(refused)).await;
            refused::back(error, form, again).await
        }
    }
}
