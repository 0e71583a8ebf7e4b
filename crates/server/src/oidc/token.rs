//! What the provider says about people: a code is traded for an ID token (RFC 6749, section 4.1.3), and
//! the token is believed only after every check of OpenID Connect Core 1.0, section 3.1.3.7. How the
//! code came is not this file's business.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm as Alg};
use openidconnect::http::{self, header};
use openidconnect::url::form_urlencoded::{Serializer, byte_serialize};
use openidconnect::{
    ClaimsVerificationError, ClientId, HttpRequest, IdTokenVerifier, Nonce,
    SignatureVerificationError,
};
use placet_domain::Refusal;
use placet_domain::identity::Login;
use placet_engine::Engine;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::metadata::Metadata;
use super::{Provider, down, refused};

/// The signatures that are believed: those of keys that only the provider holds. Nothing unsigned,
/// and nothing signed with a secret that two sides know.
const BELIEVED: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];
/// How old a token may be, and how far ahead the provider's clock.
const OLDEST: TimeDelta = TimeDelta::minutes(10);
const AHEAD: TimeDelta = TimeDelta::minutes(2);

/// What the provider answers; what it gives beside the ID token is of no use here.
#[derive(Deserialize)]
struct Answer {
    id_token: Option<String>,
    error: Option<String>,
}

/// What came of asking for a token.
pub(super) enum Traded {
    IdToken(String),
    /// The provider's own code for why not.
    No(String),
}

impl Provider {
    /// Asks the provider's token endpoint, as the client that it knows.
    pub(super) async fn trade(
        &self,
        metadata: &Metadata,
        asked: &[(&str, &str)],
    ) -> Result<Traded, Refusal> {
        let endpoint = metadata.token_endpoint().ok_or_else(|| down("it gives no tokens"))?;
        let (status, body) = self.post(metadata, endpoint.as_str(), asked).await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| down(format!("it answered {status} and nothing that can be read")))?;
        match (status.is_success(), answer) {
            (true, Answer { id_token: Some(token), error: None }) => Ok(Traded::IdToken(token)),
            (_, Answer { error: Some(error), .. }) => Ok(Traded::No(code_word(&error))),
            (true, _) => Err(refused("the provider gave no ID token")),
            (false, _) => Err(down(format!("it answered {status}"))),
        }
    }

    /// A form to the provider, with what shows that Placet sends it.
    pub(super) async fn post(
        &self,
        metadata: &Metadata,
        to: &str,
        asked: &[(&str, &str)],
    ) -> Result<(http::StatusCode, Vec<u8>), Refusal> {
        let request =
            self.form(metadata, to, asked).map_err(|_| down("its address cannot be called"))?;
        let answer = self.client.call(request).await.map_err(|why| down(why.to_string()))?;
        Ok((answer.status(), answer.into_body()))
    }

    fn form(
        &self,
        metadata: &Metadata,
        to: &str,
        asked: &[(&str, &str)],
    ) -> Result<HttpRequest, http::Error> {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(asked);
        let mut request = http::Request::post(to)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        match &self.client_secret {
            Some(secret) if by_header(metadata) => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(&self.client_id), encoded(&secret.0));
                let basic = format!("Basic {}", STANDARD.encode(pair));
                request = request.header(header::AUTHORIZATION, basic);
            }
            Some(secret) => {
                form.extend_pairs([("client_id", self.client_id.as_str())]);
                form.extend_pairs([("client_secret", secret.0.as_str())]);
            }
            None => {
                form.extend_pairs([("client_id", self.client_id.as_str())]);
            }
        }
        request.body(form.finish().into_bytes())
    }

    /// Who an ID token says is there, if everything about it holds. `nonce` is what was sent along; a
    /// device sends none.
    pub(super) async fn believed(
        &self,
        engine: &Engine,
        metadata: &Metadata,
        token: &str,
        nonce: Option<&str>,
    ) -> Result<Login, Refusal> {
        let unread = |_| refused("the provider's ID token cannot be read");
        let token: CoreIdToken = token.parse().map_err(unread)?;
        let subject = match self.subject(engine, metadata, &token, nonce) {
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                // It may have a new key since it was last asked.
                let fresh = self.fresh_metadata(engine).await?;
                self.subject(engine, &fresh, &token, nonce)
            }
            result => result,
        };
        let subject = subject.map_err(|error| {
            tracing::warn!(issuer = %self.issuer, %error, "an ID token is not believed");
            refused(told(&error))
        })?;
        let unfit = |_| refused("the provider's name for you is no subject of OpenID Connect");
        Ok(Login { issuer: self.issuer.clone(), subject: subject.parse().map_err(unfit)? })
    }

    fn subject(
        &self,
        engine: &Engine,
        metadata: &Metadata,
        token: &CoreIdToken,
        nonce: Option<&str>,
    ) -> Result<String, ClaimsVerificationError> {
        let now = DateTime::from_timestamp_micros(engine.now().as_micros()).unwrap_or_default();
        let client = ClientId::new(self.client_id.clone());
        let keys = metadata.jwks().clone();
        let verifier = IdTokenVerifier::new_public_client(client, metadata.issuer().clone(), keys)
            .set_allowed_algs(BELIEVED)
            .set_time_fn(move || now)
            .set_issue_time_verifier_fn(move |at| in_time(at, now));
        let same = |given: Option<&Nonce>| match (nonce, given) {
            (Some(sent), Some(given)) if equal(sent, given.secret()) => Ok(()),
            (None, _) => Ok(()),
            _ => Err("it is not the one that was sent".to_owned()),
        };
        let claims = token.claims(&verifier, same)?;
        // The library leaves this one to its callers: a token that another client asked for.
        if claims.authorized_party().is_some_and(|party| **party != self.client_id) {
            return Err(ClaimsVerificationError::InvalidAudience("azp".to_owned()));
        }
        Ok(claims.subject().to_string())
    }
}

fn in_time(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), String> {
    match () {
        () if at > now + AHEAD => Err("it was issued in the future".to_owned()),
        () if at < now - OLDEST => Err("it was issued long ago".to_owned()),
        () => Ok(()),
    }
}

/// Whether two secrets are the same, without telling by the time it takes where they differ.
pub(super) fn equal(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

/// Whether the secret goes into a header: so it does unless the provider wants it otherwise.
fn by_header(metadata: &Metadata) -> bool {
    metadata.token_endpoint_auth_methods_supported().is_none_or(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            || !methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    })
}

/// An error code of the provider, or that it is none: what it answers is shown to people.
pub(super) fn code_word(given: &str) -> String {
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'_';
    match (1..=64).contains(&given.len()) && given.bytes().all(plain) {
        true => given.to_owned(),
        false => "something that is no error code".to_owned(),
    }
}

/// Why a token is not believed, without what stands in it.
fn told(error: &ClaimsVerificationError) -> String {
    use SignatureVerificationError as Signature;
    let what = match error {
        ClaimsVerificationError::Expired(_) => "has run out, or was not issued just now",
        ClaimsVerificationError::InvalidAudience(_) => "is for somebody else than Placet",
        ClaimsVerificationError::InvalidIssuer(_) => "is of another issuer",
        ClaimsVerificationError::InvalidNonce(_) => "does not belong to the login that began here",
        ClaimsVerificationError::SignatureVerification(
            Signature::NoSignature | Signature::DisallowedAlg(_) | Signature::UnsupportedAlg(_),
        ) => "is not signed in a way that is believed",
        ClaimsVerificationError::SignatureVerification(_) => "is not signed by the provider",
        _ => "does not hold",
    };
    format!("the provider's ID token {what}")
}

/// Shared by the routes: a token that is believed opens a session.
pub(super) async fn session(
    provider: &Arc<Provider>,
    engine: &Engine,
    metadata: &Metadata,
    token: &str,
    nonce: Option<&str>,
) -> Result<placet_engine::commands::login::Given, crate::problem::Failed> {
    let login = provider.believed(engine, metadata, token, nonce).await?;
    Ok(engine.log_in_by_provider(&login).await?)
}
