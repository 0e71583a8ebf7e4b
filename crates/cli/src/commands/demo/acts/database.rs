//! A role on a real PostgreSQL server: it appears, is used, and goes with the session that had it;
//! then somebody grants one by hand.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::commands::demo::company::Company;
use crate::commands::{rows, text_at};

const READ: &str = "select string_agg(name, ', ' order by name) from placet_demo.crew_lists;";

/// Nothing, where no server was given.
pub async fn play(company: &Company) -> anyhow::Result<()> {
    let Some(database) = &company.database else { return Ok(()) };
    company.teller.act("Ines reads a table of a PostgreSQL server, and her session ends");
    let ask = json!({
        "entitlement": "crew-lists-read",
        "length": "1h",
        "justification": "find out why the roster of Kattegat II is short",
    });
    let asked = company.ask("ines", ask).await?;
    let id = text_at(&asked, "/id").to_owned();
    company.teller.tell("who decides reads what the role really allows, as the server says it:");
    company.teller.quote(text_at(&asked, "/allows"));
    company.agree("kim", &id).await?;
    let grant = company.until_grant(&id, "active").await?;
    company.teller.tell("Kim agrees; the role appears, and Ines logs in with `psql`:");
    let mut session = database.log_in()?;
    let read = session.ask(READ)?;
    ensure!(!read.is_empty(), "Ines cannot read the table");
    company.teller.quote(READ);
    company.teller.quote(&read);

    let path = format!("/grants/{}/revoke", text_at(&grant, "/id"));
    let note = json!({ "note": "the roster is mended" });
    company.of("ada")?.post(&path, &note).await?;
    let ended = company.until_grant(&id, "ended").await?;
    company.teller.tell(format!(
        "Ada revokes it while that session is open: {}; Ines asks once more, and reads:",
        text_at(&ended, "/gone")
    ));
    company.teller.quote(&session.ended_with(READ)?);
    by_hand(company).await
}

async fn by_hand(company: &Company) -> anyhow::Result<()> {
    let database = company.database.as_ref().context("no server was given")?;
    let grant = "grant placet_demo_read to placet_demo_eve;";
    database.by_hand(grant)?;
    company.teller.tell("somebody who may do anything there types:");
    company.teller.quote(grant);
    let findings = company.until("/findings", |findings| !rows(findings).is_empty()).await?;
    let found = rows(&findings).first().context("nothing was found")?;
    ensure!(found.pointer("/request") == Some(&Value::Null), "the finding names a request");
    company.teller.tell(format!(
        "finding: `{}` holds {} on {} ({}); the request behind it: none",
        text_at(found, "/account"),
        text_at(found, "/entitlement"),
        text_at(found, "/target"),
        text_at(found, "/kind"),
    ));
    let path = format!("/findings/{}/remove", text_at(found, "/id"));
    company.of("tom")?.post(&path, &Value::Null).await?;
    let tried = company
        .until("/findings", |findings| {
            rows(findings).first().is_none_or(|one| text_at(one, "/removal").starts_with("tried"))
        })
        .await?;
    // From 16 on a membership belongs to whoever granted it.
    if let Some(stays) = rows(&tried).first() {
        company.teller.tell("Tom has it removed, which Placet may not, and says:");
        company.teller.quote(text_at(stays, "/removal"));
        database.by_hand("revoke placet_demo_read from placet_demo_eve;")?;
        company.teller.tell("whoever granted it takes it away");
    }
    company.until("/findings", |findings| rows(findings).is_empty()).await?;
    company.teller.tell("it is seen to be gone");
    Ok(())
}
