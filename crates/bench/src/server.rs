//! The real program, founded and serving in a folder of its own, and callers at its door.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::machine;

/// The release binary and the folder that it works in.
#[derive(Clone, Debug)]
pub struct Place {
    pub binary: PathBuf,
    pub dir: PathBuf,
}

impl Place {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(&self.dir)
            .env_clear()
            .env("PLACET_SESSIONS", self.dir.join("sessions"))
            .stdin(Stdio::null());
        command
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("placet-data")
    }

    /// Founds a company, and answers the login codes of its administrators.
    pub fn found(&self, catalogue: &str) -> anyhow::Result<Value> {
        std::fs::create_dir_all(&self.dir)?;
        std::fs::write(self.dir.join("catalog.toml"), catalogue)?;
        let args = ["init", "--catalog", "catalog.toml", "--output", "json"];
        let output = self.command().args(args).output()?;
        if !output.status.success() {
            bail!("`placet init`: {}", String::from_utf8_lossy(&output.stderr));
        }
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        answer.get("login_codes").cloned().context("`init` gives login codes")
    }

    /// Serves on a free port; answers when the program says that it does.
    pub fn serve(&self) -> anyhow::Result<Server> {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).arg("--data").arg(self.data());
        let began = machine::clock();
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let said = child.stderr.take().context("the program can speak")?;
        let mut lines = BufReader::new(said).lines();
        let url = loop {
            let line = lines.next().context("the program ended before it served")??;
            if let Some(url) = line.strip_prefix("serving on ") {
                break url.to_owned();
            }
        };
        let started = machine::clock() - began;
        // What it says later is of no interest, and must not keep it waiting.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server { child, url, started })
    }
}

/// A server that is running, and ends with this.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub url: String,
    /// How long it took to say where it serves, in microseconds.
    pub started: i64,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn cpu(&self) -> anyhow::Result<i64> {
        machine::cpu_of(&format!("/proc/{}/stat", self.pid()))
    }

    /// CPU time of the threads that run SQL and do nothing else.
    pub fn sql_cpu(&self) -> anyhow::Result<i64> {
        machine::cpu_of_threads(self.pid(), "sqlx-sqlite")
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The door, as one person reaches it.
#[derive(Clone, Debug)]
pub struct Door {
    client: reqwest::Client,
    url: String,
}

impl Door {
    pub fn of(url: &str) -> anyhow::Result<Self> {
        Ok(Self { client: machine::client()?, url: url.to_owned() })
    }

    pub async fn call(
        &self,
        secret: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1{path}", self.url);
        let mut request = match body {
            Some(body) => self.client.post(url).json(body),
            None => self.client.get(url),
        };
        if !secret.is_empty() {
            request = request.bearer_auth(secret);
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!("{path}: {status}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn post(&self, secret: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(secret, path, Some(body)).await
    }

    /// Logs in by a code, and answers with the session.
    pub async fn log_in(&self, code: &str) -> anyhow::Result<String> {
        let opened = self.post("", "/login", &json!({ "code": code })).await?;
        Ok(text(&opened, "/secret")?.to_owned())
    }

    /// Has a code issued for somebody, and logs them in.
    pub async fn let_in(&self, administrator: &str, person: &str) -> anyhow::Result<String> {
        let ask = json!({ "person": person });
        let code = self.post(administrator, "/login-codes", &ask).await?;
        self.log_in(text(&code, "/secret")?).await
    }
}

/// A text in an answer.
pub fn text<'a>(answer: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("`{pointer}` is missing in {answer}"))
}
