//! Law 2: nobody approves what they asked for, benefit from, or whose receiving identity they own.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::IdentityId;
use crate::identity::Identity;

/// Those who may never approve a request of `requester` for `receiver`: both of them, and whoever
/// owns either through a chain of workloads. `known` must hold every identity on those chains.
pub fn excluded(
    requester: &Identity,
    receiver: &Identity,
    known: &BTreeMap<IdentityId, Identity>,
) -> BTreeSet<IdentityId> {
    let mut out = BTreeSet::new();
    for start in [requester, receiver] {
        let mut next = Some(start.id);
        while let Some(id) = next.filter(|id| out.insert(*id)) {
            let identity = if id == start.id { Some(start) } else { known.get(&id) };
            next = identity.and_then(Identity::owner);
        }
    }
    out
}
