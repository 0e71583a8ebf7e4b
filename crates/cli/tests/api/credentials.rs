//! Credentials through the door: collected by their receivers, and issued within a moment.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use placet_domain::canonical::Digest;
use placet_engine::commands::found::{Catalogue, TargetLine};
use serde_json::{Value, json};

use crate::world::{Answer, World};

/// The company, a registry that takes tokens, and a bastion that trusts an SSH CA.
async fn issuing() -> World {
    World::with(|catalogue, dir| {
        std::fs::write(dir.join("tokens"), "# who may pull\n").unwrap();
        ssh_keygen(dir, &["-q", "-t", "ed25519", "-N", "", "-f", "ca"]);
        let file = |name: &str| dir.join(name).display().to_string();
        let ca = [("key", file("ca")), ("krl", file("krl")), ("hosts", file("host-krl"))];
        add(catalogue, "registry", "token-file", "pull", &[("path", file("tokens"))]);
        add(catalogue, "bastion", "ssh-ca", "ops", &ca);
        add(catalogue, "database", "simulated", "app", &[("issues", "login".to_owned())]);
    })
    .await
}

/// A target with one entitlement that is pre-approved as the logs are.
fn add(of: &mut Catalogue, name: &str, connector: &str, native: &str, set: &[(&str, String)]) {
    let logs = of.entitlement.iter().find(|one| one.name.to_string() == "build-logs").unwrap();
    let mut entitlement = logs.clone();
    entitlement.name = format!("{name}-{native}").parse().unwrap();
    entitlement.target = name.parse().unwrap();
    entitlement.native = Some(native.parse().unwrap());
    of.entitlement.push(entitlement);
    of.target.push(TargetLine {
        name: name.parse().unwrap(),
        owner: "tom".parse().unwrap(),
        connector: connector.parse().unwrap(),
        settings: set.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        retired: false,
    });
}

fn ssh_keygen(dir: &Path, args: &[&str]) {
    let done = Command::new("ssh-keygen").current_dir(dir).args(args).output();
    let done = done.expect("this test needs ssh-keygen: apt-get install openssh-client");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A key of this name, and the grant signed with it.
fn key(world: &World, name: &str, grant: &str) -> Value {
    let dir = world.dir.path();
    if !dir.join(name).exists() {
        ssh_keygen(dir, &["-q", "-t", "ed25519", "-N", "", "-f", name]);
    }
    std::fs::write(dir.join("message"), grant).unwrap();
    let _ = std::fs::remove_file(dir.join("message.sig"));
    ssh_keygen(dir, &["-Y", "sign", "-q", "-f", name, "-n", "placet-collect", "message"]);
    let text = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    json!({ "ssh_key": text(&format!("{name}.pub")), "signature": text("message.sig") })
}

fn token(text: &str) -> Value {
    json!({ "token_sha256": Digest::of(text.as_bytes()) })
}

impl World {
    async fn granted(&self, who: &str, what: &str) -> String {
        self.ask(who, what, "1h").await.good().text("/grant/id")
    }

    async fn collect(&self, who: &str, grant: &str, half: Value) -> Answer {
        self.post(who, &format!("/grants/{grant}/collect"), half).await
    }
}

#[tokio::test]
async fn bad_collections_get_a_refusal() {
    let world = issuing().await;
    let plain = world.granted("ines", "build-logs").await;
    world.collect("ines", &plain, token("a")).await.refused("nothing_to_collect");
    let grant = world.granted("timetable-ci", "registry-pull").await;
    let waiting = world.get("timetable-ci", &format!("/grants/{grant}")).await.good();
    assert_eq!(waiting.text("/collect/half"), "token_digest");
    world.collect("ines", &grant, token("a")).await.refused("not_yours");
    world.collect("booking-api", &grant, token("a")).await.refused("not_yours");
    world.collect("", &grant, token("a")).await.refused("not_authenticated");
    world.collect("timetable-ci", &grant, json!({})).await.refused("unfit_half");
    world.collect("timetable-ci", &grant, json!({ "token": "a" })).await.refused("unreadable");
    world.collect("timetable-ci", &grant, token("")).await.refused("unfit_half");
    // The one who owns the pipeline may.
    world.collect("mara", &grant, token("a")).await.good();
    world.collect("timetable-ci", &grant, token("b")).await.refused("already_collected");
    let other = world.granted("ines", "registry-pull").await;
    world.collect("ines", &other, token("a")).await.refused("not_your_half");

    let grant = world.granted("ines", "bastion-ops").await;
    let mut half = key(&world, "tom-key", &grant);
    half["ssh_key"] = key(&world, "ines-key", &grant)["ssh_key"].clone();
    world.collect("ines", &grant, half).await.refused("not_your_half");
    let signed_for_another = key(&world, "ines-key", &other);
    world.collect("ines", &grant, signed_for_another).await.refused("not_your_half");
    world.collect("ines", &grant, key(&world, "ines-key", &grant)).await.good();
    // A key that somebody else had certified, even with its private half in hand.
    let toms = world.granted("tom", "bastion-ops").await;
    world.collect("tom", &toms, key(&world, "ines-key", &toms)).await.refused("not_your_half");
    // Her own key serves her again.
    let second = world.granted("ines", "bastion-ops").await;
    world.collect("ines", &second, key(&world, "ines-key", &second)).await.good();
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

/// The verifier of a password: that of RFC 7677, with a stored key of its own.
fn login(stored: &[u8]) -> Value {
    use base64::Engine as _;
    let stored = base64::prelude::BASE64_STANDARD.encode(Digest::of(stored).as_bytes());
    let server = "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    let verifier = format!("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${stored}:{server}");
    json!({ "scram_verifier": verifier })
}

#[tokio::test]
async fn a_login_is_collected_by_a_verifier_once() {
    let world = issuing().await;
    let grant = world.granted("ines", "database-app").await;
    let waiting = world.get("ines", &format!("/grants/{grant}")).await.good();
    assert_eq!(waiting.text("/collect/half"), "scram_sha256");
    world.collect("ines", &grant, token("a")).await.refused("unfit_half");
    let plain = json!({ "scram_verifier": "a password" });
    world.collect("ines", &grant, plain).await.refused("unfit_half");
    world.collect("ines", &grant, login(b"one")).await.good();
    world.engine.step().await;
    let shown = world.get("ines", &format!("/grants/{grant}")).await.good();
    assert_eq!(shown.text("/state"), "active");
    assert!(shown.text("/collected").starts_with("scram:"));
    assert!(!shown.body.to_string().contains("SCRAM-SHA-256"), "a digest of it is enough");
    // A password was drawn for one grant.
    let again = world.granted("ines", "database-app").await;
    world.collect("ines", &again, login(b"one")).await.refused("not_your_half");
    world.collect("ines", &again, login(b"two")).await.good();
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_certificate_is_issued_read_back_and_over() {
    let world = issuing().await;
    assert!(world.dir.path().join("krl").exists(), "an empty list from the beginning");
    let grant = world.granted("ines", "bastion-ops").await;
    let half = key(&world, "ines-key", &grant);
    assert_eq!(world.collect("ines", &grant, half).await.good().text("/state"), "approved");
    world.engine.step().await;
    let path = format!("/grants/{grant}");
    let shown = world.get("ines", &path).await.good();
    assert_eq!(shown.text("/state"), "issued");
    assert!(shown.text("/certificate").starts_with("ssh-ed25519-cert-v01@openssh.com "));
    world.get("sven", &path).await.refused("unknown_grant");

    world.post("ines", &format!("{path}/give-back"), json!({})).await.good();
    world.engine.step().await;
    let ending = world.get("ines", &path).await.good();
    assert_eq!(ending.text("/state"), "ending", "no host shows it yet");
    assert!(ending.text("/trouble").contains("host-krl"), "{}", ending.body);
    std::fs::copy(world.dir.path().join("krl"), world.dir.path().join("host-krl")).unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    world.engine.step().await;
    let over = world.get("ines", &path).await.good();
    assert_eq!(over.text("/gone"), "revocation read back from 1 host", "{}", over.body);
    let evidence = world.post("nora", &format!("{path}/evidence"), json!({})).await.good().body;
    let key = world.engine.verifier_key().parse().unwrap();
    placet_ledger::evidence::verify(&evidence.to_string(), &key).unwrap();
}

/// Over HTTP, from the ask of a pipeline to its token in the file that the service reads.
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, clippy::disallowed_methods)] // It measures, and says what.
async fn a_pipeline_has_its_access_within_a_moment() {
    let world = issuing().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let engine = world.engine.clone();
    let workers = tokio::spawn(async move {
        engine.work_until(async { stopped.await.unwrap_or_default() }).await;
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, world.router.clone()).into_future());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let secret = world.secret("timetable-ci");
    let post = async |path: &str, body: Value| -> Value {
        let call = client.post(format!("{base}{path}")).bearer_auth(&secret).json(&body);
        call.send().await.unwrap().json().await.unwrap()
    };
    let mut times = Vec::new();
    for round in 0..5 {
        let begun = Instant::now();
        let ask = json!({ "entitlement": "registry-pull", "length": "1h", "justification": "the build pulls images" });
        let asked = post("/requests", ask).await;
        let grant = asked["grant"]["id"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned();
        let drawn = format!("drawn in round {round}");
        let collected = post(&format!("/grants/{grant}/collect"), token(&drawn)).await;
        let took = begun.elapsed();
        assert_eq!(collected["state"], "active", "{collected}");
        let file = std::fs::read_to_string(world.dir.path().join("tokens")).unwrap();
        assert!(file.contains(&format!("sha256:{} pull", Digest::of(drawn.as_bytes()))), "{file}");
        times.push(took.as_millis());
    }
    println!("from POST /requests to the token in the file: {times:?} ms");
    assert!(times.iter().all(|ms| *ms < 5_000), "{times:?}");
    server.abort();
    let _ = stop.send(());
    workers.await.unwrap();
}
