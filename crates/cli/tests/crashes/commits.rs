//! Each commit of a governed flow fails once: not written, or written and called a failure. Whoever
//! asked is told in words, looks, and goes on; in the end the flow is through, nothing was done
//! twice, and the rows are the fold of their events.
//!
//! This is tried at the seam of the log, in this process; `pages` tries the database itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use placet_connectors::Registry;
use placet_domain::Timestamp;
use placet_domain::canonical::Digest;
use placet_domain::id::EventId;
use placet_engine::commands::found::{Catalogue, TargetLine};
use placet_engine::{Engine, Environment, Machine, Options};
use placet_ledger::{LogKey, Receipt};
use placet_store::{Commit, Done, Error, Log, Settings, Store};
use serde_json::{Value, json};

use crate::book::Book;
use crate::world::{Answer, World, place};

/// How one commit fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Failure {
    /// Nothing is written, and the caller learns why.
    Full,
    /// Nothing is written, and the caller learns only that it failed.
    Lost,
    /// It is written, and the caller is told that it failed.
    Unheard,
}

#[derive(Debug, Default)]
struct Plan {
    /// What the commits so far were about.
    seen: Vec<String>,
    fails: Option<(usize, Failure)>,
}

/// A log one of whose commits fails.
#[derive(Debug)]
struct Failing {
    log: Arc<dyn Log>,
    plan: Arc<Mutex<Plan>>,
}

#[async_trait::async_trait]
impl Log for Failing {
    async fn commit(&self, commit: Commit) -> Result<Done, Error> {
        let failure = {
            let mut plan = self.plan.lock().unwrap();
            let events = commit.changes.iter().flat_map(|change| &change.events);
            let about: Vec<&str> = events.map(|(_, event)| event.type_name()).collect();
            plan.seen.push(about.join(", "));
            let nth = plan.seen.len() - 1;
            plan.fails.take_if(|(at, _)| *at == nth).map(|(_, failure)| failure)
        };
        let lost = || Error::Files(std::io::Error::other("the disk went away"));
        match failure {
            None => self.log.commit(commit).await,
            Some(Failure::Full) => Err(Error::Full),
            Some(Failure::Lost) => Err(lost()),
            Some(Failure::Unheard) => {
                self.log.commit(commit).await?;
                Err(lost())
            }
        }
    }

    async fn receipt(&self, event: EventId) -> Result<Receipt, Error> {
        self.log.receipt(event).await
    }
}

/// A machine whose time can be moved on, so that nobody waits for half a minute of doubt.
#[derive(Clone, Debug, Default)]
pub struct Ahead(Arc<AtomicI64>);

impl Ahead {
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Environment for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::SeqCst);
        Timestamp::from_micros(Machine.now().as_micros() + ahead)
    }

    fn steady(&self) -> i64 {
        Machine.steady() + self.0.load(Ordering::SeqCst)
    }

    fn random(&self) -> [u8; 32] {
        Machine.random()
    }

    fn after(&self, seconds: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Machine.after(seconds)
    }
}

/// The company of the API's tests, with a registry that takes tokens, on a log of the test's own.
pub async fn company() -> World {
    World::with(|catalogue: &mut Catalogue, dir| {
        std::fs::write(dir.join("tokens"), "").unwrap();
        let logs = catalogue.entitlement.iter().find(|one| one.name.to_string() == "build-logs");
        let mut pull = logs.unwrap().clone();
        pull.name = "registry-pull".parse().unwrap();
        pull.target = "registry".parse().unwrap();
        pull.native = Some("pull".parse().unwrap());
        catalogue.entitlement.push(pull);
        catalogue.target.push(TargetLine {
            name: "registry".parse().unwrap(),
            owner: "tom".parse().unwrap(),
            connector: "token-file".parse().unwrap(),
            settings: [("path".to_owned(), dir.join("tokens").display().to_string())].into(),
            retired: false,
        });
    })
    .await
}

/// Opens the company's store anew, with a page limit and a log of the test's own.
pub async fn reopened(
    world: &mut World,
    ahead: &Ahead,
    page_limit: Option<u32>,
    wrap: impl FnOnce(Store) -> Store,
) {
    let elsewhere = tempfile::tempdir().unwrap();
    let idle = Engine::create(&place(elsewhere.path()), "idle.example/log").await.unwrap();
    world.router = placet_server::router(idle.clone());
    world.engine = idle;
    let data = world.dir.path().join("data");
    let text = std::fs::read_to_string(data.join("log.key")).unwrap();
    let key = || LogKey::from_private_text(text.trim()).unwrap();
    let settings = Settings { page_limit, ..Settings::new(&data) };
    // The write task closes the database a moment after the last handle is gone.
    let mut store = Store::open(settings.clone(), key()).await;
    for _ in 0..500 {
        if store.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        store = Store::open(settings.clone(), key()).await;
    }
    let options = Options {
        // With each round of a walk, which takes longer than this.
        observe_seconds: 10,
        calls_at_once: 8,
        journal: data.join("endings.journal"),
        incidents: None,
        channels: Vec::new(),
        trust_clock: false,
    };
    let ahead = Arc::new(ahead.clone());
    let engine = Engine::new(wrap(store.unwrap()), ahead, Registry::shipped(), options).await;
    world.router = placet_server::router(engine.clone());
    world.engine = engine;
}

/// A way from asking to evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// Two people agree, and the holder gives back.
    People,
    /// A token is collected, and its grant is revoked.
    Token,
}

/// One walk of a flow, by people who look when they were refused, and try again.
pub struct Walk<'w> {
    pub world: &'w World,
    pub ahead: &'w Ahead,
    pub flow: Flow,
    /// What tells this walk from others: the reason that is given.
    pub because: String,
    pub refused: Vec<String>,
    /// What was carried out may be on the target.
    pub was_there: bool,
}

impl Walk<'_> {
    /// Walks on until the evidence is there, or so many rounds are over.
    pub async fn through(&mut self, rounds: u32) -> bool {
        for _ in 0..rounds {
            if self.on().await {
                return true;
            }
        }
        false
    }

    /// One round: whoever has something to do does it, then the workers. Whether all is done.
    async fn on(&mut self) -> bool {
        let asks = match self.flow {
            Flow::People => "booking-staging-deploy",
            Flow::Token => "registry-pull",
        };
        let Some(request) = self.request().await else {
            let body =
                json!({ "entitlement": asks, "length": "1h", "justification": self.because });
            self.post("ines", "/requests", body).await;
            return false;
        };
        let path = format!("/requests/{}", request["id"].as_str().unwrap());
        if request["state"] == "open" {
            for by in ["mara", "kim"] {
                let body = json!({ "digest": request["digest"] });
                self.post(by, &format!("{path}/approve"), body).await;
            }
            return false;
        }
        let grant = request["grant"]["id"].as_str().unwrap().to_owned();
        let shown = self.world.get("ines", &format!("/grants/{grant}")).await.good();
        match shown.text("/state").as_str() {
            "approved" if self.flow == Flow::Token && shown.body["collected"].is_null() => {
                let digest = Digest::of(self.because.as_bytes()).to_string();
                let path = format!("/grants/{grant}/collect");
                self.post("ines", &path, json!({ "token_sha256": digest })).await;
            }
            "active" => {
                self.was_there |= self.is_there();
                assert!(self.is_there(), "what is called active is there");
                let (by, how, body) = match self.flow {
                    Flow::People => ("ines", "give-back", json!({})),
                    Flow::Token => ("kim", "revoke", json!({ "note": "enough" })),
                };
                self.post(by, &format!("/grants/{grant}/{how}"), body).await;
            }
            "ended" => {
                assert!(!self.is_there(), "what is called gone is gone");
                let answer = self.post("nora", &format!("{path}/evidence"), Value::Null).await;
                let Some(answer) = answer else { return false };
                let key = self.world.engine.verifier_key().parse().unwrap();
                placet_ledger::evidence::verify(&answer.body.to_string(), &key).unwrap();
                return true;
            }
            _ => {}
        }
        self.world.engine.step().await;
        self.ahead.pass(11);
        false
    }

    /// The request of this walk, as its asker finds it in their list.
    async fn request(&self) -> Option<Value> {
        let all = self.world.get("ines", "/requests?limit=200").await.good();
        let own = |one: &&Value| one["justification"] == self.because.as_str();
        let mut own = all.body.as_array().unwrap().iter().filter(own);
        let request = own.next().cloned();
        assert!(own.next().is_none(), "what is asked for twice is refused the second time");
        request
    }

    /// What came back if it is good; what is not is said in words.
    async fn post(&mut self, by: &str, path: &str, body: Value) -> Option<Answer> {
        let answer = self.world.post(by, path, body).await;
        if answer.code() == "ok" {
            return Some(answer);
        }
        // One of two agreed, and the other tries again.
        if answer.code() == "already_approved" {
            return None;
        }
        let told = format!("{}: {}", answer.code(), answer.text("/detail"));
        assert!(!answer.text("/detail").is_empty() && !answer.text("/next").is_empty(), "{told}");
        assert!(!answer.text("/detail").contains("nothing was changed"), "who knows: {told}");
        self.refused.push(told);
        None
    }

    fn is_there(&self) -> bool {
        let tokens = std::fs::read_to_string(self.world.dir.path().join("tokens")).unwrap();
        let groups = std::fs::read_to_string(self.world.groups()).unwrap();
        groups.contains("ines") || tokens.contains("ines")
    }

    /// The laws over the whole ledger, the rows, and nothing left.
    pub async fn holds(&self, book: &mut Book) {
        assert!(self.was_there, "it was there once");
        assert_eq!(self.world.engine.journalled().unwrap(), 0, "what was journalled is entered");
        let data = self.world.dir.path().join("data");
        let key = self.world.engine.verifier_key().parse().unwrap();
        book.read_on(&data, &key).await.unwrap();
        let report = self.world.engine.verify_ledger(true).await.unwrap();
        assert_eq!(report.faults, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_commit_fails_once_and_the_flow_comes_through() {
    let mut world = company().await;
    let (ahead, plan) = (Ahead::default(), Arc::<Mutex<Plan>>::default());
    let own = Arc::clone(&plan);
    let wrap = |store: Store| store.behind(|log| Arc::new(Failing { log, plan: own }));
    reopened(&mut world, &ahead, None, wrap).await;
    let (mut tried, mut book) = (Vec::new(), Book::default());
    for flow in [Flow::People, Flow::Token] {
        for failure in [Failure::Full, Failure::Lost, Failure::Unheard] {
            for nth in 0.. {
                *plan.lock().unwrap() = Plan { fails: Some((nth, failure)), ..Plan::default() };
                let because = format!("{flow:?}, commit {nth}: {failure:?}");
                let (refused, was_there) = (Vec::new(), false);
                let mut walk =
                    Walk { world: &world, ahead: &ahead, flow, because, refused, was_there };
                let done = walk.through(40).await;
                let (seen, struck) = {
                    let plan = plan.lock().unwrap();
                    (plan.seen.clone(), plan.fails.is_none())
                };
                let about = &walk.because;
                assert!(done, "{about} never comes through: {seen:#?} {:?}", walk.refused);
                // Workers are refused as well, and try again; nobody is refused more than twice.
                assert!(walk.refused.len() <= 2, "{about}: {:?}", walk.refused);
                // What a walk left to be settled is settled before the next one.
                world.engine.step().await;
                walk.holds(&mut book).await;
                if !struck {
                    break;
                }
                tried.push(format!("{about}, {}", seen[nth]));
            }
        }
    }
    println!("{} failures: {tried:#?}", tried.len());
    for about in [
        "request.submitted",
        "approval.recorded",
        "grant.collected",
        "action.intended",
        "action.finished",
        "grant.activated",
        "grant.ending",
        "grant.ended",
        "trail.sealed",
    ] {
        for failure in [Failure::Full, Failure::Lost, Failure::Unheard] {
            let failed =
                |one: &&String| one.contains(about) && one.contains(&format!(": {failure:?},"));
            assert!(tried.iter().any(|one| failed(&one)), "{about} never failed as {failure:?}");
        }
    }
}
