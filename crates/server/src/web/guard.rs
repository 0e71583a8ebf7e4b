//! What changes something comes from our own pages: a form on another site that is sent here carries
//! the cookie of whoever visits that site.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Refuses what another site sent. Browsers say where a request comes from (Fetch Metadata,
/// `Sec-Fetch-Site`; RFC 6454, `Origin`), and no page can make them say otherwise.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_from_here(request.headers()) {
        return next.run(request).await;
    }
    let said = "this came from another site, so nothing was done; open Placet and do it there";
    (StatusCode::FORBIDDEN, said).into_response()
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    // Older browsers: the origin of the page, beside the host that they mean to talk to.
    let origin = text(header::ORIGIN.as_str());
    let from = origin.and_then(|one| one.split_once("://")).map(|(_, host)| host);
    from.is_some() && from == text(header::HOST.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[(&'static str, &'static str)], from_here: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap_or_else(|_| unreachable!("{value}")));
        }
        assert_eq!(is_from_here(&headers), from_here, "{given:?}");
    }

    #[test]
    fn only_our_own_pages_change_something() {
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "same-site"), ("origin", "http://a"), ("host", "a")], false);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(&[("origin", "http://placet:7400"), ("host", "placet:7400")], true);
        check(&[("origin", "http://placet:7401"), ("host", "placet:7400")], false);
        check(&[("origin", "null"), ("host", "placet")], false);
        check(&[("origin", "http://evil.example"), ("host", "placet")], false);
        check(&[("host", "placet")], false);
        check(&[], false);
    }
}
