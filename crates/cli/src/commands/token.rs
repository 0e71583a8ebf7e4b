//! `placet token ...`: what programs present to ask, read and give back.

use serde_json::{Value, json};

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Give a program of mine, or a workload that I own, a token; it is shown this once.
    New(NewArgs),
    /// Tokens of mine and of workloads that I own.
    List {
        /// Include what was ended.
        #[arg(long)]
        all: bool,
    },
    /// End one at once.
    Revoke { token: String },
}

#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// For a workload that I own; for myself if left out.
    #[arg(long, value_name = "HANDLE")]
    r#for: Option<String>,
    /// For how long, such as `30d`.
    #[arg(long, default_value = "30d", value_name = "LENGTH")]
    length: String,
    /// What it is for: `read`, `ask`, `report` or `propose`; reading and asking if left out.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let api = context.api().await?;
    match verb {
        Verb::New(NewArgs { r#for, length, scopes }) => {
            let body = json!({ "holder": r#for, "length": length, "scopes": scopes });
            let handed = api.post("/tokens", &body).await?;
            context.show(&handed, |handed| text_at(handed, "/secret").to_owned());
            let until = moment_at(&handed, "/expires_at");
            output::note(format!("shown this once; valid until {until}"));
        }
        Verb::List { all } => {
            let found = api.get(&format!("/tokens?limit=200&all={all}")).await?;
            context.show(&found, list);
        }
        Verb::Revoke { token } => {
            api.post(&format!("/tokens/{token}/revoke"), &Value::Null).await?;
            output::note("the token has ended");
        }
    }
    Ok(())
}

fn list(found: &Value) -> String {
    if rows(found).is_empty() {
        return "no tokens".to_owned();
    }
    let row = |one: &Value| {
        let scopes = one.pointer("/scopes").map(rows).unwrap_or_default();
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        vec![
            text_at(one, "/id").to_owned(),
            who_at(one, "/holder"),
            if scopes.is_empty() { "everything".to_owned() } else { scopes.join(", ") },
            text_at(one, "/state").to_owned(),
            moment_at(one, "/expires_at"),
            moment_at(one, "/used_at"),
        ]
    };
    let head = ["token", "holder", "for", "now", "until", "last used"];
    output::table(&head, rows(found).iter().map(row).collect())
}
