//! `placet grants`, `give-back`, `revoke`, `over`.

use serde_json::{Value, json};

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One grant; all that are held if left out.
    grant: Option<String>,
    /// Also those that are over.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
pub struct One {
    grant: String,
}

#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    grant: String,
    /// Why; kept with the grant.
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

pub async fn list(context: &Context, args: Args) -> anyhow::Result<()> {
    let api = context.api().await?;
    let grants = match &args.grant {
        Some(grant) => Value::Array(vec![api.get(&format!("/grants/{grant}")).await?]),
        None => api.get(&format!("/grants?all={}", args.all)).await?,
    };
    context.show(&grants, |grants| {
        if rows(grants).is_empty() {
            return "no grants".to_owned();
        }
        let row = |one: &Value| {
            vec![
                text_at(one, "/id").to_owned(),
                text_at(one, "/state").to_owned(),
                who_at(one, "/receiver"),
                text_at(one, "/entitlement").to_owned(),
                text_at(one, "/target").to_owned(),
                moment_at(one, "/until"),
                remarks(one),
            ]
        };
        let head = ["grant", "state", "holder", "entitlement", "target", "until", "end"];
        output::table(&head, rows(grants).iter().map(row).collect())
    });
    Ok(())
}

/// Why it ended, what is in its way, or what its receiver has to do.
fn remarks(grant: &Value) -> String {
    let collect = match text_at(grant, "/collect/half") {
        "" => String::new(),
        "ssh_key" => "collect it with `placet collect --key`".to_owned(),
        "scram_sha256" => "collect it with `placet collect --password-file`".to_owned(),
        _ => "collect it with `placet collect --token-file`".to_owned(),
    };
    let why = ["/end", "/end_detail", "/gone", "/trouble"].map(|path| text_at(grant, path));
    why.into_iter()
        .chain([collect.as_str()])
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

pub async fn give_back(context: &Context, one: One) -> anyhow::Result<()> {
    context.api().await?.post(&format!("/grants/{}/give-back", one.grant), &Value::Null).await?;
    output::note("given back; it is over when it is seen to be gone");
    Ok(())
}

pub async fn revoke(context: &Context, args: RevokeArgs) -> anyhow::Result<()> {
    let body = json!({ "note": args.because });
    context.api().await?.post(&format!("/grants/{}/revoke", args.grant), &body).await?;
    output::note("revoked; it is over when it is seen to be gone");
    Ok(())
}

/// Something has ended elsewhere.
pub async fn over(context: &Context, event: &str) -> anyhow::Result<()> {
    let body = json!({ "event": event });
    let done = context.api().await?.post("/ending-events", &body).await?;
    context.show(&done, |done| {
        let count = |path: &str| done.pointer(path).and_then(Value::as_u64).unwrap_or(0);
        format!(
            "grants that end: {}; requests that need no decision any more: {}",
            count("/ending"),
            count("/overtaken")
        )
    });
    Ok(())
}
