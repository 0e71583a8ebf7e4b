//! Chaos: where Placet dies, and how its log misbehaves. A death drops whatever was running at that
//! point, as the end of a process does; an unreachable log leaves it running.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use placet_domain::id::EventId;
use placet_ledger::Receipt;
use placet_store::{Commit, Done, Error, Log};
use tokio::sync::Notify;

use crate::nature::Nature;

/// Where the process dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blow {
    /// In a commit, with nothing of it durable.
    BeforeCommit,
    /// In a commit that is durable, and its caller never learns.
    AfterCommit,
    /// In a call to a target that has done it.
    InCall,
}

/// How the log fails while Placet lives on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Nothing is written.
    Refuses,
    /// The first commit is written and called a failure; from then on nothing is.
    WritesOnceAndRefuses,
}

#[derive(Debug, Default)]
struct Plan {
    /// After how many more commits or calls it strikes.
    blow: Option<(u32, Blow)>,
    dead: bool,
    trouble: Option<Trouble>,
    /// Receipts come so many seconds late.
    late: u64,
    /// The commit after so many others waits until it is let go.
    hold: Option<(u32, Race)>,
    /// Nothing strikes for now.
    calm: bool,
    /// A planted fault: what is committed is forgotten, and called done.
    forgets: bool,
    /// Entries that are surely durable.
    entries: u64,
}

/// What is going to happen. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    plan: Arc<Mutex<Plan>>,
    struck: Arc<Notify>,
}

/// Two that decide at once: one waits with its commit until the other has overtaken it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Race {
    arrived: Arc<Notify>,
    released: Arc<Notify>,
}

impl Race {
    /// Resolves when a commit waits, or whoever was to make it has finished without one.
    pub async fn overtake(&self) {
        self.arrived.notified().await;
    }

    pub fn let_go(&self) {
        self.released.notify_one();
    }
}

/// What happens to one commit.
enum Turn {
    Good,
    Dies(Blow),
    Fails { written: bool },
    Forgotten,
}

impl Fate {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It strikes at the commit or call after `later` others.
    pub fn strike(&self, later: u32, blow: Blow) {
        self.plan().blow = Some((later, blow));
    }

    pub fn trouble(&self, trouble: Option<Trouble>) {
        self.plan().trouble = trouble;
    }

    pub fn late_receipts(&self, seconds: u64) {
        self.plan().late = seconds;
    }

    pub fn forget_commits(&self, forgets: bool) {
        self.plan().forgets = forgets;
    }

    pub fn calm(&self, calm: bool) {
        self.plan().calm = calm;
    }

    /// The process is dead, or its log is: somebody must start it again.
    pub fn needs_restart(&self) -> bool {
        let plan = self.plan();
        plan.dead || plan.trouble.is_some()
    }

    /// The log takes commits.
    pub fn is_reachable(&self) -> bool {
        self.plan().trouble.is_none()
    }

    /// A new process, with nothing planned against it.
    pub fn revive(&self, entries: u64) {
        *self.plan() = Plan { entries, ..Plan::default() };
    }

    /// Nothing is planned any more against a process that lives.
    pub fn forget_plans(&self) {
        let entries = self.entries();
        self.revive(entries);
    }

    /// Entries that are surely durable now.
    pub fn entries(&self) -> u64 {
        self.plan().entries
    }

    /// Resolves when the process dies.
    pub async fn death(&self) {
        while !self.plan().dead {
            self.struck.notified().await;
        }
    }

    /// The end of the process: nothing after this runs.
    pub(crate) async fn die(&self) {
        self.plan().dead = true;
        self.struck.notify_one();
        std::future::pending::<()>().await;
    }

    /// A call to a target that was done: does the process live to hear of it?
    pub(crate) async fn after_call(&self) {
        let dies = {
            let mut plan = self.plan();
            match &mut plan.blow {
                Some((later, Blow::InCall)) if *later == 0 => {
                    plan.blow = None;
                    true
                }
                Some((later, Blow::InCall)) => {
                    *later -= 1;
                    false
                }
                _ => false,
            }
        };
        if dies {
            self.die().await;
        }
    }

    fn turn(&self) -> Turn {
        let mut plan = self.plan();
        if plan.calm {
            return Turn::Good;
        }
        if plan.forgets {
            return Turn::Forgotten;
        }
        if let Some(trouble) = plan.trouble {
            plan.trouble = Some(Trouble::Refuses);
            return Turn::Fails { written: trouble == Trouble::WritesOnceAndRefuses };
        }
        match &mut plan.blow {
            Some((0, blow @ (Blow::BeforeCommit | Blow::AfterCommit))) => {
                let blow = *blow;
                plan.blow = None;
                Turn::Dies(blow)
            }
            Some((later, Blow::BeforeCommit | Blow::AfterCommit)) => {
                *later -= 1;
                Turn::Good
            }
            _ => Turn::Good,
        }
    }

    /// The commit after `later` others waits, so that another one overtakes it.
    pub(crate) fn hold(&self, later: u32) -> Race {
        let race = Race::default();
        self.plan().hold = Some((later, race.clone()));
        race
    }

    /// Whoever was to make the commit that waits has finished.
    pub(crate) fn finished(&self, race: &Race) {
        self.plan().hold = None;
        race.arrived.notify_one();
    }

    /// The race that this commit waits for, if it is the one.
    fn held(&self) -> Option<Race> {
        let mut plan = self.plan();
        match plan.hold.take() {
            Some((0, race)) => Some(race),
            Some((later, race)) => {
                plan.hold = Some((later - 1, race));
                None
            }
            None => None,
        }
    }

    async fn wait_if_held(&self) {
        if let Some(race) = self.held() {
            race.arrived.notify_one();
            race.released.notified().await;
        }
    }
}

/// The log of the store, as fate lets it be.
#[derive(Debug)]
pub(crate) struct ChaosLog {
    pub log: Arc<dyn Log>,
    pub fate: Fate,
    pub nature: Nature,
}

impl ChaosLog {
    async fn write(&self, commit: Commit) -> Result<Done, Error> {
        let done = self.log.commit(commit).await?;
        self.fate.plan().entries += u64::try_from(done.events.len()).unwrap_or(0);
        Ok(done)
    }
}

#[async_trait::async_trait]
impl Log for ChaosLog {
    async fn commit(&self, commit: Commit) -> Result<Done, Error> {
        self.fate.wait_if_held().await;
        match self.fate.turn() {
            Turn::Good => self.write(commit).await,
            Turn::Dies(blow) => {
                if blow == Blow::AfterCommit {
                    // Stale or not: nobody is there to hear.
                    let _ = self.write(commit).await;
                }
                self.fate.die().await;
                Err(Error::Stopped)
            }
            Turn::Fails { written } => {
                if written {
                    let _ = self.write(commit).await;
                }
                Err(Error::Stopped)
            }
            Turn::Forgotten => Ok(Done::default()),
        }
    }

    async fn receipt(&self, event: EventId) -> Result<Receipt, Error> {
        let late = self.fate.plan().late;
        self.nature.pass(late);
        self.log.receipt(event).await
    }
}
