//! The organisation: how it was founded, and which policy bundle rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::id::IdentityId;
use crate::identity::Identity;
use crate::time::Timestamp;

/// The genesis: the first entry of a ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Founded {
    /// The verifier key of the ledger (C2SP signed-note).
    pub verifier_key: String,
    /// The first policy bundle.
    pub bundle: Digest,
    /// The digest of the catalogue file that the organisation was founded with.
    pub catalogue: Digest,
    pub administrators: BTreeSet<IdentityId>,
}

/// The organisation: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    pub founded: Founded,
    pub founded_at: Timestamp,
    pub ruling_bundle: Digest,
    /// Bundles that were proposed and not adopted, and by whom.
    pub proposals: BTreeMap<Digest, IdentityId>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "organisation.founded")]
    Founded(Founded),
    #[serde(rename = "bundle.proposed")]
    BundleProposed { bundle: Digest, by: IdentityId },
    #[serde(rename = "bundle.adopted")]
    BundleAdopted { bundle: Digest, proposed_by: IdentityId, adopted_by: IdentityId },
}

#[derive(Debug)]
pub enum Command<'a> {
    Found {
        founded: Founded,
        administrators: &'a [Identity],
    },
    /// The bundle has been validated.
    ProposeBundle {
        bundle: Digest,
        by: IdentityId,
    },
    AdoptBundle {
        bundle: Digest,
        actor: Actor,
    },
}

pub fn decide(state: Option<&Organisation>, command: Command<'_>) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Found { founded, administrators }) => {
            let people = administrators.iter().filter(|one| one.is_human() && one.active);
            let distinct: BTreeSet<IdentityId> = people.map(|one| one.id).collect();
            if distinct.len() < 2 || distinct != founded.administrators {
                let why = "it needs two administrators".to_owned();
                return Err(Refusal::Founders { why });
            }
            Ok(vec![Event::Founded(founded)])
        }
        (Some(_), Command::Found { .. }) => {
            Err(Refusal::AlreadyRegistered { what: "this organisation".to_owned() })
        }
        (None, _) => Err(Refusal::Founders { why: "it has not been founded".to_owned() }),
        (Some(organisation), Command::ProposeBundle { bundle, by }) => {
            if organisation.ruling_bundle == bundle {
                return Err(Refusal::BundleRules {});
            }
            Ok(vec![Event::BundleProposed { bundle, by }])
        }
        (Some(organisation), Command::AdoptBundle { bundle, actor }) => {
            let Actor::Person { id, .. } = actor else { return Err(Refusal::NeedsSession {}) };
            let unknown = || Refusal::BundleUnknown { given: bundle.to_string() };
            let proposed_by = *organisation.proposals.get(&bundle).ok_or_else(unknown)?;
            if proposed_by == id {
                return Err(Refusal::BundleOwnProposal {});
            }
            Ok(vec![Event::BundleAdopted { bundle, proposed_by, adopted_by: id }])
        }
    }
}

pub fn apply(state: Option<Organisation>, event: &Event, at: Timestamp) -> Option<Organisation> {
    match (state, event) {
        (None, Event::Founded(founded)) => Some(Organisation {
            ruling_bundle: founded.bundle,
            founded: founded.clone(),
            founded_at: at,
            proposals: BTreeMap::new(),
        }),
        (Some(mut organisation), Event::BundleProposed { bundle, by }) => {
            organisation.proposals.insert(*bundle, *by);
            Some(organisation)
        }
        (Some(mut organisation), Event::BundleAdopted { bundle, .. }) => {
            organisation.proposals.remove(bundle);
            organisation.ruling_bundle = *bundle;
            Some(organisation)
        }
        (state, _) => state,
    }
}
