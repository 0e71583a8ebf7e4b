//! `placet request ...`, `inbox`, `approve`, `deny`.

use std::io::{BufRead as _, IsTerminal as _};

use placet_domain::length::Length;
use serde_json::{Value, json};

use super::{Context, moment_at, rows, text_at, who_at};
use crate::api::Api;
use crate::output::{self, Ended};

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
    /// Ask the asker something, as one who may decide; it stands in the trail.
    Ask { request: String, question: String },
    /// Answer a question about what I asked for.
    Answer { request: String, number: u32, answer: String },
    /// File the asks of a TOML file (`[[ask]]`) together: all or none, checked for conflicts.
    File { file: std::path::PathBuf },
    /// Ask for the same access to go on when a grant ends.
    Extend(ExtendArgs),
}

#[derive(Debug, clap::Args)]
pub struct ExtendArgs {
    grant: String,
    /// For how long, from a little before the grant ends.
    #[arg(long, value_name = "LENGTH")]
    length: String,
    /// Why it is needed longer; the people who decide read it.
    #[arg(long, value_name = "TEXT")]
    because: String,
}

#[derive(Debug, clap::Args)]
pub struct BreakGlassArgs {
    /// The entitlement; see `placet catalog list`.
    entitlement: String,
    /// The incident elsewhere.
    #[arg(long, value_name = "REFERENCE")]
    incident: String,
    /// For how long: an hour if left out.
    #[arg(long, value_name = "LENGTH", default_value = "1h")]
    length: String,
    /// What is broken; whoever reviews it reads it.
    #[arg(long, value_name = "TEXT", default_value = "an emergency; see the incident")]
    because: String,
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
    /// Not before this moment, such as `2026-12-01T08:00:00Z`.
    #[arg(long, value_name = "MOMENT")]
    starts: Option<String>,
    /// What ends it as well, such as `ticket:OPS-7`; may be given several times.
    #[arg(long, value_name = "EVENT")]
    until: Vec<String>,
    /// Make a new revision of this request instead of a new one.
    #[arg(long, value_name = "REQUEST")]
    revises: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    request: String,
    /// The digest that I read; if left out, the request is shown on a terminal, and asked about.
    #[arg(long)]
    digest: Option<String>,
    /// The stage in which I agree; the first that fits if left out.
    #[arg(long, conflicts_with_all = ["length", "entitlement", "starts"])]
    stage: Option<String>,
    /// Agree to less: for this long only. The others are asked anew.
    #[arg(long, value_name = "LENGTH")]
    length: Option<String>,
    /// Agree to less: to this entitlement of a lower privilege on the same target.
    #[arg(long, value_name = "NAME")]
    entitlement: Option<String>,
    /// Agree to less: not before this moment.
    #[arg(long, value_name = "MOMENT")]
    starts: Option<String>,
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
                "starts_at": args.starts,
                "ends_on": args.until,
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
        Verb::Ask { request, question } => {
            let path = format!("/requests/{request}/questions");
            context.show(&api.post(&path, &json!({ "text": question })).await?, one);
        }
        Verb::Answer { request, number, answer } => {
            let path = format!("/requests/{request}/questions");
            let body = json!({ "text": answer, "answers": number });
            context.show(&api.post(&path, &body).await?, one);
        }
        Verb::File { file } => {
            let filed = api.post("/requests/together", &crate::config::asks(&file)?).await?;
            context.show(&filed, |filed| list(filed.pointer("/requests").unwrap_or(&Value::Null)));
        }
        Verb::Extend(args) => {
            let body = json!({ "length": args.length, "justification": args.because });
            let path = format!("/grants/{}/extend", args.grant);
            context.show(&api.post(&path, &body).await?, one);
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

pub async fn break_glass(context: &Context, args: BreakGlassArgs) -> anyhow::Result<()> {
    let body = json!({
        "entitlement": args.entitlement,
        "length": args.length,
        "justification": args.because,
        "incident": args.incident,
    });
    let asked = context.api().await?.post("/requests", &body).await?;
    context.show(&asked, one);
    if !context.is_served() {
        output::note("`placet serve` carries it out");
    }
    Ok(())
}

pub async fn approve(context: &Context, args: ApproveArgs) -> anyhow::Result<()> {
    let api = context.api().await?;
    let narrows = args.length.is_some() || args.entitlement.is_some() || args.starts.is_some();
    let question = if narrows { "agree to less than this?" } else { "agree to exactly this?" };
    let digest = read_digest(&api, &args.request, args.digest, question).await?;
    let after = if narrows {
        let body = json!({
            "digest": digest,
            "length": args.length,
            "entitlement": args.entitlement,
            "starts_at": args.starts,
        });
        api.post(&format!("/requests/{}/narrow", args.request), &body).await?
    } else {
        let body = json!({ "digest": digest, "stage": args.stage });
        api.post(&format!("/requests/{}/approve", args.request), &body).await?
    };
    context.show(&after, |after| match text_at(after, "/state") {
        "approved" if context.is_served() => "approved: it is carried out now".to_owned(),
        "approved" => "approved: `placet serve` carries it out".to_owned(),
        state => format!("agreed; the request is still {state}\n{}", stages(after)),
    });
    Ok(())
}

pub async fn deny(context: &Context, args: DenyArgs) -> anyhow::Result<()> {
    let api = context.api().await?;
    let digest = read_digest(&api, &args.request, args.digest, "deny this?").await?;
    let body = json!({ "digest": digest, "reason": args.because });
    let after = api.post(&format!("/requests/{}/deny", args.request), &body).await?;
    context
        .show(&after, |after| format!("{} is {}", text_at(after, "/id"), text_at(after, "/state")));
    Ok(())
}

/// The digest of what somebody decides on: named, or read on a terminal and confirmed. A decision
/// on something unread is none.
async fn read_digest(
    api: &Api,
    request: &str,
    named: Option<String>,
    question: &str,
) -> anyhow::Result<String> {
    if let Some(digest) = named {
        return Ok(digest);
    }
    let shown = api.get(&format!("/requests/{request}")).await?;
    output::note(one(&shown));
    if !std::io::stdin().is_terminal() {
        let what = "read it, and name what you decide on with `--digest`".to_owned();
        return Err(Ended::Unreadable(what).into());
    }
    output::note(format!("{question} [y/N]"));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if !matches!(line.trim(), "y" | "Y" | "yes") {
        return Err(Ended::Unreadable("nothing was decided".to_owned()).into());
    }
    Ok(text_at(&shown, "/digest").to_owned())
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
    let name = |one: &Value| match who_at(one, "/for_whom") {
        own if own.is_empty() => who_at(one, ""),
        other => format!("{} for {other}", who_at(one, "")),
    };
    let mut names: Vec<String> = people.iter().take(4).map(name).collect();
    if people.len() > 4 {
        names.push(format!("and {} more", people.len() - 4));
    }
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

fn stages(request: &Value) -> String {
    let mut out = Vec::new();
    let open = text_at(request, "/state") == "open";
    for stage in request.pointer("/stages").map(rows).unwrap_or_default() {
        let state = match missing(stage) {
            missing if missing > 0 && !open => format!("{missing} were still needed"),
            0 => format!("agreed by {}", people(stage, "/approved_by")),
            missing => format!("needs {missing} of {}", people(stage, "/waits_for")),
        };
        out.push(format!("  {}: {state}", text_at(stage, "/name")));
        for why in stage.pointer("/because").map(rows).unwrap_or_default() {
            out.push(format!("      {}", why.as_str().unwrap_or_default()));
        }
    }
    let unasked =
        if text_at(request, "/route") == "break_glass" { "emergency" } else { "pre-approved" };
    for why in request.pointer("/because").map(rows).unwrap_or_default() {
        out.push(format!("  {unasked}: {}", why.as_str().unwrap_or_default()));
    }
    out.join("\n")
}

/// When it begins, what ends it as well, what it goes on from, and whether it is an emergency.
fn conditions(request: &Value) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    if !text_at(request, "/starts_at").is_empty() {
        out.push(("begins", moment_at(request, "/starts_at")));
    }
    let events: Vec<&str> = request
        .pointer("/ends_on")
        .map(rows)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if !events.is_empty() {
        out.push(("ends also on", events.join(", ")));
    }
    for (name, path) in [
        ("goes on from", "/extends"),
        ("filed with", "/filed_with"),
        ("answers", "/answers/finding"),
    ] {
        if !text_at(request, path).is_empty() {
            out.push((name, text_at(request, path).to_owned()));
        }
    }
    if let Some(emergency) = request.pointer("/emergency").filter(|one| !one.is_null()) {
        let verified = emergency.pointer("/verified").and_then(Value::as_bool).unwrap_or(false);
        let known = if verified { "verified" } else { "unverified" };
        out.push(("emergency", format!("{} ({known})", text_at(emergency, "/incident"))));
        for warning in emergency.pointer("/warnings").map(rows).unwrap_or_default() {
            out.push(("warning", warning.as_str().unwrap_or_default().to_owned()));
        }
        out.push(("review", review(emergency)));
    }
    out
}

/// How the review of an emergency stands.
fn review(emergency: &Value) -> String {
    let overdue = emergency.pointer("/review_overdue").and_then(Value::as_bool).unwrap_or(false);
    match (text_at(emergency, "/verdict"), moment_at(emergency, "/review_due_at")) {
        ("", due) if due.is_empty() => "owed once it is granted".to_owned(),
        ("", due) if overdue => format!("overdue since {due}"),
        ("", due) => format!("owed by {due}"),
        (verdict, _) => {
            format!("{} by {}", verdict.replace('_', " "), who_at(emergency, "/reviewed_by"))
        }
    }
}

/// What was asked about a request, and answered.
fn talk(request: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for one in request.pointer("/questions").map(rows).unwrap_or_default() {
        let number = one.pointer("/number").and_then(Value::as_u64).unwrap_or(0);
        let (by, text) = (who_at(one, "/asked_by"), text_at(one, "/question"));
        out.push(format!("  question {number}, by {by}: {text}"));
        match text_at(one, "/answer") {
            "" => out.push("      not answered yet".to_owned()),
            answer => out.push(format!("      {}: {answer}", who_at(one, "/answered_by"))),
        }
    }
    out
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
    if !text_at(request, "/allows").is_empty() {
        out.push(line("on the target", text_at(request, "/allows").to_owned()));
    }
    out.push(line("length", text_at(request, "/length").to_owned()));
    out.push(line("because", text_at(request, "/justification").to_owned()));
    if !text_at(request, "/reference").is_empty() {
        out.push(line("reference", text_at(request, "/reference").to_owned()));
    }
    out.extend(conditions(request).into_iter().map(|(name, value)| line(name, value)));
    let names = |field: &str| -> Vec<String> {
        let all = request.pointer(field).map(rows).unwrap_or_default().iter();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let holds = names("/holds");
    out.push(line(
        "holds already",
        if holds.is_empty() { "nothing".to_owned() } else { holds.join(", ") },
    ));
    let conflicts = names("/conflicts");
    if !conflicts.is_empty() {
        let with = format!("{}: nobody may hold that beside this", conflicts.join(", "));
        out.push(line("in conflict", with));
    }
    out.push(line(
        "target seen",
        match text_at(request, "/observed/completeness") {
            "never" => "never yet".to_owned(),
            how => {
                let seen = [
                    how,
                    &moment_at(request, "/observed/at"),
                    text_at(request, "/observed/detail"),
                ];
                seen.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
            }
        },
    ));
    if let Some(seconds) = request.pointer("/residual_seconds").and_then(Value::as_u64) {
        let after = if seconds == 0 {
            "gone at once".to_owned()
        } else {
            let length = Length::from_seconds(seconds).map(|length| length.to_string());
            format!("may go on for {}", length.unwrap_or_else(|_| format!("{seconds} s")))
        };
        let sessions = match text_at(request, "/sessions") {
            "ended" => ", open sessions are ended",
            "go_on" => ", a session that is open then goes on until its holder leaves it",
            _ => "",
        };
        out.push(line("after its end", format!("{after}{sessions}")));
    }
    let revision = request.pointer("/revision").and_then(Value::as_u64).unwrap_or(1);
    out.push(line("digest", format!("{} (revision {revision})", text_at(request, "/digest"))));
    if text_at(request, "/state") == "open" {
        out.push(line("waits since", moment_at(request, "/waits_since")));
        if !text_at(request, "/escalates_at").is_empty() {
            out.push(line("escalates", moment_at(request, "/escalates_at")));
        }
        out.push(line("open until", moment_at(request, "/lapses_at")));
        if !text_at(request, "/stalled").is_empty() {
            out.push(line("but stalled", text_at(request, "/stalled").to_owned()));
        }
    }
    if let Some(grant) = request.pointer("/grant").filter(|grant| !grant.is_null()) {
        let until = moment_at(grant, "/until");
        let until = if until.is_empty() { String::new() } else { format!(", until {until}") };
        out.push(line(
            "grant",
            format!("{} is {}{until}", text_at(grant, "/id"), text_at(grant, "/state")),
        ));
        for (name, path) in [("since", "/end_detail"), ("trouble", "/trouble")] {
            if !text_at(grant, path).is_empty() {
                out.push(line(name, text_at(grant, path).to_owned()));
            }
        }
    }
    out.push(stages(request));
    out.extend(talk(request));
    out.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_decides_is_told_what_nobody_may_hold_beside_it() {
        let calm = json!({ "id": "req_1", "holds": ["read"], "conflicts": [] });
        assert!(!one(&calm).contains("conflict"), "{}", one(&calm));
        let clash = json!({ "id": "req_1", "holds": ["pay"], "conflicts": ["pay"] });
        assert!(one(&clash).contains("in conflict  pay: nobody may hold that"), "{}", one(&clash));
    }
}
