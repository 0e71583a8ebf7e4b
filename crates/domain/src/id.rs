//! Typed, prefixed ids (`req_...`, `grt_...`) and the names of streams.
//!
//! Ids name, they never order: the uuid is v7 for locality in indexes, and nothing in Placet
//! compares two ids to learn which came first. The uuid itself is drawn by the engine's
//! environment; this file only prints and parses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::canonical;
use crate::name::{ScheduleName, TeamName};

/// A text that is not the id that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableId {
    /// The prefix that the expected kind of id carries.
    pub expected: &'static str,
    /// What was given.
    pub given: String,
}

impl fmt::Display for UnreadableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an id of the form `{}_<32 hex digits>`", self.given, self.expected)
    }
}

impl std::error::Error for UnreadableId {}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, UnreadableId> {
    let unreadable = || UnreadableId { expected: prefix, given: text.chars().take(64).collect() };
    let hex = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|hex| hex.len() == 32 && !hex.bytes().any(|b| b.is_ascii_uppercase()))
        .ok_or_else(unreadable)?;
    Uuid::try_parse(hex).map_err(|_| unreadable())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                canonical::parsed(deserializer)
            }
        }

        impl $name {
            /// The prefix that every id of this kind carries.
            pub const PREFIX: &'static str = $prefix;
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = UnreadableId;

            fn from_str(text: &str) -> Result<Self, UnreadableId> {
                parse($prefix, text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person or a workload.
    IdentityId = "idn";
    /// A system on which access is granted.
    TargetId = "tgt";
    /// One named role, group, account or secret on a target.
    EntitlementId = "ent";
    /// One ask for one entitlement.
    RequestId = "req";
    /// The approved fact.
    GrantId = "grt";
    /// One effect on a target; the connector's idempotency key.
    ActionId = "act";
    /// One answer of a target to "what is there".
    ObservationId = "obs";
    /// A difference or breach that needs an answer.
    FindingId = "fnd";
    /// A login code, session or token.
    CredentialId = "crd";
    /// Somebody lets another decide in their place.
    DelegationId = "dlg";
    /// What was filed together.
    FilingId = "fil";
    /// A change of the catalogue that one proposes and another adopts.
    ProposalId = "prp";
    /// What somebody answered for, passed on because they left.
    HandoverId = "hnd";
    /// A key of somebody's own, with which they log in and sign what they agree to.
    PasskeyId = "pky";
    /// What one person is told.
    NoticeId = "ntc";
    /// One event in the ledger.
    EventId = "evt";
    /// One transaction: the events that became durable together.
    CommitId = "cmt";
}

/// The aggregate that an event belongs to: its fold is one row of one governed table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The one organisation that this ledger belongs to.
    Organisation,
    Identity(IdentityId),
    Team(TeamName),
    Target(TargetId),
    Entitlement(EntitlementId),
    Request(RequestId),
    Grant(GrantId),
    Finding(FindingId),
    Credential(CredentialId),
    Delegation(DelegationId),
    Schedule(ScheduleName),
    Proposal(ProposalId),
    Handover(HandoverId),
    Passkey(PasskeyId),
}

impl Stream {
    /// What kind of record it is: `request`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Identity(_) => "identity",
            Self::Team(_) => "team",
            Self::Target(_) => "target",
            Self::Entitlement(_) => "entitlement",
            Self::Request(_) => "request",
            Self::Grant(_) => "grant",
            Self::Finding(_) => "finding",
            Self::Credential(_) => "credential",
            Self::Delegation(_) => "delegation",
            Self::Schedule(_) => "schedule",
            Self::Proposal(_) => "proposal",
            Self::Handover(_) => "handover",
            Self::Passkey(_) => "passkey",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation => f.write_str("organisation"),
            Self::Identity(id) => id.fmt(f),
            Self::Team(name) => write!(f, "team_{name}"),
            Self::Target(id) => id.fmt(f),
            Self::Entitlement(id) => id.fmt(f),
            Self::Request(id) => id.fmt(f),
            Self::Grant(id) => id.fmt(f),
            Self::Finding(id) => id.fmt(f),
            Self::Credential(id) => id.fmt(f),
            Self::Delegation(id) => id.fmt(f),
            Self::Schedule(name) => write!(f, "schedule_{name}"),
            Self::Proposal(id) => id.fmt(f),
            Self::Handover(id) => id.fmt(f),
            Self::Passkey(id) => id.fmt(f),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Stream {
    type Err = UnreadableId;

    fn from_str(text: &str) -> Result<Self, UnreadableId> {
        if text == "organisation" {
            return Ok(Self::Organisation);
        }
        let unreadable =
            |expected| UnreadableId { expected, given: text.chars().take(64).collect() };
        let (prefix, rest) = text.split_once('_').ok_or_else(|| unreadable("stream"))?;
        match prefix {
            "team" => rest.parse().map(Self::Team).map_err(|_| unreadable("team")),
            "schedule" => rest.parse().map(Self::Schedule).map_err(|_| unreadable("schedule")),
            IdentityId::PREFIX => text.parse().map(Self::Identity),
            TargetId::PREFIX => text.parse().map(Self::Target),
            EntitlementId::PREFIX => text.parse().map(Self::Entitlement),
            RequestId::PREFIX => text.parse().map(Self::Request),
            GrantId::PREFIX => text.parse().map(Self::Grant),
            FindingId::PREFIX => text.parse().map(Self::Finding),
            CredentialId::PREFIX => text.parse().map(Self::Credential),
            DelegationId::PREFIX => text.parse().map(Self::Delegation),
            ProposalId::PREFIX => text.parse().map(Self::Proposal),
            HandoverId::PREFIX => text.parse().map(Self::Handover),
            PasskeyId::PREFIX => text.parse().map(Self::Passkey),
            _ => Err(unreadable("stream")),
        }
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        canonical::parsed(deserializer)
    }
}

macro_rules! streams {
    ($($variant:ident($id:ty)),*) => {$(
        impl From<$id> for Stream {
            fn from(id: $id) -> Stream {
                Stream::$variant(id)
            }
        }
    )*};
}

streams!(
    Identity(IdentityId),
    Team(TeamName),
    Target(TargetId),
    Entitlement(EntitlementId),
    Request(RequestId),
    Grant(GrantId),
    Finding(FindingId),
    Credential(CredentialId),
    Delegation(DelegationId),
    Schedule(ScheduleName),
    Proposal(ProposalId),
    Handover(HandoverId),
    Passkey(PasskeyId)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_and_parse() {
        let check = |text: &str, readable: bool| {
            assert_eq!(text.parse::<RequestId>().is_ok(), readable, "{text}");
            if let Ok(id) = text.parse::<RequestId>() {
                assert_eq!(id.to_string(), text);
            }
        };
        check("req_0192f0c1a2b37c4d8e9fa0b1c2d3e4f5", true);
        check("grt_0192f0c1a2b37c4d8e9fa0b1c2d3e4f5", false);
        check("req_0192F0C1A2B37C4D8E9FA0B1C2D3E4F5", false);
        check("req_0192f0c1-a2b3-7c4d-8e9f-a0b1c2d3e4f5", false);
        check("req_", false);
        check("", false);
    }

    #[test]
    fn streams_print_and_parse() {
        for text in ["organisation", "team_data-stewards", "idn_0192f0c1a2b37c4d8e9fa0b1c2d3e4f5"] {
            assert_eq!(text.parse::<Stream>().map(|s| s.to_string()).as_deref(), Ok(text));
        }
        assert!("team_No Spaces".parse::<Stream>().is_err());
        assert!("xyz_1".parse::<Stream>().is_err());
    }
}
