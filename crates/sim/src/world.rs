//! The world: the real engine over a real store, with people who log in, targets that outlive
//! crashes, and a clock that only the world moves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use placet_connectors::simulated::Simulated;
use placet_connectors::{Connector, Registry, Value};
use placet_domain::actor::Actor;
use placet_domain::bundle::Bundle;
use placet_domain::id::{IdentityId, RequestId, TargetId};
use placet_domain::{Refusal, Timestamp};
use placet_engine::commands::ending::Reported;
use placet_engine::commands::found::Catalogue;
use placet_engine::commands::login::IssueLoginCode;
use placet_engine::workers::Stepped;
use placet_engine::{Command, Engine, Error, Options, Secret};
use placet_ledger::LogKey;
use placet_store::{Mode, Settings, Store};
use tempfile::TempDir;

use crate::chaos::{ChaosLog, Fate};
use crate::company::{self, ADMINISTRATORS, Extent};
use crate::credentials;
use crate::mail::Mail;
use crate::nature::Nature;
use crate::target::Watched;

/// How often a whole target is looked at, in seconds.
pub const OBSERVE_SECONDS: u64 = 600;
/// The longest that the clock moves at once while people have to stay logged in.
const SLICE: u64 = 20 * 60 * 60;
/// A session with less left than this is renewed: Placet may take it for three hours later than it is.
const RENEW: u64 = 8 * 60 * 60;
const ROOM: usize = 256 * 1024;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    Refused(Refusal),
    /// The engine calls it its own failure.
    Fault(String),
    /// The process died over it.
    Crashed,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            other => Self::Fault(other.to_string()),
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused ({})", refusal.code()),
            Self::Fault(why) => write!(f, "fault: {why}"),
            Self::Crashed => f.write_str("Placet crashed"),
        }
    }
}

/// A process of Placet.
#[derive(Debug)]
struct Process {
    engine: Engine,
    /// Another node on the same store.
    other: Engine,
    store: Store,
}

/// A database as it was.
#[derive(Clone, PartialEq, Eq)]
pub struct Copy {
    database: Vec<u8>,
    log: Option<Vec<u8>>,
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a copy of {} bytes", self.database.len())
    }
}

/// A seeded world.
#[derive(Debug)]
pub struct World {
    pub nature: Nature,
    pub fate: Fate,
    /// What people were told, outside.
    pub mail: Mail,
    pub targets: BTreeMap<String, Watched>,
    dir: TempDir,
    process: Option<Process>,
    /// The next process takes the clock for right.
    trust_clock: bool,
    /// The most pages that the database may have.
    pages: Option<u32>,
    /// Sessions that people keep, and until when they are good.
    sessions: BTreeMap<String, (Secret, Timestamp)>,
    /// Every secret that was ever given out or drawn.
    secrets: Vec<String>,
    names: BTreeMap<IdentityId, String>,
    target_ids: BTreeMap<String, TargetId>,
}

impl World {
    /// A world with a founded company. `tick` is how many microseconds each look at the clock takes.
    pub async fn new(seed: u64, tick: i64) -> Self {
        Self::with(Extent::default(), seed, tick).await
    }

    /// The same, with more than the usual.
    pub async fn with(extent: Extent, seed: u64, tick: i64) -> Self {
        Self::of(seed, tick, extent, placet_policy::shipped()).await
    }

    /// The same, under other policies.
    pub async fn ruled_by(seed: u64, bundle: Bundle) -> Self {
        Self::of(seed, 1_000, Extent::default(), bundle).await
    }

    async fn of(seed: u64, tick: i64, extent: Extent, bundle: Bundle) -> Self {
        let nature = Nature::new(seed, tick);
        let fate = Fate::default();
        let watched = |name: &str| {
            let (issues, hosts) = credentials::issues(name);
            let real = Simulated::issuing(issues, hosts.iter().copied());
            (name.to_owned(), Watched::new(real, nature.clone(), fate.clone()))
        };
        let catalogue = company::catalogue(extent);
        let targets = catalogue
            .target
            .iter()
            .filter(|one| one.connector.as_str() == "simulated")
            .map(|one| watched(&one.name.to_string()))
            .collect();
        let mut world = Self {
            dir: directory(),
            process: None,
            trust_clock: false,
            pages: None,
            sessions: BTreeMap::new(),
            secrets: Vec::new(),
            names: BTreeMap::new(),
            target_ids: BTreeMap::new(),
            nature,
            mail: Mail::new(fate.clone()),
            fate,
            targets,
        };
        world.start().await;
        world.found(catalogue, bundle).await;
        world
    }

    async fn found(&mut self, catalogue: Catalogue, bundle: Bundle) {
        let engine = self.engine().clone();
        let given = engine.found(catalogue, bundle).await.expect("the company can be founded");
        for (handle, code) in ADMINISTRATORS.iter().zip(&given) {
            let session = engine.log_in(&code.secret).await.expect("a first code opens a session");
            self.keep(handle, session.secret, session.expires_at);
        }
        for handle in company::people().into_iter().chain(company::WORKLOADS.iter().map(|w| w.0)) {
            let name = handle.parse().expect("a handle");
            let id = self.store().identity_called(&name).await.expect("the store reads");
            self.names.insert(id.expect("everybody is registered"), handle.to_owned());
        }
        for target in self.store().targets(&placet_store::Page::default()).await.expect("reads") {
            self.target_ids.insert(target.name.to_string(), target.id);
        }
        // Given codes come in the order of ids, so who is who is asked of the sessions.
        let kept: Vec<Secret> = self.sessions.values().map(|(secret, _)| secret.clone()).collect();
        let until = self.nature.moment().plus_seconds(11 * 60 * 60);
        for secret in kept {
            let actor = engine.authenticate(&secret).await.expect("a session");
            let who = actor.identity().expect("a person");
            let handle = self.names.get(&who).expect("known").clone();
            self.keep(&handle, secret, until);
        }
    }

    /// Learns who is called so, once somebody is.
    pub async fn learn(&mut self, handle: &str) {
        let Ok(name) = handle.parse() else { return };
        if let Ok(Some(id)) = self.store().identity_called(&name).await {
            self.names.insert(id, handle.to_owned());
        }
    }

    fn keep(&mut self, handle: &str, secret: Secret, until: Timestamp) {
        self.given(&secret);
        self.sessions.insert(handle.to_owned(), (secret, until));
    }

    /// A secret that only its receiver may have from now on.
    pub fn given(&mut self, secret: &Secret) {
        self.secrets.push(secret.reveal().to_owned());
    }

    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }

    // ---- processes ----

    pub fn engine(&self) -> &Engine {
        &self.process.as_ref().expect("Placet runs").engine
    }

    pub fn store(&self) -> &Store {
        &self.process.as_ref().expect("Placet runs").store
    }

    pub fn is_up(&self) -> bool {
        self.process.is_some() && !self.fate.needs_restart()
    }

    pub fn mode(&self) -> Mode {
        self.store().mode().clone()
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn key() -> LogKey {
        LogKey::from_seed("placet.sim/log", &[7; 32]).expect("the name of a log")
    }

    /// A new process that takes the clock for right, and what was recorded for ahead.
    pub async fn start_trusting_the_clock(&mut self) {
        self.trust_clock = true;
        self.start().await;
        self.trust_clock = false;
    }

    /// The process ends, whatever it was at.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Ends the process, and waits until the database is one file at rest. Where a reader closes
    /// last, what is in its log stays there; then Placet is started and ended once more.
    pub async fn shut_down(&mut self) {
        let log = self.path().join("placet.db-wal");
        for _ in 0..20 {
            self.stop();
            for _ in 0..200 {
                if !log.exists() {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            self.start().await;
        }
    }

    /// A copy of the database and its log, once the process has ended. The log is read first: what is
    /// moved out of it meanwhile stands in both.
    pub fn copy(&mut self) -> Copy {
        self.stop();
        let read = |name: &str| std::fs::read(self.path().join(name));
        let log = read("placet.db-wal").ok();
        Copy { log, database: read("placet.db").expect("the database can be read") }
    }

    /// Puts a copy in the place of what is there, and starts on it.
    pub async fn start_on(&mut self, copy: &Copy) {
        self.stop();
        for name in ["placet.db", "placet.db-wal", "placet.db-shm"] {
            // New files: whoever still has the old ones open does not write into these.
            let _ = std::fs::remove_file(self.path().join(name));
        }
        let write = |name: &str, bytes: &[u8]| std::fs::write(self.path().join(name), bytes);
        write("placet.db", &copy.database).expect("the database can be put back");
        if let Some(log) = &copy.log {
            write("placet.db-wal", log).expect("its log can be put back");
        }
        self.start().await;
    }

    /// Puts another database in the place of the one that is there.
    pub fn put_back(&self, database: &[u8]) {
        let path = self.path().join("placet.db");
        // A new file: whoever still has the old one open does not write into this one.
        std::fs::remove_file(&path).expect("the database can be taken away");
        std::fs::write(&path, database).expect("the database can be put back");
    }

    /// The database as it is, while Placet does not run.
    pub fn database(&self) -> Vec<u8> {
        std::fs::read(self.path().join("placet.db")).expect("the database can be read")
    }

    /// From the next start on the database may have so many pages, and no more.
    pub fn limit_pages(&mut self, pages: Option<u32>) {
        self.pages = pages;
    }

    /// Starts Placet on the directory that it always had.
    pub async fn start(&mut self) {
        self.stop();
        let settings = Settings {
            durable: false,
            page_limit: self.pages,
            ..Settings::new(self.path().to_owned())
        };
        let store = Store::open(settings, Self::key()).await.expect("the store opens");
        let head = match store.checkpoint().await {
            Ok(note) => placet_ledger::Checkpoint::open(&note, store.verifier())
                .map_or(0, |checkpoint| checkpoint.size),
            Err(_) => 0,
        };
        self.fate.revive(head);
        let (fate, nature) = (self.fate.clone(), self.nature.clone());
        let store = store.behind(move |log| {
            Arc::new(ChaosLog { log, fate, nature }) as Arc<dyn placet_store::Log>
        });
        prepare_journal(&self.journal());
        let options = Options {
            observe_seconds: OBSERVE_SECONDS,
            calls_at_once: 8,
            journal: self.journal(),
            incidents: None,
            channels: self.mail.channels(),
            trust_clock: self.trust_clock,
        };
        let node = async |options: Options| {
            let environment = Arc::new(self.nature.clone());
            Engine::new(store.clone(), environment, self.registry(), options).await
        };
        let (engine, other) = (node(options.clone()).await, node(options).await);
        self.process = Some(Process { engine, other, store });
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::shipped();
        let targets = self.targets.clone();
        let build = move |settings: &BTreeMap<String, String>| {
            let name = settings.get("name").cloned().unwrap_or_default();
            let target = targets.get(&name).cloned();
            target
                .map(|one| Arc::new(one) as Arc<dyn Connector>)
                .ok_or_else(|| format!("there is no simulated target `{name}`"))
        };
        registry.add("simulated", &[("name", Value::Text)], Arc::new(build));
        registry
    }

    /// The journal of endings.
    pub fn journal(&self) -> PathBuf {
        self.path().join("endings")
    }

    // ---- what happens ----

    /// Lets something happen to its end, or to the death of the process.
    async fn lives<T>(&self, future: impl Future<Output = T>) -> Result<T, Broken> {
        tokio::select! {
            biased;
            () = self.fate.death() => Err(Broken::Crashed),
            out = future => Ok(out),
        }
    }

    /// One round of all workers.
    pub async fn work(&self) -> Result<Stepped, Broken> {
        let engine = self.engine().clone();
        self.lives(engine.step()).await
    }

    /// A person, or a program by its token, does something.
    pub async fn run<C: Command>(&self, actor: Actor, command: &C) -> Result<C::Output, Broken> {
        let engine = self.engine().clone();
        Ok(self.lives(engine.run(actor, command)).await??)
    }

    /// A person does something in a session of their own.
    pub async fn by<C: Command>(&mut self, who: &str, command: &C) -> Result<C::Output, Broken> {
        let actor = self.actor(who).await?;
        self.run(actor, command).await
    }

    /// Both decide on the same facts: the first has decided when the second does it all, and only
    /// then tries to make it durable.
    pub async fn overtaken<C: Command, D: Command>(
        &self,
        (first, slow): (Actor, &C),
        (second, fast): (Actor, &D),
    ) -> Result<(Result<C::Output, Broken>, Result<D::Output, Broken>), Broken> {
        let engine = self.engine().clone();
        let race = self.fate.hold(0);
        let slow = async {
            let out = engine.run(first, slow).await;
            self.fate.finished(&race);
            out
        };
        let fast = async {
            race.overtake().await;
            let out = engine.run(second, fast).await;
            race.let_go();
            out
        };
        let (slow, fast) = self.lives(async { tokio::join!(slow, fast) }).await?;
        Ok((slow.map_err(Broken::from), fast.map_err(Broken::from)))
    }

    /// The workers go round, and before their commit after `later` others somebody does something.
    pub async fn interrupted<C: Command>(
        &self,
        later: u32,
        (actor, command): (Actor, &C),
    ) -> Result<C::Output, Broken> {
        let engine = self.engine().clone();
        let race = self.fate.hold(later);
        let workers = async {
            engine.step().await;
            self.fate.finished(&race);
        };
        let somebody = async {
            race.overtake().await;
            let out = engine.run(actor, command).await;
            race.let_go();
            out
        };
        let ((), out) = self.lives(async { tokio::join!(workers, somebody) }).await?;
        Ok(out?)
    }

    /// Two nodes go round at once; the commit of one after `later` others is overtaken by the whole
    /// round of the other.
    pub async fn work_twice(&self, later: u32) -> Result<(), Broken> {
        let process = self.process.as_ref().expect("Placet runs");
        let race = self.fate.hold(later);
        let slow = async {
            process.engine.step().await;
            self.fate.finished(&race);
        };
        let fast = async {
            race.overtake().await;
            process.other.step().await;
            race.let_go();
        };
        self.lives(async { tokio::join!(slow, fast) }).await.map(drop)
    }

    /// Time passes; whoever administers stays logged in over it, if Placet runs.
    pub async fn pass(&mut self, seconds: u64) {
        let mut left = seconds;
        while left > 0 {
            let slice = left.min(SLICE);
            left -= slice;
            let codes = self.codes_for(slice).await;
            self.nature.pass(slice);
            for (handle, code) in codes {
                self.open(&handle, &code).await;
            }
        }
    }

    /// Sets the clock right, little by little: Placet may take it for days earlier, and the
    /// administrators have to stay logged in over that.
    pub async fn set_clock_right(&mut self) {
        loop {
            let codes = self.codes_for(SLICE).await;
            let is_right = self.nature.set_clock_nearer(SLICE / 2);
            for (handle, code) in codes {
                self.open(&handle, &code).await;
            }
            if is_right {
                return;
            }
        }
    }

    pub fn can_log_in(&self) -> bool {
        self.is_up() && self.mode() == Mode::Normal && self.pages.is_none()
    }

    /// Codes by which the administrators log in again after a pause that outlasts their sessions.
    async fn codes_for(&mut self, pause: u64) -> Vec<(String, Secret)> {
        let mut codes = Vec::new();
        if !self.can_log_in() {
            return codes;
        }
        let needed = self.nature.moment().plus_seconds(pause + RENEW);
        self.fate.calm(true);
        for admin in ADMINISTRATORS {
            let Some((session, until)) = self.sessions.get(admin).cloned() else { continue };
            if until > needed {
                continue;
            }
            let engine = self.engine().clone();
            let actor = engine.authenticate(&session).await.expect("administrators stay logged in");
            let code = IssueLoginCode { person: admin.to_owned() };
            let given = engine.run(actor, &code).await.expect("administrators issue codes");
            codes.push((admin.to_owned(), given.secret));
        }
        self.fate.calm(false);
        codes
    }

    async fn open(&mut self, handle: &str, code: &Secret) {
        self.fate.calm(true);
        let session = self.engine().log_in(code).await;
        self.fate.calm(false);
        let session = session.expect("a fresh code opens a session");
        self.keep(handle, session.secret, session.expires_at);
    }

    /// The actor behind a person's session; a new one is opened where there is none.
    pub async fn actor(&mut self, who: &str) -> Result<Actor, Broken> {
        let now = self.nature.moment();
        let kept = self.sessions.get(who).filter(|(_, until)| now < *until).cloned();
        if let Some((session, _)) = kept
            && let Ok(actor) = self.engine().authenticate(&session).await
        {
            return Ok(actor);
        }
        if !self.can_log_in() {
            return Err(Broken::Refused(Refusal::NotAuthenticated {}));
        }
        let codes = self.codes_for(0).await;
        for (handle, code) in codes {
            self.open(&handle, &code).await;
        }
        let administrator = self.sessions.get(ADMINISTRATORS[0]).cloned();
        let (session, _) = administrator.expect("administrators stay logged in");
        let engine = self.engine().clone();
        let admin = engine.authenticate(&session).await?;
        self.fate.calm(true);
        let given = engine.run(admin, &IssueLoginCode { person: who.to_owned() }).await;
        let opened = match given {
            Ok(given) => engine.log_in(&given.secret).await,
            Err(error) => Err(error),
        };
        self.fate.calm(false);
        let opened = opened?;
        let secret = opened.secret.clone();
        self.keep(who, opened.secret, opened.expires_at);
        Ok(engine.authenticate(&secret).await?)
    }

    /// Forgets the session that a person kept, as after logging out.
    pub fn forget_session(&mut self, who: &str) {
        self.sessions.remove(who);
    }

    /// The evidence of a request, as its file.
    pub async fn evidence(&mut self, who: &str, request: RequestId) -> Result<String, Broken> {
        let actor = self.actor(who).await?;
        let engine = self.engine().clone();
        Ok(self.lives(engine.export_evidence(actor, request)).await??)
    }

    /// Somebody says that something has ended elsewhere.
    pub async fn report(&mut self, who: &str, event: &str) -> Result<Reported, Broken> {
        let actor = self.actor(who).await?;
        let engine = self.engine().clone();
        Ok(self.lives(engine.report_ending(actor, event)).await??)
    }

    /// The actor behind a secret that somebody presents.
    pub async fn present(&self, secret: &Secret) -> Result<Actor, Broken> {
        Ok(self.engine().authenticate(secret).await?)
    }

    // ---- who is who ----

    pub fn name(&self, id: IdentityId) -> &str {
        self.names.get(&id).map_or("?", String::as_str)
    }

    pub fn id_of_target(&self, name: &str) -> Option<TargetId> {
        self.target_ids.get(name).copied()
    }

    pub fn id(&self, name: &str) -> Option<IdentityId> {
        self.names.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
    }
}

/// A bundle under which nothing is granted, for as long as it rules.
pub fn forbidding() -> Bundle {
    let mut bundle = placet_policy::shipped();
    let stop = "@id(\"guard.stop\")\n@why(\"Nothing is granted until further notice.\")\n\
                forbid (principal, action in Action::\"fulfil\", resource);\n\
                @id(\"break.stop\")\n@why(\"Nothing is granted until further notice.\")\n\
                forbid (principal, action == Action::\"break_glass\", resource);\n";
    bundle.files.insert("policies/stop.cedar".to_owned(), stop.to_owned());
    bundle
}

/// A directory in memory, where there is one.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("placet-sim-").tempdir_in(dir).expect("a directory")
}

/// Room for the journal is taken before it is needed, as the engine's own `journal::prepare` does.
pub fn prepare_journal(path: &Path) {
    if !path.exists() {
        std::fs::write(path, vec![0; ROOM]).expect("the journal can be made");
    }
}
