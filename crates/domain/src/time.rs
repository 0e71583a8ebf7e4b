//! A moment: microseconds since 1970 in UTC, written as RFC 3339 with six decimals.
//!
//! Nothing here reads a clock; moments come from the engine's environment.

use std::fmt;
use std::ops::Add;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical;
use crate::length::Length;
use crate::refusal::Refusal;

/// A moment in UTC, to the microsecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z; moments outside years -9999 to 9999 are clamped.
    pub fn from_micros(micros: i64) -> Self {
        let clamped = jiff::Timestamp::from_microsecond(micros);
        Self(clamped.unwrap_or(if micros < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }

    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds from `earlier` to this moment; zero if it lies in the future.
    pub fn seconds_since(self, earlier: Timestamp) -> u64 {
        let micros = self.as_micros().saturating_sub(earlier.as_micros());
        u64::try_from(micros / 1_000_000).unwrap_or(0)
    }

    pub fn plus_seconds(self, seconds: u64) -> Self {
        let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Self::from_micros(self.as_micros().saturating_add(micros))
    }

    pub fn minus_seconds(self, seconds: u64) -> Self {
        let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Self::from_micros(self.as_micros().saturating_sub(micros))
    }
}

impl Add<Length> for Timestamp {
    type Output = Timestamp;

    fn add(self, length: Length) -> Timestamp {
        self.plus_seconds(length.as_seconds())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an RFC 3339 moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableTimestamp(pub String);

impl fmt::Display for UnreadableTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a moment such as `2026-11-22T06:21:02Z` (RFC 3339)", self.0)
    }
}

impl std::error::Error for UnreadableTimestamp {}

impl From<UnreadableTimestamp> for Refusal {
    fn from(error: UnreadableTimestamp) -> Self {
        Self::MomentUnreadable { why: error.to_string() }
    }
}

impl FromStr for Timestamp {
    type Err = UnreadableTimestamp;

    fn from_str(text: &str) -> Result<Self, UnreadableTimestamp> {
        let moment: jiff::Timestamp =
            text.parse().map_err(|_| UnreadableTimestamp(text.chars().take(64).collect()))?;
        Ok(Self::from_micros(moment.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        canonical::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_one_spelling() {
        let at = Timestamp::from_micros(1_795_328_462_000_500);
        assert_eq!(at.to_string(), "2026-11-22T06:21:02.000500Z");
        assert_eq!("2026-11-22T07:21:02.0005+01:00".parse(), Ok(at));
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn far_moments_are_clamped_not_wrapped() {
        assert!(
            Timestamp::from_micros(i64::MAX).plus_seconds(u64::MAX) > Timestamp::from_micros(0)
        );
        assert!(Timestamp::from_micros(i64::MIN) < Timestamp::from_micros(0));
    }
}
