//! A grant's row; due work is found by its due_at.

use placet_domain::grant::Grant;
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Grant {
    const TABLE: &'static str = "access_grant";

    fn into_state(self) -> State {
        State::Grant(self)
    }
}

pub(super) fn columns(one: &Grant) -> Vec<(&'static str, Value)> {
    let collected = one.collected.as_ref();
    vec![
        ("half", collected.map_or(Value::Null, |one| Value::text(one.public.mark()))),
        ("collector", collected.map_or(Value::Null, |one| Value::text(one.by))),
        ("stands", Value::text(one.state.as_str())),
        ("request", Value::text(one.approved.request)),
        ("receiver", Value::text(one.approved.receiver)),
        ("entitlement", Value::text(one.approved.entitlement)),
        ("target", Value::text(one.approved.target)),
        ("approved_at", Value::Int(one.approved_at.as_micros())),
        ("live", Value::Bool(!one.state.is_over())),
        ("due_at", one.due_at.map_or(Value::Null, |at| Value::Int(at.as_micros()))),
    ]
}
