//! Cookies: how a browser carries a session, and how what it sends is read. Whose session it is, and
//! what it may do, is not decided here.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::fmt::rfc2822::DateTimePrinter;
use placet_domain::Timestamp;
use placet_engine::Secret;

const SESSION: &str = "placet_session";
/// Browsers take this name only over TLS, for this very host and for all of its paths.
const HOST_SESSION: &str = "__Host-placet_session";

/// Keeps a session in the browser until it ends.
pub(crate) fn session(secret: &Secret, until: Timestamp, secure: bool) -> HeaderValue {
    let until = jiff::Timestamp::from_microsecond(until.as_micros()).unwrap_or_default();
    let expires = DateTimePrinter::new().timestamp_to_rfc9110_string(&until).unwrap_or_default();
    let value = format!("{}; Expires={expires}", secret.reveal());
    line(session_name(secure), &value, "/", secure)
}

/// Lets the browser forget its session.
pub(crate) fn cleared(secure: bool) -> HeaderValue {
    line(session_name(secure), "; Max-Age=0", "/", secure)
}

/// The session that a browser sends. The name that only this host can set goes first.
pub(crate) fn read(headers: &HeaderMap) -> Option<Secret> {
    let given = one(headers, HOST_SESSION).or_else(|| one(headers, SESSION))?;
    Some(Secret::presented(given))
}

/// The value of a cookie. Two of one name came from two places, and nobody knows which is ours.
pub(crate) fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// A `Set-Cookie` line that no script can read and that no other site's form sends along.
pub(crate) fn line(name: &str, value: &str, path: &str, secure: bool) -> HeaderValue {
    let tail = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{tail}");
    // Names, secrets and dates are plain letters and digits.
    let mut line =
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("placet=none"));
    line.set_sensitive(true);
    line
}

fn session_name(secure: bool) -> &'static str {
    if secure { HOST_SESSION } else { SESSION }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_written_for_this_host_alone() {
        let secret = Secret::presented("placet_session_ab12");
        let until = "2026-11-25T21:04:05.5Z".parse().unwrap();
        let written = |secure| session(&secret, until, secure).to_str().unwrap().to_owned();
        assert_eq!(
            written(true),
            "__Host-placet_session=placet_session_ab12; Expires=Wed, 25 Nov 2026 21:04:05 GMT; \
             Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            written(false),
            "placet_session=placet_session_ab12; Expires=Wed, 25 Nov 2026 21:04:05 GMT; \
             Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            cleared(true).to_str().unwrap(),
            "__Host-placet_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(session(&secret, until, true).is_sensitive());
    }

    #[test]
    fn a_session_is_read_where_there_is_exactly_one() {
        let check = |lines: &[&str], expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            let found = read(&headers);
            assert_eq!(found.as_ref().map(Secret::reveal), expect, "{lines:?}");
        };
        check(&[], None);
        check(&["a=b; placet_session=x; c=d"], Some("x"));
        check(&["a=b", "placet_session=x"], Some("x"));
        check(&["__Host-placet_session=h; placet_session=x"], Some("h"));
        check(&["placet_session=x; placet_session=y"], None);
        check(&["xplacet_session=x"], None);
        check(&["placet_session"], None);
    }
}
