//! Makes the kept corpus anew from a small life: what is well formed, from which mangling starts. Faults
//! that were found are beside it under names of their own, and stay.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)] // A program for a terminal.

use std::path::Path;

use placet_connectors::ssh_ca::krl::Krl;
use placet_domain::id::Stream;
use placet_engine::commands::approve::ApproveRequest;
use placet_engine::commands::submit::SubmitRequest;
use placet_sim::book::Book;
use placet_sim::credentials::with_key;
use placet_sim::lives::run;
use placet_sim::world::World;

fn write(target: &str, name: &str, bytes: impl AsRef<[u8]>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("seed-{name}")), bytes).unwrap();
}

fn main() {
    run(life());
    files();
    doors();
    texts();
    println!("made");
}

/// Entries, heads, receipts and evidence of somebody who asked, got and lost access.
async fn life() {
    let mut world = World::new(1, 1_000).await;
    let ask = SubmitRequest {
        entitlement: "dev-db-write".to_owned(),
        length: "1h".to_owned(),
        justification: "I mend the broken row".to_owned(),
        ..SubmitRequest::default()
    };
    let id = world.by("ines", &ask).await.unwrap().request;
    let mut book = Book::default();
    book.read_on(world.store()).await.unwrap();
    let digest = book.request(id).unwrap().digest;
    for who in ["mara", "olga"] {
        let approve = ApproveRequest { request: id, digest, stage: None };
        world.by(who, &approve).await.unwrap();
    }
    world.work().await.unwrap();
    world.pass(3_700).await;
    world.work().await.unwrap();
    let evidence = world.evidence("audra", id).await.unwrap();
    write("evidence", "life", &evidence);
    let trail = world.store().trail(&Stream::Request(id)).await.unwrap();
    for (nth, stored) in trail.iter().enumerate() {
        write("entry", &format!("{nth:02}"), &stored.body);
    }
    let receipt = world.store().receipt(trail.last().unwrap().id).await.unwrap();
    write("receipt", "last", receipt.to_text());
    write("checkpoint", "last", world.store().checkpoint().await.unwrap());
}

fn files() {
    write(
        "group-file",
        "usual",
        "# who may deploy\ndeployers: ines mara\nreaders:olga  eve \n\nempty:\n",
    );
    let digest = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    let lines = [("ines", 1), ("mara", 2)].map(|(account, grant)| {
        format!("sha256:{digest} pull {account} 2026-11-25T10:00:00Z grt_{grant:032x}\n")
    });
    write("token-file", "usual", format!("# tokens\n{}\nnot a line\n", lines.concat()));
    let mut list = Krl::empty(b"the public key of a CA", 1_795_328_462);
    write("krl", "empty", list.write().unwrap());
    for serial in [1, 7, 4_711, u64::MAX] {
        list.revoke(serial, 1_795_328_463).unwrap();
    }
    write("krl", "some", list.write().unwrap());
    let grant = "grt_00000000000000000000000000000400".parse().unwrap();
    let given = with_key(grant, "k", "k");
    let (key, signature) = (given.ssh_key.unwrap(), given.signature.unwrap());
    write("half", "key", format!("{}\n\n{}\n\n10.0.0.0/8\n::1/128", key.trim(), signature.trim()));
    write("half", "token", digest);
}

fn doors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    write("catalogue", "example", read("examples/catalog.toml"));
    write("policy", "approve", read("policies/policies/approve.cedar"));
    write("policy", "gates", read("policies/policies/gates.cedar"));
    write("fixture", "routes", read("policies/tests/routes.toml"));
    write("fixture", "guardrails", read("policies/tests/guardrails.toml"));
    // Each route once, as the list of routes has it.
    for (nth, line) in read("crates/cli/tests/api/routes.golden").lines().enumerate() {
        let call: Vec<&str> = line.split(' ').take(2).collect();
        write("api", &format!("{nth:02}"), format!("{}\n{{}}", call.join(" ")));
    }
    let ask = r#"{"entitlement":"dev-db-read","length":"1h","justification":"I look","reference":"INC-1","ends_on":["ticket:OPS-7"]}"#;
    write("api", "ask", format!("POST /requests\n{ask}"));
    write("api", "page", "GET /requests?limit=2&after=req_00000000000000000000000000000300\n");
    write("api", "code", "POST /login-codes\n{\"person\":\"ines\"}");
}

fn texts() {
    let all = [
        "4h",
        "1d 12h",
        "PT4H",
        "2 weeks",
        "90m",
        "2026-11-25T10:00:00.000001Z",
        "2026-11-25T10:00:00+02:00",
        "grt_00000000000000000000000000000400",
        "req_00000000000000000000000000000300",
        "ticket:OPS-7",
        "pipeline:build/17",
        "ines",
        "dev-db-write",
        "DOMAIN\\user name",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    ];
    for (nth, text) in all.iter().enumerate() {
        write("text", &format!("{nth:02}"), text);
    }
}
