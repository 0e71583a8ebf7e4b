//! A passkey's row; found by its holder, and by what an authenticator calls it.

use placet_domain::passkey::Passkey;
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Passkey {
    const TABLE: &'static str = "passkey";

    fn into_state(self) -> State {
        State::Passkey(self)
    }
}

pub(super) fn columns(one: &Passkey) -> Vec<(&'static str, Value)> {
    let stands = match (one.revoked_at, &one.backing) {
        (Some(_), _) => "revoked",
        (None, Some(_)) => "enrolled",
        (None, None) => "offered",
    };
    // Until when it waits for somebody to answer for it.
    let lapses_at = (stands == "offered").then(|| one.offered.lapses_at.as_micros());
    vec![
        ("holder", Value::text(one.offered.holder)),
        ("credential_id", Value::text(&one.offered.credential_id)),
        ("stands", Value::text(stands)),
        ("lapses_at", lapses_at.into()),
    ]
}
