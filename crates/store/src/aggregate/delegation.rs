//! A delegation's row; found by the one who may act on it.

use placet_domain::delegation::Delegation;
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Delegation {
    const TABLE: &'static str = "delegation";

    fn into_state(self) -> State {
        State::Delegation(self)
    }
}

pub(super) fn columns(one: &Delegation) -> Vec<(&'static str, Value)> {
    let ends_at = one.ended_at.map_or(one.made.ends_at, |at| at.min(one.made.ends_at));
    vec![
        ("giver", Value::text(one.made.from)),
        ("delegate", Value::text(one.made.to)),
        ("starts_at", Value::Int(one.made.starts_at.as_micros())),
        ("ends_at", Value::Int(ends_at.as_micros())),
    ]
}
