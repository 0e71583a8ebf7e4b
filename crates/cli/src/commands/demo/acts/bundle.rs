//! The rules change: a policy bundle is proposed by one and adopted by another, and what is under way
//! goes another way from then on.

use anyhow::{Context as _, ensure};
use placet_domain::bundle::Bundle;
use placet_engine::queries::Replayed;
use serde_json::{Value, json};

use crate::commands::demo::company::{Company, short};
use crate::commands::{policy, rows, text_at};
use crate::output;

/// The file of the bundle to which a gate is added.
const GATES: &str = "policies/gates.cedar";

pub async fn play(company: &mut Company) -> anyhow::Result<()> {
    company.teller.act("the rules change: one proposes a policy bundle, another adopts it");
    let ask = json!({
        "entitlement": "booking-staging-deploy",
        "length": "4h",
        "justification": "try the new booking form on staging",
    });
    let asked = company.ask("jo", ask).await?;
    let id = text_at(&asked, "/id").to_owned();
    company.teller.tell("a request of Jo's is under way");
    company.teller.quote(&stages(&asked));

    let old = placet_policy::shipped();
    let new = stricter(old.clone())?;
    let proposed = company.of("ada")?.post("/policy/bundles", &json!({ "files": new })).await?;
    let digest = text_at(&proposed, "/bundle").to_owned();
    let found = placet_policy::difference(&old, &new)
        .map_err(|list| anyhow::anyhow!("the bundles cannot be compared: {list:?}"))?;
    let effects = company.of("bo")?.get(&format!("/policy/bundles/{digest}/effects")).await?;
    company
        .teller
        .tell(format!("Ada proposes bundle {}; Bo reads what it changes", short(&digest)));
    company.teller.quote(&policy::in_words(&found, &effects));

    let adopt = format!("/policy/bundles/{digest}/adopt");
    company.of("bo")?.post(&adopt, &Value::Null).await?;
    let security = |shown: &Value| stages(shown).contains("security");
    let shown = company.until(&format!("/requests/{id}"), security).await?;
    company
        .teller
        .tell("Bo adopts it: Jo's request goes by the new rules, and both ways are on record");
    company.teller.quote(&stages(&shown));
    company.of("jo")?.post(&format!("/requests/{id}/withdraw"), &Value::Null).await?;

    let report = company.engine.replay(Replayed::default()).await.map_err(output::ended)?;
    ensure!(report.different == 0, "rulings came out otherwise: {:?}", report.differences);
    company.teller.tell(format!(
        "every ruling so far is asked again, of the bundle that it was made by: {} came out as \
         recorded, {} otherwise",
        report.same, report.different
    ));
    Ok(())
}

/// The shipped bundle with a gate more.
fn stricter(mut bundle: Bundle) -> anyhow::Result<Bundle> {
    let gates = bundle.files.get_mut(GATES).context("the bundle has no gates")?;
    gates.push_str(include_str!("../staging.cedar"));
    Ok(bundle)
}

/// The way of a request, in a line.
fn stages(shown: &Value) -> String {
    let all = shown.pointer("/stages").map(rows).unwrap_or_default();
    let names: Vec<&str> = all.iter().map(|one| text_at(one, "/name")).collect();
    format!("needs {}", names.join(", "))
}
