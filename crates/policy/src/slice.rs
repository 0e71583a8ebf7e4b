//! The slice: the facts that one question needs, made from the domain's values.
//!
//! Policies look two steps far (see `placed::LEVEL`), so a slice holds the request, its entitlement,
//! the people named in it, and their managers and owners, all with their teams. A person that was not
//! loaded is left out, and a policy that looks there errs, which refuses; a team that was not loaded
//! would silently be no membership, so that is an error at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression as Value};
use placet_domain::Timestamp;
use placet_domain::canonical::{self, Digest};
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{EntitlementId, IdentityId, RequestId};
use placet_domain::identity::Identity;
use placet_domain::length::Length;
use placet_domain::name::TeamName;
use placet_domain::team::Team;

use crate::policies::Policies;
use crate::words::Words;

/// What was loaded to ask about. Policies see nothing beyond it.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    pub identities: &'a BTreeMap<IdentityId, Identity>,
    pub teams: &'a BTreeMap<TeamName, Team>,
    pub entitlements: &'a BTreeMap<EntitlementId, Entitlement>,
    /// What identities hold by live grants. Somebody who holds nothing has an empty set; for
    /// somebody without a set it is unknown, and a policy that asks for it refuses.
    pub holdings: &'a BTreeMap<IdentityId, BTreeSet<EntitlementId>>,
}

/// One ask, as policies see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    pub request: RequestId,
    pub requester: IdentityId,
    pub receiver: IdentityId,
    pub entitlement: EntitlementId,
    pub length: Length,
    /// Those whose approvals count.
    pub approvers: BTreeSet<IdentityId>,
    /// What an emergency is judged by beside that; none for the ordinary way.
    pub emergency: Option<Emergency>,
    /// It answers a finding about something that the asker answers for.
    pub answers_own_finding: bool,
}

/// What is only asked of an emergency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Emergency {
    /// Reviews of earlier emergencies of the same asker that are overdue.
    pub overdue_reviews: u32,
}

/// The facts of one question, and the text by which they are remembered.
#[derive(Debug)]
pub(crate) struct Slice {
    pub entities: Entities,
    pub text: String,
    pub digest: Digest,
}

/// Gathers entities; each stands in it once.
pub(crate) struct Gather<'a> {
    policies: &'a Policies,
    world: &'a World<'a>,
    now: Timestamp,
    identities: BTreeSet<IdentityId>,
    teams: BTreeSet<TeamName>,
    entities: Vec<Entity>,
}

impl<'a> Gather<'a> {
    pub fn new(policies: &'a Policies, world: &'a World<'a>, now: Timestamp) -> Self {
        Self {
            policies,
            world,
            now,
            identities: BTreeSet::new(),
            teams: BTreeSet::new(),
            entities: Vec::new(),
        }
    }

    /// An identity that the question names, with its manager and owner.
    pub fn identity(&mut self, id: IdentityId) -> Result<(), String> {
        let identity =
            self.world.identities.get(&id).ok_or_else(|| format!("`{id}` is not known"))?;
        self.add_identity(identity)?;
        for next in [identity.manager(), identity.owner()].into_iter().flatten() {
            if let Some(next) = self.world.identities.get(&next) {
                self.add_identity(next)?;
            }
        }
        Ok(())
    }

    pub fn entitlement(&mut self, id: EntitlementId) -> Result<(), String> {
        let entitlement =
            self.world.entitlements.get(&id).ok_or_else(|| format!("`{id}` is not known"))?;
        self.add_team(&entitlement.owners)?;
        let words = &self.policies.words;
        let packs = entitlement.packs.iter().map(|pack| words.pack(pack)).collect();
        let uid = words.entitlement(id);
        self.add(uid, entitlement_facts(words, entitlement), packs)
    }

    /// The ask itself with everybody and everything that it names.
    pub fn ask(&mut self, ask: &Ask) -> Result<(), String> {
        self.identity(ask.requester)?;
        self.identity(ask.receiver)?;
        self.entitlement(ask.entitlement)?;
        let words = &self.policies.words;
        let identity = |id: &IdentityId| Value::new_entity_uid(words.identity(id));
        let facts = HashMap::from([
            ("requester".to_owned(), identity(&ask.requester)),
            ("receiver".to_owned(), identity(&ask.receiver)),
            ("entitlement".to_owned(), Value::new_entity_uid(words.entitlement(ask.entitlement))),
            ("length".to_owned(), seconds(ask.length.as_seconds())),
            ("approvers".to_owned(), Value::new_set(ask.approvers.iter().map(identity))),
        ]);
        self.add(words.request(ask.request), facts, HashSet::new())
    }

    /// What a record cites: the facts, and the text by which they are remembered.
    pub fn finish(self) -> Result<Slice, String> {
        let mut facts = Vec::new();
        for entity in &self.entities {
            facts.push(sorted(entity.to_json_value().map_err(|e| e.to_string())?));
        }
        facts.sort_by_cached_key(ToString::to_string);
        let text = canonical::text(&facts).map_err(|e| e.to_string())?;
        let entities = self.finish_unrecorded()?;
        Ok(Slice { entities, digest: Digest::of(text.as_bytes()), text })
    }

    /// The facts for answers that no record cites.
    pub fn finish_unrecorded(self) -> Result<Entities, String> {
        let entities = self.entities.into_iter().chain(self.policies.actions.iter().cloned());
        Entities::from_entities(entities, None).map_err(|e| e.to_string())
    }

    fn add_identity(&mut self, identity: &Identity) -> Result<(), String> {
        if !self.identities.insert(identity.id) {
            return Ok(());
        }
        for team in &identity.teams {
            self.add_team(team)?;
        }
        let words = &self.policies.words;
        let holds = self.world.holdings.get(&identity.id);
        let facts = identity_facts(words, identity, holds, self.now);
        let teams = identity.teams.iter().map(|team| words.team(team)).collect();
        self.add(words.identity(identity.id), facts, teams)
    }

    /// A team with all teams that it is within.
    fn add_team(&mut self, name: &TeamName) -> Result<(), String> {
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            if !self.teams.insert(name.clone()) {
                continue;
            }
            let team = self.world.teams.get(name);
            let team = team.ok_or_else(|| format!("team `{name}` is not known"))?;
            let words = &self.policies.words;
            let within = team.within.iter().map(|above| words.team(above)).collect();
            self.add(words.team(name), HashMap::new(), within)?;
            open.extend(&team.within);
        }
        Ok(())
    }

    fn add(
        &mut self,
        uid: EntityUid,
        facts: HashMap<String, Value>,
        parents: HashSet<EntityUid>,
    ) -> Result<(), String> {
        self.entities.push(Entity::new(uid, facts, parents).map_err(|e| e.to_string())?);
        Ok(())
    }
}

fn identity_facts(
    words: &Words,
    identity: &Identity,
    holds: Option<&BTreeSet<EntitlementId>>,
    now: Timestamp,
) -> HashMap<String, Value> {
    let person = |id: IdentityId| Value::new_entity_uid(words.identity(id));
    let entitlement = |id: &EntitlementId| Value::new_entity_uid(words.entitlement(id));
    let kind = Value::new_entity_uid(words.kind(identity.kind().as_str()));
    let mut facts = HashMap::from([
        ("kind".to_owned(), kind),
        ("active".to_owned(), Value::new_bool(identity.is_active_at(now))),
        ("risk".to_owned(), Value::new_long(i64::from(identity.risk))),
    ]);
    facts.extend(identity.manager().map(|id| ("manager".to_owned(), person(id))));
    facts.extend(identity.owner().map(|id| ("owner".to_owned(), person(id))));
    let holds = holds.map(|set| Value::new_set(set.iter().map(entitlement)));
    facts.extend(holds.map(|set| ("holds".to_owned(), set)));
    facts
}

fn entitlement_facts(words: &Words, entitlement: &Entitlement) -> HashMap<String, Value> {
    let entity = Value::new_entity_uid;
    let terms = &entitlement.terms;
    let offered = entitlement.offered_to.iter().map(|team| entity(words.team(team)));
    let holders = entitlement.holders.iter().map(|kind| entity(words.kind(kind.as_str())));
    let conflicts = entitlement.conflicts.iter().map(|id| entity(words.entitlement(id)));
    HashMap::from([
        ("environment".to_owned(), entity(words.environment(terms.environment.as_str()))),
        ("privilege".to_owned(), entity(words.privilege(terms.privilege.as_str()))),
        ("sensitivity".to_owned(), Value::new_long(i64::from(terms.sensitivity))),
        ("owners".to_owned(), entity(words.team(&entitlement.owners))),
        ("offeredTo".to_owned(), Value::new_set(offered)),
        ("holders".to_owned(), Value::new_set(holders)),
        ("conflictsWith".to_owned(), Value::new_set(conflicts)),
        ("longest".to_owned(), seconds(entitlement.longest.as_seconds())),
        ("powerOverPlacet".to_owned(), Value::new_bool(entitlement.power_over_placet)),
    ])
}

/// A duration. Beyond 100,000 years it stays there: Cedar counts milliseconds in 64 bits.
pub(crate) fn seconds(count: u64) -> Value {
    Value::new_duration(format!("{}s", count.min(3_155_760_000_000)))
}

/// Every list in an entity is a set, so its order means nothing and is made one.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Json::Array(list) => {
            let mut list: Vec<Json> = list.into_iter().map(sorted).collect();
            list.sort_by_cached_key(ToString::to_string);
            Json::Array(list)
        }
        Json::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, sorted(v))).collect()),
        other => other,
    }
}
