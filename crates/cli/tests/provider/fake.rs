//! A provider that lies, for what a real one will not do: it answers as the test says, and signs what
//! it is told to.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

/// How an ID token is signed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Signed {
    Well,
    /// By a key that the provider does not show.
    ByAnother,
    /// By nobody: `alg: none`.
    Not,
    /// With the client's secret (HS256), as if that were a key of the provider.
    BySecret,
}

/// How it lies; everything else is as it should be.
#[derive(Clone, Debug)]
pub struct Lie {
    pub signed: Signed,
    /// Claims that replace the right ones; `null` takes one away.
    pub claims: Value,
    /// What it says about itself, beside the right things.
    pub metadata: Value,
    /// What it answers in place of a token.
    pub answer: Option<(u16, Value)>,
}

impl Default for Lie {
    fn default() -> Self {
        Self { signed: Signed::Well, claims: json!({}), metadata: json!({}), answer: None }
    }
}

#[derive(Debug)]
struct Inner {
    issuer: String,
    key: [u8; 32],
    lie: Lie,
    nonce: String,
    /// The verifiers and codes that came to the token endpoint.
    traded: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Fake(Arc<Mutex<Inner>>);

impl Fake {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (lie, nonce, traded) = (Lie::default(), String::new(), Vec::new());
        let inner = Inner { issuer, key: [7; 32], lie, nonce, traded };
        let fake = Self(Arc::new(Mutex::new(inner)));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(about))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub fn issuer(&self) -> String {
        self.0.lock().unwrap().issuer.clone()
    }

    pub fn lies(&self, lie: Lie) {
        self.0.lock().unwrap().lie = lie;
    }

    /// What the browser brought along: it belongs into the token.
    pub fn was_asked_with(&self, nonce: &str) {
        nonce.clone_into(&mut self.0.lock().unwrap().nonce);
    }

    /// From now on it signs with another key, and shows that one.
    pub fn changes_its_key(&self) {
        self.0.lock().unwrap().key = [8; 32];
    }

    pub fn traded(&self) -> Vec<String> {
        self.0.lock().unwrap().traded.clone()
    }
}

async fn about(State(fake): State<Fake>) -> Json<Value> {
    let inner = fake.0.lock().unwrap();
    let issuer = &inner.issuer;
    let mut about = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        "authorization_response_iss_parameter_supported": true,
    });
    merge(&mut about, &inner.lie.metadata);
    Json(about)
}

async fn keys(State(fake): State<Fake>) -> Json<Value> {
    let key = SigningKey::from_bytes(&fake.0.lock().unwrap().key);
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": x, "x": x });
    Json(json!({ "keys": [key] }))
}

async fn token(State(fake): State<Fake>, body: String) -> (axum::http::StatusCode, Json<Value>) {
    let mut inner = fake.0.lock().unwrap();
    inner.traded.push(body);
    if let Some((status, answer)) = &inner.lie.answer {
        return (axum::http::StatusCode::from_u16(*status).unwrap(), Json(answer.clone()));
    }
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut claims = json!({
        "iss": inner.issuer,
        "aud": "placet",
        "sub": "fake-ines",
        "exp": now + 300,
        "iat": now,
        "nonce": inner.nonce,
    });
    let mut changed = inner.lie.claims.clone();
    // Moments are said in seconds from now.
    for moment in ["exp", "iat"] {
        if let Some(seconds) = changed.get(moment).and_then(Value::as_i64) {
            changed[moment] = (i64::try_from(now).unwrap() + seconds).into();
        }
    }
    merge(&mut claims, &changed);
    let id_token = sign(&claims, inner.lie.signed, &inner.key);
    let answer = json!({ "access_token": "x", "token_type": "Bearer", "id_token": id_token });
    (axum::http::StatusCode::OK, Json(answer))
}

fn merge(into: &mut Value, changed: &Value) {
    let into = into.as_object_mut().unwrap();
    for (name, value) in changed.as_object().unwrap() {
        match value {
            Value::Null => into.remove(name),
            value => into.insert(name.clone(), value.clone()),
        };
    }
}

fn sign(claims: &Value, signed: Signed, key: &[u8; 32]) -> String {
    let key = SigningKey::from_bytes(if signed == Signed::ByAnother { &[9; 32] } else { key });
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let header = match signed {
        Signed::Well => json!({ "alg": "EdDSA", "kid": x }),
        Signed::ByAnother => json!({ "alg": "EdDSA" }),
        Signed::Not => json!({ "alg": "none" }),
        Signed::BySecret => json!({ "alg": "HS256" }),
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&header), part(claims));
    let signature = match signed {
        Signed::Well | Signed::ByAnother => key.sign(text.as_bytes()).to_bytes().to_vec(),
        Signed::Not => Vec::new(),
        Signed::BySecret => {
            use hmac::Mac as _;
            let secret = crate::real::SECRET.as_bytes();
            let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
    };
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
