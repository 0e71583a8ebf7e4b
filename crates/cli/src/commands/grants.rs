//! `placet grants`, `give-back`, `revoke`.

use serde_json::{Value, json};

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Args {
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
    let grants = context.api().await?.get(&format!("/grants?all={}", args.all)).await?;
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
                [text_at(one, "/end"), text_at(one, "/gone"), text_at(one, "/trouble")]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(", "),
            ]
        };
        let head = ["grant", "state", "holder", "entitlement", "target", "until", "end"];
        output::table(&head, rows(grants).iter().map(row).collect())
    });
    Ok(())
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
