//! What stands beside records when they are shown, for a whole page at once: how people, entitlements
//! and targets are called, texts behind commitments, and what belongs to a request.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::committed::{Commitment, Committed, Disclosure};
use placet_domain::entitlement::Entitlement;
use placet_domain::grant::Grant;
use placet_domain::id::{EntitlementId, IdentityId, RequestId, TargetId};
use placet_domain::identity::{Identity, Profile};
use placet_domain::name::NativeId;
use placet_domain::request::Request;
use placet_domain::route::Candidates;
use placet_domain::target::Target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::observed::LastLook;
use super::tagged;
use crate::Store;
use crate::change::Facts;
use crate::error::{Error, damaged};
use crate::row::parsed;
use crate::script::{Script, Value};

/// What names are wanted for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub people: BTreeSet<IdentityId>,
    pub entitlements: BTreeSet<EntitlementId>,
    pub targets: BTreeSet<TargetId>,
    pub texts: BTreeSet<Commitment>,
}

/// Names, and the texts behind commitments; what was erased is left out.
#[derive(Clone, Debug, Default)]
pub struct Named {
    pub people: BTreeMap<IdentityId, Profile>,
    pub entitlements: BTreeMap<EntitlementId, Entitlement>,
    pub targets: BTreeMap<TargetId, Target>,
    /// By the commitments' texts.
    texts: BTreeMap<String, Disclosure>,
}

impl Named {
    /// The value behind a commitment; none once it is erased.
    pub fn text<T: Serialize + DeserializeOwned>(
        &self,
        committed: &Committed<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.texts.get(&committed.commitment().to_string()) else {
            return Ok(None);
        };
        committed.open(text).map(Some).map_err(|e| damaged(e.to_string()))
    }
}

/// What belongs to a request and is not in its row.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// For whom it waits, by stage.
    pub waiting: Candidates,
    /// Why an open request waits for nobody, if it does.
    pub stalled: Option<String>,
    /// What the receiver holds or is about to.
    pub held: Vec<Grant>,
    /// The grant that it led to.
    pub grant: Option<Grant>,
    /// The last look at its target.
    pub look: Option<LastLook>,
    /// What the entitlement allows, as it was agreed to.
    pub allows: Option<String>,
}

impl Store {
    pub async fn named(&self, wanted: &Wanted) -> Result<Named, Error> {
        let mut script = Script::default();
        let Wanted { people, entitlements, targets, texts } = wanted;
        script.add_keyed(
            "select 'identity', id, version, state from identity where id in ($1)",
            people,
        );
        script.add_keyed(
            "select 'entitlement', id, version, state from entitlement where id in ($1)",
            entitlements,
        );
        script
            .add_keyed("select 'target', id, version, state from target where id in ($1)", targets);
        script.add_keyed(TEXT, texts);
        let mut lent = self.read.lend().await?;
        let mut named = Named::default();
        let mut called: BTreeMap<Commitment, Vec<Identity>> = BTreeMap::new();
        for row in script.rows(&mut lent).await? {
            let facts = &mut Facts::default();
            match row.try_get::<&str, _>(0)? {
                "identity" => {
                    let one: Identity = tagged(&row, facts)?;
                    called.entry(one.profile.commitment()).or_default().push(one);
                }
                "entitlement" => {
                    let one: Entitlement = tagged(&row, facts)?;
                    named.entitlements.insert(one.id, one);
                }
                "target" => {
                    let one: Target = tagged(&row, facts)?;
                    named.targets.insert(one.id, one);
                }
                _ => {
                    named.texts.insert(row.try_get(1)?, Disclosure::from_text(row.try_get(3)?));
                }
            }
        }
        let mut script = Script::default();
        script.add_keyed(TEXT, called.keys());
        for row in script.rows(&mut lent).await? {
            // By what it commits to, not by what the row says: a name that was edited in the database
            // is no name.
            let text = Disclosure::from_text(row.try_get(3)?);
            for identity in called.remove(&text.commitment()).unwrap_or_default() {
                let profile = identity.profile.open(&text).map_err(|e| damaged(e.to_string()))?;
                named.people.insert(identity.id, profile);
            }
        }
        Ok(named)
    }

    /// What belongs to these requests, in their order.
    pub async fn beside(&self, requests: &[Request]) -> Result<Vec<Beside>, Error> {
        let mut script = Script::default();
        let ids: BTreeSet<RequestId> = requests.iter().map(|one| one.id).collect();
        let receivers: BTreeSet<IdentityId> =
            requests.iter().map(|one| one.revision.receiver).collect();
        let targets: BTreeSet<TargetId> =
            requests.iter().map(|one| one.revision.terms.target).collect();
        script.add_keyed(
            "select 'waiting', request, stage, identity from waiting where request in ($1)",
            &ids,
        );
        script.add_keyed(
            "select 'stalled', request, null, why from stalled where request in ($1)",
            &ids,
        );
        script.add_keyed(
            "select 'grant', id, version, state from access_grant where request in ($1)",
            &ids,
        );
        script.add_keyed(
            "select 'held', id, version, state from access_grant where live = true and receiver in ($1)",
            &receivers,
        );
        script.add_keyed(
            "select 'look', target, completeness, finished_at, complete_at, detail \
             from observed_target where target in ($1)",
            &targets,
        );
        let natives: BTreeSet<(TargetId, &NativeId)> = requests
            .iter()
            .map(|one| (one.revision.terms.target, &one.revision.terms.native))
            .collect();
        for (target, native) in natives {
            script.add(
                "select 'allows', target, native, scope from observed_scope \
                 where target = $1 and native = $2",
                [Value::text(target), Value::text(native)],
            );
        }
        let mut found = Found::default();
        for row in script.rows(&mut *self.read.lend().await?).await? {
            found.take(&row)?;
        }
        Ok(requests.iter().map(|request| found.beside(request)).collect())
    }
}

const TEXT: &str = "select 'text', commitment, null, body from disclosure where commitment in ($1)";

/// What was found for some requests, before it is laid beside each.
#[derive(Default)]
struct Found {
    waiting: BTreeMap<RequestId, Candidates>,
    stalled: BTreeMap<RequestId, String>,
    grants: BTreeMap<RequestId, Grant>,
    held: BTreeMap<IdentityId, Vec<Grant>>,
    looks: BTreeMap<TargetId, LastLook>,
    allows: BTreeMap<(TargetId, NativeId), String>,
}

impl Found {
    fn take(&mut self, row: &SqliteRow) -> Result<(), Error> {
        match row.try_get::<&str, _>(0)? {
            "waiting" => {
                let stages = self.waiting.entry(parsed(row, 1)?).or_default();
                stages.entry(parsed(row, 2)?).or_default().insert(parsed(row, 3)?);
            }
            "stalled" => {
                self.stalled.insert(parsed(row, 1)?, row.try_get(3)?);
            }
            "grant" => {
                let grant: Grant = tagged(row, &mut Facts::default())?;
                self.grants.insert(grant.approved.request, grant);
            }
            "held" => {
                let grant: Grant = tagged(row, &mut Facts::default())?;
                self.held.entry(grant.approved.receiver).or_default().push(grant);
            }
            "look" => {
                self.looks.insert(parsed(row, 1)?, LastLook::read(row, 2)?);
            }
            "allows" => {
                self.allows.insert((parsed(row, 1)?, parsed(row, 2)?), row.try_get(3)?);
            }
            other => return Err(damaged(format!("nothing asked for `{other}`"))),
        }
        Ok(())
    }

    fn beside(&self, request: &Request) -> Beside {
        let terms = &request.revision.terms;
        Beside {
            waiting: self.waiting.get(&request.id).cloned().unwrap_or_default(),
            stalled: self.stalled.get(&request.id).cloned(),
            held: self.held.get(&request.revision.receiver).cloned().unwrap_or_default(),
            grant: self.grants.get(&request.id).cloned(),
            look: self.looks.get(&terms.target).cloned(),
            allows: self.allows.get(&(terms.target, terms.native.clone())).cloned(),
        }
    }
}
