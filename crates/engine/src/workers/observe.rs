//! Observe and reconcile: every target is looked at as a whole in turn, and what is seen is laid
//! beside what was approved.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::actor::Worker;
use placet_domain::canonical::{self, Digest};
use placet_domain::entitlement::Entitlement;
use placet_domain::finding::{ANSWER_SECONDS, Kind, Opened, Resolution};
use placet_domain::grant::State;
use placet_domain::id::{FindingId, GrantId, RequestId, Stream, TargetId};
use placet_domain::name::{AccountName, NativeId};
use placet_domain::observation::{Binding, Completeness, Governed, Observation, Scope};
use placet_domain::reconcile::{self, About, Beside, Consequence, Held, Known};
use placet_domain::target::{self, Braked, Observed, Target};
use placet_store::{Facts, Observed as Rows};

use super::end::{Resolve, sealed};
use super::lanes::Lane;
use super::touch::{Looked, See};
use super::{Stepped, actor};
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Records what a look at a whole target found: rows always, an event for a baseline or a change.
struct Record<'a> {
    target: TargetId,
    observation: &'a Observation,
    detail: Option<String>,
    known: &'a BTreeSet<Binding>,
    baseline: bool,
    /// What native things are agreed to allow from now on.
    scopes: Vec<(NativeId, String)>,
}

#[async_trait::async_trait]
impl Command for Record<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let seen = &self.observation.present;
        let complete = self.observation.completeness == Completeness::Complete;
        let gone: Vec<Binding> =
            if complete { self.known.difference(seen).cloned().collect() } else { Vec::new() };
        let appeared = seen.difference(self.known).count();
        let state = draft.engine.store.load::<Target>(self.target, &mut draft.facts).await?;
        // A release is good for one look, and this is it.
        let released = state.as_ref().is_some_and(|target| target.released);
        let news = self.baseline || released || appeared > 0 || !gone.is_empty();
        if complete && news {
            let salt = Digest::from_bytes(draft.engine.environment.random()).to_string();
            let root = canonical::digest(&(&salt, seen))?;
            let salt = draft.seal(&salt, "observation", self.target)?;
            let observed = Observed {
                completeness: self.observation.completeness,
                began_at: self.observation.began_at,
                count: u64::try_from(seen.len()).unwrap_or(u64::MAX),
                salt,
                root,
                appeared: u64::try_from(appeared).unwrap_or(u64::MAX),
                vanished: u64::try_from(gone.len()).unwrap_or(u64::MAX),
                baseline: self.baseline,
            };
            let command = target::Command::RecordObservation(observed);
            let events = target::decide(state.as_ref(), command)?;
            draft.change(self.target, self.target, events);
        }
        draft.commit.observed = Some(Rows {
            target: self.target,
            completeness: self.observation.completeness,
            began_at: self.observation.began_at,
            finished_at: self.observation.finished_at,
            detail: self.detail.clone(),
            seen: seen.iter().cloned().collect(),
            gone,
            scopes: self.scopes.clone(),
        });
        Ok(())
    }
}

/// Opens a finding about a difference.
struct OpenDifference<'a> {
    kind: Kind,
    entitlement: &'a Entitlement,
    about: &'a About,
    grant: Option<GrantId>,
    request: Option<RequestId>,
    observation: &'a Observation,
    baseline: bool,
    /// What the native thing allows now, where that is what changed.
    scope: Option<&'a str>,
}

#[async_trait::async_trait]
impl Command for OpenDifference<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let finding = draft.engine.environment.id();
        let account = match self.about {
            About::Binding(binding) => {
                Some(sealed(draft, &binding.account, Stream::Finding(finding))?)
            }
            About::Native(_) => None,
        };
        let detail = match self.kind {
            Kind::Unapproved => "it is there, and no request was ever approved for it",
            Kind::Orphan => {
                "it is there, no request was ever approved for it, and the account belongs to \
                 nobody who is active"
            }
            Kind::Missing => "it was approved and seen, and is no longer there",
            Kind::Overstayed => "its end has come, and it is still there",
            Kind::ScopeChanged => "what it allows on the target is not what was agreed to",
            Kind::Stuck | Kind::OverdueReview => "it cannot be ended",
        };
        draft.open_finding(Opened {
            finding,
            kind: self.kind,
            target: self.observation.target,
            entitlement: self.entitlement.id,
            account,
            request: self.request,
            grant: self.grant,
            owner: self.entitlement.owner,
            sighting: Some(self.observation.cite()),
            detail: detail.to_owned(),
            due_at: Some(draft.now.plus_seconds(ANSWER_SECONDS)),
            baseline: self.baseline,
            scope: self.scope.map(|scope| Digest::of(scope.as_bytes())),
        })
    }
}

/// Stops at a look that reports more than is believed without a person.
struct Brake {
    target: TargetId,
    braked: Braked,
}

#[async_trait::async_trait]
impl Command for Brake {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let target = draft.target(self.target).await?;
        let command = target::Command::Brake(self.braked.clone());
        let events = target::decide(Some(&target), command)?;
        draft.change(target.id, target.id, events);
        Ok(())
    }
}

/// A look at a whole target, with what it is held against.
struct Whole<'a> {
    entitlements: &'a [Entitlement],
    observation: &'a Observation,
    scopes: &'a BTreeMap<NativeId, String>,
    baseline: bool,
}

impl Engine {
    /// A look at a whole target whose turn it is.
    pub(super) async fn look_due(&self, target: TargetId) -> Stepped {
        let mut stepped = Stepped::default();
        match self.observe_one(target, &mut stepped).await {
            Ok(()) => stepped.observed += 1,
            Err(error) => {
                stepped.postponed += 1;
                tracing::warn!(%target, %error, "a target could not be observed");
            }
        }
        stepped
    }

    /// Looks at a whole target now, and settles what follows.
    async fn observe_one(&self, id: TargetId, stepped: &mut Stepped) -> Result<(), Error> {
        let reached = self.reach(Lane::Look, id).await?;
        self.ready(&reached).await?;
        let mut facts = placet_store::Facts::default();
        let entitlements = self.store.entitlements_on(id, &mut facts).await?;
        let governed: Vec<Governed> = entitlements
            .iter()
            .map(|one| Governed { entitlement: one.id, native: one.terms.native.clone() })
            .collect();
        // What is settled while the look goes on is no difference, although the look may show it.
        let held_before = self.held(id).await?;
        let known_before = self.known_findings(id, &entitlements).await?;
        let Looked { mut observation, scopes, detail } =
            self.look(&reached, Scope::Everything).await;
        // What is not governed is none of Placet's business, and is not kept.
        observation
            .present
            .retain(|binding| governed.iter().any(|one| one.native == binding.native));

        let known = self.store.observed_bindings(id).await?;
        let last = self.store.last_look(id).await?;
        let baseline = last.as_ref().is_none_or(|last| last.complete_at.is_none());
        let completeness = observation.completeness.as_str();
        // Told once for each change, not at every look; and never where no look can show anything.
        let blind = !reached.connector.abilities().is_observable();
        if let Some(detail) = &detail
            && !blind
            && last.is_none_or(|last| last.completeness != completeness)
        {
            tracing::warn!(target = %reached.target.name, completeness, "{detail}");
        }
        let (changed, agreed) = self.scopes_against(id, &entitlements, &scopes).await?;
        let record = Record {
            target: id,
            observation: &observation,
            detail,
            known: &known,
            baseline,
            scopes: agreed,
        };
        self.run(actor(Worker::Observe), &record).await?;

        let held = with_ended(self.held(id).await?, held_before);
        let open = with_resolved(self.known_findings(id, &entitlements).await?, known_before);
        let living = self.living(&reached.target, &observation).await?;
        let beside = Beside { living, changed };
        let now = self.clock.now();
        let planned = reconcile::plan(&governed, &held, &open, &beside, &observation, now);
        let whole = Whole {
            entitlements: &entitlements,
            observation: &observation,
            scopes: &scopes,
            baseline,
        };
        let released = reached.target.released;
        let of = known.len().max(held.len());
        let braked = !baseline && !released && self.brakes(id, &planned, of).await?;
        for consequence in planned {
            // Behind the brake, nothing new is reported; what was granted goes on its way.
            if braked && matches!(consequence, Consequence::Open { .. }) {
                continue;
            }
            self.settle(consequence, &whole, stepped).await?;
        }
        Ok(())
    }

    /// Whether a look reports more than is believed; the target then waits for a person.
    async fn brakes(
        &self,
        target: TargetId,
        planned: &[Consequence],
        of: usize,
    ) -> Result<bool, Error> {
        let opens = planned.iter().filter(|one| matches!(one, Consequence::Open { .. })).count();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let braked = Braked { findings: count(opens), of: count(of) };
        if !target::is_unbelievable(braked.findings, braked.of) {
            return Ok(false);
        }
        self.run(actor(Worker::Observe), &Brake { target, braked }).await?;
        Ok(true)
    }

    /// The accounts of a look that belong to somebody who is active.
    async fn living(
        &self,
        target: &Target,
        observation: &Observation,
    ) -> Result<BTreeSet<AccountName>, Error> {
        let now = self.clock.now();
        let accounts: BTreeSet<&AccountName> =
            observation.present.iter().map(|binding| &binding.account).collect();
        let mut living = BTreeSet::new();
        for account in accounts {
            let holders = self.holders_of(&target.name, account).await?;
            if holders.iter().any(|holder| holder.is_active_at(now)) {
                living.insert(account.clone());
            }
        }
        Ok(living)
    }

    /// What the native things allow, against what was agreed to: those that differ, and what is agreed
    /// to from now on, because it was seen for the first time or because people agreed to it.
    async fn scopes_against(
        &self,
        target: TargetId,
        entitlements: &[Entitlement],
        scopes: &BTreeMap<NativeId, String>,
    ) -> Result<(BTreeSet<NativeId>, Vec<(NativeId, String)>), Error> {
        let (mut changed, mut agreed) = (BTreeSet::new(), Vec::new());
        for one in entitlements {
            let native = &one.terms.native;
            let Some(scope) = scopes.get(native) else { continue };
            let known = self.store.agreed_scope(target, native).await?;
            if known.as_ref() == Some(scope) {
                continue;
            }
            let last = self.store.last_scope_change(one.id, &mut Facts::default()).await?;
            let agreed_to = last.is_some_and(|last| {
                matches!(last.resolution, Some(Resolution::Agreed { .. }))
                    && last.opened.scope == Some(Digest::of(scope.as_bytes()))
            });
            if known.is_none() || agreed_to {
                agreed.push((native.clone(), scope.clone()));
            } else {
                changed.insert(native.clone());
            }
        }
        Ok((changed, agreed))
    }

    async fn settle(
        &self,
        consequence: Consequence,
        whole: &Whole<'_>,
        stepped: &mut Stepped,
    ) -> Result<(), Error> {
        let observation = whole.observation;
        match consequence {
            Consequence::See { grant, seen } => {
                self.run(actor(Worker::Reconcile), &See { grant, observation, seen }).await?;
            }
            Consequence::Open { kind, about, grant, request } => {
                let native = match &about {
                    About::Binding(binding) => &binding.native,
                    About::Native(native) => native,
                };
                let entitlement = whole.entitlements.iter().find(|one| one.terms.native == *native);
                let Some(entitlement) = entitlement else { return Ok(()) };
                let scope = match &about {
                    About::Native(native) => whole.scopes.get(native).map(String::as_str),
                    About::Binding(_) => None,
                };
                let baseline = whole.baseline;
                let open = OpenDifference {
                    kind,
                    entitlement,
                    about: &about,
                    grant,
                    request,
                    observation,
                    baseline,
                    scope,
                };
                self.run(actor(Worker::Reconcile), &open).await?;
                stepped.findings += 1;
            }
            Consequence::Resolve { finding } => {
                let resolution = Resolution::SeenRight { sighting: observation.cite() };
                self.run(actor(Worker::Reconcile), &Resolve { finding, resolution }).await?;
                stepped.findings += 1;
            }
        }
        Ok(())
    }

    async fn held(&self, target: TargetId) -> Result<Vec<Held>, Error> {
        let mut out = Vec::new();
        for grant in self.store.held_on(target).await? {
            let binding = self.binding(&grant).await?;
            let calls_over_at = grant.action.as_ref().map(|action| action.provably_over_at());
            out.push(Held {
                grant: grant.id,
                request: grant.approved.request,
                state: grant.state,
                binding,
                until: grant.until,
                calls_over_at: calls_over_at.max(grant.grant_calls_over_at),
                first_seen_at: grant.first_seen_at,
                kept_as: grant.kept_as(),
            });
        }
        Ok(out)
    }

    async fn known_findings(
        &self,
        target: TargetId,
        entitlements: &[Entitlement],
    ) -> Result<Vec<Known>, Error> {
        let mut out = Vec::new();
        for finding in self.store.open_findings_on(target).await? {
            let opened = &finding.opened;
            let entitlement = entitlements.iter().find(|one| one.id == opened.entitlement);
            let Some(entitlement) = entitlement else { continue };
            let native = entitlement.terms.native.clone();
            let about = match &opened.account {
                None => About::Native(native),
                Some(account) => match self.store.disclosed(account).await? {
                    Some(account) => About::Binding(Binding { native, account }),
                    None => continue,
                },
            };
            let (kind, grant) = (opened.kind, opened.grant);
            out.push(Known { finding: finding.id, kind, about, grant, resolved: false });
        }
        Ok(out)
    }
}

/// Those who are held now, and those who were before and are over meanwhile.
fn with_ended(mut now: Vec<Held>, before: Vec<Held>) -> Vec<Held> {
    let still: BTreeSet<GrantId> = now.iter().map(|one| one.grant).collect();
    let over = before.into_iter().filter(|one| !still.contains(&one.grant));
    now.extend(over.map(|one| Held { state: State::Ended, ..one }));
    now
}

/// The findings that are open now, and those that were before and are resolved meanwhile.
fn with_resolved(mut now: Vec<Known>, before: Vec<Known>) -> Vec<Known> {
    let still: BTreeSet<FindingId> = now.iter().map(|one| one.finding).collect();
    let over = before.into_iter().filter(|one| !still.contains(&one.finding));
    now.extend(over.map(|one| Known { resolved: true, ..one }));
    now
}
