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
    let work = one.work.as_deref();
    let open = work.filter(|work| work.is_open() && !one.state.is_over());
    let team = open.and_then(|work| work.told.team.as_ref());
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
        ("work_action", work.map_or(Value::Null, |work| Value::text(work.action))),
        ("work_due_at", open.map_or(Value::Null, |work| Value::Int(work.told.due_at.as_micros()))),
        ("work_team", team.map_or(Value::Null, |team| Value::text(team.as_str()))),
        ("due_at", one.due_at.map_or(Value::Null, |at| Value::Int(at.as_micros()))),
    ]
}
