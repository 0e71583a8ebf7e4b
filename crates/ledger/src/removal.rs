//! The order to remove access. Endings fail forward: anyone may build it, and it asks for no
//! assent, no policy and no receipt.

use placet_domain::grant::Issued;
use placet_domain::id::{ActionId, EntitlementId, GrantId, TargetId};
use placet_domain::name::{AccountName, NativeId};
use placet_domain::time::Timestamp;

/// What is to be taken away, by which action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemovalOrder {
    pub action: ActionId,
    /// Grows with every action on the same account and entitlement.
    pub epoch: u64,
    /// None for what nobody approved.
    pub grant: Option<GrantId>,
    pub entitlement: EntitlementId,
    pub target: TargetId,
    pub native: NativeId,
    pub account: AccountName,
    /// The certificate that is to be revoked, where one was issued.
    pub issued: Option<Issued>,
    /// When the removal was ordered.
    pub at: Timestamp,
}
