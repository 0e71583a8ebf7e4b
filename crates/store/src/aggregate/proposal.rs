//! The row of a proposal to change the catalogue.

use placet_domain::proposal::{Proposal, State as Stands};
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Proposal {
    const TABLE: &'static str = "proposal";

    fn into_state(self) -> State {
        State::Proposal(self)
    }
}

pub(super) fn columns(one: &Proposal) -> Vec<(&'static str, Value)> {
    vec![
        ("stands", Value::text(one.state.as_str())),
        ("author", Value::text(one.proposed.by)),
        ("proposed_at", Value::Int(one.proposed_at.as_micros())),
        // Only what is open can lapse.
        (
            "lapses_at",
            match one.state {
                Stands::Open => Value::Int(one.proposed.lapses_at.as_micros()),
                _ => Value::Null,
            },
        ),
    ]
}
