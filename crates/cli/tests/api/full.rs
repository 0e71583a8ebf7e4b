//! Full pages: more rows than each shows, and every text as long as it may be. With all that it links no
//! page weighs more than 100 kB, as it is served without compression; and what is written is never more
//! than text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::http::StatusCode;
use placet_engine::commands::LONGEST_TEXT;
use placet_engine::commands::found::Catalogue;
use placet_server::PAGES;
use serde_json::{Value, json};

use crate::pages::browse;
use crate::passkeys;
use crate::world::{Answer, World, catalogue};

/// The most bytes of a page, with its assets.
const MOST: usize = 100_000;
/// More than any page shows.
const MANY: usize = 45;
/// The longest handles and names of things, ids on a target, accounts, and texts of the catalogue.
const NAME: usize = 64;
const NATIVE: usize = 256;
const ACCOUNT: usize = 128;
const SCOPE: usize = 500;

/// What somebody writes who would like it to be more than text.
const SCRIPT: &str = "<script>alert";

/// What people write, over and over, until a text is as long as it may be.
#[derive(Clone, Copy)]
struct Words(&'static str);

impl Words {
    /// A text of so many characters.
    fn long(self, begin: &str, characters: usize) -> String {
        let words = self.0.chars().cycle();
        let text: String = begin.chars().chain(words).take(characters).collect();
        text.trim().to_owned()
    }
}

/// A name of so many letters, one of many.
fn named(begin: &str, number: usize, letters: usize) -> String {
    format!("{begin}-{number:02}-{}", "x".repeat(letters - begin.len() - 4))
}

fn entitlement(begin: &str, number: usize) -> String {
    named(begin, number, NAME)
}

/// The company of the other tests, grown.
fn grown(words: Words, catalogue: &mut Catalogue, dir: &Path) {
    let teams: Vec<String> = (0..4).map(|n| named("team", n, NAME)).collect();
    for team in teams.iter().map(String::as_str).chain(["on-call"]) {
        catalogue.team.push(toml::from_str(&format!("name = \"{team}\"")).unwrap());
    }
    let teams: BTreeSet<_> = teams.iter().map(|team| team.parse().unwrap()).collect();
    let mut leaver = catalogue.person[3].clone();
    leaver.handle = "lea".parse().unwrap();
    let mut caller = catalogue.person[3].clone();
    caller.handle = "olaf".parse().unwrap();
    caller.manager = Some("ada".parse().unwrap());
    caller.teams = ["on-call".parse().unwrap()].into();
    for n in 0..MANY {
        let mut person = catalogue.person[3].clone();
        person.handle = named("person", n, NAME).parse().unwrap();
        catalogue.person.push(person);
    }
    catalogue.person.extend([leaver, caller]);
    for (n, person) in catalogue.person.iter_mut().enumerate() {
        person.name = words.long(&person.handle.to_string(), 100);
        person.teams.extend(teams.clone());
        person
            .accounts
            .insert("web-groups".parse().unwrap(), named("account", n, ACCOUNT).parse().unwrap());
    }
    for n in 0..MANY {
        let mut workload = catalogue.workload[0].clone();
        workload.handle = named("workload", n, NAME).parse().unwrap();
        workload.owner = "lea".parse().unwrap();
        workload.purpose = words.long("it runs", SCOPE);
        workload.teams.extend(teams.clone());
        catalogue.workload.push(workload);

        // Nothing is there, and that is said of each.
        let mut target = catalogue.target[0].clone();
        target.name = named("target", n, NAME).parse().unwrap();
        let path = dir.join(named("groups", n, 200)).display().to_string();
        target.settings.insert("path".to_owned(), path);
        catalogue.target.push(target);
    }
    let by_hand = format!(
        "name = \"{}\"\nowner = \"tom\"\nconnector = \"manual\"\n[settings]\nteam = \"platform\"\nwithin = \"4h\"",
        named("hand", 0, NAME)
    );
    catalogue.target.push(toml::from_str(&by_hand).unwrap());
    // As those that wait for people, those that nobody has to agree to, and those that are given by hand.
    for (begin, like, count) in [("staged", 0, MANY), ("read", 2, MANY), ("byhand", 2, 15)] {
        for n in 0..count {
            let mut one = catalogue.entitlement[like].clone();
            one.name = entitlement(begin, n).parse().unwrap();
            one.native = Some(named(begin, n, NATIVE).parse().unwrap());
            one.scope = words.long("to read it", SCOPE);
            one.offered_to.extend(teams.clone());
            if begin == "byhand" {
                one.target = named("hand", 0, NAME).parse().unwrap();
            }
            catalogue.entitlement.push(one);
        }
    }
}

/// A group full of people whom nobody let in.
fn infested(dir: &Path) {
    let strangers: Vec<String> = (0..MANY).map(|n| named("stranger", n, ACCOUNT)).collect();
    std::fs::write(dir.join("groups"), format!("booking-deployers: {}\n", strangers.join(" ")))
        .unwrap();
}

fn ask(words: Words, entitlement: String) -> Value {
    json!({ "entitlement": entitlement, "length": "1h", "justification": words.long("I ask", LONGEST_TEXT),
        "reference": words.long("OPS-7", 60) })
}

/// Asks for several things at once; answers the requests.
async fn asked(
    words: Words,
    world: &World,
    who: &str,
    begin: &str,
    numbers: std::ops::Range<usize>,
) -> Vec<String> {
    let asks: Vec<Value> = numbers.map(|n| ask(words, entitlement(begin, n))).collect();
    let filed = world.post(who, "/requests/together", json!({ "asks": asks })).await.good();
    let requests = filed.body["requests"].as_array().unwrap().iter();
    requests.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// Everything that can be asked about a request is asked and answered.
async fn talked_over(words: Words, world: &World, request: &str) {
    let path = format!("/requests/{request}/questions");
    for number in 1..=20 {
        let text = words.long("what for?", LONGEST_TEXT);
        world.post("mara", &path, json!({ "text": text })).await.good();
        let text = words.long("for this:", LONGEST_TEXT);
        world.post("ines", &path, json!({ "text": text, "answers": number })).await.good();
    }
}

/// What stands on the pages that are about one thing.
struct Full {
    world: World,
    requests: Vec<String>,
    grants: Vec<String>,
    findings: Vec<String>,
    proposals: Vec<String>,
}

async fn full(words: Words) -> Full {
    let mut world = World::with(|catalogue, dir| {
        grown(words, catalogue, dir);
        infested(dir);
    })
    .await;
    let code = world.post("ada", "/login-codes", json!({ "person": "olaf" })).await.good();
    world.log_in("olaf", &code.text("/secret")).await;

    // Mara holds and asked for more than her page shows, and more waits for her.
    asked(words, &world, "mara", "read", 0..20).await;
    asked(words, &world, "mara", "byhand", 0..15).await;
    asked(words, &world, "ines", "read", 0..20).await;
    let own = asked(words, &world, "mara", "staged", 0..20).await;
    asked(words, &world, "tom", "staged", 0..20).await;
    let open = asked(words, &world, "ines", "staged", 0..20).await;
    talked_over(words, &world, &open[0]).await;
    talked_over(words, &world, &open[1]).await;
    let shown = world.get("ines", &format!("/requests/{}", open[1])).await.good();
    world.approve("mara", &shown).await.good();
    world.approve("kim", &shown).await.good();
    let mut emergency = String::new();
    for n in 20..30 {
        let mut body = ask(words, entitlement("staged", n));
        body["incident"] = json!(words.long("INC-7", 60));
        emergency = world.post("olaf", "/requests", body).await.good().text("/id");
    }
    world.engine.step().await;
    let granted = world.get("ines", &format!("/requests/{}", open[1])).await.good();
    let held = world.get("mara", "/grants?limit=1").await.good();

    done_by_hand(words, &world).await;
    // What Lea answered for is Mara's.
    world.post("ada", "/identities/lea/deactivate", json!({})).await.good();
    for n in 0..MANY {
        let until = world.now().plus_seconds(3_600).to_string();
        let body = json!({ "to": named("person", n, NAME), "ends_at": until });
        world.post("mara", "/delegations", body).await.good();
        let body = json!({ "length": "30d", "scopes": ["read", "ask", "report", "propose"] });
        world.post("mara", "/tokens", body).await.good();
        let code = world.post("ada", "/login-codes", json!({ "person": "mara" })).await.good();
        world.log_in("mara", &code.text("/secret")).await;
    }
    keyed(words, &world).await;
    let proposals = proposed(words, &world).await;
    world.look().await;
    world.engine.step().await;
    let found = world.get("nora", "/findings?limit=1").await.good();

    Full {
        requests: vec![open[0].clone(), open[1].clone(), own[0].clone(), emergency],
        grants: vec![granted.text("/grant/id"), held.text("/0/id")],
        findings: vec![found.text("/0/id")],
        proposals,
        world,
    }
}

/// More passkeys than a page shows: of one person who took all of theirs back, and of two who wait.
async fn keyed(words: Words, world: &World) {
    for (who, seeds) in [("ada", 40..53), ("ines", 60..66), ("tom", 70..76)] {
        for seed in seeds {
            let name = words.long("a key", NAME);
            let offered = passkeys::offer_called(world, who, &passkeys::device(seed), &name).await;
            let id = offered.good().text("/id");
            if who == "ada" {
                world.post(who, &format!("/passkeys/{id}/revoke"), json!({})).await.good();
            }
        }
    }
}

/// Each order was carried out, sent back, and carried out again.
async fn done_by_hand(words: Words, world: &World) {
    let work = world.get("kim", "/work?limit=200").await.good();
    for order in work.body.as_array().unwrap() {
        let path = |what: &str| format!("/work/{}/{what}", order["id"].as_str().unwrap());
        let done =
            json!({ "evidence_sha256": "0".repeat(64), "note": words.long("done", LONGEST_TEXT) });
        world.post("kim", &path("carried-out"), done.clone()).await.good();
        let back = json!({ "why": words.long("not done", LONGEST_TEXT) });
        world.post("tom", &path("return"), back).await.good();
        world.post("kim", &path("carried-out"), done).await.good();
    }
}

/// Many proposals that were rejected with many words, and one that says much.
async fn proposed(words: Words, world: &World) -> Vec<String> {
    let mut all = catalogue(&world.groups());
    grown(words, &mut all, world.dir.path());
    let lines = serde_json::to_value(&all).unwrap();
    let mut lines: Vec<Value> = lines["entitlement"].as_array().unwrap().clone();
    lines.retain(|line| line["name"].as_str().unwrap().len() == NAME);
    for line in &mut lines {
        line["scope"] = json!(words.long("to write it", SCOPE));
    }
    let propose = async |lines: &[Value]| -> Answer {
        let body = json!({ "catalogue": { "entitlement": lines } });
        world.post("ada", "/catalogue/proposals", body).await.good()
    };
    for line in lines.iter().take(MANY) {
        let proposal = propose(std::slice::from_ref(line)).await.text("/proposal");
        let reason = json!({ "reason": words.long("no", LONGEST_TEXT) });
        let path = format!("/catalogue/proposals/{proposal}/reject");
        world.post("bo", &path, reason).await.good();
    }
    vec![propose(&lines).await.text("/proposal")]
}

impl Full {
    /// The addresses of a page.
    fn addresses(&self, path: &str) -> Vec<String> {
        let of =
            |begin: &str, all: &[String]| all.iter().map(|one| format!("{begin}/{one}")).collect();
        let own = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let names = ["staged", "read", "byhand"].map(|begin| entitlement(begin, 0));
        match path {
            // No pages: a file, a stream, and a file again.
            "/assets/{file}" | "/changes" | "/history/export" => Vec::new(),
            // No provider is set up.
            "/login/provider" | "/login/callback" => Vec::new(),
            "/requests/{id}" => of("/requests", &self.requests),
            "/grants/{id}" => of("/grants", &self.grants),
            "/findings/{id}" => of("/findings", &self.findings),
            "/proposals/{id}" => of("/proposals", &self.proposals),
            "/ask/{entitlement}" => of("/ask", &names),
            "/entitlements/{entitlement}" => of("/entitlements", &names),
            "/targets/{name}" => of(
                "/targets",
                &["web-groups".to_owned(), named("target", 0, NAME), named("hand", 0, NAME)],
            ),
            "/identities/{handle}" => of(
                "/identities",
                &["mara".to_owned(), named("person", 0, NAME), named("workload", 0, NAME)],
            ),
            "/decide" => own(&["/decide", "/decide?from=15", "/decide?from=99999"]),
            "/findings" => own(&["/findings", "/findings?all=true"]),
            "/proposals" => own(&["/proposals", "/proposals?all=true"]),
            "/policy" => {
                let files = [
                    "administration",
                    "approve",
                    "ask",
                    "break_glass",
                    "gates",
                    "guardrails",
                    "preapproved",
                    "reading",
                ];
                let files = files.map(|file| format!("/policy?file=policies/{file}.cedar"));
                let what_if = format!("/policy?who=ines&entitlement={}&length=1h", names[0]);
                files.into_iter().chain([what_if]).collect()
            }
            path if path.contains('{') => panic!("which address has the page `{path}`?"),
            path => own(&[path]),
        }
    }
}

impl Full {
    /// Every page, and those that a form answers with.
    fn looks(&self) -> Vec<(String, Option<&'static str>)> {
        let pages = PAGES.iter().filter(|page| page.method == "GET");
        let pages = pages.flat_map(|page| self.addresses(page.path)).map(|address| (address, None));
        let verified = self.grants.iter().map(|id| (format!("/grants/{id}/verify"), Some("")));
        let made = [
            ("/passkeys/new".to_owned(), Some("")),
            ("/tokens".to_owned(), Some("length=1d&scope-read=yes")),
        ];
        pages.chain(verified).chain(made).collect()
    }
}

/// The assets that a page links.
fn linked(page: &str) -> BTreeSet<&str> {
    let links = ["href=\"", "src=\""].into_iter().flat_map(|begin| page.split(begin).skip(1));
    links
        .filter_map(|rest| rest.split('"').next())
        .filter(|to| to.starts_with("/assets/"))
        .collect()
}

/// How many rows the fullest of somebody's pages must show at least, so that this goes on to be about full ones.
const ROWS: &[(&str, usize)] = &[
    ("/", 20),
    ("/ask", 20),
    ("/decide", 15),
    ("/decide?from=15", 15),
    ("/findings", 25),
    ("/history", 12),
    ("/targets", 25),
    ("/identities", 25),
    ("/proposals?all=true", 25),
    ("/handovers", 25),
    ("/sessions", 30),
    ("/passkeys", 22),
    ("/delegations", 25),
];

/// Follows the links to more of one list of a page; answers what its rows are about.
async fn walked(world: &World, who: &str, (first, by): (&str, &str), begin: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(address) = next {
        let page = browse(world, &world.secret(who), &address, None).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        let rows = page.text.split(begin).skip(1);
        let rows = rows.filter_map(|rest| rest.split(['/', '"']).next());
        let known: BTreeSet<String> = rows.map(str::to_owned).collect();
        assert!(!known.is_empty(), "`{address}` leads to nothing");
        found.extend(known);
        let more = page.text.split("rel=\"next\" href=\"").skip(1);
        let more = more.filter_map(|rest| rest.split('"').next());
        next = more.map(|to| to.replace("&amp;", "&")).find(|to| to.contains(&format!("{by}=")));
        assert!(found.len() < 1_000, "`{first}` leads in a circle");
    }
    found
}

/// Lists of several pages show each row once.
async fn pages_lead_to_the_end(world: &World) {
    for (who, first, begin, count) in [
        ("mara", ("/decide", "from"), "<th scope=\"row\"><a href=\"/requests/", 39),
        ("ada", ("/identities", "after"), "<th scope=\"row\"><a href=\"/identities/", 103),
        ("mara", ("/delegations", "after"), "action=\"/delegations/", MANY),
        ("ada", ("/passkeys", "waiting"), "action=\"/passkeys/pky_", 12),
    ] {
        let rows = walked(world, who, first, begin).await;
        let once: BTreeSet<&String> = rows.iter().collect();
        assert_eq!(once.len(), rows.len(), "{first:?} shows a row twice");
        assert!(rows.len() >= count, "{first:?} shows {} rows and no more", rows.len());
    }
}

/// No page weighs too much or runs what was written; and `written` is there to be read.
async fn check(words: &'static str, written: &str) {
    let full = full(Words(words)).await;
    let world = &full.world;
    let mut assets: BTreeMap<String, usize> = BTreeMap::new();
    let mut weights: BTreeMap<String, (usize, usize, &str)> = BTreeMap::new();
    for (address, form) in full.looks() {
        for who in ["nora", "ada", "mara", "kim", "tom", "sven", "ines"] {
            let answer = browse(world, &world.secret(who), &address, form).await;
            if !answer.status.is_success() {
                continue;
            }
            assert!(!answer.text.contains(SCRIPT), "`{address}` runs what was written");
            let mut weight = answer.text.len();
            for asset in linked(&answer.text) {
                if !assets.contains_key(asset) {
                    let file = browse(world, "", asset, None).await;
                    assert_eq!(file.status, StatusCode::OK, "{asset}");
                    assets.insert(asset.to_owned(), file.text.len());
                }
                weight += assets[asset];
            }
            let rows = answer.text.matches("<th scope=\"row\">").count();
            let known = weights.entry(address.clone()).or_default();
            *known = (*known).max((weight, rows, who));
        }
        assert!(weights.contains_key(&address), "nobody sees `{address}`");
    }
    for (address, rows) in ROWS {
        assert!(weights[*address].1 >= *rows, "`{address}` is not full: {:?}", weights[*address]);
    }
    assert!(assets.len() >= 4, "{assets:?}");
    let shown = browse(world, &world.secret("mara"), "/decide", None).await;
    assert!(shown.text.contains(written), "what was written is there");
    pages_lead_to_the_end(world).await;
    let heavy: Vec<String> = weights
        .iter()
        .filter(|(_, (weight, ..))| *weight >= MOST)
        .map(|(address, (weight, rows, who))| {
            format!("{weight} bytes, {rows} rows, for {who}: {address}")
        })
        .collect();
    if let Ok(file) = std::env::var("PLACET_WEIGHTS") {
        std::fs::write(file, format!("{weights:#?}{assets:#?}")).unwrap();
    }
    assert!(heavy.is_empty(), "{heavy:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_full_of_what_would_like_to_be_script_weigh_little_enough() {
    let words = " because <script>alert(1)</script> is broken & it's the only way to mend it;";
    check(words, "&#60;script&#62;alert").await;
}

/// Each of these takes five bytes on a page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_full_of_brackets_weigh_little_enough() {
    check("<", "&#60;&#60;&#60;").await;
}

/// And each of these four.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_full_of_letters_beyond_the_plane_weigh_little_enough() {
    check("\u{20bb7}\u{91ce}\u{5bb6}", "\u{20bb7}\u{91ce}\u{5bb6}").await;
}
