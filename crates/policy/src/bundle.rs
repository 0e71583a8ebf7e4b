//! Bundles as files: the one that ships with Placet, and which files a bundle may hold at all.

use placet_domain::bundle::Bundle;

use crate::problem::{Problem, Source, nearest};

pub(crate) const SCHEMA: &str = "schema.cedarschema";
/// Holds the permits on `grant`.
pub(crate) const GATES: &str = "policies/gates.cedar";
/// Holds the permits on `grant_preapproved`.
pub(crate) const PREAPPROVED: &str = "policies/preapproved.cedar";
/// Holds the permits on `break_glass`.
pub(crate) const EMERGENCIES: &str = "policies/break_glass.cedar";
const README: &str = "README.md";

macro_rules! files {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!("../../../policies/", $path)))),*]
    };
}

const SHIPPED: &[(&str, &str)] = files! {
    "README.md"
    "policies/administration.cedar"
    "policies/approve.cedar"
    "policies/ask.cedar"
    "policies/break_glass.cedar"
    "policies/gates.cedar"
    "policies/guardrails.cedar"
    "policies/preapproved.cedar"
    "policies/reading.cedar"
    "schema.cedarschema"
    "tests/administration.toml"
    "tests/company.toml"
    "tests/emergencies.toml"
    "tests/guardrails.toml"
    "tests/routes.toml"
};

/// The bundle that ships with Placet and rules a new organisation.
pub fn shipped() -> Bundle {
    let files = SHIPPED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Bundle { files: files.collect() }
}

/// The files of one kind, by path.
pub(crate) fn files<'a>(
    bundle: &'a Bundle,
    folder: &'static str,
    extension: &'static str,
) -> impl Iterator<Item = Source<'a>> {
    bundle
        .files
        .iter()
        .filter(move |(path, _)| is_in(path, folder, extension))
        .map(|(file, text)| Source { file, text })
}

pub(crate) fn policy_files(bundle: &Bundle) -> impl Iterator<Item = Source<'_>> {
    files(bundle, "policies", ".cedar")
}

pub(crate) fn test_files(bundle: &Bundle) -> impl Iterator<Item = Source<'_>> {
    files(bundle, "tests", ".toml")
}

fn is_in(path: &str, folder: &str, extension: &str) -> bool {
    path.strip_prefix(folder)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|name| name.strip_suffix(extension))
        .is_some_and(|stem| !stem.is_empty() && !stem.contains(['/', '\\', '.']))
}

/// A closed list: a file that nothing reads would be digested, adopted and believed in.
pub(crate) fn unknown_files(bundle: &Bundle) -> Vec<Problem> {
    let known = |path: &str| {
        path == SCHEMA
            || path == README
            || is_in(path, "policies", ".cedar")
            || is_in(path, "tests", ".toml")
    };
    let mut problems = Vec::new();
    for path in bundle.files.keys().filter(|path| !known(path)) {
        let message = format!(
            "nothing reads this file: a bundle holds `{SCHEMA}`, `policies/<name>.cedar`, \
             `tests/<name>.toml` and `{README}`"
        );
        let place = Source { file: path, text: "" };
        problems.push(place.at(0, message).with_hint(nearest(path, [SCHEMA, README])));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::Path;

    fn read(folder: &Path, under: &str, into: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{under}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                read(&entry.path(), &format!("{path}/"), into);
            } else {
                into.insert(path, std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }

    #[test]
    fn what_is_shipped_is_what_stands_on_disk() {
        let mut on_disk = BTreeMap::new();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies");
        read(Path::new(folder), "", &mut on_disk);
        assert_eq!(shipped().files, on_disk);
    }

    #[test]
    fn unknown_files_are_problems() {
        let check = |path: &str, expect: Option<&str>| {
            let files = BTreeMap::from([(path.to_owned(), String::new())]);
            let problems = unknown_files(&Bundle { files });
            let hint = problems.first().map(|one| one.hint.clone().unwrap_or_default());
            assert_eq!(hint.as_deref(), expect, "{path}");
        };
        check("schema.cedarschema", None);
        check("policies/more.cedar", None);
        check("tests/more.toml", None);
        check("schema.cedarshema", Some("schema.cedarschema"));
        check("policies/more.cedar.bak", Some(""));
        check("policies/deep/more.cedar", Some(""));
        check("../policies/more.cedar", Some(""));
        check("policies/.cedar", Some(""));
        check("more.cedar", Some(""));
    }
}
