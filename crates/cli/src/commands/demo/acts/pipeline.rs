//! A pipeline has access while it runs, and no longer.

use std::time::Duration;

use anyhow::ensure;
use placet_domain::canonical::Digest;
use serde_json::{Value, json};

use crate::commands::demo::company::{Company, short};
use crate::commands::{rows, text_at};

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("a pipeline has access while it runs, and no longer");
    let scopes = ["read", "ask", "report"];
    let token = json!({ "holder": "timetable-ci", "length": "1h", "scopes": scopes });
    let handed = company.of("mara")?.post("/tokens", &token).await?;
    let pipeline = company.api.with(text_at(&handed, "/secret").to_owned());
    company.teller.tell("timetable-ci has a token of its own: it may ask, and decide nothing");

    let began = company.teller.passed();
    let ask = json!({
        "entitlement": "registry-pull",
        "length": "1h",
        "justification": "fetch the images for build 4711",
        "ends_on": ["pipeline:build-4711"],
    });
    let asked = pipeline.post("/requests", &ask).await?;
    let id = text_at(&asked, "/id").to_owned();
    let grant = text_at(&asked, "/grant/id").to_owned();
    // Drawn by the pipeline itself: what it hands in is the digest.
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let credential = format!("issued_{}", Digest::from_bytes(drawn));
    let digest = Digest::of(credential.as_bytes());
    let half = json!({ "token_sha256": digest });
    pipeline.post(&format!("/grants/{grant}/collect"), &half).await?;
    company.until_grant(&id, "active").await?;
    let took = company.teller.passed().saturating_sub(began);

    company.teller.tell(format!(
        "from asking to a token that works, seen on the target: {}",
        milliseconds(took)
    ));
    let why = asked.pointer("/because").map(rows).unwrap_or_default();
    company.teller.quote(why.first().and_then(Value::as_str).unwrap_or_default());
    let line = tokens(company, &digest)?;
    ensure!(!line.is_empty(), "the token is not on the target");
    company.teller.tell(
        "the registry knows the digest of the token; the token itself is with the pipeline alone",
    );
    company.teller.quote(&format!(
        "registry-tokens: {}",
        line.replace(&digest.to_string(), &short(&digest.to_string()))
    ));

    let event = json!({ "event": "pipeline:build-4711" });
    pipeline.post("/ending-events", &event).await?;
    let began = company.teller.passed();
    let ended = company.until_grant(&id, "ended").await?;
    let took = company.teller.passed().saturating_sub(began);
    ensure!(tokens(company, &digest)?.is_empty(), "the token is still on the target");
    company.teller.tell(format!(
        "the build ends long before the hour is over, and says so: {}, after {}",
        text_at(&ended, "/gone"),
        milliseconds(took)
    ));
    Ok(())
}

fn milliseconds(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}

/// The line of a token in the file on disk, if it has one.
fn tokens(company: &Company, digest: &Digest) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(company.file("registry-tokens"))?;
    let digest = digest.to_string();
    Ok(text.lines().find(|line| line.contains(&digest)).unwrap_or_default().to_owned())
}
