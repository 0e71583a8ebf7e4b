//! `placet notices`: what I was told, and what could not be delivered.

use serde_json::Value;

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What could not be delivered, to whom and why (administrators).
    #[arg(long)]
    undelivered: bool,
    /// The most rows; 50 if left out.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,
    /// Only those that come after this one in the list.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    let mut query = vec![format!("limit={}", args.limit.unwrap_or(50))];
    query.extend(args.after.map(|after| format!("after={after}")));
    let path = if args.undelivered { "/notices/undelivered" } else { "/notices" };
    let found = context.api().await?.get(&format!("{path}?{}", query.join("&"))).await?;
    context.show(&found, if args.undelivered { given_up } else { list });
    Ok(())
}

fn list(notices: &Value) -> String {
    if rows(notices).is_empty() {
        return "nothing was told".to_owned();
    }
    let one = |notice: &Value| {
        let mut text = format!(
            "{}  {}\n  {}",
            moment_at(notice, "/at"),
            text_at(notice, "/title"),
            text_at(notice, "/text")
        );
        match text_at(notice, "/next") {
            "" => {}
            next => text.push_str(&format!("\n  {next}")),
        }
        text
    };
    rows(notices).iter().map(one).collect::<Vec<_>>().join("\n")
}

fn given_up(notices: &Value) -> String {
    if rows(notices).is_empty() {
        return "everything was delivered, or is still tried".to_owned();
    }
    let row = |one: &Value| {
        vec![
            moment_at(one, "/at"),
            text_at(one, "/kind").to_owned(),
            text_at(one, "/about").to_owned(),
            who_at(one, "/receiver"),
            text_at(one, "/channel").to_owned(),
            text_at(one, "/why").to_owned(),
        ]
    };
    let head = ["at", "kind", "about", "receiver", "channel", "why"];
    output::table(&head, rows(notices).iter().map(row).collect())
}
