//! The difference of two bundles: which policies came, went or changed, and what comes out otherwise
//! in the companies of both bundles' fixtures.

use std::collections::BTreeMap;

use placet_domain::bundle::Bundle;
use serde::Serialize;

use crate::fixture::{Failure, run_fixtures};
use crate::policies::Policies;
use crate::problem::Problem;

/// A policy whose text is another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Changed {
    pub policy: String,
    /// Its lines that are gone, and those that came, in the order of the texts.
    pub gone: Vec<String>,
    pub come: Vec<String>,
}

/// A case that comes out otherwise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Otherwise {
    /// Where the case stands.
    pub file: String,
    pub case: String,
    pub old: String,
    pub new: String,
}

/// What differs between two bundles.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Difference {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub changed: Vec<Changed>,
    /// Files that hold no policies and differ: the schema, the fixtures, notes.
    pub files: Vec<String>,
    pub effects: Vec<Otherwise>,
}

impl Difference {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

const TESTS: &str = "tests/";
const POLICIES: &str = "policies/";

/// What differs between `old` and `new`; the problems of whichever cannot rule.
///
/// The fixtures of each bundle are told to the policies of the other: a case that comes out
/// otherwise there is what the change means. A fixture that one of them cannot read, because the
/// schema is another, says so as a problem.
pub fn difference(old: &Bundle, new: &Bundle) -> Result<Difference, Vec<Problem>> {
    let (before, after) = (Policies::load(old)?, Policies::load(new)?);
    let (before, after) = (before.texts(), after.texts());
    let missing = |from: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        from.keys().filter(|id| !other.contains_key(*id)).cloned().collect::<Vec<_>>()
    };
    let changed = before.iter().filter_map(|(id, old)| {
        let new = after.get(id).filter(|new| *new != old)?;
        let lines = |one: &str, other: &str| {
            let of =
                |text: &str| text.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>();
            let (one, other) = (of(one), of(other));
            one.into_iter().filter(|line| !line.is_empty() && !other.contains(line)).collect()
        };
        Some(Changed { policy: id.clone(), gone: lines(old, new), come: lines(new, old) })
    });
    let mut files: Vec<String> = old.files.keys().chain(new.files.keys()).cloned().collect();
    files.sort();
    files.dedup();
    files.retain(|name| !name.starts_with(POLICIES) && old.files.get(name) != new.files.get(name));
    Ok(Difference {
        added: missing(&after, &before),
        removed: missing(&before, &after),
        changed: changed.collect(),
        files,
        effects: effects(old, new)?,
    })
}

/// The cases of both that come out otherwise under the other.
fn effects(old: &Bundle, new: &Bundle) -> Result<Vec<Otherwise>, Vec<Problem>> {
    let mut out = Vec::new();
    // What the old fixtures expect is what the old policies did.
    for Failure { file, case, expected, got, .. } in failures(new, old)? {
        out.push(Otherwise { file, case, old: expected, new: got });
    }
    for Failure { file, case, expected, got, .. } in failures(old, new)? {
        let one = Otherwise { file, case, old: got, new: expected };
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out.sort();
    Ok(out)
}

/// How the policies of one bundle disappoint the fixtures of another.
fn failures(policies: &Bundle, fixtures: &Bundle) -> Result<Vec<Failure>, Vec<Problem>> {
    let rules = policies.files.iter().filter(|(name, _)| !name.starts_with(TESTS));
    let cases = fixtures.files.iter().filter(|(name, _)| name.starts_with(TESTS));
    let files = rules.chain(cases).map(|(name, text)| (name.clone(), text.clone())).collect();
    Ok(run_fixtures(&Bundle { files })?.failures)
}
