//! The verbs, one file each, and how they find Placet.

mod catalog;
mod collect;
mod delegation;
mod demo;
mod doctor;
mod evidence;
mod findings;
mod grants;
mod init;
mod ledger;
mod login;
mod notices;
mod policy;
mod recover;
mod request;
mod review;
mod scram;
mod serve;
mod token;
mod work;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};
use placet_engine::Engine;
use serde_json::Value;

use crate::api::Api;
use crate::config::{Config, Sessions};
use crate::output::{self, Format};

/// The control plane for access: no access without a named assent, an end and a proof.
#[derive(Debug, Parser)]
#[command(name = "placet", version, propagate_version = true, disable_help_subcommand = true)]
pub struct Cli {
    /// The data directory to work on in this process; `placet-data` if left out.
    #[arg(long, global = true, env = "PLACET_DATA", value_name = "DIR")]
    data: Option<PathBuf>,

    /// The server to speak to instead, such as `http://127.0.0.1:7400`.
    #[arg(long, global = true, env = "PLACET_SERVER", value_name = "URL")]
    server: Option<String>,

    /// How results are shown on stdout.
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    pub output: Format,

    /// Also tell on stderr what goes on.
    #[arg(long, short, global = true)]
    pub verbose: bool,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a ledger, and found the organisation from a catalogue file.
    Init(init::Args),
    /// Serve the pages and the API, and carry out, observe and end access.
    Serve(serve::Args),
    /// See a small company live through it all, in a minute; needs nothing else.
    Demo(demo::Args),
    /// Trade a one-time code for a session.
    Login(login::LoginArgs),
    /// End the session.
    Logout,
    /// Who am I here, and what may I read?
    Whoami,
    /// Let a named person log in once (administrators).
    LoginCode(login::CodeArgs),
    /// Tokens for programs: new, list, revoke.
    #[command(subcommand)]
    Token(token::Verb),
    /// Ask for access; list and follow requests.
    #[command(subcommand)]
    Request(request::Verb),
    /// What waits for my decision.
    Inbox,
    /// What I was told: requests, ends, findings.
    Notices(notices::Args),
    /// Agree to a request, exactly as it was shown.
    Approve(request::ApproveArgs),
    /// Say no to a request.
    Deny(request::DenyArgs),
    /// Take access in an emergency, at once; somebody reviews it afterwards.
    BreakGlass(request::BreakGlassArgs),
    /// The reviews that emergencies owe.
    #[command(subcommand)]
    Review(review::Verb),
    /// What is to be done by hand, at targets that no program reaches.
    #[command(subcommand)]
    Work(work::Verb),
    /// Who may decide in my place.
    #[command(subcommand)]
    Delegation(delegation::Verb),
    /// What is held, and until when.
    Grants(grants::Args),
    /// Hand in a key or draw a token, and have my access issued for it.
    Collect(collect::Args),
    /// End access that I hold, or that a workload of mine holds.
    GiveBack(grants::One),
    /// End somebody's access at once.
    Revoke(grants::RevokeArgs),
    /// Say that a ticket, incident or pipeline has ended: what was granted for it ends.
    Over {
        /// Such as `ticket:OPS-7`.
        event: String,
    },
    /// Differences between what was approved and what was seen.
    Findings(findings::Args),
    /// Who and what there is.
    #[command(subcommand)]
    Identities(catalog::Identities),
    /// What may be asked for, and where it stands.
    #[command(subcommand)]
    Catalog(catalog::Verb),
    /// Check, test, propose and adopt policy bundles.
    #[command(subcommand)]
    Policy(policy::Verb),
    /// Verify and export the ledger.
    #[command(subcommand)]
    Ledger(ledger::Verb),
    /// Export and verify evidence.
    #[command(subcommand)]
    Evidence(evidence::Verb),
    /// Is this data directory, or server, well?
    Doctor,
    /// Administrators are locked out: let two people in again, by the log's key.
    Recover(recover::Args),
    /// Print completions for a shell.
    Completions { shell: clap_complete::Shell },
}

/// What every verb is given.
pub struct Context {
    data: PathBuf,
    /// Whether the data directory was named, or is the usual one.
    named: bool,
    server: Option<String>,
    pub format: Format,
    sessions: Sessions,
    /// When what was opened here is closed.
    closing: Mutex<Vec<Closing>>,
}

type Closing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long a program waits for its database to be closed. What was answered as done is durable
/// before, so nothing is lost with the rest.
const CLOSING: Duration = Duration::from_secs(10);

pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { data, server, output: format, verb, .. } = cli;
    let named = data.is_some();
    let data = data.unwrap_or_else(|| PathBuf::from("placet-data"));
    let (sessions, closing) = (Sessions::of_user(), Mutex::default());
    let context = Context { data, named, server, format, sessions, closing };
    let ended = carry_out(&context, verb).await;
    context.close().await;
    ended
}

async fn carry_out(context: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Init(args) => init::run(context, args).await,
        Verb::Serve(args) => serve::run(context, args).await,
        Verb::Demo(args) => demo::run(context, args).await,
        Verb::Login(args) => login::log_in(context, args).await,
        Verb::Logout => login::log_out(context).await,
        Verb::Whoami => login::who_am_i(context).await,
        Verb::LoginCode(args) => login::issue_code(context, args).await,
        Verb::Token(verb) => token::run(context, verb).await,
        Verb::Request(verb) => request::run(context, verb).await,
        Verb::Inbox => request::inbox(context).await,
        Verb::Notices(args) => notices::run(context, args).await,
        Verb::Approve(args) => request::approve(context, args).await,
        Verb::Deny(args) => request::deny(context, args).await,
        Verb::BreakGlass(args) => request::break_glass(context, args).await,
        Verb::Review(verb) => review::run(context, verb).await,
        Verb::Work(verb) => work::run(context, verb).await,
        Verb::Delegation(verb) => delegation::run(context, verb).await,
        Verb::Over { event } => grants::over(context, &event).await,
        Verb::Grants(args) => grants::list(context, args).await,
        Verb::Collect(args) => collect::run(context, args).await,
        Verb::GiveBack(one) => grants::give_back(context, one).await,
        Verb::Revoke(args) => grants::revoke(context, args).await,
        Verb::Findings(args) => findings::run(context, args).await,
        Verb::Identities(verb) => catalog::identities(context, verb).await,
        Verb::Catalog(verb) => catalog::run(context, verb).await,
        Verb::Policy(verb) => policy::run(context, verb).await,
        Verb::Ledger(verb) => ledger::run(context, verb).await,
        Verb::Evidence(verb) => evidence::run(context, verb).await,
        Verb::Doctor => doctor::run(context).await,
        Verb::Recover(args) => recover::run(context, args).await,
        Verb::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "placet", &mut text);
            output::say(String::from_utf8_lossy(&text).trim_end());
            Ok(())
        }
    }
}

impl Context {
    /// Under which name sessions for this Placet are kept.
    fn place(&self) -> String {
        match &self.server {
            Some(server) => server.trim_end_matches('/').to_owned(),
            None => {
                let path = std::fs::canonicalize(&self.data).unwrap_or_else(|_| self.data.clone());
                path.display().to_string()
            }
        }
    }

    /// The data directory, if one was named.
    fn chosen_data(&self) -> Option<&Path> {
        self.named.then_some(self.data.as_path())
    }

    /// Whether a server, with its workers, is on the other side.
    fn is_served(&self) -> bool {
        self.server.is_some()
    }

    /// The engine of the data directory, in this process.
    async fn engine(&self) -> anyhow::Result<Engine> {
        let place = Config::of(&self.data)?.place(&self.data);
        Ok(self.opened(Engine::open(&place).await.map_err(output::ended)?))
    }

    /// An engine that was opened, for whose end `close` waits.
    fn opened(&self, engine: Engine) -> Engine {
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        closing.push(Box::pin(engine.closed()));
        engine
    }

    /// Waits until the engines that nobody holds any more are closed.
    async fn close(&self) {
        let closing =
            std::mem::take(&mut *self.closing.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async {
            for one in closing {
                one.await;
            }
        };
        if tokio::time::timeout(CLOSING, all).await.is_err() {
            output::note("the database is not closed yet, and is left as it is: nothing is lost");
        }
    }

    /// Placet as the one who is logged in sees it.
    async fn api(&self) -> anyhow::Result<Api> {
        let secret = self.sessions.secret(&self.place());
        match &self.server {
            Some(server) => Api::server(server, secret),
            None => Ok(Api::in_process(placet_server::router(self.engine().await?), secret)),
        }
    }

    /// Shows an answer: as JSON for programs, else as `text` puts it.
    fn show(&self, value: &Value, text: impl FnOnce(&Value) -> String) {
        match self.format {
            Format::Json => output::show_json(value),
            Format::Text => output::say(text(value)),
        }
    }
}

/// A text in an answer, or nothing.
pub fn text_at<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// How a person or workload in an answer is called.
pub fn who_at(value: &Value, path: &str) -> String {
    let who = value.pointer(path).unwrap_or(&Value::Null);
    match text_at(who, "/handle") {
        "" => text_at(who, "/id").to_owned(),
        handle => handle.to_owned(),
    }
}

/// A moment in an answer, to the second.
pub fn moment_at(value: &Value, path: &str) -> String {
    let text = text_at(value, path);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text.to_owned(),
    }
}

/// The rows of a list in an answer.
pub fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
