//! Governed rows against the ledger: every row must be the fold of its stream's events, column by
//! column. Rows are taken some at a time, so memory does not grow with the data.

use std::collections::BTreeMap;

use placet_domain::canonical::Digest;
use placet_domain::entry::Entry;
use placet_domain::id::Stream;
use placet_domain::state::{self, State};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::Store;
use crate::aggregate::{self, MEMBER_TABLES, Members, ROW_TABLES, Shape, Value};
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
pub(crate) const STEP: i64 = 200;

impl Report {
    pub(crate) fn differ(&mut self, table: &str, row: &str, what: impl Into<String>) {
        let (table, row) = (table.to_owned(), row.to_owned());
        let found = Difference { table, row, what: what.into() };
        if self.differences.len() < SHOWN && !self.differences.contains(&found) {
            self.differences.push(found);
        }
    }
}

impl Store {
    /// Compares every governed row with the fold of its events, and every entry's columns with
    /// the entry.
    pub async fn verify_state(&self) -> Result<Report, Error> {
        let mut report = Report::default();
        self.verify_entries(&mut report).await?;
        self.verify_trails(&mut report).await?;
        for table in ROW_TABLES {
            self.verify_table(table, &mut report).await?;
        }
        self.verify_missing_rows(&mut report).await?;
        self.verify_stray_members(&mut report).await?;
        self.verify_sets(&mut report).await?;
        self.verify_disclosed(&mut report).await?;
        Ok(report)
    }

    /// The columns beside each entry come from the entry itself, and no index is left out.
    async fn verify_entries(&self, report: &mut Report) -> Result<(), Error> {
        let mut next = i64::MIN;
        loop {
            let rows = sqlx::query(
                "select e.idx, e.id, e.stream, e.version, e.trail, e.nth, e.body, t.nth \
                 from ledger_entry e left join trail t on t.trail = e.trail \
                 where e.idx >= $1 order by e.idx limit $2",
            )
            .bind(next)
            .bind(STEP)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            next = last.try_get::<i64, _>(0)? + 1;
            for row in &rows {
                let index: i64 = row.try_get(0)?;
                let name = format!("entry {index}");
                if u64::try_from(index) != Ok(report.entries) {
                    report.differ("ledger_entry", &name, "it does not follow on the one before");
                }
                report.entries += 1;
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
                if row.try_get::<Option<i64>, _>(7)?.is_none() {
                    let trail = entry.trail.to_string();
                    report.differ("trail", &trail, "the ledger made it, and it is gone");
                }
            }
        }
    }

    /// Each trail ends in its last entry.
    async fn verify_trails(&self, report: &mut Report) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let rows = sqlx::query(
                "select t.trail, t.nth, t.head, e.nth, e.body from trail t \
                 left join ledger_entry e on e.trail = t.trail and e.nth = \
                 (select max(last.nth) from ledger_entry last where last.trail = t.trail) \
                 where t.trail > $1 order by t.trail limit $2",
            )
            .bind(&after)
            .bind(STEP)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in &rows {
                let nth: Option<i64> = row.try_get(3)?;
                let body: Option<&str> = row.try_get(4)?;
                let head = body.map(|body| Digest::of(body.as_bytes()).to_string());
                if row.try_get(1).ok() != nth || row.try_get(2).ok() != head {
                    report.differ("trail", row.try_get(0)?, "its head is not its last entry");
                }
            }
        }
    }

    async fn verify_table(&self, table: &'static str, report: &mut Report) -> Result<(), Error> {
        let mut page = Run { table, after: String::new(), last: String::new() };
        loop {
            let sql = format!("select id from {table} where id > $1 order by id limit $2");
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(&page.last)
                .bind(STEP)
                .fetch_all(&mut *self.read.lend().await?)
                .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            page = Run { after: page.last, last: last.try_get(0)?, ..page };
            let mut ids = Vec::with_capacity(rows.len());
            for row in &rows {
                report.rows += 1;
                ids.push(row.try_get::<String, _>(0)?);
            }
            self.verify_run(&page, &ids, report).await?;
        }
    }

    /// A run of rows, with a handful of questions for all of them.
    async fn verify_run(
        &self,
        run: &Run,
        ids: &[String],
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut folds = self.folded(run).await?;
        let mut shapes = Vec::new();
        for id in ids {
            let Ok(stream) = id.parse::<Stream>() else {
                report.differ(run.table, id, "its id cannot be read");
                continue;
            };
            if aggregate::table_of(&stream) != run.table {
                report.differ(run.table, id, "it does not belong in this table");
                continue;
            }
            match folds.remove(id) {
                Some(Ok((Some(state), version))) => {
                    shapes.push((id, aggregate::shape(&state)?, version, state.sets()));
                }
                Some(Ok((None, _))) | None => {
                    report.differ(run.table, id, "no event in the ledger made it");
                }
                Some(Err(error)) => {
                    report.differ(run.table, id, format!("its entries do not fold: {error}"));
                }
            }
        }
        // The rows of a table have the same columns and members.
        let Some((_, first, ..)) = shapes.first() else { return Ok(()) };
        let rows = self.rows(run, first).await?;
        for (id, shape, version, _) in &shapes {
            match rows.get(*id).map(|row| compare(shape, *version, row)) {
                None => report.differ(run.table, id, "it went while it was compared"),
                Some(Some(what)) => report.differ(run.table, id, what),
                Some(None) => {}
            }
        }
        for (place, Members { table, parent, column, .. }) in first.members.iter().enumerate() {
            let found = self.members_of(run, table, parent, column).await?;
            for (id, shape, ..) in &shapes {
                let values = shape.members.get(place).map(|one| one.values.as_slice());
                let found = found.get(*id).map(Vec::as_slice).unwrap_or_default();
                let values = values.unwrap_or_default();
                if found.iter().map(Option::as_ref).ne(values.iter().map(Some)) {
                    report.differ(table, id, "it is not what the ledger says");
                }
            }
        }
        let sets: Vec<&str> =
            shapes.iter().flat_map(|(.., sets)| sets).map(String::as_str).collect();
        let known = {
            let mut lent = self.read.lend().await?;
            aggregate::present(&mut lent, "set_version", "name", &sets).await?
        };
        for name in sets.into_iter().filter(|name| !known.contains(*name)) {
            report.differ("set_version", name, "the ledger made it, and it is gone");
        }
        Ok(())
    }

    /// The fold of each stream's events, and its version; or why they do not fold.
    async fn folded(&self, run: &Run) -> Result<BTreeMap<String, Folded>, Error> {
        let Run { table, after, last } = run;
        let sql = format!(
            "select stream, body from ledger_entry where stream in \
             (select id from {table} where id > $1 and id <= $2) order by stream, version"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(after)
            .bind(last)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        let mut folds: BTreeMap<String, Folded> = BTreeMap::new();
        for row in &rows {
            let (name, body): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
            let Ok(stream) = name.parse::<Stream>() else { continue };
            let fold = folds.remove(name).unwrap_or(Ok((None, 0)));
            let next = fold.and_then(|(state, _)| {
                let entry = Entry::decode(body.as_bytes()).map_err(|e| damaged(e.to_string()))?;
                let state = state::apply(&stream, state, &entry.event.0, entry.at)?;
                Ok((state, entry.version))
            });
            folds.insert(name.to_owned(), next);
        }
        Ok(folds)
    }

    /// Version, state and columns of each row.
    async fn rows(&self, run: &Run, shape: &Shape) -> Result<BTreeMap<String, SqliteRow>, Error> {
        let Run { table, after, last } = run;
        let names: Vec<&str> = shape.columns.iter().map(|(name, _)| *name).collect();
        let columns = [&["version", "state"][..], &names, &["id"]].concat().join(", ");
        let sql = format!("select {columns} from {table} where id > $1 and id <= $2");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(after)
            .bind(last)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        rows.into_iter().map(|row| Ok((row.try_get(names.len() + 2)?, row))).collect()
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
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            let mut tables: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
            for row in &rows {
                // An entry whose stream cannot be read has been named already.
                let Ok(stream) = parsed::<Stream>(row, 0) else { continue };
                tables.entry(aggregate::table_of(&stream)).or_default().push(row.try_get(0)?);
            }
            for (table, ids) in tables {
                let known = {
                    let mut lent = self.read.lend().await?;
                    aggregate::present(&mut lent, table, "id", &ids).await?
                };
                for id in ids.into_iter().filter(|id| !known.contains(*id)) {
                    report.differ(table, id, "the ledger made it, and it is gone");
                }
            }
        }
    }

    /// Rows of a table of their own that belong to governed rows, by these: teams, approvers.
    async fn members_of(
        &self,
        run: &Run,
        members: &str,
        parent: &str,
        column: &str,
    ) -> Result<BTreeMap<String, Vec<Option<String>>>, Error> {
        let Run { table, after, last } = run;
        let sql = format!(
            "select {parent}, {column} from {members} where {parent} in \
             (select id from {table} where id > $1 and id <= $2) order by {parent}, {column}"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(after)
            .bind(last)
            .fetch_all(&mut *self.read.lend().await?)
            .await?;
        let mut found: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        for row in &rows {
            found.entry(row.try_get(0)?).or_default().push(row.try_get(1).ok());
        }
        Ok(found)
    }

    /// Members whose governed row does not exist.
    async fn verify_stray_members(&self, report: &mut Report) -> Result<(), Error> {
        for (table, parent, of) in MEMBER_TABLES {
            let sql = format!(
                "select distinct {parent} from {table} where {parent} not in (select id from {of}) \
                 order by {parent} limit $1"
            );
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(STEP)
                .fetch_all(&mut *self.read.lend().await?)
                .await?;
            for row in &rows {
                report.differ(table, row.try_get(0)?, "it belongs to no row");
            }
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
            .fetch_all(&mut *self.read.lend().await?)
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
        let half = parts.split_first().filter(|(first, _)| **first == "half");
        let half = half.map(|(_, rest)| rest.join("/")).unwrap_or_default();
        // A grant joins the set of its half by its second event, the collection.
        let before = if half.is_empty() { 0 } else { 1 };
        let (members, of, and) = match parts.as_slice() {
            ["half", ..] => ("select id from access_grant where half = $1", half.as_str(), ""),
            [state::IDENTITIES] => ("select id from identity", "", ""),
            ["held", target] => ("select id from access_grant where target = $1", *target, ""),
            ["asked", who] => ("select id from request where requester = $1", *who, ""),
            ["holdings", who] => ("select id from access_grant where receiver = $1", *who, ""),
            ["binding", who, entitlement] => (
                "select id from access_grant where receiver = $1 and entitlement || '' = $2",
                *who,
                *entitlement,
            ),
            ["asks", who] => ("select id from request where receiver = $1", *who, ""),
            ["breaks", who] => ("select id from request where emergency_of = $1", *who, ""),
            ["delegations", who] => ("select id from delegation where delegate = $1", *who, ""),
            ["passkeys", who] => ("select id from passkey where holder = $1", *who, ""),
            _ => return Ok(None),
        };
        let sql = format!(
            "select count(*) from ledger_entry where stream in ({members}) and version > $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(of).bind(and).bind(before);
        let row = query.fetch_one(&mut *self.read.lend().await?).await?;
        unsigned(&row, 0).map(Some)
    }
}

/// What a stream's events fold to, and its version.
type Folded = Result<(Option<State>, u64), Error>;

/// Rows of a table that follow on each other by their ids.
struct Run {
    table: &'static str,
    after: String,
    last: String,
}

/// What is wrong with one row, if anything.
fn compare(shape: &Shape, version: u64, row: &SqliteRow) -> Option<String> {
    if unsigned(row, 0).ok() != Some(version) {
        return Some("its version is not that of its last event".to_owned());
    }
    if row.try_get::<&str, _>(1).ok() != Some(&shape.state) {
        return Some("its state is not the fold of its events".to_owned());
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
            return Some(format!("its column `{name}` is not derived from its state"));
        }
    }
    None
}
