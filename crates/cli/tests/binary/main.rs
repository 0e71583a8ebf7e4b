//! The program itself, as a new user and an operator run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

mod collect;
mod host;
mod place;

use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use place::{Place, Server, example, texts};

#[test]
fn the_demo_tells_its_story_and_ends_well() {
    let place = Place::new();
    let told = place.good("nobody", &["demo", "--once"]);
    for part in [
        "40 people, 15 workloads, 5 entitlements on 4 targets",
        "simulated: a memory in this process",
        "Ines asks",
        "agrees to four hours, which is another digest",
        "web-groups: booking-deployers: ines",
        "`kim` agrees for `mara`",
        "refused (self_approval)",
        "refused (already_approved)",
        "refused (delegation_without_end)",
        "refused (not_your_half)",
        "Key ID: \"grt_",
        "revocation read back",
        "ines-key-cert.pub): REVOKED",
        "from asking to a token that works, seen on the target",
        "the request behind it: none",
        "emergency  INC-2207 (verified)",
        "warning  The receiver carries a high risk signal.",
        "refused (own_proposal)",
        "refused (helps_own_request)",
        "what he held is gone, and each cites the request behind it",
        "added    gate.staging-write",
        "came out as recorded, 0 otherwise",
        "seen absent",
        "with one entry left out",
        "governed rows are exactly the fold of their events",
    ] {
        let told: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&part), "`{part}` is not told:\n{told}");
    }
}

#[tokio::test]
async fn the_demo_leaves_data_that_verifies_and_shows_every_edit() {
    let place = Place::new();
    let closing = place.json("nobody", &["demo", "--once", "--data", "kept"]);
    let size = closing["ledger"]["size"].as_u64().unwrap();
    let verified = place.json("nobody", &["ledger", "verify", "--state", "--data", "kept/data"]);
    assert_eq!(
        (verified["size"].as_u64(), &verified["root"]),
        (Some(size), &closing["ledger"]["root"])
    );

    let verify = ["evidence", "verify", "kept/evidence.json", "--key", "kept/log.verifier"];
    assert!(place.good("auditor", &verify).contains("Ines Duarte (`ines`) asked for"));
    let text = std::fs::read_to_string(place.path("kept/evidence.json")).unwrap();
    std::fs::write(place.path("kept/evidence.json"), text.replacen("manager", "manicer", 1))
        .unwrap();
    place.bad("auditor", &verify, 4, "does not hold");

    place.good(
        "nobody",
        &["ledger", "export", "--data", "kept/data", "--out", "out", "--key-out", "out.key"],
    );
    let check = ["ledger", "verify-export", "out", "--key", "out.key"];
    assert!(place.good("auditor", &check).contains(&format!("{size} entries")));
    let tile = place.path("out/tile/entries");
    let file = std::fs::read_dir(&tile).unwrap().next().unwrap().unwrap().path();
    let file = if file.is_dir() {
        std::fs::read_dir(file).unwrap().next().unwrap().unwrap().path()
    } else {
        file
    };
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    place.bad("auditor", &check, 4, "does not hold");

    let url = format!("sqlite://{}", place.path("kept/data/placet.db").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("update finding set stands = 'open'").execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    place.bad(
        "nobody",
        &["ledger", "verify", "--state", "--data", "kept/data"],
        4,
        "table `finding`, row `fnd_",
    );
}

/// A notice is tried again for a day; whoever can mend what is wrong should know in a moment.
#[test]
fn what_keeps_a_notice_from_going_out_is_logged_at_once() {
    let place = Place::new();
    let text = std::fs::read_to_string(example()).unwrap();
    let text = text.replace("handle = \"mira\"\n", "handle = \"mira\"\nmail = \"m@example.org\"\n");
    std::fs::write(place.path("catalog.toml"), text).unwrap();
    std::fs::create_dir(place.path("placet-data")).unwrap();
    // Nobody listens there: the port is let go of again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(
        place.path("placet-data/placet.toml"),
        format!(
            "[[notify]]\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\n\
             encryption = \"none\"\nfrom = \"placet@example.org\"\n"
        ),
    )
    .unwrap();
    let founded = place.json("lena", &["init", "--catalog", "catalog.toml"]);
    let codes = founded["login_codes"].as_array().unwrap();
    let lena = codes.iter().find(|one| one["person"] == "lena").unwrap();
    let server = Server::start(&place);
    let at = ["--server", server.url.as_str()];
    let login = ["login", "--code", lena["code"].as_str().unwrap()];
    place.good("lena", &[&at[..], &login].concat());
    let code = place.json("lena", &[&at[..], &["login-code", "jon"]].concat());
    let login = ["login", "--code", code["secret"].as_str().unwrap()];
    place.good("jon", &[&at[..], &login].concat());
    // Mira is asked to agree, as Jon's manager.
    let ask = ["request", "new", "preview-editor", "--length", "1h", "--because", "the new pages"];
    place.good("jon", &[&at[..], &ask].concat());
    let is_told = |_| {
        std::thread::sleep(Duration::from_millis(100));
        let log = server.log.lock().unwrap();
        log.lines().any(|line| {
            line.contains("WARN a notice is tried again") && line.contains("cannot be reached")
        })
    };
    assert!((0..100).any(is_told), "{}", server.log.lock().unwrap());
    let log = server.log.lock().unwrap();
    assert!(!log.contains("m@example.org"), "no personal data: {log}");
}

#[test]
fn two_people_change_the_catalogue_from_a_file() {
    let place = Place::new();
    let founded = place.json("lena", &["init", "--catalog", example().to_str().unwrap()]);
    for (person, one) in ["lena", "oskar"].iter().zip(founded["login_codes"].as_array().unwrap()) {
        place.good(person, &["login", "--code", one["code"].as_str().unwrap()]);
    }
    let told = place.good("lena", &["catalog", "diff", example().to_str().unwrap()]);
    assert!(
        told.contains("nothing would change"),
        "what was founded is what the file says: {told}"
    );
    std::fs::write(
        place.path("more.toml"),
        "[[person]]\nhandle = \"zoe\"\nname = \"Zoe Wolf\"\nmanager = \"lena\"\nteams = [\"staff\"]\nschedule = \"late\"\n",
    )
    .unwrap();
    let told = place.good("lena", &["catalog", "diff", "more.toml"]);
    assert!(told.contains("widens") && told.contains("person `zoe`"), "{told}");
    place.bad("lena", &["catalog", "diff", "nowhere.toml"], 2, "cannot be read");
    let proposed = place.json("lena", &["catalog", "propose", "more.toml"]);
    let id = proposed["proposal"].as_str().unwrap();
    place.bad("lena", &["catalog", "adopt", id], 3, "somebody else must adopt");
    assert!(place.good("oskar", &["catalog", "proposals"]).contains(id));
    assert!(place.good("oskar", &["catalog", "show", id]).contains("Zoe Wolf"));
    place.good("oskar", &["catalog", "adopt", id]);
    assert!(place.good("lena", &["identities", "list"]).contains("zoe"));
    place.bad("lena", &["catalog", "propose", "more.toml"], 3, "says all of this already");
    assert!(place.good("lena", &["catalog", "upkeep"]).contains("reroute"));
    assert!(!place.good("lena", &["catalog", "handovers"]).contains("hnd_"));

    assert!(place.good("lena", &["policy", "replay"]).contains("0 otherwise"));
    place.good("lena", &["policy", "shipped", "--out", "a"]);
    let text = std::fs::read_to_string(place.path("a/policies/gates.cedar")).unwrap();
    place.good("lena", &["policy", "shipped", "--out", "b"]);
    let weaker = text.replacen("approvals.security >= 2", "approvals.security >= 1", 1);
    std::fs::write(place.path("b/policies/gates.cedar"), weaker).unwrap();
    let told = place.good("lena", &["policy", "diff", "a", "b"]);
    assert!(told.contains("changed") && told.contains("security 2"), "{told}");
    assert!(place.good("lena", &["policy", "diff", "a", "a"]).contains("nothing differs"));

    // Both lose their sessions: the key, two names and a reason let them in again, and it is loud.
    let people = ["recover", "--people", "lena", "oskar", "--because", "sessions lost"];
    let one = ["recover", "--people", "lena", "zoe", "--because", "sessions lost"];
    place.bad("operator", &one, 3, "there are active administrators");
    let given = place.json("operator", &people);
    let code = given["login_codes"][0]["code"].as_str().unwrap();
    let output = place.run("lena", &["login", "--code", code]);
    let (out, err) = texts(&output);
    // In the order of their ids, which is nobody's order.
    let told = ["ATTENTION: lena and oskar", "ATTENTION: oskar and lena"];
    assert!(out.contains("lena") && told.iter().any(|one| err.contains(one)), "{out}{err}");
    let (_, err) = texts(&place.run("operator", &["doctor"]));
    assert!(err.contains("sessions lost"), "{err}");
    std::fs::rename(place.path("placet-data/log.key"), place.path("elsewhere")).unwrap();
    place.bad("operator", &people, 2, "the signing key");
}

#[test]
fn a_new_user_gets_from_nothing_to_evidence() {
    let place = Place::new();
    let founded = place.json("ada", &["init", "--catalog", example().to_str().unwrap()]);
    let codes: Vec<(String, String)> = founded["login_codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["person"].as_str().unwrap().to_owned(), one["code"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(codes.len(), 2);
    let (first, code) = &codes[0];
    place.bad(first, &["whoami"], 3, "nobody is known");
    assert!(place.good(first, &["login", "--code", code]).contains(first));
    place.bad("thief", &["login", "--code", code], 3, "login code is not valid");
    place.bad(first, &["init", "--catalog", example().to_str().unwrap()], 3, "registered already");
    assert!(place.good(first, &["identities", "list"]).contains(first));
    assert!(!place.good(first, &["catalog", "list"]).is_empty());
    assert!(place.good(first, &["doctor"]).contains("mode: normal"));
    assert!(place.good(first, &["completions", "bash"]).contains("placet"));
}

#[test]
fn a_server_that_is_killed_loses_nothing_that_it_acknowledged() {
    let place = Place::new();
    let founded = place.json("ada", &["init", "--catalog", example().to_str().unwrap()]);
    let code = founded["login_codes"][0]["code"].as_str().unwrap();
    let person = founded["login_codes"][1]["person"].as_str().unwrap();
    let server = Server::start(&place);
    place.bad(
        "operator",
        &["serve", "--listen", "127.0.0.1:0"],
        3,
        "another `placet` works on this data directory",
    );
    place.bad(
        "operator",
        &["ledger", "verify"],
        3,
        "another `placet` works on this data directory",
    );
    place.good("ada", &["login", "--code", code, "--server", &server.url]);
    let mut issued = Vec::new();
    for _ in 0..20 {
        issued.push(place.json("ada", &["login-code", person, "--server", &server.url]));
    }
    server.kill();
    let verified = place.json("operator", &["ledger", "verify", "--state"]);
    assert_eq!(verified["faults"], Value::Array(Vec::new()));
    let server = Server::start(&place);
    let last = issued.last().unwrap()["secret"].as_str().unwrap();
    assert!(
        place.good("other", &["login", "--code", last, "--server", &server.url]).contains(person)
    );
    place.bad("ada", &["whoami", "--server", "http://127.0.0.1:9"], 5, "no answer");
}

/// Whoever copies `placet.db` when nothing runs has the whole of it.
#[test]
fn what_was_stopped_cleanly_is_one_file() {
    let place = Place::new();
    let carried_over = |after: &str| {
        let left = std::fs::metadata(place.path("placet-data/placet.db-wal"));
        assert_eq!(left.map_or(0, |log| log.len()), 0, "after {after}");
    };
    let founded = place.json("ada", &["init", "--catalog", example().to_str().unwrap()]);
    carried_over("a founding");
    let code = founded["login_codes"][0]["code"].as_str().unwrap();
    let person = founded["login_codes"][1]["person"].as_str().unwrap();
    place.good("ada", &["login", "--code", code]);
    carried_over("a command");
    let code = place.json("ada", &["login-code", person])["secret"].clone();
    place.bad("ada", &["login-code", "nobody"], 3, "`nobody`");
    carried_over("a refusal");
    let server = Server::start(&place);
    place.good("bob", &["login", "--code", code.as_str().unwrap(), "--server", &server.url]);
    let (exit, said) = server.terminate();
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.ends_with("stopped\n"), "{said}");
    carried_over("a server");

    std::fs::create_dir(place.path("copy")).unwrap();
    for name in ["placet.db", "checkpoint", "log.key"] {
        let from = place.path("placet-data").join(name);
        std::fs::copy(from, place.path("copy").join(name)).unwrap();
    }
    let remembered = std::fs::read_to_string(place.path("placet-data/checkpoint")).unwrap();
    let size: u64 = remembered.lines().nth(1).unwrap().parse().unwrap();
    let verified = place.json("ada", &["ledger", "verify", "--state", "--data", "copy"]);
    assert_eq!(verified["faults"], Value::Array(Vec::new()));
    assert_eq!(verified["size"].as_u64(), Some(size), "every entry that is remembered");
}

#[test]
fn a_typo_in_a_file_is_named_with_line_and_nearest_name() {
    let place = Place::new();
    let text = std::fs::read_to_string(example()).unwrap();
    let typo = text.replacen("owner", "ownr", 1);
    assert_ne!(text, typo);
    let line = typo.lines().position(|line| line.contains("ownr")).unwrap() + 1;
    std::fs::write(place.path("catalog.toml"), typo).unwrap();
    place.bad(
        "ada",
        &["init", "--catalog", "catalog.toml"],
        2,
        &format!("catalog.toml:{line}:1: unknown field `ownr`; did you mean `owner`?"),
    );
    assert!(!place.path("placet-data").exists(), "nothing is half-done");

    std::fs::write(
        place.path("catalog.toml"),
        text.replace("administrators = [", "administrators = [\"nobody\", "),
    )
    .unwrap();
    place.bad("ada", &["init", "--catalog", "catalog.toml"], 2, "no identity is called `nobody`");
    place.good("ada", &["init", "--catalog", example().to_str().unwrap()]);

    place.good("ada", &["policy", "shipped", "--out", "bundle"]);
    assert!(place.good("ada", &["policy", "check", "bundle"]).contains("policies, stages"));
    assert!(place.good("ada", &["policy", "test", "bundle"]).contains(" 0 failed"));
    let gates = place.path("bundle/policies/gates.cedar");
    let text = std::fs::read_to_string(&gates).unwrap();
    std::fs::write(&gates, text.replacen("context.approvals.owner", "context.approvals.ownr", 1))
        .unwrap();
    place.bad("ada", &["policy", "check", "bundle"], 4, "policies/gates.cedar:");
}
