//! The fold: one governed row is `apply` over the events of its stream, and nothing else.

use crate::event::Event;
use crate::id::Stream;
use crate::time::Timestamp;
use crate::{
    credential, delegation, entitlement, finding, grant, handover, identity, organisation, passkey,
    proposal, request, schedule, target, team,
};

/// The state of any stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    Organisation(organisation::Organisation),
    Identity(identity::Identity),
    Team(team::Team),
    Target(target::Target),
    Entitlement(entitlement::Entitlement),
    Request(request::Request),
    Grant(grant::Grant),
    Finding(finding::Finding),
    Credential(credential::Credential),
    Delegation(delegation::Delegation),
    Schedule(schedule::Schedule),
    Proposal(proposal::Proposal),
    Handover(handover::Handover),
    Passkey(passkey::Passkey),
}

/// An event that does not belong to the stream or state that it came with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misplaced {
    pub stream: Stream,
    pub event: &'static str,
}

impl std::fmt::Display for Misplaced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "event `{}` cannot follow in stream `{}`", self.event, self.stream)
    }
}

impl std::error::Error for Misplaced {}

macro_rules! fold {
    ($stream:expr, $state:expr, $event:expr, $at:expr; $($variant:ident: $apply:expr;)*) => {
        match ($stream, $event) {
            $((Stream::$variant { .. }, Event::$variant(event)) => {
                let state = match $state {
                    None => None,
                    Some(State::$variant(state)) => Some(state),
                    Some(_) => return Err(misplaced($stream, $event)),
                };
                $apply(state, event, $at).map(State::$variant)
            })*
            _ => return Err(misplaced($stream, $event)),
        }
    };
}

fn misplaced(stream: &Stream, event: &Event) -> Misplaced {
    Misplaced { stream: stream.clone(), event: event.type_name() }
}

/// The state of `stream` after `event`, which happened at `at`.
///
/// A seal closes a trail for those who export it and changes no state.
pub fn apply(
    stream: &Stream,
    state: Option<State>,
    event: &Event,
    at: Timestamp,
) -> Result<Option<State>, Misplaced> {
    if let Event::Trail(_) = event {
        return Ok(state);
    }
    let next = fold! { stream, state, event, at;
        Organisation: organisation::apply;
        Identity: |state, event, _| identity::apply(state, event);
        Team: |state, event, _| team::apply(state, event);
        Target: |state, event, _| target::apply(state, event);
        Entitlement: |state, event, _| entitlement::apply(state, event);
        Request: request::apply;
        Grant: grant::apply;
        Finding: finding::apply;
        Credential: credential::apply;
        Delegation: delegation::apply;
        Schedule: |state, event, _| schedule::apply(state, event);
        Proposal: proposal::apply;
        Handover: handover::apply;
        Passkey: passkey::apply;
    };
    next.map(Some).ok_or_else(|| misplaced(stream, event))
}

impl State {
    /// The trail to which the events of this stream belong: a grant lives in its request's trail,
    /// a finding about requested access too, everything else in its own.
    pub fn trail(&self, stream: &Stream) -> Stream {
        match self {
            Self::Grant(grant) => Stream::Request(grant.approved.request),
            Self::Finding(finding) => {
                finding.opened.request.map_or_else(|| stream.clone(), Stream::Request)
            }
            _ => stream.clone(),
        }
    }

    /// The sets that this row is in. Whoever read a set and every change to one of its members
    /// meet in the set's version.
    pub fn sets(&self) -> Vec<String> {
        match self {
            Self::Grant(grant) => {
                let mut sets = vec![
                    holdings(&grant.approved.receiver),
                    binding(&grant.approved.receiver, &grant.approved.entitlement),
                    held_on(&grant.approved.target),
                ];
                sets.extend(grant.collected.as_ref().map(|one| half(&one.public.mark())));
                sets
            }
            Self::Request(request) => {
                let revision = &request.revision;
                let mut sets = vec![asks(&revision.receiver), asked_by(&revision.requester)];
                sets.extend(request.emergency_of().map(|who| breaks(&who)));
                sets
            }
            Self::Delegation(one) => vec![delegations(&one.made.to)],
            Self::Passkey(one) => vec![passkeys(&one.offered.holder)],
            Self::Identity(_) => vec![IDENTITIES.to_owned()],
            _ => Vec::new(),
        }
    }
}

/// All identities with their teams: what candidates are drawn from.
pub const IDENTITIES: &str = "identities";

/// What an identity holds.
pub fn holdings(identity: &crate::id::IdentityId) -> String {
    format!("holdings/{identity}")
}

/// The grants on a target: what must be over before it is retired.
pub fn held_on(target: &crate::id::TargetId) -> String {
    format!("held/{target}")
}

/// The grants of one entitlement to one identity; its version is the fencing epoch.
pub fn binding(identity: &crate::id::IdentityId, entitlement: &crate::id::EntitlementId) -> String {
    format!("binding/{identity}/{entitlement}")
}

/// What an identity asked for, whoever would receive it.
pub fn asked_by(identity: &crate::id::IdentityId) -> String {
    format!("asked/{identity}")
}

/// The grants for which the same public half was collected.
pub fn half(mark: &str) -> String {
    format!("half/{mark}")
}

/// What was asked for an identity.
pub fn asks(identity: &crate::id::IdentityId) -> String {
    format!("asks/{identity}")
}

/// The emergencies that somebody declared; whether a review of one is overdue decides on the next.
pub fn breaks(requester: &crate::id::IdentityId) -> String {
    format!("breaks/{requester}")
}

/// The delegations to somebody.
pub fn delegations(to: &crate::id::IdentityId) -> String {
    format!("delegations/{to}")
}

/// The passkeys of somebody.
pub fn passkeys(holder: &crate::id::IdentityId) -> String {
    format!("passkeys/{holder}")
}
