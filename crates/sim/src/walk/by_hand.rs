//! By hand: people carry out what was decided where no program reaches, now and then those who must
//! not.

use placet_domain::grant::Work;
use placet_domain::id::GrantId;

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
    /// none of them may do stays open, and loud.
    pub(super) async fn finish_by_hand(&mut self) -> Result<(), Broken> {
        for (_, work) in self.open_work() {
            for who in HANDS {
                self.try_by_hand(who, &by_hand::carry_out(work.action, "a photo")).await?;
            }
            for who in HANDS {
                self.try_by_hand(who, &by_hand::confirm(work.action, "a photo")).await?;
            }
        }
        Ok(())
    }

    async fn try_by_hand(
        &mut self,
        who: &str,
        does: &placet_engine::commands::work::DoWork,
    ) -> Result<(), Broken> {
        match self.world.by(who, does).await {
            Ok(_) | Err(Broken::Refused(_)) => Ok(()),
            Err(broken) => Err(broken),
        }
    }
}
