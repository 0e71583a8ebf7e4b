//! Approved against observed: what to settle, and what needs an answer. Pure.
//!
//! Approved and observed are separate records with separate writers; this is the only place that
//! lays them side by side. It proposes commands; `grant::decide` and `finding::decide` rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::canonical::Digest;
use crate::finding::Kind;
use crate::grant::State;
use crate::id::{FindingId, GrantId, RequestId};
use crate::name::{AccountName, NativeId};
use crate::observation::{Binding, Completeness, Governed, Observation, Seen};
use crate::time::Timestamp;

/// A grant on the observed target that was not over when the look began, with the binding that it
/// stands for.
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
    /// The digest that the target keeps of its own credential, where it keeps one.
    pub kept_as: Option<Digest>,
}

/// What a finding is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum About {
    /// One account that holds, or should hold, one native thing.
    Binding(Binding),
    /// A native thing, whoever holds it.
    Native(NativeId),
}

/// A finding about the observed target that was not resolved when the look began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    pub finding: FindingId,
    pub kind: Kind,
    pub about: About,
    pub grant: Option<GrantId>,
    /// It was resolved while the look went on, so what the look shows of it may be from before.
    pub resolved: bool,
}

/// What else is known of the target, beside who holds what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Beside {
    /// Accounts of identities that are active.
    pub living: BTreeSet<AccountName>,
    /// Native things that allow something else than what was last agreed to.
    pub changed: BTreeSet<NativeId>,
}

/// What follows from an observation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Consequence {
    /// Tell this grant what was seen.
    See { grant: GrantId, seen: Seen },
    /// Open a finding.
    Open { kind: Kind, about: About, grant: Option<GrantId>, request: Option<RequestId> },
    /// A finding that the observation no longer bears out.
    Resolve { finding: FindingId },
}

/// Seconds after its end during which access that is being removed is not yet overstayed.
pub const GRACE_SECONDS: u64 = 60;

/// What an observation bears out, each with the request behind it.
type Expected = BTreeMap<(Kind, About, Option<GrantId>), Option<RequestId>>;

/// Everything that follows from one observation of one target, in a fixed order.
pub fn plan(
    governed: &[Governed],
    held: &[Held],
    known: &[Known],
    beside: &Beside,
    observation: &Observation,
    now: Timestamp,
) -> Vec<Consequence> {
    let mut out = Vec::new();
    for one in held.iter().filter(|one| !one.state.is_over()) {
        let seen = observation.says_of(&one.binding, one.kept_as);
        if seen != Seen::Unknown {
            out.push(Consequence::See { grant: one.grant, seen });
        }
    }
    let expected = expect(governed, held, beside, observation, now);
    let open: BTreeSet<_> =
        known.iter().map(|one| (one.kind, one.about.clone(), one.grant)).collect();
    for (key, request) in &expected {
        if !open.contains(key) {
            let (kind, about, grant) = key.clone();
            out.push(Consequence::Open { kind, about, grant, request: *request });
        }
    }
    let answered =
        known.iter().filter(|one| !one.resolved && is_answered(one, held, &expected, observation));
    out.extend(answered.map(|one| Consequence::Resolve { finding: one.finding }));
    out
}

fn expect(
    governed: &[Governed],
    held: &[Held],
    beside: &Beside,
    observation: &Observation,
    now: Timestamp,
) -> Expected {
    let mut expected = Expected::new();
    for one in held {
        if let Some(kind) = breach(one, observation, now) {
            let about = About::Binding(one.binding.clone());
            expected.insert((kind, about, Some(one.grant)), Some(one.request));
        }
    }
    let covered: BTreeSet<&Binding> =
        held.iter().filter(|one| one.state != State::Approved).map(|one| &one.binding).collect();
    let natives: BTreeSet<_> = governed.iter().map(|one| &one.native).collect();
    let unasked = |binding: &Binding| match beside.living.contains(&binding.account) {
        true => Kind::Unapproved,
        false => Kind::Orphan,
    };
    // A session that nobody's grant stands for is as unapproved as an account.
    for binding in observation.present.union(&observation.sessions) {
        if natives.contains(&binding.native) && !covered.contains(binding) {
            expected.insert((unasked(binding), About::Binding(binding.clone()), None), None);
        }
    }
    for native in beside.changed.iter().filter(|native| natives.contains(native)) {
        expected.insert((Kind::ScopeChanged, About::Native(native.clone()), None), None);
    }
    // A token that nobody collected is as unapproved as an account that nobody asked for.
    let collected: BTreeSet<_> = held
        .iter()
        .filter(|one| one.state != State::Approved)
        .map(|one| (&one.binding, one.kept_as))
        .collect();
    for kept in observation.credentials.iter().flatten() {
        let known = collected.contains(&(&kept.binding, Some(kept.digest)));
        if natives.contains(&kept.binding.native) && !known {
            let about = About::Binding(kept.binding.clone());
            expected.insert((unasked(&kept.binding), about, None), None);
        }
    }
    expected
}

/// Whether a finding needs no answer any more, as far as this observation can say.
fn is_answered(one: &Known, held: &[Held], expected: &Expected, observation: &Observation) -> bool {
    let borne_out = expected.contains_key(&(one.kind, one.about.clone(), one.grant));
    match (one.kind, &one.about) {
        // What was stuck is answered when its grant is over, in whatever way that came.
        (Kind::Stuck, _) => {
            held.iter().all(|held| Some(held.grant) != one.grant || held.state.is_over())
        }
        (Kind::OverdueReview, _) => false,
        // A partial answer is no reason to call anything resolved.
        (_, About::Binding(binding)) => observation.says(binding) != Seen::Unknown && !borne_out,
        (_, About::Native(_)) => observation.completeness == Completeness::Complete && !borne_out,
    }
}

/// What is wrong with one grant, as this observation shows it.
fn breach(one: &Held, observation: &Observation, now: Timestamp) -> Option<Kind> {
    let settled = one.calls_over_at.is_none_or(|over| observation.began_at >= over);
    let is_due = one.until.is_some_and(|until| now >= until);
    match (one.state, observation.says_of(&one.binding, one.kept_as)) {
        // Two that end at once are counted, and the first to end takes the access of both along: what is
        // due to end is not missed.
        (State::Active, Seen::Absent | Seen::SessionOpen) if settled && !is_due => {
            Some(Kind::Missing)
        }
        (State::Ending, Seen::Present | Seen::SessionOpen) => {
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
    use crate::observation::{Completeness, Kept, Scope};
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
            kept_as: None,
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
            credentials: None,
            sessions: BTreeSet::new(),
        }
    }

    fn check(held: &[Held], known: &[Known], observation: &Observation, now: i64, expect: &[&str]) {
        let entitlement: EntitlementId = Uuid::from_u128(5).into();
        let governed = [Governed { entitlement, native: "deploy".parse().unwrap() }];
        let beside = Beside {
            living: ["ines", "eve"].iter().map(|one| one.parse().unwrap()).collect(),
            changed: BTreeSet::new(),
        };
        let got: Vec<String> = plan(&governed, held, known, &beside, observation, at(now))
            .iter()
            .map(|one| match one {
                Consequence::See { seen, .. } => format!("see {seen:?}"),
                Consequence::Open { kind, about, request, .. } => {
                    let behind = if request.is_some() { "its request" } else { "no request" };
                    let what = match about {
                        About::Binding(binding) => binding.account.to_string(),
                        About::Native(native) => native.to_string(),
                    };
                    format!("open {} {what} by {behind}", kind.as_str())
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
            &["see Present"],
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
            &["see Absent", "open missing ines by its request"],
        );
        check(&active, &[], &look(Partial, 200, &[]), 200, &[]);
        check(&active, &[], &look(Unknown, 200, &[]), 200, &[]);
        check(&active, &[], &look(Complete, 50, &[]), 200, &["see Absent"]);
        // Its time is over: another grant of the same access may have taken it along already.
        check(&active, &[], &look(Complete, 200, &[]), 1_000, &["see Absent"]);
        let ending = [held("ines", State::Ending)];
        check(&ending, &[], &look(Complete, 1_010, &["ines"]), 1_010, &["see Present"]);
        check(
            &ending,
            &[],
            &look(Complete, 1_100, &["ines"]),
            1_100,
            &["see Present", "open overstayed ines by its request"],
        );
        let approved = [held("ines", State::Approved)];
        check(
            &approved,
            &[],
            &look(Complete, 200, &["ines"]),
            200,
            &["see Present", "open unapproved ines by no request"],
        );
    }

    #[test]
    fn a_session_that_goes_on_is_not_gone() {
        let look = |began| Observation {
            sessions: [binding("ines")].into(),
            ..look(Completeness::Complete, began, &[])
        };
        let ending = [held("ines", State::Ending)];
        check(&ending, &[], &look(1_010), 1_010, &["see SessionOpen"]);
        check(&[], &[], &look(200), 200, &["open unapproved ines by no request"]);
        let overstayed = "open overstayed ines by its request";
        check(&ending, &[], &look(1_100), 1_100, &["see SessionOpen", overstayed]);
    }

    #[test]
    fn what_was_settled_while_the_look_went_on_is_no_difference() {
        let seen_before_its_end = look(Completeness::Complete, 990, &["ines"]);
        check(&[held("ines", State::Ended)], &[], &seen_before_its_end, 1_010, &[]);
        let removed = Known {
            finding: Uuid::from_u128(6).into(),
            kind: Kind::Unapproved,
            about: About::Binding(binding("eve")),
            grant: None,
            resolved: true,
        };
        let seen_before_its_removal = look(Completeness::Complete, 200, &["eve"]);
        check(&[], std::slice::from_ref(&removed), &seen_before_its_removal, 200, &[]);
        check(&[], &[removed], &look(Completeness::Complete, 200, &[]), 200, &[]);
    }

    #[test]
    fn an_account_of_nobody_who_is_active_is_an_orphan() {
        let look = look(Completeness::Complete, 200, &["gone"]);
        check(&[], &[], &look, 200, &["open orphan gone by no request"]);
    }

    #[test]
    fn a_changed_scope_is_found_until_a_complete_look_shows_what_was_agreed_to() {
        let governed = [Governed {
            entitlement: Uuid::from_u128(5).into(),
            native: "deploy".parse().unwrap(),
        }];
        let known = [Known {
            finding: Uuid::from_u128(6).into(),
            kind: Kind::ScopeChanged,
            about: About::Native("deploy".parse().unwrap()),
            grant: None,
            resolved: false,
        }];
        let plan = |changed: &[&str], known: &[Known], completeness| {
            let changed = changed.iter().map(|one| one.parse().unwrap()).collect();
            let beside = Beside { living: BTreeSet::new(), changed };
            plan(&governed, &[], known, &beside, &look(completeness, 200, &[]), at(200))
        };
        use Completeness::{Complete, Partial};
        let opened = plan(&["deploy", "ungoverned"], &[], Complete);
        assert!(
            matches!(&opened[..], [Consequence::Open { kind: Kind::ScopeChanged, .. }]),
            "{opened:?}"
        );
        assert_eq!(plan(&["deploy"], &known, Complete), []);
        assert_eq!(plan(&[], &known, Partial), []);
        let finding = known[0].finding;
        assert_eq!(plan(&[], &known, Complete), [Consequence::Resolve { finding }]);
    }

    #[test]
    fn a_token_that_nobody_collected_is_a_case_of_its_own() {
        let kept = |account: &str, token: &[u8]| Kept {
            binding: binding(account),
            digest: Digest::of(token),
        };
        let own = [Held { kept_as: Some(Digest::of(b"own")), ..held("ines", State::Active) }];
        let look = |tokens: &[&[u8]]| Observation {
            credentials: Some(tokens.iter().map(|token| kept("ines", token)).collect()),
            ..look(Completeness::Complete, 200, &["ines"])
        };
        check(&own, &[], &look(&[b"own"]), 200, &["see Present"]);
        let smuggled = "open unapproved ines by no request";
        let beside = look(&[b"own", b"smuggled"]);
        check(&own, &[], &beside, 200, &["see Present", smuggled]);
        let missing = "open missing ines by its request";
        check(&own, &[], &look(&[b"smuggled"]), 200, &["see Absent", smuggled, missing]);
    }

    #[test]
    fn a_finding_is_resolved_by_a_complete_look_only() {
        use Completeness::{Complete, Partial};
        let known = [Known {
            finding: Uuid::from_u128(6).into(),
            kind: Kind::Unapproved,
            about: About::Binding(binding("eve")),
            grant: None,
            resolved: false,
        }];
        check(&[], &known, &look(Complete, 200, &["eve"]), 200, &[]);
        check(&[], &known, &look(Partial, 200, &[]), 200, &[]);
        check(&[], &known, &look(Complete, 200, &[]), 200, &["resolve"]);
    }
}
