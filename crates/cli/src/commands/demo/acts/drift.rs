//! Somebody edits a target by hand: a finding, and the ways to answer it.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::commands::demo::company::Company;
use crate::commands::{rows, text_at, who_at};

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("somebody edits the group file by hand");
    let path = company.file("web-groups");
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, text.replace("booking-prod-admins:", "booking-prod-admins: eve"))?;
    company.show_group("booking-prod-admins")?;
    let findings = company.until("/findings", |findings| !rows(findings).is_empty()).await?;
    let found = rows(&findings).first().context("nothing was found")?;
    ensure!(found.pointer("/request") == Some(&Value::Null), "the finding names a request");
    company.teller.tell(format!(
        "finding: `{}` holds {} on {} ({}); the request behind it: none; {} has to answer",
        text_at(found, "/account"),
        text_at(found, "/entitlement"),
        text_at(found, "/target"),
        text_at(found, "/kind"),
        who_at(found, "/owner"),
    ));
    let finding = text_at(found, "/id").to_owned();
    adopt(company, &finding).await?;
    accept(company, &finding).await?;

    company.of("tom")?.post(&format!("/findings/{finding}/remove"), &Value::Null).await?;
    company.until("/findings", |findings| rows(findings).is_empty()).await?;
    company.teller.tell("to remove it asks nobody: Tom has it removed, and it is seen to be gone");
    company.show_group("booking-prod-admins")?;
    Ok(())
}

async fn adopt(company: &Company, finding: &str) -> anyhow::Result<()> {
    let path = format!("/findings/{finding}/answer");
    let adopt = json!({
        "answer": "adopt",
        "length": "1h",
        "justification": "perhaps she was asked to help with the prices",
    });
    let asked = company.of("tom")?.post(&path, &adopt).await?;
    company.teller.tell(
        "to adopt it is a request like any other, through the same gates, from its approval on:",
    );
    company.teller.quote(&waits(&asked));
    let id = text_at(&asked, "/id").to_owned();
    let reason = json!({ "reason": "nobody asked her to, and nobody asked us" });
    let after = company.decide("sven", &id, "deny", reason).await?;
    company.teller.tell(format!("Sven, of security, says no: it is {}", text_at(&after, "/state")));
    Ok(())
}

async fn accept(company: &Company, finding: &str) -> anyhow::Result<()> {
    let path = format!("/findings/{finding}/answer");
    let accept = json!({
        "answer": "accept",
        "length": "30m",
        "justification": "until Eve is back from lunch and can be asked",
    });
    let asked = company.of("tom")?.post(&path, &accept).await?;
    company.teller.tell(format!(
        "to bear it for a while is another one, for {}; Tom thinks better of it, and withdraws",
        text_at(&asked, "/length")
    ));
    let path = format!("/requests/{}/withdraw", text_at(&asked, "/id"));
    company.of("tom")?.post(&path, &Value::Null).await?;
    Ok(())
}

/// What a request for an answer needs, a line a stage.
fn waits(asked: &Value) -> String {
    let stages = asked.pointer("/stages").map(rows).unwrap_or_default();
    let line = |stage: &Value| {
        let people = stage.pointer("/waits_for").map(rows).unwrap_or_default();
        let names: Vec<String> = people.iter().map(|one| who_at(one, "")).collect();
        format!("{:<13} {}\n", text_at(stage, "/name"), names.join(", "))
    };
    stages.iter().map(line).collect()
}
