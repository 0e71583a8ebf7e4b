//! Approved against observed: what to settle, and what needs an answer. Pure.
//!
//! Approved and observed are separate records with separate writers; this is the only place that
//! lays them side by side. It proposes commands; `grant::decide` and `finding::decide` rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Kind;
use crate::grant::State;
use crate::id::{FindingId, GrantId, RequestId};
use crate::observation::{Binding, Governed, Observation, Seen};
use crate::time::Timestamp;

/// A grant on the observed target that is not over, with the binding that it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    pub grant: GrantId,
    pub request: RequestId,
    pub state: State,
    pub binding: Binding,
    pub until: Option<Timestamp>,
    /// When the latest call on the target was, or will provably be, over.
    pub calls_over_at: Option<Timestamp>,
    pub first_seen_at: Option<Timestamp>,
}

/// An open finding about the observed target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    pub finding: FindingId,
    pub kind: Kind,
    pub binding: Binding,
    pub grant: Option<GrantId>,
}

/// What follows from an observation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Consequence {
    /// Tell this grant what was seen.
    See { grant: GrantId, present: bool },
    /// Open a finding.
    Open { kind: Kind, binding: Binding, grant: Option<GrantId>, request: Option<RequestId> },
    /// A finding that the observation no longer bears out.
    Resolve { finding: FindingId },
}

/// Seconds after its end during which access that is being removed is not yet overstayed.
pub const GRACE_SECONDS: u64 = 60;

/// Everything that follows from one observation of one target, in a fixed order.
pub fn plan(
    governed: &[Governed],
    held: &[Held],
    known: &[Known],
    observation: &Observation,
    now: Timestamp,
) -> Vec<Consequence> {
    let mut out = Vec::new();
    let mut expected: BTreeMap<(Kind, &Binding, Option<GrantId>), Option<RequestId>> =
        BTreeMap::new();

    for one in held {
        match observation.says(&one.binding) {
            Seen::Present => out.push(Consequence::See { grant: one.grant, present: true }),
            Seen::Absent => out.push(Consequence::See { grant: one.grant, present: false }),
            Seen::Unknown => {}
        }
        if let Some(kind) = breach(one, observation, now) {
            expected.insert((kind, &one.binding, Some(one.grant)), Some(one.request));
        }
    }
    let covered: BTreeSet<&Binding> =
        held.iter().filter(|one| one.state != State::Approved).map(|one| &one.binding).collect();
    let natives: BTreeSet<_> = governed.iter().map(|one| &one.native).collect();
    for binding in &observation.present {
        if natives.contains(&binding.native) && !covered.contains(binding) {
            expected.insert((Kind::Unapproved, binding, None), None);
        }
    }

    let open: BTreeSet<_> = known.iter().map(|one| (one.kind, &one.binding, one.grant)).collect();
    for ((kind, binding, grant), request) in &expected {
        if !open.contains(&(*kind, *binding, *grant)) {
            let binding = (*binding).clone();
            out.push(Consequence::Open { kind: *kind, binding, grant: *grant, request: *request });
        }
    }
    for one in known {
        let borne_out = expected.contains_key(&(one.kind, &one.binding, one.grant));
        // A partial answer is no reason to call anything resolved.
        let decided = observation.says(&one.binding) != Seen::Unknown;
        // What was stuck is answered when its grant is over, in whatever way that came.
        let over = held.iter().all(|held| Some(held.grant) != one.grant);
        let answered = if one.kind == Kind::Stuck { over } else { decided && !borne_out };
        if answered {
            out.push(Consequence::Resolve { finding: one.finding });
        }
    }
    out
}

/// What is wrong with one grant, as this observation shows it.
fn breach(one: &Held, observation: &Observation, now: Timestamp) -> Option<Kind> {
    let settled = one.calls_over_at.is_none_or(|over| observation.began_at >= over);
    match (one.state, observation.says(&one.binding)) {
        (State::Active, Seen::Absent) if settled => Some(Kind::Missing),
        (State::Ending, Seen::Present) => {
            let late = one.until.is_some_and(|until| now > until.plus_seconds(GRACE_SECONDS));
            late.then_some(Kind::Overstayed)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EntitlementId;
    use crate::observation::{Completeness, Scope};
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn binding(account: &str) -> Binding {
        Binding { native: "deploy".parse().unwrap(), account: account.parse().unwrap() }
    }

    fn held(account: &str, state: State) -> Held {
        Held {
            grant: Uuid::from_u128(1).into(),
            request: Uuid::from_u128(2).into(),
            state,
            binding: binding(account),
            until: Some(at(1_000)),
            calls_over_at: Some(at(100)),
            first_seen_at: None,
        }
    }

    fn look(completeness: Completeness, began: i64, present: &[&str]) -> Observation {
        Observation {
            id: Uuid::from_u128(3).into(),
            target: Uuid::from_u128(4).into(),
            scope: Scope::Everything,
            completeness,
            began_at: at(began),
            finished_at: at(began),
            present: present.iter().map(|account| binding(account)).collect(),
        }
    }

    fn check(held: &[Held], known: &[Known], observation: &Observation, now: i64, expect: &[&str]) {
        let entitlement: EntitlementId = Uuid::from_u128(5).into();
        let governed = [Governed { entitlement, native: "deploy".parse().unwrap() }];
        let got: Vec<String> = plan(&governed, held, known, observation, at(now))
            .iter()
            .map(|one| match one {
                Consequence::See { present, .. } => format!("see present={present}"),
                Consequence::Open { kind, binding, request, .. } => {
                    let behind = if request.is_some() { "its request" } else { "no request" };
                    format!("open {} {} by {behind}", kind.as_str(), binding.account)
                }
                Consequence::Resolve { .. } => "resolve".to_owned(),
            })
            .collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn every_difference_is_a_case() {
        use Completeness::{Complete, Partial, Unknown};
        check(
            &[held("ines", State::Pending)],
            &[],
            &look(Complete, 200, &["ines"]),
            200,
            &["see present=true"],
        );
        check(
            &[],
            &[],
            &look(Complete, 200, &["eve"]),
            200,
            &["open unapproved eve by no request"],
        );
        check(&[], &[], &look(Partial, 200, &["eve"]), 200, &["open unapproved eve by no request"]);
        let active = [held("ines", State::Active)];
        check(
            &active,
            &[],
            &look(Complete, 200, &[]),
            200,
            &["see present=false", "open missing ines by its request"],
        );
        check(&active, &[], &look(Partial, 200, &[]), 200, &[]);
        check(&active, &[], &look(Unknown, 200, &[]), 200, &[]);
        check(&active, &[], &look(Complete, 50, &[]), 200, &["see present=false"]);
        let ending = [held("ines", State::Ending)];
        check(&ending, &[], &look(Complete, 1_010, &["ines"]), 1_010, &["see present=true"]);
        check(
            &ending,
            &[],
            &look(Complete, 1_100, &["ines"]),
            1_100,
            &["see present=true", "open overstayed ines by its request"],
        );
        let approved = [held("ines", State::Approved)];
        check(
            &approved,
            &[],
            &look(Complete, 200, &["ines"]),
            200,
            &["see present=true", "open unapproved ines by no request"],
        );
    }

    #[test]
    fn a_finding_is_resolved_by_a_complete_look_only() {
        use Completeness::{Complete, Partial};
        let known = [Known {
            finding: Uuid::from_u128(6).into(),
            kind: Kind::Unapproved,
            binding: binding("eve"),
            grant: None,
        }];
        check(&[], &known, &look(Complete, 200, &["eve"]), 200, &[]);
        check(&[], &known, &look(Partial, 200, &[]), 200, &[]);
        check(&[], &known, &look(Complete, 200, &[]), 200, &["resolve"]);
    }
}
