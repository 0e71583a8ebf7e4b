//! Questions that are read, one file each. No row is filtered after SQL has answered, every list
//! has a page, and whoever decides on an answer gets its version noted in `Facts`.

pub mod access;
pub mod calls;
pub mod catalogue;
pub mod due;
pub mod findings;
pub mod governed;
pub mod ground;
pub mod holding;
pub mod inbox;
pub mod lasting;
pub mod ledger;
pub mod named;
pub mod notices;
pub mod observed;
pub mod overview;
pub mod passkeys;
pub mod people;
pub mod sought;
pub mod texts;
pub mod tokens;
pub mod upkeep;
pub mod work;

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::access::Scope;
use placet_domain::id::{IdentityId, Stream};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::Store;
use crate::aggregate::{self, Aggregate};
use crate::change::Facts;
use crate::error::{Error, damaged};
use crate::row::{parsed, unsigned};
use crate::script::{Script, Value};

/// The largest page.
pub const PAGE: u32 = 200;

/// Whose records may be read: SQL filters by it.
#[derive(Clone, Debug)]
pub struct Reader {
    pub who: IdentityId,
    pub scopes: BTreeSet<Scope>,
    /// As of when: what waits for one who delegated is read while the delegation is in force.
    pub at: Timestamp,
}

impl Reader {
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// A page of a list: at most `limit` rows that come after `after` in the list's order.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub limit: Option<u32>,
    /// The id of the last row of the page before.
    pub after: Option<String>,
}

impl Page {
    fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(50).clamp(1, PAGE))
    }
}

/// A governed row and the version at which it was read.
fn row_of<T: Aggregate>(row: &SqliteRow, facts: &mut Facts) -> Result<T, Error> {
    let id: Stream = parsed(row, 0)?;
    facts.row(id.clone(), unsigned(row, 1)?);
    read(&id, row.try_get(2)?)
}

/// The same of a row that says first what it is.
fn tagged<T: Aggregate>(row: &SqliteRow, facts: &mut Facts) -> Result<T, Error> {
    let id: Stream = parsed(row, 1)?;
    facts.row(id.clone(), unsigned(row, 2)?);
    read(&id, row.try_get(3)?)
}

fn read<T: Aggregate>(id: &Stream, text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|e| damaged(format!("the row of `{id}` cannot be read: {e}")))
}

/// Reads the rows of a list, noting nothing: for showing, not for deciding.
fn shown<T: Aggregate>(rows: &[SqliteRow]) -> Result<Vec<T>, Error> {
    rows.iter().map(|row| row_of(row, &mut Facts::default())).collect()
}

impl Store {
    /// The state of a stream, its version noted; a missing one is noted as missing.
    pub async fn load<T: Aggregate>(
        &self,
        stream: impl Into<Stream>,
        facts: &mut Facts,
    ) -> Result<Option<T>, Error> {
        let stream = stream.into();
        let sql = aggregate::select(T::TABLE);
        let row = sqlx::query(sql)
            .bind(stream.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        let Some(row) = row else {
            facts.row(stream, 0);
            return Ok(None);
        };
        facts.row(stream.clone(), unsigned(&row, 0)?);
        read(&stream, row.try_get(1)?).map(Some)
    }

    /// The one row that a statement finds by a text, its version noted.
    async fn found_by<T: Aggregate>(
        &self,
        sql: &'static str,
        text: impl ToString,
        facts: &mut Facts,
    ) -> Result<Option<T>, Error> {
        let row = sqlx::query(sql)
            .bind(text.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        row.map(|row| row_of(&row, facts)).transpose()
    }

    /// The version of any governed row, noted; 0 if there is none.
    pub async fn version(&self, stream: &Stream, facts: &mut Facts) -> Result<u64, Error> {
        let row = sqlx::query(aggregate::select(aggregate::table_of(stream)))
            .bind(stream.to_string())
            .fetch_optional(&mut *self.read.lend().await?)
            .await?;
        let version = row.map_or(Ok(0), |row| unsigned(&row, 0))?;
        facts.row(stream.clone(), version);
        Ok(version)
    }

    /// The version of a set, noted.
    pub async fn note_set(&self, name: String, facts: &mut Facts) -> Result<u64, Error> {
        Ok(self.of_set(name, Script::default(), facts).await?.0)
    }

    /// The version of a set, noted, and what lists of its rows come to. The version is read before
    /// them: who joins in between is noticed at the commit.
    async fn of_set(
        &self,
        name: String,
        lists: Script,
        facts: &mut Facts,
    ) -> Result<(u64, Vec<SqliteRow>), Error> {
        let mut script = Script::default();
        script.add(
            "select coalesce((select version from set_version where name = $1), 0)",
            [Value::text(&name)],
        );
        script.append(lists);
        let mut rows = script.rows(&mut *self.read.lend().await?).await?.into_iter();
        let first = rows.next().ok_or_else(|| damaged("a set has no version"))?;
        let version = unsigned(&first, 0)?;
        facts.set(name, version);
        Ok((version, rows.collect()))
    }
}
