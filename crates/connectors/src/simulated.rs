//! A simulated target: a memory, and faults that a real target will not show on demand.
//!
//! It says of itself that it is simulated wherever it is shown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use placet_domain::action::{Effect, Outcome};
use placet_domain::id::ActionId;
use placet_domain::observation::{Binding, Completeness, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::{Abilities, Connector, Look, Settings};

/// What goes wrong with the next call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The target refuses: nothing happens.
    Refuse,
    /// It is done, and the reply is lost.
    LoseReply,
    /// Nothing happens, and nobody is told.
    Swallow,
    /// A look sees only a part.
    SeePart,
    /// A look sees nothing.
    SeeNothing,
}

/// One effect that the target really had, for checkers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effected {
    pub action: ActionId,
    pub effect: Effect,
    pub binding: Binding,
}

#[derive(Debug, Default)]
struct Memory {
    present: BTreeSet<Binding>,
    epochs: BTreeMap<Binding, u64>,
    effects: Vec<Effected>,
    faults: VecDeque<Fault>,
}

/// A target in memory. Clones are the same target.
#[derive(Clone, Debug, Default)]
pub struct Simulated(Arc<Mutex<Memory>>);

pub(crate) fn build(_settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    Ok(Arc::new(Simulated::default()))
}

impl Simulated {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A panic elsewhere leaves plain sets behind, which stay usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next calls meet these faults, in order.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.memory().faults.extend(faults);
    }

    /// Drops the faults that were planned and not met.
    pub fn heal(&self) {
        self.memory().faults.clear();
    }

    /// Somebody changes the target by hand.
    pub fn change_by_hand(&self, binding: Binding, present: bool) {
        let mut memory = self.memory();
        if present {
            memory.present.insert(binding);
        } else {
            memory.present.remove(&binding);
        }
    }

    pub fn present(&self) -> BTreeSet<Binding> {
        self.memory().present.clone()
    }

    pub fn effects(&self) -> Vec<Effected> {
        self.memory().effects.clone()
    }

    fn call(&self, action: ActionId, epoch: u64, effect: Effect, binding: Binding) -> Outcome {
        let mut memory = self.memory();
        let fault = memory.faults.pop_front();
        if fault == Some(Fault::Refuse) {
            return Outcome::Failed { why: "the simulated target refused".to_owned() };
        }
        if fault == Some(Fault::Swallow) {
            return Outcome::InDoubt { why: "the simulated target did not answer".to_owned() };
        }
        let newest = memory.epochs.get(&binding).copied().unwrap_or(0);
        if epoch < newest {
            return Outcome::Failed { why: "a newer action was here first".to_owned() };
        }
        memory.epochs.insert(binding.clone(), epoch);
        let changed = match effect {
            Effect::Grant => memory.present.insert(binding.clone()),
            Effect::Remove => memory.present.remove(&binding),
        };
        if changed {
            memory.effects.push(Effected { action, effect, binding });
        }
        if fault == Some(Fault::LoseReply) {
            return Outcome::InDoubt {
                why: "the reply of the simulated target was lost".to_owned(),
            };
        }
        Outcome::Done
    }
}

#[async_trait]
impl Connector for Simulated {
    fn abilities(&self) -> Abilities {
        Abilities { native_expiry: false, ends_sessions: false, residual_seconds: 0 }
    }

    async fn grant(&self, assent: VerifiedAssent) -> Outcome {
        let binding =
            Binding { native: assent.native().clone(), account: assent.account().clone() };
        self.call(assent.action(), assent.epoch(), Effect::Grant, binding)
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        let binding = Binding { native: order.native, account: order.account };
        self.call(order.action, order.epoch, Effect::Remove, binding)
    }

    async fn observe(&self, scope: &Scope) -> Look {
        let mut memory = self.memory();
        let in_scope = |binding: &&Binding| match scope {
            Scope::Everything => true,
            Scope::Binding(only) => only == *binding,
        };
        let present: BTreeSet<Binding> = memory.present.iter().filter(in_scope).cloned().collect();
        match memory.faults.pop_front() {
            Some(Fault::SeePart) => Look {
                completeness: Completeness::Partial,
                present: present.into_iter().step_by(2).collect(),
                detail: Some("the simulated target showed a part".to_owned()),
            },
            Some(_) => Look::unknown("the simulated target did not answer"),
            None => Look { completeness: Completeness::Complete, present, detail: None },
        }
    }
}
