//! `placet policy diff` and `placet policy replay`: what a bundle changes, and whether what was ruled
//! still comes out as it was recorded.

use std::path::Path;

use placet_domain::bundle::Bundle;
use placet_engine::queries::Replayed;
use placet_policy::Difference;
use serde_json::{Value, json};

use crate::commands::{Context, rows, text_at};
use crate::config;
use crate::output::{self, Ended};

pub async fn diff(context: &Context, old: &str, new: Option<&Path>) -> anyhow::Result<()> {
    let (old, new, effects) = match new {
        Some(new) => (config::bundle(Path::new(old))?, config::bundle(new)?, Value::Null),
        None => proposal(context, old).await?,
    };
    let found = placet_policy::difference(&old, &new).map_err(|list| super::problems(&list))?;
    let shown = json!({ "difference": found, "effects": effects });
    context.show(&shown, |_| in_words(&found, &effects));
    Ok(())
}

/// The ruling bundle, a proposal, and what the proposal would do to what is open and held.
async fn proposal(context: &Context, digest: &str) -> anyhow::Result<(Bundle, Bundle, Value)> {
    let api = context.api().await?;
    let ruling = api.get("/policy").await?;
    let files = async |digest: &str| -> anyhow::Result<Bundle> {
        let answer = api.get(&format!("/policy/bundles/{digest}")).await?;
        Ok(serde_json::from_value(answer.pointer("/files").cloned().unwrap_or_default())?)
    };
    let old = files(text_at(&ruling, "/bundle")).await?;
    let new = files(digest).await?;
    let effects = api.get(&format!("/policy/bundles/{digest}/effects")).await?;
    Ok((old, new, effects))
}

pub fn in_words(found: &Difference, effects: &Value) -> String {
    let mut out = Vec::new();
    out.extend(found.added.iter().map(|id| format!("added    {id}")));
    out.extend(found.removed.iter().map(|id| format!("removed  {id}")));
    for one in &found.changed {
        out.push(format!("changed  {}", one.policy));
        out.extend(one.gone.iter().map(|line| format!("         - {line}")));
        out.extend(one.come.iter().map(|line| format!("         + {line}")));
    }
    out.extend(found.files.iter().map(|name| format!("file     {name} differs")));
    for one in &found.effects {
        out.push(format!("case     {}: {}: {} -> {}", one.file, one.case, one.old, one.new));
    }
    for one in effects.pointer("/otherwise").map(rows).unwrap_or_default() {
        let side = |path| text_at(one, path);
        out.push(format!(
            "now      {} ({}): {} -> {}",
            side("/what"),
            side("/entitlement"),
            side("/old"),
            side("/new")
        ));
    }
    if !effects.is_null() {
        let count = |path: &str| effects.pointer(path).and_then(Value::as_u64).unwrap_or_default();
        let more = effects.pointer("/more") == Some(&Value::Bool(true));
        let more = if more { ", and there are more" } else { "" };
        let (requests, grants) = (count("/requests"), count("/grants"));
        out.push(format!("weighed: {requests} open requests, {grants} live grants{more}"));
    }
    if out.is_empty() {
        return "nothing differs".to_owned();
    }
    out.join("\n")
}

pub async fn replay(
    context: &Context,
    since: Option<&str>,
    request: Option<&str>,
) -> anyhow::Result<()> {
    if context.server.is_some() {
        let what = "`policy replay` reads a data directory, not a server".to_owned();
        return Err(Ended::Unreadable(what).into());
    }
    let unreadable = |what: String| anyhow::Error::from(Ended::Unreadable(what));
    let chosen = Replayed {
        since: since.map(str::parse).transpose().map_err(|e| unreadable(format!("{e}")))?,
        request: request.map(str::parse).transpose().map_err(|e| unreadable(format!("{e}")))?,
    };
    let report = context.engine().await?.replay(chosen).await.map_err(output::ended)?;
    let shown = serde_json::to_value(&report)?;
    context.show(&shown, |_| {
        let mut out = vec![format!(
            "{} rulings came out as recorded, {} otherwise",
            report.same, report.different
        )];
        out.extend(
            report
                .differences
                .iter()
                .map(|one| format!("  entry {} ({}): {}", one.entry, one.r#type, one.why)),
        );
        out.join("\n")
    });
    if report.different == 0 {
        return Ok(());
    }
    Err(Ended::Broken("rulings do not come out as they were recorded".to_owned()).into())
}
