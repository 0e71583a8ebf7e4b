//! `placet review ...`: the reviews that emergencies owe.

use serde_json::{Value, json};

use super::{Context, moment_at, request, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Emergencies whose review is owed, the longest due first.
    List,
    /// Record what I found. What was not justified ends at once.
    Record(RecordArgs),
}

#[derive(Debug, clap::Args)]
pub struct RecordArgs {
    request: String,
    /// What I found.
    #[arg(long, value_enum)]
    verdict: Verdict,
    /// What I looked at, and why I say so.
    #[arg(long, value_name = "TEXT")]
    note: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Verdict {
    Justified,
    NotJustified,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let api = context.api().await?;
    match verb {
        Verb::List => {
            let owed = api.get("/reviews").await?;
            context.show(&owed, list);
        }
        Verb::Record(RecordArgs { request, verdict, note }) => {
            let verdict = match verdict {
                Verdict::Justified => "justified",
                Verdict::NotJustified => "not_justified",
            };
            let body = json!({ "verdict": verdict, "note": note });
            let after = api.post(&format!("/requests/{request}/review"), &body).await?;
            context.show(&after, request::one);
        }
    }
    Ok(())
}

fn list(owed: &Value) -> String {
    if rows(owed).is_empty() {
        return "no review is owed".to_owned();
    }
    let row = |one: &Value| {
        let overdue = one.pointer("/emergency/review_overdue").and_then(Value::as_bool);
        vec![
            text_at(one, "/id").to_owned(),
            who_at(one, "/requester"),
            text_at(one, "/entitlement").to_owned(),
            text_at(one, "/emergency/incident").to_owned(),
            moment_at(one, "/submitted_at"),
            moment_at(one, "/emergency/review_due_at"),
            if overdue == Some(true) { "overdue" } else { "" }.to_owned(),
        ]
    };
    let head = ["request", "who", "entitlement", "incident", "broken at", "owed by", ""];
    output::table(&head, rows(owed).iter().map(row).collect())
}
