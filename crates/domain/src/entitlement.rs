//! Entitlements: exactly one named role, group, account or secret on a target.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::id::{EntitlementId, IdentityId, TargetId};
use crate::identity::{Identity, Kind as Holder};
use crate::length::Length;
use crate::name::{EntitlementName, NativeId, PackName, TeamName};
use crate::target::Target;

macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),* }

        impl $name {
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

closed_list!(
    /// What an entitlement is on its target.
    Kind { Role = "role", Group = "group", Account = "account", Secret = "secret" }
);
closed_list!(Environment { Dev = "dev", Staging = "staging", Prod = "prod" });
closed_list!(Privilege { Read = "read", Write = "write", Admin = "admin" });

/// What holding an entitlement really means. Approvers agree to exactly these terms; when one
/// changes, what was approved no longer stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub target: TargetId,
    /// The target's own immutable id of what is granted.
    pub native: NativeId,
    pub kind: Kind,
    pub environment: Environment,
    pub privilege: Privilege,
    /// What it allows on the target, in words of the target.
    pub scope: String,
    /// 1 (public) to 4 (restricted).
    pub sensitivity: u8,
}

/// An entitlement as registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entitlement {
    pub id: EntitlementId,
    pub name: EntitlementName,
    pub terms: Terms,
    /// The one living person who answers for it.
    pub owner: IdentityId,
    /// The team whose members are eligible as owners in a route.
    pub owners: TeamName,
    pub offered_to: BTreeSet<TeamName>,
    /// The kinds of identity that may hold it.
    pub holders: BTreeSet<Holder>,
    pub longest: Length,
    pub conflicts: BTreeSet<EntitlementId>,
    pub packs: BTreeSet<PackName>,
    /// Holding it gives power over Placet itself; never pre-approved.
    pub power_over_placet: bool,
    pub retired: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "entitlement.registered")]
    Registered(Box<Entitlement>),
    #[serde(rename = "entitlement.revised")]
    Revised(Box<Entitlement>),
    #[serde(rename = "entitlement.retired")]
    Retired {},
}

#[derive(Debug)]
pub enum Command<'a> {
    Register {
        entitlement: Box<Entitlement>,
        owner: Option<&'a Identity>,
        target: Option<&'a Target>,
    },
    /// Other facts under the same name; one that was retired may be offered again.
    Revise {
        entitlement: Box<Entitlement>,
        owner: Option<&'a Identity>,
        target: Option<&'a Target>,
    },
    /// No new grants; what is held runs to its end.
    Retire,
}

pub fn decide(state: Option<&Entitlement>, command: Command<'_>) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Register { entitlement, owner, target }) => {
            stands(&entitlement, owner, target)?;
            Ok(vec![Event::Registered(entitlement)])
        }
        (Some(old), Command::Revise { entitlement, owner, target })
            if old.id == entitlement.id && old.name == entitlement.name =>
        {
            stands(&entitlement, owner, target)?;
            Ok(vec![Event::Revised(entitlement)])
        }
        (Some(entitlement), Command::Revise { .. }) => {
            Err(Refusal::AlreadyRegistered { what: format!("entitlement {}", entitlement.name) })
        }
        (None, Command::Revise { entitlement, .. }) => Err(Refusal::UnknownEntitlement {
            given: entitlement.name.to_string(),
            hint: String::new(),
        }),
        (Some(entitlement), Command::Register { .. }) => {
            Err(Refusal::AlreadyRegistered { what: format!("entitlement {}", entitlement.name) })
        }
        (Some(entitlement), Command::Retire) if !entitlement.retired => Ok(vec![Event::Retired {}]),
        (Some(entitlement), Command::Retire) => {
            Err(Refusal::RetiredEntitlement { name: entitlement.name.to_string() })
        }
        (None, Command::Retire) => {
            Err(Refusal::UnknownEntitlement { given: "none".to_owned(), hint: String::new() })
        }
    }
}

/// An entitlement has a living owner, and a target on which it can be granted.
fn stands(
    entitlement: &Entitlement,
    owner: Option<&Identity>,
    target: Option<&Target>,
) -> Result<(), Refusal> {
    if !owner.is_some_and(|one| one.is_human() && one.active) {
        return Err(Refusal::Unowned { what: format!("entitlement {}", entitlement.name) });
    }
    let target = target.filter(|target| target.id == entitlement.terms.target);
    if target.is_none_or(|target| target.retired && !entitlement.retired) {
        return Err(Refusal::UnknownTarget { given: entitlement.terms.target.to_string() });
    }
    Ok(())
}

pub fn apply(state: Option<Entitlement>, event: &Event) -> Option<Entitlement> {
    match (state, event) {
        (_, Event::Registered(entitlement) | Event::Revised(entitlement)) => {
            Some(*entitlement.clone())
        }
        (Some(entitlement), Event::Retired {}) => {
            Some(Entitlement { retired: true, ..entitlement })
        }
        (None, Event::Retired {}) => None,
    }
}
