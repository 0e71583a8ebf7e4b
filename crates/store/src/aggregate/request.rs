//! A request's row, who agreed to it (they keep sight of what they decided), and what ends what was
//! asked for.

use placet_domain::Timestamp;
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
        ("escalates_at", moment(one.escalates_at)),
        // Only what is owed can be overdue.
        (
            "review_due_at",
            moment(one.review.as_ref().filter(|one| one.recorded.is_none()).map(|one| one.due_at)),
        ),
        ("emergency_of", Value::optional(one.emergency_of())),
    ]
}

fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::Int(at.as_micros()))
}

pub(super) fn ends_on(one: &Request) -> Members {
    Members {
        table: "request_ends_on",
        parent: "request",
        column: "event",
        values: one.revision.ends_on.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn approvers(one: &Request) -> Members {
    Members {
        table: "request_approver",
        parent: "request",
        column: "identity",
        values: one.approvers().iter().map(ToString::to_string).collect(),
    }
}
