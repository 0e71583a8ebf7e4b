//! Somebody asks, is asked back, gets less than they asked for, and gives it back early.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::commands::demo::company::{Company, GROUPS, short};
use crate::commands::{moment_at, request, text_at};

pub async fn play(company: &mut Company) -> anyhow::Result<String> {
    company.teller.act("Ines asks, and policy answers with its reasons");
    let ask = json!({
        "entitlement": "booking-staging-deploy",
        "length": "8h",
        "justification": "roll out the new timetable to staging",
        "reference": "FERRY-1204",
    });
    let asked = company.ask("ines", ask).await?;
    company.teller.tell("she asks for eight hours on staging");
    company.teller.quote(&request::one(&asked));
    let id = text_at(&asked, "/id").to_owned();

    company.teller.act("a question, an answer, and less than was asked for");
    let questions = format!("/requests/{id}/questions");
    let question = "Does it touch the price tables?";
    company.of("mara")?.post(&questions, &json!({ "text": question })).await?;
    company.teller.tell(format!("Mara, her manager: “{question}”"));
    let answer = "No, the timetable pages only.";
    company.of("ines")?.post(&questions, &json!({ "text": answer, "answers": 1 })).await?;
    company.teller.tell(format!("Ines: “{answer}” Both stay in the trail of the request."));

    company.decide("mara", &id, "narrow", json!({ "length": "4h" })).await?;
    let narrowed = company.of("nora")?.get(&format!("/requests/{id}")).await?;
    let [before, after] = [&asked, &narrowed].map(|one| text_at(one, "/digest").to_owned());
    ensure!(before != after, "a narrower request has a digest of its own");
    company.teller.tell(format!(
        "Mara agrees to four hours, which is another digest: {} instead of {}",
        short(&after),
        short(&before)
    ));
    let agreed = company.agree("kim", &id).await?;
    company.teller.tell(format!(
        "Kim, of the owning team, agrees to {}: the request is {}",
        short(&after),
        text_at(&agreed, "/state")
    ));

    let grant = company.until_grant(&id, "active").await?;
    company.teller.tell(format!(
        "carried out on proof from the ledger, and seen there: active until {}",
        moment_at(&grant, "/until")
    ));
    company.show_group("booking-deployers")?;
    Ok(id)
}

/// Ines is done early.
pub async fn give_back(company: &Company, request: &str) -> anyhow::Result<()> {
    company.teller.act("Ines is done early");
    let shown = company.of("ines")?.get(&format!("/requests/{request}")).await?;
    let grant = shown.pointer("/grant/id").and_then(|id| id.as_str());
    let grant = grant.context("the request led to no grant")?;
    company.of("ines")?.post(&format!("/grants/{grant}/give-back"), &json!(null)).await?;
    let grant = company.until_grant(request, "ended").await?;
    company.teller.tell(format!("she gives it back: {}", text_at(&grant, "/gone")));
    ensure!(
        std::fs::read_to_string(company.file("web-groups"))? == GROUPS,
        "other lines were touched"
    );
    company.teller.tell("the group file is byte for byte as it was in the beginning");
    Ok(())
}
