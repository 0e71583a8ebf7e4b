//! The walk: a life drawn from a seed. People ask, agree, change their minds and leave; targets
//! fail, hands change them, Placet dies; and after every step the laws are checked. Each step draws
//! with dice of its own, so that a step can be left out without moving the others.

mod by_hand;
mod catalogue;
mod deciding;
mod lasting;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use placet_domain::canonical::Digest;
use placet_domain::credential::TokenScope;
use placet_domain::event::Event;
use placet_domain::grant::Half;
use placet_domain::id::{GrantId, RequestId};
use placet_domain::request::State;
use placet_engine::commands::approve::ApproveRequest;
use placet_engine::commands::bundle::{AdoptBundle, ProposeBundle};
use placet_engine::commands::catalogue::{DeactivateIdentity, RetireEntitlement};
use placet_engine::commands::end::{GiveBack, RevokeGrant};
use placet_engine::commands::login::{IssueToken, LogOut};
use placet_engine::commands::withdraw::WithdrawApproval;

use crate::checkers::Checkers;
use crate::company::{self, ADMINISTRATORS, AUDITOR, Extent};
use crate::credentials;
use crate::dice::Dice;
use crate::laws::{Breach, Law};
use crate::target::{Lie, Watched};
use crate::world::{Broken, Copy, World, forbidding};

/// A thousandth of a second passes with each look at the clock.
const TICK: i64 = 1_000;
/// How long one step may take by the clock on the wall.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
/// How many of the last actions a failure shows.
const SHOWN: usize = 25;
/// Those whom a walk may send away.
const EXPENDABLE: [&str; 6] = ["eve", "dirk", "tina", "sara", "ci-deployer", "piotr"];
/// Those who mostly ask: few, so that they ask for the same again while they hold it.
const ASKERS: [&str; 6] = ["ines", "ines", "mara", "olga", "tom", "gerda"];
const PURPOSE: &str = "the nightly import fails and I must look";

/// What came of a walk that broke no law.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Walked {
    pub entries: u64,
    pub root: Digest,
    /// The event types that its ledger holds.
    pub types: BTreeSet<&'static str>,
    /// The codes of the refusals that it met.
    pub refusals: BTreeSet<&'static str>,
    /// What was tried, and what came of it.
    pub story: Vec<String>,
}

/// What is walked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    pub seed: u64,
    pub steps: u32,
    /// Steps that are left out; the others stay as they are.
    pub without: BTreeSet<u32>,
    /// A fault that is planted in a target from the beginning, which no honest one has.
    pub lie: Option<(&'static str, Lie)>,
}

impl Plan {
    pub fn new(seed: u64, steps: u32) -> Self {
        Self { seed, steps, ..Self::default() }
    }
}

/// A walk that broke a law.
#[derive(Debug)]
pub struct Failure {
    pub plan: Plan,
    pub step: u32,
    pub breach: Breach,
    pub story: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, without, .. } = &self.plan;
        writeln!(f, "seed {seed} broke at step {}: {}", self.step, self.breach)?;
        if !without.is_empty() {
            let kept = (0..=self.step).filter(|step| !without.contains(step));
            let kept: Vec<String> = kept.map(|step| step.to_string()).collect();
            writeln!(f, "these steps alone do it: {}", kept.join(" "))?;
        }
        let first = self.story.len().saturating_sub(SHOWN);
        for line in self.story.iter().skip(first) {
            writeln!(f, "    {line}")?;
        }
        write!(f, "again with PLACET_SIM_SEED={seed}")
    }
}

/// What one action came to: words for the story, and how it went.
type Acted = (String, Result<(), Broken>);

/// A walk under way.
#[derive(Debug)]
struct Walk {
    seed: u64,
    world: World,
    checkers: Checkers,
    dice: Dice,
    story: Vec<String>,
    refusals: BTreeSet<&'static str>,
    /// Digests that a request had before it was revised.
    old: BTreeMap<RequestId, Digest>,
    forbidden: bool,
    /// The action was a round of the workers.
    worked: bool,
    /// Somebody has set the clock.
    clock_set: bool,
    /// A copy of the database from before.
    yesterday: Option<Copy>,
}

/// Walks a plan to its end, or to the first law that breaks.
pub async fn walk(plan: &Plan) -> Result<Walked, Box<Failure>> {
    let Plan { seed, steps, .. } = *plan;
    let mut walk = Walk {
        seed,
        world: World::with(Extent::EVERYTHING, seed, TICK).await,
        checkers: Checkers::default(),
        dice: Dice::new(seed, "walk"),
        story: Vec::new(),
        refusals: BTreeSet::new(),
        old: BTreeMap::new(),
        forbidden: false,
        worked: false,
        clock_set: false,
        yesterday: None,
    };
    walk.world.targets.values().for_each(Watched::keep_sessions);
    if let Some((target, lie)) = &plan.lie
        && let Some(target) = walk.world.targets.get(*target)
    {
        target.plant(lie.clone());
    }
    let digest = forbidding().digest().expect("a bundle has a digest");
    walk.checkers.book.forbidding.insert(digest);
    for step in (0..=steps).filter(|step| !plan.without.contains(step)) {
        let outcome = if step == steps { walk.end().await } else { walk.step(step).await };
        if let Err(breach) = outcome {
            let (plan, story) = (plan.clone(), walk.story);
            return Err(Box::new(Failure { plan, step, breach, story }));
        }
    }
    Ok(Walked {
        entries: walk.checkers.book.len(),
        root: walk.checkers.book.root(),
        types: walk.checkers.book.types,
        refusals: walk.refusals,
        story: walk.story,
    })
}

impl Walk {
    async fn step(&mut self, step: u32) -> Result<(), Breach> {
        self.worked = false;
        self.dice = Dice::new(self.seed, &format!("step {step}"));
        if step % 40 == 39 {
            return self.settle().await;
        }
        if step % 120 == 60 {
            return self.put_back_yesterday().await;
        }
        let acted = tokio::time::timeout(PATIENCE, self.act()).await;
        let still = |_| Law::FailClosed.broken("the world stands still: somebody waits for ever");
        let (words, outcome) = acted.map_err(still)?;
        let told = match &outcome {
            Ok(()) => "done".to_owned(),
            Err(broken) => broken.to_string(),
        };
        self.story.push(format!("{step:>3} {} {words}: {told}", self.world.nature.moment()));
        let whole = self.worked && outcome.is_ok() && self.world.fate.is_reachable();
        match outcome {
            Ok(()) => {}
            Err(Broken::Refused(refusal)) => {
                self.refusals.insert(refusal.code());
            }
            Err(Broken::Crashed) => {
                if self.dice.chance(30) {
                    self.world.nature.pass(self.dice.below(1_800));
                }
                self.world.start().await;
            }
            Err(Broken::Fault(_)) if !self.world.fate.is_reachable() => {}
            Err(Broken::Fault(why)) => {
                return Err(Law::Memory.broken(format!("a fault that nobody planned: {why}")));
            }
        }
        self.checkers.after_step(&self.world, whole).await?;
        if step % 25 == 24 {
            self.checkers.thoroughly(&self.world).await?;
        }
        Ok(())
    }

    async fn act(&mut self) -> Acted {
        if !self.world.fate.is_reachable() && self.dice.chance(25) {
            self.world.start().await;
            return ("Placet is started again".to_owned(), Ok(()));
        }
        if self.forbidden && self.dice.chance(12) {
            return self.govern().await;
        }
        if self.dice.chance(16) {
            return self.last().await;
        }
        match self.dice.below(100) {
            0..=13 => self.ask().await,
            14..=20 => self.approve().await,
            21..=22 => self.collect().await,
            23 => self.work_by_hand().await,
            24..=33 => self.agree_together().await,
            34..=36 => self.overtaken().await,
            37..=40 => self.interrupt().await,
            41..=54 => self.work().await,
            55 => self.two_nodes().await,
            56 => self.set_clock().await,
            57..=65 => self.pass().await,
            66..=71 => self.plan_faults(),
            72..=76 => self.by_hand(),
            77..=81 => self.end_something().await,
            82..=84 => self.change_mind().await,
            85..=89 => self.plan_blow(),
            90 => self.plan_trouble(),
            91..=92 => self.revise().await,
            93 => self.restart().await,
            94 => self.govern().await,
            95 if self.dice.chance(50) => self.change_catalogue().await,
            95 => self.leave().await,
            96 => self.by_token().await,
            97 => self.log_out().await,
            98 => self.export().await,
            _ => self.lateness(),
        }
    }

    // ---- drawing ----

    fn person(&mut self) -> String {
        let people = company::people();
        (*self.dice.pick(&people).expect("there are people")).to_owned()
    }

    fn request(&mut self, states: &[State]) -> Option<RequestId> {
        let all: Vec<RequestId> = self
            .checkers
            .book
            .requests()
            .filter(|one| states.contains(&one.state))
            .map(|one| one.id)
            .collect();
        self.dice.pick(&all).copied()
    }

    fn live_grant(&mut self) -> Option<GrantId> {
        let all: Vec<GrantId> = self
            .checkers
            .book
            .grants()
            .filter(|one| !one.state.is_over())
            .map(|one| one.id)
            .collect();
        self.dice.pick(&all).copied()
    }

    /// Mostly somebody for whom it waits; sometimes just anybody.
    async fn approver(&mut self, request: RequestId) -> String {
        let waiting = self.world.store().waiting_on(request).await.unwrap_or_default();
        let fitting: Vec<String> =
            waiting.values().flatten().map(|id| self.world.name(*id).to_owned()).collect();
        if self.dice.chance(20) {
            // Whoever asked, or receives it, would like to as well.
            let revision = self.checkers.book.request(request).map(|one| one.revision.clone());
            let party =
                revision.map(|one| if self.dice.chance(50) { one.requester } else { one.receiver });
            return party.map_or_else(String::new, |id| self.world.name(id).to_owned());
        }
        match self.dice.pick(&fitting).cloned().filter(|_| self.dice.chance(90)) {
            Some(person) => person,
            None => self.person(),
        }
    }

    fn shown_digest(&mut self, request: RequestId) -> Digest {
        let old = self.old.get(&request).copied().filter(|_| self.dice.chance(40));
        let now = self.checkers.book.request(request).map(|one| one.digest);
        old.or(now).unwrap_or(Digest::of(b"nothing"))
    }

    fn nothing(words: &str) -> Acted {
        (format!("{words} (nothing there)"), Ok(()))
    }

    // ---- what people do ----

    /// Somebody ends a grant, or takes an approval back, while the workers are at it.
    async fn interrupt(&mut self) -> Acted {
        let Some(grant) = self.live_grant() else { return self.agree_together().await };
        let Some(known) = self.checkers.book.grant(grant).cloned() else {
            return Self::nothing("interruption");
        };
        let later = u32::try_from(self.dice.below(4)).unwrap_or(0);
        let request = known.approved.request;
        let approvers = self.checkers.book.request(request).map(|one| one.approvers());
        let approver =
            approvers.and_then(|all| all.first().copied()).filter(|_| self.dice.chance(40));
        let who = match approver {
            Some(approver) => self.world.name(approver).to_owned(),
            None => "olga".to_owned(),
        };
        let words = format!("{who} ends {grant} before commit {later} of the workers");
        let actor = match self.world.actor(&who).await {
            Ok(actor) => actor,
            Err(broken) => return (words, Err(broken)),
        };
        if approver.is_some() {
            let withdrawal = WithdrawApproval { request };
            return (words, self.world.interrupted(later, (actor, &withdrawal)).await);
        }
        let revocation = RevokeGrant { grant, note: None };
        (words, self.world.interrupted(later, (actor, &revocation)).await)
    }

    async fn end_something(&mut self) -> Acted {
        let Some(grant) = self.live_grant() else { return Self::nothing("ending") };
        let holder = self.checkers.book.grant(grant).map(|one| one.approved.receiver);
        let holder = holder.map(|id| self.world.name(id).to_owned()).unwrap_or_default();
        match self.dice.below(3) {
            0 => {
                let who = if self.dice.chance(80) { "olga".to_owned() } else { self.person() };
                let note = self.dice.chance(50).then(|| "it looked odd".to_owned());
                let done = self.world.by(&who, &RevokeGrant { grant, note }).await;
                (format!("{who} revokes {grant}"), done)
            }
            _ => {
                let owner = company::WORKLOADS.iter().find(|(name, _, _)| *name == holder);
                let who = owner.map_or(holder, |(_, _, owner)| (*owner).to_owned());
                let done = self.world.by(&who, &GiveBack { grant }).await;
                (format!("{who} gives {grant} back"), done)
            }
        }
    }

    /// Mostly its holder collects with a key or token of their own; and revocations get about.
    async fn collect(&mut self) -> Acted {
        let host = self.dice.pick(credentials::HOSTS).copied().unwrap_or_default();
        if let Some(bastion) = self.world.targets.get("bastion").filter(|_| self.dice.chance(25)) {
            bastion.copy_revocations(host);
            return (format!("revocations come to {host}"), Ok(()));
        }
        let waiting: Vec<(GrantId, Half)> = self
            .checkers
            .book
            .grants()
            .filter(|one| !one.state.is_over() && (one.collected.is_none() || one.until.is_none()))
            .filter_map(|one| Some((one.id, one.approved.issues?)))
            .collect();
        let Some((grant, half)) = self.dice.pick(&waiting).copied() else {
            return Self::nothing("collecting");
        };
        let holder = self.checkers.book.grant(grant).map(|one| one.approved.receiver);
        let holder = holder.map(|id| self.world.name(id).to_owned()).unwrap_or_default();
        let who = if self.dice.chance(85) { holder.clone() } else { self.person() };
        let key = if self.dice.chance(90) { who.clone() } else { "ines".to_owned() };
        let signer = if self.dice.chance(90) { key.clone() } else { "eve".to_owned() };
        let submitted = match half {
            Half::SshKey => credentials::with_key(grant, &key, &signer),
            Half::TokenDigest => credentials::with_token(&format!("{who} {}", self.dice.below(30))),
            Half::ScramSha256 => return Self::nothing("collecting a password"),
        };
        let words = format!("{who} collects {grant} of {holder}");
        (words, self.world.collects(&who, grant, submitted).await)
    }

    async fn by_token(&mut self) -> Acted {
        let who = "ines".to_owned();
        let length = "30d".to_owned();
        let token = IssueToken { holder: None, length, scopes: TokenScope::ALL.into() };
        let words = "ines lets a program ask, and decide if it may".to_owned();
        let given = match self.world.by(&who, &token).await {
            Ok(given) => given,
            Err(broken) => return (words, Err(broken)),
        };
        let actor = match self.world.present(&given.secret).await {
            Ok(actor) => actor,
            Err(broken) => return (words, Err(broken)),
        };
        let ask = self.ask_of(&who);
        match self.world.run(actor, &ask).await {
            Ok(out) => self.promised(out.request, out.grant),
            Err(Broken::Refused(_)) => {}
            Err(broken) => return (words, Err(broken)),
        }
        let Some(request) = self.request(&[State::Open]) else { return (words, Ok(())) };
        let digest = self.shown_digest(request);
        let approval = ApproveRequest { request, digest, stage: None };
        (words, self.world.run(actor, &approval).await.map(drop))
    }

    async fn log_out(&mut self) -> Acted {
        let who = self.person();
        if ADMINISTRATORS.contains(&who.as_str()) {
            return Self::nothing("log out");
        }
        let done = self.world.by(&who, &LogOut).await;
        self.world.forget_session(&who);
        (format!("{who} logs out"), done)
    }

    async fn leave(&mut self) -> Acted {
        if self.dice.chance(20) {
            let retire = RetireEntitlement { entitlement: "staging-deploy".to_owned() };
            return (
                "adam retires staging-deploy".to_owned(),
                self.world.by("adam", &retire).await,
            );
        }
        let who = self.dice.pick(&EXPENDABLE).copied().unwrap_or("eve");
        let leaves = DeactivateIdentity { identity: who.to_owned() };
        (format!("adam deactivates {who}"), self.world.by("adam", &leaves).await)
    }

    /// A bundle under which nothing is granted comes to rule, or the shipped one again.
    async fn govern(&mut self) -> Acted {
        let bundle = if self.forbidden { placet_policy::shipped() } else { forbidding() };
        let words = format!("a bundle is proposed and adopted (forbids all: {})", !self.forbidden);
        let digest = match self.world.by("adam", &ProposeBundle { bundle }).await {
            Ok(digest) => digest,
            Err(broken) => return (words, Err(broken)),
        };
        let adopted = self.world.by("anna", &AdoptBundle { bundle: digest }).await;
        if adopted.is_ok() {
            self.forbidden = !self.forbidden;
        }
        (words, adopted)
    }

    async fn export(&mut self) -> Acted {
        let states = [State::Open, State::Approved, State::Denied, State::Withdrawn, State::Lapsed];
        let Some(request) = self.request(&states) else { return Self::nothing("export") };
        (format!("{AUDITOR} exports {request}"), self.evidence_of(request).await)
    }

    async fn evidence_of(&mut self, request: RequestId) -> Result<(), Broken> {
        let json = self.world.evidence(AUDITOR, request).await?;
        let verdict = placet_ledger::evidence::verify(&json, self.world.store().verifier());
        verdict.map(drop).map_err(|failed| Broken::Fault(format!("the evidence fails: {failed}")))
    }

    // ---- what the world does ----

    async fn work(&mut self) -> Acted {
        if self.dice.chance(25) {
            return self.work_on().await;
        }
        self.worked = true;
        let worked = self.world.work().await;
        let words =
            worked.as_ref().map_or_else(|_| String::new(), |stepped| format!(" {stepped:?}"));
        (format!("the workers go round{words}"), worked.map(drop))
    }

    /// The workers go round again and again, as they do when nobody else does anything.
    async fn work_on(&mut self) -> Acted {
        let rounds = 2 + self.dice.below(5);
        let words = format!("the workers go round {rounds} times");
        for _ in 0..rounds {
            if let Err(broken) = self.world.work().await {
                return (words, Err(broken));
            }
            let rest = 1 + self.dice.below(9);
            self.world.nature.pass(rest);
        }
        (words, Ok(()))
    }

    async fn pass(&mut self) -> Acted {
        let ends: Vec<u64> = self
            .checkers
            .book
            .grants()
            .filter(|one| !one.state.is_over())
            .filter_map(|one| Some(one.until?.seconds_since(self.world.nature.moment())))
            .collect();
        let near = self.dice.pick(&ends).copied().filter(|_| self.dice.chance(50));
        let seconds = match self.dice.below(10) {
            // To around the end of something.
            _ if near.is_some() => near.unwrap_or(0).saturating_sub(1) + self.dice.below(40),
            0..=3 => self.dice.below(90),
            4..=6 => 60 * (1 + self.dice.below(90)),
            7..=8 => 3_600 * (1 + self.dice.below(12)),
            _ => 86_400 * (1 + self.dice.below(5)),
        };
        // Without a log nobody logs in again, so not much time passes before it is mended.
        let seconds = if self.world.is_up() { seconds } else { seconds.min(900) };
        self.world.pass(seconds).await;
        (format!("{seconds} seconds pass"), Ok(()))
    }

    // ---- with nothing in the way ----

    async fn settle(&mut self) -> Result<(), Breach> {
        self.story.push("    everything heals, and the workers go on".to_owned());
        if self.clock_set {
            self.clock_set = false;
            self.world.start().await;
            self.world.set_clock_right().await;
            self.world.start_trusting_the_clock().await;
            // Until the clock has caught up with what was recorded.
            self.world.pass(4 * 3_600).await;
        } else if self.world.is_up() {
            self.world.fate.forget_plans();
        } else {
            self.world.start().await;
        }
        for target in self.world.targets.values() {
            target.heal();
        }
        for _ in 0..8 {
            if let Some(bastion) = self.world.targets.get("bastion") {
                credentials::HOSTS.iter().for_each(|host| bastion.copy_revocations(host));
            }
            self.world.pass(310).await;
            let worked = self.world.work().await;
            worked.map_err(|broken| Law::End.broken(broken.to_string()))?;
            self.checkers.after_step(&self.world, true).await?;
            let by_hand = self.finish_by_hand().await;
            if by_hand.map_err(|broken| Law::End.broken(broken.to_string()))? {
                self.checkers.after_step(&self.world, false).await?;
            }
        }
        self.checkers.check_settled(&self.world).await
    }

    /// The end of a walk: everything settles, everything is checked, and every request's evidence
    /// holds for somebody who has nothing but the key.
    async fn end(&mut self) -> Result<(), Breach> {
        self.settle().await?;
        let all: Vec<RequestId> = self.checkers.book.requests().map(|one| one.id).collect();
        for request in all {
            let shown = self.evidence_of(request).await;
            shown.map_err(|broken| Law::Memory.broken(format!("`{request}`: {broken}")))?;
        }
        self.world.start().await;
        self.checkers.thoroughly(&self.world).await?;
        self.checkers.check_secrets(&self.world)
    }
}

/// The event types that no life has produced yet.
pub fn missing(types: &BTreeSet<&'static str>) -> Vec<&'static str> {
    Event::TYPES.iter().copied().filter(|one| !types.contains(one)).collect()
}
