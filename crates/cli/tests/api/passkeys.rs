//! Passkeys through the API, with an authenticator in software: offered, answered for, signed with, and
//! logged in by; and what a hostile one comes to.

#[path = "../../../ledger/tests/ledger/authenticator.rs"]
mod authenticator;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use placet_domain::bundle::Bundle;
use placet_domain::passkey::Challenge;
use serde_json::{Value, json};

use self::authenticator::{Authenticator, Signed};
use crate::world::{Answer, World};

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn device(seed: u8) -> Authenticator {
    Authenticator::new(seed).at("localhost", "http://localhost:7400")
}

/// The shipped policies, where an owner signs what they agree to.
fn signed_by_owners() -> Bundle {
    let mut bundle = placet_policy::shipped();
    let gates = bundle.files.get_mut("policies/gates.cedar").unwrap();
    let gate = "@id(\"gate.owner\")\n";
    assert!(gates.contains(gate));
    *gates = gates.replacen(gate, &format!("{gate}@step_up(\"passkey\")\n"), 1);
    bundle
}

fn challenge(options: &Answer) -> Challenge {
    options.text("/challenge").parse().unwrap()
}

fn handed(of: &Authenticator, signed: &Signed) -> Value {
    json!({
        "credential_id": text(&of.id),
        "authenticator_data": text(&signed.authenticator_data),
        "client_data_json": text(&signed.client_data),
        "signature": text(&signed.signature),
    })
}

async fn offer(world: &World, who: &str, of: &Authenticator) -> Answer {
    offer_called(world, who, of, "my laptop").await
}

/// Makes a passkey and offers it.
pub async fn offer_called(world: &World, who: &str, of: &Authenticator, name: &str) -> Answer {
    let options = world.post(who, "/passkeys/options", json!({})).await.good();
    assert_eq!(options.text("/rp/id"), "localhost");
    assert_eq!(options.text("/authenticatorSelection/userVerification"), "required");
    let (client, object) = of.made(challenge(&options));
    let made = json!({ "client_data_json": text(&client), "attestation_object": text(&object) });
    world.post(who, "/passkeys", json!({ "name": name, "made": made })).await
}

/// The same, and an administrator vouches for it.
async fn enrolled(world: &World, who: &str, of: &Authenticator) -> String {
    let id = offer(world, who, of).await.good().text("/id");
    world.post("ada", &format!("/passkeys/{id}/vouch"), json!({})).await.good();
    id
}

/// Signs what somebody agrees to, with whatever a device says.
async fn sign(world: &World, who: &str, asked: &Answer, of: &Authenticator) -> Answer {
    let (id, digest) = (asked.text("/id"), asked.text("/digest"));
    let to = format!("/requests/{id}/step-up");
    let options = world.post(who, &to, json!({ "digest": digest })).await.good();
    let signed = handed(of, &of.signed(challenge(&options)));
    let body = json!({ "digest": digest, "signed": signed });
    world.post(who, &format!("/requests/{id}/approve"), body).await
}

async fn log_in(world: &World, of: &Authenticator) -> Answer {
    let options = world.post("", "/login/passkey/options", json!({})).await.good();
    assert_eq!(options.body["allowCredentials"], json!([]), "whoever it may be");
    let signed = of.signed(challenge(&options));
    world.post("", "/login/passkey", handed(of, &signed)).await
}

#[tokio::test]
async fn an_owner_signs_and_the_evidence_holds_down_to_the_key() {
    let world = World::ruled_by(signed_by_owners()).await;
    let key = device(1);
    let asked = world.ask("ines", "booking-staging-deploy", "4h").await.good();
    let stage = |answer: &Answer, name: &str| {
        let stages = answer.body["stages"].as_array().unwrap().clone();
        stages.into_iter().find(|one| one["name"] == name).unwrap()
    };
    assert_eq!(stage(&asked, "owner")["step_up"], "passkey");
    assert_eq!(stage(&asked, "manager")["step_up"], Value::Null);
    world.approve("mara", &asked).await.good();
    world.approve("kim", &asked).await.refused("step_up_needed");
    let to = format!("/requests/{}/step-up", asked.text("/id"));
    let digest = json!({ "digest": asked.text("/digest") });
    world.post("kim", &to, digest.clone()).await.refused("no_passkey");

    // What Kim offered is good for nothing until somebody else answers for it.
    let offered = offer(&world, "kim", &key).await.good();
    assert_eq!(
        (offered.text("/state"), offered.text("/name")),
        ("offered".into(), "my laptop".into())
    );
    let vouch = format!("/passkeys/{}/vouch", offered.text("/id"));
    world.post("kim", &to, digest).await.refused("no_passkey");
    assert_eq!(log_in(&world, &key).await.status, 401);
    world.post("kim", &vouch, json!({})).await.refused("vouches_for_themselves");
    world.post("yara", &vouch, json!({})).await.refused("not_permitted");
    world.post("ines-token", &vouch, json!({})).await.refused("needs_session");
    let waiting = world.get("ada", "/passkeys/waiting").await.good();
    assert_eq!(waiting.text("/0/holder/handle"), "kim");
    assert_eq!(world.get("yara", "/passkeys/waiting").await.good().body, json!([]));
    world.post("ada", &vouch, json!({})).await.good();
    world.post("ada", &vouch, json!({})).await.refused("passkey_over");
    let mine = world.get("kim", "/passkeys").await.good();
    assert_eq!(mine.text("/0/vouched_by/handle"), "ada");
    offer(&world, "kim", &key).await.refused("already_registered");

    // Her manager heard that it waited, and she that it counts.
    world.engine.step().await;
    let told = async |who: &str, kind: &str| {
        let notices = world.get(who, "/notices").await.good();
        notices.body.as_array().unwrap().iter().any(|one| one["kind"] == kind)
    };
    assert!(told("mara", "passkey_waits").await && told("kim", "passkey_enrolled").await);
    assert!(!told("yara", "passkey_waits").await);

    // Somebody else's, one that asked nobody, one that another site asked: none of them signs.
    let other = device(2);
    enrolled(&world, "sven", &other).await;
    sign(&world, "kim", &asked, &other).await.refused("passkey_refused");
    sign(&world, "kim", &asked, &device(3)).await.refused("passkey_refused");
    let lax = Authenticator { flags: 1, ..key.clone() };
    sign(&world, "kim", &asked, &lax).await.refused("passkey_refused");
    let lured = key.clone().at("localhost", "https://evil.example");
    sign(&world, "kim", &asked, &lured).await.refused("passkey_refused");

    // What Kim signs for one request is for no other.
    let more = world.ask("tom", "booking-staging-deploy", "2h").await.good();
    let to = format!("/requests/{}/step-up", asked.text("/id"));
    let body = json!({ "digest": asked.text("/digest") });
    let options = world.post("kim", &to, body).await.good();
    let signed = handed(&key, &key.signed(challenge(&options)));
    let approve = |of: &Answer| {
        let body = json!({ "digest": of.text("/digest"), "signed": signed });
        (format!("/requests/{}/approve", of.text("/id")), body)
    };
    let (path, body) = approve(&more);
    world.post("kim", &path, body).await.refused("step_up_over");
    let (path, body) = approve(&asked);
    let done = world.post("kim", &path, body.clone()).await.good();
    assert_eq!(done.text("/state"), "approved");
    let taken_back = format!("/requests/{}/withdraw-approval", more.text("/id"));
    world.post("kim", &taken_back, json!({})).await.refused("no_approval");
    // It is used up, and is for nobody's second try.
    world.post("kim", &path, body).await.refused("step_up_over");
    sign(&world, "kim", &more, &key).await.good();

    world.engine.step().await;
    let shown = world.get("ines", &format!("/requests/{}", asked.text("/id"))).await.good();
    assert_eq!(shown.text("/grant/state"), "active", "{}", shown.body);
    assert!(stage(&shown, "owner")["approved_by"][0]["signed_with"].is_string());
    let evidence = format!("/requests/{}/evidence", asked.text("/id"));
    let bundle = world.raw("ada", "POST", &evidence, Vec::new()).await.good().body.to_string();
    let ledger = world.get("", "/ledger/key").await.good().body.as_str().unwrap().to_owned();
    let verdict = placet_ledger::evidence::verify(&bundle, &ledger.parse().unwrap()).unwrap();
    assert!(verdict.checks.iter().any(|one| one.contains("signed with passkeys")), "{verdict:?}");
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_passkey_opens_a_session_once_and_strangers_learn_nothing() {
    let world = World::new().await;
    let key = device(1);
    let id = enrolled(&world, "kim", &key).await;
    let session = log_in(&world, &key).await.good().text("/secret");
    assert_eq!(world.get(&session, "/me").await.good().text("/who/handle"), "kim");

    // The same bytes open nothing a second time, and nothing tells why something opens nothing.
    let options = world.post("", "/login/passkey/options", json!({})).await.good();
    let signed = handed(&key, &key.signed(challenge(&options)));
    world.post("", "/login/passkey", signed.clone()).await.good();
    world.post("", "/login/passkey", signed).await.refused("login_refused");
    let unknown = log_in(&world, &device(9)).await.refused("login_refused").text("/detail");
    let forged = Authenticator { id: key.id.clone(), ..device(9) };
    assert_eq!(log_in(&world, &forged).await.refused("login_refused").text("/detail"), unknown);
    let lax = Authenticator { flags: 1, ..key.clone() };
    assert_eq!(log_in(&world, &lax).await.refused("login_refused").text("/detail"), unknown);

    // With it, Kim answers for a second one; with the second alone nobody could.
    let second = device(2);
    let offered = offer(&world, "kim", &second).await.good().text("/id");
    let ask = format!("/passkeys/{offered}/options");
    let options = world.post("kim", &ask, json!({})).await.good();
    assert_eq!(options.body["allowCredentials"][0]["id"], text(&key.id));
    let confirm = format!("/passkeys/{offered}/confirm");
    let by = |of: &Authenticator| handed(of, &of.signed(challenge(&options)));
    world.post("kim", &confirm, by(&second)).await.refused("passkey_refused");
    world.post("ines", &confirm, by(&key)).await.refused("unknown_passkey");
    let shown = world.post("kim", &confirm, by(&key)).await.good();
    assert_eq!(
        (shown.text("/state"), shown.text("/confirmed_by")),
        ("enrolled".into(), id.clone())
    );
    log_in(&world, &second).await.good();

    // Revoked, it is good for nothing.
    let revoke = format!("/passkeys/{id}/revoke");
    world.post("yara", &revoke, json!({})).await.refused("not_permitted");
    world.post("kim", &revoke, json!({})).await.good();
    world.post("kim", &revoke, json!({})).await.refused("passkey_over");
    assert_eq!(log_in(&world, &key).await.refused("login_refused").text("/detail"), unknown);
    let nothing = format!("/passkeys/pky_{}/revoke", "0".repeat(32));
    world.post("kim", &nothing, json!({})).await.refused("unknown_passkey");

    // One person has so many and no more; the second one counts, too.
    for seed in 20..29 {
        offer(&world, "kim", &device(seed)).await.good();
    }
    offer(&world, "kim", &device(29)).await.refused("too_many_passkeys");
}

#[tokio::test]
async fn what_was_begun_elsewhere_or_by_another_offers_nothing() {
    let mut world = World::new().await;
    let key = device(1);
    let options = world.post("kim", "/passkeys/options", json!({})).await.good();
    let (client, object) = key.made(challenge(&options));
    let made = json!({ "client_data_json": text(&client), "attestation_object": text(&object) });
    let body = json!({ "name": "x", "made": made });
    world.post("ines", "/passkeys", body.clone()).await.refused("passkey_refused");
    // One try is all that there is.
    world.post("kim", "/passkeys", body).await.refused("passkey_refused");
    let named =
        json!({ "name": " ", "made": { "client_data_json": "e30", "attestation_object": "AA" } });
    world.post("kim", "/passkeys", named).await.refused("passkey_refused");

    // Under another name of the host, old ones open nothing: nobody knows whose the old one is now.
    enrolled(&world, "kim", &key).await;
    let moved = placet_server::Passkeys::new("https://placet.example.org", false).unwrap();
    let logins = placet_server::Logins { passkeys: Some(moved), ..Default::default() };
    world.router = placet_server::router_with(world.engine.clone(), logins);
    log_in(&world, &key).await.refused("login_refused");

    // Where none are set up, there are none.
    world.router = placet_server::router(world.engine.clone());
    world.post("kim", "/passkeys/options", json!({})).await.refused("passkeys_off");
    world.post("", "/login/passkey/options", json!({})).await.refused("passkeys_off");
    assert_eq!(world.get("ines", "/passkeys").await.good().body, json!([]));
}

#[tokio::test]
async fn whoever_fails_too_often_waits_a_minute() {
    let world = World::new().await;
    let made_up = || world.post("", "/login", json!({ "code": "placet_code_made_up" }));
    for _ in 0..20 {
        made_up().await.refused("login_code_spent");
    }
    let answer = made_up().await;
    assert_eq!(answer.status, 429);
    answer.refused("too_many_logins");
    // Whoever is logged in is not held back.
    let code = world.post("ada", "/login-codes", json!({ "person": "kim" })).await.good();
    // Nor does a good code get in by trying along.
    let late = world.post("", "/login", json!({ "code": code.text("/secret") })).await;
    late.refused("too_many_logins");
}
