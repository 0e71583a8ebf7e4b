//! Lives from seeds. `PLACET_SIM_SEEDS` and `PLACET_SIM_STEPS` make them more and longer,
//! `PLACET_SIM_SEED` takes one alone and tells its story.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use placet_domain::event::Event;
use placet_sim::lives::{live, run, spread};
use placet_sim::script::tell;
use placet_sim::walk::{Plan, walk};

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn steps() -> u32 {
    setting("PLACET_SIM_STEPS").and_then(|steps| steps.try_into().ok()).unwrap_or(STEPS)
}

const SEEDS: u64 = 50;
const STEPS: u32 = 500;

/// The event types that the stories produce.
fn told() -> BTreeSet<&'static str> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let stories = files.filter(|path| path.extension().is_some_and(|ending| ending == "txt"));
    let types = |path| run(tell(&std::fs::read_to_string(path).unwrap())).unwrap().types;
    spread(stories, types).into_iter().flatten().collect()
}

#[test]
#[allow(clippy::print_stdout)]
fn no_seed_breaks_a_law_and_every_event_is_produced() {
    if let Some(seed) = setting("PLACET_SIM_SEED") {
        let walked = live(&Plan::new(seed, steps())).unwrap_or_else(|failure| panic!("{failure}"));
        println!("{}\n{} entries", walked.story.join("\n"), walked.entries);
        return;
    }
    let seeds = setting("PLACET_SIM_SEEDS").unwrap_or(SEEDS);
    let lives = spread(0..seeds, |seed| live(&Plan::new(seed, steps())));
    let failures: Vec<String> =
        lives.iter().filter_map(|life| life.as_ref().err()).map(|one| one.to_string()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));

    let mut types = told();
    let mut refusals = BTreeSet::new();
    for life in lives.into_iter().flatten() {
        types.extend(life.types);
        refusals.extend(life.refusals);
    }
    println!("refusals met: {refusals:?}");
    // Past the capture of tests: how many lived belongs into every run.
    let _ = writeln!(std::io::stderr(), "{seeds} lives of {} steps held the laws", steps());
    if (seeds, steps()) == (SEEDS, STEPS) {
        produced(&types);
    }
}

/// The list of events that are produced, beside those that are not.
fn produced(types: &BTreeSet<&'static str>) {
    let mut list = String::new();
    for one in Event::TYPES {
        let missing = if types.contains(one) { "" } else { " (never)" };
        let _ = writeln!(list, "{one}{missing}");
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("events_produced.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &list).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(list, expected, "the events produced are others; see UPDATE_GOLDEN=1");
}

#[test]
fn one_seed_is_one_life() {
    let plan = Plan::new(4_711, 80);
    let (once, again) = (run(walk(&plan)).unwrap(), run(walk(&plan)).unwrap());
    assert_eq!(once.story, again.story);
    assert_eq!((once.entries, once.root), (again.entries, again.root));
}
