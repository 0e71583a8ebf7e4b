//! A webhook: one POST for each notice, a CloudEvent signed as Standard Webhooks has it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use placet_domain::Timestamp;
use reqwest::Url;
use sha2::Sha256;

use super::outbound::{Reach, refused, resolve};
use super::{CALL_SECONDS, Failed, Message, Receiver, cloud_event};

const CONNECT_SECONDS: u64 = 5;
/// The most of an answer that is read.
const LARGEST_ANSWER: usize = 64 * 1024;

/// A secret that both sides know, as `whsec_<base64>`.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Reads `whsec_<base64>` of 24 to 64 bytes.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong =
            || "a signing secret has the form `whsec_<base64 of 24 to 64 bytes>`".to_owned();
        let encoded = text.trim().strip_prefix("whsec_").ok_or_else(wrong)?;
        let key = STANDARD.decode(encoded).map_err(|_| wrong())?;
        if (24..=64).contains(&key.len()) { Ok(Self(key)) } else { Err(wrong()) }
    }

    fn sign(&self, signed: &str) -> Result<String, Failed> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .map_err(|_| Failed::for_good("the signing secret cannot be used"))?;
        mac.update(signed.as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

#[derive(Debug)]
pub struct WebhookSettings {
    pub url: String,
    /// One, or two while the other side changes over.
    pub secrets: Vec<SigningSecret>,
    /// Whether it may be called without TLS and within our own networks.
    pub reach: Reach,
}

#[derive(Debug)]
pub struct Webhook {
    url: Url,
    host: String,
    port: u16,
    secrets: Vec<SigningSecret>,
    reach: Reach,
}

impl Webhook {
    pub fn new(settings: WebhookSettings) -> Result<Self, String> {
        let WebhookSettings { url, secrets, reach } = settings;
        let url: Url = url.parse().map_err(|error| format!("`url` cannot be read: {error}"))?;
        match (url.scheme(), reach) {
            ("https", _) | ("http", Reach::Private) => {}
            ("http", Reach::Public) => {
                return Err("`url` has to be https; set `allow_private = true` for http within \
                            your own network"
                    .to_owned());
            }
            (scheme, _) => return Err(format!("`url` has to be https, not `{scheme}`")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("`url` must hold no user and no password".to_owned());
        }
        let host = url.host_str().ok_or("`url` names no host")?;
        // An IPv6 address stands in brackets there.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if let Some(why) = host.parse().ok().and_then(|address| refused(address, reach)) {
            return Err(format!("`url` leads to {why}; set `allow_private = true` if it may"));
        }
        let port = url.port_or_known_default().ok_or("`url` names no port")?;
        if !(1..=2).contains(&secrets.len()) {
            return Err("it needs one signing secret, or two at a rotation".to_owned());
        }
        Ok(Self { url, host, port, secrets, reach })
    }

    /// A client that can reach the checked addresses alone: the name is not resolved again.
    async fn client(&self) -> Result<reqwest::Client, Failed> {
        let addresses = resolve(&self.host, self.port, self.reach).await?;
        // Whoever set a provider before has set the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .resolve_to_addrs(&self.host, &addresses)
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .timeout(Duration::from_secs(CALL_SECONDS))
            .user_agent(concat!("placet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failed::again(told(&error)))
    }
}

#[async_trait]
impl Receiver for Webhook {
    async fn deliver(&self, message: &Message, now: Timestamp) -> Result<(), Failed> {
        let body = cloud_event(message)?;
        let id = message.id.to_string();
        let seconds = now.as_micros().div_euclid(1_000_000);
        let signed = format!("{id}.{seconds}.{body}");
        let signatures: Result<Vec<String>, Failed> =
            self.secrets.iter().map(|secret| secret.sign(&signed)).collect();
        let answer = self
            .client()
            .await?
            .post(self.url.clone())
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signatures?.join(" "))
            .body(body)
            .send()
            .await
            .map_err(|error| Failed::again(told(&error)))?;
        let status = answer.status();
        drain(answer).await?;
        match status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => Err(Failed::again(format!(
                "it answered {status}: a redirect is not followed; set `url` to where it leads"
            ))),
            // The other side says that it does not want this any more.
            410 => Err(Failed::for_good(format!("it answered {status}"))),
            _ => Err(Failed::again(format!("it answered {status}"))),
        }
    }
}

/// Reads a short answer to its end; a long one is left where it is.
async fn drain(mut answer: reqwest::Response) -> Result<(), Failed> {
    let mut read = 0;
    while read <= LARGEST_ANSWER {
        match answer.chunk().await.map_err(|error| Failed::again(told(&error)))? {
            Some(chunk) => read += chunk.len(),
            None => break,
        }
    }
    Ok(())
}

/// The innermost words of an error, without the address: what stands in it may be a secret.
fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("it did not answer within {CALL_SECONDS} seconds");
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    match error.is_connect() {
        true => format!("it could not be reached: {inner}"),
        false => format!("the call failed: {inner}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SigningSecret {
        SigningSecret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret")
    }

    /// The vector of the Standard Webhooks libraries.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(secret().sign(signed), Ok(expected.to_owned()));
        assert_eq!(format!("{:?}", secret()), "SigningSecret(..)");
        for bad in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_???"] {
            assert!(SigningSecret::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_webhook_is_https_and_leads_out_of_the_house() {
        let check = |url: &str, reach, good: bool| {
            let settings = WebhookSettings { url: url.to_owned(), secrets: vec![secret()], reach };
            assert_eq!(Webhook::new(settings).is_ok(), good, "{url}");
        };
        check("https://hooks.example.org/placet", Reach::Public, true);
        check("http://hooks.example.org/placet", Reach::Public, false);
        check("http://127.0.0.1:9/placet", Reach::Private, true);
        check("https://127.0.0.1/placet", Reach::Public, false);
        check("https://[::1]/placet", Reach::Public, false);
        check("https://[::ffff:10.0.0.1]/placet", Reach::Public, false);
        check("https://0x7f.1/placet", Reach::Public, false);
        check("https://2130706433/placet", Reach::Public, false);
        check("https://169.254.169.254/latest", Reach::Private, false);
        check("https://user:word@example.org/", Reach::Public, false);
        check("ftp://example.org/", Reach::Private, false);
    }
}
