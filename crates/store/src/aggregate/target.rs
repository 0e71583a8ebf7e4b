//! A target's row.

use placet_domain::state::State;
use placet_domain::target::Target;

use super::{Aggregate, Value};

impl Aggregate for Target {
    const TABLE: &'static str = "target";

    fn into_state(self) -> State {
        State::Target(self)
    }
}

pub(super) fn columns(one: &Target) -> Vec<(&'static str, Value)> {
    vec![
        ("name", Value::text(&one.name)),
        ("owner", Value::text(one.owner)),
        ("retired", Value::Bool(one.retired)),
    ]
}
