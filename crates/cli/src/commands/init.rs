//! `placet init`: a ledger, and the genesis of an organisation.

use std::path::PathBuf;

use anyhow::Context as _;
use placet_domain::Refusal;
use placet_engine::Engine;
use serde_json::json;

use super::Context;
use crate::config::{self, Config};
use crate::output::{self, Ended, Format};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The catalogue file: people, workloads, targets, entitlements, the first two administrators.
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,

    /// A folder with a policy bundle; the shipped one if left out.
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,

    /// The name of this log, for ever: a name of yours without a scheme, such as `placet.example.org/log`.
    #[arg(long, default_value = "placet.local/log", value_name = "NAME")]
    origin: String,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    if context.server.is_some() {
        let what = "`init` works on a data directory, not through a server".to_owned();
        return Err(Ended::Unreadable(what).into());
    }
    let mut catalogue = config::catalogue(&args.catalog)?;
    config::paths_from_here(&mut catalogue)?;
    let bundle = match &args.policy {
        Some(dir) => config::bundle(dir)?,
        None => placet_policy::shipped(),
    };
    let place = Config::of(&context.data)?.place(&context.data);
    let created = Engine::create(&place, &args.origin).await;
    if matches!(&created, Err(placet_engine::Error::Refused(Refusal::AlreadyRegistered { .. }))) {
        output::note(
            "if it was founded and its first login codes were never seen: \
             `placet recover --people PERSON PERSON --because WHY` gives two administrators new ones",
        );
    }
    let engine = context.opened(created.map_err(output::ended)?);
    let founded = engine.found(catalogue.clone(), bundle).await;
    let codes = match founded {
        Ok(codes) => codes,
        Err(error) => {
            // Nothing was founded, so nothing is left behind: the mistake can be mended and tried again.
            drop(engine);
            context.close().await;
            unmake(&place).context("what was begun could not be taken back")?;
            return Err(output::ended(error));
        }
    };
    let key_file = place.dir.join("log.verifier");
    std::fs::write(&key_file, format!("{}\n", engine.verifier_key()))?;
    place.founded()?;

    let named = catalogue.administrators.iter().zip(&codes);
    if context.format == Format::Json {
        let codes: Vec<_> = named
            .map(|(handle, given)| {
                json!({ "person": handle, "code": given.secret.reveal(), "expires_at": given.expires_at })
            })
            .collect();
        output::show_json(&json!({
            "data": place.dir,
            "verifier_key": engine.verifier_key(),
            "login_codes": codes,
        }));
        return Ok(());
    }
    output::say(format!("founded in `{}`", place.dir.display()));
    output::say(format!("verifier key: {}", engine.verifier_key()));
    output::say("  give it to your auditors now, by another way than this machine");
    output::say("one-time login codes, shown this once:");
    for (handle, given) in named {
        output::say(format!("  {handle}  {}", given.secret.reveal()));
    }
    // The first look, so that a target that cannot be seen is known now and not at the first grant.
    engine.step().await;
    output::note(
        "next: `placet serve`, and `placet login --server http://127.0.0.1:7400` beside it",
    );
    Ok(())
}

fn unmake(place: &placet_engine::Place) -> std::io::Result<()> {
    for name in
        ["placet.db", "placet.db-wal", "placet.db-shm", "checkpoint", "lock", "endings.journal"]
    {
        match std::fs::remove_file(place.dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::remove_file(&place.key)?;
    place.founded()
}
