//! Tokens of programs, as those see them who answer for them. A secret is never among it.

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::credential::{Credential, TokenScope};
use placet_domain::id::CredentialId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Names, Page, Who};
use crate::Engine;
use crate::error::Error;

/// A token: whose it is, what for, and until when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenView {
    pub id: CredentialId,
    pub holder: Who,
    /// `valid`, `ended` or `expired`.
    pub state: &'static str,
    /// What it is good for; empty for one from before there were scopes, which is good for all of it.
    pub scopes: BTreeSet<TokenScope>,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// To the minute; none if it was never used.
    pub used_at: Option<Timestamp>,
}

impl Engine {
    /// Tokens of the actor and of the workloads that they own; `all` includes those that were ended.
    pub async fn tokens(
        &self,
        actor: Actor,
        all: bool,
        page: &Page,
    ) -> Result<Vec<TokenView>, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.tokens(reader.who, all, &page.into()).await?;
        let names = self.names(found.iter().map(|(one, _)| one.issued.holder).collect()).await?;
        let now = self.clock.now();
        let view = |(one, used): (Credential, Option<Timestamp>)| view(one, used, &names, now);
        Ok(found.into_iter().map(view).collect())
    }
}

fn view(one: Credential, used: Option<Timestamp>, names: &Names, now: Timestamp) -> TokenView {
    TokenView {
        id: one.issued.credential,
        holder: names.who(one.issued.holder),
        state: match one.ended_at {
            Some(_) => "ended",
            None if one.is_valid_at(now) => "valid",
            None => "expired",
        },
        expires_at: one.issued.expires_at,
        ended_at: one.ended_at,
        used_at: used,
        scopes: one.issued.scopes,
    }
}
