//! The machine: what it is, what it can do at most, and what a process costs it. The limits are
//! those of programs that do nothing else, so that a figure can be read on another machine.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use placet_engine::{Environment as _, Machine};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::net::TcpListener;

use crate::figure::{Figure, a_second};

/// How long a limit is measured.
const SECONDS: i64 = 2;
/// Callers of the HTTP limit, as many as the most of the flows.
const CALLERS: usize = 32;

/// Microseconds by a clock that nobody sets.
pub fn clock() -> i64 {
    Machine.steady()
}

/// What this machine can do at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of an SQLite database with nothing in it, each made durable by itself.
    pub commits: f64,
    /// Bytes hashed a second, by one core.
    pub hashed: f64,
    pub requests: f64,
}

/// What it is, in words without names: cores, their kind, and what the folder lies on.
pub fn describe(dir: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let memory = read("/proc/meminfo");
    let kilobytes = memory.split_whitespace().nth(1).and_then(|text| text.parse().ok());
    let gigabytes: u64 = kilobytes.unwrap_or(0u64) / (1024 * 1024);
    let mounts = read("/proc/mounts");
    // The mount with the longest path that the folder lies under.
    let mut best = ("", "", "");
    for line in mounts.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(at), Some(kind)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if dir.starts_with(at) && at.len() >= best.1.len() {
            best = (device, at, kind);
        }
    }
    let device = best.0.rsplit('/').next().unwrap_or_default();
    format!("{cores} cores ({model}), {gigabytes} GiB, {} on {device}", best.2)
}

/// Measures all limits, and says them.
pub async fn limits(dir: &Path) -> anyhow::Result<Limits> {
    let limits = Limits {
        commits: empty_commits(&dir.join("limit.db")).await?,
        hashed: hashed(),
        requests: loopback().await?,
    };
    let appends = appends(&dir.join("limit.append"))?;
    Figure::new("limit: appends made durable", appends, "/s").say();
    Figure::new("limit: commits of an empty SQLite database", limits.commits, "/s")
        .beside("synchronous=FULL, WAL, one caller")
        .say();
    Figure::new("limit: SHA-256", limits.hashed / 1e6, "MB/s").say();
    Figure::new("limit: loopback HTTP requests", limits.requests, "/s")
        .beside(format!("{CALLERS} callers; client and server share the cores"))
        .say();
    Ok(limits)
}

fn appends(path: &Path) -> anyhow::Result<f64> {
    let mut file = std::fs::File::create(path)?;
    let (began, mut count) = (clock(), 0);
    while clock() - began < SECONDS * 1_000_000 {
        file.write_all(&[7; 512])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(a_second(count, clock() - began))
}

async fn empty_commits(path: &Path) -> anyhow::Result<f64> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await?;
    sqlx::query("create table counted (one bigint not null)").execute(&mut connection).await?;
    let (began, mut count) = (clock(), 0);
    while clock() - began < SECONDS * 1_000_000 {
        sqlx::query("insert into counted (one) values (1)").execute(&mut connection).await?;
        count += 1;
    }
    let rate = a_second(count, clock() - began);
    connection.close().await?;
    Ok(rate)
}

fn hashed() -> f64 {
    let block = vec![7u8; 1024 * 1024];
    let (began, mut bytes) = (clock(), 0);
    while clock() - began < SECONDS * 500_000 {
        let digest = Sha256::digest(&block);
        bytes += u64::try_from(block.len()).unwrap_or(0) + u64::from(digest.is_empty());
    }
    a_second(bytes, clock() - began)
}

async fn loopback() -> anyhow::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = Router::new().route("/", get(async || "nothing"));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let rate = requests(&client()?, &url, SECONDS).await?;
    server.abort();
    Ok(rate)
}

/// A client as every caller has it.
pub fn client() -> anyhow::Result<reqwest::Client> {
    // Built before any client, also one that never speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?)
}

/// Requests a second of callers who ask for one thing as fast as they can.
pub async fn requests(client: &reqwest::Client, url: &str, seconds: i64) -> anyhow::Result<f64> {
    let began = clock();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (client, url) = (client.clone(), url.to_owned());
            tokio::spawn(async move {
                let mut count = 0u64;
                while clock() - began < seconds * 1_000_000 {
                    client.get(&url).send().await?.bytes().await?;
                    count += 1;
                }
                anyhow::Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for caller in callers {
        count += caller.await??;
    }
    Ok(a_second(count, clock() - began))
}

/// CPU time that a process or thread has used, in microseconds.
pub fn cpu_of(stat: &str) -> anyhow::Result<i64> {
    let text = std::fs::read_to_string(stat).with_context(|| format!("`{stat}`"))?;
    // The name stands in brackets and may hold anything; what follows it is plain.
    let (_, fields) = text.rsplit_once(')').context("a process has a name")?;
    let ticks = |place: usize| -> anyhow::Result<i64> {
        Ok(fields.split_whitespace().nth(place).context("a process has times")?.parse()?)
    };
    // A hundred ticks a second on every Linux that we know.
    Ok((ticks(11)? + ticks(12)?) * 10_000)
}

/// CPU time of the threads of a process whose name begins so.
pub fn cpu_of_threads(pid: u32, begins: &str) -> anyhow::Result<i64> {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path();
        // A thread that has ended meanwhile is none of ours: those that are meant live on.
        let Ok(name) = std::fs::read_to_string(path.join("comm")) else { continue };
        if name.starts_with(begins) {
            sum += cpu_of(&path.join("stat").to_string_lossy())?;
        }
    }
    Ok(sum)
}

/// CPU time of the thread that asks, in microseconds; what else the machine does is not in it.
pub fn thread_cpu() -> anyhow::Result<i64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos: i64 = text.split_whitespace().next().context("a thread has times")?.parse()?;
    Ok(nanos / 1_000)
}

/// CPU time of this process.
pub fn own_cpu() -> anyhow::Result<i64> {
    cpu_of("/proc/self/stat")
}

/// Memory of a process that is really there, in megabytes.
pub fn resident(pid: u32) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).context("VmRSS")?;
    Ok(kilobytes.parse::<f64>()? * 1024.0 / 1e6)
}
