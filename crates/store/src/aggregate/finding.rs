//! A finding's row.

use placet_domain::finding::Finding;
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Finding {
    const TABLE: &'static str = "finding";

    fn into_state(self) -> State {
        State::Finding(self)
    }
}

pub(super) fn columns(one: &Finding) -> Vec<(&'static str, Value)> {
    vec![
        ("stands", Value::text(one.state.as_str())),
        ("kind", Value::text(one.opened.kind.as_str())),
        ("target", Value::text(one.opened.target)),
        ("owner", Value::text(one.opened.owner)),
        ("entitlement", Value::text(one.opened.entitlement)),
        ("access_grant", Value::optional(one.opened.grant)),
        ("request", Value::optional(one.opened.request)),
        ("opened_at", Value::Int(one.opened_at.as_micros())),
        ("work_at", one.work_at.map_or(Value::Null, |at| Value::Int(at.as_micros()))),
    ]
}
