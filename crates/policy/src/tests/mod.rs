//! Tests of the whole crate: the shipped bundle, and bundles that are the shipped one with one thing
//! changed.

mod bundles;
mod diffs;
mod fixtures;
mod plans;
mod questions;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Timestamp;
use placet_domain::bundle::Bundle;
use placet_domain::id::{EntitlementId, IdentityId};
use placet_domain::length::Length;

use crate::fixture::company::Company;
use crate::fixture::read;
use crate::problem::{Problem, Source};
use crate::{Ask, Policies, World, shipped};

pub(super) const GATES: &str = "policies/gates.cedar";
pub(super) const APPROVE: &str = "policies/approve.cedar";
pub(super) const PREAPPROVED: &str = "policies/preapproved.cedar";
pub(super) const GUARDRAILS: &str = "policies/guardrails.cedar";
pub(super) const SCHEMA: &str = "schema.cedarschema";
pub(super) const COMPANY: &str = "tests/company.toml";
pub(super) const ROUTES: &str = "tests/routes.toml";

/// The shipped bundle with `old` replaced by `new` in one file; an empty `old` appends.
pub(super) fn edited(file: &str, old: &str, new: &str) -> Bundle {
    let mut bundle = shipped();
    let text = bundle.files.entry(file.to_owned()).or_default();
    if old.is_empty() {
        text.push_str(new);
    } else {
        assert!(text.contains(old), "`{old}` does not stand in {file}");
        *text = text.replacen(old, new, 1);
    }
    bundle
}

pub(super) fn problems(bundle: &Bundle) -> Vec<String> {
    match Policies::load(bundle) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Each problem as `file: text at its place | message (hint)`, so that tests need not count lines.
pub(super) fn placed(bundle: &Bundle, problems: &[Problem]) -> Vec<String> {
    let told = |one: &Problem| {
        let text = bundle.files.get(&one.file).map(String::as_str).unwrap_or_default();
        let line = text.lines().nth(one.line - 1).unwrap_or_default();
        let at: String = line.chars().skip(one.column - 1).collect();
        let hint = one.hint.as_ref().map(|hint| format!(" ({hint}?)")).unwrap_or_default();
        format!("{}: {at} | {}{hint}", one.file, one.message)
    };
    problems.iter().map(told).collect()
}

/// Exactly these problems: each by its file, the beginning of the text at its place, the beginning
/// of its message, and, where one is expected, its hint.
pub(super) fn expect_problems(bundle: &Bundle, found: &[Problem], expect: &[(&str, &str, &str)]) {
    let fits = |(found, told): (&Problem, &String), (at, message, hint): &(&str, &str, &str)| {
        let (file, text) = at.split_once(": ").unwrap();
        told.starts_with(&format!("{file}: {text}"))
            && found.message.starts_with(message)
            && found.hint.as_deref().unwrap_or_default() == *hint
    };
    let told = placed(bundle, found);
    let all = found.len() == expect.len()
        && found.iter().zip(&told).zip(expect).all(|(found, expect)| fits(found, expect));
    assert!(all, "expected {expect:#?}\ngot {told:#?}");
}

pub(super) fn loaded(bundle: &Bundle) -> Policies {
    Policies::load(bundle).unwrap_or_else(|_| panic!("{:#?}", problems(bundle)))
}

pub(super) fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// The company of the shipped fixtures.
#[derive(Debug)]
pub(super) struct Town {
    pub company: Company,
    source: Source<'static>,
}

impl Town {
    pub fn new() -> Self {
        let text: &'static str = include_str!("../../../../policies/tests/company.toml");
        let source = Source { file: COMPANY, text };
        let files = [(source, read::read(&source).map_err(|e| e.to_string()).unwrap())];
        Self { company: Company::of(&files).unwrap(), source }
    }

    pub fn world(&self) -> World<'_> {
        World {
            identities: &self.company.identities,
            teams: &self.company.teams,
            entitlements: &self.company.entitlements,
            holdings: &self.company.holdings,
        }
    }

    pub fn who(&self, name: &str) -> IdentityId {
        self.company.identity(&self.source, &toml::Spanned::new(0..0, name.to_owned())).unwrap()
    }

    pub fn what(&self, name: &str) -> EntitlementId {
        self.company.entitlement(&self.source, &toml::Spanned::new(0..0, name.to_owned())).unwrap()
    }

    pub fn names(&self, ids: &BTreeSet<IdentityId>, of: &[&str]) -> Vec<String> {
        let known: BTreeMap<IdentityId, &str> =
            of.iter().map(|name| (self.who(name), *name)).collect();
        let mut names: Vec<String> = ids
            .iter()
            .map(|id| known.get(id).map_or_else(|| id.to_string(), |name| (*name).to_owned()))
            .collect();
        names.sort();
        names
    }

    pub fn ask(&self, requester: &str, receiver: &str, what: &str, length: &str) -> Ask {
        Ask {
            request: format!("req_{:032x}", 1).parse().unwrap(),
            requester: self.who(requester),
            receiver: self.who(receiver),
            entitlement: self.what(what),
            length: Length::parse(length).unwrap(),
            approvers: BTreeSet::new(),
            emergency: None,
            answers_own_finding: false,
        }
    }
}
