//! An identity's row, and its teams: candidates are drawn from them by index.

use placet_domain::identity::{External, Identity, Nature};
use placet_domain::state::State;

use super::{Aggregate, Members, Value};

impl Aggregate for Identity {
    const TABLE: &'static str = "identity";

    fn into_state(self) -> State {
        State::Identity(self)
    }
}

pub(super) fn columns(one: &Identity) -> Vec<(&'static str, Value)> {
    vec![
        ("kind", Value::text(one.kind().as_str())),
        ("active", Value::Bool(one.active)),
        ("owner", Value::optional(one.owner())),
        ("manager", Value::optional(one.manager())),
        ("sponsor", Value::optional(external(one).map(|external| external.sponsor))),
        // Who has left leaves no more: the index of ending contracts holds nobody else.
        (
            "contract_ends",
            match external(one).filter(|_| one.active) {
                Some(external) => Value::Int(external.contract_ends.as_micros()),
                None => Value::Null,
            },
        ),
    ]
}

fn external(one: &Identity) -> Option<&External> {
    match &one.is {
        Nature::Human { external, .. } => external.as_ref(),
        Nature::Workload { .. } => None,
    }
}

pub(super) fn teams(one: &Identity) -> Members {
    Members {
        table: "identity_team",
        parent: "identity",
        column: "team",
        values: one.teams.iter().map(ToString::to_string).collect(),
    }
}
