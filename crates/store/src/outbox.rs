//! The outbox: what people are to be told of, in the transaction of the events that say so, and how
//! far it has come on its way out.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Timestamp;
use placet_domain::actor::Actor;
use placet_domain::event::Event;
use placet_domain::id::{IdentityId, NoticeId, RequestId, Stream};
use placet_domain::notice::{self, Kind, Notice, Reminder};
use placet_domain::state::State;

use crate::change::Commit;
use crate::script::{Script, Value};

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

/// Writes what the commit says to whom, and its steps of the outbox. `waited` is for whom each of
/// its requests waited before.
pub(crate) fn write(
    script: &mut Script,
    commit: &Commit,
    told: Told,
    waited: &BTreeMap<RequestId, BTreeSet<IdentityId>>,
) {
    let mut notices = told.notices;
    let nobody = BTreeSet::new();
    for (request, candidates) in &commit.waiting {
        let before = waited.get(request).unwrap_or(&nobody);
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
        enter(script, cause, notice, commit.at, commit.actor);
    }
    for reminder in &told.reminders {
        script.add(
            "insert into reminder (about, kind, due_at) values ($1, $2, $3) \
             on conflict (about, kind, due_at) do nothing",
            [
                Value::text(&reminder.about),
                Value::text(reminder.kind.as_str()),
                reminder.due_at.as_micros().into(),
            ],
        );
    }
    for step in &commit.outbox {
        take(script, step, commit);
    }
}

fn enter(script: &mut Script, cause: &str, notice: &Notice, at: Timestamp, actor: Actor) {
    let Notice { kind, about, to } = notice;
    // Nobody is told what they did themselves, unless everybody has to hear it.
    let not_to = actor.identity().filter(|_| !kind.is_loud());
    script.add(
        "insert into outbox (id, cause, kind, about, audience, not_to, at) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing",
        [
            Value::Text(format!("{cause}/{kind}/{to}")),
            Value::text(cause),
            Value::text(kind.as_str()),
            Value::text(about),
            Value::text(to),
            Value::optional(not_to),
            at.as_micros().into(),
        ],
    );
}

fn take(script: &mut Script, step: &Outbox, commit: &Commit) {
    match step {
        Outbox::Spread { id, notices } => {
            for one in notices {
                address(script, one);
            }
            script.add("delete from outbox where id = $1", [Value::text(id)]);
        }
        Outbox::Delivered { notice, channel } => script.add(
            "update delivery set due_at = null, why = null where notice = $1 and channel = $2",
            [Value::text(notice), Value::text(channel)],
        ),
        Outbox::Failed { notice, channel, failures, due_at, why } => script.add(
            "update delivery set failures = $3, due_at = $4, why = $5 \
             where notice = $1 and channel = $2",
            [
                Value::text(notice),
                Value::text(channel),
                i64::from(*failures).into(),
                due_at.map(Timestamp::as_micros).into(),
                Value::text(why),
            ],
        ),
        Outbox::Reminded { reminder, notices } => {
            let Reminder { kind, about, due_at } = reminder;
            let cause = format!("{about}/{due_at}");
            for notice in notices {
                enter(script, &cause, notice, commit.at, commit.actor);
            }
            script.add(
                "delete from reminder where about = $1 and kind = $2 and due_at = $3",
                [Value::text(about), Value::text(kind.as_str()), due_at.as_micros().into()],
            );
        }
        Outbox::Forget { before, most } => forget(script, *before, *most),
    }
}

fn address(script: &mut Script, one: &Addressed) {
    script.add(
        "insert into notice (id, receiver, kind, about, at) values ($1, $2, $3, $4, $5) \
         on conflict (id) do nothing",
        [
            Value::text(one.id),
            Value::text(one.receiver),
            Value::text(one.kind.as_str()),
            Value::text(&one.about),
            one.at.as_micros().into(),
        ],
    );
    for channel in &one.channels {
        script.add(
            "insert into delivery (notice, channel, failures, due_at) values ($1, $2, 0, $3) \
             on conflict (notice, channel) do nothing",
            [Value::text(one.id), Value::text(channel), one.at.as_micros().into()],
        );
    }
}

fn forget(script: &mut Script, before: Timestamp, most: u32) {
    let values = || [Value::Int(before.as_micros()), i64::from(most).into()];
    script.add(
        "delete from delivery where notice in \
         (select id from notice where at < $1 order by at, id limit $2)",
        values(),
    );
    script.add(
        "delete from notice where id in (select id from notice where at < $1 order by at, id limit $2)",
        values(),
    );
}
