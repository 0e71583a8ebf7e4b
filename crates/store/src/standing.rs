//! What stands when a commit is written, as far as the commit has to do with it: the rows that it was
//! decided on and changes, where its trails end, and who was waited for. One message to the database.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::canonical::Digest;
use placet_domain::id::{IdentityId, RequestId, Stream};
use placet_domain::state::State;
use sqlx::{Row as _, SqliteConnection};

use crate::aggregate;
use crate::change::Commit;
use crate::error::{Error, damaged};
use crate::row::{parsed, unsigned};
use crate::script::{Script, Value};

/// Where a trail ends: its last entry, if it has any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head {
    pub nth: u64,
    pub digest: Option<Digest>,
}

#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The versions of rows and sets, of those that are there.
    versions: BTreeMap<String, u64>,
    states: BTreeMap<Stream, State>,
    heads: BTreeMap<Stream, Head>,
    /// Those for whom each request of the commit waited, as the hint in the database has it.
    pub waited: BTreeMap<RequestId, BTreeSet<IdentityId>>,
}

impl Standing {
    pub(crate) async fn read(
        connection: &mut SqliteConnection,
        commit: &Commit,
    ) -> Result<Self, Error> {
        let mut script = Script::default();
        let changed: BTreeSet<&Stream> = commit.changes.iter().map(|one| &one.stream).collect();
        let mut tables: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (stream, _) in commit.facts.rows().filter(|(stream, _)| !changed.contains(stream)) {
            tables.entry(aggregate::table_of(stream)).or_default().push(stream.to_string());
        }
        for (table, names) in tables {
            let text = format!("select 'version', id, version, null from {table} where id in ($1)");
            script.add_keyed(&text, names);
        }
        script.add_keyed(
            "select 'version', name, version, null from set_version where name in ($1)",
            commit.facts.sets().map(|(name, _)| name),
        );
        for stream in changed {
            let table = aggregate::table_of(stream);
            script.add(
                format!("select 'state', id, version, state from {table} where id = $1"),
                [Value::text(stream)],
            );
        }
        let trails: BTreeSet<&Stream> = commit.changes.iter().map(|one| &one.trail).collect();
        script.add_keyed("select 'head', trail, nth, head from trail where trail in ($1)", trails);
        script.add_keyed(
            "select distinct 'waited', request, 0, identity from waiting where request in ($1)",
            commit.waiting.iter().map(|(request, _)| request),
        );
        let mut standing = Self::default();
        for row in script.rows(connection).await? {
            match row.try_get::<&str, _>(0)? {
                "version" => {
                    standing.versions.insert(row.try_get(1)?, unsigned(&row, 2)?);
                }
                "state" => {
                    let stream: Stream = parsed(&row, 1)?;
                    let state = aggregate::read_state(&stream, row.try_get(3)?)?;
                    standing.versions.insert(stream.to_string(), unsigned(&row, 2)?);
                    standing.states.insert(stream, state);
                }
                "head" => {
                    let head = Head { nth: unsigned(&row, 2)?, digest: Some(parsed(&row, 3)?) };
                    standing.heads.insert(parsed(&row, 1)?, head);
                }
                "waited" => {
                    let waited = standing.waited.entry(parsed(&row, 1)?).or_default();
                    waited.insert(parsed(&row, 3)?);
                }
                other => return Err(damaged(format!("nothing asked for `{other}`"))),
            }
        }
        Ok(standing)
    }

    /// Refuses when anything that the decision was made on has moved on.
    pub(crate) fn hold_still(&self, commit: &Commit) -> Result<(), Error> {
        let rows = commit.facts.rows().map(|(stream, version)| (stream.to_string(), version));
        let sets = commit.facts.sets().map(|(name, version)| (name.to_owned(), version));
        match rows.chain(sets).find(|(name, version)| self.version(name) != *version) {
            Some((what, _)) => Err(Error::Stale { what }),
            None => Ok(()),
        }
    }

    /// The version of a row or set; 0 for one that is not there.
    fn version(&self, name: &str) -> u64 {
        self.versions.get(name).copied().unwrap_or(0)
    }

    /// The state of a stream that is about to change, and its version.
    pub(crate) fn take(&mut self, stream: &Stream) -> (Option<State>, u64) {
        (self.states.remove(stream), self.version(&stream.to_string()))
    }

    /// What became of it, for another change of the same stream.
    pub(crate) fn put(&mut self, stream: &Stream, state: State, version: u64) {
        self.versions.insert(stream.to_string(), version);
        self.states.insert(stream.clone(), state);
    }

    /// Where a trail ends, to be moved on.
    pub(crate) fn head(&mut self, trail: &Stream) -> &mut Head {
        self.heads.entry(trail.clone()).or_default()
    }
}
