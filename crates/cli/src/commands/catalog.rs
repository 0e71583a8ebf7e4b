//! `placet catalog ...` and `placet identities ...`.

use serde_json::Value;

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// What may be asked for.
    List,
    /// The targets, and how fresh the knowledge of them is.
    Targets,
    /// Grant an entitlement to nobody any more; what is held runs to its end.
    Retire { entitlement: String },
}

#[derive(Debug, clap::Subcommand)]
pub enum Identities {
    /// People and workloads, with who answers for them.
    List,
    /// Somebody has left: what they hold ends.
    Deactivate { handle: String },
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let api = context.api().await?;
    match verb {
        Verb::List => context.show(&api.get("/entitlements?limit=200").await?, |list| {
            let row = |one: &Value| {
                let retired = one.pointer("/retired") == Some(&Value::Bool(true));
                vec![
                    text_at(one, "/name").to_owned(),
                    text_at(one, "/target").to_owned(),
                    format!("{} {}", text_at(one, "/environment"), text_at(one, "/privilege")),
                    if retired {
                        "retired".to_owned()
                    } else {
                        text_at(one, "/longest").to_owned()
                    },
                    who_at(one, "/owner"),
                    text_at(one, "/scope").to_owned(),
                ]
            };
            let head = ["entitlement", "target", "what", "longest", "owner", "allows"];
            output::table(&head, rows(list).iter().map(row).collect())
        }),
        Verb::Targets => context.show(&api.get("/targets?limit=200").await?, |list| {
            let row = |one: &Value| {
                vec![
                    text_at(one, "/name").to_owned(),
                    text_at(one, "/connector").to_owned(),
                    who_at(one, "/owner"),
                    text_at(one, "/observed/completeness").to_owned(),
                    moment_at(one, "/observed/at"),
                    text_at(one, "/observed/detail").to_owned(),
                ]
            };
            let head = ["target", "kind", "owner", "seen", "at", "detail"];
            output::table(&head, rows(list).iter().map(row).collect())
        }),
        Verb::Retire { entitlement } => {
            api.post(&format!("/entitlements/{entitlement}/retire"), &Value::Null).await?;
            output::note(format!("`{entitlement}` is retired"));
        }
    }
    Ok(())
}

pub async fn identities(context: &Context, verb: Identities) -> anyhow::Result<()> {
    let api = context.api().await?;
    match verb {
        Identities::List => context.show(&api.get("/identities?limit=200").await?, |list| {
            let row = |one: &Value| {
                let active = one.pointer("/active") == Some(&Value::Bool(true));
                vec![
                    text_at(one, "/handle").to_owned(),
                    text_at(one, "/name").to_owned(),
                    text_at(one, "/kind").to_owned(),
                    if active { "active" } else { "inactive" }.to_owned(),
                    who_at(one, "/answers"),
                    text_at(one, "/purpose").to_owned(),
                ]
            };
            let head = ["handle", "name", "kind", "state", "answers", "purpose"];
            output::table(&head, rows(list).iter().map(row).collect())
        }),
        Identities::Deactivate { handle } => {
            api.post(&format!("/identities/{handle}/deactivate"), &Value::Null).await?;
            output::note(format!("`{handle}` is no longer active; what they hold ends"));
        }
    }
    Ok(())
}
