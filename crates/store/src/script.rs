//! Statements that go to the database together. A statement by itself is a message to the thread of
//! its connection and back, which costs more than most statements do; a script is one message.
//!
//! Here does not belong: what any statement says.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use crate::error::Error;

/// A value for a place in a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Text(String),
    Int(i64),
    Bool(bool),
    Null,
}

impl Value {
    pub(crate) fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    pub(crate) fn optional(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Null, Self::text)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }
}

/// The most statements in one message: few texts stay prepared, and none is very long.
const AT_ONCE: usize = 32;
/// The most rows that one statement asks for by their keys.
const KEYS: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Script(Vec<(Cow<'static, str>, Vec<Value>)>);

impl Script {
    /// One more statement, whose places are `$1` to the last of its own values.
    pub(crate) fn add(
        &mut self,
        text: impl Into<Cow<'static, str>>,
        values: impl Into<Vec<Value>>,
    ) {
        self.0.push((text.into(), values.into()));
    }

    pub(crate) fn append(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Rows by their keys, any number of them, where the text says `in ($1)`.
    pub(crate) fn add_keyed<K: ToString>(&mut self, text: &str, keys: impl IntoIterator<Item = K>) {
        let keys: Vec<String> = keys.into_iter().map(|key| key.to_string()).collect();
        for some in keys.chunks(KEYS) {
            // As many places as the next power of two, so that there are few texts to prepare; what
            // is left over asks for the first ones again.
            let places = some.len().next_power_of_two();
            let holes: Vec<String> = (1..=places).map(|n| format!("${n}")).collect();
            let keys: Vec<Value> = some.iter().cycle().take(places).map(Value::text).collect();
            self.add(text.replacen("$1", &holes.join(", "), 1), keys);
        }
    }

    pub(crate) async fn run(self, connection: &mut SqliteConnection) -> Result<(), Error> {
        for some in self.0.chunks(AT_ONCE) {
            let text = together(some);
            bound(&text, some).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The rows of all its statements, in their order.
    pub(crate) async fn rows(
        self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<SqliteRow>, Error> {
        let mut rows = Vec::new();
        for some in self.0.chunks(AT_ONCE) {
            let text = together(some);
            rows.extend(bound(&text, some).fetch_all(&mut *connection).await?);
        }
        Ok(rows)
    }

    /// All of it or, where the database refuses one of them, none.
    pub(crate) async fn run_whole(self, connection: &mut SqliteConnection) -> Result<(), Error> {
        let mut whole = Self::default();
        whole.add("savepoint whole", []);
        whole.append(self);
        whole.add("release whole", []);
        let written = whole.run(connection).await;
        if let Err(Error::Taken { .. }) = written {
            let undo = "rollback to whole; release whole";
            sqlx::query(undo).execute(connection).await?;
        }
        written
    }
}

/// One text of several statements, each with places of its own.
fn together(statements: &[(Cow<'static, str>, Vec<Value>)]) -> String {
    let mut out = String::new();
    let mut before = 0;
    for (text, values) in statements {
        let mut parts = text.split('$');
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            let number = number.parse::<usize>().unwrap_or_default();
            // Writing into a text cannot fail.
            let _ = write!(out, "${}{rest}", before + number);
        }
        out.push(';');
        before += values.len();
    }
    out
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

fn bound<'q>(text: &str, statements: &[(Cow<'static, str>, Vec<Value>)]) -> Query<'q> {
    let values = statements.iter().flat_map(|(_, values)| values);
    values.fold(sqlx::query(AssertSqlSafe(text.to_owned())), |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(int) => query.bind(*int),
        Value::Bool(bool) => query.bind(*bool),
        Value::Null => query.bind(Option::<String>::None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_keeps_its_own_places() {
        let mut script = Script::default();
        script.add("insert into a values ($1, $2, $1)", [Value::Int(1), Value::Int(2)]);
        script.add("delete from b", []);
        script.add("select $1 || '' where $2", [Value::Null, Value::Bool(true)]);
        assert_eq!(
            together(&script.0),
            "insert into a values ($1, $2, $1);delete from b;select $3 || '' where $4;"
        );
    }
}
