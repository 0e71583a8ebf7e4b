//! Policies with the place where they stand: reading a bundle's files, and Cedar's own validation.

use std::collections::BTreeSet;

use cedar_policy::{
    ActionConstraint, EntityUid, Policy, PolicyId, PolicySet, ValidationError, ValidationMode,
    Validator,
};
use placet_domain::bundle::Bundle;
use serde_json::Value;

use crate::bundle::policy_files;
use crate::problem::{Problem, Source};
use crate::schema;

/// How far policies may look from the request: to the receiver, and to the receiver's manager.
/// It is what bounds the slice.
const LEVEL: u32 = 2;

/// A policy with the place where it stands.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub source: Source<'a>,
    /// Where in the file: from its first annotation to its `;`.
    pub offset: usize,
    pub length: usize,
    pub policy: Policy,
    /// The policy in Cedar's JSON form.
    pub json: Value,
}

impl Placed<'_> {
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.policy.annotation(key).map(str::trim).filter(|text| !text.is_empty())
    }

    pub fn id(&self) -> &str {
        self.annotation("id").unwrap_or_default()
    }

    pub fn problem(&self, message: String) -> Problem {
        self.source.at(self.offset, message)
    }

    /// True if the problem stands in this policy.
    pub fn has(&self, problem: &Problem) -> bool {
        let lines = [self.offset, self.offset + self.length].map(|at| self.source.at(at, "").line);
        let [first, last] = lines;
        problem.file == self.source.file && (first..=last).contains(&problem.line)
    }

    /// A problem at a word inside the policy.
    pub fn problem_at(&self, needle: &str, message: String) -> Problem {
        self.source.at_word(self.offset..self.offset + self.length, needle, message)
    }
}

/// The policies of a bundle, each named by its `@id`, read file by file so that every problem stands
/// in the file and line of its policy.
pub(crate) fn parse(bundle: &Bundle) -> (Vec<Placed<'_>>, Vec<Problem>) {
    let (mut placed, mut problems) = (Vec::new(), Vec::new());
    for source in policy_files(bundle) {
        match source.text.parse::<PolicySet>() {
            Ok(set) => {
                for template in set.templates() {
                    let offset = AsRef::<_>::as_ref(template).loc().map_or(0, |loc| loc.start());
                    let message = "templates are not read: write the policy out".to_owned();
                    problems.push(source.at(offset, message));
                }
                for policy in set.policies() {
                    match place(source, policy) {
                        Ok(one) => placed.push(one),
                        Err(problem) => problems.push(problem),
                    }
                }
            }
            Err(errors) => {
                problems.extend(errors.iter().map(|error| source.diagnosed(error, 0)));
            }
        }
    }
    placed.sort_by(|a, b| (a.source.file, a.offset).cmp(&(b.source.file, b.offset)));
    (placed, problems)
}

fn place<'a>(source: Source<'a>, policy: &Policy) -> Result<Placed<'a>, Problem> {
    let span = AsRef::<_>::as_ref(policy).loc().map_or(0..0, |loc| loc.start()..loc.end());
    let json = policy.to_json().map_err(|e| source.at(span.start, e.to_string()))?;
    let id = policy.annotation("id").unwrap_or_default().trim();
    let policy = if id.is_empty() { policy.clone() } else { policy.new_id(PolicyId::new(id)) };
    Ok(Placed { source, offset: span.start, length: span.len(), policy, json })
}

/// Cedar's own validation: strict, to the level that bounds the slice, and warnings count.
pub(crate) fn validate(placed: &[Placed<'_>], read: &schema::Read) -> Vec<Problem> {
    let validator = Validator::new(read.schema.clone());
    let mut problems = Vec::new();
    // One by one, so that two policies of the same name are both validated.
    for one in placed {
        let Ok(set) = PolicySet::from_policies([one.policy.clone()]) else { continue };
        let found = validator.validate_with_level(&set, ValidationMode::Strict, LEVEL);
        // A misspelt action makes a policy impossible and inapplicable as well; one word is enough.
        let errors: Vec<_> = found.validation_errors().collect();
        let inapplicable =
            |e: &ValidationError| matches!(e, ValidationError::InvalidActionApplication(_));
        let causes = errors.iter().filter(|e| errors.len() == 1 || !inapplicable(e));
        problems.extend(causes.map(|error| one.source.diagnosed(*error, one.offset)));
        if errors.is_empty() {
            let warnings = found.validation_warnings();
            problems.extend(warnings.map(|warning| one.source.diagnosed(warning, one.offset)));
        }
    }
    problems
}

/// The actions that a policy can apply to.
pub(crate) fn covered(policy: &Policy, read: &schema::Read) -> BTreeSet<String> {
    let group = |uid: &EntityUid| {
        let name: &str = uid.id().as_ref();
        read.groups.get(name).cloned().unwrap_or_default()
    };
    match policy.action_constraint() {
        ActionConstraint::Any => read.groups.values().flatten().cloned().collect(),
        ActionConstraint::Eq(uid) => {
            let name: &str = uid.id().as_ref();
            BTreeSet::from([name.to_owned()])
        }
        ActionConstraint::In(uids) => uids.iter().flat_map(group).collect(),
    }
}
