//! The API: every route in one list, with what it needs and what it is for. One file for each topic;
//! the OpenAPI document is made of the list and of the types of the handlers.

mod access;
mod catalogue;
pub(crate) mod changes;
mod describe;
mod evidence;
mod findings;
mod governed;
mod lasting;
mod login;
mod notices;
mod openapi;
mod passkeys;
mod policy;
mod reference;
mod requests;
mod route;
mod work;

use std::sync::LazyLock;

use axum::Extension;
use axum::Router;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use placet_engine::Engine;

use crate::answer::Sealed;
use crate::auth::Needs;
use crate::doing::{self, Versioned};

pub use route::Route;

macro_rules! routes {
    ($($topic:literal {$(
        $(#[doc = $says:literal])+
        $method:literal $path:literal $needs:ident => $verb:ident($handler:path);
    )*})*) => {
        /// Every route, under `/api/v1`.
        pub const ROUTES: &[Route] = &[$($(Route {
            method: $method,
            path: $path,
            needs: Needs::$needs,
            topic: $topic,
            says: concat!($($says),+),
            handler: || $verb($handler),
            sketch: |into| describe::sketch(&$handler, into),
        },)*)*];
    };
}

routes! {
    "Logging in" {
        /// How Placet is: whether it grants, or only ends for now.
        "GET" "/health" Nothing => get(login::health);
        /// Trade a login code for a session; the session's secret is shown this once.
        "POST" "/login" Nothing => post(login::log_in);
        /// Begin a login on a command line, by the OpenID provider that is set (RFC 8628).
        "POST" "/login/device" Nothing => post(crate::oidc::device::start);
        /// Whether such a login is done; then its session's secret, shown this once.
        "POST" "/login/device/poll" Nothing => post(crate::oidc::device::poll);
        /// Begin a login by passkey: what the browser is asked, whoever it may be.
        "POST" "/login/passkey/options" Nothing => post(passkeys::to_log_in);
        /// Trade what a passkey signed for a session; the session's secret is shown this once.
        "POST" "/login/passkey" Nothing => post(passkeys::log_in);
        /// End the session or token that asks.
        "POST" "/logout" Itself => post(login::log_out);
        /// Who I am here, and what I may read.
        "GET" "/me" Itself => get(login::me);
        /// Give a named person a code with which they log in once; it is shown this once.
        "POST" "/login-codes" Session => post(login::issue_code);
        /// Give a program of mine, or a workload that I own, a token; it is shown this once.
        "POST" "/tokens" Session => post(login::issue_token);
        /// Tokens of mine and of workloads that I own, with their last use; without what was ended.
        "GET" "/tokens" Read => get(login::tokens);
        /// Sessions of mine that are open, the newest first.
        "GET" "/sessions" Read => get(login::sessions);
        /// End a session of mine, such as one that was left open elsewhere.
        "POST" "/sessions/{id}/end" Session => post(login::end_session);
        /// End a token of mine, or of a workload that I own, at once.
        "POST" "/tokens/{id}/revoke" Session => post(login::revoke_token);
    }
    "Passkeys" {
        /// My passkeys, those that are over too.
        "GET" "/passkeys" Session => get(passkeys::mine);
        /// Offered passkeys of others that wait for somebody like me to vouch for them.
        "GET" "/passkeys/waiting" Session => get(passkeys::waiting);
        /// Begin to add a passkey: what the browser is asked.
        "POST" "/passkeys/options" Session => post(passkeys::to_make);
        /// Offer a passkey that was made; it is good for nothing until somebody answers for it.
        "POST" "/passkeys" Session => post(passkeys::offer);
        /// Say that an offered passkey is its holder's; nobody vouches for themselves.
        "POST" "/passkeys/{id}/vouch" Session => post(passkeys::vouch);
        /// Begin to confirm an offered passkey of mine with another one: what the browser is asked.
        "POST" "/passkeys/{id}/options" Session => post(passkeys::to_confirm);
        /// Confirm an offered passkey of mine with what another one signed.
        "POST" "/passkeys/{id}/confirm" Session => post(passkeys::confirm);
        /// End a passkey of mine, or one for which I could vouch.
        "POST" "/passkeys/{id}/revoke" Session => post(passkeys::revoke);
        /// Begin to sign what I agree to: it stands in the request's trail before the browser is asked.
        "POST" "/requests/{id}/step-up" Session => post(passkeys::step_up);
    }
    "The catalogue" {
        /// People and workloads: all of them for those who may read everything; for others my
        /// workloads and who reports to me.
        "GET" "/identities" Read => get(catalogue::identities);
        /// One identity that I may see: myself, who reports to me, my workloads, or who holds what I own.
        "GET" "/identities/{handle}" Read => get(catalogue::identity);
        /// An identity has left: what it holds ends, and what it answered for passes on.
        "POST" "/identities/{handle}/deactivate" Session => post(catalogue::deactivate);
        /// What may be asked for, by name.
        "GET" "/entitlements" Read => get(catalogue::entitlements);
        /// What may be asked for and fits a search, the least privilege first; 200 at the most.
        "GET" "/offers" Read => get(catalogue::offers);
        /// One entitlement, with what there is to know before asking for it.
        "GET" "/entitlements/{name}" Read => get(catalogue::entitlement);
        /// Grant an entitlement no more.
        "POST" "/entitlements/{name}/retire" Session => post(catalogue::retire);
        /// Targets by name, with how fresh the knowledge of each is.
        "GET" "/targets" Read => get(catalogue::targets);
        /// One target, with what may be granted on it and what is not settled there.
        "GET" "/targets/{name}" Read => get(catalogue::target);
        /// How access stands, of everything or of what I own: ends, times, findings by age.
        "GET" "/overview" Read => get(catalogue::overview);
        /// Retire a target that carries no live grant.
        "POST" "/targets/{name}/retire" Session => post(governed::retire_target);
        /// What a catalogue would change; nothing is changed.
        "POST" "/catalogue/diff" Read => post(governed::diff);
        /// Proposed changes of the catalogue, the newest first.
        "GET" "/catalogue/proposals" Read => get(governed::proposals);
        /// Propose a change of the catalogue; what only narrows holds at once.
        "POST" "/catalogue/proposals" Propose => post(governed::propose);
        /// One proposed change, with all its differences.
        "GET" "/catalogue/proposals/{id}" Read => get(governed::show);
        /// Adopt what somebody else proposed.
        "POST" "/catalogue/proposals/{id}/adopt" Session => post(governed::adopt);
        /// Reject what somebody else proposed.
        "POST" "/catalogue/proposals/{id}/reject" Session => post(governed::reject);
        /// Withdraw what I proposed.
        "POST" "/catalogue/proposals/{id}/withdraw" Propose => post(governed::withdraw);
        /// What waits to be settled since somebody left.
        "GET" "/catalogue/handovers" Read => get(governed::handovers);
        /// Go on answering for what was handed over to me.
        "POST" "/catalogue/handovers/{id}/keep" Session => post(governed::keep);
        /// What follows from changes and is still being gone through.
        "GET" "/catalogue/upkeep" Read => get(governed::upkeep);
        /// Let a round go on that would end a great deal.
        "POST" "/catalogue/upkeep/{what}/release" Session => post(governed::release);
    }
    "Asking and deciding" {
        /// Requests that I may see and that fit, the newest first.
        "GET" "/requests" Read => get(requests::list);
        /// Ask for access.
        "POST" "/requests" Ask => post(requests::submit);
        /// What I hold, myself or through a workload of mine, and what I asked for; 200 of each at the
        /// most.
        "GET" "/mine" Read => get(requests::mine);
        /// What would come of an ask: its route and who would be asked, or the refusal. Nothing is
        /// written.
        "POST" "/requests/preview" Ask => post(requests::preview);
        /// A request, with everything that one who decides has to see.
        "GET" "/requests/{id}" Read => get(requests::show);
        /// What came before it: what the same asker asked for, and how long others waited.
        "GET" "/requests/{id}/before" Read => get(requests::before);
        /// Ask otherwise: a new revision of my open request.
        "POST" "/requests/{id}/revisions" Ask => post(requests::revise);
        /// Agree to exactly what was read, named by its digest.
        "POST" "/requests/{id}/approve" Session => post(requests::approve);
        /// Deny a request.
        "POST" "/requests/{id}/deny" Session => post(requests::deny);
        /// Withdraw my request.
        "POST" "/requests/{id}/withdraw" Ask => post(requests::withdraw);
        /// Withdraw my approval while the request is open.
        "POST" "/requests/{id}/withdraw-approval" Session => post(requests::withdraw_approval);
        /// Ask for several things at once, all or none.
        "POST" "/requests/together" Ask => post(lasting::file);
        /// Make a request ask for less, before agreeing to it.
        "POST" "/requests/{id}/narrow" Session => post(lasting::narrow);
        /// Ask a question about a request, or answer one.
        "POST" "/requests/{id}/questions" Ask => post(lasting::ask);
        /// Give the review that an emergency owes.
        "POST" "/requests/{id}/review" Session => post(lasting::review);
        /// Emergencies that owe a review which I may give.
        "GET" "/reviews" Read => get(lasting::reviews);
        /// Requests that wait for me, the oldest first.
        "GET" "/inbox" Read => get(requests::inbox);
        /// What I was told, the newest first.
        "GET" "/notices" Read => get(notices::mine);
        /// Notices that could not be delivered, for those who may read everything.
        "GET" "/notices/undelivered" Read => get(notices::undelivered);
        /// Delegations from me, to me, or that I may see.
        "GET" "/delegations" Read => get(lasting::delegations);
        /// Let another decide in my place until a day.
        "POST" "/delegations" Session => post(lasting::delegate);
        /// End a delegation from me or to me.
        "POST" "/delegations/{id}/end" Ask => post(lasting::end_delegation);
        /// Say that a ticket, an incident or a pipeline is over: what was granted for it ends.
        "POST" "/ending-events" Report => post(lasting::report_ending);
    }
    "Grants" {
        /// Grants that I may see and that fit, the newest first; without what is over.
        "GET" "/grants" Read => get(access::grants);
        /// Whether an identity may use an entitlement at this moment, for programs that ask each time.
        "GET" "/holding" Read => get(access::holding);
        /// One grant.
        "GET" "/grants/{id}" Read => get(access::grant);
        /// A grant's life: every entry of its trail, each proved to be in the signed ledger.
        "GET" "/grants/{id}/life" Read => get(access::life);
        /// Verify the evidence behind a grant here, with the ledger's own key.
        "POST" "/grants/{id}/verify" Read => post(access::verify);
        /// Hand in the public half for which a credential is issued.
        "POST" "/grants/{id}/collect" Ask => post(access::collect);
        /// End access that I hold or own.
        "POST" "/grants/{id}/give-back" Ask => post(access::give_back);
        /// End somebody else's access at once.
        "POST" "/grants/{id}/revoke" Session => post(access::revoke);
        /// Ask for more time: a request of its own.
        "POST" "/grants/{id}/extend" Ask => post(requests::extend);
    }
    "Work by hand" {
        /// Work orders for people: what is to be done by hand.
        "GET" "/work" Read => get(work::list);
        /// Say that a work order was carried out, and what shows it.
        "POST" "/work/{id}/carried-out" Session => post(work::carried_out);
        /// Send work back that was not done as it should be.
        "POST" "/work/{id}/return" Session => post(work::returned);
        /// Confirm what another carried out, by the same evidence.
        "POST" "/work/{id}/confirm" Session => post(work::confirmed);
    }
    "Findings" {
        /// Differences between what was approved and what was observed; without what is settled.
        "GET" "/findings" Read => get(findings::list);
        /// One finding.
        "GET" "/findings/{id}" Read => get(findings::show);
        /// Answer a finding with a request of its own.
        "POST" "/findings/{id}/answer" Ask => post(findings::answer);
        /// Order the removal of access that nobody approved.
        "POST" "/findings/{id}/remove" Session => post(findings::remove);
        /// Believe a look at a target that found a great deal at once.
        "POST" "/targets/{name}/release" Session => post(findings::release);
    }
    "Policy" {
        /// Which policy bundle rules, and which ones wait.
        "GET" "/policy" Read => get(policy::ruling);
        /// The rules of the ruling bundle in their own words, and what they decided lately.
        "GET" "/policy/rules" Read => get(policy::rules);
        /// What would come of it if somebody asked for something; nothing is written.
        "POST" "/policy/what-if" Read => post(policy::what_if);
        /// The files of a bundle.
        "GET" "/policy/bundles/{digest}" Read => get(policy::show);
        /// What a bundle would answer otherwise, of what is open and what is held.
        "GET" "/policy/bundles/{digest}/effects" Read => get(policy::effects);
        /// Propose a policy bundle.
        "POST" "/policy/bundles" Propose => post(policy::propose);
        /// Adopt a policy bundle that somebody else proposed.
        "POST" "/policy/bundles/{digest}/adopt" Session => post(policy::adopt);
    }
    "Evidence" {
        /// Evidence of a request, to be checked elsewhere.
        "POST" "/requests/{id}/evidence" Read => post(evidence::of_request);
        /// Evidence of the request behind a grant.
        "POST" "/grants/{id}/evidence" Read => post(evidence::of_grant);
        /// The signed checkpoint of the ledger (C2SP tlog-checkpoint).
        "GET" "/ledger/checkpoint" Read => get(evidence::checkpoint);
        /// The verifier key of the ledger (C2SP signed-note); get it from elsewhere as well.
        "GET" "/ledger/key" Nothing => get(evidence::key);
    }
    "Changes" {
        /// Be told when something changes: which kinds of records, as server-sent events.
        "GET" "/changes" Read => get(changes::changes);
    }
    "This document" {
        /// This API as an OpenAPI 3.1 document.
        "GET" "/openapi.json" Nothing => get(document);
        /// This API as a page for people, without scripts.
        "GET" "/reference" Nothing => get(reference_page);
    }
}

/// The document of all of it, and the same as a page: made once, since nothing in them changes while a
/// program runs.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi::text(ROUTES));
static REFERENCE: LazyLock<String> = LazyLock::new(|| reference::page(ROUTES));

async fn document() -> Sealed {
    Sealed(DOCUMENT.clone())
}

async fn reference_page() -> reference::Html {
    reference::Html(REFERENCE.as_str())
}

pub(crate) fn router() -> Router<Engine> {
    ROUTES.iter().fold(Router::new(), |router, route| {
        let handler = (route.handler)();
        let handler: MethodRouter<Engine> = match route.method {
            "GET" => handler,
            _ if route.sketched().once => {
                let once: MethodRouter<Engine> = handler.layer(middleware::from_fn(doing::once));
                once.layer(Extension(Versioned(route.is_versioned(ROUTES))))
            }
            _ => handler.layer(middleware::from_fn(doing::without)),
        };
        // What it needs goes with the call, to where it is found out who is there.
        router.route(route.path, handler.layer(Extension(route.needs)))
    })
}
