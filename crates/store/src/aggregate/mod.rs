//! Aggregates: how a governed row is loaded and saved. One file each says its table and derived
//! columns; this file turns that into SQL, so that `commit` knows streams and versions alone.

mod credential;
mod delegation;
mod entitlement;
mod finding;
mod grant;
mod handover;
mod identity;
mod organisation;
mod passkey;
mod proposal;
mod request;
mod schedule;
mod target;
mod team;

use std::collections::BTreeSet;

use placet_domain::canonical;
use placet_domain::id::Stream;
use placet_domain::state::State;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use crate::error::{Error, damaged};
use crate::row::signed;
use crate::script::Script;
pub(crate) use crate::script::Value;

/// Rows of a table of its own that belong to one governed row.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Members {
    pub table: &'static str,
    pub parent: &'static str,
    pub column: &'static str,
    pub values: Vec<String>,
}

/// A state with a table of its own.
pub trait Aggregate: Serialize + DeserializeOwned + Clone {
    #[doc(hidden)]
    const TABLE: &'static str;
    #[doc(hidden)]
    fn into_state(self) -> State;
}

/// The table and derived columns of a state.
pub(crate) struct Shape {
    pub table: &'static str,
    pub state: String,
    pub columns: Vec<(&'static str, Value)>,
    pub members: Vec<Members>,
}

pub(crate) fn shape(state: &State) -> Result<Shape, Error> {
    fn of<T: Aggregate>(
        state: &T,
        columns: Vec<(&'static str, Value)>,
        members: Vec<Members>,
    ) -> Result<Shape, Error> {
        let text = canonical::text(state).map_err(|e| damaged(e.to_string()))?;
        Ok(Shape { table: T::TABLE, state: text, columns, members })
    }
    match state {
        State::Organisation(one) => of(one, Vec::new(), Vec::new()),
        State::Identity(one) => of(one, identity::columns(one), vec![identity::teams(one)]),
        State::Team(one) => of(one, Vec::new(), Vec::new()),
        State::Target(one) => of(one, target::columns(one), Vec::new()),
        State::Entitlement(one) => of(one, entitlement::columns(one), Vec::new()),
        State::Request(one) => {
            of(one, request::columns(one), vec![request::approvers(one), request::ends_on(one)])
        }
        State::Grant(one) => of(one, grant::columns(one), Vec::new()),
        State::Finding(one) => of(one, finding::columns(one), Vec::new()),
        State::Credential(one) => of(one, credential::columns(one), Vec::new()),
        State::Delegation(one) => of(one, delegation::columns(one), Vec::new()),
        State::Schedule(one) => of(one, Vec::new(), Vec::new()),
        State::Proposal(one) => of(one, proposal::columns(one), Vec::new()),
        State::Handover(one) => of(one, handover::columns(one), Vec::new()),
        State::Passkey(one) => of(one, passkey::columns(one), Vec::new()),
    }
}

/// The table in which a stream has its row.
pub(crate) fn table_of(stream: &Stream) -> &'static str {
    match stream {
        Stream::Organisation => "organisation",
        Stream::Identity(_) => "identity",
        Stream::Team(_) => "team",
        Stream::Target(_) => "target",
        Stream::Entitlement(_) => "entitlement",
        Stream::Request(_) => "request",
        Stream::Grant(_) => "access_grant",
        Stream::Finding(_) => "finding",
        Stream::Credential(_) => "credential",
        Stream::Delegation(_) => "delegation",
        Stream::Schedule(_) => "schedule",
        Stream::Proposal(_) => "proposal",
        Stream::Handover(_) => "handover",
        Stream::Passkey(_) => "passkey",
    }
}

/// The tables of members: the table, its parent's column, and the table of the parent.
pub(crate) const MEMBER_TABLES: &[(&str, &str, &str)] = &[
    ("identity_team", "identity", "identity"),
    ("request_approver", "request", "request"),
    ("request_ends_on", "request", "request"),
];

/// The governed tables with one row a stream, in a fixed order.
pub(crate) const ROW_TABLES: &[&str] = &[
    "organisation",
    "identity",
    "team",
    "target",
    "entitlement",
    "request",
    "access_grant",
    "finding",
    "credential",
    "delegation",
    "schedule",
    "proposal",
    "handover",
    "passkey",
];

pub(crate) fn read_state(stream: &Stream, text: &str) -> Result<State, Error> {
    fn of<T: Aggregate>(stream: &Stream, text: &str) -> Result<State, Error> {
        serde_json::from_str::<T>(text)
            .map(T::into_state)
            .map_err(|e| damaged(format!("the row of `{stream}` cannot be read: {e}")))
    }
    match stream {
        Stream::Organisation => of::<placet_domain::organisation::Organisation>(stream, text),
        Stream::Identity(_) => of::<placet_domain::identity::Identity>(stream, text),
        Stream::Team(_) => of::<placet_domain::team::Team>(stream, text),
        Stream::Target(_) => of::<placet_domain::target::Target>(stream, text),
        Stream::Entitlement(_) => of::<placet_domain::entitlement::Entitlement>(stream, text),
        Stream::Request(_) => of::<placet_domain::request::Request>(stream, text),
        Stream::Grant(_) => of::<placet_domain::grant::Grant>(stream, text),
        Stream::Finding(_) => of::<placet_domain::finding::Finding>(stream, text),
        Stream::Credential(_) => of::<placet_domain::credential::Credential>(stream, text),
        Stream::Delegation(_) => of::<placet_domain::delegation::Delegation>(stream, text),
        Stream::Schedule(_) => of::<placet_domain::schedule::Schedule>(stream, text),
        Stream::Proposal(_) => of::<placet_domain::proposal::Proposal>(stream, text),
        Stream::Handover(_) => of::<placet_domain::handover::Handover>(stream, text),
        Stream::Passkey(_) => of::<placet_domain::passkey::Passkey>(stream, text),
    }
}

/// The query for one row's version and state.
pub(crate) fn select(table: &'static str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("select version, state from {table} where id = $1"))
}

/// Those of these rows that are there.
pub(crate) async fn present(
    connection: &mut SqliteConnection,
    table: &'static str,
    key: &'static str,
    names: &[&str],
) -> Result<BTreeSet<String>, Error> {
    let mut script = Script::default();
    script.add_keyed(&format!("select {key} from {table} where {key} in ($1)"), names);
    let rows = script.rows(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Writes the row of a stream, with its derived columns, at a new version.
pub(crate) fn save(
    script: &mut Script,
    stream: &Stream,
    state: &State,
    version: u64,
) -> Result<(), Error> {
    let shape = shape(state)?;
    let mut names = vec!["id", "version", "state"];
    let mut values = vec![Value::text(stream), signed(version)?.into(), Value::Text(shape.state)];
    for (name, value) in shape.columns {
        names.push(name);
        values.push(value);
    }
    let holes: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
    let sets: Vec<String> =
        names.iter().skip(1).map(|name| format!("{name} = excluded.{name}")).collect();
    let sql = format!(
        "insert into {} ({}) values ({}) on conflict (id) do update set {}",
        shape.table,
        names.join(", "),
        holes.join(", "),
        sets.join(", ")
    );
    script.add(sql, values);
    for members in shape.members {
        save_members(script, stream, members);
    }
    Ok(())
}

fn save_members(script: &mut Script, stream: &Stream, members: Members) {
    let Members { table, parent, column, values } = members;
    script.add(format!("delete from {table} where {parent} = $1"), [Value::text(stream)]);
    for value in values {
        script.add(
            format!("insert into {table} ({parent}, {column}) values ($1, $2)"),
            [Value::text(stream), Value::Text(value)],
        );
    }
}
