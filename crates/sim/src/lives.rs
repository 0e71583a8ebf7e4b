//! Lives: many walks, over all processors; and what is told of one that broke a law.

use std::sync::{Mutex, PoisonError};

use crate::walk::{Failure, Plan, Walked, walk};

/// How often a broken life is lived again to make it shorter.
const ATTEMPTS: u32 = 60;

pub fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Does something with each of these, over as many threads as there are processors.
pub fn spread<I: Send, O: Send>(
    items: impl Iterator<Item = I> + Send,
    does: impl Fn(I) -> O + Sync,
) -> Vec<O> {
    let items = Mutex::new(items);
    let done = Mutex::new(Vec::new());
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                loop {
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(item) = next else { return };
                    let came = does(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(came);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One life; one that breaks a law is told with as few steps as were found to do.
pub fn live(plan: &Plan) -> Result<Walked, Box<Failure>> {
    run(walk(plan)).map_err(shorter)
}

/// Leaves out steps, by halves and then by less, for as long as the same law breaks.
fn shorter(found: Box<Failure>) -> Box<Failure> {
    let mut best = found;
    // What comes after the breach, but for the end of the life, which checks as well.
    best.plan.without.extend(best.step + 1..best.plan.steps);
    let mut attempts = 0;
    let mut part = (best.step / 2).max(1);
    loop {
        let without = &best.plan.without;
        let kept: Vec<u32> = (0..best.step).filter(|step| !without.contains(step)).collect();
        let mut better = None;
        for some in kept.chunks(usize::try_from(part).unwrap_or(1)) {
            if attempts >= ATTEMPTS {
                return best;
            }
            attempts += 1;
            let mut plan = best.plan.clone();
            plan.without.extend(some);
            if let Err(again) = run(walk(&plan))
                && again.breach.law == best.breach.law
            {
                better = Some(again);
                break;
            }
        }
        match better {
            Some(better) => best = better,
            None if part == 1 => return best,
            None => part /= 2,
        }
    }
}
