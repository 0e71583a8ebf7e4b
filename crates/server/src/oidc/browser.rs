//! Login in a browser: the authorization code flow with PKCE (RFC 7636), begun and finished in the
//! same browser. What the pages look like is not this file's business.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use placet_domain::Refusal;
use placet_engine::commands::login::Given;
use placet_engine::{Engine, Secret};
use serde::Deserialize;

use super::token::{Traded, code_word, equal, session};
use super::{Asked, Provider, refused};
use crate::cookie;
use crate::pending::fresh;
use crate::problem::Failed;
use crate::web;

/// Finds the login that began in this browser; sent back to `/login` alone.
const COOKIE: &str = "placet_login";
/// How long somebody may take at the provider.
const SECONDS: i64 = 10 * 60;

/// A login that began here. What binds it to the provider's answer never leaves this process but to
/// the provider.
#[derive(Clone)]
pub(super) struct Login {
    state: String,
    nonce: String,
    verifier: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(..)")
    }
}

/// What the provider sends the browser back with. It may say more; two of one are refused.
#[derive(Deserialize)]
pub(crate) struct Returned {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// A failure as whoever asked can read it: people get a page, programs a problem.
fn told(headers: &HeaderMap, failed: Failed) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|one| one.to_str().ok());
    if accepts.is_some_and(|one| one.contains("text/html")) {
        return web::Failed::outside(failed.0);
    }
    failed.into_response()
}

/// Sends the browser to the provider.
pub(crate) async fn start(
    State(engine): State<Engine>,
    headers: HeaderMap,
    asked: Asked,
) -> Response {
    begin(&engine, asked).await.unwrap_or_else(|failed| told(&headers, failed))
}

async fn begin(engine: &Engine, asked: Asked) -> Result<Response, Failed> {
    let Asked { provider, caller } = asked;
    provider.starts.count(caller, engine.steady())?;
    let metadata = provider.metadata(engine).await?;
    let login = Login { state: fresh(engine), nonce: fresh(engine), verifier: fresh(engine) };
    let verifier = PkceCodeVerifier::new(login.verifier.clone());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    let mut to = metadata.authorization_endpoint().url().clone();
    to.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", &provider.callback)
        .append_pair("scope", "openid")
        .append_pair("state", &login.state)
        .append_pair("nonce", &login.nonce)
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", challenge.method().as_str());
    let key = fresh(engine);
    let now = engine.steady();
    provider.logins.put(&Secret::presented(&key), login, now + SECONDS * 1_000_000, now)?;
    let kept = format!("{key}; Max-Age={SECONDS}");
    let kept = cookie::line(COOKIE, &kept, "/login", provider.secure);
    Ok(away(StatusCode::FOUND, to.as_str(), [kept]))
}

/// Takes back the browser that the provider sends, and lets in whom the provider says it is.
pub(crate) async fn callback(
    State(engine): State<Engine>,
    asked: Asked,
    headers: HeaderMap,
    returned: Result<Query<Returned>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let provider = &asked.provider;
    let forget = cookie::line(COOKIE, "; Max-Age=0", "/login", provider.secure);
    let unread = |_| Failed::from(refused("what came back with the browser cannot be read"));
    let given = match returned.map_err(unread) {
        Ok(Query(returned)) => finish(&engine, &asked, &headers, returned).await,
        Err(failed) => Err(failed),
    };
    match given {
        Ok(given) => {
            let session = cookie::session(&given.secret, given.expires_at, provider.secure);
            away(StatusCode::SEE_OTHER, "/", [session, forget])
        }
        // One try is all that a login has, so nothing is left of it.
        Err(failed) => {
            let mut response = told(&headers, failed);
            response.headers_mut().append(header::SET_COOKIE, forget);
            response.headers_mut().insert(header::REFERRER_POLICY, NO_REFERRER);
            response
        }
    }
}

async fn finish(
    engine: &Engine,
    asked: &Asked,
    headers: &HeaderMap,
    returned: Returned,
) -> Result<Given, Failed> {
    let provider = &asked.provider;
    let key = cookie::one(headers, COOKIE).map(Secret::presented);
    let login = key.and_then(|key| provider.logins.take(&key, engine.steady()));
    let login = login.ok_or_else(|| {
        refused("it did not begin in this browser, is over already, or took longer than 10 minutes")
    })?;
    if !returned.state.is_some_and(|state| equal(&state, &login.state)) {
        return Err(refused("it is not the login that began in this browser").into());
    }
    let metadata = provider.metadata(engine).await?;
    let names_itself =
        metadata.additional_metadata().authorization_response_iss_parameter_supported;
    same_issuer(provider, returned.iss.as_deref(), names_itself)?;
    if let Some(error) = returned.error {
        return Err(refused(format!("the provider answered `{}`", code_word(&error))).into());
    }
    let code = returned.code.ok_or_else(|| refused("the provider sent no code"))?;
    let traded = provider
        .trade(
            &metadata,
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", &provider.callback),
                ("code_verifier", &login.verifier),
            ],
        )
        .await?;
    match traded {
        Traded::IdToken(token) => {
            session(provider, engine, &metadata, &token, Some(&login.nonce)).await
        }
        Traded::No(error) => {
            tracing::warn!(issuer = %provider.issuer, %error, "a code was not traded");
            Err(refused(format!("the provider answered `{error}`")).into())
        }
    }
}

/// The answer is of the provider that was asked (RFC 9207): another one may know the browser's state.
fn same_issuer(provider: &Provider, given: Option<&str>, must: bool) -> Result<(), Refusal> {
    match given {
        Some(given) if given == provider.issuer.as_str() => Ok(()),
        None if !must => Ok(()),
        Some(_) => Err(refused("the answer is of another provider")),
        None => Err(refused("the answer does not say which provider it is of")),
    }
}

const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// Sends the browser elsewhere, with cookies. What stands in this address is for nobody else.
fn away<const N: usize>(status: StatusCode, to: &str, cookies: [HeaderValue; N]) -> Response {
    let Ok(to) = HeaderValue::from_str(to) else {
        return Failed::from(super::down("its address cannot be sent to a browser"))
            .into_response();
    };
    let mut response = status.into_response();
    let headers: [(HeaderName, HeaderValue); 2] =
        [(header::LOCATION, to), (header::REFERRER_POLICY, NO_REFERRER)];
    response.headers_mut().extend(headers);
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
