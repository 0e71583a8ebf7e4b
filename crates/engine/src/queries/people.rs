//! Who I am, and who there is.

use std::collections::BTreeSet;

use placet_domain::access::Scope;
use placet_domain::actor::Actor;
use placet_domain::identity::{Identity, Nature};
use placet_domain::name::TeamName;
use placet_domain::{Refusal, Timestamp};
use placet_store::Facts;
use serde::Serialize;

use super::{Page, Who};
use crate::Engine;
use crate::error::Error;

/// The one who asks, and what they may read.
#[derive(Clone, Debug, Serialize)]
pub struct MeView {
    pub who: Who,
    pub kind: &'static str,
    /// `session` (may decide) or `token` (may ask, read and give back).
    pub by: &'static str,
    pub teams: BTreeSet<TeamName>,
    pub reads: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct IdentityView {
    #[serde(flatten)]
    pub who: Who,
    pub kind: &'static str,
    pub active: bool,
    /// Who answers for it: a workload's owner, a person's manager.
    pub answers: Option<Who>,
    pub purpose: Option<String>,
    pub contract_ends: Option<Timestamp>,
    pub teams: BTreeSet<TeamName>,
}

impl Engine {
    pub async fn me(&self, actor: Actor) -> Result<MeView, Error> {
        let reader = self.reader(actor).await?;
        let unknown = || Error::from(Refusal::NotAuthenticated {});
        let identity = self.store.load::<Identity>(reader.who, &mut Facts::default()).await?;
        let identity = identity.ok_or_else(unknown)?;
        let names = self.names(vec![reader.who]).await?;
        Ok(MeView {
            who: names.who(reader.who),
            kind: identity.kind().as_str(),
            by: if matches!(actor, Actor::Person { .. }) { "session" } else { "token" },
            teams: identity.teams,
            reads: reader.scopes.iter().map(|scope| scope.as_str()).collect(),
        })
    }

    /// Identities, for those who may read everything.
    pub async fn identities(&self, actor: Actor, page: &Page) -> Result<Vec<IdentityView>, Error> {
        let reader = self.reader(actor).await?;
        if !reader.scopes.contains(&Scope::Everything) {
            let what = "listing all identities".to_owned();
            let why = "it takes the right to read everything".to_owned();
            return Err(Refusal::NotPermitted { what, why }.into());
        }
        let identities = self.store.identities(&page.into()).await?;
        let answers = |one: &Identity| one.owner().or(one.manager());
        let ids = identities.iter().flat_map(|one| std::iter::once(one.id).chain(answers(one)));
        let names = self.names(ids.collect()).await?;
        let view = |one: Identity| {
            let (purpose, contract_ends) = match &one.is {
                Nature::Workload { purpose, .. } => (Some(purpose.clone()), None),
                Nature::Human { external, .. } => {
                    (None, external.as_ref().map(|external| external.contract_ends))
                }
            };
            IdentityView {
                who: names.who(one.id),
                kind: one.kind().as_str(),
                active: one.is_active_at(self.environment.now()),
                answers: answers(&one).map(|id| names.who(id)),
                purpose,
                contract_ends,
                teams: one.teams,
            }
        };
        Ok(identities.into_iter().map(view).collect())
    }
}
