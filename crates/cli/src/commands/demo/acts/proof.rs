//! What an auditor takes away, and the ledger read again as a whole.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::commands::demo::company::Company;
use crate::commands::{evidence, rows};
use crate::output::{self, Ended};

/// What the demo came to.
pub struct Told {
    pub requests: usize,
    pub grants: usize,
    pub findings: usize,
    pub refusals: u64,
    pub size: u64,
    pub root: String,
    pub rows: u64,
}

pub async fn play(company: &Company, request: &str) -> anyhow::Result<Told> {
    company.teller.act("Nora, the auditor, takes the evidence away and checks it offline");
    let path = format!("/requests/{request}/evidence");
    let text = company.of("nora")?.text("POST", &path, Some(&Value::Null)).await?;
    let key = company.engine.verifier_key();
    std::fs::write(company.file("evidence.json"), &text)?;
    std::fs::write(company.file("log.verifier"), format!("{key}\n"))?;
    let key = key.parse().map_err(|error| anyhow::anyhow!("the verifier key: {error}"))?;
    let verdict = placet_ledger::evidence::verify(&text, &key)
        .map_err(|error| Ended::Broken(error.to_string()))?;
    company.teller.tell(format!(
        "{} bytes, and one public key: the whole story of Ines's request, from the entries alone",
        text.len()
    ));
    company.teller.quote(&evidence::as_text(&verdict));

    let mut cut: Value = serde_json::from_str(&text)?;
    let entries = cut.pointer_mut("/entries").and_then(Value::as_array_mut);
    entries.context("the evidence has no entries")?.remove(3);
    let cut = serde_json::to_string(&cut)?;
    let error = placet_ledger::evidence::verify(&cut, &key).err();
    let error = error.context("evidence with a missing entry was accepted")?;
    company.teller.tell("with one entry left out");
    company.teller.quote(&error.to_string());
    close(company).await
}

async fn close(company: &Company) -> anyhow::Result<Told> {
    company.teller.act("the ledger is read again from its first byte");
    let report = company.engine.verify_ledger(true).await.map_err(output::ended)?;
    ensure!(report.faults.is_empty(), "the ledger does not hold: {}", report.faults.join("; "));
    let compared = report.rows.unwrap_or(0);
    company.teller.tell(format!(
        "{} entries, root {}; {compared} governed rows are exactly the fold of their events",
        report.size, report.root
    ));
    let count = async |path: &str| -> anyhow::Result<usize> {
        Ok(rows(&company.of("nora")?.get(path).await?).len())
    };
    Ok(Told {
        requests: count("/requests?limit=200").await?,
        grants: count("/grants?all=true&limit=200").await?,
        findings: count("/findings?all=true&limit=200").await?,
        refusals: company.refusals,
        size: report.size,
        root: report.root,
        rows: compared,
    })
}
