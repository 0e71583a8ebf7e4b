//! Open sessions of whoever looks. A secret is never among it.

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::id::{CredentialId, Stream};
use serde::Serialize;
use utoipa::ToSchema;

use super::Page;
use crate::Engine;
use crate::error::Error;

/// A session: since when, until when, and on whose word it was opened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionView {
    pub id: CredentialId,
    pub since: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// `code`, `provider`, `passkey`, or `other`.
    pub by: &'static str,
    /// The OpenID provider, if it was one.
    pub provider: Option<String>,
    /// Whether it is the one that asks.
    pub this: bool,
}

impl Engine {
    /// Sessions of the actor that are open, the newest first.
    pub async fn sessions(&self, actor: Actor, page: &Page) -> Result<Vec<SessionView>, Error> {
        let reader = self.reader(actor).await?;
        let found = self.store.open_sessions(reader.who, reader.at, &page.into()).await?;
        let streams: Vec<Stream> =
            found.iter().map(|one| Stream::Credential(one.issued.credential)).collect();
        let times = self.store.begun_and_changed(&streams).await?;
        let mine = match actor {
            Actor::Person { session, .. } => Some(session),
            _ => None,
        };
        let view = |one: placet_domain::credential::Credential| {
            let issued = one.issued;
            let since = times.get(&Stream::Credential(issued.credential));
            SessionView {
                id: issued.credential,
                since: since.map(|(first, _)| *first),
                expires_at: issued.expires_at,
                by: match (&issued.passkey, &issued.provider, &issued.opened_by) {
                    (Some(_), _, _) => "passkey",
                    (None, Some(_), _) => "provider",
                    (None, None, Some(_)) => "code",
                    (None, None, None) => "other",
                },
                provider: issued.provider.as_ref().map(ToString::to_string),
                this: mine == Some(issued.credential),
            }
        };
        Ok(found.into_iter().map(view).collect())
    }
}
