//! Durable commits with and without a ledger: the same rows of the same store, written by the same
//! code in the same batches. A commit is what filing a request makes durable.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use placet_store::{Commit, Settings, Store, Unledgered};

use crate::crowd::{self, Crowd};
use crate::figure::{Aim, Figure, a_second, digits};
use crate::machine::{self, Limits};

const CALLERS: usize = 32;
const COMMITS: u64 = 12_000;
/// Each way is measured so often in turn, and the better counts: what else goes on only costs.
const TURNS: usize = 2;

#[derive(Clone, Debug)]
enum Way {
    With(Store),
    Without(Unledgered),
}

impl Way {
    async fn commit(&self, commit: Commit) -> anyhow::Result<()> {
        match self {
            Self::With(store) => store.commit(commit).await.map(|_| ())?,
            Self::Without(unledgered) => unledgered.commit(commit).await?,
        }
        Ok(())
    }
}

pub async fn measure(dir: &Path, limits: Option<&Limits>) -> anyhow::Result<()> {
    let place = dir.join("commits");
    let store = crowd::open(&place, true).await?;
    let crowd = Crowd::found(&store, &place, 0).await?;
    let (mut with, mut without) = (0.0f64, 0.0f64);
    for turn in 0..TURNS {
        with = with.max(rate(&crowd, &Way::With(store.clone())).await?);
        let settings = Settings::new(place.join(format!("without-{turn}")));
        let way = Way::Without(Unledgered::make(&settings).await?);
        without = without.max(rate(&crowd, &way).await?);
    }
    let share = |rate: f64| {
        let of = limits.map(|limits| digits(rate / limits.commits));
        of.map_or(String::new(), |of| format!("{of} of the machine's commits; batches share one"))
    };
    let name = |how: &str| format!("commits {how} ledger, {CALLERS} callers");
    Figure::new(name("without"), without, "/s").beside(share(without)).say();
    Figure::new(name("with"), with, "/s").beside(share(with)).say();
    Figure::new("  of those without", with / without, "").aim(Aim::AtLeast(0.4)).say();
    Ok(())
}

async fn rate(crowd: &Crowd, way: &Way) -> anyhow::Result<f64> {
    let facts = matches!(way, Way::With(_));
    let mut commits = Vec::new();
    for number in 0..COMMITS {
        let mut commit = crowd.filing(number)?;
        if !facts {
            // The people are not in that database, and looking for them costs the same.
            commit.facts = crowd.nobody(number)?;
        }
        commits.push(std::sync::Mutex::new(Some(commit)));
    }
    let (commits, next) = (Arc::new(commits), Arc::new(AtomicUsize::new(0)));
    let began = machine::clock();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (way, commits, next) = (way.clone(), Arc::clone(&commits), Arc::clone(&next));
            tokio::spawn(async move {
                while let Some(one) = commits.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let commit = one.lock().ok().and_then(|mut one| one.take());
                    way.commit(commit.context("a commit is made once")?).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(a_second(COMMITS, machine::clock() - began))
}
