//! Lives for as long as one likes: from the seed where the last run stopped, over all processors.
//!
//! `cargo run -p placet-sim --example lives -- MINUTES [FILE]`; the file keeps where to go on and
//! what was lived in all. A life that breaks a law is told, ends the run, and is where the next goes on.

#![allow(clippy::print_stdout, clippy::print_stderr)] // A program for a terminal.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use placet_sim::lives::{live, spread};
use placet_sim::walk::Plan;
use serde::{Deserialize, Serialize};

const STEPS: u32 = 500;
/// The seeds before are those of the ordinary tests.
const FIRST: u64 = 50;

/// What was lived so far.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    next: u64,
    lives: u64,
    entries: u64,
    seconds: u64,
}

#[allow(clippy::disallowed_methods)] // How long it may take is told by the clock on the wall.
fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(minutes) = words.next().and_then(|word| word.parse::<u64>().ok()) else {
        eprintln!("how many minutes? `lives MINUTES [FILE]`");
        return ExitCode::from(2);
    };
    let file = words.next().map(PathBuf::from);
    let kept = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let kept = kept.and_then(|text| serde_json::from_str(&text).ok());
    let mut kept = kept.unwrap_or(Kept { next: FIRST, lives: 0, entries: 0, seconds: 0 });

    let (began, first) = (Instant::now(), kept.next);
    let until = began + Duration::from_secs(minutes * 60);
    let (done, broken) = (AtomicU64::new(0), AtomicBool::new(false));
    let goes_on = |_: &u64| Instant::now() < until && !broken.load(Ordering::SeqCst);
    let lives = spread((first..).take_while(goes_on), |seed| {
        let lived = live(&Plan::new(seed, STEPS));
        broken.fetch_or(lived.is_err(), Ordering::SeqCst);
        let count = done.fetch_add(1, Ordering::SeqCst) + 1;
        if count.is_multiple_of(25) {
            eprintln!("{count} lives, {} minutes", began.elapsed().as_secs() / 60);
        }
        lived
    });
    let faults: Vec<_> = lives.iter().filter_map(|life| life.as_ref().err()).collect();
    faults.iter().for_each(|failure| println!("{failure}\n"));
    let lived = u64::try_from(lives.len()).unwrap_or(u64::MAX);
    kept.next += lived;
    kept.lives += lived;
    kept.entries += lives.iter().flatten().map(|walked| walked.entries).sum::<u64>();
    kept.seconds += began.elapsed().as_secs();
    println!(
        "{lived} lives of {STEPS} steps from seed {first} on, {} of them broke a law; in all {} \
         lives up to seed {}, {} entries, {} minutes",
        faults.len(),
        kept.lives,
        kept.next.saturating_sub(1),
        kept.entries,
        kept.seconds / 60
    );
    if !faults.is_empty() {
        return ExitCode::FAILURE;
    }
    match (file, serde_json::to_string(&kept)) {
        (Some(file), Ok(text)) => match std::fs::write(&file, text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("`{}` could not be written: {error}", file.display());
                ExitCode::FAILURE
            }
        },
        _ => ExitCode::SUCCESS,
    }
}
