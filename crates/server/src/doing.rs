//! Calls that change something: who calls, and on what conditions. One that comes with an
//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) is done once, however often it is
//! sent, and answered alike for a day; one with `If-Match` (RFC 9110, section 13.1.1) is done only
//! while the record in its path is as its caller saw it. What holds them is in `engine`.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::id::Stream;
use placet_engine::{Conditions, Engine, Key};

use crate::auth::Known;
use crate::body::too_long;
use crate::problem::Failed;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says of an answer that it was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
pub(crate) const LONGEST_KEY: usize = 128;
/// The largest answer that is kept, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Somebody who changes something, and the engine under the conditions of their call.
#[derive(Debug)]
pub(crate) struct Doing {
    pub engine: Engine,
    pub actor: Actor,
}

/// Whether the record in the path of a route has a version that a caller can see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Versioned(pub bool);

/// A call that came with a key.
#[derive(Clone, Debug)]
struct Sent {
    key: String,
    /// Of the method, the address and the body.
    digest: Digest,
    /// Set once it is really carried out.
    by: Arc<OnceLock<(Engine, Actor, Key)>>,
}

impl FromRequestParts<Engine> for Doing {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Response> {
        let failed = |failed: Failed| failed.into_response();
        let Known(actor) = Known::from_request_parts(parts, engine).await.map_err(failed)?;
        let seen = seen(parts).await.map_err(failed)?;
        let sent = parts.extensions.get::<Sent>();
        let key = sent.zip(actor.identity()).map(|(Sent { key, digest, .. }, caller)| Key {
            caller,
            key: key.clone(),
            digest: *digest,
        });
        if let Some(key) = &key {
            let said = engine.answered(key).await.map_err(|error| failed(error.into()))?;
            if let Some((status, body)) = said {
                return Err(said_again(status, body));
            }
        }
        if let (Some(sent), Some(key)) = (sent, &key) {
            // Only one handler takes this call.
            let _ = sent.by.set((engine.clone(), actor, key.clone()));
        }
        Ok(Self { engine: engine.under(Conditions { seen, key }), actor })
    }
}

fn said_again(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let json = HeaderValue::from_static("application/json");
    let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The record in the path, and the version at which the caller saw it.
async fn seen(parts: &mut Parts) -> Result<Option<(Stream, u64)>, Failed> {
    let Some(given) = text(&parts.headers, &header::IF_MATCH)? else { return Ok(None) };
    let unreadable = |what: &str| Failed::from(Refusal::Unreadable { what: what.to_owned() });
    if !matches!(parts.extensions.get(), Some(Versioned(true))) {
        return Err(unreadable(
            "what this changes has no version, so `If-Match` says nothing here",
        ));
    }
    let Ok(Path(name)) = Path::<String>::from_request_parts(parts, &()).await else {
        return Ok(None);
    };
    // A path that names nothing is refused by whoever reads it.
    let Ok(stream) = name.parse::<Stream>() else { return Ok(None) };
    let tag = given.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let version = tag.and_then(|tag| tag.parse().ok());
    let version = version.ok_or_else(|| {
        unreadable("`If-Match` takes the one `ETag` that came with what you read, such as `\"7\"`")
    })?;
    Ok(Some((stream, version)))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Failed> {
    let mut all = headers.get_all(name).iter();
    let (first, second) = (all.next(), all.next());
    let Some(value) = first else { return Ok(None) };
    let once = value.to_str().ok().filter(|_| second.is_none()).map(str::trim);
    let what = format!("`{name}` is sent once, as plain text");
    Ok(Some(once.map(str::to_owned).ok_or(Refusal::Unreadable { what })?))
}

/// A key as it is sent: in quotes, as the draft has it, or bare.
fn key(headers: &HeaderMap) -> Result<Option<String>, Failed> {
    let Some(given) = text(headers, &KEY)? else { return Ok(None) };
    let bare = given.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&given);
    let fits = (1..=LONGEST_KEY).contains(&bare.len())
        && bare.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\`".contains(&byte));
    if fits {
        return Ok(Some(bare.to_owned()));
    }
    let what = format!("`{KEY}` has 1 to {LONGEST_KEY} visible characters, such as a UUID");
    Err(Refusal::Unreadable { what }.into())
}

/// Around a call that can be sent again under its key: keeps what it was answered.
pub(crate) async fn once(request: Request, next: Next) -> Response {
    let key = match key(request.headers()) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(failed) => return failed.into_response(),
    };
    let (mut parts, body) = request.into_parts();
    let bytes = match Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await {
        Ok(bytes) => bytes,
        Err(error) => return too_long(&error).into_response(),
    };
    let mut whole = format!("{} {}\n", parts.method, parts.uri).into_bytes();
    whole.extend_from_slice(&bytes);
    let sent = Sent { key, digest: Digest::of(&whole), by: Arc::default() };
    parts.extensions.insert(sent.clone());
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    match sent.by.get() {
        Some((engine, actor, key)) if response.status().is_success() => {
            kept(engine, *actor, key.clone(), response).await
        }
        // It was answered before, or nothing was done.
        _ => response,
    }
}

/// The answer, once it is kept. It goes out in any case: what was done was done.
async fn kept(engine: &Engine, actor: Actor, key: Key, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, LARGEST_ANSWER).await else {
        return Response::from_parts(parts, Body::empty());
    };
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let said = (parts.status.as_u16(), text.to_owned());
        if let Err(error) = engine.keep_answer(actor, key, said).await {
            tracing::warn!(%error, "the answer to a call with a key was not kept");
        }
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Around a call that takes no conditions: what a caller relies on is not passed over.
pub(crate) async fn without(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let given = [KEY, header::IF_MATCH].into_iter().find(|name| headers.contains_key(name));
    match given {
        None => next.run(request).await,
        Some(name) => {
            let what = format!("this call takes no `{name}`: leave it out");
            Failed::from(Refusal::Unreadable { what }).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], expect: Result<Option<&str>, ()>) {
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append(KEY, HeaderValue::from_str(value).unwrap());
        }
        let read = key(&headers).map_err(|_| ());
        assert_eq!(read.as_ref().map(Option::as_deref), expect.as_ref().copied(), "{given:?}");
    }

    #[test]
    fn a_key_is_one_short_visible_text() {
        check(&[], Ok(None));
        check(
            &["8e03978e-40d5-43e8-bc93-6894a57f9324"],
            Ok(Some("8e03978e-40d5-43e8-bc93-6894a57f9324")),
        );
        check(&["\"a b\""], Err(()));
        check(&["\"ab\""], Ok(Some("ab")));
        check(&["\"ab"], Err(()));
        check(&["ab", "cd"], Err(()));
        check(&[""], Err(()));
        check(&["\"\""], Err(()));
        check(&["a\u{e9}"], Err(()));
        check(&[&"k".repeat(128)], Ok(Some(&"k".repeat(128))));
        check(&[&"k".repeat(129)], Err(()));
    }
}
