//! Login in a browser: the authorization code flow with PKCE (RFC 7636), begun and finished in the
//! same browser. What the pages look like is not this file's business.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, HeaderValue};
use openidconnect::url::Url;
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use placet_domain::Refusal;
use placet_engine::commands::login::Given;
use placet_engine::{Engine, Secret};
use serde::Deserialize;

use super::token::{Traded, code_word, equal, session};
use super::{Asked, Provider, refused};
use crate::carried::Carried;
use crate::cookie;
use crate::pending::fresh;
use crate::problem::Failed;

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
    carried: Carried,
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

/// Begins a login: where the browser is to go, and the cookie by which it is known again.
pub(crate) async fn begin(
    engine: &Engine,
    asked: Asked,
    carried: Carried,
) -> Result<(Url, HeaderValue), Failed> {
    let Asked { provider, caller } = asked;
    provider.starts.count(caller, engine.steady())?;
    let metadata = provider.metadata(engine).await?;
    let login = Login {
        state: fresh(engine),
        nonce: fresh(engine),
        verifier: fresh(engine),
        carried: carried.bounded()?,
    };
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
    Ok((to, kept))
}

/// Takes back the browser that the provider sends, and lets in whom the provider says it is. One try is
/// all that a login has: what found it is forgotten, whatever comes of it.
pub(crate) async fn take_back(
    engine: &Engine,
    asked: &Asked,
    headers: &HeaderMap,
    returned: Result<Query<Returned>, QueryRejection>,
) -> (Result<(Given, Carried), Failed>, HeaderValue) {
    let provider = &asked.provider;
    let forget = cookie::line(COOKIE, "; Max-Age=0", "/login", provider.secure);
    let unread = |_| Failed::from(refused("what came back with the browser cannot be read"));
    let given = match returned.map_err(unread) {
        Ok(Query(returned)) => finish(engine, asked, headers, returned).await,
        Err(failed) => Err(failed),
    };
    (given, forget)
}

async fn finish(
    engine: &Engine,
    asked: &Asked,
    headers: &HeaderMap,
    returned: Returned,
) -> Result<(Given, Carried), Failed> {
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
            let nonce = Some(login.nonce.as_str());
            Ok((session(provider, engine, &metadata, &token, nonce).await?, login.carried))
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
