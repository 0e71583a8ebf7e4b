//! The catalogue changes: one proposes, everybody can see the difference, another adopts.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::commands::catalog::lines;
use crate::commands::demo::company::{Company, placed};
use crate::commands::text_at;

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("the catalogue changes: one proposes, another adopts");
    let change = body(include_str!("../change.toml"), company)?;
    let differs = company.of("ada")?.post("/catalogue/proposals", &change).await?;
    let id = text_at(&differs, "/proposal").to_owned();
    ensure!(!id.is_empty(), "a change that widens access waits for somebody else");
    company.teller.tell("Ada proposes a change that can widen access, so it waits");
    company.teller.quote(&lines(&differs));
    company.teller.tell("she tries to adopt it herself");
    let adopt = format!("/catalogue/proposals/{id}/adopt");
    let ada = company.of("ada")?.clone();
    company.expect("own_proposal", ada, &adopt, Value::Null).await?;
    let seen = company.of("bo")?.get(&format!("/catalogue/proposals/{id}")).await?;
    ensure!(lines(&seen) == lines(&differs), "Bo sees what Ada proposed");
    company.of("bo")?.post(&adopt, &Value::Null).await?;
    company.teller.tell("Bo reads the same lines and adopts it: it is so from now on");

    company.teller.tell(
        "Bo asks for the archive, and proposes another archivist while his request waits for one",
    );
    let ask = json!({
        "entitlement": "archive-read",
        "length": "1d",
        "justification": "look up the old harbour plans",
    });
    let asked = company.ask("bo", ask).await?;
    let own = body(include_str!("../own.toml"), company)?;
    let bo = company.of("bo")?.clone();
    company.expect("helps_own_request", bo.clone(), "/catalogue/proposals", own).await?;
    bo.post(&format!("/requests/{}/withdraw", text_at(&asked, "/id")), &Value::Null).await?;
    Ok(())
}

fn body(text: &str, company: &Company) -> anyhow::Result<Value> {
    Ok(json!({ "catalogue": placed(text, &company.file(""))?, "whole": false }))
}
