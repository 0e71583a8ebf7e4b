//! One commit: facts held still, events folded, rows and entries written. What stands is read in one
//! go, what follows is thought through in memory, and that is written in one go. Knows streams and
//! versions, no columns.

use std::collections::BTreeMap;

use placet_domain::canonical::Digest;
use placet_domain::entry::{Entry, EventField, VERSION};
use placet_domain::id::{EventId, Stream};
use placet_domain::state;
use sqlx::SqliteConnection;

use crate::aggregate;
use crate::beside;
use crate::change::{Change, Commit};
use crate::error::{Error, damaged};
use crate::outbox;
use crate::row::signed;
use crate::script::{Script, Value};
use crate::standing::{Head, Standing};

/// Where in the ledger a commit is entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub node: &'a str,
    /// The index of its first entry.
    pub first: u64,
}

/// Writes one commit, all of it or nothing. Answers the bytes of its entries in order. Only the
/// measuring of what a ledger costs has no place in it.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    commit: &Commit,
    place: Option<Place<'_>>,
) -> Result<Vec<(EventId, Vec<u8>)>, Error> {
    let mut standing = Standing::read(connection, commit).await?;
    standing.hold_still(commit)?;
    let mut written = Written::default();
    for change in &commit.changes {
        fold(&mut standing, commit, change, place, &mut written)?;
    }
    let Written { entries, told, sets, mut script } = written;
    for (name, by) in sets {
        bump(&mut script, name, by)?;
    }
    beside::write(&mut script, commit)?;
    outbox::write(&mut script, commit, told, &standing.waited);
    script.run_whole(connection).await?;
    Ok(entries)
}

/// What the events of a commit came to: their entries, and what they say to whom.
#[derive(Default)]
struct Written {
    entries: Vec<(EventId, Vec<u8>)>,
    told: outbox::Told,
    /// By how much each set of rows moves on.
    sets: BTreeMap<String, u64>,
    script: Script,
}

fn fold(
    standing: &mut Standing,
    commit: &Commit,
    change: &Change,
    place: Option<Place<'_>>,
    written: &mut Written,
) -> Result<(), Error> {
    let (mut state, mut version) = standing.take(&change.stream);
    if version != change.expected {
        return Err(Error::Stale { what: change.stream.to_string() });
    }
    for (id, event) in &change.events {
        state = state::apply(&change.stream, state, event, commit.at)?;
        version += 1;
        if let Some(Place { node, first }) = place {
            let head = standing.head(&change.trail);
            let bytes = entry(commit, change, node, version, *id, event, *head)?;
            *head = Head { nth: head.nth + 1, digest: Some(Digest::of(&bytes)) };
            let index = first + u64::try_from(written.entries.len()).unwrap_or(u64::MAX);
            keep(&mut written.script, index, *id, change, version, head.nth, &bytes)?;
            written.entries.push((*id, bytes));
        }
        if let Some(state) = &state {
            written.told.hear(&id.to_string(), event, state, commit.at);
        }
    }
    if let Head { nth, digest: Some(digest) } = *standing.head(&change.trail) {
        move_trail(&mut written.script, &change.trail, nth, digest)?;
    }
    if let Some(state) = state {
        aggregate::save(&mut written.script, &change.stream, &state, version)?;
        // A row never leaves a set, so each counts the events of its members since they joined.
        for name in state.sets() {
            *written.sets.entry(name).or_default() += version - change.expected;
        }
        standing.put(&change.stream, state, version);
    }
    Ok(())
}

fn move_trail(script: &mut Script, trail: &Stream, nth: u64, digest: Digest) -> Result<(), Error> {
    script.add(
        "insert into trail (trail, nth, head) values ($1, $2, $3) \
         on conflict (trail) do update set nth = excluded.nth, head = excluded.head",
        [Value::text(trail), signed(nth)?.into(), Value::text(digest)],
    );
    Ok(())
}

/// The bytes of the entry that comes after the head of its trail, and links to it.
fn entry(
    commit: &Commit,
    change: &Change,
    node: &str,
    version: u64,
    id: EventId,
    event: &placet_domain::event::Event,
    head: Head,
) -> Result<Vec<u8>, Error> {
    let entry = Entry {
        v: VERSION,
        id,
        at: commit.at,
        node: node.to_owned(),
        commit: commit.id,
        actor: commit.actor,
        stream: change.stream.clone(),
        version,
        trail: change.trail.clone(),
        nth: head.nth + 1,
        prev: head.digest,
        event: EventField(event.clone()),
    };
    entry.encode().map_err(|e| damaged(e.to_string()))
}

fn keep(
    script: &mut Script,
    index: u64,
    id: EventId,
    change: &Change,
    version: u64,
    nth: u64,
    bytes: &[u8],
) -> Result<(), Error> {
    let body = std::str::from_utf8(bytes).map_err(|_| damaged("an entry is not text"))?;
    script.add(
        "insert into ledger_entry (idx, id, stream, version, trail, nth, body) \
         values ($1, $2, $3, $4, $5, $6, $7)",
        [
            signed(index)?.into(),
            Value::text(id),
            Value::text(&change.stream),
            signed(version)?.into(),
            Value::text(&change.trail),
            signed(nth)?.into(),
            Value::text(body),
        ],
    );
    Ok(())
}

fn bump(script: &mut Script, name: String, by: u64) -> Result<(), Error> {
    script.add(
        "insert into set_version (name, version) values ($1, $2) \
         on conflict (name) do update set version = set_version.version + excluded.version",
        [Value::Text(name), signed(by)?.into()],
    );
    Ok(())
}
