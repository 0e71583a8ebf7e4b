//! The laws of the design, as what a checker says when one does not hold.

use std::fmt;

/// The laws that can be broken here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Law {
    Assent,
    Independence,
    End,
    TwoRecords,
    Memory,
    FailClosed,
    Owner,
    NoSecrets,
}

impl Law {
    pub fn broken(self, why: impl Into<String>) -> Breach {
        Breach { law: self, why: why.into(), index: None }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Assent => "law 1 (assent)",
            Self::Independence => "law 2 (independence)",
            Self::End => "law 3 (end)",
            Self::TwoRecords => "law 4 (two records)",
            Self::Memory => "law 5 (memory)",
            Self::FailClosed => "law 6 (grants fail closed, endings fail forward)",
            Self::Owner => "law 7 (accountable owner)",
            Self::NoSecrets => "law 8 (no secrets at rest)",
        }
    }
}

/// A law that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    pub law: Law,
    pub why: String,
    /// The entry at which it shows.
    pub index: Option<u64>,
}

impl Breach {
    pub(crate) fn at(self, index: u64) -> Self {
        Self { index: Some(index), ..self }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law.words(), self.why)?;
        match self.index {
            Some(index) => write!(f, " (entry {index})"),
            None => Ok(()),
        }
    }
}
