//! `placet findings ...`: differences between what was approved and what was seen, and answering them.

use serde_json::{Value, json};

use super::{Context, moment_at, request, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also those that are resolved.
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Ask that what is there unapproved be approved from now on, for its holder.
    Adopt(AskArgs),
    /// Ask that what is gone be granted anew.
    Regrant(AskArgs),
    /// Ask that the difference be borne for a while.
    Accept(AskArgs),
    /// Have what nobody approved taken away at once.
    Remove { finding: String },
}

#[derive(Debug, clap::Args)]
pub struct AskArgs {
    finding: String,
    /// For how long, from its approval on; nothing is backdated.
    #[arg(long, value_name = "LENGTH")]
    length: String,
    /// Why; the people who decide read it.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// Whose account it is, if it is not the only one's that could be.
    #[arg(long, value_name = "HANDLE")]
    r#for: Option<String>,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    let (answer, asked) = match args.verb {
        None => return list(context, args.all).await,
        Some(Verb::Remove { finding }) => return remove(context, &finding).await,
        Some(Verb::Adopt(asked)) => ("adopt", asked),
        Some(Verb::Regrant(asked)) => ("regrant", asked),
        Some(Verb::Accept(asked)) => ("accept", asked),
    };
    let body = json!({
        "answer": answer,
        "receiver": asked.r#for,
        "length": asked.length,
        "justification": asked.because,
    });
    let path = format!("/findings/{}/answer", asked.finding);
    context.show(&context.api().await?.post(&path, &body).await?, request::one);
    Ok(())
}

async fn remove(context: &Context, finding: &str) -> anyhow::Result<()> {
    context.api().await?.post(&format!("/findings/{finding}/remove"), &Value::Null).await?;
    output::note("its removal is ordered; it is resolved when it is seen to be gone");
    Ok(())
}

async fn list(context: &Context, all: bool) -> anyhow::Result<()> {
    let findings = context.api().await?.get(&format!("/findings?all={all}")).await?;
    context.show(&findings, |findings| {
        if rows(findings).is_empty() {
            return "no findings".to_owned();
        }
        let head =
            ["finding", "kind", "state", "account", "what", "behind it", "owner", "since", "due"];
        output::table(&head, rows(findings).iter().map(row).collect())
    });
    Ok(())
}

fn row(one: &Value) -> Vec<String> {
    let request = text_at(one, "/request");
    let flag = |path: &str| one.pointer(path).and_then(Value::as_bool).unwrap_or(false);
    let state = match (text_at(one, "/state"), moment_at(one, "/accepted_until")) {
        ("accepted", until) => format!("accepted until {until}"),
        (state, _) if flag("/baseline") => format!("{state}, there at the first look"),
        (state, _) => state.to_owned(),
    };
    let state = match text_at(one, "/removal") {
        "" => state,
        _ if text_at(one, "/state") == "resolved" => state,
        removal => format!("{state}; its removal: {removal}"),
    };
    let due = moment_at(one, "/due_at");
    vec![
        text_at(one, "/id").to_owned(),
        text_at(one, "/kind").to_owned(),
        state,
        text_at(one, "/account").to_owned(),
        format!("{} on {}", text_at(one, "/entitlement"), text_at(one, "/target")),
        if request.is_empty() { "no request".to_owned() } else { request.to_owned() },
        who_at(one, "/owner"),
        moment_at(one, "/opened_at"),
        if flag("/overdue") { format!("overdue since {due}") } else { due },
    ]
}
