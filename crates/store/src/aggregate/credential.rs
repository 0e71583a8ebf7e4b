//! A credential's row; looked up by the fingerprint of its secret.

use placet_domain::credential::Credential;
use placet_domain::state::State;

use super::{Aggregate, Value};

impl Aggregate for Credential {
    const TABLE: &'static str = "credential";

    fn into_state(self) -> State {
        State::Credential(self)
    }
}

pub(super) fn columns(one: &Credential) -> Vec<(&'static str, Value)> {
    vec![
        ("kind", Value::text(one.issued.kind.as_str())),
        ("holder", Value::text(one.issued.holder)),
        ("fingerprint", Value::text(one.issued.fingerprint)),
        ("ended", Value::Bool(one.ended_at.is_some())),
        ("expires_at", Value::Int(one.issued.expires_at.as_micros())),
    ]
}
