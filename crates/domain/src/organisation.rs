//! The organisation: how it was founded, and which policy bundle rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::actor::Actor;
use crate::canonical::Digest;
use crate::committed::Committed;
use crate::id::{IdentityId, Stream};
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
    /// Changes after which ruling again would end so much that a person has to look first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<Stream, Held>,
    /// The last recovery, and when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<(Recovered, Timestamp)>,
}

/// How long everybody is told of a recovery when they log in, in seconds.
pub const TELL_SECONDS: u64 = 7 * 24 * 60 * 60;

/// That two people were let in again by the log's key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovered {
    pub people: BTreeSet<IdentityId>,
    /// No administrator was active any more, so they were put in charge.
    pub none_left: bool,
    pub reason: Committed<String>,
}

/// How much ruling again would end, of how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    pub would_end: u64,
    pub live: u64,
}

impl Held {
    /// So many may end by a change without anybody looking.
    const FEW: u64 = 10;
    /// One in so many may end likewise.
    const SHARE: u64 = 5;

    /// Whether this is more than ends by itself: more than a few, and more than a small share.
    pub fn stops(self) -> bool {
        self.would_end > Self::FEW && self.would_end.saturating_mul(Self::SHARE) > self.live
    }
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
    #[serde(rename = "organisation.recovered")]
    Recovered(Recovered),
    /// Ruling again after a change would end too much: it waits for a person.
    #[serde(rename = "rerule.held")]
    ReruleHeld { what: Stream, held: Held },
    /// A person let it go on; or, with nobody named, it would not end too much any more.
    #[serde(rename = "rerule.released")]
    ReruleReleased { what: Stream, by: Option<IdentityId> },
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
    /// Two people are let in again.
    Recover {
        recovered: Recovered,
        /// Whether the reason is empty; it stands in the event as a commitment.
        blank: bool,
        people: &'a [Identity],
        /// Those who are active and could let others in.
        administrators: &'a BTreeSet<IdentityId>,
        now: Timestamp,
    },
    HoldRerule {
        what: Stream,
        held: Held,
    },
    /// Counted anew, it would not end too much any more.
    SettleRerule {
        what: Stream,
    },
    ReleaseRerule {
        what: Stream,
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
        (Some(_), Command::Recover { recovered, blank, people, administrators, now }) => {
            may_recover(people, administrators, blank, now)?;
            Ok(vec![Event::Recovered(recovered)])
        }
        (Some(organisation), Command::HoldRerule { what, held }) => {
            if organisation.held.get(&what) == Some(&held) {
                return Ok(Vec::new());
            }
            Ok(vec![Event::ReruleHeld { what, held }])
        }
        (Some(organisation), Command::SettleRerule { what }) => {
            if !organisation.held.contains_key(&what) {
                return Ok(Vec::new());
            }
            Ok(vec![Event::ReruleReleased { what, by: None }])
        }
        (Some(organisation), Command::ReleaseRerule { what, actor }) => {
            let Actor::Person { id, .. } = actor else { return Err(Refusal::NeedsSession {}) };
            if !organisation.held.contains_key(&what) {
                return Err(Refusal::NothingHeld { what: what.to_string() });
            }
            Ok(vec![Event::ReruleReleased { what, by: Some(id) }])
        }
    }
}

/// Two different people who are active: administrators as long as there is one.
fn may_recover(
    people: &[Identity],
    administrators: &BTreeSet<IdentityId>,
    blank: bool,
    now: Timestamp,
) -> Result<(), Refusal> {
    let no = |why: &str| Err(Refusal::RecoveryRefused { why: why.to_owned() });
    let living = people.iter().filter(|one| one.is_human() && one.is_active_at(now));
    let distinct: BTreeSet<IdentityId> = living.map(|one| one.id).collect();
    if distinct.len() != 2 || people.len() != 2 {
        return no("it takes two different people who are active");
    }
    if !administrators.is_empty() && !distinct.is_subset(administrators) {
        return no("there are active administrators, and both people must be among them");
    }
    if blank {
        return no("everybody will ask why, and no reason was given");
    }
    Ok(())
}

pub fn apply(state: Option<Organisation>, event: &Event, at: Timestamp) -> Option<Organisation> {
    match (state, event) {
        (None, Event::Founded(founded)) => Some(Organisation {
            ruling_bundle: founded.bundle,
            founded: founded.clone(),
            founded_at: at,
            proposals: BTreeMap::new(),
            held: BTreeMap::new(),
            recovered: None,
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
        (Some(mut organisation), Event::Recovered(recovered)) => {
            organisation.recovered = Some((recovered.clone(), at));
            Some(organisation)
        }
        (Some(mut organisation), Event::ReruleHeld { what, held }) => {
            organisation.held.insert(what.clone(), *held);
            Some(organisation)
        }
        (Some(mut organisation), Event::ReruleReleased { what, .. }) => {
            organisation.held.remove(what);
            Some(organisation)
        }
        (state, _) => state,
    }
}
