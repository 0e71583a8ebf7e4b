//! Reminders: what is said again before a time runs out. They are noted with the event that sets
//! the time, and looked at when they are due: what has become of it meanwhile decides whether they
//! are still worth saying.

use super::{Audience, Kind, Notice};
use crate::event::Event;
use crate::finding::State as FindingStands;
use crate::grant::State as GrantStands;
use crate::id::Stream;
use crate::request::State as RequestStands;
use crate::state::State;
use crate::time::Timestamp;
use crate::{finding, grant, handover, request};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;
/// How long before an end its holder is reminded.
const BEFORE_END: [u64; 2] = [DAY, HOUR];

/// That somebody may have to be told at a moment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reminder {
    pub kind: Kind,
    pub about: Stream,
    pub due_at: Timestamp,
}

/// The reminders that an event sets, given what its stream says after it.
pub fn reminders(event: &Event, after: &State, at: Timestamp) -> Vec<Reminder> {
    let (kind, about, times) = match (event, after) {
        (
            Event::Grant(grant::Event::Activated { .. } | grant::Event::Confirmed(_)),
            State::Grant(one),
        ) if matches!(one.state, GrantStands::Active | GrantStands::Unverified) => {
            let Some(until) = one.until else { return Vec::new() };
            let length = one.approved.length.as_seconds();
            // What is short would be over before the reminder is read.
            let worth = BEFORE_END.into_iter().filter(|before| length > 2 * before);
            let times = worth.map(|before| until.minus_seconds(before)).collect();
            (Kind::EndsSoon, Stream::Grant(one.id), times)
        }
        (
            Event::Request(
                request::Event::Submitted(_)
                | request::Event::Revised(_)
                | request::Event::Narrowed(_),
            ),
            State::Request(one),
        ) => {
            let times = vec![one.lapses_at.minus_seconds(DAY)];
            (Kind::LapsesSoon, Stream::Request(one.id), times)
        }
        (Event::Request(request::Event::ReviewOwed(owed)), State::Request(one)) => {
            let times = vec![owed.due_at.minus_seconds(DAY)];
            (Kind::ReviewDue, Stream::Request(one.id), times)
        }
        (Event::Finding(finding::Event::Opened(opened)), State::Finding(one)) => {
            let Some(due_at) = opened.due_at else { return Vec::new() };
            let overdue =
                Reminder { kind: Kind::FindingOverdue, about: Stream::Finding(one.id), due_at };
            let soon = Reminder {
                kind: Kind::FindingDue,
                due_at: due_at.minus_seconds(DAY),
                ..overdue.clone()
            };
            return [soon, overdue].into_iter().filter(|one| one.due_at > at).collect();
        }
        (Event::Handover(handover::Event::Opened(opened)), _) => {
            let times = vec![opened.settle_by.minus_seconds(DAY)];
            (Kind::HandoverDue, Stream::Handover(opened.handover), times)
        }
        _ => return Vec::new(),
    };
    let reminder = |due_at| Reminder { kind, about: about.clone(), due_at };
    times.into_iter().filter(|due_at| *due_at > at).map(reminder).collect()
}

/// Who is told when a reminder is due; nobody, if it has been answered or is over by now.
pub fn remind(reminder: &Reminder, state: &State, now: Timestamp) -> Vec<Notice> {
    let to: Vec<Audience> = match (reminder.kind, state) {
        (Kind::EndsSoon, State::Grant(one)) => {
            let Some(until) = one.until else { return Vec::new() };
            let held = matches!(one.state, GrantStands::Active | GrantStands::Unverified);
            let soon = held && now < until;
            // After a long rest several are due: the last of them says it all.
            let last = BEFORE_END
                .into_iter()
                .map(|before| until.minus_seconds(before))
                .filter(|due_at| *due_at <= now)
                .max();
            if !soon || last.is_some_and(|last| reminder.due_at < last) {
                return Vec::new();
            }
            vec![Audience::One(one.approved.receiver), Audience::AskerOf(one.approved.request)]
        }
        (Kind::LapsesSoon, State::Request(one)) if one.state == RequestStands::Open => {
            // A revision sets its own time.
            let current = reminder.due_at == one.lapses_at.minus_seconds(DAY);
            if !current || one.lapses_at <= now {
                return Vec::new();
            }
            vec![Audience::WaitedFor(one.id)]
        }
        (Kind::ReviewDue, State::Request(one)) => {
            let owed = one.review.as_ref().filter(|review| review.recorded.is_none());
            if owed.is_none_or(|review| review.is_overdue_at(now)) {
                return Vec::new();
            }
            vec![Audience::Security]
        }
        (Kind::FindingDue, State::Finding(one))
            if one.state == FindingStands::Open && !one.is_overdue_at(now) =>
        {
            vec![Audience::One(one.opened.owner)]
        }
        (Kind::FindingOverdue, State::Finding(one)) if one.is_overdue_at(now) => {
            vec![Audience::One(one.opened.owner), Audience::ManagerOf(one.opened.owner)]
        }
        (Kind::HandoverDue, State::Handover(one)) if one.settled.is_none() => {
            vec![Audience::One(one.opened.to)]
        }
        _ => return Vec::new(),
    };
    let notice = |to| Notice { kind: reminder.kind, about: reminder.about.clone(), to };
    to.into_iter().map(notice).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::finding::{ANSWER_SECONDS, Accepted, Event as Found, Kind as FoundKind, Opened};
    use crate::id::{FindingId, IdentityId, RequestId};

    fn opened(due_at: Option<Timestamp>) -> Opened {
        Opened {
            finding: FindingId::from(Uuid::from_u128(1)),
            kind: FoundKind::Unapproved,
            target: Uuid::from_u128(2).into(),
            entitlement: Uuid::from_u128(3).into(),
            account: None,
            request: None,
            grant: None,
            owner: IdentityId::from(Uuid::from_u128(4)),
            sighting: None,
            detail: "seen".to_owned(),
            due_at,
            baseline: false,
            scope: None,
        }
    }

    #[test]
    fn a_finding_is_brought_to_mind_before_and_at_its_deadline_until_it_is_answered() {
        let at = |seconds| Timestamp::from_micros(0).plus_seconds(seconds);
        let event = Found::Opened(opened(Some(at(ANSWER_SECONDS))));
        let finding = finding::apply(None, &event, at(0)).expect("a finding");
        let open = State::Finding(finding.clone());
        let set = reminders(&event.clone().into(), &open, at(0));
        let kinds: Vec<(Kind, Timestamp)> = set.iter().map(|one| (one.kind, one.due_at)).collect();
        let (soon, late) = (at(ANSWER_SECONDS - DAY), at(ANSWER_SECONDS));
        assert_eq!(kinds, [(Kind::FindingDue, soon), (Kind::FindingOverdue, late)]);

        let told =
            |state: &State, now| set.iter().map(|one| remind(one, state, now).len()).collect();
        let check = |state: &State, now, expected: [usize; 2]| {
            let told: Vec<usize> = told(state, now);
            assert_eq!(told, expected);
        };
        check(&open, soon, [1, 0]);
        // The owner, and whom they report to.
        check(&open, late, [0, 2]);
        let request = RequestId::from(Uuid::from_u128(5));
        let borne = Found::Accepted(Accepted { request, until: at(2 * ANSWER_SECONDS) });
        let borne = finding::apply(Some(finding), &borne, at(1)).expect("a finding");
        check(&State::Finding(borne), late, [0, 0]);

        // Without a deadline there is nothing to be late for, and what is late already is not soon.
        let timeless = Found::Opened(opened(None));
        assert!(reminders(&timeless.into(), &open, at(0)).is_empty());
        assert!(reminders(&event.into(), &open, late).is_empty());
    }
}
