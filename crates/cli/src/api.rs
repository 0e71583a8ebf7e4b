//! One path to Placet: the command line speaks `/api/v1`, to a server or, on a data directory, to
//! the same router in this process.

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::output::Ended;

/// The largest answer that is read, in bytes: evidence is the largest thing that comes out.
const LARGEST: usize = 128 * 1024 * 1024;

/// Where Placet is.
#[derive(Clone)]
enum Way {
    InProcess(Router),
    Server { base: String, client: reqwest::Client },
}

/// Placet, seen through its API by one caller.
#[derive(Clone)]
pub struct Api {
    way: Way,
    secret: Option<String>,
}

impl Api {
    pub fn in_process(router: Router, secret: Option<String>) -> Self {
        Self { way: Way::InProcess(router), secret }
    }

    pub fn server(base: &str, secret: Option<String>) -> anyhow::Result<Self> {
        if !(base.starts_with("http://") || base.starts_with("https://")) {
            let what = format!("`{base}` is not the address of a server; write `http://{base}`");
            return Err(Ended::Unreadable(what).into());
        }
        // The provider may be installed already; that is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().timeout(std::time::Duration::from_secs(60)).build()?;
        Ok(Self {
            way: Way::Server { base: base.trim_end_matches('/').to_owned(), client },
            secret,
        })
    }

    /// The same Placet with another caller.
    pub fn with(&self, secret: String) -> Self {
        Self { way: self.way.clone(), secret: Some(secret) }
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.text("GET", path, None).await?)?)
    }

    /// Sends a command; an empty answer is `null`.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let text = self.text("POST", path, Some(body)).await?;
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    /// The answer as it is written.
    pub async fn text(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<String> {
        let (status, text) = match &self.way {
            Way::InProcess(router) => self.within(router.clone(), method, path, body).await?,
            Way::Server { base, client } => self.over(client, base, method, path, body).await?,
        };
        if (200..300).contains(&status) { Ok(text) } else { Err(refused(status, &text)) }
    }

    async fn within(
        &self,
        router: Router,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(u16, String)> {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if let Some(secret) = &self.secret {
            request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
        }
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let response = router.oneshot(request.body(Body::from(bytes))?).await?;
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), LARGEST).await?;
        Ok((status, String::from_utf8(bytes.to_vec())?))
    }

    async fn over(
        &self,
        client: &reqwest::Client,
        base: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(u16, String)> {
        let url = format!("{base}/api/v1{path}");
        let mut request = client.request(method.parse()?, &url);
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable = |error: reqwest::Error| {
            Ended::Unreachable(format!(
                "no answer from `{base}`: {error}\n  is `placet serve` running there?"
            ))
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.context("the answer could not be read")?))
    }
}

/// A problem (RFC 9457) as the command line ends on it.
fn refused(status: u16, text: &str) -> anyhow::Error {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    let field =
        |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (code, sentence, next) = (field("code"), field("detail"), field("next"));
    if code.is_empty() {
        return anyhow::anyhow!(
            "the server answered {status}: {}",
            text.chars().take(200).collect::<String>()
        );
    }
    if code == "fault" {
        return anyhow::anyhow!("{sentence}; {next}");
    }
    Ended::Refused { code, sentence, next, malformed: status == 422 }.into()
}
