//! `placet demo`: a small company lives through it all. Everything in it is real but the people:
//! the engine, the ledger, the policies, and a group file on disk.
//!
//! Its personas exist here only; what it goes on to serve, it serves on loopback only.

mod acts;
mod tell;

use std::path::{Path, PathBuf};

use placet_engine::commands::found::Catalogue;
use placet_engine::{Engine, Place};
use serde_json::json;
use tokio::net::TcpListener;

use super::Context;
use crate::output::{self, Ended, Format};
use acts::Company;
use tell::Teller;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// End when the story is told, instead of going on as a server on loopback.
    #[arg(long)]
    once: bool,
}

/// What the group file holds before Placet comes: governed groups, and lines that are none of its
/// business and stay as they are.
const GROUPS: &str = "\
# groups of the web server, read by its authorisation module
# (edited by hand since 2019)
captains: lotta per

booking-deployers:
booking-prod-admins:
build-log-readers:
";

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
    let groups = dir.join("web-groups");
    let place = Place { observe_seconds: 1, ..Place::at(dir.join("data")) };
    std::fs::create_dir_all(&dir)?;
    std::fs::write(&groups, GROUPS)?;

    let engine =
        Engine::create(&place, "kattegat-ferries.example/placet").await.map_err(output::ended)?;
    let mut company = Company::found(engine.clone(), catalogue(&groups)?, groups, teller).await?;
    let told = company.live(&dir).await?;

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
        company.teller.quote(&format!(
            "placet --data {0}/data ledger verify --state\n\
             placet evidence verify {0}/evidence.json --key {0}/log.verifier",
            dir.display()
        ));
    }
    if args.once {
        return Ok(());
    }
    go_on(engine, &company).await
}

/// The catalogue, with the group file where it really is.
fn catalogue(groups: &Path) -> anyhow::Result<Catalogue> {
    let mut catalogue: Catalogue = toml::from_str(include_str!("company.toml"))?;
    let path = std::path::absolute(groups)?.display().to_string();
    for target in &mut catalogue.target {
        target.settings.insert("path".to_owned(), path.clone());
    }
    Ok(catalogue)
}

/// Goes on as a server on loopback, with a fresh login code for each persona.
async fn go_on(engine: Engine, company: &Company) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    company.teller.act("it goes on");
    company.teller.tell(format!("serving on {url}, on loopback only, until you press ctrl-c"));
    for (handle, code) in company.fresh_codes().await? {
        company.teller.quote(&format!("{handle:<6} placet --server {url} login --code {code}"));
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

/// Where files of the demo lie.
fn file(dir: &Path, name: &str) -> PathBuf {
    dir.join(name)
}
