//! Ending events: what ends access besides a date, such as a ticket that is closed or a pipeline
//! that has finished. Whichever comes first ends it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest reference, in bytes.
const LONGEST: usize = 100;

/// The most ending events that one request may name.
pub const MOST: usize = 8;

/// What kind of thing comes to its end elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Ticket,
    Incident,
    Pipeline,
}

impl Kind {
    const ALL: [Kind; 3] = [Self::Ticket, Self::Incident, Self::Pipeline];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Incident => "incident",
            Self::Pipeline => "pipeline",
        }
    }
}

/// One thing that will end elsewhere, written `ticket:OPS-7`, `incident:INC-12` or
/// `pipeline:build-4711`. It names a thing of a system, never a person, so it stands in the clear.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EndingEvent {
    kind: Kind,
    reference: String,
}

impl fmt::Display for EndingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.reference)
    }
}

impl fmt::Debug for EndingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no ending event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnreadableEndingEvent(String);

impl fmt::Display for UnreadableEndingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an ending event such as `ticket:OPS-7`, `incident:INC-12` or `pipeline:4711`",
            self.0
        )
    }
}

impl std::error::Error for UnreadableEndingEvent {}

impl FromStr for EndingEvent {
    type Err = UnreadableEndingEvent;

    fn from_str(text: &str) -> Result<Self, UnreadableEndingEvent> {
        let unreadable = || UnreadableEndingEvent(text.chars().take(64).collect());
        let (kind, reference) = text.split_once(':').ok_or_else(unreadable)?;
        let kind = Kind::ALL.into_iter().find(|one| one.as_str() == kind).ok_or_else(unreadable)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./#@+".contains(&b);
        if reference.is_empty() || reference.len() > LONGEST || !reference.bytes().all(plain) {
            return Err(unreadable());
        }
        Ok(Self { kind, reference: reference.to_owned() })
    }
}

impl From<EndingEvent> for String {
    fn from(event: EndingEvent) -> String {
        event.to_string()
    }
}

impl TryFrom<String> for EndingEvent {
    type Error = UnreadableEndingEvent;

    fn try_from(text: String) -> Result<Self, UnreadableEndingEvent> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_event_names_one_thing_elsewhere() {
        for text in ["ticket:OPS-7", "incident:2026/11#4", "pipeline:build-4711"] {
            assert_eq!(text.parse::<EndingEvent>().map(|e| e.to_string()).as_deref(), Ok(text));
        }
        let long = format!("ticket:{}", "x".repeat(LONGEST + 1));
        for text in ["", "ticket", "ticket:", "person:ines", "ticket:a b", "ticket:a\n", &long] {
            assert!(text.parse::<EndingEvent>().is_err(), "{text:?}");
        }
    }
}
