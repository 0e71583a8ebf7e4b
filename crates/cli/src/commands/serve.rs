//! `placet serve`: the API, and the workers.

use std::net::SocketAddr;

use placet_engine::Engine;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::Context;
use crate::config::Config;
use crate::output::{self, Ended};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen, such as `127.0.0.1:7400`; TLS is the business of a proxy in front.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The clock of this machine is right, although the ledger has later entries: it was ahead. Time
    /// waits for it, and nothing new is granted until it has caught up.
    #[arg(long)]
    trust_clock: bool,
}

pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    if context.server.is_some() {
        return Err(Ended::Unreadable("`serve` works on a data directory".to_owned()).into());
    }
    let config = Config::of(&context.data)?;
    let mut place = config.place(&context.data);
    place.trust_clock = args.trust_clock;
    let engine = context.opened(Engine::open(&place).await.map_err(output::ended)?);
    if let Some(refusal) = engine.clock_behind() {
        output::note(format!("{}\n  {}", refusal.sentence(), refusal.next_step()));
    }
    if let Some(why) = engine.ending_only() {
        output::note(format!(
            "ending-only mode: {why}\n  due access still ends; nothing new is granted"
        ));
    }
    let logins = config.logins(&context.data)?;
    let address = args.listen.unwrap_or_else(|| config.listen());
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| Ended::Unreadable(format!("cannot listen on `{address}`: {error}")))?;
    output::note(format!("serving on http://{}", listener.local_addr()?));

    let (stop, stopped) = tokio::sync::watch::channel(false);
    let wait = |mut stopped: tokio::sync::watch::Receiver<bool>| async move {
        // A sender that is gone stops as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let workers = {
        let (engine, stopped) = (engine.clone(), stopped.clone());
        tokio::spawn(async move { engine.work_until(wait(stopped)).await })
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let watched = engine.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        // Whoever is told of changes would be waited for without end.
        watched.close_watches();
        let _ = stop.send(true);
    });
    let router = placet_server::router_with(engine, logins);
    // Whoever calls is counted by their address.
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(wait(stopped))
        .await?;
    workers.await?;
    output::note("stopped");
    Ok(())
}
