//! How long access lasts: whole seconds, never zero, never endless.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Refusal;

/// A length of access, from one second to 366 days; zero and "for ever" cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "u64", try_from = "u64")]
pub struct Length(u32);

impl Length {
    pub const SHORTEST: Length = Length(1);
    pub const LONGEST: Length = Length(366 * 24 * 60 * 60);

    pub fn from_seconds(seconds: u64) -> Result<Self, Refusal> {
        u32::try_from(seconds)
            .ok()
            .map(Self)
            .filter(|length| (Self::SHORTEST..=Self::LONGEST).contains(length))
            .ok_or(Refusal::LengthOutOfRange { given: format!("{seconds} seconds") })
    }

    /// Reads `4h`, `90m`, `1d 12h`, `2 weeks` and the ISO 8601 form `PT4H`; a day is 24 hours.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let given = || text.chars().take(40).collect::<String>();
        let lower = text.trim().to_ascii_lowercase();
        if [
            "forever",
            "for ever",
            "endless",
            "never",
            "permanent",
            "infinite",
            "unlimited",
            "always",
        ]
        .contains(&lower.as_str())
        {
            return Err(Refusal::LengthOutOfRange { given: given() });
        }
        let unreadable = || Refusal::LengthUnreadable { given: given() };
        let span: jiff::Span = text.trim().parse().map_err(|_| unreadable())?;
        let exact = span
            .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
            .map_err(|_| unreadable())?;
        if exact.is_negative() || exact.subsec_nanos() != 0 {
            return Err(Refusal::LengthOutOfRange { given: given() });
        }
        Self::from_seconds(exact.as_secs().unsigned_abs())
            .map_err(|_| Refusal::LengthOutOfRange { given: given() })
    }

    pub fn as_seconds(self) -> u64 {
        u64::from(self.0)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut first = true;
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
            let count = rest / seconds;
            rest %= seconds;
            if count > 0 {
                if !first {
                    f.write_str(" ")?;
                }
                write!(f, "{count} {unit}")?;
                first = false;
            }
        }
        Ok(())
    }
}

impl From<Length> for u64 {
    fn from(length: Length) -> u64 {
        length.as_seconds()
    }
}

impl TryFrom<u64> for Length {
    type Error = Refusal;

    fn try_from(seconds: u64) -> Result<Self, Refusal> {
        Self::from_seconds(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_once_into_seconds() {
        let check = |text: &str, expect: &str| {
            let got = match Length::parse(text) {
                Ok(length) => format!("{} = {length}", length.as_seconds()),
                Err(refusal) => refusal.code().to_owned(),
            };
            assert_eq!(got, expect, "{text}");
        };
        check("4h", "14400 = 4 h");
        check("PT4H", "14400 = 4 h");
        check("90m", "5400 = 1 h 30 min");
        check("1d 12h", "129600 = 1 d 12 h");
        check("2 weeks", "1209600 = 14 d");
        check("61s", "61 = 1 min 1 s");
        check("366d", "31622400 = 366 d");
        check("367d", "length_out_of_range");
        check("0s", "length_out_of_range");
        check("-4h", "length_out_of_range");
        check("0.5s", "length_out_of_range");
        check("forever", "length_out_of_range");
        check("4", "length_unreadable");
        check("1 month", "length_unreadable");
        check("soon", "length_unreadable");
        check("", "length_unreadable");
    }
}
