//! What waits, and how much of it: logins and passkeys that have begun, found again by what only the
//! one who began has, each used once; and how many may begin. In memory and bounded: a restart forgets
//! them, and people begin again.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use placet_domain::Refusal;
use placet_domain::canonical::Digest;
use placet_engine::{Engine, Secret};

const MINUTE: i64 = 60 * 1_000_000;

/// Things that wait, by the fingerprint of the secret that finds them.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    most: usize,
    all: Mutex<BTreeMap<Digest, (T, i64)>>,
}

impl<T: Clone> Waiting<T> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, all: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Digest, (T, i64)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one until a moment of the steady clock. What is over makes room; what is not, stays.
    pub(crate) fn put(&self, key: &Secret, one: T, until: i64, now: i64) -> Result<(), Refusal> {
        let mut all = self.lock();
        all.retain(|_, (_, until)| *until > now);
        if all.len() >= self.most {
            return Err(Refusal::TooManyLogins {});
        }
        all.insert(key.fingerprint(), (one, until));
        Ok(())
    }

    /// Takes it out: it is not found a second time.
    pub(crate) fn take(&self, key: &Secret, now: i64) -> Option<T> {
        let (one, until) = self.lock().remove(&key.fingerprint())?;
        (until > now).then_some(one)
    }

    /// Looks at it, and may change it.
    pub(crate) fn with<R>(
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
pub(crate) struct Limits {
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
    pub(crate) fn new((each, all): (u32, u32)) -> Self {
        Self { each, all, counted: Mutex::default() }
    }

    pub(crate) fn count(&self, caller: Option<IpAddr>, now: i64) -> Result<(), Refusal> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.since.is_none_or(|since| now - since >= MINUTE) {
            *counted = Counted { since: Some(now), ..Counted::default() };
        }
        let caller = caller.map(network);
        self.within(&counted, caller)?;
        counted.all += 1;
        *counted.each.entry(caller).or_default() += 1;
        Ok(())
    }

    /// Whether one more may come; nothing is counted.
    pub(crate) fn has_room(&self, caller: Option<IpAddr>, now: i64) -> Result<(), Refusal> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match counted.since {
            Some(since) if now - since < MINUTE => self.within(&counted, caller.map(network)),
            _ => Ok(()),
        }
    }

    fn within(&self, counted: &Counted, caller: Option<IpAddr>) -> Result<(), Refusal> {
        let mine = counted.each.get(&caller).copied().unwrap_or(0);
        if counted.all >= self.all || mine >= self.each {
            return Err(Refusal::TooManyLogins {});
        }
        Ok(())
    }
}

/// Who called; nobody in particular within one process. What a proxy wrote is believed only where it is
/// set that there is one.
pub(crate) fn caller(parts: &Parts, behind_proxy: bool) -> Option<IpAddr> {
    if behind_proxy {
        // Only the last one was written by the proxy; what stands before it, anybody wrote.
        let lines = parts.headers.get_all("x-forwarded-for").iter().next_back()?;
        return lines.to_str().ok()?.rsplit(',').next()?.trim().parse().ok();
    }
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
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
pub(crate) fn fresh(engine: &Engine) -> String {
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
        let room = |at: i64| limits.has_room("10.0.0.1".parse().ok(), at).is_ok();
        assert!(room(MINUTE + 1) && room(MINUTE + 2), "looking counts nothing");
        assert!(come("10.0.0.1", MINUTE + 3) && !room(MINUTE + 4) && room(2 * MINUTE));
    }
}
