//! What bad input gets: a refusal with code, sentence and next step, and nothing half-done. The
//! list of codes is held against the catalogue: each is provoked here, or in the named test.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::bundle::Bundle;
use placet_engine::Engine;
use serde_json::{Value, json};

use crate::world::{World, catalogue, place};

/// Refusals that need a world that the API cannot make, and the test that provokes each.
const ELSEWHERE: &[(&str, &str)] = &[
    ("login_unknown", "logins_are_access_policy"),
    ("login_refused", "a_token_that_does_not_hold_lets_nobody_in"),
    ("login_provider_down", "a_provider_that_is_down_or_lies_about_itself_lets_nobody_in"),
    ("too_many_logins", "whoever_fails_too_often_waits_a_minute"),
    ("passkeys_off", "what_was_begun_elsewhere_or_by_another_offers_nothing"),
    ("unknown_passkey", "a_passkey_opens_a_session_once_and_strangers_learn_nothing"),
    ("passkey_over", "a_passkey_opens_a_session_once_and_strangers_learn_nothing"),
    ("too_many_passkeys", "a_passkey_opens_a_session_once_and_strangers_learn_nothing"),
    ("vouches_for_themselves", "an_owner_signs_and_the_evidence_holds_down_to_the_key"),
    ("no_passkey", "an_owner_signs_and_the_evidence_holds_down_to_the_key"),
    ("step_up_needed", "an_owner_signs_and_the_evidence_holds_down_to_the_key"),
    ("step_up_over", "an_owner_signs_and_the_evidence_holds_down_to_the_key"),
    ("passkey_refused", "an_owner_signs_and_the_evidence_holds_down_to_the_key"),
    ("no_login_provider", "a_provider_that_is_down_or_lies_about_itself_lets_nobody_in"),
    ("unknown_target", "an_entitlement_has_a_living_owner_and_a_target_and_ends_once"),
    ("policy_failed", "a_lost_policy_grants_nothing_and_ends_everything_due"),
    ("power_pre_approved", "every_ask_is_accepted_or_refused_in_words"),
    ("terms_changed", "every_ask_is_accepted_or_refused_in_words"),
    ("approval_lapsed", "every_step_of_a_grant_follows_or_is_refused_in_words"),
    ("not_assented", "an_edited_row_is_named_and_gives_no_access"),
    ("binding_busy", "every_step_of_a_grant_follows_or_is_refused_in_words"),
    ("nothing_to_collect", "bad_collections_get_a_refusal"),
    ("already_collected", "bad_collections_get_a_refusal"),
    ("unfit_half", "bad_collections_get_a_refusal"),
    ("not_your_half", "bad_collections_get_a_refusal"),
    ("approver_carries_out", "one_carries_out_and_another_confirms"),
    ("wrong_step", "every_step_of_a_grant_follows_or_is_refused_in_words"),
    ("unknown_finding", "a_finding_is_opened_once_answered_and_resolved_once"),
    ("not_acceptable", "a_finding_is_opened_once_answered_and_resolved_once"),
    ("nothing_to_remove", "a_finding_is_opened_once_answered_and_resolved_once"),
    ("reviews_own_approval", "an_emergency_owes_a_review_by_somebody_who_had_no_part_in_it"),
    (
        "unknown_incident",
        "an_incident_that_the_source_does_not_know_is_refused_and_a_lost_source_stops_nobody",
    ),
    ("ownership_open", "what_nobody_answers_for_is_not_extended"),
    ("answer_not_kept", "a_key_goes_with_the_commit_or_not_at_all"),
    ("stale_facts", "facts_that_never_hold_still_are_told_after_three_tries"),
    ("ending_only", "a_rolled_back_database_ends_access_and_begins_none"),
    ("clock_behind", "a_clock_that_was_set_back_begins_nothing_and_ends_what_is_due"),
    ("storage_full", "a_full_disk_refuses_the_new_and_ends_the_due"),
    ("evidence_incomplete", "no_entry_can_be_left_out_moved_or_doubled"),
];

pub struct Provoked(BTreeSet<String>);

impl Provoked {
    #[track_caller]
    pub fn check(&mut self, answer: crate::world::Answer, code: &str) {
        answer.refused(code);
        self.0.insert(code.to_owned());
    }

    pub fn name(&mut self, code: &str) {
        self.0.insert(code.to_owned());
    }
}

#[tokio::test]
async fn bad_input_gets_a_refusal_and_changes_nothing() {
    let world = World::new().await;
    let mut seen = Provoked(BTreeSet::new());
    let before = world.engine.verify_ledger(false).await.unwrap().size;
    unreadable(&world, &mut seen).await;
    asking(&world, &mut seen).await;
    strangers(&world, &mut seen).await;
    bundles_refused(&world, &mut seen).await;
    assert_eq!(world.engine.verify_ledger(true).await.unwrap().size, before, "nothing half-done");

    deciding(&world, &mut seen).await;
    ending(&world, &mut seen).await;
    bundles(&world, &mut seen).await;
    leaving(&world, &mut seen).await;
    crate::lasting::refusals(&mut seen).await;
    crate::by_hand::refusals(&mut seen).await;
    crate::catalogue::refusals(&mut seen).await;
    crate::conditions::refusals(&mut seen).await;
    crate::changes::refusals(&mut seen).await;
    crate::recover::refusals(&mut seen).await;
    founding(&mut seen).await;
    let report = world.engine.verify_ledger(true).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());

    let sources = sources();
    let mut missing = Vec::new();
    for code in Refusal::CODES {
        let elsewhere = ELSEWHERE.iter().find(|(other, _)| other == code);
        match (seen.0.contains(*code), elsewhere) {
            (true, None) => {}
            (true, Some(_)) => panic!("`{code}` is provoked here: take it out of ELSEWHERE"),
            (false, None) => missing.push(*code),
            (false, Some((_, test))) => {
                assert!(sources.contains(&format!("fn {test}(")), "`{test}` is no test");
                assert!(sources.contains(&format!("{code}\"")), "no test names `{code}`");
            }
        }
    }
    assert!(missing.is_empty(), "provoked by no test: {missing:?}");
}

/// The text of every test in the workspace.
fn sources() -> String {
    fn walk(dir: &std::path::Path, out: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                out.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut out = String::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut out);
    out
}

fn ask(entitlement: &str, length: &str, justification: &str) -> Value {
    json!({ "entitlement": entitlement, "length": length, "justification": justification })
}

const WHY: &str = "the test of the day needs it";

async fn unreadable(world: &World, seen: &mut Provoked) {
    for (length, code) in [
        ("", "length_unreadable"),
        ("soon", "length_unreadable"),
        ("4", "length_unreadable"),
        ("1 month", "length_unreadable"),
        ("0s", "length_out_of_range"),
        ("-1h", "length_out_of_range"),
        ("forever", "length_out_of_range"),
        ("500d", "length_out_of_range"),
    ] {
        seen.check(world.post("ines", "/requests", ask("build-logs", length, WHY)).await, code);
    }
    let long = "x".repeat(3_000);
    seen.check(
        world.post("ines", "/requests", ask("build-logs", "1h", "  ")).await,
        "empty_justification",
    );
    seen.check(
        world.post("ines", "/requests", ask("build-logs", "1h", &long)).await,
        "text_too_long",
    );
    let mut some_day = ask("build-logs", "1h", WHY);
    some_day["starts_at"] = json!("tomorrow");
    seen.check(world.post("ines", "/requests", some_day).await, "moment_unreadable");
    for body in [&b"{"[..], b"[]", b"{\"entitlement\": 7}", b"{\"length\": \"1h\"}", b"\xff\xfe"] {
        seen.check(world.raw("ines", "POST", "/requests", body.to_vec()).await, "unreadable");
    }
    let unknown_key = json!({ "entitlement": "build-logs", "length": "1h", "justification": WHY, "actor": "tom" });
    seen.check(world.post("ines", "/requests", unknown_key).await, "unreadable");
    seen.check(world.get("ines", "/requests/not-an-id").await, "unreadable");
    seen.check(world.get("ines", "/requests?limit=many").await, "unreadable");
    seen.check(world.get("ines", "/requests?everything=1").await, "unreadable");
    seen.check(world.raw("ines", "POST", "/requests", vec![b' '; 2 << 20]).await, "text_too_long");
    assert_eq!(world.get("ines", "/nowhere").await.code(), "no_such_route");
    assert_eq!(world.post("ines", "/me", json!({})).await.code(), "no_such_method");
}

async fn asking(world: &World, seen: &mut Provoked) {
    let unknown = ask("booking-stagin-deploy", "1h", WHY);
    seen.check(world.post("ines", "/requests", unknown).await, "unknown_entitlement");
    let mut for_nobody = ask("build-logs", "1h", WHY);
    for_nobody["receiver"] = json!("nobody");
    seen.check(world.post("ines", "/requests", for_nobody).await, "unknown_identity");
    let mut for_another = ask("build-logs", "1h", WHY);
    for_another["receiver"] = json!("kim");
    seen.check(world.post("ines", "/requests", for_another).await, "refused_by_policy");
    seen.check(world.ask("ines", "audit-room", "1h").await, "refused_by_policy");
    seen.check(world.ask("ines", "booking-prod-admin", "2h").await, "over_limit");
    // Yara is the whole team that owns it, and nobody approves for themselves.
    seen.check(world.ask("yara", "lonely", "1h").await, "unfillable_stage");
}

async fn strangers(world: &World, seen: &mut Provoked) {
    seen.check(world.get("", "/me").await, "not_authenticated");
    seen.check(world.get("placet_session_made-up", "/me").await, "not_authenticated");
    seen.check(
        world.post("", "/login", json!({ "code": "placet_code_made-up" })).await,
        "login_code_spent",
    );
    let code = json!({ "person": "ines" });
    seen.check(world.post("ines", "/login-codes", code.clone()).await, "not_permitted");
    seen.check(world.post("ines-token", "/login-codes", code).await, "needs_session");
    seen.check(
        world.post("ines", "/tokens", json!({ "holder": "booking-api", "length": "1d" })).await,
        "not_yours",
    );
    let nothing = "req_00000000000000000000000000000000";
    seen.check(world.get("ines", &format!("/requests/{nothing}")).await, "unknown_request");
    let nothing = "grt_00000000000000000000000000000000";
    seen.check(
        world.post("ines", &format!("/grants/{nothing}/give-back"), json!({})).await,
        "unknown_grant",
    );
}

async fn deciding(world: &World, seen: &mut Provoked) {
    let asked = world.ask("tom", "booking-staging-deploy", "1h").await.good();
    let path = |what: &str| format!("/requests/{}/{what}", asked.text("/id"));
    let digest = json!({ "digest": asked.text("/digest") });
    seen.check(world.ask("tom", "booking-staging-deploy", "2h").await, "already_asked");
    seen.check(world.approve("tom", &asked).await, "self_approval");
    seen.check(world.post("sven", &path("approve"), digest.clone()).await, "unknown_request");
    let old = json!({ "digest": "0".repeat(64) });
    seen.check(world.post("mara", &path("approve"), old).await, "old_revision");
    let stage = json!({ "digest": asked.text("/digest"), "stage": "security" });
    seen.check(world.post("mara", &path("approve"), stage).await, "unknown_stage");
    seen.check(world.post("bo", &path("approve"), digest.clone()).await, "not_eligible");
    seen.check(world.post("kim", &path("withdraw-approval"), json!({})).await, "no_approval");
    seen.check(world.post("mara", &path("withdraw"), json!({})).await, "not_yours");
    world.approve("mara", &asked).await.good();
    seen.check(world.post("ada", &path("approve"), digest.clone()).await, "not_eligible");
    world.approve("kim", &asked).await.good();
    seen.check(world.post("ada", &path("approve"), digest).await, "request_closed");

    // One who agreed already, while the request is still open.
    let asked = world.ask("ines", "booking-staging-deploy", "1h").await.good();
    world.approve("mara", &asked).await.good();
    let body = json!({ "digest": asked.text("/digest") });
    let path = format!("/requests/{}/approve", asked.text("/id"));
    seen.check(world.post("mara", &path, body).await, "already_approved");
    let body = json!({ "digest": asked.text("/digest"), "reason": "not today" });
    let path = format!("/requests/{}/deny", asked.text("/id"));
    assert_eq!(world.post("kim", &path, body).await.good().text("/state"), "denied");
    seen.check(world.approve("tom", &asked).await, "request_closed");
    workloads(world, seen).await;
    tokens(world, seen).await;
}

/// A workload cannot decide, and nobody decides for a workload that they own.
async fn workloads(world: &World, seen: &mut Provoked) {
    let mut body = ask("booking-staging-deploy", "1h", WHY);
    body["receiver"] = json!("timetable-ci");
    let asked = world.post("mara", "/requests", body).await.good();
    seen.check(world.approve("mara", &asked).await, "self_approval");
    let by_itself = world.ask("timetable-ci", "booking-staging-deploy", "1h").await;
    seen.check(by_itself, "already_asked");
    let path = format!("/requests/{}/withdraw", asked.text("/id"));
    world.post("mara", &path, json!({})).await.good();
    let asked = world.ask("timetable-ci", "booking-staging-deploy", "1h").await.good();
    seen.check(world.approve("mara", &asked).await, "owns_receiver");
    let path = format!("/requests/{}/approve", asked.text("/id"));
    let body = json!({ "digest": asked.text("/digest") });
    seen.check(world.post("timetable-ci", &path, body.clone()).await, "only_people_decide");
    let token =
        world.post("kim", "/tokens", json!({ "length": "1d" })).await.good().text("/secret");
    seen.check(world.post(&token, &path, body).await, "needs_session");
}

/// A token does what it was issued for, for as long as nobody ends it.
async fn tokens(world: &World, seen: &mut Provoked) {
    let ask = json!({ "length": "1d", "scopes": ["read"] });
    let handed = world.post("kim", "/tokens", ask).await.good();
    let (reader, id) = (handed.text("/secret"), handed.text("/id"));
    world.get(&reader, "/requests").await.good();
    seen.check(world.ask(&reader, "booking-staging-deploy", "1h").await, "scope_missing");
    let revoke = format!("/tokens/{id}/revoke");
    seen.check(world.post("ines", &revoke, json!({})).await, "unknown_token");
    let end = format!("/sessions/{id}/end");
    seen.check(world.post("kim", &end, json!({})).await, "unknown_session");
    world.post("kim", &revoke, json!({})).await.good();
    seen.check(world.get(&reader, "/requests").await, "not_authenticated");
    seen.check(world.post("kim", &revoke, json!({})).await, "token_over");
}

async fn ending(world: &World, seen: &mut Provoked) {
    let (_, grant) = world.active("2h").await;
    let give_back = format!("/grants/{grant}/give-back");
    let revoke = format!("/grants/{grant}/revoke");
    seen.check(world.post("kim", &give_back, json!({})).await, "not_yours");
    seen.check(world.post("kim", &revoke, json!({})).await, "not_permitted");
    seen.check(world.post("ines-token", &revoke, json!({})).await, "needs_session");
    world.post("ines-token", &give_back, json!({})).await.good();
    world.engine.step().await;
    seen.check(world.post("ines", &give_back, json!({})).await, "grant_over");
}

fn shipped_with(change: impl FnOnce(&mut Bundle)) -> Value {
    let mut bundle = placet_policy::shipped();
    change(&mut bundle);
    json!({ "files": bundle })
}

/// One more comment: another digest, the same rules.
fn harmless() -> Value {
    shipped_with(|bundle| {
        bundle.files.get_mut("policies/ask.cedar").unwrap().push_str("\n// looked at again\n");
    })
}

async fn bundles_refused(world: &World, seen: &mut Provoked) {
    let ruling = world.get("ada", "/policy").await.good().text("/bundle");
    let typo = shipped_with(|bundle| {
        let text = bundle.files.get_mut("policies/gates.cedar").unwrap();
        *text = text.replacen("context.approvals.owner", "context.approvals.ownr", 1);
    });
    let answer = world.post("ada", "/policy/bundles", typo).await;
    assert!(answer.text("/detail").contains("policies/gates.cedar:"), "{}", answer.body);
    seen.check(answer, "bundle_invalid");
    let unknown = format!("/policy/bundles/{}/adopt", "0".repeat(64));
    seen.check(world.post("bo", &unknown, json!({})).await, "bundle_unknown");
    seen.check(world.post("ada", "/policy/bundles", shipped_with(|_| {})).await, "bundle_rules");
    seen.check(world.post("ines", "/policy/bundles", harmless()).await, "not_permitted");
    assert_eq!(
        world.get("ada", "/policy").await.good().text("/bundle"),
        ruling,
        "the old one keeps ruling"
    );
}

async fn bundles(world: &World, seen: &mut Provoked) {
    let proposed = world.post("ada", "/policy/bundles", harmless()).await.good().text("/bundle");
    let adopt = format!("/policy/bundles/{proposed}/adopt");
    seen.check(world.post("ada", &adopt, json!({})).await, "bundle_own_proposal");
    world.post("bo", &adopt, json!({})).await.good();
    assert_eq!(world.get("ada", "/policy").await.good().text("/bundle"), proposed);

    // A bundle without gates: policy would grant on nobody's word, and law 1 says no.
    let gateless = shipped_with(|bundle| {
        let text = bundle.files.get_mut("policies/gates.cedar").unwrap();
        let kept = text.find("@id(\"gate.").or(text.find("forbid")).unwrap_or(text.len());
        let permits: String = text[..kept].to_owned();
        *text = permits;
    });
    let proposed = world.post("ada", "/policy/bundles", gateless).await.good().text("/bundle");
    world.post("bo", &format!("/policy/bundles/{proposed}/adopt"), json!({})).await.good();
    seen.check(world.ask("ines", "booking-staging-deploy", "1h").await, "unassented_route");
}

async fn leaving(world: &World, seen: &mut Provoked) {
    world.post("ada", "/entitlements/lonely/retire", json!({})).await.good();
    seen.check(world.ask("ines", "lonely", "1h").await, "retired_entitlement");
    seen.check(
        world.post("ada", "/entitlements/lonely/retire", json!({})).await,
        "retired_entitlement",
    );
    world.post("ada", "/identities/ines/deactivate", json!({})).await.good();
    let mut body = ask("build-logs", "1h", WHY);
    body["receiver"] = json!("ines");
    seen.check(world.post("mara", "/requests", body).await, "inactive_identity");
    seen.check(
        world.post("ada", "/identities/ines/deactivate", json!({})).await,
        "inactive_identity",
    );
}

/// Founding, and opening what somebody else has open.
async fn founding(seen: &mut Provoked) {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::create(&place(dir.path()), "test.example/log").await.unwrap();
    let groups = dir.path().join("groups");
    let refused = async |change: &dyn Fn(&mut placet_engine::commands::found::Catalogue)| {
        let mut catalogue = catalogue(&groups);
        change(&mut catalogue);
        let error = engine.found(catalogue, placet_policy::shipped()).await.unwrap_err();
        error.refusal().map_or("fault", |refusal| refusal.code()).to_owned()
    };
    let check = |seen: &mut Provoked, got: String, code: &str| {
        assert_eq!(got, code);
        seen.0.insert(got);
    };
    check(seen, refused(&|one| one.administrators.truncate(1)).await, "founders");
    check(
        seen,
        refused(&|one| one.administrators[1] = one.administrators[0].clone()).await,
        "founders",
    );
    check(
        seen,
        refused(&|one| one.workload[0].owner = "booking-api".parse().unwrap()).await,
        "unowned",
    );
    check(seen, refused(&|one| one.target[0].settings.clear()).await, "unreadable");
    check(
        seen,
        refused(&|one| one.entitlement[0].owners = "nobody".parse().unwrap()).await,
        "unreadable",
    );
    assert_eq!(
        engine.verify_ledger(false).await.map(|_| ()).map_err(|_| ()),
        Err(()),
        "nothing was founded"
    );
    engine.found(catalogue(&groups), placet_policy::shipped()).await.unwrap();
    check(seen, refused(&|_| {}).await, "already_registered");
    let second = Engine::open(&place(dir.path())).await.unwrap_err();
    check(seen, second.refusal().unwrap().code().to_owned(), "data_dir_in_use");
}
