//! Rerule: a person lets ruling again go on where it stopped, because it would end much.

use placet_domain::access::Deed;
use placet_domain::id::Stream;
use placet_domain::organisation;
use placet_store::Round;

use crate::draft::{Command, Draft};
use crate::error::Error;

/// Somebody has looked at what would end, and it shall.
#[derive(Clone, Debug)]
pub struct ReleaseRerule {
    /// The record whose change asked for it.
    pub what: Stream,
}

#[async_trait::async_trait]
impl Command for ReleaseRerule {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(Deed::AdoptCatalogue).await?;
        let organisation = draft.engine.store.organisation(&mut draft.facts).await?;
        let what = self.what.clone();
        let command = organisation::Command::ReleaseRerule { what, actor: draft.actor };
        let events = organisation::decide(organisation.as_ref(), command)?;
        draft.change(Stream::Organisation, Stream::Organisation, events);
        draft.release(Round::Rerule(self.what.clone())).await
    }
}

impl Draft<'_> {
    /// The round goes on at once, past the brake.
    async fn release(&mut self, what: Round) -> Result<(), Error> {
        let held = self.engine.store.round(&what).await?;
        let Some(held) = held else { return Ok(()) };
        let released = crate::workers::rerule::Progress::released();
        self.commit.upkeep.push(placet_store::Upkeep::Move {
            what,
            turn: held.turn,
            progress: released.written()?,
            due_at: self.now,
        });
        Ok(())
    }
}
