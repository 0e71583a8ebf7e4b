//! The same commits without a ledger, to measure what the ledger costs: no entry, no trail, no tile, no
//! signature, no remembered checkpoint. It makes a database of its own, which no `Store` opens; what
//! is shipped is built without this file.

use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::change::Commit;
use crate::connect::Settings;
use crate::error::Error;
use crate::writer::{BATCH, QUEUE};
use crate::{commit, schema};

type Job = (Commit, oneshot::Sender<Result<(), Error>>);

/// A database that keeps governed rows alone.
#[derive(Clone, Debug)]
pub struct Unledgered(mpsc::Sender<Job>);

impl Unledgered {
    /// Makes an empty one.
    pub async fn make(settings: &Settings) -> Result<Self, Error> {
        std::fs::create_dir_all(&settings.dir)?;
        let mut connection = settings.connect(&settings.dir.join("unledgered.db")).await?;
        schema::migrate(&mut connection).await?;
        let (sender, mut jobs) = mpsc::channel::<Job>(QUEUE);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while jobs.recv_many(&mut batch, BATCH).await > 0 {
                serve(&mut connection, std::mem::take(&mut batch)).await;
            }
            let _ = connection.close().await;
        });
        Ok(Self(sender))
    }

    pub async fn commit(&self, commit: Commit) -> Result<(), Error> {
        let (answer, reply) = oneshot::channel();
        self.0.send((commit, answer)).await.map_err(|_| Error::Stopped)?;
        reply.await.map_err(|_| Error::Stopped)?
    }
}

/// One batch, grouped as the write task groups them.
async fn serve(connection: &mut SqliteConnection, batch: Vec<Job>) {
    let (commits, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let written = write(connection, &commits).await;
    for answer in answers {
        let answered = match &written {
            Ok(()) => Ok(()),
            Err(error) => Err(crate::error::damaged(error.to_string())),
        };
        let _ = answer.send(answered);
    }
}

async fn write(connection: &mut SqliteConnection, commits: &[Commit]) -> Result<(), Error> {
    sqlx::query("begin immediate").execute(&mut *connection).await?;
    for one in commits {
        commit::write(connection, one, None).await?;
    }
    sqlx::query("commit").execute(connection).await?;
    Ok(())
}
