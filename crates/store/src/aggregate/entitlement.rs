//! An entitlement's row.

use placet_domain::entitlement::Entitlement;
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Entitlement {
    const TABLE: &'static str = "entitlement";

    fn into_state(self) -> State {
        State::Entitlement(self)
    }
}

pub(super) fn columns(one: &Entitlement) -> Vec<(&'static str, Value)> {
    vec![
        ("name", Value::text(&one.name)),
        ("target", Value::text(one.terms.target)),
        ("native", Value::text(&one.terms.native)),
        ("owner", Value::text(one.owner)),
        ("retired", Value::Bool(one.retired)),
    ]
}
