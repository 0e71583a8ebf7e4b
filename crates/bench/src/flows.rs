//! Governed flows over HTTP: somebody files a request, an owner agrees, and the worker grants it on
//! an instant target and sees it there. Every fact is loaded and every ruling asked anew, and each
//! step is in the ledger and durable before the next. The server is the release binary.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::company::{self, Company};
use crate::figure::{Aim, Figure, a_second, digits, percentile};
use crate::machine::{self, Limits};
use crate::server::{Door, Place, Server, text};
use crate::split::{self, Parts};

const COMPANY: Company = Company { people: 300, owners: 8, targets: 8, entitlements: 32 };
/// How long is waited before a grant that is not active yet is looked at again; each time twice as
/// long, up to a limit, as a client does that has to ask again.
const REST: Duration = Duration::from_millis(5);
const LONGEST_REST: Duration = Duration::from_millis(160);

/// People who are logged in, and who is next to ask for what.
#[derive(Debug)]
struct Callers {
    door: Door,
    people: Vec<String>,
    owners: Vec<String>,
    next: AtomicUsize,
    requests: AtomicUsize,
}

impl Callers {
    async fn let_in(server: &Server, codes: &serde_json::Value) -> anyhow::Result<Self> {
        let door = Door::of(&server.url)?;
        let code = codes.as_array().context("codes")?.iter();
        let code = code
            .filter_map(|one| Some((one.get("person")?.as_str()?, one.get("code")?.as_str()?)))
            .find(|(person, _)| *person == company::ADMINISTRATOR);
        let administrator = door.log_in(code.context("a code for the administrator")?.1).await?;
        let (mut people, mut owners) = (Vec::new(), Vec::new());
        for number in 0..COMPANY.people {
            people.push(door.let_in(&administrator, &company::person(number)).await?);
        }
        for number in 0..COMPANY.owners {
            owners.push(door.let_in(&administrator, &company::owner(number)).await?);
        }
        let (next, requests) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Ok(Self { door, people, owners, next, requests })
    }

    async fn call(
        &self,
        who: &str,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> anyhow::Result<serde_json::Value> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.door.call(who, path, body).await
    }

    /// One flow from filing to being seen granted; none when everybody holds everything.
    async fn flow(&self) -> anyhow::Result<Option<i64>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let wanted = number / COMPANY.people;
        if wanted >= COMPANY.entitlements {
            return Ok(None);
        }
        let asker = self.people.get(number % COMPANY.people).context("a person")?;
        let owner = self.owners.get(number % COMPANY.owners).context("an owner")?;
        let began = machine::clock();
        let ask = json!({
            "entitlement": company::entitlement(wanted),
            "length": "8h",
            "justification": "what is measured needs it",
        });
        let asked = self.call(asker, "/requests", Some(&ask)).await?;
        let request = format!("/requests/{}", text(&asked, "/id")?);
        let agree = json!({ "digest": text(&asked, "/digest")? });
        self.call(owner, &format!("{request}/approve"), Some(&agree)).await?;
        let shown = self.call(asker, &request, None).await?;
        let grant = format!("/grants/{}", text(&shown, "/grant/id")?);
        let mut state = text(&shown, "/grant/state")?.to_owned();
        let mut rest = REST;
        while state != "active" {
            if machine::clock() - began > 60_000_000 {
                bail!("`{grant}` is `{state}` after a minute");
            }
            tokio::time::sleep(rest).await;
            rest = (rest * 2).min(LONGEST_REST);
            let shown = self.call(asker, &grant, None).await?;
            state = text(&shown, "/state")?.to_owned();
        }
        Ok(Some(machine::clock() - began))
    }
}

/// What a run of so many callers came to.
struct Run {
    flows: u64,
    micros: i64,
    took: Vec<i64>,
    cpu: f64,
    sql: f64,
    requests: f64,
}

async fn run(
    server: &Server,
    callers: &Arc<Callers>,
    at_once: usize,
    seconds: i64,
) -> anyhow::Result<Run> {
    let before = (server.cpu()?, server.sql_cpu()?, callers.requests.load(Ordering::Relaxed));
    let began = machine::clock();
    let all: Vec<_> = (0..at_once)
        .map(|_| {
            let callers = Arc::clone(callers);
            tokio::spawn(async move {
                let mut took = Vec::new();
                while machine::clock() - began < seconds * 1_000_000 {
                    match callers.flow().await? {
                        Some(micros) => took.push(micros),
                        None => break,
                    }
                }
                anyhow::Ok(took)
            })
        })
        .collect();
    let mut took = Vec::new();
    for one in all {
        took.extend(one.await??);
    }
    let micros = machine::clock() - began;
    let count = took.len().max(1) as f64;
    let requests = callers.requests.load(Ordering::Relaxed) - before.2;
    Ok(Run {
        flows: u64::try_from(took.len()).unwrap_or(0),
        micros,
        took,
        cpu: (server.cpu()? - before.0) as f64 / count,
        sql: (server.sql_cpu()? - before.1) as f64 / count,
        requests: requests as f64 / count,
    })
}

/// All figures of flows.
pub async fn measure(
    binary: &Path,
    dir: &Path,
    seconds: i64,
    limits: Option<&Limits>,
) -> anyhow::Result<()> {
    let place = Place { binary: binary.to_owned(), dir: dir.join("flows") };
    let codes = place.found(&COMPANY.catalogue("simulated"))?;
    let server = place.serve()?;
    eprintln!("flows: {} people log in", COMPANY.people + COMPANY.owners);
    let callers = Arc::new(Callers::let_in(&server, &codes).await?);
    // What is compiled and cached once belongs to no flow.
    run(&server, &callers, 1, 1).await?;
    let idle = http(&server).await?;
    let mut last = None;
    for at_once in [1, 8, 32] {
        let run = run(&server, &callers, at_once, seconds).await?;
        let rate = a_second(run.flows, run.micros);
        let share = limits.map_or(String::new(), |limits| {
            // A flow makes five commits durable, whoever waits for them.
            format!(", {} of the machine's commits", digits(rate * 5.0 / limits.commits))
        });
        let (half, most) = (percentile(&run.took, 50), percentile(&run.took, 99));
        Figure::new(format!("flows over HTTP, callers: {at_once}"), rate, "/s")
            .beside(format!(
                "p50 {} ms, p99 {} ms, {} requests each{share}",
                digits(half as f64 / 1e3),
                digits(most as f64 / 1e3),
                digits(run.requests),
            ))
            .say();
        Figure::new(format!("server CPU of a flow, callers: {at_once}"), run.cpu / 1e3, "ms")
            .aim(Aim::AtMost(1.5))
            .say();
        last = Some(run);
    }
    server.stop()?;
    if let Some(run) = last {
        let parts = split::measure(&place.data()).await?;
        say_parts(&run, &parts, idle);
    }
    Ok(())
}

/// CPU of a request that asks for nothing, at this very server.
async fn http(server: &Server) -> anyhow::Result<f64> {
    let url = format!("{}/api/v1/health", server.url);
    let before = server.cpu()?;
    let (began, seconds) = (machine::clock(), 2);
    let rate = machine::requests(&machine::client()?, &url, seconds).await?;
    let count = rate * (machine::clock() - began) as f64 / 1e6;
    Ok((server.cpu()? - before) as f64 / count.max(1.0))
}

fn say_parts(run: &Run, parts: &Parts, request: f64) {
    let http = run.requests * request;
    // Filing shows one record, agreeing two, and every other request one.
    let ruling = parts.ruling + parts.reading * (run.requests + 1.0);
    let known = ruling + parts.proof + parts.ledger + run.sql + http;
    for (name, micros, what) in [
        ("ruling", ruling, "every question of a flow, asked of Cedar again"),
        ("proof", parts.proof, "one assent verified"),
        ("ledger", parts.ledger, "entries encoded and hashed, a checkpoint signed a commit"),
        ("SQL", run.sql, "the threads of SQLite, its waiting for the disk not counted"),
        ("HTTP", http, "its requests, as dear as one that asks for nothing"),
        ("the rest", run.cpu - known, "loading, deciding, JSON, handing between threads"),
    ] {
        Figure::new(format!("  of it {name}"), micros, "us").beside(what).say();
    }
}
