//! `placet delegation ...`: who may decide in my place, from one day to another.

use serde_json::{Value, json};

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Let somebody decide in my place, until a day. They act on my right, and we count once.
    New(NewArgs),
    /// Delegations by me and to me.
    List,
    /// End one before its time.
    End { delegation: String },
}

#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// Who may decide in my place.
    #[arg(value_name = "HANDLE")]
    to: String,
    /// When it ends, such as `2026-12-24T18:00:00Z`; 90 days ahead at the most.
    #[arg(long, value_name = "MOMENT")]
    until: Option<String>,
    /// When it begins; now if left out.
    #[arg(long, value_name = "MOMENT")]
    from: Option<String>,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let api = context.api().await?;
    match verb {
        Verb::New(NewArgs { to, until, from }) => {
            let body = json!({ "to": to, "ends_at": until, "starts_at": from });
            let made = api.post("/delegations", &body).await?;
            context.show(&made, |made| text_at(made, "/id").to_owned());
        }
        Verb::List => {
            let found = api.get("/delegations").await?;
            context.show(&found, list);
        }
        Verb::End { delegation } => {
            api.post(&format!("/delegations/{delegation}/end"), &Value::Null).await?;
            output::note("the delegation has ended");
        }
    }
    Ok(())
}

fn list(found: &Value) -> String {
    if rows(found).is_empty() {
        return "no delegations".to_owned();
    }
    let row = |one: &Value| {
        let in_force = one.pointer("/in_force").and_then(Value::as_bool).unwrap_or(false);
        vec![
            text_at(one, "/id").to_owned(),
            who_at(one, "/from"),
            who_at(one, "/to"),
            moment_at(one, "/starts_at"),
            moment_at(one, "/ends_at"),
            if in_force { "in force" } else { "not in force" }.to_owned(),
        ]
    };
    let head = ["delegation", "from", "to", "begins", "ends", "now"];
    output::table(&head, rows(found).iter().map(row).collect())
}
