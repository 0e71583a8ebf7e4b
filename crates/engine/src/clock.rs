//! The time by which everything is decided. It never goes back: not behind what it showed before, and
//! not behind what the ledger has already recorded. Where the clock of the machine is behind that,
//! time goes on as the process measures it, so that what is due still ends; and nothing new is
//! granted, since nobody knows how late it is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use placet_domain::length::Length;
use placet_domain::{Refusal, Timestamp};

use crate::environment::Environment;

/// How many times slower time runs on where the machine's clock is known to be right and what was
/// recorded was ahead: slow enough to be caught up with, quick enough that what failed is tried again.
const SLOWER: i64 = 10;

/// By how many seconds a clock may be behind before that matters: clocks are corrected by less.
const TOLERANCE_SECONDS: u64 = 120;

/// A moment, and what the steady clock showed then.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Timestamp,
    steady: i64,
}

pub(crate) struct Clock {
    environment: Arc<dyn Environment>,
    /// By how much slower it runs on while the machine's clock is behind.
    slower: i64,
    anchor: Mutex<Anchor>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("anchor", &self.anchor).finish_non_exhaustive()
    }
}

impl Clock {
    /// A clock that goes on from the newest moment that was recorded. `trusted`: the machine's clock
    /// is right, so it is to be caught up with.
    pub fn new(
        environment: Arc<dyn Environment>,
        recorded: Option<Timestamp>,
        trusted: bool,
    ) -> Self {
        let at = recorded.unwrap_or(Timestamp::from_micros(i64::MIN));
        let anchor = Mutex::new(Anchor { at, steady: environment.steady() });
        Self { environment, slower: if trusted { SLOWER } else { 1 }, anchor }
    }

    pub fn now(&self) -> Timestamp {
        let shown = self.environment.now();
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let run_on = self.run_on(&anchor);
        if shown < run_on {
            return run_on;
        }
        *anchor = Anchor { at: shown, steady: self.environment.steady() };
        shown
    }

    /// By how much the clock of the machine is behind, if that matters.
    pub fn behind(&self) -> Option<Length> {
        let anchor = *self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = self.run_on(&anchor).seconds_since(self.environment.now());
        let longest = Length::LONGEST;
        (behind > TOLERANCE_SECONDS).then(|| Length::from_seconds(behind).unwrap_or(longest))
    }

    /// Refuses if nobody knows how late it is.
    pub fn must_be_right(&self) -> Result<(), Refusal> {
        match self.behind() {
            None => Ok(()),
            Some(behind) => Err(Refusal::ClockBehind { behind: behind.to_string() }),
        }
    }

    /// Where time must have got to since the anchor.
    fn run_on(&self, anchor: &Anchor) -> Timestamp {
        let passed = self.environment.steady().saturating_sub(anchor.steady);
        Timestamp::from_micros(anchor.at.as_micros().saturating_add(passed / self.slower))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock on the wall that anybody may set, and a steady one, in seconds.
    #[derive(Debug, Default)]
    struct Hands {
        wall: AtomicI64,
        steady: AtomicI64,
    }

    impl Hands {
        fn pass(&self, seconds: i64) {
            self.wall.fetch_add(seconds, Ordering::SeqCst);
            self.steady.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    impl Environment for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.wall.load(Ordering::SeqCst) * 1_000_000)
        }

        fn steady(&self) -> i64 {
            self.steady.load(Ordering::SeqCst) * 1_000_000
        }

        fn random(&self) -> [u8; 32] {
            [0; 32]
        }

        fn after(&self, _seconds: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(std::future::pending())
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn time_never_goes_back_and_never_stands_still() {
        let hands = Arc::new(Hands::default());
        hands.wall.store(1_000, Ordering::SeqCst);
        let environment = Arc::clone(&hands) as Arc<dyn Environment>;
        let clock = Clock::new(Arc::clone(&environment), Some(at(990)), false);
        let check = |now: i64, behind: Option<u64>| {
            assert_eq!((clock.now(), clock.behind().map(Length::as_seconds)), (at(now), behind));
        };
        check(1_000, None);
        hands.pass(10);
        check(1_010, None);
        // A correction that every clock gets.
        hands.wall.fetch_sub(100, Ordering::SeqCst);
        check(1_010, None);
        hands.pass(50);
        check(1_060, None);
        // Set back by a day; time goes on all the same.
        hands.wall.fetch_sub(86_400, Ordering::SeqCst);
        check(1_060, Some(86_500));
        hands.pass(3_600);
        check(4_660, Some(86_500));
        // Set right again, and forward: that is believed, since time may have passed unseen.
        hands.wall.fetch_add(86_500, Ordering::SeqCst);
        check(4_660, None);
        hands.wall.fetch_add(7_200, Ordering::SeqCst);
        check(11_860, None);
        hands.wall.fetch_sub(7_200, Ordering::SeqCst);
        check(11_860, Some(7_200));
        // Reset to the beginning of all clocks.
        let wall = hands.wall.swap(0, Ordering::SeqCst);
        hands.pass(i64::from(u32::MAX));
        hands.wall.store(0, Ordering::SeqCst);
        assert_eq!(clock.behind(), Some(Length::LONGEST));
        hands.steady.fetch_sub(i64::from(u32::MAX), Ordering::SeqCst);
        hands.wall.store(wall, Ordering::SeqCst);
        // Another process goes on from what is recorded.
        let next = Clock::new(Arc::clone(&environment), Some(at(11_860)), false);
        let behind = next.behind().map(Length::as_seconds);
        assert_eq!((next.now(), behind), (at(11_860), Some(7_200)));
        // With nothing recorded the wall is right.
        let fresh = Clock::new(Arc::clone(&environment), None, false);
        assert_eq!((fresh.now(), fresh.behind()), (at(4_660), None));
        // Told that the wall is right, time waits for it, and goes on all the same.
        let trusting = Clock::new(environment, Some(at(11_860)), true);
        hands.pass(3_600);
        assert_eq!((trusting.now(), trusting.behind().is_some()), (at(12_220), true));
        hands.pass(4_400);
        assert_eq!((trusting.now(), trusting.behind()), (at(12_660), None));
    }
}
