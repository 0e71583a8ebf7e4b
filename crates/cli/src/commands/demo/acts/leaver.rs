//! Somebody leaves: one event, and everything follows from it.

use anyhow::ensure;
use serde_json::Value;

use crate::commands::demo::company::Company;
use crate::commands::{moment_at, rows, text_at, who_at};

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("Otto leaves: one event, and everything follows from it");
    company.of("ada")?.post("/identities/otto/deactivate", &Value::Null).await?;
    company.teller.tell("Ada says that he has left");
    let otto = |one: &&Value| who_at(one, "/receiver") == "otto";
    let over = |grants: &Value| {
        let mut his = rows(grants).iter().filter(otto);
        his.all(|one| text_at(one, "/state") == "ended")
    };
    let grants = company.until("/grants?all=true&limit=200", over).await?;
    let ended: Vec<&Value> = rows(&grants).iter().filter(otto).collect();
    ensure!(ended.len() == 2, "two grants of Otto's end, not {}", ended.len());
    company.teller.tell("what he held is gone, and each cites the request behind it");
    for one in ended {
        company.teller.quote(&format!(
            "{:<26} {} ({}), {}",
            text_at(one, "/entitlement"),
            text_at(one, "/gone"),
            text_at(one, "/end"),
            text_at(one, "/request"),
        ));
    }
    company.show_group("booking-deployers")?;

    let handovers = company.of("mara")?.get("/catalogue/handovers").await?;
    ensure!(!rows(&handovers).is_empty(), "nothing was handed on");
    company
        .teller
        .tell("what he answered for passes to his manager, each with a day by which to settle it");
    for one in rows(&handovers) {
        company.teller.quote(&format!(
            "{:<26} from {} to {}, by {}",
            text_at(one, "/what"),
            who_at(one, "/from"),
            who_at(one, "/to"),
            moment_at(one, "/settle_by"),
        ));
        let keep = format!("/catalogue/handovers/{}/keep", text_at(one, "/id"));
        company.of("mara")?.post(&keep, &Value::Null).await?;
    }
    company.teller.tell("Mara keeps what is now hers to answer for");
    Ok(())
}
