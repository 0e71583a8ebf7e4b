//! The order to remove access. Endings fail forward: anyone may build it, and it asks for no
//! assent, no policy and no receipt.

use placet_domain::id::{ActionId, EntitlementId, GrantId, TargetId};
use placet_domain::name::{AccountName, NativeId};

/// What is to be taken away, by which action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemovalOrder {
    pub action: ActionId,
    /// Grows with every action on the same account and entitlement.
    pub epoch: u64,
    pub grant: GrantId,
    pub entitlement: EntitlementId,
    pub target: TargetId,
    pub native: NativeId,
    pub account: AccountName,
}
