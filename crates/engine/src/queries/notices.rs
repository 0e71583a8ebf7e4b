//! What I was told, and what could not be told to whom.

use placet_domain::access::Scope;
use placet_domain::actor::Actor;
use placet_domain::id::{NoticeId, Stream};
use placet_domain::{Refusal, Timestamp};
use placet_store::ShownNotice;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, Who};
use crate::Engine;
use crate::error::Error;
use crate::letters;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticeView {
    pub id: NoticeId,
    pub kind: &'static str,
    pub loud: bool,
    pub about: Stream,
    pub at: Timestamp,
    pub title: String,
    /// What it is about, as it is now.
    pub text: String,
    pub next: Option<String>,
    pub link: String,
}

/// A notice that was given up on a channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UndeliveredView {
    /// The notice and the channel: what a page goes on after.
    pub id: String,
    pub kind: &'static str,
    pub about: Stream,
    pub at: Timestamp,
    pub receiver: Who,
    pub channel: String,
    pub failures: u32,
    pub why: String,
}

impl Engine {
    /// What the reader was told, the newest first.
    pub async fn notices(&self, actor: Actor, page: &Page) -> Result<Vec<NoticeView>, Error> {
        let reader = self.reader(actor).await?;
        let mut out = Vec::new();
        for notice in self.store.notices(&reader, &page.into()).await? {
            out.push(self.notice_view(notice).await?);
        }
        Ok(out)
    }

    async fn notice_view(&self, notice: ShownNotice) -> Result<NoticeView, Error> {
        let words = self.words(&notice).await?;
        Ok(NoticeView {
            id: notice.id,
            kind: notice.kind.as_str(),
            loud: notice.kind.is_loud(),
            link: letters::link(&notice.about),
            about: notice.about,
            at: notice.at,
            title: words.subject,
            text: words.about,
            next: words.next,
        })
    }

    /// Notices that were given up, for those who may read everything.
    pub async fn undelivered(
        &self,
        actor: Actor,
        page: &Page,
    ) -> Result<Vec<UndeliveredView>, Error> {
        let reader = self.reader(actor).await?;
        if !reader.scopes.contains(&Scope::Everything) {
            let what = "listing the notices of everybody".to_owned();
            let why = "it takes the right to read everything".to_owned();
            return Err(Refusal::NotPermitted { what, why }.into());
        }
        let found = self.store.undelivered(&reader, &page.into()).await?;
        let names = self.names(found.iter().map(|one| one.notice.receiver).collect()).await?;
        let view = |one: placet_store::Undelivered| UndeliveredView {
            id: format!("{}/{}", one.notice.id, one.channel),
            kind: one.notice.kind.as_str(),
            about: one.notice.about,
            at: one.notice.at,
            receiver: names.who(one.notice.receiver),
            channel: one.channel,
            failures: one.failures,
            why: one.why,
        };
        Ok(found.into_iter().map(view).collect())
    }

    /// How many notices were given up. Needs no actor: whoever opens the data directory may know.
    pub async fn count_undelivered(&self) -> Result<u64, Error> {
        Ok(self.store.count_undelivered().await?)
    }
}
