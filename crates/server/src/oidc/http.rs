//! How the provider is called: over TLS, without redirects and proxies, with a deadline and a bound on
//! what is read. What is said is not this file's business.

use std::error::Error;
use std::io;
use std::time::Duration;

use openidconnect::http::HeaderValue;
use openidconnect::url::{Host, Url};
use openidconnect::{HttpRequest, HttpResponse};

/// The deadline of one call; a login makes three at most within the patience of a door.
const CALL_SECONDS: u64 = 5;
/// The most of an answer that is read: metadata, keys and tokens are short.
const LARGEST_ANSWER: usize = 256 * 1024;

/// Why the provider could not be asked, in words that hold no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreachable(pub String);

#[derive(Clone, Debug)]
pub(super) struct Client {
    client: reqwest::Client,
    allow_http: bool,
    /// The authorities are those of `ca_file`, and not the machine's.
    named: bool,
}

impl Client {
    pub(super) fn new(authorities: Option<&[u8]>, allow_http: bool) -> Result<Self, String> {
        // Whoever set a provider before has set the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(Duration::from_secs(CALL_SECONDS))
            .timeout(Duration::from_secs(CALL_SECONDS))
            .user_agent(concat!("placet/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = authorities {
            let unread = |why: String| format!("`ca_file` holds no certificates (PEM): {why}");
            let found = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| unread(error.to_string()))?;
            if found.is_empty() {
                return Err(unread("it has none".to_owned()));
            }
            builder = builder.tls_certs_only(found);
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, allow_http, named: authorities.is_some() })
    }

    /// Whether an address may be called at all, whoever named it.
    pub(super) fn may_call(&self, url: &Url) -> Result<(), String> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.allow_http && is_here(url) => Ok(()),
            _ => Err(format!(
                "`{url}` is not called: it is not `https`, and `allow_http` is for this machine in tests"
            )),
        }
    }

    pub(super) async fn call(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| Unreachable(format!("its address cannot be read: {error}")))?;
        self.may_call(&url).map_err(Unreachable)?;
        let told = |error: reqwest::Error| Unreachable(told(&error, self.named));
        let sent = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let mut answer = sent.send().await.map_err(told)?;
        let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
        let mut read = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(told)? {
            if read.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Unreachable("its answer is too long".to_owned()));
            }
            read.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(read);
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", kind.unwrap_or(json));
        Ok(response)
    }
}

/// Whether an address leads to this machine, by its own words: a name may be resolved elsewhere.
pub(super) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The innermost words of an error, without the address: what stands in it may be a secret.
fn told(error: &reqwest::Error, named: bool) -> String {
    if error.is_timeout() {
        return format!("it did not answer within {CALL_SECONDS} seconds");
    }
    let inner = innermost(error);
    match inner.downcast_ref() {
        Some(tls) => no_tls(tls, named),
        None if error.is_connect() => format!("it could not be reached: {inner}"),
        None => format!("the call failed: {inner}"),
    }
}

/// An error of input and output does not name the one within it as its source.
fn innermost<'e>(mut error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    loop {
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        error = match (within, error.source()) {
            (Some(within), _) => within,
            (None, Some(source)) => source,
            (None, None) => return error,
        };
    }
}

/// Why there is no TLS that can be trusted, in words that name the setting to look at.
fn no_tls(error: &rustls::Error, named: bool) -> String {
    use rustls::CertificateError as Bad;
    use rustls::Error as Tls;
    let whose =
        if named { "in `ca_file`" } else { "that this machine trusts; name it in `ca_file`" };
    match error {
        // A signature that is not theirs is what one sees of a CA that took their name.
        Tls::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            format!("its TLS certificate is signed by no CA {whose}")
        }
        Tls::InvalidCertificate(bad) => format!("its TLS certificate does not hold: {bad}"),
        Tls::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        other => format!("no TLS with it: {other}"),
    }
}
