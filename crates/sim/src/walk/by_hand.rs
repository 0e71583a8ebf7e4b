//! By hand: people carry out what was decided where no program reaches, now and then those who must
//! not.

use placet_domain::grant::Work;
use placet_domain::id::GrantId;
use placet_engine::commands::work::DoWork;

use super::{Acted, Walk};
use crate::by_hand;
use crate::world::Broken;

/// Who answers for the vault.
const HANDS: [&str; 4] = ["olaf", "oda", "sven", "olga"];

impl Walk {
    fn open_work(&self) -> Vec<(GrantId, Work)> {
        let grants = self.checkers.book.grants();
        grants.filter_map(|one| Some((one.id, by_hand::open(one)?.clone()))).collect()
    }

    /// One step of one work order, mostly by one of those who may.
    pub(super) async fn work_by_hand(&mut self) -> Acted {
        let open = self.open_work();
        let Some((grant, work)) = self.dice.pick(&open).cloned() else {
            return Self::nothing("working by hand");
        };
        let who = match self.dice.pick(&HANDS) {
            Some(who) if self.dice.chance(85) => (*who).to_owned(),
            _ => self.person(),
        };
        let action = work.action;
        let (words, does) = if work.carried_out.is_none() {
            ("carries out", by_hand::carry_out(action, "a photo"))
        } else if self.dice.chance(25) {
            ("sends back", by_hand::send_back(action, "it is blurred"))
        } else {
            let seen = if self.dice.chance(90) { "a photo" } else { "nothing" };
            ("confirms", by_hand::confirm(action, seen))
        };
        (format!("{who} {words} {grant} by hand"), self.world.by(&who, &does).await.map(drop))
    }

    /// With nothing in the way, somebody does what is to be done, and somebody else confirms it. What
    /// none of them may do stays open, and loud. Says whether there was anything to do.
    pub(super) async fn finish_by_hand(&mut self) -> Result<bool, Broken> {
        let open = self.open_work();
        for (_, work) in &open {
            if work.carried_out.is_none() {
                self.somebody(&by_hand::carry_out(work.action, "a photo")).await?;
            }
            self.somebody(&by_hand::confirm(work.action, "a photo")).await?;
        }
        Ok(!open.is_empty())
    }

    /// The first of them who may.
    async fn somebody(&mut self, does: &DoWork) -> Result<(), Broken> {
        for who in HANDS {
            match self.world.by(who, does).await {
                Err(Broken::Refused(_)) => {}
                done => return done.map(drop),
            }
        }
        Ok(())
    }
}
