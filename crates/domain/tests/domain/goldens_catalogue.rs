//! The golden forms of what changes a catalogue: built here, held against the bytes in `goldens`.

use std::collections::BTreeSet;

use placet_domain::actor::{Actor, Worker};
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::entitlement::{self, Entitlement};
use placet_domain::event::Event;
use placet_domain::grant::{self, Reason};
use placet_domain::handover::{self, Heir, Opened, Settled};
use placet_domain::id::Stream;
use placet_domain::identity::{self, Identity};
use placet_domain::organisation::{self, Held};
use placet_domain::proposal::{self, Proposed};
use placet_domain::schedule::{self, Schedule};
use placet_domain::target::{self, Target};
use placet_domain::team::{self, Team};

use crate::build::{at, entitlement as an_entitlement, id, person, session, target as a_target};
use crate::goldens::sighting;

pub const PROPOSAL: u128 = 0x800;
pub const HANDOVER: u128 = 0x900;

/// Each event with the actor who would cause it.
pub fn events() -> Vec<(Actor, Event)> {
    let worker = |name| Actor::Worker { name };
    let reason = Committed::seal(&"not yet".to_owned(), "reason", [3; 16]).unwrap().0;
    let desk = Schedule { name: "desk".parse().unwrap(), ..Schedule::usual() };
    let closed = BTreeSet::from(["2026-12-25".parse().unwrap()]);
    let with_holiday = Schedule { closed, zone: "Europe/Vienna".to_owned(), ..desk.clone() };
    let on_schedule = Identity { schedule: Some(desk.name.clone()), ..person(1) };
    let team = Team { name: "data-stewards".parse().unwrap(), within: BTreeSet::new() };
    let retired = Target { retired: true, ..a_target() };
    let wider = Entitlement { owner: id(2), ..an_entitlement() };
    let proposed = Proposed {
        proposal: id(PROPOSAL),
        by: id(1),
        changes: Digest::of(b"changes"),
        records: 3,
        lapses_at: at(14 * 86_400),
    };
    let opened = |what: Stream, heir| Opened {
        handover: id(HANDOVER),
        what,
        from: id(1),
        to: id(2),
        heir,
        settle_by: at(7 * 86_400),
    };
    let settled = |how| handover::Event::Settled { how }.into();
    let by = session(2);
    vec![
        (by, schedule::Event::Registered(desk).into()),
        (by, schedule::Event::Revised(with_holiday).into()),
        (by, identity::Event::Revised(on_schedule).into()),
        (by, team::Event::Revised(team).into()),
        (by, target::Event::Revised(a_target()).into()),
        (by, target::Event::Revised(retired).into()),
        (by, target::Event::Retired {}.into()),
        (by, entitlement::Event::Revised(Box::new(wider)).into()),
        (session(1), proposal::Event::Proposed(proposed).into()),
        (by, proposal::Event::Adopted { by: id(2), changes: Digest::of(b"changes") }.into()),
        (by, proposal::Event::Rejected { by: id(2), reason: Some(reason) }.into()),
        (session(1), proposal::Event::Withdrawn { by: id(1) }.into()),
        (worker(Worker::Expire), proposal::Event::Lapsed {}.into()),
        (worker(Worker::Leave), handover::Event::Opened(opened(id_of(11), Heir::Manager)).into()),
        (by, handover::Event::Opened(opened(Stream::Target(id(0x200)), Heir::Security)).into()),
        (
            by,
            handover::Event::Opened(opened(Stream::Entitlement(id(0x100)), Heir::TargetOwner))
                .into(),
        ),
        (by, handover::Event::Opened(opened(id_of(12), Heir::Administrator)).into()),
        (by, settled(Settled::Kept)),
        (by, settled(Settled::PassedOn)),
        (by, settled(Settled::Gone)),
        (
            worker(Worker::Rerule),
            organisation::Event::ReruleHeld {
                what: Stream::Organisation,
                held: Held { would_end: 30, live: 100 },
            }
            .into(),
        ),
        (
            by,
            organisation::Event::ReruleReleased { what: Stream::Organisation, by: Some(id(2)) }
                .into(),
        ),
        (
            worker(Worker::Reroute),
            organisation::Event::ReruleReleased { what: Stream::Organisation, by: None }.into(),
        ),
        (worker(Worker::Rerule), grant::Event::Ending { reason: Reason::TermsChanged }.into()),
        (
            Actor::Recovery,
            organisation::Event::Recovered(organisation::Recovered {
                people: BTreeSet::from([id(1), id(2)]),
                none_left: false,
                reason: Committed::seal(&"laptops lost".to_owned(), "reason", [3; 16]).unwrap().0,
            })
            .into(),
        ),
        (
            worker(Worker::Expire),
            grant::Event::SeenStill { sighting: sighting(), session: true }.into(),
        ),
    ]
}

fn id_of(n: u128) -> Stream {
    Stream::Identity(id(n))
}
