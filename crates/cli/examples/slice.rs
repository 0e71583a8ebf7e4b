//! Measures one governed access from ask to end: flows a second, and CPU time of a flow. Not a
//! test: it prints figures, for the notes under `docs/decisions`.
//!
//! `cargo run --release --example slice -- [FLOWS] [CALLERS]`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use placet_engine::commands::found::Catalogue;
use placet_engine::{Engine, Place};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// CPU time of this process so far, in microseconds (`/proc/self/stat`, fields 14 and 15).
fn cpu_micros() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 10_000
}

async fn call(router: &Router, secret: &str, method: &str, path: &str, body: Value) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {secret}"));
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body).unwrap() };
    let response = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
    assert!(status.is_success(), "{path}: {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// People who ask, and those who agree.
struct Company {
    router: Router,
    engine: Engine,
    askers: Vec<String>,
    manager: String,
    owner: String,
}

async fn company(dir: &std::path::Path, callers: usize) -> Company {
    let mut text = include_str!("../src/commands/demo/company.toml").to_owned();
    for n in 0..callers {
        text.push_str(&format!(
            "\n[[person]]\nhandle = \"asker-{n}\"\nname = \"Asker\"\nmanager = \"mara\"\nteams = [\"engineering\"]\n"
        ));
    }
    let mut catalogue: Catalogue = toml::from_str(&text).unwrap();
    for target in &mut catalogue.target {
        target.connector = "simulated".parse().unwrap();
        target.settings.clear();
    }
    // Whole looks are not what is measured.
    let place = Place { observe_seconds: 1_000_000, ..Place::at(dir.join("data")) };
    let engine = Engine::create(&place, "slice.example/log").await.unwrap();
    let codes = engine.found(catalogue, placet_policy::shipped()).await.unwrap();
    let router = placet_server::router(engine.clone());
    let log_in = async |code: &str| {
        let handed = call(&router, "", "POST", "/login", json!({ "code": code })).await;
        handed["secret"].as_str().unwrap().to_owned()
    };
    let ada = log_in(codes[0].secret.reveal()).await;
    let session = async |person: &str| {
        let handed = call(&router, &ada, "POST", "/login-codes", json!({ "person": person })).await;
        log_in(handed["secret"].as_str().unwrap()).await
    };
    let mut askers = Vec::new();
    for n in 0..callers {
        askers.push(session(&format!("asker-{n}")).await);
    }
    let (manager, owner) = (session("mara").await, session("kim").await);
    Company { router, engine, askers, manager, owner }
}

/// Asks, two agree, carried out and seen, given back and seen to be gone.
async fn flow(company: &Company, asker: &str) {
    let ask = json!({
        "entitlement": "booking-staging-deploy",
        "length": "4h",
        "justification": "one flow among many, to see what it costs",
    });
    let asked = call(&company.router, asker, "POST", "/requests", ask).await;
    let path = format!("/requests/{}", asked["id"].as_str().unwrap());
    for decider in [&company.manager, &company.owner] {
        let body = json!({ "digest": asked["digest"] });
        call(&company.router, decider, "POST", &format!("{path}/approve"), body).await;
    }
    let grant = loop {
        company.engine.step().await;
        let shown = call(&company.router, asker, "GET", &path, Value::Null).await;
        if shown["grant"]["state"] == "active" {
            break shown["grant"]["id"].as_str().unwrap().to_owned();
        }
    };
    call(&company.router, asker, "POST", &format!("/grants/{grant}/give-back"), Value::Null).await;
    loop {
        company.engine.step().await;
        let shown = call(&company.router, asker, "GET", &path, Value::Null).await;
        if shown["grant"]["state"] == "ended" {
            return;
        }
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1).filter_map(|one| one.parse::<usize>().ok());
    let flows = args.next().unwrap_or(200);
    let callers = args.next().unwrap_or(1);
    let dir = tempfile::tempdir().unwrap();
    let company = Arc::new(company(dir.path(), callers).await);
    flow(&company, &company.askers[0]).await;

    let before = company.engine.verify_ledger(false).await.unwrap().size;
    let (cpu, began) = (cpu_micros(), Instant::now());
    let tasks: Vec<_> = (0..callers)
        .map(|n| {
            let company = Arc::clone(&company);
            tokio::spawn(async move {
                for _ in 0..flows / callers {
                    flow(&company, &company.askers[n]).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_micros() - cpu);
    let done = (flows / callers * callers) as f64;
    let report = company.engine.verify_ledger(true).await.unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    println!(
        "{done} flows by {callers} callers: {:.1} flows/s, {:.0} CPU-us a flow, {:.1} entries a flow; ledger of {} entries holds",
        done / wall,
        cpu as f64 / done,
        (report.size - before) as f64 / done,
        report.size
    );
}
