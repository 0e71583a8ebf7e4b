//! `kill -9` of `placet serve` under load, at random moments, also while it starts.
//!
//! A life is a company that is killed some times in a row and then left in peace, to see that
//! everything due ends. `PLACET_CRASH_KILLS` makes it more kills than 50, `PLACET_CRASH_SEED` is what
//! a failure names.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use placet_domain::Timestamp;
use placet_domain::id::GrantId;
use placet_ledger::verify::verify_export;
use serde_json::json;

use crate::book::Book;
use crate::callers::{Caller, Notes};
use crate::company::{Company, Door, now};
use crate::dice::Dice;
use crate::eyes::{Eyes, things};
use crate::place::Server;

const KILLS_A_LIFE: u64 = 10;
const CALLERS: u64 = 6;
/// How long what is due may take to end, in seconds, once nothing is in doubt any more.
const PATIENCE: u64 = 6;
/// A call that was cut short is in doubt for so long.
const DOUBT: u64 = placet_domain::grant::CALL_SECONDS;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// What a life came to; so that nobody takes a test for passed that tried nothing.
#[derive(Debug, Default)]
struct Told {
    kills: u64,
    entries: u64,
    promises: BTreeMap<&'static str, u64>,
    refused: BTreeMap<String, u32>,
    /// Things that came to the targets or went.
    changes: usize,
    /// Actions whose outcome nobody knew after a kill.
    in_doubt: usize,
    /// The longest that anything took to end once it could, in seconds.
    slowest: u64,
}

impl Told {
    fn add(&mut self, other: Self) {
        let Self { kills, entries, promises, refused, changes, in_doubt, slowest } = other;
        self.kills += kills;
        self.entries += entries;
        promises.into_iter().for_each(|(kind, n)| *self.promises.entry(kind).or_default() += n);
        refused.into_iter().for_each(|(code, n)| *self.refused.entry(code).or_default() += n);
        self.changes += changes;
        self.in_doubt += in_doubt;
        self.slowest = self.slowest.max(slowest);
    }
}

#[test]
fn a_killed_server_loses_nothing_grants_nothing_unasked_and_ends_what_is_due() {
    let seed = setting("PLACET_CRASH_SEED").unwrap_or(now().as_micros() as u64 % 1_000_000);
    let kills = setting("PLACET_CRASH_KILLS").unwrap_or(50);
    let lives = kills.div_ceil(KILLS_A_LIFE);
    // Two lives at a time are under load; what waits for its end costs nothing and goes on beside.
    let turns = Mutex::new(0..lives);
    let told = Arc::new(Mutex::new((Told::default(), Vec::new())));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(life) = turns.lock().unwrap().next() else { break };
                    let count = KILLS_A_LIFE.min(kills - life * KILLS_A_LIFE);
                    let mut life = Life::found(seed, life);
                    match life.be_killed(count) {
                        Err(why) => told.lock().unwrap().1.push(why),
                        Ok(()) => {
                            let told = Arc::clone(&told);
                            scope.spawn(move || match life.come_to_rest() {
                                Err(why) => told.lock().unwrap().1.push(why),
                                Ok(one) => told.lock().unwrap().0.add(one),
                            });
                        }
                    }
                }
            });
        }
    });
    let (told, wrong) = &*told.lock().unwrap();
    println!("{told:?}");
    assert!(
        wrong.is_empty(),
        "{}\nagain: PLACET_CRASH_SEED={seed} PLACET_CRASH_KILLS={kills} \
         cargo test -p placet --test crashes killed",
        wrong.join("\n")
    );
    assert_eq!(told.kills, kills);
    let promised = |kind| told.promises.get(kind).copied().unwrap_or(0);
    for kind in ["asked", "agreed", "granted", "collected", "given back", "revoked", "shown"] {
        assert!(promised(kind) > 0, "nothing was {kind}: {told:?}");
    }
    assert!(told.changes as u64 > kills && told.in_doubt > 0, "hardly anything was done: {told:?}");
}

/// One company, and what is known about it from outside.
struct Life {
    dice: Dice,
    number: u64,
    seed: u64,
    company: Arc<Company>,
    notes: Arc<Mutex<Notes>>,
    book: Book,
    eyes: Eyes,
    told: Told,
}

/// What waits for one life, on a thread of its own.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}

impl Life {
    fn found(seed: u64, number: u64) -> Self {
        let company = Arc::new(block_on(Company::found()));
        let files = vec![company.place.path("groups"), company.place.path("tokens")];
        Self {
            dice: Dice::of(seed, &[number]),
            number,
            seed,
            company,
            notes: Arc::default(),
            book: Book::default(),
            eyes: Eyes::on(files),
            told: Told::default(),
        }
    }

    fn be_killed(&mut self, times: u64) -> Result<(), String> {
        for kill in 0..times {
            // One in five dies before it serves.
            if self.dice.in_hundred(20) {
                let mut child = self.company.place.serve().stderr(Stdio::null()).spawn().unwrap();
                std::thread::sleep(Duration::from_millis(self.dice.below(60)));
                child.kill().unwrap();
                child.wait().unwrap();
            } else {
                block_on(self.live_until_killed(kill));
            }
            self.told.kills += 1;
            self.holds().map_err(|why| {
                format!("life {} of seed {}, after kill {}: {why}", self.number, self.seed, kill)
            })?;
        }
        Ok(())
    }

    async fn live_until_killed(&mut self, kill: u64) {
        let server = Server::start(&self.company.place);
        let door = Door::of(&server.url);
        let callers: Vec<_> = (0..CALLERS)
            .map(|n| Caller {
                company: Arc::clone(&self.company),
                door: door.clone(),
                dice: Dice::of(self.seed, &[self.number, kill, n]),
                notes: Arc::clone(&self.notes),
            })
            .map(|caller| tokio::spawn(caller.work()))
            .collect();
        tokio::time::sleep(Duration::from_millis(self.dice.below(1_000))).await;
        server.kill();
        for caller in callers {
            caller.await.unwrap();
        }
    }

    /// Everything that must hold when a server was killed, at once and without its help.
    fn holds(&mut self) -> Result<(), String> {
        let company = Arc::clone(&self.company);
        block_on(self.book.read_on(&company.data(), &company.key))?;
        for file in ["groups", "tokens"] {
            for thing in things(&company.place.path(file)) {
                if thing != "captains lotta" && !self.book.covers(&thing, &company.handles) {
                    return Err(format!("`{thing}` is on the target, and no grant stands for it"));
                }
            }
        }
        let notes = self.notes.lock().unwrap();
        if let Some(wrong) = notes.wrong.first() {
            return Err(format!("a live server answered: {wrong}"));
        }
        notes.promises.iter().try_for_each(|promise| self.book.keeps(promise))?;
        self.book.explains(&self.eyes.seen(), &company.handles)?;
        let report = company.verifies()?;
        if report["size"] != json!(self.book.entries()) {
            return Err(format!("{} entries were read: {report}", self.book.entries()));
        }
        self.told.in_doubt +=
            self.book.actions.values().filter(|one| one.finished.is_none()).count();
        Ok(())
    }

    /// Started once more and left in peace: everything due ends, and nothing is left.
    fn come_to_rest(mut self) -> Result<Told, String> {
        self.rest().map_err(|why| {
            format!("life {} of seed {}, left in peace: {why}", self.number, self.seed)
        })?;
        let notes = self.notes.lock().unwrap();
        for promise in &notes.promises {
            *self.told.promises.entry(promise.kind()).or_default() += 1;
        }
        self.told.refused = notes.refused.clone();
        self.told.entries = self.book.entries();
        self.told.changes = self.eyes.seen().len();
        Ok(std::mem::take(&mut self.told))
    }

    fn rest(&mut self) -> Result<(), String> {
        let company = Arc::clone(&self.company);
        let server = Server::start(&company.place);
        let since = now();
        let door = Door::of(&server.url);
        // What waits to be collected waits for its holder, and is no access.
        let lives = |grant: &serde_json::Value| match grant["state"].as_str() {
            Some("approved") => grant["collect"].is_null(),
            state => !matches!(state, Some("ended" | "cancelled")),
        };
        let settled = block_on(async {
            for _ in 0..(DOUBT + PATIENCE) * 4 {
                let shown = company.get(&door, "nora", "/grants?limit=200").await.unwrap().good();
                let shown = shown.body.as_array().unwrap().clone();
                if !shown.iter().any(lives) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            Err(format!("something due does not end: {}", company.groups()))
        });
        settled?;
        let request = self.book.grants().next().map(|grant| grant.approved.request.to_string());
        if let Some(request) = request {
            self.proves(&door, &request)?;
        }
        let (code, said) = server.terminate();
        if code != Some(0) || !said.contains("stopped") {
            return Err(format!("it did not stop cleanly ({code:?}): {said}"));
        }
        self.holds()?;
        self.ended_in_time(since)?;
        company.is_bare()?;
        if !company.journal().is_empty() {
            return Err("the journal of endings is not empty".to_owned());
        }
        // Nobody touched the targets by hand, and every call went well.
        if let Some(kind) = self.book.found.first() {
            return Err(format!("a finding was opened: {kind}"));
        }
        self.exports()
    }

    /// Whatever ended since then ended soon after it could.
    fn ended_in_time(&mut self, since: Timestamp) -> Result<(), String> {
        let book = &self.book;
        let doubts = |grant: GrantId| {
            let receiver = |id| book.grant(id).map(|one| one.approved.receiver);
            let theirs = |id| receiver(id) == receiver(grant);
            let doubtful =
                book.actions.values().filter(|one| one.is_in_doubt() && theirs(one.grant));
            doubtful.map(|one| one.over_by).max()
        };
        for (grant, ended) in book.ended.iter().filter(|(_, at)| **at > since) {
            let ordered = book.ordered.get(grant).copied();
            let until = book.grant(*grant).and_then(|one| one.until);
            let due = [ordered, until].into_iter().flatten().min();
            let could = [Some(since), due, doubts(*grant)].into_iter().flatten().max();
            let took = ended.seconds_since(could.unwrap_or(since));
            self.told.slowest = self.told.slowest.max(took);
            if took > PATIENCE {
                return Err(format!("`{grant}` took {took} seconds to end"));
            }
        }
        Ok(())
    }

    /// The evidence of a request holds, offline.
    fn proves(&self, door: &Door, request: &str) -> Result<(), String> {
        let path = format!("/requests/{request}/evidence");
        let answer = block_on(self.company.post(door, "nora", &path, &json!(null))).unwrap().good();
        let text = answer.body.to_string();
        placet_ledger::evidence::verify(&text, &self.company.key)
            .map(|_| ())
            .map_err(|error| format!("the evidence of `{request}` does not hold: {error:?}"))
    }

    /// What an auditor exports is what was read all along.
    fn exports(&self) -> Result<(), String> {
        let place = &self.company.place;
        place.good("auditor", &["ledger", "export", "--out", "exported"]);
        let read = |path: &str| std::fs::read(place.path("exported").join(path)).ok();
        let exported = verify_export(read, &self.company.key, None).map_err(|e| e.to_string())?;
        if exported.checkpoint.head() == self.book.head() {
            return Ok(());
        }
        Err("the export is of another ledger than was read".to_owned())
    }
}
