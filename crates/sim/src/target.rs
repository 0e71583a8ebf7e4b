//! A target under watch: a simulated one with a memory of every call and look, and of lies that are
//! planted in it to prove that the checkers bite.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use placet_connectors::simulated::{Fault, Simulated};
use placet_connectors::{Abilities, Connector, Granted, Look, Shown};
use placet_domain::Timestamp;
use placet_domain::action::{Effect, Outcome};
use placet_domain::grant::Issued;
use placet_domain::id::ActionId;
use placet_domain::observation::{Binding, Completeness, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};
use tokio::sync::watch;

use crate::chaos::Fate;
use crate::nature::Nature;

/// One call as the target saw it.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: Timestamp,
    pub action: ActionId,
    pub effect: Effect,
    pub binding: Binding,
    /// For a grant: when the access ends, and by when the call must be over.
    pub until: Option<Timestamp>,
    pub over_by: Option<Timestamp>,
    /// How many entries of the ledger were durable when it came.
    pub entries: u64,
    /// It changed the target.
    pub changed: bool,
}

/// A fault that is planted in the connector, which no honest one has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Says that it removed, does not, and does not show it either.
    KeepsAndHides,
    /// Never shows this.
    Hides(Binding),
}

#[derive(Debug, Default)]
struct Memory {
    calls: Vec<Call>,
    complete_looks: u64,
    lie: Option<Lie>,
    hidden: BTreeSet<Binding>,
    /// Each call takes so many seconds.
    slow: u64,
    /// So many removals are called done and do nothing, as on a target that lags behind.
    deaf: u32,
}

/// A simulated target under watch. Clones are the same target; it survives Placet's crashes.
#[derive(Clone, Debug)]
pub struct Watched {
    real: Simulated,
    nature: Nature,
    fate: Fate,
    memory: Arc<Mutex<Memory>>,
    /// Calls of this effect hang.
    hangs: Arc<watch::Sender<Option<Effect>>>,
}

impl Watched {
    pub fn new(real: Simulated, nature: Nature, fate: Fate) -> Self {
        Self {
            real,
            nature,
            fate,
            memory: Arc::default(),
            hangs: Arc::new(watch::Sender::new(None)),
        }
    }

    /// From now on calls of this effect hang, until it is told another.
    pub fn hang(&self, effect: Option<Effect>) {
        self.hangs.send_replace(effect);
    }

    /// How many calls hang.
    pub fn hanging(&self) -> usize {
        self.hangs.receiver_count()
    }

    async fn hang_if_told(&self, effect: Effect) {
        let mut told = self.hangs.subscribe();
        // The sender lives as long as the target.
        let _ = told.wait_for(|hangs| *hangs != Some(effect)).await;
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.real.plan(faults);
    }

    /// As fast and as honest as it can be about what comes; a planted lie stays.
    pub fn heal(&self) {
        self.real.heal();
        self.memory().slow = 0;
        self.memory().deaf = 0;
    }

    pub fn copy_revocations(&self, host: &str) {
        self.real.copy_revocations(host);
    }

    pub fn ignore_removals(&self, count: u32) {
        self.memory().deaf = count;
    }

    pub fn slow(&self, seconds: u64) {
        self.memory().slow = seconds;
    }

    pub fn plant(&self, lie: Lie) {
        self.memory().lie = Some(lie);
    }

    pub fn change_by_hand(&self, binding: Binding, present: bool) {
        self.real.change_by_hand(binding, present);
    }

    /// From now on people may keep sessions open, which end with the access.
    pub fn keep_sessions(&self) {
        self.real.keep_sessions();
    }

    pub fn open_session(&self, binding: &Binding) -> bool {
        self.real.open_session(binding)
    }

    pub fn close_session(&self, binding: &Binding) {
        self.real.close_session(binding);
    }

    /// The sessions that are really open.
    pub fn sessions(&self) -> BTreeSet<Binding> {
        self.real.sessions()
    }

    pub fn change_scope(&self, native: placet_domain::name::NativeId, scope: String) {
        self.real.change_scope(native, scope);
    }

    /// What is really there.
    pub fn truth(&self) -> BTreeSet<Binding> {
        self.real.present()
    }

    /// The calls from the given one on.
    pub fn calls_from(&self, first: usize) -> Vec<Call> {
        self.memory().calls.get(first..).unwrap_or_default().to_vec()
    }

    /// How often everything was seen.
    pub fn complete_looks(&self) -> u64 {
        self.memory().complete_looks
    }

    async fn called<T>(&self, mut call: Call, does: impl Future<Output = T>) -> T {
        let slow = self.memory().slow;
        let before = self.real.effects().len();
        let outcome = does.await;
        call.changed = self.real.effects().len() > before;
        self.memory().calls.push(call);
        self.nature.pass(slow);
        self.fate.after_call().await;
        outcome
    }

    fn now(&self) -> (Timestamp, u64) {
        (self.nature.shown(), self.fate.entries())
    }
}

#[async_trait]
impl Connector for Watched {
    fn abilities(&self) -> Abilities {
        self.real.abilities()
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        self.hang_if_told(Effect::Grant).await;
        let (at, entries) = self.now();
        let call = Call {
            at,
            action: assent.action(),
            effect: Effect::Grant,
            binding: Binding { native: assent.native().clone(), account: assent.account().clone() },
            until: Some(assent.until()),
            over_by: Some(assent.call_over_by()),
            entries,
            changed: false,
        };
        self.called(call, self.real.grant(assent)).await
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        self.hang_if_told(Effect::Remove).await;
        let (at, entries) = self.now();
        let binding = Binding { native: order.native.clone(), account: order.account.clone() };
        let call = Call {
            at,
            action: order.action,
            effect: Effect::Remove,
            binding: binding.clone(),
            until: None,
            over_by: None,
            entries,
            changed: false,
        };
        if self.memory().lie == Some(Lie::KeepsAndHides) {
            self.memory().hidden.insert(binding);
            return self.called(call, async { Outcome::Done }).await;
        }
        let deaf = self.memory().deaf;
        if deaf > 0 {
            self.memory().deaf = deaf - 1;
            return self.called(call, async { Outcome::Done }).await;
        }
        self.called(call, self.real.remove(order)).await
    }

    async fn observe(&self, scope: &Scope) -> Look {
        let mut look = self.real.observe(scope).await;
        let mut memory = self.memory();
        if *scope == Scope::Everything && look.completeness == Completeness::Complete {
            memory.complete_looks += 1;
        }
        if let Some(kept) = &mut look.credentials {
            kept.retain(|one| !memory.hidden.contains(&one.binding));
        }
        look.present.retain(|one| !memory.hidden.contains(one));
        if let Some(Lie::Hides(binding)) = &memory.lie {
            look.present.remove(binding);
            if let Some(kept) = &mut look.credentials {
                kept.retain(|one| one.binding != *binding);
            }
        }
        look
    }

    async fn read_back(&self, issued: &Issued) -> Shown {
        self.real.read_back(issued).await
    }
}
