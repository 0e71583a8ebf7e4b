//! `placet doctor`: is this data directory well?

use placet_domain::Refusal;
use serde_json::{Value, json};

use super::Context;
use crate::config::Config;
use crate::output::{self, Ended};

pub async fn run(context: &Context) -> anyhow::Result<()> {
    if context.server.is_some() {
        let health = context.api().await?.get("/health").await?;
        let why = super::text_at(&health, "/why").to_owned();
        context.show(&health, |health| format!("mode: {}", super::text_at(health, "/mode")));
        let clock = super::text_at(&health, "/clock").to_owned();
        return well(why, clock);
    }
    let config = Config::of(&context.data)?;
    let place = config.place(&context.data);
    // What is set wrongly is said here, not when somebody logs in.
    config.logins(&context.data)?;
    let engine = context.engine().await?;
    let why = engine.ending_only();
    let journalled = engine.journalled().map_err(output::ended)?;
    let undelivered = engine.count_undelivered().await.map_err(output::ended)?;
    let verifier_key = engine.verifier_key();
    let mode = if why.is_some() { "ending only" } else { "normal" };
    let found: Value = json!({
        "mode": mode,
        "why": why,
        "key": place.key,
        "verifier_key": verifier_key,
        "clock": engine.clock_behind().map(|refusal| refusal.sentence()),
        "endings_to_enter": journalled,
        "undelivered_notices": undelivered,
        "passkeys": config.passkeys.as_ref().map(|line| &line.origin),
        "recovered": engine.recovered().await.map_err(output::ended)?,
    });
    let passkeys = config.passkeys.as_ref();
    let passkeys = passkeys.map_or("not set up".to_owned(), |line| format!("at {}", line.origin));
    context.show(&found, |_| {
        format!(
            "mode: {mode}\nsigning key: `{}`\nverifier key: {verifier_key}\nendings in the journal, to be entered: {journalled}\nnotices given up, see `placet notices --undelivered`: {undelivered}\npasskeys: {passkeys}",
            place.key.display()
        )
    });
    super::login::tell_recovery(&found);
    well(why.unwrap_or_default(), super::text_at(&found, "/clock").to_owned())
}

/// Whether nothing keeps Placet from its work: each is a sentence about what does, or empty.
fn well(why: String, clock: String) -> anyhow::Result<()> {
    if !clock.is_empty() {
        let next = Refusal::ClockBehind { behind: String::new() }.next_step();
        return Err(Ended::Broken(format!("{clock}\n  {next}")).into());
    }
    if why.is_empty() {
        output::note("well; `placet ledger verify --state` reads everything again");
        return Ok(());
    }
    Err(Ended::Broken(format!(
        "only ending access is possible: {why}\n  \
         if the database was restored from a backup, put the newer one back; if it was tampered with,\n  \
         keep it as it is, and compare it with an exported ledger"
    ))
    .into())
}
