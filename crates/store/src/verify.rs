//! Governed rows against the ledger: every row must be the fold of its stream's events, column by
//! column. Rows are taken one at a time, so memory does not grow with the data.

use placet_domain::canonical::Digest;
use placet_domain::entry::Entry;
use placet_domain::id::Stream;
use placet_domain::state::{self, State};
use sqlx::{AssertSqlSafe, Row as _};

use crate::Store;
use crate::aggregate::{self, ROW_TABLES, Shape, Value};
use crate::error::{Error, damaged};
use crate::row::{parsed, unsigned};

/// A row that is not what the ledger says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub table: String,
    pub row: String,
    pub what: String,
}

/// What was compared, and what differs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    pub rows: u64,
    pub entries: u64,
    /// At most 100: enough to act on.
    pub differences: Vec<Difference>,
}

const SHOWN: usize = 100;
const STEP: i64 = 200;

impl Report {
    fn differ(&mut self, table: &str, row: &str, what: impl Into<String>) {
        if self.differences.len() < SHOWN {
            let (table, row) = (table.to_owned(), row.to_owned());
            self.differences.push(Difference { table, row, what: what.into() });
        }
    }
}

impl Store {
    /// Compares every governed row with the fold of its events, and every entry's columns with
    /// the entry.
    pub async fn verify_state(&self) -> Result<Report, Error> {
        let mut report = Report::default();
        self.verify_entries(&mut report).await?;
        for table in ROW_TABLES {
            self.verify_table(table, &mut report).await?;
        }
        self.verify_missing_rows(&mut report).await?;
        self.verify_teams(&mut report).await?;
        self.verify_sets(&mut report).await?;
        Ok(report)
    }

    /// The columns beside each entry, and the head of each trail, come from the entry itself.
    async fn verify_entries(&self, report: &mut Report) -> Result<(), Error> {
        let mut next = 0;
        loop {
            let rows = sqlx::query(
                "select e.idx, e.id, e.stream, e.version, e.trail, e.nth, e.body, t.nth, t.head \
                 from ledger_entry e left join trail t on t.trail = e.trail \
                 where e.idx >= $1 order by e.idx limit $2",
            )
            .bind(next)
            .bind(STEP)
            .fetch_all(&self.read)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            next = last.try_get::<i64, _>(0)? + 1;
            for row in &rows {
                report.entries += 1;
                let name = format!("entry {}", row.try_get::<i64, _>(0)?);
                let body: &str = row.try_get(6)?;
                let Ok(entry) = Entry::decode(body.as_bytes()) else {
                    report.differ("ledger_entry", &name, "it cannot be read");
                    continue;
                };
                let same = entry.id.to_string() == row.try_get::<&str, _>(1)?
                    && entry.stream.to_string() == row.try_get::<&str, _>(2)?
                    && entry.version == unsigned(row, 3)?
                    && entry.trail.to_string() == row.try_get::<&str, _>(4)?
                    && entry.nth == unsigned(row, 5)?;
                if !same {
                    report.differ("ledger_entry", &name, "its columns are not those of the entry");
                }
                let head: Option<&str> = row.try_get(8)?;
                let last_of_trail = row.try_get::<Option<i64>, _>(7)? == row.try_get(5)?;
                if last_of_trail && head != Some(&Digest::of(body.as_bytes()).to_string()) {
                    report.differ(
                        "trail",
                        &entry.trail.to_string(),
                        "its head is not its last entry",
                    );
                }
            }
        }
    }

    async fn verify_table(&self, table: &'static str, report: &mut Report) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let sql = format!("select id from {table} where id > $1 order by id limit $2");
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(&after)
                .bind(STEP)
                .fetch_all(&self.read)
                .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in &rows {
                report.rows += 1;
                let id: String = row.try_get(0)?;
                if let Some(what) = self.row_differs(table, &id).await? {
                    report.differ(table, &id, what);
                }
            }
        }
    }

    /// What is wrong with one row, if anything.
    async fn row_differs(&self, table: &str, id: &str) -> Result<Option<String>, Error> {
        let Ok(stream) = id.parse::<Stream>() else {
            return Ok(Some("its id cannot be read".to_owned()));
        };
        let (folded, version) = self.folded(&stream).await?;
        let Some(folded) = folded else {
            return Ok(Some("no event in the ledger made it".to_owned()));
        };
        let shape = aggregate::shape(&folded)?;
        let names: Vec<&str> = shape.columns.iter().map(|(name, _)| *name).collect();
        let columns = [&["version", "state"][..], &names].concat().join(", ");
        let sql = format!("select {columns} from {table} where id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_one(&self.read).await?;
        compare(&shape, version, &row)
    }

    /// The fold of a stream's events, and its version.
    async fn folded(&self, stream: &Stream) -> Result<(Option<State>, u64), Error> {
        let rows = sqlx::query("select body from ledger_entry where stream = $1 order by version")
            .bind(stream.to_string())
            .fetch_all(&self.read)
            .await?;
        let mut state = None;
        let mut version = 0;
        for row in &rows {
            let body: &str = row.try_get(0)?;
            let entry = Entry::decode(body.as_bytes()).map_err(|e| damaged(e.to_string()))?;
            state = state::apply(stream, state, &entry.event.0, entry.at)?;
            version = entry.version;
        }
        Ok((state, version))
    }

    /// A stream in the ledger must have its row.
    async fn verify_missing_rows(&self, report: &mut Report) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let rows = sqlx::query(
                "select stream from ledger_entry where version = 1 and stream > $1 order by stream limit $2",
            )
            .bind(&after)
            .bind(STEP)
            .fetch_all(&self.read)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in &rows {
                let stream: Stream = parsed(row, 0)?;
                let table = aggregate::table_of(&stream);
                let sql = format!("select 1 from {table} where id = $1");
                let found = sqlx::query(AssertSqlSafe(sql))
                    .bind(stream.to_string())
                    .fetch_optional(&self.read)
                    .await?;
                if found.is_none() {
                    report.differ(table, &stream.to_string(), "the ledger made it, and it is gone");
                }
            }
        }
    }

    /// Team memberships stand in a table of their own.
    async fn verify_teams(&self, report: &mut Report) -> Result<(), Error> {
        let rows = sqlx::query("select identity, team from identity_team order by identity, team")
            .fetch_all(&self.read)
            .await?;
        let mut stored: std::collections::BTreeMap<String, Vec<String>> =
            std::collections::BTreeMap::new();
        for row in &rows {
            stored.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
        }
        let rows = sqlx::query("select id from identity order by id").fetch_all(&self.read).await?;
        for row in &rows {
            let stream: Stream = parsed(row, 0)?;
            let (folded, _) = self.folded(&stream).await?;
            let Some(members) =
                folded.as_ref().map(aggregate::shape).transpose()?.and_then(|s| s.members)
            else {
                continue;
            };
            let found = stored.remove(&stream.to_string()).unwrap_or_default();
            if found != members.values {
                report.differ(
                    members.table,
                    &stream.to_string(),
                    "its teams are not those of the ledger",
                );
            }
        }
        for identity in stored.keys() {
            report.differ("identity_team", identity, "it belongs to no identity");
        }
        Ok(())
    }

    /// The version of a set is the number of events of its members.
    async fn verify_sets(&self, report: &mut Report) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let rows = sqlx::query(
                "select name, version from set_version where name > $1 order by name limit $2",
            )
            .bind(&after)
            .bind(STEP)
            .fetch_all(&self.read)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in &rows {
                let name: String = row.try_get(0)?;
                if self.events_of_set(&name).await? != Some(unsigned(row, 1)?) {
                    report.differ(
                        "set_version",
                        &name,
                        "it does not count the events of its members",
                    );
                }
            }
        }
    }

    async fn events_of_set(&self, name: &str) -> Result<Option<u64>, Error> {
        let parts: Vec<&str> = name.split('/').collect();
        let (members, of, and) = match parts.as_slice() {
            [state::IDENTITIES] => ("select id from identity", "", ""),
            ["holdings", who] => ("select id from access_grant where receiver = $1", *who, ""),
            ["binding", who, entitlement] => (
                "select id from access_grant where receiver = $1 and entitlement = $2",
                *who,
                *entitlement,
            ),
            ["asks", who] => ("select id from request where receiver = $1", *who, ""),
            _ => return Ok(None),
        };
        let sql = format!("select count(*) from ledger_entry where stream in ({members})");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(of).bind(and).fetch_one(&self.read).await?;
        unsigned(&row, 0).map(Some)
    }
}

fn compare(
    shape: &Shape,
    version: u64,
    row: &sqlx::sqlite::SqliteRow,
) -> Result<Option<String>, Error> {
    if unsigned(row, 0)? != version {
        return Ok(Some("its version is not that of its last event".to_owned()));
    }
    if row.try_get::<&str, _>(1)? != shape.state {
        return Ok(Some("its state is not the fold of its events".to_owned()));
    }
    for (position, (name, value)) in shape.columns.iter().enumerate() {
        let column = position + 2;
        let same = match value {
            Value::Text(text) => {
                row.try_get::<Option<&str>, _>(column).ok().flatten() == Some(text)
            }
            Value::Int(int) => row.try_get::<Option<i64>, _>(column).ok().flatten() == Some(*int),
            Value::Bool(bool) => {
                row.try_get::<Option<bool>, _>(column).ok().flatten() == Some(*bool)
            }
            Value::Null => row.try_get::<Option<String>, _>(column).is_ok_and(|one| one.is_none()),
        };
        if !same {
            return Ok(Some(format!("its column `{name}` is not derived from its state")));
        }
    }
    Ok(None)
}
