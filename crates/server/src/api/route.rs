//! One route: where it is, what it needs, what it is for, and what its handler says of itself.

use axum::routing::MethodRouter;
use placet_engine::Engine;

use super::describe::Sketch;
use crate::auth::Needs;

/// A route of the API.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
    /// Under which heading it stands, and what it is for.
    pub topic: &'static str,
    pub says: &'static str,
    pub(super) handler: fn() -> MethodRouter<Engine>,
    pub(super) sketch: fn(&mut Sketch),
}

impl Route {
    /// The record that its path names, up to the name itself.
    fn record(&self) -> Option<&'static str> {
        self.path.find('}').map(|at| &self.path[..=at])
    }

    pub(super) fn sketched(&self) -> Sketch {
        let mut sketch = Sketch::default();
        (self.sketch)(&mut sketch);
        sketch
    }

    /// Whether the record in its path is shown with a version, by one of all routes.
    pub(super) fn is_versioned(&self, all: &[Self]) -> bool {
        let shows = |one: &Self| one.method == "GET" && Some(one.path) == self.record();
        all.iter().find(|one| shows(one)).is_some_and(|one| one.sketched().answer.versioned)
    }
}
