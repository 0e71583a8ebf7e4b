//! Changing the catalogue from files: `placet catalog diff`, `propose`, `adopt` and what goes with
//! them.

use std::path::PathBuf;

use placet_engine::commands::found::Catalogue;
use serde_json::{Value, json};

use crate::commands::{Context, moment_at, rows, text_at, who_at};
use crate::config;
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Files {
    /// Catalogue files; each may hold a part.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The files say everything: who is left out has left, and what is left out is retired.
    #[arg(long)]
    whole: bool,
}

impl Files {
    fn body(&self) -> anyhow::Result<Value> {
        let mut catalogue = Catalogue::default();
        for file in &self.files {
            let mut part = config::catalogue(file)?;
            config::paths_from_here(&mut part)?;
            catalogue.administrators.append(&mut part.administrators);
            catalogue.schedule.append(&mut part.schedule);
            catalogue.team.append(&mut part.team);
            catalogue.person.append(&mut part.person);
            catalogue.workload.append(&mut part.workload);
            catalogue.target.append(&mut part.target);
            catalogue.entitlement.append(&mut part.entitlement);
        }
        Ok(json!({ "catalogue": catalogue, "whole": self.whole }))
    }
}

/// Differences as people read them: one line a fact, marked by what it can do.
pub fn lines(value: &Value) -> String {
    let all = value.pointer("/lines").map(rows).unwrap_or_default();
    if all.is_empty() {
        return "nothing would change".to_owned();
    }
    let side = |one: &Value, path: &str| match text_at(one, path) {
        "" => "-".to_owned(),
        text => text.to_owned(),
    };
    let row = |one: &Value| {
        vec![
            text_at(one, "/effect").to_owned(),
            text_at(one, "/record").to_owned(),
            text_at(one, "/fact").to_owned(),
            format!("{} -> {}", side(one, "/old"), side(one, "/new")),
        ]
    };
    output::table(&["effect", "record", "fact", "old -> new"], all.iter().map(row).collect())
}

pub async fn diff(context: &Context, files: Files) -> anyhow::Result<()> {
    let differs = context.api().await?.post("/catalogue/diff", &files.body()?).await?;
    context.show(&differs, lines);
    match (widens(&differs), text_at(&differs, "/lines/0/record")) {
        (_, "") => {}
        (true, _) => output::note("it can widen access: one proposes it, and another adopts it"),
        (false, _) => output::note("it cannot widen access: proposing it makes it so at once"),
    }
    Ok(())
}

fn widens(value: &Value) -> bool {
    value.pointer("/widens") == Some(&Value::Bool(true))
}

pub async fn propose(context: &Context, files: Files) -> anyhow::Result<()> {
    let differs = context.api().await?.post("/catalogue/proposals", &files.body()?).await?;
    context.show(&differs, |differs| match text_at(differs, "/proposal") {
        "" => lines(differs),
        id => format!("{}\nproposal: {id}", lines(differs)),
    });
    match text_at(&differs, "/proposal") {
        "" => output::note("it is so from now on"),
        id => output::note(format!(
            "somebody else adopts it with `placet catalog adopt {id}`, within 14 days"
        )),
    }
    Ok(())
}

pub async fn proposals(context: &Context, all: bool) -> anyhow::Result<()> {
    let path = format!("/catalogue/proposals?limit=200&all={all}");
    context.show(&context.api().await?.get(&path).await?, |list| {
        let row = |one: &Value| {
            let records = one.pointer("/records").map(ToString::to_string).unwrap_or_default();
            vec![
                text_at(one, "/id").to_owned(),
                text_at(one, "/state").to_owned(),
                who_at(one, "/by"),
                records,
                moment_at(one, "/proposed_at"),
                moment_at(one, "/lapses_at"),
            ]
        };
        let head = ["proposal", "state", "by", "records", "proposed", "lapses"];
        output::table(&head, rows(list).iter().map(row).collect())
    });
    Ok(())
}

pub async fn show(context: &Context, id: &str) -> anyhow::Result<()> {
    let shown = context.api().await?.get(&format!("/catalogue/proposals/{id}")).await?;
    context.show(&shown, |one| {
        let state = text_at(one, "/state");
        let mut head = format!("{} ({state}), by {}", text_at(one, "/id"), who_at(one, "/by"));
        let reason = text_at(one, "/reason");
        if !reason.is_empty() {
            head.push_str(&format!("\nreason: {reason}"));
        }
        format!("{head}\n{}", lines(one))
    });
    Ok(())
}

pub async fn adopt(context: &Context, id: &str) -> anyhow::Result<()> {
    let path = format!("/catalogue/proposals/{id}/adopt");
    context.api().await?.post(&path, &Value::Null).await?;
    output::note("adopted: it is so from now on, and what it concerns is ruled again");
    Ok(())
}

pub async fn reject(context: &Context, id: &str, because: Option<String>) -> anyhow::Result<()> {
    let path = format!("/catalogue/proposals/{id}/reject");
    context.api().await?.post(&path, &json!({ "reason": because })).await?;
    output::note("rejected: nothing changes");
    Ok(())
}

pub async fn withdraw(context: &Context, id: &str) -> anyhow::Result<()> {
    let path = format!("/catalogue/proposals/{id}/withdraw");
    context.api().await?.post(&path, &Value::Null).await?;
    output::note("withdrawn: nothing changes");
    Ok(())
}

pub async fn retire_target(context: &Context, target: &str) -> anyhow::Result<()> {
    let path = format!("/targets/{target}/retire");
    context.api().await?.post(&path, &Value::Null).await?;
    output::note(format!("`{target}` is retired, with everything on it"));
    Ok(())
}

pub async fn handovers(context: &Context) -> anyhow::Result<()> {
    context.show(&context.api().await?.get("/catalogue/handovers?limit=200").await?, |list| {
        let row = |one: &Value| {
            let overdue = one.pointer("/overdue") == Some(&Value::Bool(true));
            let by = moment_at(one, "/settle_by");
            vec![
                text_at(one, "/id").to_owned(),
                text_at(one, "/what").to_owned(),
                who_at(one, "/from"),
                format!("{} {}", who_at(one, "/to"), text_at(one, "/because")),
                if overdue { format!("{by}, overdue") } else { by },
            ]
        };
        let head = ["handover", "what", "from", "to", "settle by"];
        output::table(&head, rows(list).iter().map(row).collect())
    });
    Ok(())
}

pub async fn keep(context: &Context, id: &str) -> anyhow::Result<()> {
    context.api().await?.post(&format!("/catalogue/handovers/{id}/keep"), &Value::Null).await?;
    output::note("it is yours: you answer for it from now on");
    Ok(())
}

pub async fn upkeep(context: &Context) -> anyhow::Result<()> {
    context.show(&context.api().await?.get("/catalogue/upkeep").await?, |list| {
        let row = |one: &Value| {
            let held = one.pointer("/held") == Some(&Value::Bool(true));
            let count = |path: &str| one.pointer(path).and_then(Value::as_u64).unwrap_or_default();
            let state = match held {
                true => format!(
                    "waits for a person: it would end {} of {} live grants",
                    count("/would_end"),
                    count("/live")
                ),
                false if count("/waits") > 0 => {
                    format!("policy could not rule on {}; tried again", count("/waits"))
                }
                false => "goes on".to_owned(),
            };
            let called = match (text_at(one, "/called"), text_at(one, "/what")) {
                (called, what) if called == what => what.to_owned(),
                (called, what) => format!("{called} ({what})"),
            };
            vec![text_at(one, "/does").to_owned(), called, state]
        };
        output::table(&["does", "after a change of", "state"], rows(list).iter().map(row).collect())
    });
    Ok(())
}

pub async fn release(context: &Context, what: &str) -> anyhow::Result<()> {
    let path = format!("/catalogue/upkeep/{what}/release");
    context.api().await?.post(&path, &Value::Null).await?;
    output::note("released: what policy refuses now ends");
    Ok(())
}
