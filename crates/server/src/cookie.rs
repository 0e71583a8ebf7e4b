//! The cookie of a session: only the server that set it reads it, and no script does (RFC 6265).

use axum::http::{HeaderMap, HeaderValue, header};
use placet_domain::Timestamp;
use placet_engine::Secret;

const NAME: &str = "placet_session";
/// Browsers take this name from a secure page of the very host alone, for all of it (RFC 6265bis,
/// section 4.1.3).
const SECURE_NAME: &str = "__Host-placet_session";

/// Sets the cookie for as long as the session is good.
pub(crate) fn session(
    secret: &Secret,
    now: Timestamp,
    until: Timestamp,
    secure: bool,
) -> HeaderValue {
    let age = until.seconds_since(now);
    value(secret.reveal(), age, secure)
}

/// Takes it back.
pub(crate) fn cleared(secure: bool) -> HeaderValue {
    value("", 0, secure)
}

fn value(text: &str, age: u64, secure: bool) -> HeaderValue {
    let (name, also) = if secure { (SECURE_NAME, "; Secure") } else { (NAME, "") };
    let text = format!("{name}={text}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{also}");
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// The secret that a browser sends.
pub(crate) fn read(headers: &HeaderMap) -> Option<Secret> {
    let found = |wanted: &str| {
        let sent = headers.get_all(header::COOKIE).iter().filter_map(|one| one.to_str().ok());
        sent.flat_map(|one| one.split("; ")).find_map(|one| {
            let (name, text) = one.split_once('=')?;
            (name == wanted && !text.is_empty()).then(|| Secret::presented(text))
        })
    };
    found(SECURE_NAME).or_else(|| found(NAME))
}
