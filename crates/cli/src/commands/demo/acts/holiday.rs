//! A manager goes on holiday, and another decides in her place.

use anyhow::{Context as _, ensure};
use placet_engine::{Environment as _, Machine};
use serde_json::json;

use crate::commands::demo::company::Company;
use crate::commands::{moment_at, rows, text_at, who_at};

const WEEK: u64 = 7 * 24 * 60 * 60;

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("Mara goes on holiday, and Kim decides in her place");
    let ends_at = Machine.now().plus_seconds(WEEK).to_string();
    let made = json!({ "to": "kim", "ends_at": ends_at });
    let made = company.of("mara")?.post("/delegations", &made).await?;
    let all = company.of("mara")?.get("/delegations").await?;
    let delegation = rows(&all).iter().find(|one| text_at(one, "/id") == text_at(&made, "/id"));
    let delegation = delegation.context("the delegation is not listed")?;
    company.teller.tell(format!(
        "she delegates to Kim until {}; it is on record, and cannot be passed on",
        moment_at(delegation, "/ends_at")
    ));

    let ask = json!({
        "entitlement": "booking-staging-deploy",
        "length": "8h",
        "justification": "show the gate counters on the staging site",
    });
    let asked = company.ask("otto", ask).await?;
    let id = text_at(&asked, "/id").to_owned();
    company.teller.tell("Otto, who reports to Mara, asks for staging");
    let after = company.decide("kim", &id, "approve", json!({ "stage": "manager" })).await?;
    ensure!(text_at(&after, "/state") == "open", "one person was enough");
    let shown = company.of("nora")?.get(&format!("/requests/{id}")).await?;
    let stages = shown.pointer("/stages").map(rows).unwrap_or_default();
    let stage = stages.iter().find(|one| text_at(one, "/name") == "manager");
    let by = stage.and_then(|one| one.pointer("/approved_by/0")).context("nobody agreed")?;
    company.teller.tell(format!("`{}` agrees for `{}`", who_at(by, ""), who_at(by, "/for_whom")));
    company.teller.tell("Kim is in the owning team too, and tries to agree once more, as an owner");
    let path = format!("/requests/{id}/approve");
    let again = json!({ "digest": text_at(&shown, "/digest"), "stage": "owner" });
    company.expect("already_approved", company.of("kim")?.clone(), &path, again).await?;
    company.agree("tom", &id).await?;
    company.until_grant(&id, "active").await?;
    company.teller.tell("Tom, of the owning team, agrees: the grant is active");
    company.show_group("booking-deployers")?;

    let ask = json!({
        "entitlement": "archive-read",
        "length": "30d",
        "justification": "compare the counters with the logs of the harbours",
    });
    let asked = company.ask("otto", ask).await?;
    let id = text_at(&asked, "/id").to_owned();
    company.agree("ulla", &id).await?;
    company.until_grant(&id, "active").await?;
    company
        .teller
        .tell("Ulla, an archivist, lets him read the archive too, on the target that is simulated");
    Ok(())
}
