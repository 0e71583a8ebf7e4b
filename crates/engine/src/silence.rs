//! Silence: by when those who are asked could have answered, in their own business hours.

use std::collections::BTreeMap;

use placet_domain::Timestamp;
use placet_domain::identity::Identity;
use placet_domain::route::Candidates;
use placet_domain::schedule::Schedule;

use crate::draft::Draft;
use crate::error::Error;
use crate::world::Around;

/// How many seconds of their business hours people have before a request is put before those above
/// them: eight hours, a day of work.
pub const ANSWER_SECONDS: u64 = 8 * 60 * 60;

impl Draft<'_> {
    /// When silence escalates what waits for these: not before the last of them has had their hours.
    /// None if it waits for nobody.
    pub(crate) async fn escalates_at(
        &mut self,
        around: &Around,
        candidates: &Candidates,
    ) -> Result<Option<Timestamp>, Error> {
        let mut by_schedule: BTreeMap<String, Timestamp> = BTreeMap::new();
        for person in candidates.values().flatten() {
            let Some(identity) = around.identities.get(person) else { continue };
            let schedule = self.schedule_of(identity).await?;
            by_schedule
                .entry(schedule.name.to_string())
                .or_insert_with(|| schedule.after_business_seconds(self.now, ANSWER_SECONDS));
        }
        Ok(by_schedule.into_values().max())
    }

    async fn schedule_of(&mut self, identity: &Identity) -> Result<Schedule, Error> {
        let Some(name) = identity.schedule.clone() else { return Ok(Schedule::usual()) };
        let found = self.engine.store.load::<Schedule>(name, &mut self.facts).await?;
        Ok(found.unwrap_or_else(Schedule::usual))
    }
}
