//! `placet demo`: a small company lives through it all. Everything in it is real but the people:
//! the engine, the ledger, the policies, and three of the four targets; the fourth says that it is
//! simulated. A PostgreSQL server that is given is a fifth.
//!
//! Its personas exist here only; what it goes on to serve, it serves on loopback only.

mod acts;
mod company;
mod database;
mod keys;
mod tell;

use std::path::{Path, PathBuf};

use placet_engine::{Engine, Place};
use serde_json::json;
use tokio::net::TcpListener;

use super::Context;
use crate::output::{self, Ended, Format};
use company::{Company, GROUPS, INCIDENTS};
use database::Database;
use tell::Teller;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// End when the story is told, instead of going on as a server on loopback.
    #[arg(long)]
    once: bool,
    /// Also play on this PostgreSQL server: a file that only you can read, with one line
    /// `postgres://superuser:password@host/database`. What is made there begins with `placet_demo`,
    /// and is taken away in the end.
    #[arg(long, value_name = "FILE")]
    postgres: Option<PathBuf>,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    let silent = context.format == Format::Json;
    let teller = Teller::new(silent);
    let kept = context.chosen_data();
    let temporary = tempfile::Builder::new().prefix("placet-demo-").tempdir()?;
    let dir = match kept {
        Some(dir) if dir.exists() && dir.read_dir()?.next().is_some() => {
            let what = format!("`{}` is not empty; name a new folder for the demo", dir.display());
            return Err(Ended::Unreadable(what).into());
        }
        Some(dir) => dir.to_owned(),
        None => temporary.path().to_owned(),
    };
    let incidents = dir.join("incidents");
    let place = Place {
        observe_seconds: 1,
        incidents: Some(incidents.clone()),
        ..Place::at(dir.join("data"))
    };
    std::fs::create_dir_all(&dir)?;
    std::fs::write(&incidents, INCIDENTS)?;
    std::fs::write(dir.join("web-groups"), GROUPS)?;
    std::fs::write(dir.join("registry-tokens"), "")?;
    keys::make(&dir.join("bastion-ca"))?;

    let database = match &args.postgres {
        Some(file) => Some(Database::make(file, &dir)?),
        None => None,
    };
    let server = database.clone();
    let story = Story { silent, once: args.once, kept, dir: &dir };
    let told = story.tell(context, &place, teller, database).await;
    // However it came out, nothing of it stays on a server that is somebody else's.
    let cleared = server.map_or(Ok(()), |server| server.clear());
    told.and(cleared)
}

/// How it is told.
struct Story<'a> {
    silent: bool,
    once: bool,
    kept: Option<&'a Path>,
    dir: &'a Path,
}

impl Story<'_> {
    async fn tell(
        &self,
        context: &Context,
        place: &Place,
        teller: Teller,
        database: Option<Database>,
    ) -> anyhow::Result<()> {
        let Self { silent, once, kept, dir } = *self;
        let engine = Engine::create(place, "kattegat-ferries.example/placet")
            .await
            .map_err(output::ended)?;
        let engine = context.opened(engine);
        let mut company = Company::found(engine.clone(), dir, teller, database).await?;
        let told = acts::play(&mut company).await?;

        if silent {
            output::show_json(&json!({
                "requests": told.requests,
                "grants": told.grants,
                "findings": told.findings,
                "refusals": told.refusals,
                "ledger": { "size": told.size, "root": told.root },
                "evidence_verified": true,
                "state_rows_verified": told.rows,
                "data": kept.map(Path::to_path_buf),
            }));
        }
        if let Some(dir) = kept {
            company.teller.act("kept");
            company.teller.tell(format!("data in `{}`; look with", dir.display()));
            company.teller.offer(&format!(
                "placet --data {0}/data ledger verify --state\n\
             placet evidence verify {0}/evidence.json --key {0}/log.verifier",
                dir.display()
            ));
        }
        if once {
            return Ok(());
        }
        go_on(engine, &company).await
    }
}

/// Goes on as a server on loopback, with a fresh login code for each persona.
async fn go_on(engine: Engine, company: &Company) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    company.teller.act("it goes on");
    company.teller.tell(format!("serving on {url}, on loopback only, until you press ctrl-c"));
    for (handle, code) in company.fresh_codes().await? {
        company.teller.offer(&format!("{handle:<6} placet --server {url} login --code {code}"));
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let workers = engine.clone();
    let working = tokio::spawn(async move {
        workers
            .work_until(async {
                let _ = stopped.await;
            })
            .await;
    });
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, placet_server::router(engine))
        .with_graceful_shutdown(interrupted)
        .await?;
    let _ = stop.send(());
    working.await?;
    Ok(())
}
