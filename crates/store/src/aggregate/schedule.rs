//! A schedule's row.

use placet_domain::schedule::Schedule;
use placet_domain::state::State;

use super::Aggregate;

impl Aggregate for Schedule {
    const TABLE: &'static str = "schedule";

    fn into_state(self) -> State {
        State::Schedule(self)
    }
}
