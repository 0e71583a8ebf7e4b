//! The glass is broken, and somebody independent looks at it afterwards.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::commands::demo::company::Company;
use crate::commands::{request, rows, text_at};

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("an emergency: the glass is broken, and a review is owed");
    let ask = |incident: &str| {
        json!({
            "entitlement": "booking-prod-admin",
            "length": "1h",
            "justification": "every booking since nine is charged twice",
            "incident": incident,
        })
    };
    company.teller.tell("Lev is on call, and mistypes the incident");
    let lev = company.of("lev")?.clone();
    company.expect("unknown_incident", lev, "/requests", ask("INC-2270")).await?;
    let asked = company.ask("lev", ask("INC-2207")).await?;
    let id = text_at(&asked, "/id").to_owned();
    company.until_grant(&id, "active").await?;
    company.teller.tell("with an incident that is open, he has production at once:");
    let shown = company.of("lev")?.get(&format!("/requests/{id}")).await?;
    company.teller.quote(&emergency(&shown));
    company.show_group("booking-prod-admins")?;

    let grant = text_at(&shown, "/grant/id");
    company.of("lev")?.post(&format!("/grants/{grant}/give-back"), &Value::Null).await?;
    company.until_grant(&id, "ended").await?;
    company.teller.tell("he mends it and gives it back; the review is still owed");

    let review = format!("/requests/{id}/review");
    let verdict = |note: &str| json!({ "verdict": "justified", "note": note });
    company.teller.tell("Lev reviews himself");
    let lev = company.of("lev")?.clone();
    company.expect("self_approval", lev, &review, verdict("I was there")).await?;
    let owed = company.of("runa")?.get("/reviews").await?;
    ensure!(rows(&owed).iter().any(|one| text_at(one, "/id") == id), "no review is owed");
    let note = "eleven statements, all on INC-2207; no price was changed";
    let after = company.of("runa")?.post(&review, &verdict(note)).await?;
    company.teller.tell(format!(
        "Runa, of security and without a part in it, finds it {}",
        text_at(&after, "/emergency/verdict")
    ));
    Ok(())
}

/// The lines of a request that say that it is an emergency.
fn emergency(shown: &Value) -> String {
    let all = request::one(shown);
    let begins = ["emergency", "warning", "review", "grant", "length"];
    let is_part = |line: &&str| begins.iter().any(|word| line.trim_start().starts_with(word));
    all.lines().filter(is_part).map(|line| format!("{line}\n")).collect()
}
