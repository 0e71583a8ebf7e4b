//! An entitlement's row; a search of the catalogue looks at what it allows.

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
        ("environment", Value::text(one.terms.environment.as_str())),
        ("privilege", Value::text(one.terms.privilege.as_str())),
        ("sensitivity", Value::Int(i64::from(one.terms.sensitivity))),
        ("scope", Value::text(&one.terms.scope)),
    ]
}
