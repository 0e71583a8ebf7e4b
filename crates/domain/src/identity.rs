//! Identities: who may hold access, and who answers for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::committed::Committed;
use crate::id::IdentityId;
use crate::name::{
    AccountName, Handle, Issuer, LoginSubject, MailAddress, ScheduleName, TargetName, TeamName,
};
use crate::time::Timestamp;

/// By what an OpenID provider knows a person; nobody else may be known by it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub issuer: Issuer,
    pub subject: LoginSubject,
}

/// The most logins of one person: a provider, and another one while people move.
pub const MOST_LOGINS: usize = 8;

/// Personal facts: disclosed beside the ledger, erasable, never read by `apply`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub handle: Handle,
    pub name: String,
    /// Accounts on targets whose name differs from the handle.
    #[serde(default)]
    pub accounts: BTreeMap<TargetName, AccountName>,
    /// Where notices are sent by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailAddress>,
    /// Whoever comes with one of these from its provider is this person.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub logins: BTreeSet<Login>,
}

impl Profile {
    /// The account by which this identity is known on `target`: its handle, unless another is named.
    pub fn account_on(&self, target: &TargetName) -> AccountName {
        self.accounts.get(target).cloned().unwrap_or_else(|| AccountName::from(&self.handle))
    }
}

/// What an identity is; decides who may hold what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Human,
    Service,
    Pipeline,
    Agent,
    Key,
    Certificate,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Service => "service",
            Self::Pipeline => "pipeline",
            Self::Agent => "agent",
            Self::Key => "key",
            Self::Certificate => "certificate",
        }
    }

    pub const ALL: [Kind; 6] =
        [Self::Human, Self::Service, Self::Pipeline, Self::Agent, Self::Key, Self::Certificate];
}

/// A person from outside: somebody inside answers for them, and the contract ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    pub sponsor: IdentityId,
    pub contract_ends: Timestamp,
}

/// The two natures of an identity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "nature", rename_all = "snake_case", deny_unknown_fields)]
pub enum Nature {
    Human { manager: Option<IdentityId>, external: Option<External> },
    Workload { kind: Kind, owner: IdentityId, purpose: String },
}

/// An identity as registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    pub id: IdentityId,
    pub profile: Committed<Profile>,
    pub is: Nature,
    pub teams: BTreeSet<TeamName>,
    pub active: bool,
    /// The current risk signal, 0 (none) to 100.
    pub risk: u8,
    /// The hours in which an answer can be expected; the usual ones if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleName>,
}

impl Identity {
    pub fn kind(&self) -> Kind {
        match self.is {
            Nature::Human { .. } => Kind::Human,
            Nature::Workload { kind, .. } => kind,
        }
    }

    pub fn is_human(&self) -> bool {
        matches!(self.is, Nature::Human { .. })
    }

    /// The living person who answers for a workload.
    pub fn owner(&self) -> Option<IdentityId> {
        match self.is {
            Nature::Workload { owner, .. } => Some(owner),
            Nature::Human { .. } => None,
        }
    }

    pub fn manager(&self) -> Option<IdentityId> {
        match self.is {
            Nature::Human { manager, .. } => manager,
            Nature::Workload { .. } => None,
        }
    }

    /// Active, and not past the end of a contract.
    pub fn is_active_at(&self, now: Timestamp) -> bool {
        let within_contract = match &self.is {
            Nature::Human { external: Some(external), .. } => now < external.contract_ends,
            _ => true,
        };
        self.active && within_contract
    }
}

/// What can happen to an identity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "identity.registered")]
    Registered(Identity),
    /// Other facts about the same identity; one that had left may be active again.
    #[serde(rename = "identity.revised")]
    Revised(Identity),
    #[serde(rename = "identity.deactivated")]
    Deactivated {},
}

/// What may be asked of an identity.
#[derive(Debug)]
pub enum Command<'a> {
    /// `answerable` is whoever must answer: a workload's owner, an external's sponsor.
    Register {
        identity: Identity,
        answerable: Option<&'a Identity>,
    },
    Revise {
        identity: Identity,
        answerable: Option<&'a Identity>,
    },
    Deactivate,
}

pub fn decide(state: Option<&Identity>, command: Command<'_>) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Register { identity, answerable }) => {
            answered_for(&identity, answerable)?;
            Ok(vec![Event::Registered(identity)])
        }
        (Some(old), Command::Revise { identity, answerable })
            if old.id == identity.id && old.is_human() == identity.is_human() =>
        {
            if identity.active {
                answered_for(&identity, answerable)?;
            }
            Ok(vec![Event::Revised(identity)])
        }
        (Some(_), Command::Revise { identity, .. }) => {
            Err(Refusal::AlreadyRegistered { what: identity.id.to_string() })
        }
        (None, Command::Revise { identity, .. }) => {
            Err(Refusal::UnknownIdentity { given: identity.id.to_string() })
        }
        (Some(_), Command::Register { identity, .. }) => {
            Err(Refusal::AlreadyRegistered { what: identity.id.to_string() })
        }
        (Some(identity), Command::Deactivate) if identity.active => Ok(vec![Event::Deactivated {}]),
        (Some(identity), Command::Deactivate) => {
            Err(Refusal::InactiveIdentity { who: identity.id.to_string() })
        }
        (None, Command::Deactivate) => Err(Refusal::UnknownIdentity { given: "none".to_owned() }),
    }
}

/// A workload has a living owner, and a person from outside a living sponsor.
fn answered_for(identity: &Identity, answerable: Option<&Identity>) -> Result<(), Refusal> {
    let answers = answerable.is_some_and(|one| one.is_human() && one.active);
    let must_answer = match &identity.is {
        Nature::Workload { .. } => true,
        Nature::Human { external, .. } => external.is_some(),
    };
    let kind_fits = match identity.is {
        Nature::Workload { kind, .. } => kind != Kind::Human,
        Nature::Human { .. } => true,
    };
    if !kind_fits || (must_answer && !answers) {
        return Err(Refusal::Unowned { what: identity.id.to_string() });
    }
    Ok(())
}

pub fn apply(state: Option<Identity>, event: &Event) -> Option<Identity> {
    match (state, event) {
        (_, Event::Registered(identity) | Event::Revised(identity)) => Some(identity.clone()),
        (Some(identity), Event::Deactivated {}) => Some(Identity { active: false, ..identity }),
        (None, Event::Deactivated {}) => None,
    }
}
