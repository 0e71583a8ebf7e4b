//! `placet request ...`, `inbox`, `approve`, `deny`.

use serde_json::{Value, json};

use super::{Context, moment_at, rows, text_at, who_at};
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Ask for one entitlement, for a length.
    New(NewArgs),
    /// Requests that I may read, the newest first.
    List,
    /// One request: for whom it waits, and why.
    Show { request: String },
    /// Take a request back.
    Withdraw { request: String },
    /// Take my approval back; what was granted on it ends.
    WithdrawApproval { request: String },
}

#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// The entitlement; see `placet catalog list`.
    entitlement: String,
    /// For how long: `4h`, `90m`, `1d 12h`, `PT4H`.
    #[arg(long, value_name = "LENGTH")]
    length: String,
    /// What it is for; the people who decide read it.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// Who is to hold it, if not me: a report of mine, or a workload that I own.
    #[arg(long, value_name = "HANDLE")]
    r#for: Option<String>,
    /// A ticket or incident elsewhere.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// Make a new revision of this request instead of a new one.
    #[arg(long, value_name = "REQUEST")]
    revises: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    request: String,
    /// The digest that I read; the present one if left out, shown before it is agreed to.
    #[arg(long)]
    digest: Option<String>,
    /// The stage in which I agree; the first that fits if left out.
    #[arg(long)]
    stage: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct DenyArgs {
    request: String,
    /// Why; the asker reads it.
    #[arg(long, value_name = "TEXT")]
    because: String,
    #[arg(long)]
    digest: Option<String>,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let api = context.api().await?;
    match verb {
        Verb::New(args) => {
            let body = json!({
                "entitlement": args.entitlement,
                "length": args.length,
                "justification": args.because,
                "receiver": args.r#for,
                "reference": args.reference,
            });
            let path = match args.revises {
                Some(request) => format!("/requests/{request}/revisions"),
                None => "/requests".to_owned(),
            };
            context.show(&api.post(&path, &body).await?, one);
        }
        Verb::List => context.show(&api.get("/requests").await?, list),
        Verb::Show { request } => {
            context.show(&api.get(&format!("/requests/{request}")).await?, one)
        }
        Verb::Withdraw { request } => {
            context.show(
                &api.post(&format!("/requests/{request}/withdraw"), &Value::Null).await?,
                one,
            );
        }
        Verb::WithdrawApproval { request } => {
            api.post(&format!("/requests/{request}/withdraw-approval"), &Value::Null).await?;
            output::note("your approval is withdrawn");
        }
    }
    Ok(())
}

pub async fn inbox(context: &Context) -> anyhow::Result<()> {
    let waiting = context.api().await?.get("/inbox").await?;
    context.show(&waiting, |waiting| {
        if rows(waiting).is_empty() { "nothing waits for you".to_owned() } else { list(waiting) }
    });
    Ok(())
}

pub async fn approve(context: &Context, args: ApproveArgs) -> anyhow::Result<()> {
    let api = context.api().await?;
    let digest = match args.digest {
        Some(digest) => digest,
        None => {
            let shown = api.get(&format!("/requests/{}", args.request)).await?;
            output::note(one(&shown));
            text_at(&shown, "/digest").to_owned()
        }
    };
    let body = json!({ "digest": digest, "stage": args.stage });
    let after = api.post(&format!("/requests/{}/approve", args.request), &body).await?;
    context.show(&after, |after| match text_at(after, "/state") {
        "approved" => "approved: it is carried out now".to_owned(),
        state => format!("agreed; the request is still {state}\n{}", stages(after)),
    });
    Ok(())
}

pub async fn deny(context: &Context, args: DenyArgs) -> anyhow::Result<()> {
    let api = context.api().await?;
    let digest = match args.digest {
        Some(digest) => digest,
        None => {
            let shown = api.get(&format!("/requests/{}", args.request)).await?;
            text_at(&shown, "/digest").to_owned()
        }
    };
    let body = json!({ "digest": digest, "reason": args.because });
    let after = api.post(&format!("/requests/{}/deny", args.request), &body).await?;
    context
        .show(&after, |after| format!("{} is {}", text_at(after, "/id"), text_at(after, "/state")));
    Ok(())
}

fn list(requests: &Value) -> String {
    let row = |one: &Value| {
        vec![
            text_at(one, "/id").to_owned(),
            text_at(one, "/state").to_owned(),
            who_at(one, "/receiver"),
            text_at(one, "/entitlement").to_owned(),
            text_at(one, "/length").to_owned(),
            moment_at(one, "/submitted_at"),
            waits(one),
        ]
    };
    output::table(
        &["request", "state", "for", "entitlement", "length", "since", "waits for"],
        rows(requests).iter().map(row).collect(),
    )
}

/// For whom a request waits, in a few words.
fn waits(request: &Value) -> String {
    let stages = request.pointer("/stages").map(rows).unwrap_or_default();
    let open = stages.iter().filter(|stage| missing(stage) > 0);
    let words =
        open.map(|stage| format!("{}: {}", text_at(stage, "/name"), people(stage, "/waits_for")));
    words.collect::<Vec<_>>().join("; ")
}

fn missing(stage: &Value) -> u64 {
    let needed = stage.pointer("/needed").and_then(Value::as_u64).unwrap_or(0);
    let given = stage.pointer("/approved_by").map(rows).unwrap_or_default().len();
    needed.saturating_sub(u64::try_from(given).unwrap_or(u64::MAX))
}

fn people(stage: &Value, path: &str) -> String {
    let people = stage.pointer(path).map(rows).unwrap_or_default();
    let mut names: Vec<String> = people.iter().take(4).map(|one| who_at(one, "")).collect();
    if people.len() > 4 {
        names.push(format!("and {} more", people.len() - 4));
    }
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

fn stages(request: &Value) -> String {
    let mut out = Vec::new();
    for stage in request.pointer("/stages").map(rows).unwrap_or_default() {
        let state = match missing(stage) {
            0 => format!("agreed by {}", people(stage, "/approved_by")),
            missing => format!("needs {missing} of {}", people(stage, "/waits_for")),
        };
        out.push(format!("  {}: {state}", text_at(stage, "/name")));
        for why in stage.pointer("/because").map(rows).unwrap_or_default() {
            out.push(format!("      {}", why.as_str().unwrap_or_default()));
        }
    }
    for why in request.pointer("/because").map(rows).unwrap_or_default() {
        out.push(format!("  pre-approved: {}", why.as_str().unwrap_or_default()));
    }
    out.join("\n")
}

/// A request as one who decides has to see it.
pub fn one(request: &Value) -> String {
    let line = |name: &str, value: String| format!("{name:>14}  {value}");
    let mut out = vec![format!("{} is {}", text_at(request, "/id"), text_at(request, "/state"))];
    let requester = who_at(request, "/requester");
    let receiver = who_at(request, "/receiver");
    out.push(line(
        "asks",
        if requester == receiver { requester } else { format!("{requester}, for {receiver}") },
    ));
    out.push(line(
        "for",
        format!(
            "{} on {}: {} {}, sensitivity {}",
            text_at(request, "/entitlement"),
            text_at(request, "/target"),
            text_at(request, "/environment"),
            text_at(request, "/privilege"),
            request.pointer("/sensitivity").and_then(Value::as_u64).unwrap_or(0)
        ),
    ));
    out.push(line("which allows", text_at(request, "/scope").to_owned()));
    out.push(line("length", text_at(request, "/length").to_owned()));
    out.push(line("because", text_at(request, "/justification").to_owned()));
    let holds: Vec<&str> = request
        .pointer("/holds")
        .map(rows)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    out.push(line(
        "holds already",
        if holds.is_empty() { "nothing".to_owned() } else { holds.join(", ") },
    ));
    out.push(line(
        "target seen",
        match text_at(request, "/observed/completeness") {
            "never" => "never yet".to_owned(),
            how => format!("{how}, {}", moment_at(request, "/observed/at")),
        },
    ));
    out.push(line("digest", text_at(request, "/digest").to_owned()));
    if let Some(grant) = request.pointer("/grant").filter(|grant| !grant.is_null()) {
        let until = moment_at(grant, "/until");
        let until = if until.is_empty() { String::new() } else { format!(", until {until}") };
        out.push(line(
            "grant",
            format!("{} is {}{until}", text_at(grant, "/id"), text_at(grant, "/state")),
        ));
    }
    out.push(stages(request));
    out.join("\n").trim_end().to_owned()
}
