//! What the provider says about itself: its addresses and its keys (OpenID Connect Discovery 1.0),
//! kept for a while, and fetched anew when it signs with a key that is not known.

use std::pin::Pin;

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, DiscoveryError, HttpRequest, IssuerUrl, ProviderMetadata,
};
use placet_domain::Refusal;
use placet_domain::name::Issuer;
use placet_engine::Engine;
use serde::{Deserialize, Serialize};

use super::http::{Client, Unreachable};
use super::{Provider, down};

/// What other documents than Discovery let a provider say there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct More {
    /// It names itself in every answer (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Where a login by a device begins (RFC 8628).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
}

impl AdditionalProviderMetadata for More {}

pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// How long it is taken to be so.
const KEPT: i64 = 15 * 60 * 1_000_000;
/// How long nobody asks again after it could not be asked, or after new keys were fetched: who sends
/// tokens signed by keys that do not exist makes no calls of ours with them.
const AGAIN: i64 = 5 * 1_000_000;

/// What is known of it, and since when.
#[derive(Debug, Default)]
pub(super) struct Known {
    found: Option<(Metadata, i64)>,
    failed: Option<(Refusal, i64)>,
}

impl Provider {
    pub(super) async fn metadata(&self, engine: &Engine) -> Result<Metadata, Refusal> {
        self.known_since(engine, KEPT).await
    }

    /// As it is now, because a key is missing.
    pub(super) async fn fresh_metadata(&self, engine: &Engine) -> Result<Metadata, Refusal> {
        self.known_since(engine, AGAIN).await
    }

    /// One call at a time; the others wait for what it brings.
    async fn known_since(&self, engine: &Engine, longest: i64) -> Result<Metadata, Refusal> {
        let mut known = self.known.lock().await;
        let now = engine.steady();
        if let Some((metadata, at)) = &known.found
            && now - at < longest
        {
            return Ok(metadata.clone());
        }
        if let Some((refusal, at)) = &known.failed
            && now - at < AGAIN
        {
            return Err(refusal.clone());
        }
        match discover(self.client.clone(), self.issuer.clone()).await {
            Ok(metadata) => {
                *known = Known { found: Some((metadata.clone(), engine.steady())), failed: None };
                Ok(metadata)
            }
            Err(why) => {
                let refusal = down(why);
                known.failed = Some((refusal.clone(), engine.steady()));
                Err(refusal)
            }
        }
    }
}

/// Boxed, since the compiler does not see through the library's futures that they can be sent.
fn discover(client: Client, issuer: Issuer) -> Discovered {
    Box::pin(async move {
        let issuer = IssuerUrl::new(issuer.to_string()).map_err(|error| error.to_string())?;
        let caller = client.clone();
        let call = move |request: HttpRequest| {
            let client = caller.clone();
            async move { client.call(request).await }
        };
        let metadata = Metadata::discover_async(issuer, &call).await.map_err(|e| told(&e))?;
        // Browsers are sent there.
        client.may_call(metadata.authorization_endpoint().url())?;
        Ok(metadata)
    })
}

type Discovered = Pin<Box<dyn Future<Output = Result<Metadata, String>> + Send>>;

/// What went wrong in asking, without what was answered.
fn told(error: &DiscoveryError<Unreachable>) -> String {
    match error {
        DiscoveryError::Request(why) => why.to_string(),
        DiscoveryError::Response(status, _, _) => format!("it answered {status} about itself"),
        DiscoveryError::Validation(why) => format!("what it says about itself does not fit: {why}"),
        DiscoveryError::Parse(why) => format!("what it says about itself cannot be read: {why}"),
        _ => "what it says about itself cannot be used".to_owned(),
    }
}
