//! The words that this crate and the schema of a bundle share: Cedar's entity types and actions.

use cedar_policy::{EntityId, EntityTypeName, EntityUid};
use placet_domain::name::StageName;

pub(crate) const ASK: &str = "ask";
pub(crate) const APPROVE_AS: &str = "approve_as_";
pub(crate) const GRANT: &str = "grant";
pub(crate) const GRANT_PREAPPROVED: &str = "grant_preapproved";
pub(crate) const ASK_BREAK_GLASS: &str = "ask_break_glass";
pub(crate) const BREAK_GLASS: &str = "break_glass";
pub(crate) const REVIEW_BREAK_GLASS: &str = "review_break_glass";
pub(crate) const READ: &str = "read";
pub(crate) const ADMINISTER: &str = "administer";

/// What a bundle's schema must declare, beside its stages. Emergencies are not among it: a bundle
/// without them permits none.
pub(crate) const QUESTIONS: [&str; 5] = [ASK, GRANT, GRANT_PREAPPROVED, READ, ADMINISTER];

/// The only principal of the grant actions. It is a type of its own, not an identity: that who asks,
/// benefits or agrees never carries out is then true of every bundle, by its schema.
pub(crate) const FULFIL: &str = "fulfil";

pub(crate) fn approve_as(stage: &StageName) -> String {
    format!("{APPROVE_AS}{stage}")
}

/// The entity types, read once.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    action: EntityTypeName,
    identity: EntityTypeName,
    team: EntityTypeName,
    entitlement: EntityTypeName,
    pack: EntityTypeName,
    request: EntityTypeName,
    kind: EntityTypeName,
    environment: EntityTypeName,
    privilege: EntityTypeName,
    scope: EntityTypeName,
    deed: EntityTypeName,
    worker: EntityTypeName,
}

macro_rules! uids {
    ($($name:ident)*) => {$(
        pub fn $name(&self, id: impl ToString) -> EntityUid {
            EntityUid::from_type_name_and_id(self.$name.clone(), EntityId::new(id.to_string()))
        }
    )*};
}

impl Words {
    pub fn new() -> Result<Self, String> {
        let name = |text: &str| {
            text.parse::<EntityTypeName>().map_err(|e| format!("`{text}` names no type: {e}"))
        };
        Ok(Self {
            action: name("Action")?,
            identity: name("Identity")?,
            team: name("Team")?,
            entitlement: name("Entitlement")?,
            pack: name("Pack")?,
            request: name("Request")?,
            kind: name("Kind")?,
            environment: name("Environment")?,
            privilege: name("Privilege")?,
            scope: name("Scope")?,
            deed: name("Deed")?,
            worker: name("Worker")?,
        })
    }

    uids! { action identity team entitlement pack request kind environment privilege scope deed worker }

    pub fn is_team(&self, uid: &EntityUid) -> bool {
        *uid.type_name() == self.team
    }
}
