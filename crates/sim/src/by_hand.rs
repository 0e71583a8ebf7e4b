//! A target that no program reaches: a vault, for which people do by hand what was decided.
//!
//! A story has it if `the company works by hand` is its first sentence.

use placet_domain::canonical::Digest;
use placet_domain::grant::{Grant, Work};
use placet_domain::id::ActionId;
use placet_engine::commands::work::{DoWork, Given};

use crate::company::{Offer, USUAL};

pub const TARGETS: &[(&str, &str)] = &[("vault", "sven")];

/// The team that may do it beside the owners, and the time that they have.
pub const SETTINGS: &[(&str, &str)] = &[("team", "on-call"), ("within", "4h")];

pub const OFFERS: &[Offer] =
    &[Offer { name: "vault-key", native: "key", target: "vault", longest: "7d", ..USUAL }];

/// The open work order of a grant.
pub fn open(grant: &Grant) -> Option<&Work> {
    grant.work.as_deref().filter(|work| work.is_open() && !grant.state.is_over())
}

pub fn carry_out(action: ActionId, evidence: &str) -> DoWork {
    let note = format!("as `{evidence}` shows");
    DoWork { action, step: Given::CarriedOut { evidence: Digest::of(evidence.as_bytes()), note } }
}

pub fn confirm(action: ActionId, evidence: &str) -> DoWork {
    DoWork { action, step: Given::Confirmed { evidence: Digest::of(evidence.as_bytes()) } }
}

pub fn send_back(action: ActionId, why: &str) -> DoWork {
    DoWork { action, step: Given::Returned { why: why.to_owned() } }
}
