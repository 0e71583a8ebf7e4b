//! Narrowing: somebody who may agree asks for less, in time or in scope. It is a new revision with a
//! new digest, so nobody has agreed to it yet.

use serde::{Deserialize, Serialize};

use super::{Request, Revision, Submitted};
use crate::Refusal;
use crate::entitlement::{Privilege, Terms};
use crate::id::IdentityId;

/// A narrower revision, and who made it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrow {
    pub submitted: Submitted,
    pub by: IdentityId,
}

pub(super) fn check(request: &Request, narrower: &Revision) -> Result<(), Refusal> {
    if is_narrower(&request.revision, narrower) {
        return Ok(());
    }
    Err(Refusal::NotNarrower { request: request.id.to_string() })
}

/// Whether `narrower` asks for nothing that `wide` does not, and for less.
pub fn is_narrower(wide: &Revision, narrower: &Revision) -> bool {
    // Everything but time and scope stands as it was asked.
    let same = Revision {
        number: wide.number,
        length: wide.length,
        entitlement: wide.entitlement,
        terms: wide.terms.clone(),
        starts_at: wide.starts_at,
        ..narrower.clone()
    };
    let no_longer = narrower.length <= wide.length && no_earlier(wide, narrower);
    let less = narrower.length < wide.length || narrower.terms != wide.terms;
    same == *wide && no_longer && less && within(&wide.terms, &narrower.terms)
}

fn no_earlier(wide: &Revision, narrower: &Revision) -> bool {
    match (wide.starts_at, narrower.starts_at) {
        (None, _) => true,
        (Some(wide), Some(narrower)) => narrower >= wide,
        (Some(_), None) => false,
    }
}

/// The same, or a lower privilege on the same target, no more sensitive.
fn within(wide: &Terms, narrower: &Terms) -> bool {
    wide == narrower
        || (wide.target == narrower.target
            && wide.environment == narrower.environment
            && rank(narrower.privilege) < rank(wide.privilege)
            && narrower.sensitivity <= wide.sensitivity)
}

fn rank(privilege: Privilege) -> u8 {
    match privilege {
        Privilege::Read => 0,
        Privilege::Write => 1,
        Privilege::Admin => 2,
    }
}
