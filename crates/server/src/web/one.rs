//! One identity, entitlement or target: what is held, by whom, through which request, until when.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use placet_domain::actor::Actor;
use placet_engine::Engine;
use placet_engine::commands::answer::ReleaseBrake;
use placet_engine::queries::{GrantView, OfferView, OneIdentityView, OneTargetView, SoughtGrants};

use super::address::{Path, Query};
use super::failed::Failed;
use super::form::Form;
use super::page::{self, Here, Page};
use super::refused::{self, Refused};
use super::rows::{self, Rows, Shown};
use super::show;
use super::visitor::Visitor;

/// How many grants on a page, which stays small with them.
const ROWS: usize = 10;

/// How many of what may be granted on a target, and of the workloads that somebody answers for.
const OFFERS: usize = 10;
const WORKLOADS: usize = 15;

/// Grants of one thing, and where they go on.
struct Held {
    grants: Rows<GrantView>,
    all: bool,
    /// The address of the page itself.
    path: String,
}

impl Held {
    /// What is shown of it now.
    fn address(&self) -> String {
        if self.all { format!("{}?all=true", self.path) } else { self.path.clone() }
    }

    async fn of(
        engine: &Engine,
        actor: Actor,
        sought: SoughtGrants,
        shown: Shown,
        path: String,
    ) -> Result<Self, Failed> {
        let Shown { all, after } = shown;
        let rows = rows::asked(ROWS, after);
        let found = engine.sought_grants(actor, &sought, !all, &rows).await?;
        let grants = Rows::cut(found, ROWS, |one| one.id.to_string());
        Ok(Self { grants, all, path })
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
    let mut one = engine.identity(actor, &handle).await?;
    one.more_workloads |= rows::trim(&mut one.workloads, WORKLOADS) > 0;
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
    let more_offers = rows::trim(&mut one.entitlements, OFFERS) > 0;
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
    let released = engine.run(actor, &ReleaseBrake { target }).await;
    let rows = Shown::default();
    let again = async |refused| about(&engine, actor, &name, rows, Some(refused)).await;
    refused::then(released, &format!("/targets/{name}"), form, again).await
}
