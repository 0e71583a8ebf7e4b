//! `placet catalog ...` and `placet identities ...`.

use serde_json::Value;

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

mod change;

pub use change::lines;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// What may be asked for.
    List,
    /// The targets, and how fresh the knowledge of them is.
    Targets,
    /// Grant an entitlement to nobody any more; what is held runs to its end.
    Retire { entitlement: String },
    /// A target is of no more use; refused while anything on it is live.
    RetireTarget { target: String },
    /// Believe what a look at a target found, though it is a great deal at once.
    ReleaseTarget { target: String },
    /// What catalogue files would change, fact by fact, and whether it can widen access.
    Diff(change::Files),
    /// Change the catalogue by files: at once if it only narrows, else once somebody else adopts it.
    Propose(change::Files),
    /// Changes that wait to be adopted.
    Proposals {
        /// Also those that were decided.
        #[arg(long)]
        all: bool,
    },
    /// A proposed change, fact by fact.
    Show { proposal: String },
    /// Adopt a change that somebody else proposed.
    Adopt { proposal: String },
    /// Say no to a change that somebody else proposed.
    Reject {
        proposal: String,
        #[arg(long, value_name = "WHY")]
        because: Option<String>,
    },
    /// Take back a change that I proposed.
    Withdraw { proposal: String },
    /// What passed on because its owner left, and waits to be taken over.
    Handovers,
    /// Keep what passed on to me: I answer for it from now on.
    Keep { handover: String },
    /// What still follows from changes, and whether it waits for a person.
    Upkeep,
    /// Let ruling again go on after a change, although it ends much.
    Release {
        /// As `placet catalog upkeep` names it, such as `organisation`.
        what: String,
    },
}

#[derive(Debug, clap::Subcommand)]
pub enum Identities {
    /// People and workloads, with who answers for them: all that you may see.
    List,
    /// Somebody has left: what they hold and asked for ends, and what they own passes on.
    Deactivate { handle: String },
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::List => list(context).await,
        Verb::Targets => targets(context).await,
        Verb::Retire { entitlement } => retire(context, &entitlement).await,
        Verb::RetireTarget { target } => change::retire_target(context, &target).await,
        Verb::ReleaseTarget { target } => {
            let path = format!("/targets/{target}/release");
            context.api().await?.post(&path, &Value::Null).await?;
            output::note("released: the next look at it is believed");
            Ok(())
        }
        Verb::Diff(files) => change::diff(context, files).await,
        Verb::Propose(files) => change::propose(context, files).await,
        Verb::Proposals { all } => change::proposals(context, all).await,
        Verb::Show { proposal } => change::show(context, &proposal).await,
        Verb::Adopt { proposal } => change::adopt(context, &proposal).await,
        Verb::Reject { proposal, because } => change::reject(context, &proposal, because).await,
        Verb::Withdraw { proposal } => change::withdraw(context, &proposal).await,
        Verb::Handovers => change::handovers(context).await,
        Verb::Keep { handover } => change::keep(context, &handover).await,
        Verb::Upkeep => change::upkeep(context).await,
        Verb::Release { what } => change::release(context, &what).await,
    }
}

async fn list(context: &Context) -> anyhow::Result<()> {
    context.show(&context.api().await?.get("/entitlements?limit=200").await?, |list| {
        let row = |one: &Value| {
            let retired = one.pointer("/retired") == Some(&Value::Bool(true));
            vec![
                text_at(one, "/name").to_owned(),
                text_at(one, "/target").to_owned(),
                format!("{} {}", text_at(one, "/environment"), text_at(one, "/privilege")),
                if retired { "retired" } else { text_at(one, "/longest") }.to_owned(),
                who_at(one, "/owner"),
                text_at(one, "/scope").to_owned(),
            ]
        };
        let head = ["entitlement", "target", "what", "longest", "owner", "allows"];
        output::table(&head, rows(list).iter().map(row).collect())
    });
    Ok(())
}

async fn targets(context: &Context) -> anyhow::Result<()> {
    context.show(&context.api().await?.get("/targets?limit=200").await?, |list| {
        let row = |one: &Value| {
            let retired = one.pointer("/retired") == Some(&Value::Bool(true));
            vec![
                text_at(one, "/name").to_owned(),
                text_at(one, "/connector").to_owned(),
                who_at(one, "/owner"),
                if retired { "retired" } else { text_at(one, "/observed/completeness") }.to_owned(),
                moment_at(one, "/observed/at"),
                text_at(one, "/observed/detail").to_owned(),
            ]
        };
        let head = ["target", "kind", "owner", "seen", "at", "detail"];
        output::table(&head, rows(list).iter().map(row).collect())
    });
    Ok(())
}

async fn retire(context: &Context, entitlement: &str) -> anyhow::Result<()> {
    let path = format!("/entitlements/{entitlement}/retire");
    context.api().await?.post(&path, &Value::Null).await?;
    output::note(format!("`{entitlement}` is retired"));
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
            output::note(format!(
                "`{handle}` is no longer active: what they hold ends, and what they own passes on"
            ));
        }
    }
    Ok(())
}
