//! One commit inside its savepoint: facts held still, events folded, rows and entries written.
//! Knows streams and versions, no columns.

use std::collections::BTreeMap;

use placet_domain::canonical::Digest;
use placet_domain::entry::{Entry, EventField, VERSION};
use placet_domain::id::{EventId, Stream};
use placet_domain::state;
use sqlx::SqliteConnection;

use crate::aggregate;
use crate::change::{Change, Commit};
use crate::error::{Error, damaged};
use crate::outbox;
use crate::row::{signed, unsigned};

/// Where in the ledger a commit is entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub node: &'a str,
    /// The index of its first entry.
    pub first: u64,
}

/// Writes one commit. Answers the bytes of its entries in order. On an error the caller rolls back
/// to the savepoint. Only the measuring of what a ledger costs has no place in it.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    commit: &Commit,
    place: Option<Place<'_>>,
) -> Result<Vec<(EventId, Vec<u8>)>, Error> {
    hold_still(connection, commit).await?;
    let mut written = Written::default();
    let mut waited = Vec::with_capacity(commit.waiting.len());
    for (request, _) in &commit.waiting {
        waited.push((*request, outbox::waited_for(connection, request).await?));
    }
    for change in &commit.changes {
        fold(connection, commit, change, place, &mut written).await?;
    }
    beside::write(connection, commit).await?;
    outbox::write(connection, commit, written.told, &waited).await?;
    Ok(written.entries)
}

/// What the events of a commit came to: their entries, and what they say to whom.
#[derive(Default)]
struct Written {
    entries: Vec<(EventId, Vec<u8>)>,
    told: outbox::Told,
}

/// Refuses when anything that the decision was made on has moved on.
async fn hold_still(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    // One question for each table: a decision reads some twenty rows, and asking costs more than
    // finding.
    let mut tables: BTreeMap<&'static str, Vec<(String, u64)>> = BTreeMap::new();
    for (stream, version) in commit.facts.rows() {
        tables.entry(aggregate::table_of(stream)).or_default().push((stream.to_string(), version));
    }
    for (table, noted) in tables {
        stands_still(connection, table, "id", noted).await?;
    }
    let sets = commit.facts.sets().map(|(name, version)| (name.to_owned(), version)).collect();
    stands_still(connection, "set_version", "name", sets).await
}

/// Refuses unless each row of a table is at the version that was noted; 0 for one that is not there.
async fn stands_still(
    connection: &mut SqliteConnection,
    table: &'static str,
    key: &'static str,
    noted: Vec<(String, u64)>,
) -> Result<(), Error> {
    let names: Vec<&str> = noted.iter().map(|(name, _)| name.as_str()).collect();
    let found = aggregate::versions(connection, table, key, &names).await?;
    let now = |name: &str| found.get(name).copied().unwrap_or(0);
    match noted.into_iter().find(|(name, version)| now(name) != *version) {
        Some((what, _)) => Err(Error::Stale { what }),
        None => Ok(()),
    }
}

async fn fold(
    connection: &mut SqliteConnection,
    commit: &Commit,
    change: &Change,
    place: Option<Place<'_>>,
    written: &mut Written,
) -> Result<(), Error> {
    let (mut state, mut version) = match aggregate::load(connection, &change.stream).await? {
        Some((state, version)) => (Some(state), version),
        None => (None, 0),
    };
    if version != change.expected {
        return Err(Error::Stale { what: change.stream.to_string() });
    }
    let mut trail = match place {
        Some(_) => Some(trail_head(connection, &change.trail).await?),
        None => None,
    };
    for (id, event) in &change.events {
        state = state::apply(&change.stream, state, event, commit.at)?;
        version += 1;
        if let (Some(Place { node, first }), Some(head)) = (place, &mut trail) {
            let bytes = entry(commit, change, node, version, *id, event, *head)?;
            *head = Head { nth: head.nth + 1, digest: Some(Digest::of(&bytes)) };
            let index = first + u64::try_from(written.entries.len()).unwrap_or(u64::MAX);
            keep(connection, index, *id, change, version, head.nth, &bytes).await?;
            written.entries.push((*id, bytes));
        }
        if let Some(state) = &state {
            written.told.hear(&id.to_string(), event, state, commit.at);
        }
    }
    if let Some(Head { nth, digest: Some(digest) }) = trail {
        move_trail(connection, &change.trail, nth, digest).await?;
    }
    if let Some(state) = &state {
        aggregate::save(connection, &change.stream, state, version).await?;
        // A row never leaves a set, so each counts the events of its members since they joined.
        for name in state.sets() {
            bump(connection, &name, version - change.expected).await?;
        }
    }
    Ok(())
}

/// Where a trail ends: its last entry, if it has any.
#[derive(Clone, Copy, Debug)]
struct Head {
    nth: u64,
    digest: Option<Digest>,
}

async fn trail_head(connection: &mut SqliteConnection, trail: &Stream) -> Result<Head, Error> {
    let row = sqlx::query("select nth, head from trail where trail = $1")
        .bind(trail.to_string())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(Head { nth: 0, digest: None }) };
    Ok(Head { nth: unsigned(&row, 0)?, digest: Some(crate::row::parsed(&row, 1)?) })
}

async fn move_trail(
    connection: &mut SqliteConnection,
    trail: &Stream,
    nth: u64,
    digest: Digest,
) -> Result<(), Error> {
    sqlx::query(
        "insert into trail (trail, nth, head) values ($1, $2, $3) \
         on conflict (trail) do update set nth = excluded.nth, head = excluded.head",
    )
    .bind(trail.to_string())
    .bind(signed(nth)?)
    .bind(digest.to_string())
    .execute(connection)
    .await?;
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

async fn keep(
    connection: &mut SqliteConnection,
    index: u64,
    id: EventId,
    change: &Change,
    version: u64,
    nth: u64,
    bytes: &[u8],
) -> Result<(), Error> {
    let body = std::str::from_utf8(bytes).map_err(|_| damaged("an entry is not text"))?;
    sqlx::query(
        "insert into ledger_entry (idx, id, stream, version, trail, nth, body) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(signed(index)?)
    .bind(id.to_string())
    .bind(change.stream.to_string())
    .bind(signed(version)?)
    .bind(change.trail.to_string())
    .bind(signed(nth)?)
    .bind(body)
    .execute(connection)
    .await?;
    Ok(())
}

async fn bump(connection: &mut SqliteConnection, name: &str, by: u64) -> Result<(), Error> {
    sqlx::query(
        "insert into set_version (name, version) values ($1, $2) \
         on conflict (name) do update set version = set_version.version + excluded.version",
    )
    .bind(name)
    .bind(signed(by)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// What is written beside the governed rows in the same transaction.
mod beside {
    use placet_domain::id::{RequestId, Stream};
    use sqlx::SqliteConnection;

    use crate::change::{Commit, Observed, Upkeep};
    use crate::error::Error;

    pub(super) async fn write(
        connection: &mut SqliteConnection,
        commit: &Commit,
    ) -> Result<(), Error> {
        for one in &commit.disclosures {
            sqlx::query("insert into disclosure (commitment, about, body) values ($1, $2, $3)")
                .bind(one.disclosure.commitment().to_string())
                .bind(one.about.to_string())
                .bind(one.disclosure.as_text())
                .execute(&mut *connection)
                .await?;
        }
        for (identity, profile) in &commit.profiles {
            sqlx::query("insert into profile (identity, handle) values ($1, $2)")
                .bind(Stream::Identity(*identity).to_string())
                .bind(profile.handle.as_str())
                .execute(&mut *connection)
                .await?;
        }
        for (identity, profile) in &commit.profiles {
            for (target, account) in &profile.accounts {
                sqlx::query(
                    "insert into profile_account (target, account, identity) values ($1, $2, $3)",
                )
                .bind(target.as_str())
                .bind(account.as_str())
                .bind(Stream::Identity(*identity).to_string())
                .execute(&mut *connection)
                .await?;
            }
        }
        for (digest, body) in &commit.records {
            sqlx::query(
                "insert into record (digest, body) values ($1, $2) on conflict (digest) do nothing",
            )
            .bind(digest.to_string())
            .bind(body)
            .execute(&mut *connection)
            .await?;
        }
        waiting(connection, commit).await?;
        for (request, why) in &commit.stalled {
            stalled(connection, request, why.as_deref()).await?;
        }
        for one in &commit.upkeep {
            upkeep(connection, one).await?;
        }
        match &commit.observed {
            Some(found) => observed(connection, found).await,
            None => Ok(()),
        }
    }

    async fn waiting(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
        for (request, candidates) in &commit.waiting {
            sqlx::query("delete from waiting where request = $1")
                .bind(request.to_string())
                .execute(&mut *connection)
                .await?;
            // Whoever knows for whom it waits also knows that it is not stalled, or says so.
            stalled(connection, request, None).await?;
            for (stage, people) in candidates {
                for person in people {
                    sqlx::query(
                        "insert into waiting (request, stage, identity) values ($1, $2, $3)",
                    )
                    .bind(request.to_string())
                    .bind(stage.as_str())
                    .bind(person.to_string())
                    .execute(&mut *connection)
                    .await?;
                }
            }
        }
        Ok(())
    }

    async fn stalled(
        connection: &mut SqliteConnection,
        request: &RequestId,
        why: Option<&str>,
    ) -> Result<(), Error> {
        sqlx::query("delete from stalled where request = $1")
            .bind(request.to_string())
            .execute(&mut *connection)
            .await?;
        if let Some(why) = why {
            sqlx::query("insert into stalled (request, why) values ($1, $2)")
                .bind(request.to_string())
                .bind(why)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    async fn upkeep(connection: &mut SqliteConnection, one: &Upkeep) -> Result<(), Error> {
        match one {
            Upkeep::Begin { what, due_at } => {
                sqlx::query(
                    "insert into upkeep (round, turn, progress, due_at) values ($1, 1, '', $2) \
                     on conflict (round) do update set turn = upkeep.turn + 1, progress = '', \
                     due_at = excluded.due_at",
                )
                .bind(what.to_string())
                .bind(due_at.as_micros())
                .execute(connection)
                .await?;
            }
            Upkeep::Move { what, turn, progress, due_at } => {
                sqlx::query(
                    "update upkeep set progress = $3, due_at = $4 where round = $1 and turn = $2",
                )
                .bind(what.to_string())
                .bind(crate::row::signed(*turn)?)
                .bind(progress)
                .bind(due_at.as_micros())
                .execute(connection)
                .await?;
            }
            Upkeep::Done { what, turn } => {
                sqlx::query("delete from upkeep where round = $1 and turn = $2")
                    .bind(what.to_string())
                    .bind(crate::row::signed(*turn)?)
                    .execute(connection)
                    .await?;
            }
        }
        Ok(())
    }

    async fn observed(connection: &mut SqliteConnection, found: &Observed) -> Result<(), Error> {
        let complete = found.completeness == placet_domain::observation::Completeness::Complete;
        let finished_at = found.finished_at.as_micros();
        sqlx::query(
            "insert into observed_target (target, completeness, began_at, finished_at, complete_at, detail) \
             values ($1, $2, $3, $4, $5, $6) on conflict (target) do update set \
             completeness = excluded.completeness, began_at = excluded.began_at, \
             finished_at = excluded.finished_at, detail = excluded.detail, \
             complete_at = coalesce(excluded.complete_at, observed_target.complete_at)",
        )
        .bind(found.target.to_string())
        .bind(found.completeness.as_str())
        .bind(found.began_at.as_micros())
        .bind(finished_at)
        .bind(complete.then_some(finished_at))
        .bind(&found.detail)
        .execute(&mut *connection)
        .await?;
        for binding in &found.seen {
            sqlx::query(
                "insert into observed_binding (target, native, account, first_seen_at, last_seen_at) \
                 values ($1, $2, $3, $4, $4) on conflict (target, native, account) \
                 do update set last_seen_at = excluded.last_seen_at",
            )
            .bind(found.target.to_string())
            .bind(binding.native.as_str())
            .bind(binding.account.as_str())
            .bind(finished_at)
            .execute(&mut *connection)
            .await?;
        }
        for (native, scope) in &found.scopes {
            sqlx::query(
                "insert into observed_scope (target, native, scope, seen_at) \
                 values ($1, $2, $3, $4) on conflict (target, native) \
                 do update set scope = excluded.scope, seen_at = excluded.seen_at",
            )
            .bind(found.target.to_string())
            .bind(native.as_str())
            .bind(scope)
            .bind(finished_at)
            .execute(&mut *connection)
            .await?;
        }
        for binding in &found.gone {
            sqlx::query(
                "delete from observed_binding where target = $1 and native = $2 and account = $3",
            )
            .bind(found.target.to_string())
            .bind(binding.native.as_str())
            .bind(binding.account.as_str())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
