//! The write task: it alone owns the write connection. It takes what waits, writes each commit as a
//! whole or not at all, and makes the batch durable with one signed checkpoint.

use std::path::PathBuf;
use std::sync::Arc;

use placet_domain::id::EventId;
use placet_ledger::{Checkpoint, Edge, LogKey, Tile};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use crate::change::{Commit, Done};
use crate::commit::{self, Place};
use crate::connect::Settings;
use crate::error::{Error, damaged};
use crate::remembered::Remembered;
use crate::row::{signed, unhex, unsigned};
use crate::script::{Script, Value};

/// The most commits that share one transaction.
pub(crate) const BATCH: usize = 128;
/// The most commits that wait; more callers than that wait to be let in.
pub(crate) const QUEUE: usize = 1_024;

pub(crate) struct Job {
    commit: Commit,
    answer: oneshot::Sender<Result<Done, Error>>,
}

/// A handle to the write task; the task ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Handle(mpsc::Sender<Job>);

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({})", self.commit.id)
    }
}

impl Handle {
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Done, Error> {
        let (answer, reply) = oneshot::channel();
        self.0.send(Job { commit, answer }).await.map_err(|_| Error::Stopped)?;
        reply.await.map_err(|_| Error::Stopped)?
    }
}

/// The right edge of the tree and the signed head, as the database has them.
pub(crate) async fn load_edge(
    connection: &mut SqliteConnection,
) -> Result<(Edge, Option<String>), Error> {
    let head = sqlx::query("select size, checkpoint from ledger_head where one = 1")
        .fetch_optional(&mut *connection)
        .await?;
    let Some(head) = head else { return Ok((Edge::empty(), None)) };
    let size = unsigned(&head, 0)?;
    let mut tiles = std::collections::BTreeMap::new();
    for name in Edge::tiles(size) {
        let row = sqlx::query("select hashes from ledger_tile where level = $1 and idx = $2")
            .bind(i64::from(name.level))
            .bind(signed(name.index)?)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = row {
            tiles.insert((name.level, name.index), unhex(row.try_get(0)?)?);
        }
    }
    let edge = Edge::load(size, |level, index| tiles.remove(&(level, index)))
        .map_err(|e| damaged(e.to_string()))?;
    Ok((edge, Some(head.try_get(1)?)))
}

pub(crate) struct Writer {
    pub settings: Settings,
    pub database: PathBuf,
    pub connection: SqliteConnection,
    pub key: Arc<LogKey>,
    pub edge: Edge,
    pub remembered: Remembered,
    /// A durable checkpoint that is not yet in the remembered file. No further commit is taken
    /// until it is: what was never remembered could be rolled back unseen.
    pub owed: Option<String>,
}

impl Writer {
    /// The handle, and what is closed when the task has come to its end.
    pub(crate) fn start(mut self) -> (Handle, watch::Receiver<()>) {
        let (sender, mut jobs) = mpsc::channel::<Job>(QUEUE);
        let (at_work, ended) = watch::channel(());
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while jobs.recv_many(&mut batch, BATCH).await > 0 {
                self.serve(std::mem::take(&mut batch)).await;
            }
            if let Err(error) = self.close().await {
                tracing::warn!(%error, "the database did not close cleanly");
            }
            drop(at_work);
        });
        (Handle(sender), ended)
    }

    /// Carries SQLite's log over into the database, so that this file is the whole of it. SQLite does
    /// so by itself when the last connection closes, but not when that one could only read.
    async fn close(mut self) -> Result<(), Error> {
        let row = sqlx::query("pragma wal_checkpoint(truncate)").fetch_one(&mut self.connection);
        if row.await?.try_get::<i64, _>(0)? != 0 {
            tracing::warn!("the database is being read: its log was not carried over into it");
        }
        Ok(self.connection.close().await?)
    }

    async fn serve(&mut self, jobs: Vec<Job>) {
        let (commits, answers): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.commit, job.answer)).unzip();
        let outcomes = match self.batch(&commits).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                // SQLite may have rolled back by itself (full disk, I/O), and the connection no
                // longer knows where it stands: it is never used again.
                if let Err(error) = self.reopen().await {
                    tracing::error!(%error, "the database could not be opened again");
                }
                commits.iter().map(|_| Err(again(&error))).collect()
            }
        };
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // A caller that went away does not need its answer.
            let _ = answer.send(outcome);
        }
    }

    async fn reopen(&mut self) -> Result<(), Error> {
        let fresh = self.settings.connect(&self.database).await?;
        let old = std::mem::replace(&mut self.connection, fresh);
        // Closing rolls back whatever was open; its own failure changes nothing.
        let _ = old.close().await;
        // A commit whose outcome was unknown is settled here.
        self.edge = load_edge(&mut self.connection).await?.0;
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        if let Some(note) = &self.owed {
            self.remembered.write(note)?;
            self.owed = None;
        }
        Ok(())
    }

    async fn batch(&mut self, commits: &[Commit]) -> Result<Vec<Result<Done, Error>>, Error> {
        self.settle()?;
        let mut edge = self.edge.clone();
        let mut tiles = Vec::new();
        let mut outcomes = Vec::with_capacity(commits.len());
        sqlx::query("begin immediate").execute(&mut self.connection).await?;
        for one in commits {
            let outcome = self.one(one, &edge).await?;
            outcomes.push(outcome.map(|entries| {
                let (events, bodies): (Vec<EventId>, Vec<Vec<u8>>) = entries.into_iter().unzip();
                tiles.extend(edge.append(bodies.iter().map(Vec::as_slice)));
                Done { events }
            }));
        }
        let mut fresh = None;
        if edge.size() > self.edge.size() {
            fresh = Some(self.seal(&edge, &tiles).await?);
        }
        sqlx::query("commit").execute(&mut self.connection).await?;
        self.edge = edge;
        if fresh.is_some() {
            self.owed = fresh;
            // What is durable is answered as done, even if remembering fails; see `owed`.
            if let Err(error) = self.settle() {
                tracing::error!(%error, "the checkpoint could not be remembered");
            }
        }
        Ok(outcomes)
    }

    /// One commit. The outer error ends the whole batch.
    async fn one(
        &mut self,
        commit: &Commit,
        edge: &Edge,
    ) -> Result<Result<Vec<(EventId, Vec<u8>)>, Error>, Error> {
        let place = Place { node: &self.settings.node, first: edge.size() };
        let written = commit::write(&mut self.connection, commit, Some(place)).await;
        match written {
            Err(error @ (Error::Full | Error::Database(_) | Error::Files(_))) => Err(error),
            other => Ok(other),
        }
    }

    /// Writes the tiles and the signed head of the grown tree.
    async fn seal(&mut self, edge: &Edge, tiles: &[Tile]) -> Result<String, Error> {
        let mut script = Script::default();
        for tile in tiles {
            script.add(
                "insert into ledger_tile (level, idx, hashes) values ($1, $2, $3) \
                 on conflict (level, idx) do update set hashes = excluded.hashes",
                [
                    i64::from(tile.level).into(),
                    signed(tile.index)?.into(),
                    Value::Text(hex::encode(&tile.bytes)),
                ],
            );
        }
        let head = edge.head().map_err(|e| damaged(e.to_string()))?;
        let note = Checkpoint::sign(&self.key, head).map_err(|e| damaged(e.to_string()))?;
        script.add(
            "insert into ledger_head (one, size, checkpoint) values (1, $1, $2) \
             on conflict (one) do update set size = excluded.size, checkpoint = excluded.checkpoint \
             where ledger_head.size = $3 returning size",
            [
                signed(edge.size())?.into(),
                Value::text(&note),
                signed(self.edge.size())?.into(),
            ],
        );
        if script.rows(&mut self.connection).await?.len() != 1 {
            return Err(damaged("the head of the ledger moved under the writer"));
        }
        Ok(note)
    }
}

/// The same failure for every caller of a batch.
fn again(error: &Error) -> Error {
    match error {
        Error::Full => Error::Full,
        other => damaged(other.to_string()),
    }
}
