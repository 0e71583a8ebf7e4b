//! The policy's answer as the domain sees it: a fact with its reasons, never a decision.

use serde::{Deserialize, Serialize};

use crate::canonical::Digest;

/// A policy that decided a ruling.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deciding {
    /// The policy's `@id`.
    pub policy: String,
    /// The policy's own sentence (`@why`).
    pub why: String,
}

/// What policy answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruling {
    pub permit: bool,
    /// The policies that decided, sorted by id. A refusal with none means that nothing permits it.
    pub deciding: Vec<Deciding>,
    /// Errors of evaluation. Cedar skips a policy that errors, a forbid too, so any error here
    /// has already turned the answer into a refusal.
    pub errors: Vec<String>,
    /// The digest of the ruling bundle.
    pub bundle: Digest,
    /// The digest of the record that lets `policy replay` ask again.
    pub record: Digest,
}

impl Ruling {
    pub fn cite(&self) -> Cited {
        Cited {
            permit: self.permit,
            policies: self.deciding.iter().map(|one| one.policy.clone()).collect(),
            bundle: self.bundle,
            record: self.record,
        }
    }

    /// The same answer, refused by a law that no policy sets aside.
    #[must_use]
    pub fn overruled(self, law: &str, why: &str) -> Self {
        let deciding = vec![Deciding { policy: law.to_owned(), why: why.to_owned() }];
        Self { permit: false, deciding, ..self }
    }

    /// The sentences of the deciding policies, for people.
    pub fn sentence(&self) -> String {
        if let Some(error) = self.errors.first() {
            return format!("the policy could not be evaluated: {error}");
        }
        if self.deciding.is_empty() {
            return "no policy permits it".to_owned();
        }
        let whys: Vec<&str> =
            self.deciding.iter().map(|one| one.why.trim_end_matches('.')).collect();
        whys.join("; ")
    }
}

/// A ruling as events cite it; the record itself is stored under its digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cited {
    pub permit: bool,
    pub policies: Vec<String>,
    pub bundle: Digest,
    pub record: Digest,
}
