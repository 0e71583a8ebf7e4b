//! A handover's row; what still waits is found by what it is about, and by whom it waits for.

use placet_domain::handover::Handover;
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Handover {
    const TABLE: &'static str = "handover";

    fn into_state(self) -> State {
        State::Handover(self)
    }
}

pub(super) fn columns(one: &Handover) -> Vec<(&'static str, Value)> {
    vec![
        ("what", Value::text(&one.opened.what)),
        ("owner", Value::text(one.opened.to)),
        ("waits", Value::Bool(one.settled.is_none())),
        ("opened_at", Value::Int(one.opened_at.as_micros())),
    ]
}
