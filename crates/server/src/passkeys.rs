//! Passkeys in browsers (Web Authentication): for which host they are, what a browser is asked, and
//! what was asked and waits for its answer. Whose a passkey is and whether it counts is not decided
//! here.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use openidconnect::url::Url;
use placet_domain::Refusal;
use placet_domain::actor::Actor;
use placet_domain::id::CredentialId;
use placet_domain::name::RpId;
use placet_domain::passkey::{Bytes, Challenge};
use placet_engine::commands::login::Given;
use placet_engine::commands::passkeys::{MadePasskey, OfferPasskey, SignedByPasskey};
use placet_engine::queries::PasskeyView;
use placet_engine::{Engine, Error, Secret};
use serde::Serialize;
use utoipa::ToSchema;

use crate::pending::{self, Limits, Waiting};
use crate::problem::Failed;
use crate::tries::Trying;

/// How long somebody may take, in seconds.
const SECONDS: i64 = 5 * 60;
/// So many begin in a minute, from one address and from all.
const STARTS: (u32, u32) = (30, 600);
/// So many wait at once: more than can begin before the oldest are over.
const WAITING: usize = 4_096;

/// For which host passkeys are, and which ceremonies wait.
#[derive(Debug)]
pub struct Passkeys {
    rp: RpId,
    secure: bool,
    pub(crate) behind_proxy: bool,
    /// Passkeys that are being made, each with the session in which it began.
    made: Waiting<CredentialId>,
    /// Logins that began.
    logins: Waiting<()>,
    starts: Limits,
}

impl Passkeys {
    /// `origin` is how browsers reach Placet: `https://host`, without a path. Where a proxy in front
    /// writes the caller's address, it is the last one of `X-Forwarded-For`.
    pub fn new(origin: &str, behind_proxy: bool) -> Result<Self, String> {
        let (origin, secure) =
            crate::oidc::origin(origin).map_err(|why| format!("`origin`: {why}"))?;
        let url = Url::parse(&origin).map_err(|error| format!("`origin`: {error}"))?;
        let rp: RpId =
            url.host_str().unwrap_or_default().parse().map_err(
                |error: placet_domain::name::UnreadableName| format!("`origin`: {error}"),
            )?;
        Ok(Self {
            rp,
            secure,
            behind_proxy,
            made: Waiting::new(WAITING),
            logins: Waiting::new(WAITING),
            starts: Limits::new(STARTS),
        })
    }

    pub(crate) fn rp(&self) -> &RpId {
        &self.rp
    }

    /// Browsers reach Placet over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// What a browser is asked for a signature; any passkey of this host will do where none are named.
    pub(crate) fn to_sign(&self, challenge: Challenge, credentials: Vec<Bytes>) -> SignOptions {
        SignOptions {
            challenge,
            timeout: SECONDS * 1_000,
            rp_id: self.rp.to_string(),
            allow_credentials: credentials.into_iter().map(Described::of).collect(),
            user_verification: "required",
        }
    }
}

/// The passkeys that are set up, and who calls.
pub(crate) struct Asked {
    pub passkeys: Arc<Passkeys>,
    caller: Option<IpAddr>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        let passkeys = parts.extensions.get::<Arc<Passkeys>>().cloned();
        let passkeys = passkeys.ok_or(Refusal::PasskeysOff {})?;
        let caller = pending::caller(parts, passkeys.behind_proxy);
        Ok(Self { passkeys, caller })
    }
}

impl Asked {
    /// Draws a challenge that is waited for.
    fn begin<T: Clone>(
        &self,
        engine: &Engine,
        waiting: &Waiting<T>,
        one: T,
    ) -> Result<Challenge, Refusal> {
        let now = engine.steady();
        self.passkeys.starts.count(self.caller, now)?;
        let challenge = Challenge::of(engine.random());
        waiting.put(&key(challenge), one, now + SECONDS * 1_000_000, now)?;
        Ok(challenge)
    }

    /// Begins to make a passkey for the actor.
    pub(crate) async fn to_make(
        &self,
        engine: &Engine,
        actor: Actor,
    ) -> Result<MakeOptions, Error> {
        let Actor::Person { id, session } = actor else {
            return Err(Refusal::NeedsSession {}.into());
        };
        let who = engine.standing(actor).await?.who;
        let known = engine.passkeys_for(id, None).await?;
        let challenge = self.begin(engine, &self.passkeys.made, session)?;
        // By this the authenticator remembers whose it is: an id, and nothing personal.
        let handle =
            Bytes::new(id.to_string().into_bytes()).map_err(|_| Refusal::PasskeysOff {})?;
        let name = who.handle.unwrap_or_else(|| id.to_string());
        Ok(MakeOptions {
            challenge,
            timeout: SECONDS * 1_000,
            rp: Party { id: self.passkeys.rp.to_string(), name: "Placet" },
            user: User { id: handle, display_name: who.name.unwrap_or_else(|| name.clone()), name },
            pub_key_cred_params: engine
                .passkey_algorithms()
                .iter()
                .map(|alg| Algorithm { r#type: PUBLIC_KEY, alg: *alg })
                .collect(),
            exclude_credentials: known.into_iter().map(Described::of).collect(),
            authenticator_selection: Selection {
                resident_key: "required",
                require_resident_key: true,
                user_verification: "required",
            },
            attestation: "none",
        })
    }

    /// Takes the passkey that was made, in the session in which that began.
    pub(crate) async fn offer(
        &self,
        engine: &Engine,
        actor: Actor,
        made: MadePasskey,
        name: String,
    ) -> Result<PasskeyView, Error> {
        let challenge = engine.challenge_in(&made.client_data_json)?;
        let began = self.passkeys.made.take(&key(challenge), engine.steady());
        match (actor, began) {
            (Actor::Person { session, .. }, Some(one)) if one == session => {}
            _ => {
                let why = OVER.to_owned();
                return Err(Refusal::PasskeyRefused { why }.into());
            }
        }
        let rp = self.passkeys.rp.clone();
        let id = engine.run(actor, &OfferPasskey { made, name, rp, challenge }).await?;
        engine.passkey(actor, id).await
    }

    /// Begins a login: whose passkey it is, the passkey itself will say.
    pub(crate) fn to_log_in(&self, engine: &Engine) -> Result<SignOptions, Refusal> {
        let challenge = self.begin(engine, &self.passkeys.logins, ())?;
        Ok(self.passkeys.to_sign(challenge, Vec::new()))
    }

    /// Opens a session for whose passkey signed.
    pub(crate) async fn log_in(
        &self,
        engine: &Engine,
        trying: &Trying,
        signed: &SignedByPasskey,
    ) -> Result<Given, Error> {
        trying
            .once(engine, async {
                let over = || Refusal::LoginRefused { why: OVER.to_owned() };
                let challenge = engine.challenge_in(&signed.client_data_json);
                let challenge = challenge.map_err(|_| over())?;
                let began = self.passkeys.logins.take(&key(challenge), engine.steady());
                began.ok_or_else(over)?;
                engine.log_in_by_passkey(signed, challenge, &self.passkeys.rp).await
            })
            .await
    }
}

fn key(challenge: Challenge) -> Secret {
    Secret::presented(&challenge.to_string())
}

/// What was answered is not what anybody waits for.
const OVER: &str = "it did not begin here, is over already, or took longer than 5 minutes";

const PUBLIC_KEY: &str = "public-key";

/// What a browser is asked when a passkey is to be made, as `PublicKeyCredentialCreationOptionsJSON`
/// (Web Authentication Level 3, section 5.1.9).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MakeOptions {
    challenge: Challenge,
    /// In milliseconds.
    timeout: i64,
    rp: Party,
    user: User,
    pub_key_cred_params: Vec<Algorithm>,
    exclude_credentials: Vec<Described>,
    authenticator_selection: Selection,
    attestation: &'static str,
}

/// What a browser is asked for a signature, as `PublicKeyCredentialRequestOptionsJSON` (section
/// 5.1.10).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignOptions {
    challenge: Challenge,
    /// In milliseconds.
    timeout: i64,
    rp_id: String,
    allow_credentials: Vec<Described>,
    user_verification: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Party {
    id: String,
    name: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    id: Bytes,
    name: String,
    display_name: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Algorithm {
    r#type: &'static str,
    alg: i64,
}

/// A credential by its id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Described {
    r#type: &'static str,
    id: Bytes,
}

impl Described {
    fn of(id: Bytes) -> Self {
        Self { r#type: PUBLIC_KEY, id }
    }
}

/// A passkey that its authenticator remembers, and whose holder it makes sure of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selection {
    resident_key: &'static str,
    require_resident_key: bool,
    user_verification: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_passkeys_is_a_name_that_is_reached_over_tls() {
        let check = |origin: &str, expect: Result<(&str, bool), &str>| match (
            Passkeys::new(origin, false),
            expect,
        ) {
            (Ok(one), Ok((rp, secure))) => {
                assert_eq!((one.rp.as_str(), one.secure), (rp, secure), "{origin}");
            }
            (Err(why), Err(expect)) => assert!(why.contains(expect), "{why}"),
            (got, expect) => panic!("{got:?}, not {expect:?}"),
        };
        check("https://placet.example.org", Ok(("placet.example.org", true)));
        check("https://placet.example.org:8443/", Ok(("placet.example.org", true)));
        check("http://localhost:7400", Ok(("localhost", false)));
        check("http://placet.example.org", Err("https"));
        check("https://placet.example.org/x", Err("without path"));
        check("http://127.0.0.1:7400", Err("an address has no passkeys"));
        check("placet.example.org", Err("origin"));
    }
}
