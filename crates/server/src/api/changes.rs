//! Being told of changes (server-sent events, the HTML standard, section 9.2): which kinds of records
//! changed, never which ones. Whoever is told reads again what they show.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use placet_domain::Refusal;
use placet_engine::{Changed, Engine, Watch};

use crate::auth::Known;
use crate::problem::Failed;

/// How long there may be silence before a line says that it goes on. Whether whoever is told is still
/// there is looked at as often.
const SILENCE: Duration = Duration::from_secs(15);
/// The least time between two events: what changes meanwhile is told together.
const REST: Duration = Duration::from_millis(500);

/// Up to where they were told before, where a browser or a program comes back.
#[derive(Debug)]
pub(crate) struct LastEvent(Option<u64>);

impl<S: Sync> FromRequestParts<S> for LastEvent {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        let Some(given) = parts.headers.get("last-event-id") else { return Ok(Self(None)) };
        let known = given.to_str().ok().and_then(|text| text.parse().ok());
        let what = "`Last-Event-ID` is the `id` of the last event that came".to_owned();
        Ok(Self(Some(known.ok_or(Refusal::Unreadable { what })?)))
    }
}

impl LastEvent {
    pub(crate) fn known(&self) -> Option<u64> {
        self.0
    }
}

/// A proxy in front hands each event on as it comes (nginx asks for this by name).
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

pub(crate) type Changes =
    ([(HeaderName, &'static str); 1], Sse<BoxStream<'static, Result<Event, Infallible>>>);

pub(crate) async fn changes(
    State(engine): State<Engine>,
    Known(actor): Known,
    last: LastEvent,
) -> Result<Changes, Failed> {
    Ok(told(engine.watch(actor, last.known()).await?))
}

/// The events of a watch, for as long as whoever is told is there.
pub(crate) fn told(watch: Watch) -> Changes {
    let events = stream::unfold(watch, |mut watch| async move {
        let event = match tokio::time::timeout(SILENCE, watch.changed()).await {
            Err(_) => Event::default().comment("nothing changed"),
            Ok(Ok(Some(changed))) => event(&changed),
            Ok(Ok(None)) => return None,
            Ok(Err(error)) => {
                tracing::warn!(%error, "changes can no longer be told");
                return None;
            }
        };
        watch.must_still_be_there().await.ok()?;
        Some((Ok(event), watch))
    });
    let resting = events.then(|event| async move {
        tokio::time::sleep(REST).await;
        event
    });
    ([UNBUFFERED], Sse::new(resting.boxed()))
}

fn event(changed: &Changed) -> Event {
    let kinds: Vec<&str> = changed.kinds.iter().copied().collect();
    Event::default().event("changed").id(changed.entries.to_string()).data(kinds.join(" "))
}
