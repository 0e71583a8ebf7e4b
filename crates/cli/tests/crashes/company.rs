//! A company on disk: a group file and a token file as targets, a data directory, everybody logged
//! in. What it holds is kept by the program; this file only knows where things lie.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use placet_domain::id::IdentityId;
use placet_engine::{Environment as _, Machine};
use placet_ledger::VerifierKey;
use serde_json::{Value, json};

use crate::place::{Place, Server};
use crate::world::Answer;

/// Those who ask for themselves.
pub const ENGINEERS: [&str; 10] =
    ["anna", "bert", "cleo", "dag", "elin", "finn", "gro", "hugo", "ines", "jan"];
/// The owning team; one of them agrees to what the others ask for.
pub const OWNERS: [&str; 2] = ["kim", "tom"];
/// A workload that holds a token, and its owner's handle.
pub const WORKLOAD: &str = "timetable-ci";

/// What stands in the files by hand, and stays.
const GROUPS: &str = "booking-deployers:\n# kept\ncaptains: lotta\n";
const TOKENS: &str = "# who may pull\n";

pub struct Company {
    pub place: Place,
    /// What each presents at the door.
    sessions: BTreeMap<String, String>,
    pub handles: BTreeMap<IdentityId, String>,
    pub key: VerifierKey,
}

/// Nobody answered: the server is gone, or not there yet.
#[derive(Debug)]
pub struct Gone;

/// The door of a running server.
#[derive(Clone, Debug)]
pub struct Door {
    client: reqwest::Client,
    url: String,
}

impl Door {
    pub fn of(url: &str) -> Self {
        // Built before any client, also one that never speaks TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20));
        Self { client: client.build().unwrap(), url: url.to_owned() }
    }

    /// What came back as a whole; a part of an answer is none.
    pub async fn call(
        &self,
        secret: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Gone> {
        let url = format!("{}/api/v1{path}", self.url);
        let mut request = self.client.request(method.parse().unwrap(), url);
        if !secret.is_empty() {
            request = request.bearer_auth(secret);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|_| Gone)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|_| Gone)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }
}

impl Company {
    /// Founded by the program in a folder of its own, with everybody logged in and nothing serving.
    pub async fn found() -> Self {
        let place = Place::new();
        std::fs::create_dir(place.path("placet-data")).unwrap();
        Self::found_in(place).await
    }

    /// The same where the data directory is there already, wherever it leads.
    pub async fn found_in(place: Place) -> Self {
        let mut company = Self::begin(place);
        let founded = company.place.json("ada", &company.init());
        let server = Server::start(&company.place);
        company.let_in(&server, &founded["login_codes"]).await;
        server.kill();
        company
    }

    /// The files of a company that is not founded yet.
    pub fn begin(place: Place) -> Self {
        std::fs::write(place.path("catalog.toml"), catalogue()).unwrap();
        std::fs::write(place.path("groups"), GROUPS).unwrap();
        std::fs::write(place.path("tokens"), TOKENS).unwrap();
        let data = place.path("placet-data");
        if data.exists() {
            std::fs::write(data.join("placet.toml"), "observe_seconds = 1\n").unwrap();
        }
        let key = placet_ledger::LogKey::from_seed("nobody.example/log", &[7; 32]).unwrap();
        Self { place, sessions: BTreeMap::new(), handles: BTreeMap::new(), key: key.verifier() }
    }

    pub fn init(&self) -> [&'static str; 3] {
        ["init", "--catalog", "catalog.toml"]
    }

    /// Everybody logs in, the founders by the codes that they were given.
    pub async fn let_in(&mut self, server: &Server, codes: &Value) {
        let key = std::fs::read_to_string(self.data().join("log.verifier")).unwrap();
        self.key = key.trim().parse().unwrap();
        let door = Door::of(&server.url);
        for given in codes.as_array().unwrap() {
            let person = given["person"].as_str().unwrap();
            self.log_in(&door, person, given["code"].as_str().unwrap()).await;
        }
        for person in ENGINEERS.iter().chain(&OWNERS).chain(&["mara", "nora"]) {
            let ask = json!({ "person": person });
            let code = self.post(&door, "ada", "/login-codes", &ask).await.unwrap().good();
            self.log_in(&door, person, &code.text("/secret")).await;
        }
        let ask =
            json!({ "holder": WORKLOAD, "length": "30d", "scopes": ["read", "ask", "report"] });
        let token = self.post(&door, "mara", "/tokens", &ask).await.unwrap().good();
        self.sessions.insert(WORKLOAD.to_owned(), token.text("/secret"));
        let all = self.get(&door, "nora", "/identities?limit=200").await.unwrap().good();
        for one in all.body.as_array().unwrap() {
            let id = one["id"].as_str().unwrap().parse().unwrap();
            self.handles.insert(id, one["handle"].as_str().unwrap().to_owned());
        }
    }

    async fn log_in(&mut self, door: &Door, person: &str, code: &str) {
        let body = json!({ "code": code });
        let answer = door.call("", "POST", "/login", Some(&body)).await.unwrap().good();
        self.sessions.insert(person.to_owned(), answer.text("/secret"));
    }

    pub async fn post(
        &self,
        door: &Door,
        who: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Gone> {
        door.call(&self.sessions[who], "POST", path, Some(body)).await
    }

    pub async fn get(&self, door: &Door, who: &str, path: &str) -> Result<Answer, Gone> {
        door.call(&self.sessions[who], "GET", path, None).await
    }

    /// Asks for so long; the reason is long enough to be read.
    pub async fn ask(
        &self,
        door: &Door,
        who: &str,
        entitlement: &str,
        length: &str,
    ) -> Result<Answer, Gone> {
        let because = "the test of the day needs it";
        let body =
            json!({ "entitlement": entitlement, "length": length, "justification": because });
        self.post(door, who, "/requests", &body).await
    }

    /// Resolves with the grant when it is in this state.
    pub async fn until(&self, door: &Door, grant: &str, state: &str) -> Answer {
        self.until_within(10, door, grant, state).await
    }

    /// The same, with so many seconds of patience.
    pub async fn until_within(
        &self,
        seconds: u32,
        door: &Door,
        grant: &str,
        state: &str,
    ) -> Answer {
        let path = format!("/grants/{grant}");
        for _ in 0..seconds * 40 {
            let shown = self.get(door, "nora", &path).await.unwrap().good();
            if shown.text("/state") == state {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("`{grant}` is never {state}: {:?}", self.get(door, "nora", &path).await);
    }

    pub fn data(&self) -> PathBuf {
        self.place.path("placet-data")
    }

    pub fn groups(&self) -> String {
        std::fs::read_to_string(self.place.path("groups")).unwrap()
    }

    pub fn tokens(&self) -> String {
        std::fs::read_to_string(self.place.path("tokens")).unwrap()
    }

    /// Nothing is left in the targets but what stands there by hand.
    pub fn is_bare(&self) -> Result<(), String> {
        // Removing the last member of a group leaves the group.
        let groups = self.groups();
        let mut members = groups.lines().filter(|line| !line.starts_with('#'));
        let left = members.find(|line| !line.ends_with(':') && *line != "captains: lotta");
        if !groups.contains("# kept\ncaptains: lotta\n") || left.is_some() {
            return Err(format!("something is left in the groups, or lost: {groups}"));
        }
        match self.tokens() {
            tokens if tokens == TOKENS => Ok(()),
            tokens => Err(format!("something is left in the tokens: {tokens}")),
        }
    }

    /// The endings that stand in the journal.
    pub fn journal(&self) -> Vec<Value> {
        let bytes = std::fs::read(self.data().join("endings.journal")).unwrap();
        bytes
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    /// `placet ledger verify --state`, which must find nothing.
    pub fn verifies(&self) -> Result<Value, String> {
        let verify = ["ledger", "verify", "--state", "--output", "json"];
        let output = self.place.run("operator", &verify);
        let (out, err) = crate::place::texts(&output);
        let report: Value = serde_json::from_str(&out).unwrap_or_default();
        if output.status.success() && report["faults"] == json!([]) {
            return Ok(report);
        }
        Err(format!("the ledger does not verify: {out}{err}"))
    }
}

pub fn now() -> placet_domain::Timestamp {
    Machine.now()
}

fn catalogue() -> String {
    let mut text = String::from("administrators = [\"ada\", \"bo\"]\n");
    for team in [
        "administrators",
        "auditors",
        "security-reviewers",
        "data-stewards",
        "platform",
        "engineering",
    ] {
        text += &format!("[[team]]\nname = \"{team}\"\n");
    }
    let mut person = |handle: &str, manager: &str, teams: &str| {
        text += &format!("[[person]]\nhandle = \"{handle}\"\nname = \"{handle} of the test\"\n");
        if !manager.is_empty() {
            text += &format!("manager = \"{manager}\"\n");
        }
        text += &format!("teams = [{teams}]\n");
    };
    person("ada", "", "\"administrators\"");
    person("bo", "ada", "\"administrators\", \"security-reviewers\"");
    person("mara", "ada", "\"engineering\"");
    person("nora", "ada", "\"auditors\"");
    ENGINEERS.iter().for_each(|one| person(one, "mara", "\"engineering\""));
    OWNERS.iter().for_each(|one| person(one, "mara", "\"engineering\", \"platform\""));
    text += &format!(
        "[[workload]]\nhandle = \"{WORKLOAD}\"\nkind = \"pipeline\"\nowner = \"mara\"\n\
         purpose = \"builds the timetable pages\"\nteams = [\"engineering\"]\n"
    );
    for (name, connector, path) in
        [("web-groups", "group-file", "groups"), ("registry", "token-file", "tokens")]
    {
        text += &format!(
            "[[target]]\nname = \"{name}\"\nowner = \"tom\"\nconnector = \"{connector}\"\n\
             settings = {{ path = \"{path}\" }}\n"
        );
    }
    for (name, target, native, terms) in [
        ("build-logs", "web-groups", "build-log-readers", READING),
        ("registry-pull", "registry", "pull", READING),
        ("booking-staging-deploy", "web-groups", "booking-deployers", WRITING),
    ] {
        text += &format!(
            "[[entitlement]]\nname = \"{name}\"\ntarget = \"{target}\"\nnative = \"{native}\"\n\
             kind = \"group\"\nowner = \"tom\"\nowners = \"platform\"\nsensitivity = 1\n\
             offered_to = [\"engineering\"]\nholders = [\"human\", \"pipeline\"]\n\
             longest = \"8h\"\nscope = \"what the test needs\"\n{terms}"
        );
    }
    text
}

const READING: &str = "environment = \"dev\"\nprivilege = \"read\"\npacks = [\"low-risk-dev\"]\n";
const WRITING: &str = "environment = \"staging\"\nprivilege = \"write\"\n";
