//! What must not grow with the number of live grants: how late what is due is seen to be gone, and
//! what an operation on one grant costs. And on the same ledger, how fast it is verified, and how
//! evidence leaves it.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::ensure;
use placet_domain::Timestamp;
use placet_engine::commands::end::GiveBack;
use placet_engine::{Engine, Environment as _, Machine};
use placet_store::Store;

use crate::company;
use crate::crowd::{self, Crowd, Made};
use crate::figure::{Aim, Figure, digits, percentile};
use crate::machine::{self, Limits};
use crate::remote::Ended;

/// How many are due in one minute.
pub const DUE: u64 = 10_000;
/// Microseconds from one that is due to the next.
const STEP: u64 = 60_000_000 / DUE;
/// Operations that are measured, after some that are not.
const OPERATIONS: usize = 200;
const WARMING: usize = 20;
/// The largest number of grants whose rows are all compared: it is told by the second.
const COMPARED: u64 = 100_000;
const EXPORTS: usize = 50;

/// What is measured of it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub endings: bool,
    pub verify: bool,
    pub evidence: bool,
    pub due: u64,
}

/// All figures at each size.
pub async fn measure(
    dir: &Path,
    sizes: &[u64],
    wanted: Wanted,
    limits: Option<&Limits>,
) -> anyhow::Result<()> {
    let mut smallest: Option<(u64, f64)> = None;
    for size in sizes {
        let place = dir.join(format!("crowd-{size}"));
        let cost = at_size(&place, *size, wanted, limits).await;
        // A million grants take gigabytes.
        let _ = std::fs::remove_dir_all(&place);
        let Some(cost) = cost? else { continue };
        match smallest {
            None => smallest = Some((*size, cost)),
            Some((least, of_least)) => {
                let (from, to) = (digits(least as f64), digits(*size as f64));
                Figure::new(format!("growth of it from {from} to {to}"), cost / of_least, "times")
                    .aim(Aim::AtMost(1.5))
                    .say();
            }
        }
    }
    Ok(())
}

/// CPU of an operation, if that was wanted.
async fn at_size(
    dir: &Path,
    size: u64,
    wanted: Wanted,
    limits: Option<&Limits>,
) -> anyhow::Result<Option<f64>> {
    let shown = digits(size as f64);
    eprintln!("growth: {shown} live grants are made");
    let began = machine::clock();
    let store = crowd::open(dir, false).await?;
    let crowd = Crowd::found(&store, dir, size).await?;
    let live = crowd.live(&store, size).await?;
    eprintln!("  they took {} s", (machine::clock() - began) / 1_000_000);
    let mut cost = None;
    if wanted.endings {
        let durable = reopened(store, dir).await?;
        cost = Some(operations(&durable, dir, &live, &shown).await?);
        endings(durable, dir, &crowd, wanted.due, &shown).await?;
    } else {
        drop(store);
    }
    let store = reopen(dir).await?;
    let engine = crowd::engine(&store, dir, &Ended::default()).await;
    if wanted.evidence {
        evidence(&engine, &store, &live, &shown).await?;
    }
    if wanted.verify {
        verify(&engine, size, &shown, limits).await?;
    }
    Ok(cost)
}

async fn reopened(store: Store, dir: &Path) -> anyhow::Result<Store> {
    drop(store);
    reopen(dir).await
}

/// Opens it durably, once whoever had it before has let go.
async fn reopen(dir: &Path) -> anyhow::Result<Store> {
    let mut tries = 0;
    loop {
        match crowd::open(dir, true).await {
            Ok(store) => return Ok(store),
            Err(error) if tries > 100 => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        tries += 1;
    }
}

/// Giving one grant back until it was seen to be gone on an instant target, one after the other,
/// each with a whole round of all workers, and a look at the grant by its holder.
async fn operations(store: &Store, dir: &Path, live: &[Made], shown: &str) -> anyhow::Result<f64> {
    let ended = Ended::default();
    let engine = crowd::engine(store, dir, &ended).await;
    while !engine.step().await.is_idle() {}
    let (mut took, mut cpu) = (Vec::new(), 0);
    for (number, made) in live.iter().take(OPERATIONS + WARMING).enumerate() {
        if number == WARMING {
            cpu = machine::own_cpu()?;
        }
        let began = machine::clock();
        let holder = crowd::person(made.holder);
        engine.run(holder, &GiveBack { grant: made.grant }).await?;
        engine.step().await;
        let state = engine.grant(holder, made.grant).await?.state;
        ensure!(state == "ended", "`{}` is `{state}`", made.grant);
        if number >= WARMING {
            took.push(machine::clock() - began);
        }
    }
    let cost = (machine::own_cpu()? - cpu) as f64 / took.len().max(1) as f64;
    let p50 = digits(percentile(&took, 50) as f64 / 1e3);
    Figure::new(format!("CPU of an operation on one of {shown} grants"), cost / 1e3, "ms")
        .beside(format!("given back, seen absent, shown; p50 {p50} ms with the disk"))
        .say();
    Ok(cost)
}

/// How late what is due is durably seen to be gone, on a target that takes 20 ms for every call.
async fn endings(
    store: Store,
    dir: &Path,
    crowd: &Crowd,
    count: u64,
    shown: &str,
) -> anyhow::Result<()> {
    // Making them takes a while, and none may be due before the workers are there.
    let lead = 15 + count / 300;
    let from = Machine.now().plus_seconds(lead);
    eprintln!("  {count} grants are made that are due from in {lead} s on");
    let due = crowd.due(&store, count, from, STEP).await?;
    ensure!(Machine.now() < from, "making what is due took longer than {lead} s");
    let ended = Ended::default();
    let engine = crowd::engine(&store, dir, &ended).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let workers = {
        let engine = engine.clone();
        tokio::spawn(async move {
            engine.work_until(async { drop(stopped.await) }).await;
        })
    };
    let noted = || ended.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
    let until = from.as_micros() + i64::try_from(count * STEP)? + 120_000_000;
    while noted() < count && Machine.now() < Timestamp::from_micros(until) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let _ = stop.send(());
    workers.await?;
    let ended = ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let late =
        |made: &Made| ended.get(&made.grant).map(|at| at.as_micros() - made.until.as_micros());
    let late: Vec<i64> = due.iter().filter_map(late).collect();
    let never = due.len() - late.len();
    let second = |hundredths| percentile(&late, hundredths) as f64 / 1e6;
    let seconds = digits((count * STEP) as f64 / 1e6);
    Figure::new(format!("due to seen absent, p50, among {shown}"), second(50), "s").say();
    Figure::new(format!("due to seen absent, p99, among {shown}"), second(99), "s")
        .aim(Aim::AtMost(5.0))
        .beside(format!("{count} due in {seconds} s on one target of 20 ms; {never} never"))
        .say();
    ensure!(never == 0, "{never} of those that were due did not end");
    Ok(())
}

async fn evidence(
    engine: &Engine,
    store: &Store,
    live: &[Made],
    shown: &str,
) -> anyhow::Result<()> {
    let auditor = crowd::acting(store, company::AUDITOR).await?;
    let (mut took, mut bytes) = (Vec::new(), 0);
    let cpu = machine::own_cpu()?;
    for made in live.iter().rev().take(EXPORTS) {
        let began = machine::clock();
        let file = engine.export_evidence(auditor, made.request).await?;
        took.push(machine::clock() - began);
        bytes = file.len();
    }
    let cpu = (machine::own_cpu()? - cpu) as f64 / took.len().max(1) as f64;
    let name = format!("evidence of one request among {shown}, p50");
    Figure::new(name, percentile(&took, 50) as f64 / 1e3, "ms")
        .beside(format!(
            "sealed, proved, verified; {} KB, CPU {} ms",
            digits(bytes as f64 / 1e3),
            digits(cpu / 1e3)
        ))
        .say();
    Ok(())
}

async fn verify(
    engine: &Engine,
    size: u64,
    shown: &str,
    limits: Option<&Limits>,
) -> anyhow::Result<()> {
    for (state, aim) in [(false, 1_000_000.0), (true, 50_000.0)] {
        if state && size > COMPARED {
            continue;
        }
        eprintln!("  the ledger is verified{}", if state { " with --state" } else { "" });
        let (cpu, began) = (machine::own_cpu()?, machine::clock());
        let report = engine.verify_ledger(state).await?;
        let (cpu, took) = (machine::own_cpu()? - cpu, machine::clock() - began);
        ensure!(report.faults.is_empty(), "the ledger does not hold: {:?}", report.faults);
        let events = report.size as f64;
        let rate = events * 1e6 / cpu.max(1) as f64;
        let way = if state { "with --state" } else { "structural" };
        // The leaf and the digest that links it: two hashes of some 700 bytes.
        let share = limits.filter(|_| !state).map_or(String::new(), |limits| {
            format!(", {} of hashing alone", digits(rate * 1_400.0 / limits.hashed))
        });
        Figure::new(format!("verification, {way}, of {shown} grants"), rate, "/s core")
            .aim(Aim::AtLeast(aim))
            .beside(format!("{} events in {} s{share}", digits(events), digits(took as f64 / 1e6)))
            .say();
    }
    Ok(())
}
