//! Who acts, as events record it. The actor comes only from an authenticated credential, never
//! from an argument, and there is no local superuser.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::no_fields;
use crate::id::{CredentialId, IdentityId};

/// Who acted, and by which credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// A person in an interactive session of their own: the only actor that may decide.
    Person { id: IdentityId, session: CredentialId },
    /// Whoever holds a token: may ask, read and give back.
    Token { id: IdentityId, token: CredentialId },
    /// A worker of Placet itself: carries out and observes, decides nothing.
    Worker { name: Worker },
    /// The founding of the organisation; its only act is the genesis and the first login codes.
    #[serde(deserialize_with = "no_fields")]
    Founding,
    /// Whoever holds the log's key and lets two people in again, because nobody else can; its only
    /// acts are to say so and to give them login codes.
    #[serde(deserialize_with = "no_fields")]
    Recovery,
}

impl Actor {
    /// The identity behind the credential; workers and the founding have none.
    pub fn identity(&self) -> Option<IdentityId> {
        match self {
            Self::Person { id, .. } | Self::Token { id, .. } => Some(*id),
            Self::Worker { .. } | Self::Founding | Self::Recovery => None,
        }
    }
}

/// The workers of the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worker {
    Fulfil,
    Observe,
    Reconcile,
    Expire,
    Escalate,
    /// Hands on what those who left held and answered for.
    Leave,
    /// Rules live grants again after a change.
    Rerule,
    /// Finds the way of open requests again after a change.
    Reroute,
    /// Carries notices to people; no event is its own.
    Notify,
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fulfil => "fulfil",
            Self::Observe => "observe",
            Self::Reconcile => "reconcile",
            Self::Expire => "expire",
            Self::Escalate => "escalate",
            Self::Leave => "leave",
            Self::Rerule => "rerule",
            Self::Reroute => "reroute",
            Self::Notify => "notify",
        })
    }
}
