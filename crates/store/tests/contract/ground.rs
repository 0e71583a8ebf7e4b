//! The ground that a test stands on: an empty data directory, and how a store is opened on it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use placet_domain::id::EventId;
use placet_ledger::{LogKey, Receipt};
use placet_store::{Commit, Done, Error, Log, Settings, Store};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::sync::Notify;

pub fn key() -> LogKey {
    LogKey::from_seed("placet.test/log", &[7; 32]).unwrap()
}

/// Which store stands on the ground.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Sqlite,
    /// The same, but its receipts come later than its answers, as where another node sequences.
    Slow,
}

#[derive(Debug)]
pub struct Ground {
    kind: Kind,
    dir: tempfile::TempDir,
    pub page_limit: Option<u32>,
}

impl Ground {
    pub fn sqlite() -> Self {
        Self { kind: Kind::Sqlite, dir: tempfile::tempdir().unwrap(), page_limit: None }
    }

    pub fn slow() -> Self {
        Self { kind: Kind::Slow, ..Self::sqlite() }
    }

    pub fn is_slow(&self) -> bool {
        self.kind == Kind::Slow
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn settings(&self) -> Settings {
        let page_limit = self.page_limit;
        Settings { durable: false, page_limit, ..Settings::new(self.dir.path()) }
    }

    pub async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub async fn try_open(&self) -> Result<Store, Error> {
        let store = Store::open(self.settings(), key()).await?;
        Ok(match self.kind {
            Kind::Sqlite => store,
            Kind::Slow => store.behind(|inner| Arc::new(Withholding::before(inner))),
        })
    }

    /// Runs SQL beside the store, as somebody does who has the file.
    pub async fn sql(&self, text: &str) -> Result<(), sqlx::Error> {
        let mut connection = connect(&self.path("placet.db")).await;
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut connection).await.map(|_| ())
    }

    /// The first column of what a query answers, as text.
    pub async fn ask(&self, query: &str) -> Vec<String> {
        self.ask_in(&self.path("placet.db"), query).await
    }

    async fn ask_in(&self, database: &Path, query: &str) -> Vec<String> {
        let mut connection = connect(database).await;
        let rows = sqlx::query(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await;
        rows.unwrap().iter().map(|row| row.get::<String, _>(0)).collect()
    }

    pub async fn tables(&self) -> Vec<String> {
        self.ask("select name from sqlite_schema where type = 'table' order by name").await
    }

    pub async fn columns(&self, table: &str) -> Vec<String> {
        self.ask(&format!("select name from pragma_table_info('{table}')")).await
    }

    /// Every row of every table, as text: to show that nothing changed.
    pub async fn dump(&self) -> Vec<String> {
        let mut out = Vec::new();
        for table in self.tables().await {
            let columns = self.columns(&table).await;
            let quoted: Vec<String> = columns.iter().map(|one| format!("quote({one})")).collect();
            let query = format!("select {} from {table} order by 1", quoted.join(" || ', ' || "));
            out.extend(self.ask(&query).await.into_iter().map(|row| format!("{table}: {row}")));
        }
        out
    }

    /// Keeps a copy of every table and trigger as they are, beside the open store.
    pub async fn copy_live(&self) -> PathBuf {
        let copy = self.path("before.db");
        let _ = std::fs::remove_file(&copy);
        self.sql(&format!("vacuum into '{}'", copy.display())).await.unwrap();
        copy
    }

    /// Puts the contents of such a copy back, row by row, while the store stays open.
    pub async fn restore_live(&self, copy: &Path) {
        let mut text = format!("attach '{}' as kept; begin;", copy.display());
        text.push_str("drop trigger if exists ledger_entry_kept;");
        text.push_str("drop trigger if exists ledger_entry_never_deleted;");
        for table in self.tables().await {
            text.push_str(&format!("delete from main.{table};"));
            // With their row ids, by which tests name rows.
            let columns = self.columns(&table).await.join(", ");
            text.push_str(&format!(
                "insert into main.{table} (rowid, {columns}) select rowid, {columns} from kept.{table};"
            ));
        }
        text.push_str("commit;");
        for trigger in
            self.ask_in(copy, "select sql from sqlite_schema where type = 'trigger'").await
        {
            text.push_str(&trigger);
            text.push(';');
        }
        self.sql(&text).await.unwrap();
    }

    /// Copies everything that a backup of the directory would hold; no store may be open.
    pub fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// Puts the database of a copy back; the other files stay as they are now.
    pub fn put_back_database(&self, copy: &tempfile::TempDir) {
        for name in ["placet.db", "placet.db-wal", "placet.db-shm"] {
            let _ = std::fs::remove_file(self.path(name));
            let from = copy.path().join(name);
            if from.exists() {
                std::fs::copy(from, self.path(name)).unwrap();
            }
        }
    }

    /// Waits until a dropped store has let go of its files, so that they can be replaced.
    pub async fn settled(&self) {
        let held = || {
            let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
                // Nobody says here what is open; that much time is enough.
                std::thread::sleep(Duration::from_millis(300));
                return 0;
            };
            let links = open.filter_map(|one| std::fs::read_link(one.ok()?.path()).ok());
            links.filter(|link| link.starts_with(self.dir.path())).count()
        };
        for _ in 0..1_000 {
            if held() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("a dropped store still holds its files");
    }
}

pub async fn connect(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database);
    SqliteConnection::connect_with(&options.busy_timeout(Duration::from_secs(5))).await.unwrap()
}

/// A log whose receipts come 50 ms after the commit.
#[derive(Debug)]
pub struct Withholding {
    inner: Arc<dyn Log>,
    withheld: Arc<Mutex<BTreeSet<EventId>>>,
    released: Arc<Notify>,
}

impl Withholding {
    fn before(inner: Arc<dyn Log>) -> Self {
        Self { inner, withheld: Arc::default(), released: Arc::default() }
    }
}

#[async_trait::async_trait]
impl Log for Withholding {
    async fn commit(&self, commit: Commit) -> Result<Done, Error> {
        let done = self.inner.commit(commit).await?;
        let (withheld, released) = (self.withheld.clone(), self.released.clone());
        let events = done.events.clone();
        withheld.lock().unwrap().extend(&events);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            withheld.lock().unwrap().retain(|event| !events.contains(event));
            released.notify_waiters();
        });
        Ok(done)
    }

    async fn receipt(&self, event: EventId) -> Result<Receipt, Error> {
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            if !self.withheld.lock().unwrap().contains(&event) {
                return self.inner.receipt(event).await;
            }
            released.await;
        }
    }
}
