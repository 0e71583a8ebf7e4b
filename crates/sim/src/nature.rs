//! Nature: the clock and the randomness of a simulated world. Time passes only when the world says
//! so, or by the thousandth of a second whenever somebody looks at the clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use placet_domain::Timestamp;
use placet_engine::Environment;

use crate::dice::Dice;

/// When every world begins: 2026-11-22, nine in the morning.
pub const BEGINNING: i64 = 1_795_338_000_000_000;

/// A clock and dice. Clones are the same.
#[derive(Clone, Debug)]
pub struct Nature {
    clock: Arc<AtomicI64>,
    /// By how many microseconds somebody has set the clock ahead, or back.
    ahead: Arc<AtomicI64>,
    /// How many microseconds pass with each look at the clock.
    tick: i64,
    dice: Arc<Mutex<Dice>>,
}

impl Nature {
    pub fn new(seed: u64, tick: i64) -> Self {
        Self {
            clock: Arc::new(AtomicI64::new(BEGINNING)),
            ahead: Arc::default(),
            tick,
            dice: Arc::new(Mutex::new(Dice::new(seed, "nature"))),
        }
    }

    /// Somebody sets the clock ahead, or back; time itself goes on as before.
    pub fn set_clock(&self, seconds: i64) {
        self.ahead.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }

    /// Sets a clock that is behind forward by no more than this, and one that is ahead right. Says
    /// whether it is right now.
    pub fn set_clock_nearer(&self, seconds: u64) -> bool {
        let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let ahead = self.ahead.load(Ordering::SeqCst).min(0).saturating_add(micros).min(0);
        self.ahead.store(ahead, Ordering::SeqCst);
        ahead == 0
    }

    /// How late it really is.
    pub fn moment(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Ordering::SeqCst))
    }

    /// What the clock shows, without looking at it: nobody can know better.
    pub fn shown(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::SeqCst);
        Timestamp::from_micros(self.clock.load(Ordering::SeqCst).saturating_add(ahead))
    }

    pub fn pass(&self, seconds: u64) {
        let micros = i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
        self.clock.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Environment for Nature {
    fn now(&self) -> Timestamp {
        let moment = self.clock.fetch_add(self.tick, Ordering::SeqCst);
        Timestamp::from_micros(moment.saturating_add(self.ahead.load(Ordering::SeqCst)))
    }

    fn steady(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    fn random(&self) -> [u8; 32] {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).bytes()
    }

    /// Calls return at once here, or never: nobody waits for a deadline.
    fn after(&self, _seconds: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}
