//! One entitlement, and what would come of an ask for it: shown before it is sent.

use placet_connectors::Sessions;
use placet_domain::actor::Actor;
use placet_domain::entitlement::Entitlement;
use placet_domain::route::Route;
use placet_domain::{Refusal, Timestamp};
use placet_store::{Facts, Wanted};
use serde::Serialize;
use utoipa::ToSchema;

use super::catalogue::ObservedView;
use super::{EntitlementView, StageView, WaitedView};
use crate::Engine;
use crate::commands::preview::PreviewRequest;
use crate::commands::submit::SubmitRequest;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// An ask before it is sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// `people`, `pre_approved` or `break_glass`; none where policy has no way.
    pub route: Option<&'static str>,
    pub because: Vec<String>,
    pub stages: Vec<StageView>,
    /// Why it would be refused now, if so.
    pub refused: Option<RefusedView>,
}

/// A refusal that would come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RefusedView {
    pub code: &'static str,
    pub sentence: String,
    pub next: String,
}

/// Something that is held, and until when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HeldView {
    pub entitlement: String,
    pub until: Option<Timestamp>,
}

/// An entitlement, as one who is about to ask for it has to see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OfferView {
    #[serde(flatten)]
    pub entitlement: EntitlementView,
    /// What it really allows, in the target's own words, where it tells.
    pub allows: Option<String>,
    pub observed: ObservedView,
    pub residual_seconds: Option<u64>,
    /// What becomes of a session that is open then: `none`, `ended` or `go_on`.
    pub sessions: Option<&'static str>,
    /// What whoever asks holds already, and until when.
    pub holds: Vec<HeldView>,
    /// How long others waited for people to decide about it, the last times.
    pub waited: Option<WaitedView>,
}

/// Finds an entitlement by its name, or says which one may have been meant.
struct Find(String);

#[async_trait::async_trait]
impl Command for Find {
    type Output = Entitlement;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Entitlement, Error> {
        draft.entitlement_called(&self.0).await
    }
}

impl Engine {
    /// Thinks an ask through without sending it.
    pub async fn preview(&self, actor: Actor, asked: SubmitRequest) -> Result<PreviewView, Error> {
        self.thought_through(actor, PreviewRequest { asked, asker: None }).await
    }

    /// What would come of it if `who` asked for an entitlement: for those whom the reader may see. A
    /// workload of theirs asks for nothing by itself; they ask for it.
    pub async fn what_if(
        &self,
        actor: Actor,
        who: Option<String>,
        entitlement: String,
        length: String,
    ) -> Result<PreviewView, Error> {
        let reader = self.reader(actor).await?;
        let mut asked = SubmitRequest { entitlement, length, ..SubmitRequest::default() };
        let Some(who) = who else { return self.preview(actor, asked).await };
        let unknown = || Refusal::UnknownIdentity { given: who.chars().take(64).collect() };
        let id = self.identity_known_as(&who).await?.ok_or_else(unknown)?;
        let one = self.store.identity_for(&reader, id).await?.ok_or_else(unknown)?;
        let mine = one.owner() == Some(reader.who);
        let asker = (id != reader.who && !mine).then_some(id);
        asked.receiver = mine.then(|| id.to_string());
        self.thought_through(actor, PreviewRequest { asked, asker }).await
    }

    async fn thought_through(
        &self,
        actor: Actor,
        preview: PreviewRequest,
    ) -> Result<PreviewView, Error> {
        let found = self.run(actor, &preview).await?;
        let people = found.candidates.values().flatten().copied().collect();
        let names = self.named(Wanted { people, ..Wanted::default() }).await?;
        let (route, because, stages) = match &found.route {
            None => (None, Vec::new(), Vec::new()),
            Some(Route::PreApproved { because }) => {
                (Some("pre_approved"), because.clone(), Vec::new())
            }
            Some(Route::BreakGlass { because, .. }) => {
                (Some("break_glass"), because.clone(), Vec::new())
            }
            Some(Route::People { stages }) => (Some("people"), Vec::new(), stages.clone()),
        };
        let stage = |stage: &placet_domain::route::Stage| StageView {
            name: stage.name.to_string(),
            needed: stage.needed,
            approved_by: Vec::new(),
            waits_for: found
                .candidates
                .get(&stage.name)
                .into_iter()
                .flatten()
                .map(|id| names.who(*id))
                .collect(),
            because: stage.because.iter().map(|one| one.why.clone()).collect(),
            step_up: stage.step_up.map(|one| one.as_str()),
        };
        Ok(PreviewView {
            route,
            because: because.into_iter().map(|one| one.why).collect(),
            stages: stages.iter().map(stage).collect(),
            refused: found.refused.map(|one| RefusedView {
                code: one.code(),
                sentence: one.sentence(),
                next: one.next_step(),
            }),
        })
    }

    /// An entitlement by its name, with what there is to know before asking.
    pub async fn offer(&self, actor: Actor, name: &str) -> Result<OfferView, Error> {
        let reader = self.reader(actor).await?;
        let one = self.run(actor, &Find(name.to_owned())).await?;
        let terms = &one.terms;
        let held = self.store.holdings(reader.who, &mut Facts::default()).await?;
        let mut wanted = Wanted::default();
        wanted.people.insert(one.owner);
        wanted.targets.insert(terms.target);
        wanted.entitlements.extend(held.iter().map(|grant| grant.approved.entitlement));
        let names = self.named(wanted).await?;
        let connector =
            names.whole_target(terms.target).and_then(|target| self.connector(target).ok());
        let abilities = connector.map(|connector| connector.abilities());
        let allows = self.store.agreed_scope(terms.target, &terms.native).await?;
        let observed = self.store.last_look(terms.target).await?.into();
        let holds = held
            .iter()
            .map(|grant| HeldView {
                entitlement: names.entitlement(grant.approved.entitlement),
                until: grant.until,
            })
            .collect();
        Ok(OfferView {
            allows,
            observed,
            residual_seconds: abilities.map(|one| one.residual_seconds),
            sessions: abilities.map(|one| match one.sessions {
                Sessions::None => "none",
                Sessions::Ended => "ended",
                Sessions::GoOn => "go_on",
            }),
            holds,
            waited: self.waited(one.id).await?,
            entitlement: super::catalogue::view(one, &names),
        })
    }
}
