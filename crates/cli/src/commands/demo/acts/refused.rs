//! What is not let through.

use serde_json::{Value, json};

use crate::commands::demo::company::Company;
use crate::commands::text_at;

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("what is not let through");
    company.teller.tell("Tom owns staging, asks for himself, and tries to agree to it");
    approve_own(company, "tom").await?;
    company.teller.tell("Kim asks for herself, and tries to agree to it in Mara's place");
    approve_own(company, "kim").await?;

    company.teller.tell("Mara delegates for good");
    let mara = company.of("mara")?.clone();
    let for_good = json!({ "to": "kim" });
    company.expect("delegation_without_end", mara.clone(), "/delegations", for_good).await?;

    company.teller.tell("a token of Mara's tries to decide");
    let token = mara.post("/tokens", &json!({ "holder": "mara", "length": "1h" })).await?;
    let program = company.api.with(text_at(&token, "/secret").to_owned());
    let asked = company.ask("jo", staging("2h", "look at the new booking form")).await?;
    let path = format!("/requests/{}/approve", text_at(&asked, "/id"));
    let body = json!({ "digest": text_at(&asked, "/digest") });
    company.expect("needs_session", program, &path, body).await?;
    withdraw(company, "jo", &asked).await?;

    company.teller.tell("Ines asks for production, for ever");
    let ines = company.of("ines")?.clone();
    let production = |length: &str| {
        json!({
            "entitlement": "booking-prod-admin",
            "length": length,
            "justification": "just in case somebody needs me at night",
        })
    };
    let for_ever = production("forever");
    company.expect("length_out_of_range", ines.clone(), "/requests", for_ever).await?;
    company.teller.tell("… then for a day");
    company.expect("over_limit", ines, "/requests", production("1d")).await
}

fn staging(length: &str, why: &str) -> Value {
    json!({ "entitlement": "booking-staging-deploy", "length": length, "justification": why })
}

async fn approve_own(company: &mut Company, who: &str) -> anyhow::Result<()> {
    let asked = company.ask(who, staging("2h", "I know it best, so it should be quick")).await?;
    let path = format!("/requests/{}/approve", text_at(&asked, "/id"));
    let body = json!({ "digest": text_at(&asked, "/digest") });
    company.expect("self_approval", company.of(who)?.clone(), &path, body).await?;
    withdraw(company, who, &asked).await
}

async fn withdraw(company: &Company, who: &str, asked: &Value) -> anyhow::Result<()> {
    let path = format!("/requests/{}/withdraw", text_at(asked, "/id"));
    company.of(who)?.post(&path, &Value::Null).await?;
    Ok(())
}
