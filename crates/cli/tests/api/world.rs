//! A company of its own for each test, and its people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use placet_domain::bundle::Bundle;
use placet_engine::commands::found::Catalogue;
use placet_engine::{Engine, Place};
use placet_server::{Logins, Passkeys};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A founded company with a group file, and everybody logged in.
pub struct World {
    pub dir: tempfile::TempDir,
    pub engine: Engine,
    pub router: Router,
    sessions: BTreeMap<String, String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// `ok`, or the code of the refusal.
    pub fn code(&self) -> String {
        match self.status {
            200..=299 => "ok".to_owned(),
            _ => self.text("/code"),
        }
    }

    pub fn text(&self, path: &str) -> String {
        self.body.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code(), "ok", "{}", self.body);
        self
    }

    /// The sentence of a refusal that was expected.
    #[track_caller]
    pub fn refused_as(self, code: &str) -> String {
        self.refused(code).text("/detail")
    }

    #[track_caller]
    pub fn refused(self, code: &str) -> Self {
        assert_eq!(self.code(), code, "{}", self.body);
        assert!(
            !self.text("/detail").is_empty() && !self.text("/next").is_empty(),
            "{}",
            self.body
        );
        self
    }
}

pub fn catalogue(groups: &std::path::Path) -> Catalogue {
    let mut catalogue: Catalogue = toml::from_str(include_str!("company.toml")).unwrap();
    let path = groups.display().to_string();
    for target in &mut catalogue.target {
        target.settings.insert("path".to_owned(), path.clone());
    }
    // One entitlement whose owning team is one person, and one that is no business of engineers.
    let mut lonely = catalogue.entitlement[0].clone();
    lonely.name = "lonely".parse().unwrap();
    lonely.native = Some("lonely".parse().unwrap());
    lonely.owners = "data-stewards".parse().unwrap();
    lonely.offered_to = ["engineering".parse().unwrap(), "data-stewards".parse().unwrap()].into();
    let mut audit = lonely.clone();
    audit.name = "audit-room".parse().unwrap();
    audit.native = Some("audit-room".parse().unwrap());
    audit.offered_to = ["auditors".parse().unwrap()].into();
    catalogue.entitlement.extend([lonely, audit]);
    catalogue
}

pub fn place(dir: &std::path::Path) -> Place {
    Place { observe_seconds: 1, ..Place::at(dir.join("data")) }
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_, _| ()).await
    }

    /// A company under other policies.
    pub async fn ruled_by(bundle: Bundle) -> Self {
        Self::founded(|_, _| (), bundle).await
    }

    /// A company whose catalogue says more; the second argument is its folder.
    pub async fn with(change: impl FnOnce(&mut Catalogue, &std::path::Path)) -> Self {
        Self::founded(change, placet_policy::shipped()).await
    }

    async fn founded(
        change: impl FnOnce(&mut Catalogue, &std::path::Path),
        bundle: Bundle,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let groups = dir.path().join("groups");
        std::fs::write(&groups, "booking-deployers:\n# kept\ncaptains: lotta\n").unwrap();
        let engine = Engine::create(&place(dir.path()), "test.example/log").await.unwrap();
        let mut catalogue = catalogue(&groups);
        change(&mut catalogue, dir.path());
        let codes = engine.found(catalogue, bundle).await.unwrap();
        let mut world = Self::around(dir, engine);
        for (person, given) in ["ada", "bo"].iter().zip(&codes) {
            world.log_in(person, given.secret.reveal()).await;
        }
        for person in ["mara", "ines", "tom", "kim", "sven", "yara", "nora"] {
            let code = world.post("ada", "/login-codes", json!({ "person": person })).await.good();
            world.log_in(person, &code.text("/secret")).await;
        }
        for (owner, holder) in
            [("ines", None), ("mara", Some("timetable-ci")), ("tom", Some("booking-api"))]
        {
            let scopes = ["read", "ask", "report", "propose"];
            let body = json!({ "holder": holder, "length": "30d", "scopes": scopes });
            let token = world.post(owner, "/tokens", body).await.good().text("/secret");
            world.sessions.insert(holder.map_or("ines-token", |holder| holder).to_owned(), token);
        }
        world
    }

    /// A founded company with nobody logged in.
    pub fn around(dir: tempfile::TempDir, engine: Engine) -> Self {
        let passkeys = Passkeys::new("http://localhost:7400", false).unwrap();
        let logins = Logins { passkeys: Some(passkeys), ..Logins::default() };
        let router = placet_server::router_with(engine.clone(), logins);
        Self { dir, engine, router, sessions: BTreeMap::new() }
    }

    /// The same company, started again with a source of incidents.
    pub async fn with_incidents(self, source: &std::path::Path) -> Self {
        let place = Place { incidents: Some(source.to_owned()), ..place(self.dir.path()) };
        self.restarted(&place).await
    }

    /// Waits until whole targets are due to be looked at again, and lets the workers look.
    pub async fn look(&self) {
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        self.engine.step().await;
    }

    /// The same company after a restart; who was logged in still is.
    pub async fn restarted(self, place: &Place) -> Self {
        let Self { dir, engine, router, sessions } = self;
        drop((engine, router));
        let mut tries = 0;
        let engine = loop {
            match Engine::open(place).await {
                Ok(engine) => break engine,
                // The program before is still putting its files down.
                Err(_) if tries < 100 => tries += 1,
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        Self { sessions, ..Self::around(dir, engine) }
    }

    pub fn now(&self) -> placet_domain::Timestamp {
        use placet_engine::Environment as _;
        placet_engine::Machine.now()
    }

    pub async fn log_in(&mut self, person: &str, code: &str) {
        let answer = self.call("", "POST", "/login", Some(json!({ "code": code }))).await.good();
        self.sessions.insert(person.to_owned(), answer.text("/secret"));
    }

    /// The secret that somebody presents.
    pub fn secret(&self, who: &str) -> String {
        self.sessions[who].clone()
    }

    pub fn groups(&self) -> PathBuf {
        self.dir.path().join("groups")
    }

    /// `who` is a handle, `ines-token`, a secret as it is, or nobody.
    pub async fn raw(&self, who: &str, method: &str, path: &str, body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if !who.is_empty() {
            let secret = self.sessions.get(who).map_or(who, String::as_str);
            request = request.header("authorization", format!("Bearer {secret}"));
        }
        let response =
            self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        if response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream") {
            // It goes on for as long as somebody listens.
            return Answer { status, body: Value::Null };
        }
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 26).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, body }
    }

    pub async fn call(&self, who: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bytes = body.map(|body| serde_json::to_vec(&body).unwrap()).unwrap_or_default();
        self.raw(who, method, path, bytes).await
    }

    pub async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.call(who, "POST", path, Some(body)).await
    }

    pub async fn get(&self, who: &str, path: &str) -> Answer {
        self.call(who, "GET", path, None).await
    }

    pub async fn ask(&self, who: &str, entitlement: &str, length: &str) -> Answer {
        let body = json!({
            "entitlement": entitlement,
            "length": length,
            "justification": "the test of the day needs it",
        });
        self.post(who, "/requests", body).await
    }

    pub async fn approve(&self, who: &str, request: &Answer) -> Answer {
        let body = json!({ "digest": request.text("/digest") });
        self.post(who, &format!("/requests/{}/approve", request.text("/id")), body).await
    }

    /// A grant of Ines that is active.
    pub async fn active(&self, length: &str) -> (Answer, String) {
        let asked = self.ask("ines", "booking-staging-deploy", length).await.good();
        self.approve("mara", &asked).await.good();
        self.approve("kim", &asked).await.good();
        self.engine.step().await;
        let shown = self.get("ines", &format!("/requests/{}", asked.text("/id"))).await.good();
        assert_eq!(shown.text("/grant/state"), "active", "{}", shown.body);
        let grant = shown.text("/grant/id");
        (shown, grant)
    }
}
