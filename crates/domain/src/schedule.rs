//! Schedules: the hours in which somebody can be expected to answer, in their own time zone.
//!
//! Silence escalates by business hours, so every fact here decides when a request moves on. The
//! time zones come out of a copy compiled in: no machine's own tables decide.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::name::{ScheduleName, UnreadableName};
use crate::time::Timestamp;

/// How many dates of one schedule may be closed: more than a year of them is no schedule.
const MOST_CLOSED: usize = 370;

/// How far ahead business hours are counted; what lies beyond is never waited for anyway.
const HORIZON_DAYS: u32 = 4_000;

/// A day of the week, as catalogues write it: `mon`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    fn of(date: Date) -> Self {
        match date.weekday() {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

/// A time of day to the minute, from `00:00` to `24:00`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Clock(u16);

impl Clock {
    const MIDNIGHT: u16 = 24 * 60;

    /// The moment at which clocks in `zone` show this on `date`; one that is left out there counts
    /// as the moment after the gap, one that comes twice as its first.
    fn on(self, date: Date, zone: &TimeZone) -> Option<Timestamp> {
        let date = if self.0 == Self::MIDNIGHT { date.tomorrow().ok()? } else { date };
        let minutes = self.0 % Self::MIDNIGHT;
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        let moment = zone.to_timestamp(date.at(hour, minute, 0, 0)).ok()?;
        Some(Timestamp::from_micros(moment.as_microsecond()))
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for Clock {
    type Err = UnreadableName;

    fn from_str(text: &str) -> Result<Self, UnreadableName> {
        let two = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        };
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            let (hours, minutes) = (two(hours)?, two(minutes)?);
            let all = hours * 60 + minutes;
            (minutes < 60 && all <= Self::MIDNIGHT).then_some(Self(all))
        };
        read().ok_or_else(|| UnreadableName {
            expected: "a time of day",
            given: text.chars().take(64).collect(),
            rule: "write it as `09:00`, from `00:00` to `24:00`",
        })
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> String {
        clock.to_string()
    }
}

impl TryFrom<String> for Clock {
    type Error = UnreadableName;

    fn try_from(text: String) -> Result<Self, UnreadableName> {
        text.parse()
    }
}

/// The hours of work of whoever names this schedule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub name: ScheduleName,
    /// The IANA name of a time zone. `decide` has found it among the known ones; what was recorded
    /// stays readable even if a later list should lack it, and then counts in UTC.
    pub zone: String,
    pub days: BTreeSet<Day>,
    pub opens: Clock,
    /// Later than `opens` on the same day; `24:00` is the day's end.
    pub closes: Clock,
    /// Dates on which nobody is expected to answer.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub closed: BTreeSet<Date>,
}

fn known_zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

impl Schedule {
    /// Monday to Friday, 09:00 to 17:00 UTC: what holds for those who name no schedule.
    pub fn usual() -> Self {
        Self {
            name: ScheduleName::usual(),
            zone: "UTC".to_owned(),
            days: BTreeSet::from([Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri]),
            opens: Clock(9 * 60),
            closes: Clock(17 * 60),
            closed: BTreeSet::new(),
        }
    }

    /// When `seconds` of business hours have passed since `from`; `from` itself for none. A
    /// schedule that would not open often enough within eleven years answers with their end.
    pub fn after_business_seconds(&self, from: Timestamp, seconds: u64) -> Timestamp {
        let zone = known_zone(&self.zone).unwrap_or(TimeZone::UTC);
        let mut left = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let mut reached = from;
        if left == 0 {
            return from;
        }
        let Ok(moment) = jiff::Timestamp::from_microsecond(from.as_micros()) else { return from };
        let mut date = moment.to_zoned(zone.clone()).date();
        for _ in 0..HORIZON_DAYS {
            if let Some((opens, closes)) = self.hours_on(date, &zone) {
                let begins = opens.max(from);
                let open = closes.as_micros().saturating_sub(begins.as_micros());
                if open >= left {
                    return Timestamp::from_micros(begins.as_micros().saturating_add(left));
                }
                left -= open.max(0);
                reached = reached.max(closes);
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        reached
    }

    /// From when to when this is open on `date`, if it is.
    fn hours_on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        if !self.days.contains(&Day::of(date)) || self.closed.contains(&date) {
            return None;
        }
        Some((self.opens.on(date, zone)?, self.closes.on(date, zone)?))
    }

    /// What keeps this from being a schedule.
    fn check(&self) -> Result<(), Refusal> {
        let no = |why: String| Err(Refusal::NoSchedule { name: self.name.to_string(), why });
        if known_zone(&self.zone).is_none() {
            let given: String = self.zone.chars().take(64).collect();
            return no(format!("`{given}` is not a time zone such as `Europe/Vienna`"));
        }
        if self.days.is_empty() {
            return no("it has no day".to_owned());
        }
        if self.opens >= self.closes {
            let (opens, closes) = (self.opens, self.closes);
            return no(format!("it closes at {closes}, not after it opens at {opens}"));
        }
        if self.closed.len() > MOST_CLOSED {
            return no(format!("it is closed on more than {MOST_CLOSED} dates"));
        }
        Ok(())
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "schedule.registered")]
    Registered(Schedule),
    #[serde(rename = "schedule.revised")]
    Revised(Schedule),
}

#[derive(Debug)]
pub enum Command {
    Register(Schedule),
    Revise(Schedule),
}

pub fn decide(state: Option<&Schedule>, command: Command) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Register(schedule)) => {
            schedule.check()?;
            Ok(vec![Event::Registered(schedule)])
        }
        (Some(old), Command::Revise(schedule)) if old.name == schedule.name => {
            schedule.check()?;
            Ok(vec![Event::Revised(schedule)])
        }
        (Some(old), _) => {
            Err(Refusal::AlreadyRegistered { what: format!("schedule {}", old.name) })
        }
        (None, Command::Revise(schedule)) => Err(Refusal::NoSchedule {
            name: schedule.name.to_string(),
            why: "nobody registered it".to_owned(),
        }),
    }
}

pub fn apply(_state: Option<Schedule>, event: &Event) -> Option<Schedule> {
    match event {
        Event::Registered(schedule) | Event::Revised(schedule) => Some(schedule.clone()),
    }
}
