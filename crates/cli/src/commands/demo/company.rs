//! The company of the demo: its people's sessions, its files, and what every act needs of it.
//! Everything goes through the API, as whoever does it; the workers are stepped in between, as
//! `placet serve` would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use placet_engine::Engine;
use placet_engine::commands::found::Catalogue;
use serde_json::{Value, json};

use super::database::Database;
use super::tell::Teller;
use crate::api::Api;
use crate::commands::{rows, text_at};
use crate::output::{self, Ended};

/// What the group file holds before Placet comes: governed groups, and lines that are none of its
/// business and stay as they are.
pub const GROUPS: &str = "\
# groups of the web server, read by its authorisation module
# (edited by hand since 2019)
captains: lotta per

booking-deployers:
booking-prod-admins:
";

/// The incidents that are open: emergencies are checked against them.
pub const INCIDENTS: &str = "INC-2207\n";

/// Those who act in the story, after the two administrators.
const PEOPLE: [&str; 13] = [
    "mara", "ines", "tom", "kim", "lev", "otto", "jo", "sven", "runa", "yara", "gerd", "ulla",
    "nora",
];

/// The company, its people's sessions, and the folder in which its targets lie.
pub struct Company {
    pub engine: Engine,
    pub api: Api,
    sessions: BTreeMap<String, Api>,
    dir: PathBuf,
    pub refusals: u64,
    pub teller: Teller,
    /// The PostgreSQL server that was given, if one was.
    pub database: Option<Database>,
}

impl Company {
    /// Founds the company; its people log in, each by a one-time code.
    pub async fn found(
        engine: Engine,
        dir: &Path,
        teller: Teller,
        database: Option<Database>,
    ) -> anyhow::Result<Self> {
        teller.act("Kattegat Ferries founds its control plane");
        let mut text = include_str!("company.toml").to_owned();
        if database.is_some() {
            text.push_str(include_str!("database.toml"));
        }
        let mut catalogue = placed(&text, dir)?;
        if let Some(database) = &database {
            database.name_accounts(&mut catalogue)?;
        }
        let handles: Vec<String> =
            catalogue.administrators.iter().map(ToString::to_string).collect();
        let size = [
            format!("{} people", catalogue.person.len()),
            format!("{} workloads", catalogue.workload.len()),
            format!("{} entitlements", catalogue.entitlement.len()),
        ];
        let targets: Vec<String> =
            catalogue.target.iter().map(|one| target(&one.name, &one.connector)).collect();
        let codes =
            engine.found(catalogue, placet_policy::shipped()).await.map_err(output::ended)?;
        teller.tell(format!("{} on {} targets", size.join(", "), targets.len()));
        teller.quote(&targets.join("\n"));
        let api = Api::in_process(placet_server::router(engine.clone()), None);
        let sessions = BTreeMap::new();
        let dir = dir.to_owned();
        let mut company = Self { engine, api, sessions, dir, refusals: 0, teller, database };
        for (handle, code) in handles.iter().zip(&codes) {
            company.log_in(handle, code.secret.reveal()).await?;
        }
        company.teller.tell("Ada and Bo, the first administrators, log in with one-time codes");
        for person in PEOPLE {
            let handed =
                company.of("ada")?.post("/login-codes", &json!({ "person": person })).await?;
            company.log_in(person, text_at(&handed, "/secret")).await?;
        }
        company.teller.tell("Ada hands out a code, good for one login, to each who acts in this");
        company.work().await;
        let findings = company.of("nora")?.get("/findings?all=true").await?;
        ensure!(rows(&findings).is_empty(), "something was there before the story began");
        company.teller.tell("the first look at the targets finds nothing that nobody approved");
        Ok(company)
    }

    async fn log_in(&mut self, handle: &str, code: &str) -> anyhow::Result<()> {
        let handed = self.api.post("/login", &json!({ "code": code })).await?;
        let session = self.api.with(text_at(&handed, "/secret").to_owned());
        self.sessions.insert(handle.to_owned(), session);
        Ok(())
    }

    /// Placet as one of the people sees it.
    pub fn of(&self, handle: &str) -> anyhow::Result<&Api> {
        self.sessions.get(handle).with_context(|| format!("`{handle}` has not logged in"))
    }

    /// Fresh login codes for everybody in the story who is still there.
    pub async fn fresh_codes(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut out = Vec::new();
        for person in ["ada", "bo"].iter().chain(&PEOPLE) {
            let body = json!({ "person": person });
            match self.of("ada")?.post("/login-codes", &body).await {
                Ok(handed) => out.push(((*person).to_owned(), text_at(&handed, "/secret").into())),
                Err(error) if is_refused(&error, "inactive_identity") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(out)
    }

    /// A file of the demo.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Asks, and answers with the request.
    pub async fn ask(&self, who: &str, ask: Value) -> anyhow::Result<Value> {
        self.of(who)?.post("/requests", &ask).await
    }

    /// Somebody finds a request in their inbox, and does this with the digest that they read.
    pub async fn decide(
        &self,
        who: &str,
        request: &str,
        what: &str,
        mut body: Value,
    ) -> anyhow::Result<Value> {
        let waiting = self.of(who)?.get("/inbox").await?;
        let found = rows(&waiting).iter().find(|one| text_at(one, "/id") == request);
        let found = found.with_context(|| format!("`{request}` does not wait for `{who}`"))?;
        if let Some(body) = body.as_object_mut() {
            body.insert("digest".to_owned(), text_at(found, "/digest").into());
        }
        self.of(who)?.post(&format!("/requests/{request}/{what}"), &body).await
    }

    /// Somebody agrees to exactly what they read.
    pub async fn agree(&self, who: &str, request: &str) -> anyhow::Result<Value> {
        self.decide(who, request, "approve", json!({})).await
    }

    /// Sends what has to be refused, and tells the refusal.
    pub async fn expect(
        &mut self,
        code: &str,
        api: Api,
        path: &str,
        body: Value,
    ) -> anyhow::Result<()> {
        let refused = api.text("POST", path, Some(&body)).await.err();
        let refused =
            refused.with_context(|| format!("`{code}` was expected, and it was let through"))?;
        self.refusals += 1;
        match refused.downcast_ref::<Ended>() {
            Some(Ended::Refused { code: found, sentence, next, .. }) => {
                ensure!(found == code, "`{code}` was expected, not `{found}`: {sentence}");
                self.teller.refused(found, sentence, next);
            }
            _ => return Err(refused),
        }
        Ok(())
    }

    /// One round of the workers.
    pub async fn work(&self) {
        self.engine.step().await;
    }

    /// Works until an answer is as expected.
    pub async fn until(&self, path: &str, done: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        for _ in 0..100 {
            self.work().await;
            let answer = self.of("nora")?.get(path).await?;
            if done(&answer) {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("`{path}` did not come out as expected")
    }

    /// Works until the grant of a request stands so.
    pub async fn until_grant(&self, request: &str, state: &str) -> anyhow::Result<Value> {
        let path = format!("/requests/{request}");
        let stands = |shown: &Value| text_at(shown, "/grant/state") == state;
        let shown = self.until(&path, stands).await?;
        shown.pointer("/grant").cloned().context("the request led to no grant")
    }

    /// The line of a group in the file on disk.
    pub fn show_group(&self, group: &str) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.file("web-groups"))?;
        let line = text.lines().find(|line| line.starts_with(group)).unwrap_or_default();
        self.teller.quote(&format!("web-groups: {line}"));
        Ok(())
    }
}

/// A catalogue as every other, with the files of its targets where they really are.
pub fn placed(text: &str, dir: &Path) -> anyhow::Result<Catalogue> {
    let mut catalogue: Catalogue = toml::from_str(text)?;
    let dir = std::path::absolute(dir)?;
    catalogue.make_paths_absolute(&dir).map_err(|refusal| output::ended(refusal.into()))?;
    Ok(catalogue)
}

/// What a target of the demo really is.
fn target(name: &impl ToString, connector: &impl ToString) -> String {
    let what = match connector.to_string().as_str() {
        "group-file" => "a group file on disk",
        "token-file" => "a file of token digests on disk",
        "ssh-ca" => "an SSH certificate authority, with a revocation list on disk",
        "postgres" => "PostgreSQL, on the server that was given",
        "simulated" => "simulated: a memory in this process, no real system",
        other => return format!("{:<16} {other}", name.to_string()),
    };
    format!("{:<16} {what}", name.to_string())
}

fn is_refused(error: &anyhow::Error, code: &str) -> bool {
    matches!(error.downcast_ref(), Some(Ended::Refused { code: found, .. }) if found == code)
}

/// The beginning of a digest, as people compare it.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect::<String>() + "…"
}
