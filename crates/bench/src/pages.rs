//! What people wait for: each page at the real program, with many requests and grants behind it, and
//! the question that other programs ask at each use.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use placet_ledger::LogKey;
use serde_json::Value;

use crate::company;
use crate::crowd::{self, Crowd};
use crate::figure::{Aim, Figure, a_second, digits, percentile};
use crate::machine;
use crate::server::{Door, Place, Server};

/// How often each page is read, after some that do not count.
const TIMES: usize = 200;
const WARMING: usize = 20;
/// Beyond this, making the crowd takes longer than it tells.
const MOST: u64 = 100_000;

/// Who reads which page.
struct Reading {
    name: &'static str,
    path: String,
    session: String,
}

/// All pages at each size.
pub async fn measure(binary: &Path, dir: &Path, sizes: &[u64]) -> anyhow::Result<()> {
    let mut smallest: Option<Vec<i64>> = None;
    for size in sizes.iter().filter(|size| **size <= MOST) {
        let dir = dir.join(format!("pages-{size}"));
        let most = at_size(binary, &dir, *size).await;
        let _ = std::fs::remove_dir_all(&dir);
        let most = most?;
        match &smallest {
            None => smallest = Some(most),
            Some(least) => {
                let growth =
                    least.iter().zip(&most).map(|(least, most)| *most as f64 / *least as f64);
                let most = growth.fold(0.0, f64::max);
                Figure::new(format!("the most that a page's p50 grew, to {size}"), most, "times")
                    .aim(Aim::AtMost(1.5))
                    .say();
            }
        }
    }
    Ok(())
}

/// Answers the middle time of each page, in microseconds.
async fn at_size(binary: &Path, dir: &Path, size: u64) -> anyhow::Result<Vec<i64>> {
    let shown = digits(size as f64);
    eprintln!("pages: {shown} requests and grants are made");
    let place = Place { binary: binary.to_owned(), dir: dir.to_owned() };
    let company = Crowd::company(size)?;
    let codes = place.found(&company.catalogue("simulated"))?;
    // No whole target is looked at meanwhile: nothing of the crowd is really there.
    std::fs::write(place.data().join("placet.toml"), "observe_seconds = 2592000\n")?;
    let made = {
        let key =
            LogKey::from_private_text(&std::fs::read_to_string(place.data().join("log.key"))?)?;
        let store = crowd::open_with(&place.data(), false, key).await?;
        let crowd = Crowd::of(&store, company.people).await?;
        crowd.live(&store, size).await?
    };
    let server = serving(&place).await?;
    let door = Door::of(&server.url)?;
    let code = codes.as_array().context("codes")?.iter();
    let code = code
        .filter_map(|one| Some((one.get("person")?.as_str()?, one.get("code")?.as_str()?)))
        .find(|(person, _)| *person == company::ADMINISTRATOR);
    let ada = door.log_in(code.context("a code for the administrator")?.1).await?;
    let nora = door.let_in(&ada, company::AUDITOR).await?;
    let person = door.let_in(&ada, &company::person(1)).await?;
    let owner = door.let_in(&ada, &company::owner(0)).await?;
    let one = made.get(made.len() / 2).context("a grant")?;
    let of = |name, path: &str, session: &str| Reading {
        name,
        path: path.to_owned(),
        session: session.to_owned(),
    };
    let readings = [
        of("mine", "/", &person),
        of("ask: search", "/ask?q=reading-11", &person),
        of("ask: form", &format!("/ask/{}", company::entitlement(3)), &person),
        of("decide", "/decide", &owner),
        of("one request", &format!("/requests/{}", one.request), &nora),
        of("one grant", &format!("/grants/{}", one.grant), &nora),
        of("findings", "/findings", &nora),
        of("targets", "/targets", &nora),
        of("identities", "/identities", &ada),
        of("history", "/history", &nora),
        of("history of one person", &format!("/history?person={}", company::person(1)), &nora),
        of("policy", "/policy", &nora),
        of("overview", "/overview", &ada),
        of("one identity", &format!("/identities/{}", company::person(1)), &nora),
        of("one entitlement", &format!("/entitlements/{}", company::entitlement(3)), &nora),
        of("one target", &format!("/targets/{}", company::target(1)), &nora),
        of("sessions", "/sessions", &person),
    ];
    let mut middle = Vec::new();
    for reading in &readings {
        middle.push(read(&server, reading, &shown).await?);
    }
    may_use(&server, &nora, &shown).await?;
    for reading in readings.iter().filter(|one| ["mine", "one grant"].contains(&one.name)) {
        paint(&server, reading, &shown)?;
    }
    server.stop()?;
    Ok(middle)
}

/// Serves, once whoever made the crowd has let go.
async fn serving(place: &Place) -> anyhow::Result<Server> {
    let mut tries = 0;
    loop {
        match place.serve() {
            Ok(server) => return Ok(server),
            Err(error) if tries > 100 => return Err(error),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
        tries += 1;
    }
}

async fn read(server: &Server, reading: &Reading, shown: &str) -> anyhow::Result<i64> {
    let client = machine::client()?;
    let url = format!("{}{}", server.url, reading.path);
    let (mut took, mut bytes) = (Vec::new(), 0);
    let mut cpu = 0;
    for number in 0..TIMES + WARMING {
        if number == WARMING {
            cpu = server.cpu()?;
        }
        let began = machine::clock();
        let cookie = format!("placet_session={}", reading.session);
        let answer = client.get(&url).header("cookie", cookie).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "`{}`: {status}: {text}", reading.path);
        bytes = text.len();
        if number >= WARMING {
            took.push(machine::clock() - began);
        }
    }
    let cpu = (server.cpu()? - cpu) as f64 / TIMES as f64;
    let half = percentile(&took, 50);
    Figure::new(
        format!("page {} of {shown}, p99", reading.name),
        percentile(&took, 99) as f64 / 1e3,
        "ms",
    )
    .aim(Aim::AtMost(20.0))
    .beside(format!(
        "p50 {} ms, CPU {} ms, {} KB",
        digits(half as f64 / 1e3),
        digits(cpu / 1e3),
        digits(bytes as f64 / 1e3)
    ))
    .say();
    Ok(half)
}

/// "May X use Y now", by eight callers at once.
async fn may_use(server: &Server, session: &str, shown: &str) -> anyhow::Result<()> {
    const CALLERS: usize = 8;
    const SECONDS: i64 = 5;
    let door = Door::of(&server.url)?;
    let began = machine::clock();
    let calls = (0..CALLERS).map(|caller| {
        let (door, session) = (door.clone(), session.to_owned());
        tokio::spawn(async move {
            let mut took = Vec::new();
            let mut number = caller;
            while machine::clock() - began < SECONDS * 1_000_000 {
                let (who, what) =
                    (company::person(number % 100), company::entitlement(number % 500));
                let path = format!("/holding?identity={who}&entitlement={what}");
                let asked = machine::clock();
                let answer = door.call(&session, &path, None).await?;
                took.push(machine::clock() - asked);
                ensure!(answer.get("may").is_some_and(Value::is_boolean), "{answer}");
                number += CALLERS;
            }
            anyhow::Ok(took)
        })
    });
    let mut took = Vec::new();
    for one in calls.collect::<Vec<_>>() {
        took.extend(one.await??);
    }
    let rate = a_second(u64::try_from(took.len())?, machine::clock() - began);
    Figure::new(format!("may X use Y now, among {shown}, callers: {CALLERS}"), rate, "/s")
        .beside(format!(
            "p50 {} ms, p99 {} ms",
            digits(percentile(&took, 50) as f64 / 1e3),
            digits(percentile(&took, 99) as f64 / 1e3)
        ))
        .say();
    Ok(())
}

/// What a person sees first, in the browser that `./test` installs.
fn paint(server: &Server, reading: &Reading, shown: &str) -> anyhow::Result<()> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let modules = cache.or(home).context("a home")?.join("placet/browser");
    if !modules.join("node_modules").is_dir() {
        eprintln!("  first paint is left out: `./test` installs the browser that shows it");
        return Ok(());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/paint.mjs");
    let url = format!("{}{}", server.url, reading.path);
    let args = [script.as_os_str(), modules.as_os_str(), url.as_ref(), reading.session.as_ref()];
    let output = Command::new("node").args(args).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let millis: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Figure::new(format!("first paint of {} of {shown}", reading.name), millis, "ms")
        .beside("headless Chromium, nothing kept from before; the middle of nine")
        .say();
    Ok(())
}
