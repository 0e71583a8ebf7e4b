//! The catalogue of events: every kind of fact that the ledger can hold.
//!
//! Event types are only ever added; a new meaning gets a new type (`request.submitted.v2`).

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer as _, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::action::Effect;
use crate::{
    credential, delegation, entitlement, finding, grant, handover, identity, organisation, passkey,
    proposal, request, schedule, target, team,
};

/// Any event, by the machine that it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Organisation(organisation::Event),
    Identity(identity::Event),
    Team(team::Event),
    Target(target::Event),
    Entitlement(entitlement::Event),
    Request(request::Event),
    Grant(grant::Event),
    Finding(finding::Event),
    Credential(credential::Event),
    Delegation(delegation::Event),
    Schedule(schedule::Event),
    Proposal(proposal::Event),
    Handover(handover::Event),
    Passkey(passkey::Event),
    Trail(trail::Event),
}

macro_rules! from_machines {
    ($($machine:ident => $variant:ident),* $(,)?) => {$(
        impl From<$machine::Event> for Event {
            fn from(event: $machine::Event) -> Event {
                Event::$variant(event)
            }
        }
    )*};
}

from_machines!(
    organisation => Organisation,
    identity => Identity,
    team => Team,
    target => Target,
    entitlement => Entitlement,
    request => Request,
    grant => Grant,
    finding => Finding,
    credential => Credential,
    delegation => Delegation,
    schedule => Schedule,
    proposal => Proposal,
    handover => Handover,
    passkey => Passkey,
    trail => Trail,
);

/// Seals: how many entries a trail had at a point of the ledger, so that an omission shows.
pub mod trail {
    use serde::{Deserialize, Serialize};

    use crate::canonical::Digest;

    /// Sealing says: up to here, this trail has `entries` entries and ends in `head`.
    #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Sealed {
        pub entries: u64,
        pub head: Digest,
    }

    #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
    #[serde(tag = "type", content = "body", deny_unknown_fields)]
    pub enum Event {
        #[serde(rename = "trail.sealed")]
        Sealed(Sealed),
    }
}

impl Event {
    /// Every event type, sorted; the coverage list checks that each is produced.
    pub const TYPES: &'static [&'static str] = &[
        "action.finished",
        "action.intended",
        "approval.recorded",
        "approval.withdrawn",
        "bundle.adopted",
        "bundle.proposed",
        "catalogue.adopted",
        "catalogue.lapsed",
        "catalogue.proposed",
        "catalogue.rejected",
        "catalogue.withdrawn",
        "credential.ended",
        "credential.issued",
        "delegation.ended",
        "delegation.made",
        "entitlement.registered",
        "entitlement.retired",
        "entitlement.revised",
        "finding.accepted",
        "finding.opened",
        "finding.removal_intended",
        "finding.removal_ordered",
        "finding.removal_tried",
        "finding.reopened",
        "finding.resolved",
        "grant.activated",
        "grant.approved",
        "grant.cancelled",
        "grant.collected",
        "grant.ended",
        "grant.ending",
        "grant.issued",
        "grant.read_back",
        "grant.seen_still",
        "handover.opened",
        "handover.settled",
        "identity.deactivated",
        "identity.registered",
        "identity.revised",
        "organisation.founded",
        "organisation.recovered",
        "passkey.enrolled",
        "passkey.offered",
        "passkey.revoked",
        "question.answered",
        "question.asked",
        "request.approved",
        "request.denied",
        "request.escalated",
        "request.lapsed",
        "request.narrowed",
        "request.overtaken",
        "request.revised",
        "request.routed",
        "request.submitted",
        "request.withdrawn",
        "rerule.held",
        "rerule.released",
        "review.owed",
        "review.recorded",
        "schedule.registered",
        "schedule.revised",
        "step_up.opened",
        "target.braked",
        "target.observed",
        "target.registered",
        "target.released",
        "target.retired",
        "target.revised",
        "team.registered",
        "team.revised",
        "trail.sealed",
        "work.carried_out",
        "work.confirmed",
        "work.overdue",
        "work.returned",
    ];

    /// Whether access may come of it, so that it wants a time that can be trusted. What ends access,
    /// tells of it or asks about it goes on without.
    pub fn leads_to_access(&self) -> bool {
        match self {
            Self::Request(event) => matches!(
                event,
                request::Event::Submitted(_)
                    | request::Event::Revised(_)
                    | request::Event::Narrowed(_)
                    | request::Event::ApprovalRecorded(_)
                    | request::Event::Approved(_)
            ),
            Self::Grant(event) => match event {
                grant::Event::Approved(_) | grant::Event::Collected(_) => true,
                grant::Event::Intended(intended) => intended.effect == Effect::Grant,
                _ => false,
            },
            Self::Organisation(event) => matches!(
                event,
                organisation::Event::BundleAdopted { .. } | organisation::Event::Recovered(_)
            ),
            Self::Proposal(event) => matches!(event, proposal::Event::Adopted { .. }),
            Self::Delegation(event) => matches!(event, delegation::Event::Made(_)),
            Self::Finding(event) => matches!(event, finding::Event::Accepted(_)),
            Self::Passkey(event) => matches!(event, passkey::Event::Enrolled { .. }),
            Self::Identity(_)
            | Self::Team(_)
            | Self::Target(_)
            | Self::Entitlement(_)
            | Self::Credential(_)
            | Self::Schedule(_)
            | Self::Handover(_)
            | Self::Trail(_) => false,
        }
    }

    /// The type as written in the ledger.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Organisation(event) => match event {
                organisation::Event::Founded(_) => "organisation.founded",
                organisation::Event::Recovered(_) => "organisation.recovered",
                organisation::Event::BundleProposed { .. } => "bundle.proposed",
                organisation::Event::BundleAdopted { .. } => "bundle.adopted",
                organisation::Event::ReruleHeld { .. } => "rerule.held",
                organisation::Event::ReruleReleased { .. } => "rerule.released",
            },
            Self::Identity(event) => match event {
                identity::Event::Registered(_) => "identity.registered",
                identity::Event::Revised(_) => "identity.revised",
                identity::Event::Deactivated {} => "identity.deactivated",
            },
            Self::Team(event) => match event {
                team::Event::Registered(_) => "team.registered",
                team::Event::Revised(_) => "team.revised",
            },
            Self::Target(event) => match event {
                target::Event::Registered(_) => "target.registered",
                target::Event::Revised(_) => "target.revised",
                target::Event::Retired {} => "target.retired",
                target::Event::Observed(_) => "target.observed",
                target::Event::Braked(_) => "target.braked",
                target::Event::Released { .. } => "target.released",
            },
            Self::Entitlement(event) => match event {
                entitlement::Event::Registered(_) => "entitlement.registered",
                entitlement::Event::Revised(_) => "entitlement.revised",
                entitlement::Event::Retired {} => "entitlement.retired",
            },
            Self::Request(event) => match event {
                request::Event::Submitted(_) => "request.submitted",
                request::Event::Revised(_) => "request.revised",
                request::Event::Routed(_) => "request.routed",
                request::Event::ApprovalRecorded(_) => "approval.recorded",
                request::Event::ApprovalWithdrawn { .. } => "approval.withdrawn",
                request::Event::Denied(_) => "request.denied",
                request::Event::Approved(_) => "request.approved",
                request::Event::Withdrawn { .. } => "request.withdrawn",
                request::Event::Lapsed {} => "request.lapsed",
                request::Event::Narrowed(_) => "request.narrowed",
                request::Event::QuestionAsked(_) => "question.asked",
                request::Event::QuestionAnswered(_) => "question.answered",
                request::Event::Escalated(_) => "request.escalated",
                request::Event::Overtaken { .. } => "request.overtaken",
                request::Event::ReviewOwed(_) => "review.owed",
                request::Event::ReviewRecorded(_) => "review.recorded",
                request::Event::StepUpOpened(_) => "step_up.opened",
            },
            Self::Grant(event) => match event {
                grant::Event::Approved(_) => "grant.approved",
                grant::Event::Collected(_) => "grant.collected",
                grant::Event::Issued(_) => "grant.issued",
                grant::Event::ReadBack(_) => "grant.read_back",
                grant::Event::Intended(_) => "action.intended",
                grant::Event::Finished(_) => "action.finished",
                grant::Event::Activated { .. } => "grant.activated",
                grant::Event::Ending { .. } => "grant.ending",
                grant::Event::SeenStill { .. } => "grant.seen_still",
                grant::Event::CarriedOut(_) => "work.carried_out",
                grant::Event::Returned(_) => "work.returned",
                grant::Event::Confirmed(_) => "work.confirmed",
                grant::Event::WorkOverdue { .. } => "work.overdue",
                grant::Event::Ended { .. } => "grant.ended",
                grant::Event::Cancelled { .. } => "grant.cancelled",
            },
            Self::Finding(event) => match event {
                finding::Event::Opened(_) => "finding.opened",
                finding::Event::Resolved { .. } => "finding.resolved",
                finding::Event::Accepted(_) => "finding.accepted",
                finding::Event::Reopened {} => "finding.reopened",
                finding::Event::RemovalOrdered { .. } => "finding.removal_ordered",
                finding::Event::RemovalIntended { .. } => "finding.removal_intended",
                finding::Event::RemovalTried(_) => "finding.removal_tried",
            },
            Self::Credential(event) => match event {
                credential::Event::Issued(_) => "credential.issued",
                credential::Event::Ended { .. } => "credential.ended",
            },
            Self::Delegation(event) => match event {
                delegation::Event::Made(_) => "delegation.made",
                delegation::Event::Ended { .. } => "delegation.ended",
            },
            Self::Schedule(event) => match event {
                schedule::Event::Registered(_) => "schedule.registered",
                schedule::Event::Revised(_) => "schedule.revised",
            },
            Self::Proposal(event) => match event {
                proposal::Event::Proposed(_) => "catalogue.proposed",
                proposal::Event::Adopted { .. } => "catalogue.adopted",
                proposal::Event::Rejected { .. } => "catalogue.rejected",
                proposal::Event::Withdrawn { .. } => "catalogue.withdrawn",
                proposal::Event::Lapsed {} => "catalogue.lapsed",
            },
            Self::Handover(event) => match event {
                handover::Event::Opened(_) => "handover.opened",
                handover::Event::Settled { .. } => "handover.settled",
            },
            Self::Passkey(event) => match event {
                passkey::Event::Offered(_) => "passkey.offered",
                passkey::Event::Enrolled { .. } => "passkey.enrolled",
                passkey::Event::Revoked { .. } => "passkey.revoked",
            },
            Self::Trail(trail::Event::Sealed(_)) => "trail.sealed",
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Organisation(event) => event.serialize(serializer),
            Self::Identity(event) => event.serialize(serializer),
            Self::Team(event) => event.serialize(serializer),
            Self::Target(event) => event.serialize(serializer),
            Self::Entitlement(event) => event.serialize(serializer),
            Self::Request(event) => event.serialize(serializer),
            Self::Grant(event) => event.serialize(serializer),
            Self::Finding(event) => event.serialize(serializer),
            Self::Credential(event) => event.serialize(serializer),
            Self::Delegation(event) => event.serialize(serializer),
            Self::Schedule(event) => event.serialize(serializer),
            Self::Proposal(event) => event.serialize(serializer),
            Self::Handover(event) => event.serialize(serializer),
            Self::Passkey(event) => event.serialize(serializer),
            Self::Trail(event) => event.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            r#type: String,
            body: serde_json::Value,
        }

        let Raw { r#type, body } = Raw::deserialize(deserializer)?;
        let value = serde_json::json!({ "type": r#type, "body": body });
        Self::of(&r#type, value).map_err(D::Error::custom)
    }
}

impl Event {
    /// The event of a type, from the body as it stands in an entry.
    pub(crate) fn read(kind: &str, body: &RawValue) -> Result<Self, serde_json::Error> {
        let tagged = Tagged { kind: Some(kind), body: Some(body) };
        Self::of(kind, MapAccessDeserializer::new(tagged))
    }

    /// The event of a type, from `{"type": ..., "body": ...}`.
    fn of<'de, D: Deserializer<'de>>(kind: &str, tagged: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        if !Self::TYPES.contains(&kind) {
            return Err(D::Error::custom(format!("unknown event type `{kind}`")));
        }
        match kind.split('.').next().unwrap_or_default() {
            "organisation" | "bundle" | "rerule" => {
                Deserialize::deserialize(tagged).map(Self::Organisation)
            }
            "identity" => Deserialize::deserialize(tagged).map(Self::Identity),
            "team" => Deserialize::deserialize(tagged).map(Self::Team),
            "target" => Deserialize::deserialize(tagged).map(Self::Target),
            "entitlement" => Deserialize::deserialize(tagged).map(Self::Entitlement),
            "request" | "approval" | "question" | "review" | "step_up" => {
                Deserialize::deserialize(tagged).map(Self::Request)
            }
            "grant" | "action" | "work" => Deserialize::deserialize(tagged).map(Self::Grant),
            "finding" => Deserialize::deserialize(tagged).map(Self::Finding),
            "credential" => Deserialize::deserialize(tagged).map(Self::Credential),
            "delegation" => Deserialize::deserialize(tagged).map(Self::Delegation),
            "schedule" => Deserialize::deserialize(tagged).map(Self::Schedule),
            "catalogue" => Deserialize::deserialize(tagged).map(Self::Proposal),
            "handover" => Deserialize::deserialize(tagged).map(Self::Handover),
            "passkey" => Deserialize::deserialize(tagged).map(Self::Passkey),
            "trail" => Deserialize::deserialize(tagged).map(Self::Trail),
            _ => Err(D::Error::custom(format!("event type `{kind}` belongs to no machine"))),
        }
    }
}

/// A type and a body as the map that events are written as. The type comes first, so that the body is
/// read straight into what it is, and not kept until its type is known.
struct Tagged<'a> {
    kind: Option<&'a str>,
    body: Option<&'a RawValue>,
}

impl<'de> MapAccess<'de> for Tagged<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let key = match self {
            Self { kind: Some(_), .. } => "type",
            Self { body: Some(_), .. } => "body",
            _ => return Ok(None),
        };
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        if let Some(kind) = self.kind.take() {
            return seed.deserialize(kind.into_deserializer());
        }
        let body = self.body.take().map_or("null", RawValue::get);
        seed.deserialize(&mut serde_json::Deserializer::from_str(body))
    }
}
