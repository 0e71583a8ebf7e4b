//! `placet evidence ...`: what an auditor takes away, and checks offline.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use placet_ledger::VerifierKey;
use placet_ledger::evidence::{Failed, Mark, Verdict};
use serde_json::{Value, json};

use super::Context;
use crate::output::{self, Ended};

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Write the evidence of a request or grant to a file.
    #[command(group(clap::ArgGroup::new("of").required(true)))]
    Export {
        #[arg(long, group = "of", value_name = "ID")]
        request: Option<String>,
        #[arg(long, group = "of", value_name = "ID")]
        grant: Option<String>,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check a file of evidence, offline, with a key obtained from elsewhere.
    Verify {
        file: PathBuf,
        /// The file of the verifier key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Export { request, grant, out } => {
            // Before anything is asked of Placet: where it goes must be there.
            let mut file = std::fs::File::create(&out).map_err(|error| {
                Ended::Unreadable(format!("`{}` cannot be written: {error}", out.display()))
            })?;
            let path = match (&request, &grant) {
                (Some(request), _) => format!("/requests/{request}/evidence"),
                (None, grant) => {
                    format!("/grants/{}/evidence", grant.as_deref().unwrap_or_default())
                }
            };
            let text = context.api().await?.text("POST", &path, Some(&Value::Null)).await?;
            file.write_all(text.as_bytes())?;
            context.show(&json!({ "file": out, "bytes": text.len() }), |_| {
                format!("{} bytes in `{}`", text.len(), out.display())
            });
            Ok(())
        }
        Verb::Verify { file, key } => {
            let key = verifier_key(&key)?;
            let text = std::fs::read_to_string(&file).map_err(|error| {
                Ended::Unreadable(format!("`{}` cannot be read: {error}", file.display()))
            })?;
            verify(context, &text, &key)
        }
    }
}

/// A verifier key in a file of one line.
pub fn verifier_key(path: &Path) -> anyhow::Result<VerifierKey> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Ended::Unreadable(format!("the key `{shown}` cannot be read: {error}")))?;
    Ok(text
        .trim()
        .parse()
        .map_err(|error| Ended::Unreadable(format!("the key `{shown}`: {error}")))?)
}

fn verify(context: &Context, text: &str, key: &VerifierKey) -> anyhow::Result<()> {
    match placet_ledger::evidence::verify(text, key) {
        Ok(verdict) => {
            context.show(&as_json(&verdict), |_| as_text(&verdict));
            output::note("the evidence holds");
            Ok(())
        }
        Err(Failed::Breach(verdict)) => {
            context.show(&as_json(&verdict), |_| as_text(&verdict));
            Err(Ended::Broken("the evidence is whole, and shows that a law was broken".to_owned())
                .into())
        }
        Err(Failed::Incomplete(refusal)) => Err(Ended::Broken(refusal.to_string()).into()),
    }
}

fn as_json(verdict: &Verdict) -> Value {
    let story: Vec<Value> = verdict
        .story
        .iter()
        .map(
            |line| json!({ "at": line.at, "text": line.text, "breach": line.mark == Mark::Breach }),
        )
        .collect();
    json!({
        "request": verdict.request,
        "story": story,
        "checks": verdict.checks,
        "complete_up_to": { "index": verdict.complete_up_to.0, "at": verdict.complete_up_to.1 },
        "cannot_know": verdict.cannot_know,
    })
}

/// The verdict as people read it.
pub fn as_text(verdict: &Verdict) -> String {
    let mut out = Vec::new();
    for line in &verdict.story {
        let mark = if line.mark == Mark::Breach { "BREACH " } else { "" };
        out.push(format!("{}  {mark}{}", line.at, line.text));
    }
    out.push(String::new());
    out.extend(verdict.checks.iter().map(|check| format!("shown: {check}")));
    let (index, at) = verdict.complete_up_to;
    out.push(format!("complete up to entry {index}, {at}"));
    out.extend(verdict.cannot_know.iter().map(|what| format!("not to be known from this: {what}")));
    out.join("\n")
}
