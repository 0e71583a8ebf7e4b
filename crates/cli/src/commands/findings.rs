//! `placet findings`.

use serde_json::Value;

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also those that are resolved.
    #[arg(long)]
    all: bool,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    let findings = context.api().await?.get(&format!("/findings?all={}", args.all)).await?;
    context.show(&findings, |findings| {
        if rows(findings).is_empty() {
            return "no findings".to_owned();
        }
        let row = |one: &Value| {
            let request = text_at(one, "/request");
            vec![
                text_at(one, "/id").to_owned(),
                text_at(one, "/kind").to_owned(),
                text_at(one, "/state").to_owned(),
                text_at(one, "/account").to_owned(),
                format!("{} on {}", text_at(one, "/entitlement"), text_at(one, "/target")),
                if request.is_empty() { "no request".to_owned() } else { request.to_owned() },
                who_at(one, "/owner"),
                moment_at(one, "/opened_at"),
            ]
        };
        let head = ["finding", "kind", "state", "account", "what", "behind it", "owner", "since"];
        output::table(&head, rows(findings).iter().map(row).collect())
    });
    Ok(())
}
