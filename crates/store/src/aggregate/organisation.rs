//! The organisation's row.

use placet_domain::organisation::Organisation;
use placet_domain::state::State;

use super::Aggregate;

impl Aggregate for Organisation {
    const TABLE: &'static str = "organisation";

    fn into_state(self) -> State {
        State::Organisation(self)
    }
}
