//! A throwaway PostgreSQL server. It knows nothing of Placet, so that the tests of the program start
//! theirs with it as well.

#![allow(dead_code)] // Not each test that includes it needs all of it.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

/// Starts and stops a server, and keeps it until the test program ends, however it does.
pub struct Server {
    dir: PathBuf,
    port: u16,
    bin: PathBuf,
    _until_we_end: Child,
}

/// Where the programs of servers are, the newest last: those that are installed, or those that are
/// named, separated by colons.
pub fn bins() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = match std::env::var_os("PLACET_TEST_POSTGRES") {
        Some(named) => std::env::split_paths(&named).collect(),
        None => {
            let found = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
            found.map(|one| one.path().join("bin")).collect()
        }
    };
    found.retain(|bin| bin.join("initdb").exists());
    assert!(
        !found.is_empty(),
        "this test needs a PostgreSQL server: apt-get install postgresql-15"
    );
    if std::env::var_os("PLACET_TEST_POSTGRES").is_none() {
        found.sort();
    }
    found
}

fn is_root() -> bool {
    let out = Command::new("id").arg("-u").output().unwrap();
    out.stdout.starts_with(b"0\n")
}

/// `initdb` refuses root, so as root everything runs as `postgres`.
fn shell(script: &str) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("su");
        command.args(["postgres", "-s", "/bin/sh", "-c", script]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    };
    command.current_dir("/");
    command
}

fn run(script: &str) {
    let out = shell(script).output().unwrap();
    let text = [out.stdout, out.stderr].concat();
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&text));
}

fn run_as_root(script: &str) {
    assert!(Command::new("sh").args(["-c", script]).status().unwrap().success());
}

impl Server {
    pub fn start() -> Self {
        Self::of(bins().pop().unwrap())
    }

    /// The same by these programs.
    pub fn of(bin: PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        if is_root() {
            let uid = |what: &str| {
                let out = Command::new("id").args([what, "postgres"]).output().unwrap();
                String::from_utf8_lossy(&out.stdout).trim().parse().unwrap()
            };
            chown(&dir, Some(uid("-u")), Some(uid("-g"))).unwrap();
            std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let shown = dir.display().to_string();
        let initdb = bin.join("initdb");
        run(&format!(
            "printf boss > {shown}/pw && '{}' -D {shown}/data -A scram-sha-256 -U boss \
             --pwfile={shown}/pw --no-sync -E UTF8 --locale=C.UTF-8 >{shown}/initdb.log 2>&1",
            initdb.display()
        ));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // It lives as long as the pipe to it, so it ends with us, also if we are killed.
        let pg_ctl = bin.join("pg_ctl").display().to_string();
        let watch = format!(
            "cat >/dev/null; '{pg_ctl}' -D {shown}/data -m immediate stop >/dev/null 2>&1; \
             rm -rf {shown}"
        );
        let mut watching = shell(&watch);
        watching.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watching = watching.spawn().unwrap();
        let server = Self { dir, port, bin, _until_we_end: watching };
        server.set(&format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{shown}'\n\
             fsync = off\nlog_statement = 'all'\nlog_connections = on\nmax_connections = 200\n"
        ));
        server.up();
        server
    }

    /// The one that tests share, each with roles of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    pub fn set(&self, settings: &str) {
        let path = self.dir.join("data/postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(settings.as_bytes()).unwrap();
    }

    fn ctl(&self, what: &str) {
        let (ctl, dir) = (self.bin.join("pg_ctl"), self.dir.display());
        run(&format!(
            "'{}' -D {dir}/data -l {dir}/log -w {what} >{dir}/ctl.log 2>&1",
            ctl.display()
        ));
    }

    pub fn up(&self) {
        self.ctl("start");
    }

    pub fn down(&self) {
        self.ctl("-m immediate stop");
    }

    /// As a server does that follows another one: it reads, and no more.
    pub fn become_standby(&self) {
        self.ctl("-m fast stop");
        run(&format!("touch {}/data/standby.signal", self.dir.display()));
        self.up();
    }

    /// All processes of the server stand still, or go on.
    pub fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        run(&format!("kill -{signal} {pid}; pkill -{signal} -P {pid} || true"));
    }

    /// A file in the server's folder, which only the server can read.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.dir.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            run_as_root(&format!("chown postgres:postgres {}", path.display()));
        }
        path.display().to_string()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    pub async fn connect(&self, user: &str, password: &str) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect(&self.address(user, password, "postgres")).await
    }

    pub async fn boss(&self) -> PgConnection {
        self.connect("boss", "boss").await.unwrap()
    }

    /// Somebody who may do anything does something by hand.
    pub async fn by_hand(&self, statements: &str) {
        run_sql(&mut self.boss().await, statements).await.unwrap();
    }

    pub async fn is_since_16(&self) -> bool {
        self.ask("show server_version_num").await.parse::<u32>().unwrap() >= 160_000
    }

    pub async fn ask(&self, question: &str) -> String {
        let mut boss = self.boss().await;
        let row = boss.fetch_one(AssertSqlSafe(question)).await.unwrap();
        row.try_get::<Option<String>, _>(0).unwrap().unwrap_or_default()
    }
}

pub async fn run_sql(connection: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.map(drop)
}

/// Whether somebody can still do something in their session, within a moment.
pub async fn goes_on(session: &mut PgConnection) -> bool {
    let asked = session.execute("select 1");
    matches!(tokio::time::timeout(Duration::from_secs(5), asked).await, Ok(Ok(_)))
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
