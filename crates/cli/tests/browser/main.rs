//! The pages in Debian's Chromium, driven by Playwright: people ask, decide, find drift and take the
//! proof away, with script and without; and they sign with passkeys. axe looks at every page.
//! `pages.mjs` and `passkeys.mjs` have the steps, `ground.mjs` what they stand on.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../binary/place.rs"]
#[allow(dead_code)] // What only the other tests of the program need.
mod place;

use std::path::{Path, PathBuf};
use std::process::Command;

use place::{Place, Server, example};

/// Where `./test` puts the packages of `package.json`.
fn modules() -> PathBuf {
    let named = std::env::var_os("PLACET_TEST_BROWSER").map(PathBuf::from);
    named.unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
        cache.unwrap_or_else(home).join("placet/browser")
    })
}

/// The company of the example, founded with these settings and by this command, and one script of steps
/// in a browser. Answers where they put what they took away.
fn steps(place: &Place, script: &str, settings: &str, init: &[&str]) -> PathBuf {
    let modules = modules();
    assert!(modules.join("node_modules").is_dir(), "`./test` installs what this needs");
    std::fs::create_dir_all(place.path("placet-data")).unwrap();
    let groups = place.path("placet-data/groups");
    std::fs::write(&groups, "preview-editors:\nsite-admins:\nbuild-log-readers:\n").unwrap();
    std::fs::write(place.path("placet-data/placet.toml"), settings).unwrap();
    let catalogue = example();
    let founding = [&["init", "--catalog", catalogue.to_str().unwrap()], init].concat();
    let founded = place.json("operator", &founding);
    let codes = founded["login_codes"].as_array().unwrap();
    let lena = codes.iter().find(|one| one["person"] == "lena").unwrap();
    let server = Server::start(place);
    let out = std::env::var_os("PLACET_SHOTS").map_or_else(|| place.path("shots"), PathBuf::from);
    std::fs::create_dir_all(&out).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = Command::new("node")
        .arg(here.join("tests/browser").join(script))
        // A passkey is for a host by name.
        .env("BASE", server.url.replace("127.0.0.1", "localhost"))
        .env("CODE", lena["code"].as_str().unwrap())
        .env("GROUPS", &groups)
        .env("OUT", &out)
        .env("MODULES", &modules)
        .env("ASSETS", here.join("../server/assets"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{}", server.log.lock().unwrap());
    out
}

#[test]
fn people_do_their_whole_job_in_a_browser() {
    let place = Place::new();
    let out = steps(&place, "pages.mjs", "observe_seconds = 1\n", &[]);
    // What the auditor took away holds without the server.
    let evidence = out.join("evidence.json");
    let key = place.path("placet-data/log.verifier");
    let verify = ["evidence", "verify", evidence.to_str().unwrap(), "--key", key.to_str().unwrap()];
    place.good("auditor", &verify);
}

/// The shipped policies in a folder, where an owner signs what they agree to.
fn policies_that_want_a_passkey(place: &Place) -> PathBuf {
    let to = place.path("policies");
    for (name, text) in placet_policy::shipped().files {
        let gate = "@id(\"gate.owner\")\n";
        let text = text.replacen(gate, &format!("{gate}@step_up(\"passkey\")\n"), 1);
        let file = to.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    to
}

#[test]
fn people_sign_with_passkeys_in_a_browser() {
    let place = Place::new();
    let policies = policies_that_want_a_passkey(&place);
    // The port is none of a passkey's business, only the host.
    let settings = "observe_seconds = 1\n[passkeys]\norigin = \"http://localhost\"\n";
    steps(&place, "passkeys.mjs", settings, &["--policy", policies.to_str().unwrap()]);
}
