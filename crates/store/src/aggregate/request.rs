//! A request's row, and who agreed to it: they keep sight of what they decided.

use placet_domain::request::{Request, State as Stands};
use placet_domain::state::State;

use super::{Aggregate, Members, Value};

impl Aggregate for Request {
    const TABLE: &'static str = "request";

    fn into_state(self) -> State {
        State::Request(self)
    }
}

pub(super) fn columns(one: &Request) -> Vec<(&'static str, Value)> {
    vec![
        ("stands", Value::text(one.state.as_str())),
        ("requester", Value::text(one.revision.requester)),
        ("receiver", Value::text(one.revision.receiver)),
        ("entitlement", Value::text(one.revision.entitlement)),
        ("submitted_at", Value::Int(one.submitted_at.as_micros())),
        // Only what is open can lapse: the index of lapsing requests holds nothing else.
        (
            "lapses_at",
            match one.state {
                Stands::Open => Value::Int(one.lapses_at.as_micros()),
                _ => Value::Null,
            },
        ),
    ]
}

pub(super) fn approvers(one: &Request) -> Members {
    Members {
        table: "request_approver",
        parent: "request",
        column: "identity",
        values: one.approvers().iter().map(ToString::to_string).collect(),
    }
}
