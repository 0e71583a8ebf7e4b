//! A program that is not ours reads the OpenAPI document, calls a real server with what it says and
//! with what it forbids, and holds every answer against it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

#[path = "../binary/place.rs"]
#[allow(dead_code)] // It is shared with tests that do more.
mod place;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::place::{Place, Server, example, texts};

/// How long it calls, in seconds.
const SECONDS: &str = "45";

/// The interpreter of `PLACET_TEST_PYTHON`, or of the one that `./test` makes; its programs lie beside it.
fn program() -> PathBuf {
    let named = std::env::var_os("PLACET_TEST_PYTHON").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let usual = || cache.or_else(home).unwrap().join("placet/venv/bin/python3");
    let found = named.unwrap_or_else(usual).with_file_name("schemathesis");
    assert!(
        found.exists(),
        "{} is not there: run `./test` once, or\n  python3 -m venv ~/.cache/placet/venv && \
         ~/.cache/placet/venv/bin/pip install schemathesis==4.32.5",
        found.display()
    );
    found
}

fn call(url: &str, secret: &str, method: &str, path: &str, body: &Value) -> Value {
    let place = url.strip_prefix("http://").unwrap();
    let body = body.to_string();
    let mut stream = TcpStream::connect(place).unwrap();
    write!(
        stream,
        "{method} /api/v1{path} HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n\
         authorization: Bearer {secret}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 ") || head.contains(" 201 "), "{path}: {answer}");
    serde_json::from_str(body).unwrap()
}

#[test]
fn the_server_keeps_what_the_document_promises() {
    let place = Place::new();
    let catalogue = example().display().to_string();
    let founded = place.json("ada", &["init", "--catalog", &catalogue]);
    let server = Server::start(&place);
    let code = json!({ "code": founded["login_codes"][0]["code"] });
    let handed = call(&server.url, "", "POST", "/login", &code);
    let secret = handed["secret"].as_str().unwrap();
    let document = call(&server.url, "", "GET", "/openapi.json", &Value::Null);
    std::fs::write(place.path("openapi.json"), document.to_string()).unwrap();
    let mut run = Command::new(program());
    run.current_dir(place.dir.path())
        .arg("--config-file")
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis/schemathesis.toml"))
        .args(["run", "openapi.json", "--url", &format!("{}/api/v1", server.url)])
        .args(["--header", &format!("Authorization: Bearer {secret}")])
        .args(["--checks", "all", "--phases", "coverage,fuzzing"])
        .args(["--seed", "7", "--max-examples", "8", "--max-time", SECONDS])
        .args(["--continue-on-failure", "--no-color"]);
    // What can end the session in which everything is called: logging out, ending it by its id, and
    // saying of everybody that they have left, which a whole catalogue with nobody in it does as well.
    for ends in [
        "post_logout",
        "post_sessions_id_end",
        "post_identities_handle_deactivate",
        "post_catalogue_proposals",
    ] {
        run.args(["--exclude-operation-id", ends]);
    }
    // An answer that goes on for as long as somebody listens.
    run.args(["--exclude-operation-id", "get_changes"]);
    let output = run.output().unwrap();
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}{err}");
    // It was known until the end, and nothing broke that nobody looked at.
    call(&server.url, secret, "GET", "/me", &Value::Null);
    let log = server.log.lock().unwrap().clone();
    assert!(!log.contains("panicked") && !log.contains("a request failed"), "{log}");
}
