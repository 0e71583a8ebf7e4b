//! Trouble: targets that fail, hands that change them, a log out of reach, and deaths of the process.

use placet_connectors::simulated::Fault;
use placet_domain::action::Effect;
use placet_domain::observation::Binding;
use placet_store::Mode;

use super::{ASKERS, Acted, Walk};
use crate::chaos::{Blow, Trouble};
use crate::company;
use crate::laws::{Breach, Law};

impl Walk {
    pub(super) fn plan_faults(&mut self) -> Acted {
        let names: Vec<String> = self.world.targets.keys().cloned().collect();
        let name = self.dice.pick(&names).cloned().unwrap_or_default();
        let target = self.world.targets.get(&name).cloned().expect("a target");
        let kinds =
            [Fault::Refuse, Fault::LoseReply, Fault::Swallow, Fault::SeePart, Fault::SeeNothing];
        if self.dice.chance(15) {
            let seconds = self.dice.below(25);
            target.slow(seconds);
            return (format!("{name} takes {seconds} seconds"), Ok(()));
        }
        if self.dice.chance(15) {
            target.plan([Fault::Refuse; 9]);
            return (format!("{name} is down for a while"), Ok(()));
        }
        if self.dice.chance(12) {
            let count = u32::try_from(1 + self.dice.below(4)).unwrap_or(1);
            target.ignore_removals(count);
            return (format!("{name} ignores {count} removals"), Ok(()));
        }
        let count = 1 + self.dice.below(3);
        let faults: Vec<Fault> =
            (0..count).filter_map(|_| self.dice.pick(&kinds).copied()).collect();
        let words = format!("{name} will meet {faults:?}");
        target.plan(faults);
        (words, Ok(()))
    }

    pub(super) fn by_hand(&mut self) -> Acted {
        let offer = self.dice.pick(company::OFFERS).expect("there are offers");
        let who = match self.dice.pick(&ASKERS) {
            Some(who) if self.dice.chance(80) => (*who).to_owned(),
            _ => self.person(),
        };
        let account = company::account(&who, offer.target);
        let present = self.dice.chance(50);
        let binding = Binding {
            native: offer.native.parse().expect("a native id"),
            account: account.parse().expect("an account"),
        };
        if present
            && let Some(target) = self.world.targets.get(offer.target)
            && target.open_session(&binding)
        {
            let words = format!("{account} opens a session of {} {}", offer.target, offer.native);
            return (words, Ok(()));
        }
        if let Some(target) = self.world.targets.get(offer.target) {
            target.change_by_hand(binding, present);
        }
        let sign = if present { "+" } else { "-" };
        (format!("by hand {sign} {} {} {account}", offer.target, offer.native), Ok(()))
    }

    pub(super) fn plan_blow(&mut self) -> Acted {
        let blows = [Blow::BeforeCommit, Blow::AfterCommit, Blow::AfterCommit, Blow::InCall];
        let blow = self.dice.pick(&blows).copied().unwrap_or(Blow::InCall);
        let later = u32::try_from(self.dice.below(6)).unwrap_or(0);
        self.world.fate.strike(later, blow);
        (format!("Placet is going to die {blow:?} after {later} others"), Ok(()))
    }

    pub(super) fn plan_trouble(&mut self) -> Acted {
        let once = self.dice.chance(50);
        let trouble = if once { Trouble::WritesOnceAndRefuses } else { Trouble::Refuses };
        self.world.fate.trouble(Some(trouble));
        (format!("the log is out of reach ({trouble:?})"), Ok(()))
    }

    pub(super) fn lateness(&mut self) -> Acted {
        let seconds = if self.dice.chance(50) { 0 } else { self.dice.below(40) };
        self.world.fate.late_receipts(seconds);
        (format!("receipts come {seconds} seconds late"), Ok(()))
    }

    /// Two nodes go round at once, and one of them is overtaken in the midst of a commit.
    pub(super) async fn two_nodes(&mut self) -> Acted {
        self.worked = true;
        let later = u32::try_from(self.dice.below(6)).unwrap_or(0);
        let worked = self.world.work_twice(later).await;
        (format!("two nodes go round, one is overtaken at commit {later}"), worked)
    }

    /// Somebody sets the clock, or sets it right.
    pub(super) async fn set_clock(&mut self) -> Acted {
        if self.clock_set && self.world.can_log_in() {
            self.world.set_clock_right().await;
            return ("the clock is set right".to_owned(), Ok(()));
        }
        if self.clock_set {
            return Self::nothing("set the clock right");
        }
        self.clock_set = true;
        // No further ahead than sessions are good for, or nobody is left to administer.
        let (way, seconds) = match self.dice.chance(40) {
            true => ("forward", i64::try_from(self.dice.below(3 * 3_600)).unwrap_or(0)),
            false => ("back", -i64::try_from(self.dice.below(3 * 86_400)).unwrap_or(0)),
        };
        self.world.nature.set_clock(seconds);
        (format!("the clock is set {way} by {} seconds", seconds.unsigned_abs()), Ok(()))
    }

    /// Somebody puts yesterday's database back. What is due still ends, nothing begins, and with the
    /// newer one it goes on as if nothing had been.
    pub(super) async fn put_back_yesterday(&mut self) -> Result<(), Breach> {
        let Some(yesterday) = self.yesterday.take() else {
            return self.keep_for_tomorrow().await;
        };
        self.story.push("    yesterday's database is put back".to_owned());
        let today = self.world.copy();
        self.world.start_on(&yesterday).await;
        if self.world.mode() == Mode::Normal {
            // Nothing was entered since, or that would be noticed now.
            self.checkers.thoroughly(&self.world).await?;
            return self.keep_for_tomorrow().await;
        }
        let grants = self.grants_made();
        for _ in 0..4 {
            let worked = self.world.work().await;
            worked.map_err(|broken| Law::End.broken(broken.to_string()))?;
            self.checkers.after_step(&self.world, false).await?;
            self.world.nature.pass(400);
        }
        if self.grants_made() > grants {
            let why = "something was granted on a database that was rolled back";
            return Err(Law::FailClosed.broken(why));
        }
        self.world.start_on(&today).await;
        self.checkers.thoroughly(&self.world).await?;
        self.keep_for_tomorrow().await
    }

    async fn keep_for_tomorrow(&mut self) -> Result<(), Breach> {
        self.yesterday = Some(self.world.copy());
        self.world.start().await;
        Ok(())
    }

    fn grants_made(&self) -> usize {
        let calls = self.world.targets.values().flat_map(|target| target.calls_from(0));
        calls.filter(|call| call.effect == Effect::Grant && call.changed).count()
    }

    pub(super) async fn restart(&mut self) -> Acted {
        self.world.start().await;
        ("Placet is started again".to_owned(), Ok(()))
    }
}
