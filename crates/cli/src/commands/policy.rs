//! `placet policy ...`: check and test a bundle here; propose and adopt it there.

mod compare;

pub use compare::in_words;

use std::path::PathBuf;

use placet_domain::bundle::Bundle;
use placet_policy::Policies;
use serde_json::{Value, json};

use super::{Context, rows, text_at, who_at};
use crate::config;
use crate::output::{self, Ended};

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Validate a bundle: strict, two levels deep, and the lints.
    Check { dir: PathBuf },
    /// Run the fixtures of a bundle: they expect routes and reasons.
    Test { dir: PathBuf },
    /// Which bundle rules, and which wait to be adopted.
    Show,
    /// Write the files of the ruling bundle, or of a proposal, to a folder: to read before adopting.
    Fetch {
        digest: String,
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// What differs between two bundles, and what comes out otherwise in their fixtures. With one
    /// name, a proposal against the ruling bundle, and what is open and held is weighed too.
    Diff {
        /// A folder, or the digest of a proposal.
        old: String,
        /// A folder.
        new: Option<PathBuf>,
    },
    /// Ask recorded rulings again, on a data directory; exit code 4 if one comes out otherwise.
    Replay {
        /// Only those of entries from this moment on, such as `2026-11-22T00:00:00Z`.
        #[arg(long, value_name = "MOMENT")]
        since: Option<String>,
        /// Only those of one request.
        #[arg(long, value_name = "ID")]
        request: Option<String>,
    },
    /// Propose a bundle; somebody else adopts it.
    Propose { dir: PathBuf },
    /// Adopt a bundle that somebody else proposed: it rules from now on.
    Adopt { digest: String },
    /// Write the shipped bundle to a folder, to begin from.
    Shipped {
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Check { dir } => check(context, &dir),
        Verb::Test { dir } => test(context, &dir),
        Verb::Show => {
            let ruling = context.api().await?.get("/policy").await?;
            context.show(&ruling, |ruling| {
                let proposals = ruling.pointer("/proposals").map(rows).unwrap_or_default();
                let line = |one: &Value| {
                    format!("proposed by {}: {}", who_at(one, "/by"), text_at(one, "/bundle"))
                };
                let mut out = vec![format!("ruling bundle: {}", text_at(ruling, "/bundle"))];
                out.extend(proposals.iter().map(line));
                out.join("\n")
            });
            Ok(())
        }
        Verb::Fetch { digest, out } => {
            let answer = context.api().await?.get(&format!("/policy/bundles/{digest}")).await?;
            let files = answer.pointer("/files").cloned().unwrap_or_default();
            write_bundle(&serde_json::from_value(files)?, &out)?;
            output::note(format!("the files are in `{}`", out.display()));
            Ok(())
        }
        Verb::Diff { old, new } => compare::diff(context, &old, new.as_deref()).await,
        Verb::Replay { since, request } => {
            compare::replay(context, since.as_deref(), request.as_deref()).await
        }
        Verb::Propose { dir } => {
            let bundle = config::bundle(&dir)?;
            let body = json!({ "files": bundle });
            let proposed = context.api().await?.post("/policy/bundles", &body).await?;
            context.show(&proposed, |proposed| text_at(proposed, "/bundle").to_owned());
            output::note("somebody else adopts it with `placet policy adopt`");
            Ok(())
        }
        Verb::Adopt { digest } => {
            context
                .api()
                .await?
                .post(&format!("/policy/bundles/{digest}/adopt"), &Value::Null)
                .await?;
            output::note("adopted: it rules from now on");
            Ok(())
        }
        Verb::Shipped { out } => {
            write_bundle(&placet_policy::shipped(), &out)?;
            output::note(format!("the shipped bundle is in `{}`", out.display()));
            Ok(())
        }
    }
}

fn problems(list: &[placet_policy::Problem]) -> anyhow::Error {
    let lines: Vec<String> = list.iter().map(ToString::to_string).collect();
    Ended::Broken(format!("this bundle cannot rule:\n  {}", lines.join("\n  "))).into()
}

fn check(context: &Context, dir: &std::path::Path) -> anyhow::Result<()> {
    let bundle = config::bundle(dir)?;
    let policies = Policies::load(&bundle).map_err(|list| problems(&list))?;
    let stages: Vec<String> = policies.stages().map(ToString::to_string).collect();
    let all: Vec<_> = policies.all().collect();
    let digest = policies.bundle();
    context.show(&json!({ "bundle": digest, "policies": all.len(), "stages": stages }), |_| {
        format!("{} policies, stages {}\nbundle {digest}", all.len(), stages.join(", "))
    });
    output::note("the bundle validates");
    Ok(())
}

fn test(context: &Context, dir: &std::path::Path) -> anyhow::Result<()> {
    let bundle = config::bundle(dir)?;
    let report = placet_policy::run_fixtures(&bundle).map_err(|list| problems(&list))?;
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    let idle: Vec<String> = report.never_decided.iter().map(ToString::to_string).collect();
    context.show(
        &json!({ "passed": report.passed, "failures": failures, "never_decided": idle }),
        |_| {
            let mut out =
                vec![format!("{} cases passed, {} failed", report.passed, failures.len())];
            out.extend(failures.iter().map(|one| format!("  {one}")));
            if !idle.is_empty() {
                out.push(format!("never decided in any case: {}", idle.join(", ")));
            }
            out.join("\n")
        },
    );
    if failures.is_empty() {
        return Ok(());
    }
    Err(Ended::Broken("the bundle does not do what its fixtures expect".to_owned()).into())
}

fn write_bundle(bundle: &Bundle, out: &std::path::Path) -> anyhow::Result<()> {
    if out.exists() {
        let what = format!("`{}` exists already; name a folder that does not", out.display());
        return Err(Ended::Unreadable(what).into());
    }
    for (name, text) in &bundle.files {
        let path = out.join(name);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
