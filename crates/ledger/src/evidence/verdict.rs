//! What a bundle shows, as data: the story, what was checked, and what cannot be known.

use std::fmt;

use placet_domain::Refusal;
use placet_domain::id::RequestId;
use placet_domain::time::Timestamp;
use serde::Serialize;

use super::incomplete;
use crate::checkpoint::Checkpoint;
use crate::error::Error;

/// What kind of line it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Plain,
    /// Access was there, or was not seen to be gone, after its end.
    Overstayed,
    /// A law was broken.
    Breach,
}

/// One sentence of the story.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    pub at: Timestamp,
    pub mark: Mark,
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.mark {
            Mark::Plain => "",
            Mark::Overstayed => "OVERSTAYED: ",
            Mark::Breach => "BREACH: ",
        };
        write!(f, "{}  {mark}{}", self.at, self.text)
    }
}

/// What a bundle shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    pub request: RequestId,
    /// What happened, in order.
    pub story: Vec<Line>,
    /// What was checked, and holds.
    pub checks: Vec<String>,
    /// Up to which entry of the ledger nothing of this request is left out, and when it was written.
    pub complete_up_to: (u64, Timestamp),
    /// The signed checkpoint that it was all proved under.
    pub checkpoint: Checkpoint,
    /// What no bundle can show, and what this one does not.
    pub cannot_know: Vec<String>,
}

impl Verdict {
    pub fn breaches(&self) -> impl Iterator<Item = &Line> {
        self.story.iter().filter(|line| line.mark == Mark::Breach)
    }
}

/// Why a bundle is no proof of lawful access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failed {
    /// It shows nothing: something is missing, altered or of another log.
    Incomplete(Refusal),
    /// It is whole, and shows that a law was broken.
    Breach(Box<Verdict>),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete(refusal) => refusal.fmt(f),
            Self::Breach(verdict) => {
                let list: Vec<&str> = verdict.breaches().map(|line| line.text.as_str()).collect();
                write!(f, "this evidence is whole, and shows a breach: {}", list.join("; "))
            }
        }
    }
}

impl std::error::Error for Failed {}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Incomplete(incomplete(error))
    }
}
