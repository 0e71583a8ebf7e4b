//! Every route against every kind of caller: the authorisation matrix, kept as a golden file.

use placet_server::{Needs, ROUTES};
use serde_json::{Value, json};

use crate::world::World;

const CALLERS: [(&str, &str); 5] = [
    ("nobody", ""),
    ("person", "ines"),
    ("token", "ines-token"),
    ("workload", "booking-api"),
    ("administrator", "ada"),
];

#[tokio::test]
async fn every_route_knows_whom_it_lets_in() {
    let world = World::new().await;
    let (request, grant) = world.active("4h").await;
    let mut lines = Vec::new();
    for route in ROUTES {
        let path = route
            .path
            .replace("{handle}", "yara")
            .replace("/targets/{name}", "/targets/nowhere")
            .replace("{name}", "audit-room")
            .replace("{digest}", &"0".repeat(64))
            .replace("/grants/{id}", &format!("/grants/{grant}"))
            .replace("/proposals/{id}", &format!("/proposals/prp_{}", "0".repeat(32)))
            .replace("/handovers/{id}", &format!("/handovers/hnd_{}", "0".repeat(32)))
            .replace("/delegations/{id}", &format!("/delegations/dlg_{}", "0".repeat(32)))
            .replace("/passkeys/{id}", &format!("/passkeys/pky_{}", "0".repeat(32)))
            .replace("/tokens/{id}", &format!("/tokens/crd_{}", "0".repeat(32)))
            .replace("/sessions/{id}", &format!("/sessions/crd_{}", "0".repeat(32)))
            .replace("/work/{id}", &format!("/work/act_{}", "0".repeat(32)))
            .replace("/findings/{id}", &format!("/findings/fnd_{}", "0".repeat(32)))
            .replace("{what}", "organisation")
            .replace("{id}", &request.text("/id"));
        let mut cells = Vec::new();
        for (name, who) in CALLERS {
            // Logging out would end the caller's own credential for the rest of the matrix.
            if route.path == "/logout" && name != "nobody" {
                continue;
            }
            let answer = world.call(who, route.method, &path, body(route.path)).await;
            let code = answer.code();
            match (route.needs, name) {
                (Needs::Nothing, _) => {}
                (_, "nobody") => assert_eq!(code, "not_authenticated", "{}", route.path),
                (Needs::Session, "token" | "workload") => {
                    assert_ne!(code, "ok", "{} let a {name} in", route.path);
                }
                _ => {}
            }
            cells.push(format!("{name}={code}"));
        }
        lines.push(format!(
            "{} {} ({:?}): {}",
            route.method,
            route.path,
            route.needs,
            cells.join(" ")
        ));
    }
    golden("routes.golden", &(lines.join("\n") + "\n"));
}

/// A body that each route can read, so that what it answers is about the caller.
fn body(path: &str) -> Option<Value> {
    let digest = "0".repeat(64);
    let ask = || json!({ "entitlement": "nothing", "length": "1h", "justification": "to see" });
    Some(match path {
        "/login" => json!({ "code": "made up" }),
        "/login-codes" => json!({ "person": "nobody" }),
        "/tokens" => json!({ "holder": "kim", "length": "1h" }),
        "/requests" | "/requests/preview" | "/requests/{id}/revisions" => ask(),
        "/requests/{id}/approve" => json!({ "digest": digest }),
        "/requests/{id}/deny" => json!({ "digest": digest, "reason": "no" }),
        "/catalogue/diff" | "/catalogue/proposals" => {
            json!({ "catalogue": { "team": [{ "name": "nowhere", "within": ["nothing"] }] } })
        }
        "/requests/together" => json!({ "asks": [ask()] }),
        "/work/{id}/carried-out" => json!({ "evidence_sha256": digest, "note": "done" }),
        "/work/{id}/confirm" => json!({ "evidence_sha256": digest }),
        "/work/{id}/return" => json!({ "why": "it is blurred" }),
        "/requests/{id}/narrow" => json!({ "digest": digest, "length": "1h" }),
        "/requests/{id}/questions" => json!({ "text": "what for?" }),
        "/requests/{id}/review" => json!({ "verdict": "justified", "note": "I looked" }),
        "/login/passkey" | "/passkeys/{id}/confirm" => json!({
            "credential_id": "AQID", "authenticator_data": "AQID", "client_data_json": "AQID",
            "signature": "AQID",
        }),
        "/passkeys" => json!({
            "name": "laptop", "made": { "client_data_json": "AQID", "attestation_object": "AQID" },
        }),
        "/requests/{id}/step-up" => json!({ "digest": digest }),
        "/delegations" => json!({ "to": "nobody" }),
        "/ending-events" => json!({ "event": "ticket:none" }),
        "/grants/{id}/extend" => json!({ "length": "500d", "justification": "to see" }),
        "/findings/{id}/answer" => json!({ "answer": "accept", "length": "1h" }),
        "/policy/what-if" => json!({ "entitlement": "nothing", "length": "1h" }),
        "/policy/bundles" => json!({ "files": { "nothing.cedar": "" } }),
        _ => return None,
    })
}

/// Compares with a file beside the tests; `UPDATE_GOLDEN=1` writes it.
#[track_caller]
pub fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} differs; look at it, then run with UPDATE_GOLDEN=1");
}
