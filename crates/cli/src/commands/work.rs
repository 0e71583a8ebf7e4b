//! `placet work ...`: what is to be done by hand, at targets that no program reaches.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use placet_domain::canonical::Digest;
use serde_json::{Value, json};

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

/// Evidence is a document or a picture; what is larger is named by mistake.
const LARGEST_EVIDENCE: u64 = 256 * 1024 * 1024;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// What is to be done by hand, the longest due first.
    List,
    /// Say that I have done it. Of the evidence, only the SHA-256 leaves this machine: keep the file.
    Done(DoneArgs),
    /// Confirm that another did it. I have looked at the evidence.
    Confirm(ConfirmArgs),
    /// Send it back: I have looked at the evidence, and it is to be done again.
    Return(ReturnArgs),
}

#[derive(Debug, clap::Args)]
pub struct DoneArgs {
    /// The work order, as `placet work list` names it.
    order: String,
    /// A file that shows that it was done.
    #[arg(long, value_name = "FILE")]
    evidence: PathBuf,
    /// What I did, and where the evidence is kept.
    #[arg(long, value_name = "TEXT")]
    note: String,
}

#[derive(Debug, clap::Args)]
pub struct ConfirmArgs {
    order: String,
    /// The file that I looked at; refused if it is not the one that was named.
    #[arg(long, value_name = "FILE")]
    evidence: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct ReturnArgs {
    order: String,
    /// What is missing.
    #[arg(long, value_name = "TEXT")]
    because: String,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let api = context.api().await?;
    match verb {
        Verb::List => {
            let open = api.get("/work").await?;
            context.show(&open, list);
        }
        Verb::Done(DoneArgs { order, evidence, note }) => {
            let body = json!({ "evidence_sha256": digest(&evidence)?, "note": note });
            api.post(&format!("/work/{order}/carried-out"), &body).await?;
            output::note("recorded; it counts when a second person has confirmed it");
        }
        Verb::Confirm(ConfirmArgs { order, evidence }) => {
            let body = json!({ "evidence_sha256": digest(&evidence)? });
            api.post(&format!("/work/{order}/confirm"), &body).await?;
            output::note("confirmed; it stands on your word and theirs, for nobody can look");
        }
        Verb::Return(ReturnArgs { order, because }) => {
            api.post(&format!("/work/{order}/return"), &json!({ "why": because })).await?;
            output::note("sent back; whoever did it is told");
        }
    }
    Ok(())
}

fn digest(path: &Path) -> anyhow::Result<Digest> {
    let named = || format!("the evidence `{}`", path.display());
    let size = File::open(path).and_then(|file| file.metadata()).with_context(named)?.len();
    if size == 0 || size > LARGEST_EVIDENCE {
        anyhow::bail!(
            "the evidence `{}` is empty or larger than 256 MiB; name the file that shows what was done",
            path.display()
        );
    }
    Ok(Digest::of(&std::fs::read(path).with_context(named)?))
}

fn list(open: &Value) -> String {
    if rows(open).is_empty() {
        return "nothing is to be done by hand".to_owned();
    }
    let row = |one: &Value| {
        let overdue = one.pointer("/overdue").and_then(Value::as_bool) == Some(true);
        let what = match text_at(one, "/effect") {
            "grant" => "give",
            _ => "take away",
        };
        let stands = match (who_at(one, "/carried_out_by"), text_at(one, "/returned")) {
            (who, _) if !who.is_empty() => format!("done, says {who}: wants confirming"),
            (_, "") => "to be done".to_owned(),
            (_, why) => format!("sent back: {why}"),
        };
        vec![
            text_at(one, "/id").to_owned(),
            what.to_owned(),
            format!("{} on {}", text_at(one, "/native"), text_at(one, "/target")),
            text_at(one, "/account").to_owned(),
            moment_at(one, "/due_at"),
            if overdue { format!("{stands}, overdue") } else { stands },
        ]
    };
    let head = ["order", "what", "of what", "account", "by", "stands"];
    output::table(&head, rows(open).iter().map(row).collect())
}
