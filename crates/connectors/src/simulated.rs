//! A simulated target: a memory, and faults that a real target will not show on demand.
//!
//! It says of itself that it is simulated wherever it is shown. Setting `issues`: `token`, `login` or
//! `certificate`, for a target that issues credentials; then `hosts`, separated by commas, are those
//! on which revocations are read back. Setting `sessions`: `ended` for a target where people keep
//! sessions open, which it ends with the access.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use placet_domain::action::{Effect, Outcome};
use placet_domain::canonical::Digest;
use placet_domain::grant::{Half, Issued, Serial};
use placet_domain::id::{ActionId, GrantId};
use placet_domain::name::NativeId;
use placet_domain::observation::{Binding, Completeness, Kept, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::settings::{Known, Value};
use crate::{Abilities, Connector, Granted, Look, Sessions, Settings, Shown};

/// What goes wrong with the next call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The target refuses: nothing happens.
    Refuse,
    /// It is done, and the reply is lost.
    LoseReply,
    /// Nothing happens, and nobody is told.
    Swallow,
    /// It is done, but for the sessions.
    LeaveSessions,
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
    /// Sessions that are open; none where the target has no such thing.
    sessions: Option<BTreeSet<Binding>>,
    issues: Option<Half>,
    /// The token of each grant.
    tokens: BTreeMap<GrantId, Kept>,
    revoked: BTreeSet<Serial>,
    /// What each enrolled host knows of the revoked.
    hosts: BTreeMap<String, BTreeSet<Serial>>,
    epochs: BTreeMap<Binding, u64>,
    effects: Vec<Effected>,
    faults: VecDeque<Fault>,
    scopes: BTreeMap<NativeId, String>,
}

/// A target in memory. Clones are the same target.
#[derive(Clone, Debug, Default)]
pub struct Simulated(Arc<Mutex<Memory>>);

/// Its hosts are names, and lie nowhere.
pub(crate) const SETTINGS: Known =
    &[("issues", Value::Text), ("hosts", Value::Text), ("sessions", Value::Text)];

pub(crate) fn build(settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    let issues = match settings.get("issues").map(String::as_str) {
        None => None,
        Some("token") => Some(Half::TokenDigest),
        Some("login") => Some(Half::ScramSha256),
        Some("certificate") => Some(Half::SshKey),
        Some(_) => return Err("`issues` is none of `token`, `login`, `certificate`".to_owned()),
    };
    let hosts = settings.get("hosts").map(String::as_str).unwrap_or_default();
    let target = Simulated::issuing(issues, hosts.split(',').filter(|host| !host.is_empty()));
    match settings.get("sessions").map(String::as_str) {
        None => {}
        Some("ended") => target.keep_sessions(),
        Some(_) => return Err("`sessions` is not `ended`".to_owned()),
    }
    Ok(Arc::new(target))
}

/// How long after its end a simulated certificate may still be taken for valid, in seconds.
const SKEW: u64 = 60;

impl Simulated {
    /// A target that issues credentials, and the hosts on which revocations are read back.
    pub fn issuing<'h>(issues: Option<Half>, hosts: impl IntoIterator<Item = &'h str>) -> Self {
        let hosts = hosts.into_iter().map(|host| (host.trim().to_owned(), BTreeSet::new()));
        let memory = Memory { issues, hosts: hosts.collect(), ..Memory::default() };
        Self(Arc::new(Mutex::new(memory)))
    }

    /// From now on people may keep sessions open, which end with the access.
    pub fn keep_sessions(&self) {
        self.memory().sessions.get_or_insert_default();
    }

    /// Somebody begins a session with what they hold. Says whether they could.
    pub fn open_session(&self, binding: &Binding) -> bool {
        let mut memory = self.memory();
        let holds = memory.present.contains(binding);
        let open = memory.sessions.as_mut().filter(|_| holds);
        open.is_some_and(|sessions| sessions.insert(binding.clone()))
    }

    /// Somebody leaves a session.
    pub fn close_session(&self, binding: &Binding) {
        if let Some(sessions) = &mut self.memory().sessions {
            sessions.remove(binding);
        }
    }

    pub fn sessions(&self) -> BTreeSet<Binding> {
        self.memory().sessions.clone().unwrap_or_default()
    }

    /// Whatever copies revocations brings them to one host.
    pub fn copy_revocations(&self, host: &str) {
        let mut memory = self.memory();
        let revoked = memory.revoked.clone();
        if let Some(known) = memory.hosts.get_mut(host) {
            *known = revoked;
        }
    }

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

    /// Somebody changes by hand what a native thing allows.
    pub fn change_scope(&self, native: NativeId, scope: String) {
        self.memory().scopes.insert(native, scope);
    }

    pub fn present(&self) -> BTreeSet<Binding> {
        self.memory().bindings(&Scope::Everything)
    }

    pub fn effects(&self) -> Vec<Effected> {
        self.memory().effects.clone()
    }

    fn call(
        &self,
        action: ActionId,
        epoch: u64,
        effect: Effect,
        binding: Binding,
        does: impl FnOnce(&mut Memory, &Binding) -> bool,
    ) -> Outcome {
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
        if let Some(sessions) = &mut memory.sessions
            && effect == Effect::Remove
            && fault != Some(Fault::LeaveSessions)
        {
            sessions.remove(&binding);
        }
        if does(&mut memory, &binding) {
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

impl Memory {
    /// What is there; of one binding, without looking at all others.
    fn bindings(&self, scope: &Scope) -> BTreeSet<Binding> {
        let tokens = self.tokens.values().map(|one| &one.binding);
        match scope {
            Scope::Everything => self.present.iter().chain(tokens).cloned().collect(),
            Scope::Binding(only) => {
                let mut tokens = tokens;
                let there = self.present.contains(only) || tokens.any(|one| one == only);
                there.then(|| only.clone()).into_iter().collect()
            }
        }
    }
}

/// The certificate of an assent. It is signed by nobody.
fn certificate(assent: &VerifiedAssent) -> Option<Issued> {
    let mark = assent.collected()?.public.mark();
    let certificate = format!("simulated certificate {} for {mark}", assent.place());
    Some(Issued {
        serial: Serial(assent.place()),
        digest: Digest::of(certificate.as_bytes()),
        certificate,
        over_at: assent.until().plus_seconds(SKEW),
    })
}

#[async_trait]
impl Connector for Simulated {
    fn abilities(&self) -> Abilities {
        let memory = self.memory();
        Abilities {
            native_expiry: false,
            sessions: match memory.sessions {
                Some(_) => Sessions::Ended,
                None => Sessions::None,
            },
            tells_scopes: !memory.scopes.is_empty(),
            residual_seconds: 0,
            issues: memory.issues,
            by_hand: false,
        }
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        let binding =
            Binding { native: assent.native().clone(), account: assent.account().clone() };
        let (action, epoch) = (assent.action(), assent.epoch());
        let issues = self.memory().issues;
        let Some(half) = issues else {
            let does =
                |memory: &mut Memory, binding: &Binding| memory.present.insert(binding.clone());
            return self.call(action, epoch, Effect::Grant, binding, does).into();
        };
        let collected = assent.collected().map(|one| one.public.clone());
        let Some(public) = collected.filter(|public| public.half() == half) else {
            let why = "nothing that fits was collected for it".to_owned();
            return Outcome::Failed { why }.into();
        };
        let kept = public.kept_as();
        let does = |memory: &mut Memory, binding: &Binding| {
            let token = kept.map(|digest| Kept { binding: binding.clone(), digest });
            let before = token.clone().map(|one| memory.tokens.insert(assent.grant(), one));
            before.is_some_and(|before| before != token)
        };
        let outcome = self.call(action, epoch, Effect::Grant, binding, does);
        let done = outcome == Outcome::Done && half.is_in_the_wild();
        Granted { outcome, issued: certificate(&assent).filter(|_| done) }
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        let binding = Binding { native: order.native, account: order.account };
        let does = |memory: &mut Memory, binding: &Binding| match memory.issues {
            None => memory.present.remove(binding),
            Some(_) => {
                memory.revoked.extend(order.issued.as_ref().map(|issued| issued.serial));
                let before = memory.tokens.len();
                memory.tokens.retain(|grant, kept| match order.grant {
                    Some(own) => *grant != own,
                    None => kept.binding != *binding,
                });
                memory.tokens.len() < before
            }
        };
        self.call(order.action, order.epoch, Effect::Remove, binding, does)
    }

    async fn read_back(&self, issued: &Issued) -> Shown {
        let mut shown = Shown::default();
        for (host, known) in &self.memory().hosts {
            if known.contains(&issued.serial) {
                shown.hosts.insert(host.clone());
            } else {
                let why = "it does not show the revocation yet".to_owned();
                shown.waits_for.insert(host.clone(), why);
            }
        }
        shown
    }

    async fn observe(&self, scope: &Scope) -> Look {
        let mut memory = self.memory();
        let in_scope = |binding: &&Binding| match scope {
            Scope::Everything => true,
            Scope::Binding(only) => only == *binding,
        };
        let present = memory.bindings(scope);
        if memory.issues.is_some_and(Half::is_in_the_wild) {
            memory.faults.pop_front();
            return Look::unknown("certificates are carried about");
        }
        let tokens = memory.tokens.values().filter(|one| in_scope(&&one.binding)).cloned();
        let credentials = memory.issues.map(|_| tokens.collect());
        let open = memory.sessions.iter().flatten();
        let sessions: BTreeSet<Binding> = open.filter(in_scope).cloned().collect();
        match memory.faults.pop_front() {
            Some(Fault::SeePart) => Look {
                completeness: Completeness::Partial,
                present: present.into_iter().step_by(2).collect(),
                scopes: BTreeMap::new(),
                credentials: None,
                sessions,
                detail: Some("the simulated target showed a part".to_owned()),
            },
            Some(_) => Look::unknown("the simulated target did not answer"),
            None => Look {
                completeness: Completeness::Complete,
                present,
                scopes: memory.scopes.clone(),
                credentials,
                sessions,
                detail: None,
            },
        }
    }
}
