//! Login on a command line: the device flow (RFC 8628). Placet is the client; the command line gets a
//! handle, shows people where to go, and asks until it is done.

use axum::Json;
use axum::extract::State;
use openidconnect::url::Url;
use placet_domain::Timestamp;
use placet_domain::id::CredentialId;
use placet_engine::{Engine, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::token::{Traded, code_word, session};
use super::{Asked, down, refused};
use crate::body::Body;
use crate::pending::fresh;
use crate::problem::Failed;

const SECOND: i64 = 1_000_000;
/// The longest that is waited for somebody, whatever the provider says.
const LONGEST: u64 = 15 * 60;
/// RFC 8628, section 3.2, where the provider names none; and 3.5, how much slower each time.
const INTERVAL: u64 = 5;

/// A login that began on a command line.
#[derive(Clone)]
pub(super) struct Login {
    device_code: String,
    interval: u64,
    /// Before this moment of the steady clock the provider is not asked again.
    next_at: i64,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(..)")
    }
}

/// What the provider answers to a beginning.
#[derive(Deserialize)]
struct Begun {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// What a command line shows, and by what it asks again.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceLogin)]
pub(crate) struct Started {
    provider: String,
    handle: String,
    user_code: String,
    verification_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DevicePoll)]
pub(crate) struct Poll {
    handle: String,
}

/// How far it is.
#[derive(Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = DeviceStanding)]
pub(crate) enum Stands {
    Pending { interval: u64 },
    SlowDown { interval: u64 },
    Session { id: CredentialId, secret: String, expires_at: Timestamp },
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

pub(crate) async fn start(
    State(engine): State<Engine>,
    asked: Asked,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Started>, Failed> {
    let Asked { provider, caller } = asked;
    provider.starts.count(caller, engine.steady())?;
    let metadata = provider.metadata(&engine).await?;
    let endpoint = metadata.additional_metadata().device_authorization_endpoint.clone();
    let endpoint = endpoint.ok_or_else(|| down("it knows no login for command lines"))?;
    let (status, body) = provider.post(&metadata, &endpoint, &[("scope", "openid")]).await?;
    let unread = |_| down(format!("it answered {status} and nothing that can be read"));
    let begun: Begun = match status.is_success() {
        true => serde_json::from_slice(&body).map_err(unread)?,
        false => return Err(down(format!("it answered {status}")).into()),
    };
    let Begun { device_code, user_code, verification_uri, verification_uri_complete, .. } = begun;
    let (expires_in, interval) = (begun.expires_in, begun.interval);
    for address in
        [Some(&verification_uri), verification_uri_complete.as_ref()].into_iter().flatten()
    {
        let read = Url::parse(address).map_err(|_| down("where people go cannot be read"))?;
        provider.client.may_call(&read).map_err(down)?;
    }
    if !(1..=64).contains(&user_code.len()) || user_code.chars().any(char::is_control) {
        return Err(down("the code for people cannot be shown").into());
    }
    let (handle, now) = (fresh(&engine), engine.steady());
    let expires_in = expires_in.min(LONGEST);
    let interval = interval.unwrap_or(INTERVAL).clamp(1, 60);
    let until = now + i64::try_from(expires_in).unwrap_or(0) * SECOND;
    let login = Login { device_code, interval, next_at: now };
    provider.devices.put(&Secret::presented(&handle), login, until, now)?;
    Ok(Json(Started {
        provider: provider.name.clone(),
        handle,
        user_code,
        verification_uri,
        verification_uri_complete,
        expires_in,
        interval,
    }))
}

pub(crate) async fn poll(
    State(engine): State<Engine>,
    asked: Asked,
    Body(Poll { handle }): Body<Poll>,
) -> Result<Json<Stands>, Failed> {
    let Asked { provider, caller } = asked;
    let now = engine.steady();
    provider.polls.count(caller, now)?;
    let key = Secret::presented(&handle);
    // Whoever asks too early is not passed on to the provider, and two at once are not both.
    let due = provider.devices.with(&key, now, |login| {
        let early = now < login.next_at;
        login.next_at = now + i64::try_from(login.interval).unwrap_or(0) * SECOND;
        if early { Err(login.interval) } else { Ok(login.clone()) }
    });
    let over = || refused("it did not begin here, is over already, or took too long");
    let login = match due.ok_or_else(over)? {
        Ok(login) => login,
        Err(interval) => return Ok(Json(Stands::SlowDown { interval })),
    };
    let metadata = provider.metadata(&engine).await?;
    let traded = provider
        .trade(
            &metadata,
            &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", &login.device_code),
            ],
        )
        .await?;
    let error = match traded {
        Traded::IdToken(token) => {
            provider.devices.take(&key, now).ok_or_else(over)?;
            let given = session(&provider, &engine, &metadata, &token, None).await?;
            let (id, expires_at) = (given.credential, given.expires_at);
            let secret = given.secret.reveal().to_owned();
            return Ok(Json(Stands::Session { id, secret, expires_at }));
        }
        Traded::No(error) => error,
    };
    match error.as_str() {
        "authorization_pending" => Ok(Json(Stands::Pending { interval: login.interval })),
        "slow_down" => {
            let interval = login.interval + INTERVAL;
            provider.devices.with(&key, now, |login| {
                login.interval = interval;
                login.next_at = now + i64::try_from(interval).unwrap_or(0) * SECOND;
            });
            Ok(Json(Stands::SlowDown { interval }))
        }
        other => {
            provider.devices.take(&key, now);
            Err(refused(format!("the provider answered `{}`", code_word(other))).into())
        }
    }
}
