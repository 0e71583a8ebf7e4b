//! What people and programs see: data on stdout, everything else on stderr.

use std::fmt;
use std::io::{IsTerminal as _, Write as _};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use placet_domain::Refusal;
use placet_domain::refusal::Class;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

/// How results are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Format {
    /// Words and tables for people.
    Text,
    /// One JSON value for programs.
    Json,
}

/// Ways for a command to end other than well, each with its exit code.
#[derive(Debug)]
pub enum Ended {
    /// The command line or a file could not be read.
    Unreadable(String),
    /// A refusal with its next step; `malformed` if what was given could not be read.
    Refused { code: String, sentence: String, next: String, malformed: bool },
    /// Something that was verified does not hold.
    Broken(String),
    /// No server there.
    Unreachable(String),
}

impl Ended {
    /// The exit code of a failure.
    pub fn of(error: &anyhow::Error) -> u8 {
        match error.downcast_ref::<Self>() {
            Some(Self::Unreadable(_) | Self::Refused { malformed: true, .. }) => 2,
            Some(Self::Refused { .. }) => 3,
            Some(Self::Broken(_)) => 4,
            Some(Self::Unreachable(_)) => 5,
            None => 1,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(what) | Self::Broken(what) | Self::Unreachable(what) => {
                f.write_str(what)
            }
            Self::Refused { sentence, .. } => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Ended {}

impl From<&Refusal> for Ended {
    fn from(refusal: &Refusal) -> Self {
        Self::Refused {
            code: refusal.code().to_owned(),
            sentence: refusal.sentence(),
            next: refusal.next_step(),
            malformed: refusal.class() == Class::Malformed,
        }
    }
}

/// A failure of the engine, as the command line ends on it.
pub fn ended(error: placet_engine::Error) -> anyhow::Error {
    match error.refusal() {
        Some(refusal) => Ended::from(refusal).into(),
        None => anyhow::anyhow!("{error}"),
    }
}

/// Writes to stdout; a reader that went away is no failure.
pub fn say(text: impl fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes to stderr.
pub fn note(text: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A value for programs.
pub fn show_json(value: &Value) {
    say(serde_json::to_string_pretty(value).unwrap_or_default());
}

/// What went wrong, and what to do next; on stderr, as one JSON value where a program reads.
pub fn complain(error: &anyhow::Error, format: Format) {
    if format == Format::Json {
        let value = match error.downcast_ref::<Ended>() {
            Some(Ended::Refused { code, sentence, next, .. }) => {
                json!({ "code": code, "detail": sentence, "next": next })
            }
            _ => json!({ "code": "failed", "detail": format!("{error:#}") }),
        };
        return note(value);
    }
    match error.downcast_ref::<Ended>() {
        Some(Ended::Refused { code, sentence, next, .. }) => {
            note(format!("refused: {sentence}\n  next: {next}\n  code: {code}"));
        }
        Some(other) => note(format!("placet: {other}")),
        None => note(format!("placet: {error:#}")),
    }
}

/// A table for a terminal; without lines around it, so that it can be copied.
pub fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head.iter().copied()).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

pub fn log_to_stderr(verbose: bool) {
    let default = if verbose { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("PLACET_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
