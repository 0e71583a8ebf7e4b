//! The pages: what people see and press in a browser. They work without script; htmx makes them
//! quicker. One file for each topic, its templates in `templates/`.
//!
//! Here does not belong: anything that the API does not also offer, a rule, or a decision about who
//! may what. A page shows what `engine` answered for whoever looks, and nothing else.

mod address;
mod ask;
mod assets;
mod catalogue;
mod changes;
mod delegations;
mod failed;
mod findings;
mod form;
mod grant;
mod guard;
mod history;
mod login;
mod mine;
mod one;
mod overview;
mod page;
mod passkeys;
mod picture;
mod plots;
mod policy;
mod proposals;
mod provider;
mod refused;
mod requests;
mod risk;
mod rows;
mod sessions;
mod show;
mod visitor;
mod ways;
mod work;

use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use placet_engine::Engine;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::auth::Needs;

/// A page, or what a form on one is sent to.
#[derive(Clone, Copy, Debug)]
pub struct WebRoute {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
    /// What a form may say; another field is refused.
    pub fields: &'static [&'static str],
    handler: fn() -> MethodRouter<Engine>,
}

macro_rules! pages {
    ($($method:literal $path:literal $needs:ident $([$($field:literal)*])? =>
        $verb:ident($handler:path);)*) => {
        /// Every page and form.
        pub const PAGES: &[WebRoute] = &[$(WebRoute {
            method: $method,
            path: $path,
            needs: Needs::$needs,
            fields: &[$($($field),*)?],
            handler: || $verb($handler),
        }),*];
    };
}

pages! {
    "GET" "/assets/{file}" Nothing => get(assets::file);
    "GET" "/changes" Session => get(changes::changes);
    "GET" "/login" Nothing => get(login::page);
    "POST" "/login" Nothing ["code" "to" "kept" "said" "asked"] => post(login::log_in);
    "POST" "/login/passkey" Nothing ["to" "kept"] => post(login::by_passkey);
    "GET" "/login/provider" Nothing => get(provider::start);
    "POST" "/login/provider" Nothing ["to" "kept"] => post(provider::start_with);
    "GET" "/login/callback" Nothing => get(provider::callback);
    "POST" "/logout" Session => post(login::log_out);

    "GET" "/passkeys" Session => get(passkeys::list);
    "POST" "/passkeys" Session ["name" "said" "asked"] => post(passkeys::offer);
    "POST" "/passkeys/new" Session => post(passkeys::make);
    "POST" "/passkeys/{id}/vouch" Session => post(passkeys::vouch);
    "POST" "/passkeys/{id}/confirm" Session ["said" "asked"] => post(passkeys::confirm);
    "POST" "/passkeys/{id}/revoke" Session => post(passkeys::revoke);

    "GET" "/" Session => get(mine::page);
    "GET" "/ask" Session => get(ask::search);
    "GET" "/ask/{entitlement}" Session => get(ask::form);
    "POST" "/ask/{entitlement}" Session ["length" "receiver" "justification" "reference" "ends_on" "starts_at" "incident"] => post(ask::send);

    "GET" "/decide" Session => get(requests::inbox);
    "GET" "/requests/{id}" Session => get(requests::page);
    "POST" "/requests/{id}/approve" Session ["digest" "said" "asked"] => post(requests::approve);
    "POST" "/requests/{id}/narrow" Session ["digest" "length" "entitlement"] => post(requests::narrow);
    "POST" "/requests/{id}/deny" Session ["digest" "reason"] => post(requests::deny);
    "POST" "/requests/{id}/say" Session ["text" "answers"] => post(requests::say);
    "POST" "/requests/{id}/withdraw" Session => post(requests::withdraw);
    "POST" "/requests/{id}/review" Session ["verdict" "note"] => post(requests::review);
    "POST" "/requests/{id}/evidence" Session => post(requests::evidence);

    "GET" "/grants/{id}" Session => get(grant::page);
    "POST" "/grants/{id}/give-back" Session => post(grant::give_back);
    "POST" "/grants/{id}/extend" Session ["length" "justification"] => post(grant::extend);
    "POST" "/grants/{id}/revoke" Session ["note"] => post(grant::revoke);
    "POST" "/grants/{id}/verify" Session => post(grant::verify);
    "POST" "/grants/{id}/evidence" Session => post(grant::evidence);

    "GET" "/findings" Session => get(findings::list);
    "GET" "/findings/{id}" Session => get(findings::page);
    "POST" "/findings/{id}/remove" Session => post(findings::remove);
    "POST" "/findings/{id}/answer" Session ["answer" "length" "receiver" "justification"] => post(findings::answer);

    "GET" "/history" Session => get(history::page);
    "GET" "/history/export" Session => get(history::export);

    "GET" "/targets" Session => get(catalogue::targets);
    "GET" "/targets/{name}" Session => get(one::target);
    "POST" "/targets/{name}/release" Session => post(one::release);
    "GET" "/identities" Session => get(catalogue::identities);
    "GET" "/identities/{handle}" Session => get(one::identity);
    "GET" "/entitlements/{entitlement}" Session => get(one::entitlement);
    "GET" "/policy" Session => get(policy::page);
    "GET" "/overview" Session => get(overview::page);
    "GET" "/proposals" Session => get(proposals::proposals);
    "GET" "/proposals/{id}" Session => get(proposals::proposal);
    "POST" "/proposals/{id}/adopt" Session => post(proposals::adopt);
    "POST" "/proposals/{id}/reject" Session ["reason"] => post(proposals::reject);
    "POST" "/proposals/{id}/withdraw" Session => post(proposals::withdraw);
    "GET" "/handovers" Session => get(proposals::handovers);
    "POST" "/handovers/{id}/keep" Session => post(proposals::keep);

    "GET" "/work" Session => get(work::list);
    "POST" "/work/{id}/carried-out" Session ["evidence" "note"] => post(work::carried_out);
    "POST" "/work/{id}/return" Session ["why"] => post(work::returned);
    "POST" "/work/{id}/confirm" Session ["evidence"] => post(work::confirmed);

    "GET" "/sessions" Session => get(sessions::page);
    "POST" "/sessions/{id}/end" Session => post(sessions::end);
    "POST" "/tokens" Session ["holder" "length" "scope-read" "scope-ask" "scope-report" "scope-propose"] => post(sessions::make);
    "POST" "/tokens/{id}/revoke" Session => post(sessions::revoke);
    "GET" "/delegations" Session => get(delegations::page);
    "POST" "/delegations" Session ["to" "from" "until"] => post(delegations::make);
    "POST" "/delegations/{id}/end" Session => post(delegations::end);
}

/// Nothing but our own files, no script or style in a page, nobody's frame.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

pub(crate) fn router() -> Router<Engine> {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    PAGES
        .iter()
        .fold(Router::new(), |router, page| {
            let fields = Extension(form::Fields(page.fields));
            router.route(page.path, (page.handler)().layer(fields))
        })
        .layer(middleware::from_fn(guard::same_origin))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .layer(fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
}
