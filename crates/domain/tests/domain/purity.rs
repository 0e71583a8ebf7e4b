//! The domain stays pure: nothing in it can wait, look at a clock, draw or touch the world.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|one| one == "rs") {
            out.push(path);
        }
    }
}

/// The program text of a file: no comments, and nothing from its tests on.
fn program(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = |line: &str| line.split("//").next().unwrap().to_owned();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// The names of a section of the manifest.
fn section(manifest: &str, name: &str) -> Vec<String> {
    let after = manifest.split(&format!("\n[{name}]\n")).nth(1).unwrap_or_default();
    after
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_manifest_names_nothing_that_waits_or_draws() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert_eq!(
        section(&manifest, "dependencies"),
        [
            "base64",
            "jiff",
            "serde",
            "serde_json",
            "serde_json_canonicalizer",
            "sha2",
            // Optional: says which form a text has, for whoever describes an API.
            "utoipa",
            "uuid"
        ],
        "a new dependency of the pure rules needs a reason; then add it here"
    );
}

#[test]
fn the_sources_name_nothing_impure() {
    let forbidden = [
        "HashMap",
        "HashSet",
        "SystemTime",
        "Instant",
        "async fn",
        "async move",
        ".await",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "std::io",
        "rand::",
        "getrandom",
        "now_v7",
        "new_v4",
        "Timestamp::now",
        "Zoned::now",
        "thread_local",
        "static mut",
        "tokio",
        "unsafe",
        "println!",
    ];
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 20, "the sources were not found");
    for file in files {
        let text = program(&std::fs::read_to_string(&file).unwrap());
        for word in forbidden {
            assert!(!text.contains(word), "{} names `{word}`", file.display());
        }
    }
}
