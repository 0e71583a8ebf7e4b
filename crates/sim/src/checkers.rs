//! The laws, held against the world after every step. Each breach says in words what broke.
//!
//! What is checked against what: the targets' own memory against the ledger, the ledger against
//! itself and its signature, and the governed rows against the ledger.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use placet_domain::Timestamp;
use placet_domain::action::Effect;
use placet_domain::event::Event;
use placet_domain::finding::{self, Kind};
use placet_domain::grant::{self, Gone, Grant};
use placet_domain::id::{ActionId, Stream, TargetId};
use placet_domain::identity::Identity;
use placet_domain::name::NativeId;
use placet_domain::observation::Binding;
use placet_domain::state::State;
use placet_store::Mode;

use crate::book::{Book, Line};
use crate::by_hand;
use crate::company;
use crate::laws::{Breach, Law};
use crate::target::Call;
use crate::world::World;

/// What the checkers remember between steps.
#[derive(Debug, Default)]
pub struct Checkers {
    pub book: Book,
    /// Everything that was read, in order.
    pub lines: Vec<Line>,
    /// How many calls of each target were checked.
    calls: BTreeMap<String, usize>,
    /// How often each target had been seen whole.
    looks: BTreeMap<String, u64>,
    called: BTreeSet<ActionId>,
    journalled: BTreeSet<ActionId>,
    /// What the engine answered as done.
    promised: BTreeSet<Stream>,
}

impl Checkers {
    /// The engine said that this is on record.
    pub fn promise(&mut self, stream: impl Into<Stream>) {
        self.promised.insert(stream.into());
    }

    /// Everything that holds at all times. `whole`: the step ran to its end.
    pub async fn after_step(&mut self, world: &World, whole: bool) -> Result<(), Breach> {
        self.read_journal(world);
        if let Mode::EndingOnly { .. } = world.mode() {
            return self.check_calls(world);
        }
        let lines = self.book.read_on(world.store()).await?;
        self.lines.extend(lines.iter().cloned());
        self.book.is_signed(world.store()).await?;
        self.check_promises()?;
        self.check_calls(world)?;
        self.check_ends(world, &lines)?;
        self.check_unapproved(world, whole).await
    }

    /// Everything that holds at all times and takes long to show.
    pub async fn thoroughly(&mut self, world: &World) -> Result<(), Breach> {
        self.after_step(world, false).await?;
        self.book.is_kept_by(world.store()).await?;
        let report = world.store().verify_state().await;
        let report = report.map_err(|e| Law::Memory.broken(e.to_string()))?;
        match report.differences.first() {
            None => Ok(()),
            Some(one) => {
                let why = format!("the row `{}` of `{}` differs: {}", one.row, one.table, one.what);
                Err(Law::Memory.broken(why))
            }
        }
    }

    fn check_promises(&self) -> Result<(), Breach> {
        match self.promised.iter().find(|stream| !self.book.knows(stream)) {
            None => Ok(()),
            Some(lost) => {
                let why = format!("`{lost}` was answered as done, and the ledger knows nothing");
                Err(Law::Memory.broken(why))
            }
        }
    }

    fn read_journal(&mut self, world: &World) {
        for ended in journal(world) {
            self.journalled.insert(ended);
        }
    }

    /// Laws 1 and 5 at the targets: nothing is done that was not on record before.
    fn check_calls(&mut self, world: &World) -> Result<(), Breach> {
        for (name, target) in &world.targets {
            let first = self.calls.get(name).copied().unwrap_or(0);
            let calls = target.calls_from(first);
            self.calls.insert(name.clone(), first + calls.len());
            for call in calls {
                if !self.called.insert(call.action) {
                    let why = format!("`{}` was carried out twice on {name}", call.action);
                    return Err(Law::Memory.broken(why));
                }
                self.check_call(world, name, &call)?;
            }
        }
        Ok(())
    }

    fn check_call(&self, world: &World, target: &str, call: &Call) -> Result<(), Breach> {
        let Call { action: id, binding, .. } = call;
        let what = format!("{} {} on {target}", binding.native, binding.account);
        if let Some(index) = self.book.unasked.get(id) {
            return self.check_unasked(world, target, call, *index);
        }
        let Some(action) = self.book.actions.get(id) else {
            if call.effect == Effect::Remove && self.journalled.contains(id) {
                return Ok(());
            }
            let why = format!("`{id}` ({what}) was carried out, and nothing on record intended it");
            return Err(Law::Memory.broken(why));
        };
        if action.effect != call.effect || action.index >= call.entries {
            let why = format!("`{id}` ({what}) was carried out before or other than intended");
            return Err(Law::Memory.broken(why));
        }
        let expected = self.book.grant(action.grant).map(|grant| expected(world, grant));
        if expected.as_ref() != Some(binding) {
            let why = format!("`{id}` touched {what}, and not what it was intended for");
            return Err(Law::Assent.broken(why));
        }
        if call.effect == Effect::Remove {
            return Ok(());
        }
        let request = self.book.grant(action.grant).map(|grant| grant.approved.request);
        if request.and_then(|request| self.book.basis(request)).is_none() {
            return Err(Law::Assent.broken(format!("{what} was granted on nobody's word")));
        }
        if call.at >= action.until || call.until != Some(action.until) {
            return Err(Law::End.broken(format!("{what} was granted after its end, or without it")));
        }
        if call.at >= action.over_by {
            return Err(
                Law::End.broken(format!("{what} was granted after the call had to be over"))
            );
        }
        Ok(())
    }

    /// What nobody approved is removed on record, and nothing that was approved with it.
    fn check_unasked(
        &self,
        world: &World,
        target: &str,
        call: &Call,
        index: u64,
    ) -> Result<(), Breach> {
        let Call { action: id, binding, .. } = call;
        let what = format!("{} {} on {target}", binding.native, binding.account);
        if call.effect != Effect::Remove || index >= call.entries {
            let why = format!("`{id}` ({what}) was carried out before or other than intended");
            return Err(Law::Memory.broken(why));
        }
        // What was begun after the call, in the same round, was put there anew.
        let began_before = |grant: &grant::Grant| {
            let mut actions = self.book.actions.values();
            actions.any(|action| action.grant == grant.id && action.index < call.entries)
        };
        let covered = world
            .id_of_target(target)
            .is_some_and(|id| self.covering(world, id, binding).any(began_before));
        if covered {
            let why = format!("`{id}` took away {what}, which was approved");
            return Err(Law::TwoRecords.broken(why));
        }
        Ok(())
    }

    /// Law 3: what is called gone is gone.
    fn check_ends(&self, world: &World, lines: &[Line]) -> Result<(), Breach> {
        for line in lines {
            let Event::Grant(grant::Event::Ended { gone: Gone::SeenAbsent { .. } }) =
                &line.entry.event.0
            else {
                continue;
            };
            let Stream::Grant(id) = line.entry.stream else { continue };
            let Some(grant) = self.book.grant(id) else { continue };
            let binding = expected(world, grant);
            let there = self.truth(world, grant.approved.target).contains(&binding);
            let carried = self.book.grants().any(|other| {
                other.id != id
                    && expected(world, other) == binding
                    && other.approved.target == grant.approved.target
                    && !other.state.is_over()
            });
            let session = self.sessions(world, grant.approved.target).contains(&binding);
            if (there || session) && !carried {
                let what = if there { "is there" } else { "has a session open" };
                let why = format!("`{id}` was called gone, and {binding:?} {what}");
                return Err(Law::End.broken(why));
            }
        }
        Ok(())
    }

    /// Law 4: once a target was seen whole, whatever nobody approved there is a finding.
    async fn check_unapproved(&mut self, world: &World, whole: bool) -> Result<(), Breach> {
        for (name, target) in &world.targets {
            let before = self.looks.insert(name.clone(), target.complete_looks()).unwrap_or(0);
            if whole && target.complete_looks() > before {
                self.check_covered(world, name).await?;
            }
        }
        Ok(())
    }

    /// Everything governed on a target has a live grant or an open finding.
    async fn check_covered(&self, world: &World, name: &str) -> Result<(), Breach> {
        let Some(id) = world.id_of_target(name) else { return Ok(()) };
        if self.book.is_braked(id) {
            return Ok(());
        }
        let open = self.open_findings(world).await?;
        let natives: BTreeSet<&NativeId> = self
            .book
            .entitlements()
            .filter(|one| one.terms.target == id)
            .map(|one| &one.terms.native)
            .collect();
        let sessions = self.sessions(world, id);
        for binding in self.truth(world, id).union(&sessions).cloned() {
            let known =
                open.iter().any(|(one, about)| one.opened.target == id && *about == binding);
            if natives.contains(&binding.native) && !self.is_covered(world, id, &binding) && !known
            {
                let why = format!(
                    "{} {} is on {name}, nobody approved it, and no finding says so",
                    binding.native, binding.account
                );
                return Err(Law::TwoRecords.broken(why));
            }
        }
        Ok(())
    }

    /// A grant that was begun and is not over stands for it.
    fn is_covered(&self, world: &World, target: TargetId, binding: &Binding) -> bool {
        self.covering(world, target, binding).next().is_some()
    }

    fn covering(
        &self,
        world: &World,
        target: TargetId,
        binding: &Binding,
    ) -> impl Iterator<Item = &grant::Grant> {
        self.book.grants().filter(move |grant| {
            grant.approved.target == target
                && !grant.state.is_over()
                && grant.state != grant::State::Approved
                && expected(world, grant) == *binding
        })
    }

    /// Open findings, and what each is about.
    async fn open_findings(
        &self,
        world: &World,
    ) -> Result<Vec<(&finding::Finding, Binding)>, Breach> {
        let mut out = Vec::new();
        for one in self.book.findings().filter(|one| one.state != finding::State::Resolved) {
            let Some(account) = &one.opened.account else { continue };
            let account = world.store().disclosed(account).await;
            let account = account.map_err(|e| Law::Memory.broken(e.to_string()))?;
            let entitlement = self.book.entitlement(one.opened.entitlement);
            if let (Some(account), Some(entitlement)) = (account, entitlement) {
                out.push((one, Binding { native: entitlement.terms.native.clone(), account }));
            }
        }
        Ok(out)
    }

    /// Law 3 with nothing left in its way: what is over is gone, and no finding outlives its cause.
    pub async fn check_settled(&self, world: &World) -> Result<(), Breach> {
        let now = world.nature.moment();
        let findings = self.open_findings(world).await?;
        let loud = |id| {
            let about = |one: &finding::Finding| {
                one.opened.kind == Kind::Stuck && one.opened.grant == Some(id)
            };
            findings.iter().any(|(one, _)| about(one))
        };
        for grant in self.book.grants() {
            let id = grant.id;
            // People have until then, and after that it is loud.
            if by_hand::open(grant).is_some_and(|work| now < work.told.due_at || loud(id)) {
                continue;
            }
            if grant.state == grant::State::Ending {
                let why = format!("`{id}` is still ending, with nothing in its way");
                return Err(Law::End.broken(why));
            }
            // What is in the wild is over when no clock within the skew takes it for valid.
            let over_at = grant.issued.as_ref().map(|issued| issued.over_at).or(grant.until);
            if !grant.state.is_over() && over_at.is_some_and(|until| now >= until) {
                return Err(Law::End.broken(format!("the time of `{id}` is over, and it is not")));
            }
        }
        for name in world.targets.keys() {
            self.check_covered(world, name).await?;
        }
        for (one, about) in self.open_findings(world).await? {
            self.check_finding(world, one, &about)?;
        }
        self.check_owners(now)
    }

    /// Law 7: every workload, entitlement and target in use has one person who is still there.
    fn check_owners(&self, now: Timestamp) -> Result<(), Breach> {
        for state in self.book.all() {
            let (what, owner) = match state {
                State::Identity(one) if one.is_active_at(now) => match one.owner() {
                    Some(owner) => (one.id.to_string(), owner),
                    None => continue,
                },
                State::Entitlement(one) if !one.retired => (one.name.to_string(), one.owner),
                State::Target(one) if !one.retired => (one.name.to_string(), one.owner),
                _ => continue,
            };
            let answers = |one: &Identity| one.is_human() && one.is_active_at(now);
            if !self.book.identity(owner).is_some_and(answers) {
                let why = format!("`{what}` belongs to `{owner}`, who is not there any more");
                return Err(Law::Owner.broken(why));
            }
        }
        Ok(())
    }

    /// Law 8: nothing that Placet keeps has a secret in it that it gave out, or that was drawn
    /// elsewhere.
    pub fn check_secrets(&self, world: &World) -> Result<(), Breach> {
        let heads: BTreeSet<Vec<u8>> =
            world.secrets().iter().flat_map(|secret| spellings(secret)).collect();
        let files =
            std::fs::read_dir(world.path()).map_err(|e| Law::NoSecrets.broken(e.to_string()))?;
        for file in files.flatten().map(|file| file.path()) {
            let Ok(bytes) = std::fs::read(&file) else { continue };
            if bytes.windows(SPELT).any(|part| heads.contains(part)) {
                let why = format!("a secret stands in `{}`", file.display());
                return Err(Law::NoSecrets.broken(why));
            }
        }
        Ok(())
    }

    fn check_finding(
        &self,
        world: &World,
        one: &finding::Finding,
        about: &Binding,
    ) -> Result<(), Breach> {
        let opened = &one.opened;
        let over = opened
            .grant
            .and_then(|id| self.book.grant(id))
            .is_none_or(|grant| grant.state.is_over());
        let there = self.truth(world, opened.target).contains(about);
        let stale = match opened.kind {
            Kind::Stuck | Kind::Overstayed => over,
            Kind::Missing => over || there,
            Kind::Unapproved | Kind::Orphan => {
                let in_session = self.sessions(world, opened.target).contains(about);
                !(there || in_session) || self.is_covered(world, opened.target, about)
            }
            Kind::OverdueReview => opened
                .request
                .and_then(|id| self.book.request(id))
                .and_then(|request| request.review.as_ref())
                .is_none_or(|review| review.recorded.is_some()),
            // About the entitlement, whoever holds it.
            Kind::ScopeChanged => false,
        };
        if stale {
            let kind = opened.kind.as_str();
            let why = format!("the {kind} finding `{}` is open, and its cause is gone", one.id);
            return Err(Law::TwoRecords.broken(why));
        }
        Ok(())
    }

    fn sessions(&self, world: &World, id: TargetId) -> BTreeSet<Binding> {
        let target = world.targets.iter().find(|(name, _)| world.id_of_target(name) == Some(id));
        target.map(|(_, target)| target.sessions()).unwrap_or_default()
    }

    fn truth(&self, world: &World, id: TargetId) -> BTreeSet<Binding> {
        let target = world.targets.iter().find(|(name, _)| world.id_of_target(name) == Some(id));
        target.map(|(_, target)| target.truth()).unwrap_or_default()
    }
}

/// So many bytes of a secret are looked for.
const SPELT: usize = 24;

/// How the beginning of a secret may stand somewhere: as it is, or in base64 from any byte on.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let mut all = vec![secret.as_bytes().to_vec()];
    for (before, first) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![0; before];
        bytes.extend(secret.as_bytes());
        let text = URL_SAFE_NO_PAD.encode(bytes);
        all.extend(text.as_bytes().get(first..).map(<[u8]>::to_vec));
    }
    all.iter().filter_map(|one| one.get(..SPELT).map(<[u8]>::to_vec)).collect()
}

/// The binding that a grant stands for, from the company's own list of accounts.
pub fn expected(world: &World, grant: &Grant) -> Binding {
    let handle = world.name(grant.approved.receiver);
    let offer = company::offers().find(|offer| {
        offer.native == grant.approved.native.as_str()
            && world.id_of_target(offer.target) == Some(grant.approved.target)
    });
    let target = offer.map_or("", |offer| offer.target);
    let account = company::account(handle, target);
    let account = account.parse().expect("an account of the company");
    Binding { native: grant.approved.native.clone(), account }
}

/// The actions in the journal of endings.
pub fn journal(world: &World) -> Vec<ActionId> {
    let bytes = std::fs::read(world.journal()).unwrap_or_default();
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .filter_map(|value| value.get("action")?.as_str()?.parse().ok())
        .collect()
}
