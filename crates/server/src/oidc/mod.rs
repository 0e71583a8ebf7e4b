//! Login by an OpenID provider: Placet as its client (OpenID Connect Core 1.0). Here: what is set
//! about the provider, and the handle that the routes share. How it is called stands in `http`, what
//! it says about itself in `metadata`, what it says about people in `token`, and the routes in `browser` and `device`.
//!
//! Here does not belong: who may log in. That is the login in a person's profile, which `engine`
//! looks up.

pub(crate) mod browser;
pub(crate) mod device;
mod http;
mod metadata;
mod token;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use openidconnect::url::Url;
use placet_domain::Refusal;
use placet_domain::name::Issuer;
use placet_engine::Engine;

use crate::pending::{self, Limits, Waiting};
use crate::problem::Failed;
use http::Client;
use metadata::Known;

/// What Placet proves itself to the provider with.
#[derive(Clone)]
pub struct ProviderSecret(String);

impl ProviderSecret {
    /// Reads the text of a secret; a line break at its end is the editor's.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.is_empty() || text.len() > 4096 {
            true => Err("a client secret is 1 to 4096 characters".to_owned()),
            false => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Debug for ProviderSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderSecret(..)")
    }
}

/// What is set about the provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    pub issuer: Issuer,
    /// By what the provider knows Placet.
    pub client_id: String,
    /// None for a public client: PKCE alone then binds a code to who asked for it.
    pub client_secret: Option<ProviderSecret>,
    /// As people call it, for the button.
    pub name: String,
    /// How browsers reach Placet: `https://host`, without a path.
    pub public_url: String,
    /// Certificates (PEM) of the authorities that the provider's is of, if not the machine's.
    pub authorities: Option<Vec<u8>>,
    /// The provider may be on this machine, without TLS.
    pub allow_http: bool,
    /// A proxy in front writes the caller's address as the last one of `X-Forwarded-For`.
    pub behind_proxy: bool,
}

/// The provider that people log in by.
#[derive(Debug)]
pub struct Provider {
    issuer: Issuer,
    client_id: String,
    client_secret: Option<ProviderSecret>,
    name: String,
    callback: String,
    /// Browsers reach Placet over TLS.
    secure: bool,
    behind_proxy: bool,
    client: Client,
    known: tokio::sync::Mutex<Known>,
    /// Logins that began in a browser.
    logins: Waiting<browser::Login>,
    /// Logins that began on a command line.
    devices: Waiting<device::Login>,
    starts: Limits,
    polls: Limits,
}

/// So many logins begin in a minute, from one address and from all.
const STARTS: (u32, u32) = (30, 300);
/// So many command lines ask in a minute whether it is done, from one address and from all.
const POLLS: (u32, u32) = (120, 3_000);
/// So many logins wait at once: more than can begin before the oldest are over.
const WAITING: usize = 4_096;

impl Provider {
    /// Checks what is set; nothing is called before somebody logs in.
    pub fn new(settings: ProviderSettings) -> Result<Self, String> {
        let ProviderSettings { issuer, client_id, client_secret, .. } = settings;
        let fits = |text: &str, most| (1..=most).contains(&text.len());
        let plain = |text: &str| text.bytes().all(|b| (b'!'..=b'~').contains(&b));
        if !fits(&client_id, 255) || !plain(&client_id) {
            return Err("`client_id` is 1 to 255 plain characters".to_owned());
        }
        if !(1..=64).contains(&settings.name.chars().count())
            || settings.name.chars().any(char::is_control)
        {
            return Err("`name` is 1 to 64 characters for a button".to_owned());
        }
        let client = Client::new(settings.authorities.as_deref(), settings.allow_http)?;
        let address = Url::parse(issuer.as_str()).map_err(|error| format!("`issuer`: {error}"))?;
        client.may_call(&address).map_err(|why| format!("`issuer`: {why}"))?;
        let (origin, secure) = origin(&settings.public_url)?;
        Ok(Self {
            issuer,
            client_id,
            client_secret,
            name: settings.name,
            callback: format!("{origin}/login/callback"),
            secure,
            behind_proxy: settings.behind_proxy,
            client,
            known: tokio::sync::Mutex::default(),
            logins: Waiting::new(WAITING),
            devices: Waiting::new(WAITING),
            starts: Limits::new(STARTS),
            polls: Limits::new(POLLS),
        })
    }

    /// As people call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Browsers reach Placet over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// A proxy in front writes who called.
    pub(crate) fn is_behind_proxy(&self) -> bool {
        self.behind_proxy
    }
}

/// The origin of Placet as browsers see it, and whether they reach it over TLS.
pub(crate) fn origin(public_url: &str) -> Result<(String, bool), String> {
    let wrong = |why: &str| format!("`public_url` `{public_url}`: {why}");
    let url = Url::parse(public_url).map_err(|error| wrong(&error.to_string()))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("write `https://host`, without path, query and name"));
    }
    match url.scheme() {
        "https" => Ok((url.origin().ascii_serialization(), true)),
        "http" if http::is_here(&url) => Ok((url.origin().ascii_serialization(), false)),
        _ => {
            Err(wrong("browsers must reach Placet over `https`; `http` is for this machine alone"))
        }
    }
}

/// The provider, if one is set up, and who calls.
pub(crate) struct Asked {
    pub provider: Arc<Provider>,
    pub caller: Option<IpAddr>,
}

impl FromRequestParts<Engine> for Asked {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &Engine) -> Result<Self, Failed> {
        let provider = parts.extensions.get::<Arc<Provider>>().cloned();
        let provider = provider.ok_or(Refusal::NoLoginProvider {})?;
        let caller = pending::caller(parts, provider.behind_proxy);
        Ok(Self { provider, caller })
    }
}

/// Why a login came to nothing, for the one who tries.
fn refused(why: impl Into<String>) -> Refusal {
    Refusal::LoginRefused { why: why.into() }
}

/// The provider cannot be used, about which the operator alone can do something.
fn down(why: impl Into<String>) -> Refusal {
    let why = why.into();
    tracing::warn!(%why, "the login provider cannot be used");
    Refusal::LoginProviderDown { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ProviderSettings {
        ProviderSettings {
            issuer: "https://id.example".parse().unwrap(),
            client_id: "placet".to_owned(),
            client_secret: Some(ProviderSecret::read("wonderful\n").unwrap()),
            name: "Example".to_owned(),
            public_url: "https://placet.example".to_owned(),
            authorities: None,
            allow_http: false,
            behind_proxy: false,
        }
    }

    #[test]
    fn what_is_set_is_checked_before_anybody_logs_in() {
        let check = |change: &dyn Fn(&mut ProviderSettings), expect: Result<bool, &str>| {
            let mut given = settings();
            change(&mut given);
            match (Provider::new(given), expect) {
                (Ok(provider), Ok(secure)) => assert_eq!(provider.secure, secure),
                (Err(why), Err(expect)) => assert!(why.contains(expect), "{why}"),
                (got, expect) => panic!("{got:?}, not {expect:?}"),
            }
        };
        check(&|_| {}, Ok(true));
        check(&|one| one.public_url = "https://placet.example:8443/".to_owned(), Ok(true));
        check(&|one| one.public_url = "http://127.0.0.1:7400".to_owned(), Ok(false));
        for bad in [
            "placet.example",
            "http://placet.example",
            "https://placet.example/x",
            "https://placet.example/?x",
            "https://me@placet.example",
            "ftp://placet.example",
        ] {
            check(&|one| one.public_url = bad.to_owned(), Err("public_url"));
        }
        let local = "http://127.0.0.1:4000";
        check(&|one| one.issuer = local.parse().unwrap(), Err("allow_http"));
        check(
            &|one| {
                one.issuer = local.parse().unwrap();
                one.allow_http = true;
            },
            Ok(true),
        );
        check(&|one| one.client_id = String::new(), Err("client_id"));
        check(&|one| one.client_id = "a b".to_owned(), Err("client_id"));
        check(&|one| one.name = String::new(), Err("name"));
        check(&|one| one.authorities = Some(b"none".to_vec()), Err("ca_file"));
        assert!(ProviderSecret::read(" \n").is_err());
        let shown = format!("{:?}", settings());
        assert!(shown.contains("ProviderSecret(..)") && !shown.contains("wonderful"), "{shown}");
    }
}
