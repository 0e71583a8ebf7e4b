//! The catalogue of events: every kind of fact that the ledger can hold.
//!
//! Event types are only ever added; a new meaning gets a new type (`request.submitted.v2`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::action::Effect;
use crate::{
    credential, delegation, entitlement, finding, grant, handover, identity, organisation,
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

        let raw = Raw::deserialize(deserializer)?;
        let known = Self::TYPES.contains(&raw.r#type.as_str());
        let machine = raw.r#type.split('.').next().unwrap_or_default().to_owned();
        let value = serde_json::json!({ "type": raw.r#type, "body": raw.body });
        let event = match machine.as_str() {
            "organisation" | "bundle" | "rerule" => {
                serde_json::from_value(value).map(Self::Organisation)
            }
            "identity" => serde_json::from_value(value).map(Self::Identity),
            "team" => serde_json::from_value(value).map(Self::Team),
            "target" => serde_json::from_value(value).map(Self::Target),
            "entitlement" => serde_json::from_value(value).map(Self::Entitlement),
            "request" | "approval" | "question" | "review" => {
                serde_json::from_value(value).map(Self::Request)
            }
            "grant" | "action" | "work" => serde_json::from_value(value).map(Self::Grant),
            "finding" => serde_json::from_value(value).map(Self::Finding),
            "credential" => serde_json::from_value(value).map(Self::Credential),
            "delegation" => serde_json::from_value(value).map(Self::Delegation),
            "schedule" => serde_json::from_value(value).map(Self::Schedule),
            "catalogue" => serde_json::from_value(value).map(Self::Proposal),
            "handover" => serde_json::from_value(value).map(Self::Handover),
            "trail" => serde_json::from_value(value).map(Self::Trail),
            _ => return Err(D::Error::custom(format!("unknown event type `{}`", raw.r#type))),
        };
        let event = event.map_err(D::Error::custom)?;
        if known { Ok(event) } else { Err(D::Error::custom("event type is not in the catalogue")) }
    }
}
