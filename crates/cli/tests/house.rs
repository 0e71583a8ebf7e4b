//! The house: which crate may know which, and what is never to be found in a room. Read from the
//! manifests and sources themselves, so that a forbidden arrow fails here even if it compiles.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The allowed edges; everything else fails. `bench`, `sim` and `fuzz` are for development only.
const EDGES: &[(&str, &[&str])] = &[
    ("bench", &["connectors", "domain", "engine", "ledger", "policy", "store"]),
    ("cli", &["domain", "engine", "ledger", "policy", "server"]),
    ("connectors", &["domain", "ledger"]),
    ("domain", &[]),
    ("engine", &["connectors", "domain", "ledger", "policy", "store"]),
    ("fuzz", &["connectors", "domain", "engine", "ledger", "policy", "server", "sim"]),
    ("ledger", &["domain"]),
    ("policy", &["domain"]),
    ("server", &["domain", "engine"]),
    ("sim", &["connectors", "domain", "engine", "ledger", "policy", "store"]),
    ("store", &["domain", "ledger"]),
];

fn crates() -> BTreeMap<String, toml::Table> {
    let mut out = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(path.join("Cargo.toml")).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        out.insert(name, text.parse().unwrap());
    }
    out
}

fn ours(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let section = manifest.get(section).and_then(toml::Value::as_table);
    let names = section.into_iter().flat_map(|table| table.keys());
    names.filter_map(|name| name.strip_prefix("placet-")).map(str::to_owned).collect()
}

fn sources(of: &str) -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join("crates").join(of).join("src"), &mut out);
    out
}

#[test]
fn arrows_point_down() {
    let expected: BTreeMap<String, BTreeSet<String>> = EDGES
        .iter()
        .map(|(name, to)| (name.to_string(), to.iter().map(|one| one.to_string()).collect()))
        .collect();
    let found: BTreeMap<String, BTreeSet<String>> = crates()
        .iter()
        .map(|(name, manifest)| {
            let mut to = ours(manifest, "dependencies");
            to.extend(ours(manifest, "build-dependencies"));
            (name.clone(), to)
        })
        .collect();
    for (name, to) in &found {
        let allowed = expected.get(name).unwrap_or_else(|| panic!("crate `{name}` has no room"));
        assert!(to.is_subset(allowed), "`{name}` knows {:?}", to - allowed);
    }
    assert_eq!(found.len(), expected.len());
}

/// A crate that passes another one on would let its own users see through it.
#[test]
fn nothing_of_ours_is_passed_on() {
    for name in crates().keys() {
        for (path, text) in sources(name) {
            let passed = text.lines().find(|line| line.trim_start().starts_with("pub use placet_"));
            assert_eq!(passed, None, "{}", path.display());
        }
    }
}

/// What only one crate may know, by the name of the library.
#[test]
fn one_crate_knows_each_thing() {
    let only = [
        ("cedar-policy", "policy"),
        // The store alone knows the SQL of Placet's own database; connectors to databases speak SQL to
        // targets, never to Placet's own. `bench` measures a database with nothing in it.
        ("sqlx", "store connectors bench"),
        ("tlog_tiles", "ledger"),
        ("signed_note", "ledger"),
        // `fuzz` posts hostile bodies to the router itself, and `bench` measures a server of nothing.
        ("axum", "server cli fuzz bench"),
        ("clap", "cli"),
        ("openidconnect", "server"),
    ];
    for (library, owners) in only {
        for (name, manifest) in crates() {
            let knows = manifest
                .get("dependencies")
                .and_then(toml::Value::as_table)
                .is_some_and(|table| table.contains_key(library));
            let owner = owners.split(' ').any(|owner| owner == name);
            assert!(!knows || owner, "`{name}` depends on `{library}`, which is {owners}'s");
        }
    }
}

#[test]
fn every_file_says_what_belongs_there() {
    for name in crates().keys() {
        for (path, text) in sources(name) {
            assert!(text.starts_with("//!"), "{} does not say what belongs there", path.display());
        }
    }
}

/// Every crate is held to the workspace's lints, and none reads the clock by itself.
#[test]
fn lints_hold_everywhere() {
    for (name, manifest) in crates() {
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints.and_then(toml::Value::as_bool), Some(true), "{name}");
    }
    let clippy = std::fs::read_to_string(root().join("clippy.toml")).unwrap();
    assert!(clippy.contains("std::time::SystemTime::now"));
}

/// No path of a machine and no secret's printing: `Debug` of what must not be seen is written by
/// hand.
#[test]
fn secrets_have_hand_written_debug() {
    let check = |of: &str, file: &str, name: &str| {
        let text =
            std::fs::read_to_string(root().join("crates").join(of).join("src").join(file)).unwrap();
        let at = text.find(&format!("pub struct {name}")).unwrap();
        let before = text[..at]
            .lines()
            .rev()
            .take_while(|line| line.starts_with('#') || line.starts_with("///"));
        assert!(!before.collect::<String>().contains("Debug"), "{name} derives Debug");
        assert!(text.contains(&format!("impl fmt::Debug for {name}")), "{name}");
    };
    check("engine", "secret.rs", "Secret");
    check("server", "oidc/mod.rs", "ProviderSecret");
    check("connectors", "receivers/webhook.rs", "SigningSecret");
    check("connectors", "receivers/smtp/mod.rs", "SmtpSettings");
    check("ledger", "key.rs", "LogKey");
    check("domain", "committed.rs", "Disclosure");
}

/// A library that logs what it sends would log a password.
#[test]
fn the_library_for_mail_logs_nothing() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let workspace: toml::Table = text.parse().unwrap();
    let lettre = &workspace["workspace"]["dependencies"]["lettre"];
    assert_eq!(lettre["default-features"].as_bool(), Some(false));
    let features = lettre["features"].as_array().unwrap();
    assert!(features.iter().all(|one| one.as_str() != Some("tracing")), "{features:?}");
}
