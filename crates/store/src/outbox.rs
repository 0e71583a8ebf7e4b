//! The outbox: what people are to be told of, in the transaction of the events that say so, and how
//! far it has come on its way out.

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::event::Event;
use placet_domain::id::{IdentityId, NoticeId, RequestId, Stream};
use placet_domain::notice::{self, Kind, Notice, Reminder};
use placet_domain::state::State;
use sqlx::SqliteConnection;

use crate::change::Commit;
use crate::error::Error;
use crate::row::parsed;

/// A step of the outbox. None of them is an event: what is told changes no access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outbox {
    /// It was found out whom an entry of the outbox is for, and through which channels each of them
    /// is told.
    Spread { id: String, notices: Vec<Addressed> },
    /// It has arrived.
    Delivered { notice: NoticeId, channel: String },
    /// It has not; it is tried again at a moment, or given up.
    Failed {
        notice: NoticeId,
        channel: String,
        failures: u32,
        due_at: Option<Timestamp>,
        why: String,
    },
    /// A reminder was due: this is what it came to, if anything.
    Reminded { reminder: Reminder, notices: Vec<Notice> },
    /// Notices from before this moment are forgotten, so many at the most.
    Forget { before: Timestamp, most: u32 },
}

/// What one person is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addressed {
    pub id: NoticeId,
    pub receiver: IdentityId,
    pub kind: Kind,
    pub about: Stream,
    pub at: Timestamp,
    pub channels: Vec<String>,
}

/// What the events of a commit say to whom.
#[derive(Debug, Default)]
pub(crate) struct Told {
    notices: Vec<(String, Notice)>,
    reminders: Vec<Reminder>,
}

impl Told {
    pub(crate) fn hear(&mut self, cause: &str, event: &Event, after: &State, at: Timestamp) {
        let notices = notice::of(event, after);
        self.notices.extend(notices.into_iter().map(|one| (cause.to_owned(), one)));
        self.reminders.extend(notice::reminders(event, after, at));
    }
}

/// Those for whom a request waits, as the hint in the database has it.
pub(crate) async fn waited_for(
    connection: &mut SqliteConnection,
    request: &RequestId,
) -> Result<BTreeSet<IdentityId>, Error> {
    let rows = sqlx::query("select distinct identity from waiting where request = $1")
        .bind(request.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| parsed(row, 0)).collect()
}

/// Writes what the commit says to whom, and its steps of the outbox. `waited` is for whom each of
/// its requests waited before.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    commit: &Commit,
    told: Told,
    waited: &[(RequestId, BTreeSet<IdentityId>)],
) -> Result<(), Error> {
    let mut notices = told.notices;
    for ((request, before), (_, candidates)) in waited.iter().zip(&commit.waiting) {
        let now = candidates.values().flatten().copied().collect();
        for one in notice::newly_waiting(*request, before, &now) {
            // Whoever it is put before by name need not hear it twice.
            let known =
                notices.iter().any(|(_, other)| other.about == one.about && other.to == one.to);
            if !known {
                notices.push((commit.id.to_string(), one));
            }
        }
    }
    for (cause, notice) in &notices {
        enter(connection, cause, notice, commit.at, commit.actor).await?;
    }
    for reminder in &told.reminders {
        sqlx::query(
            "insert into reminder (about, kind, due_at) values ($1, $2, $3) \
             on conflict (about, kind, due_at) do nothing",
        )
        .bind(reminder.about.to_string())
        .bind(reminder.kind.as_str())
        .bind(reminder.due_at.as_micros())
        .execute(&mut *connection)
        .await?;
    }
    for step in &commit.outbox {
        take(connection, step, commit).await?;
    }
    Ok(())
}

async fn enter(
    connection: &mut SqliteConnection,
    cause: &str,
    notice: &Notice,
    at: Timestamp,
    actor: Actor,
) -> Result<(), Error> {
    let Notice { kind, about, to } = notice;
    // Nobody is told what they did themselves, unless everybody has to hear it.
    let not_to = actor.identity().filter(|_| !kind.is_loud());
    sqlx::query(
        "insert into outbox (id, cause, kind, about, audience, not_to, at) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing",
    )
    .bind(format!("{cause}/{kind}/{to}"))
    .bind(cause)
    .bind(kind.as_str())
    .bind(about.to_string())
    .bind(to.to_string())
    .bind(not_to.map(|who| who.to_string()))
    .bind(at.as_micros())
    .execute(connection)
    .await?;
    Ok(())
}

async fn take(
    connection: &mut SqliteConnection,
    step: &Outbox,
    commit: &Commit,
) -> Result<(), Error> {
    match step {
        Outbox::Spread { id, notices } => {
            for one in notices {
                address(connection, one).await?;
            }
            sqlx::query("delete from outbox where id = $1").bind(id).execute(connection).await?;
        }
        Outbox::Delivered { notice, channel } => {
            sqlx::query(
                "update delivery set due_at = null, why = null where notice = $1 and channel = $2",
            )
            .bind(notice.to_string())
            .bind(channel)
            .execute(connection)
            .await?;
        }
        Outbox::Failed { notice, channel, failures, due_at, why } => {
            sqlx::query(
                "update delivery set failures = $3, due_at = $4, why = $5 \
                 where notice = $1 and channel = $2",
            )
            .bind(notice.to_string())
            .bind(channel)
            .bind(i64::from(*failures))
            .bind(due_at.map(Timestamp::as_micros))
            .bind(why)
            .execute(connection)
            .await?;
        }
        Outbox::Reminded { reminder, notices } => {
            let Reminder { kind, about, due_at } = reminder;
            let cause = format!("{about}/{due_at}");
            for notice in notices {
                enter(connection, &cause, notice, commit.at, commit.actor).await?;
            }
            sqlx::query("delete from reminder where about = $1 and kind = $2 and due_at = $3")
                .bind(about.to_string())
                .bind(kind.as_str())
                .bind(due_at.as_micros())
                .execute(connection)
                .await?;
        }
        Outbox::Forget { before, most } => forget(connection, *before, *most).await?,
    }
    Ok(())
}

async fn address(connection: &mut SqliteConnection, one: &Addressed) -> Result<(), Error> {
    sqlx::query(
        "insert into notice (id, receiver, kind, about, at) values ($1, $2, $3, $4, $5) \
         on conflict (id) do nothing",
    )
    .bind(one.id.to_string())
    .bind(one.receiver.to_string())
    .bind(one.kind.as_str())
    .bind(one.about.to_string())
    .bind(one.at.as_micros())
    .execute(&mut *connection)
    .await?;
    for channel in &one.channels {
        sqlx::query(
            "insert into delivery (notice, channel, failures, due_at) values ($1, $2, $3, $4) \
             on conflict (notice, channel) do nothing",
        )
        .bind(one.id.to_string())
        .bind(channel)
        .bind(0_i64)
        .bind(one.at.as_micros())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn forget(
    connection: &mut SqliteConnection,
    before: Timestamp,
    most: u32,
) -> Result<(), Error> {
    sqlx::query(
        "delete from delivery where notice in \
         (select id from notice where at < $1 order by at, id limit $2)",
    )
    .bind(before.as_micros())
    .bind(i64::from(most))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "delete from notice where id in (select id from notice where at < $1 order by at, id limit $2)",
    )
    .bind(before.as_micros())
    .bind(i64::from(most))
    .execute(connection)
    .await?;
    Ok(())
}
