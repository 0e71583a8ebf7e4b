//! What waits, and how much of it: logins that have begun, found again by a secret that only the one
//! who began has, each used once; and how many may begin. In memory and bounded: a restart forgets
//! them, and people begin again.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use placet_domain::Refusal;
use placet_domain::canonical::Digest;
use placet_engine::{Engine, Secret};

const MINUTE: i64 = 60 * 1_000_000;

/// Things that wait, by the fingerprint of the secret that finds them.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    most: usize,
    all: Mutex<BTreeMap<Digest, (T, i64)>>,
}

impl<T: Clone> Waiting<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, all: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Digest, (T, i64)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one until a moment of the steady clock. What is over makes room; what is not, stays.
    pub(super) fn put(&self, key: &Secret, one: T, until: i64, now: i64) -> Result<(), Refusal> {
        let mut all = self.lock();
        all.retain(|_, (_, until)| *until > now);
        if all.len() >= self.most {
            return Err(Refusal::TooManyLogins {});
        }
        all.insert(key.fingerprint(), (one, until));
        Ok(())
    }

    /// Takes it out: it is not found a second time.
    pub(super) fn take(&self, key: &Secret, now: i64) -> Option<T> {
        let (one, until) = self.lock().remove(&key.fingerprint())?;
        (until > now).then_some(one)
    }

    /// Looks at it, and may change it.
    pub(super) fn with<R>(
        &self,
        key: &Secret,
        now: i64,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let mut all = self.lock();
        let (one, until) = all.get_mut(&key.fingerprint())?;
        (*until > now).then(|| change(one))
    }
}

/// How many may come in a minute, from one address and from all. Counted from the first one on, so
/// that what is remembered is at most what may come.
#[derive(Debug)]
pub(super) struct Limits {
    each: u32,
    all: u32,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    since: Option<i64>,
    all: u32,
    each: BTreeMap<Option<IpAddr>, u32>,
}

impl Limits {
    pub(super) fn new((each, all): (u32, u32)) -> Self {
        Self { each, all, counted: Mutex::default() }
    }

    pub(super) fn count(&self, caller: Option<IpAddr>, now: i64) -> Result<(), Refusal> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.since.is_none_or(|since| now - since >= MINUTE) {
            *counted = Counted { since: Some(now), ..Counted::default() };
        }
        let Counted { all, each, .. } = &mut *counted;
        if *all >= self.all {
            return Err(Refusal::TooManyLogins {});
        }
        let mine = each.entry(caller.map(network)).or_default();
        if *mine >= self.each {
            return Err(Refusal::TooManyLogins {});
        }
        (*mine, *all) = (*mine + 1, *all + 1);
        Ok(())
    }
}

/// Whoever has one IPv6 address has the 2^64 beside it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => {
            IpAddr::V6((v6.to_bits() >> 64 << 64).into())
        }
        other => other,
    }
}

/// A fresh secret of 256 bits, of letters and digits.
pub(super) fn fresh(engine: &Engine) -> String {
    Digest::from_bytes(engine.random()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_found_once_in_time_and_by_its_secret() {
        let waiting = Waiting::new(2);
        let key = |text: &str| Secret::presented(text);
        waiting.put(&key("a"), 1, 10, 0).unwrap();
        assert_eq!(waiting.with(&key("a"), 5, |one| *one += 1), Some(()));
        assert_eq!(waiting.take(&key("b"), 5), None);
        assert_eq!(waiting.take(&key("a"), 5), Some(2));
        assert_eq!(waiting.take(&key("a"), 5), None);
        waiting.put(&key("a"), 1, 10, 0).unwrap();
        assert_eq!(waiting.with(&key("a"), 10, |_| ()), None);
        assert_eq!(waiting.take(&key("a"), 10), None);
        waiting.put(&key("a"), 1, 10, 0).unwrap();
        waiting.put(&key("b"), 1, 20, 0).unwrap();
        assert_eq!(waiting.put(&key("c"), 1, 20, 9), Err(Refusal::TooManyLogins {}));
        waiting.put(&key("c"), 1, 20, 10).unwrap();
    }

    #[test]
    fn so_many_come_in_a_minute_and_no_more() {
        let limits = Limits::new((2, 5));
        let come = |from: &str, at: i64| limits.count(from.parse().ok(), at).is_ok();
        assert!(come("10.0.0.1", 0) && come("10.0.0.1", 1) && !come("10.0.0.1", 2));
        // Neighbours in one network of IPv6 are one.
        assert!(come("2001:db8::1", 3) && come("2001:db8::2", 3) && !come("2001:db8::3", 3));
        assert!(come("10.0.0.2", 4) && !come("10.0.0.3", 5), "from all together");
        assert!(!come("10.0.0.1", MINUTE - 1) && come("10.0.0.1", MINUTE));
    }
}
