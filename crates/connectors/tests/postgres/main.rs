//! The connector to PostgreSQL against a real server: what it does there, what others see of it, and
//! what it says when the server does not do as it is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

mod ground;
mod honest;
mod logins;
mod members;
mod refusals;
mod scopes;
mod server;
mod strangers;
mod tls;

use ground::Ground;
use placet_connectors::{Connector, Look, conformance};
use placet_domain::action::Outcome;
use placet_domain::observation::{Binding, Completeness, Scope};

impl Ground {
    pub fn binding(&self, native: &str, account: &str) -> Binding {
        let (native, account) = (self.name(native), self.name(account));
        Binding { native: native.parse().unwrap(), account: account.parse().unwrap() }
    }
}

/// How a grant comes out.
pub async fn grant(target: &dyn Connector, binding: &Binding) -> Outcome {
    target.grant(conformance::assent(binding, 1)).await.outcome
}

pub async fn remove(target: &dyn Connector, binding: &Binding) -> Outcome {
    target.remove(conformance::removal(binding, 1)).await
}

/// Why something did not happen; it must be sure of that.
#[track_caller]
pub fn failed(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed { why } => why,
        other => panic!("{other:?}"),
    }
}

pub async fn look(target: &dyn Connector, scope: Scope) -> Look {
    let look = target.observe(&scope).await;
    assert_eq!(look.completeness, Completeness::Complete, "{:?}", look.detail);
    look
}

/// A look at one binding: whether it is there, and whether a session of it is open.
pub async fn at(target: &dyn Connector, binding: &Binding) -> (bool, bool) {
    let look = look(target, Scope::Binding(binding.clone())).await;
    (look.present.contains(binding), look.sessions.contains(binding))
}
