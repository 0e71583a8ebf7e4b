//! A team's row.

use placet_domain::state::State;
use placet_domain::team::Team;

use super::Aggregate;

impl Aggregate for Team {
    const TABLE: &'static str = "team";

    fn into_state(self) -> State {
        State::Team(self)
    }
}
