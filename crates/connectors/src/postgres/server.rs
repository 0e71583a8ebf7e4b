//! One connection for one call: opened with its limits, a transaction whose outcome is told
//! honestly, and the server's answers in words.
//!
//! Until the commit is sent, whatever breaks has surely changed nothing: the server gives an open
//! transaction up with its connection. From then on only its answer tells.

use std::time::Duration;

use placet_domain::action::Outcome;
use sqlx::postgres::{PgConnection, PgDatabaseError, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _};

use super::credentials::Access;
use super::names::{Named, identifier};

/// How long each step may take. Should they add up to more than the 25 seconds after which the engine
/// gives a call up, the server has given it up as well: see `commit`.
const CONNECT: Duration = Duration::from_secs(5);
const WORK: Duration = Duration::from_secs(8);
const COMMIT: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_secs(15);

/// The oldest server that it is tested with.
const OLDEST: i32 = 150_000;

/// From here on each membership has its own options and its own grantor.
const OPTIONS: i32 = 160_000;

/// The limits are the server's too: it must not go on with what was given up here. Nothing in the
/// database may stand before the catalogue's own names.
const LIMITS: &str = "set statement_timeout = '6s'; set lock_timeout = '4s'; \
     set idle_in_transaction_session_timeout = '5s'; set search_path = pg_catalog; \
     set standard_conforming_strings = on; set client_min_messages = error; \
     set timezone = 'UTC'";

pub(super) struct Server {
    connection: PgConnection,
    version: i32,
    /// What the server calls itself, where it says so to this account.
    pub system: Option<String>,
}

/// A role as it stands on the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Role {
    pub oid: i64,
    pub name: String,
    pub can_login: bool,
}

impl Role {
    pub fn quoted(&self) -> Result<String, String> {
        identifier(&self.name)
    }
}

/// What went wrong in words, with the server's own code. The text of a statement is not in it.
pub(super) fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            let message = error.message().lines().next().unwrap_or_default();
            let pg = error.try_downcast_ref::<PgDatabaseError>();
            let detail = pg.and_then(PgDatabaseError::detail).unwrap_or_default();
            let detail: Vec<&str> = detail.lines().take(4).collect();
            match detail.is_empty() || code.starts_with("28") {
                true => format!("the server says: {message} ({code})"),
                false => format!("the server says: {message} ({code}): {}", detail.join("; ")),
            }
        }
        sqlx::Error::Io(error) if error.get_ref().is_some_and(|one| one.is::<rustls::Error>()) => {
            format!("no trusted encryption: {error}")
        }
        sqlx::Error::Io(error) => format!("the connection broke: {error}"),
        sqlx::Error::Tls(error) => format!("no trusted encryption: {error}"),
        other => other.to_string(),
    }
}

/// Runs something for as long as it may take.
async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let late = || Err(format!("no answer within {} seconds", limit.as_secs()));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| late())
}

/// The same for the work of a change.
pub(super) async fn working<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    within(WORK, work).await
}

/// The same for a look.
pub(super) async fn looking<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    within(LOOK, work).await
}

impl Server {
    pub async fn open(access: &Access) -> Result<Self, String> {
        let opened = within(CONNECT, async {
            let mut connection = access.options.connect().await.map_err(|e| words(&e))?;
            connection.execute(LIMITS).await.map_err(|e| words(&e))?;
            let version = sqlx::query("select current_setting('server_version_num')::int4");
            let row = version.fetch_one(&mut connection).await.map_err(|e| words(&e))?;
            let version = row.try_get(0).map_err(|e| words(&e))?;
            let system = sqlx::query("select system_identifier::text from pg_control_system()");
            let system = match system.fetch_one(&mut connection).await {
                Ok(row) => row.try_get(0).map_err(|e| words(&e))?,
                // Some who run servers for others do not let everybody ask.
                Err(error) if is_denied(&error) => None,
                Err(error) => return Err(words(&error)),
            };
            Ok(Self { connection, version, system })
        });
        let shown = access.file.display();
        let server = opened.await.map_err(|why| format!("with `{shown}`: {why}"))?;
        if server.version < OLDEST {
            return Err("the server is older than PostgreSQL 15".to_owned());
        }
        Ok(server)
    }

    /// Opens the transaction of a change.
    pub async fn begin(&mut self) -> Result<(), String> {
        self.run("begin isolation level read committed").await?;
        let read_only = "select pg_is_in_recovery() \
                         or current_setting('transaction_read_only')::bool";
        match self.yes(read_only).await? {
            true => Err("the server is read-only: it is a standby, or told to be".to_owned()),
            false => Ok(()),
        }
    }

    /// Opens the transaction of a look: one moment for all that is read in it.
    pub async fn begin_look(&mut self) -> Result<(), String> {
        self.run("begin isolation level repeatable read read only").await
    }

    /// Whether it follows another server, which it may be behind.
    pub async fn is_standby(&mut self) -> Result<bool, String> {
        self.yes("select pg_is_in_recovery()").await
    }

    /// Whether each membership has its own options and grantor (PostgreSQL 16 and newer).
    pub fn has_options(&self) -> bool {
        self.version >= OPTIONS
    }

    /// A statement that was put together here, out of quoted names.
    pub async fn run(&mut self, statement: impl Into<String>) -> Result<(), String> {
        self.try_run(statement).await.map_err(|error| words(&error))
    }

    pub async fn try_run(&mut self, statement: impl Into<String>) -> Result<(), sqlx::Error> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.into()));
        self.connection.execute(statement).await.map(drop)
    }

    /// Statements that may fail without taking the transaction with them.
    pub async fn attempt(&mut self, statements: &[String]) -> Result<(), sqlx::Error> {
        self.try_run("savepoint attempt").await?;
        for statement in statements {
            if let Err(error) = self.try_run(statement.as_str()).await {
                self.try_run("rollback to savepoint attempt").await?;
                return Err(error);
            }
        }
        self.try_run("release savepoint attempt").await
    }

    pub async fn rows<'q>(
        &mut self,
        query: sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<Vec<PgRow>, String> {
        query.fetch_all(&mut self.connection).await.map_err(|error| words(&error))
    }

    async fn yes(&mut self, question: &'static str) -> Result<bool, String> {
        let rows = self.rows(sqlx::query(question)).await?;
        rows.first().map_or(Ok(false), |row| get(row, 0))
    }

    /// Changes of the same thing go one after the other, whichever process makes them.
    pub async fn alone_with(&mut self, key: i64) -> Result<(), String> {
        let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(key);
        self.rows(lock).await.map(drop)
    }

    pub async fn role(&mut self, name: &str) -> Result<Option<Role>, String> {
        self.find(Named::Name(name)).await
    }

    pub async fn find(&mut self, named: Named<'_>) -> Result<Option<Role>, String> {
        // As a text: as a `name` it would be cut to 63 bytes, and another role could be meant.
        let found = match named {
            Named::Name(name) => {
                sqlx::query("select oid::int8, rolname::text, rolcanlogin from pg_roles where rolname::text = $1")
                    .bind(name.to_owned())
            }
            Named::Oid(oid) => {
                sqlx::query("select oid::int8, rolname::text, rolcanlogin from pg_roles where oid::int8 = $1")
                    .bind(oid)
            }
        };
        let rows = self.rows(found).await?;
        let role = |row: &PgRow| {
            Ok(Role { oid: get(row, 0)?, name: get(row, 1)?, can_login: get(row, 2)? })
        };
        rows.first().map(role).transpose()
    }

    /// Commits, and says what came of it.
    pub async fn commit(&mut self) -> Outcome {
        self.commit_then("").await
    }

    /// The same, and something that the server does right after it: both travel in one message, so
    /// that nobody has to be there any more for the second. What comes of that is to be looked at.
    pub async fn commit_then(&mut self, then: &str) -> Outcome {
        // A server that stood still meanwhile must not do now what was given up long ago.
        match working(self.yes("select clock_timestamp() < now() + interval '15 seconds'")).await {
            Ok(true) => {}
            Ok(false) => {
                let why = "the server took too long, and nothing was committed".to_owned();
                return Outcome::Failed { why };
            }
            Err(why) => return Outcome::Failed { why },
        }
        match tokio::time::timeout(COMMIT, self.try_run(format!("commit; {then}"))).await {
            Ok(Ok(())) => Outcome::Done,
            // Of two statements it is not said which one was refused.
            Ok(Err(error)) if then.is_empty() && surely_not(&error) => {
                Outcome::Failed { why: words(&error) }
            }
            Ok(Err(error)) => {
                let why = format!("whether it was committed is not known: {}", words(&error));
                Outcome::InDoubt { why }
            }
            Err(_) => {
                let why = "the server did not say whether it was committed".to_owned();
                Outcome::InDoubt { why }
            }
        }
    }
}

fn is_denied(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|one| one.code()).is_some_and(|code| code == "42501")
}

/// A commit that was refused for a reason of its own. One that the server, or an operator, cut short
/// may stand all the same.
fn surely_not(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    let code = error.code().unwrap_or_default().into_owned();
    ["23", "25", "40", "42"].iter().any(|class| code.starts_with(class)) && code != "40003"
}

pub(super) fn get<'r, T>(row: &'r PgRow, at: usize) -> Result<T, String>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(at).map_err(|error| words(&error))
}
