//! Observe and reconcile: every target is looked at as a whole in turn, and what is seen is laid
//! beside what was approved.

use std::collections::BTreeSet;

use placet_domain::Timestamp;
use placet_domain::actor::Worker;
use placet_domain::canonical::{self, Digest};
use placet_domain::entitlement::Entitlement;
use placet_domain::finding::{Kind, Opened, Resolution};
use placet_domain::id::{GrantId, RequestId, Stream, TargetId};
use placet_domain::observation::{Binding, Completeness, Governed, Observation, Scope, Seen};
use placet_domain::reconcile::{self, Consequence, Held, Known};
use placet_domain::target::{self, Observed, Target};
use placet_store::{Observed as Rows, Page};

use super::end::{Resolve, sealed};
use super::touch::See;
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
        if complete && (self.baseline || appeared > 0 || !gone.is_empty()) {
            let state = draft.engine.store.load::<Target>(self.target, &mut draft.facts).await?;
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
        });
        Ok(())
    }
}

/// Opens a finding about a difference.
struct OpenDifference<'a> {
    kind: Kind,
    entitlement: &'a Entitlement,
    binding: &'a Binding,
    grant: Option<GrantId>,
    request: Option<RequestId>,
    observation: &'a Observation,
}

#[async_trait::async_trait]
impl Command for OpenDifference<'_> {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let finding = draft.engine.environment.id();
        let account = sealed(draft, &self.binding.account, Stream::Finding(finding))?;
        let detail = match self.kind {
            Kind::Unapproved => "it is there, and no request was ever approved for it",
            Kind::Missing => "it was approved and seen, and is no longer there",
            Kind::Overstayed => "its end has come, and it is still there",
            Kind::Stuck => "it cannot be ended",
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
        })
    }
}

impl Engine {
    pub(super) async fn observe(&self, stepped: &mut Stepped) -> Result<(), Error> {
        let mut page = Page::default();
        loop {
            let targets = self.store.targets(&page).await?;
            let Some(last) = targets.last() else { return Ok(()) };
            page.after = Some(last.name.to_string());
            for target in targets {
                if !self.is_due(target.id).await? {
                    continue;
                }
                match self.observe_one(target.id, stepped).await {
                    Ok(()) => stepped.observed += 1,
                    Err(error) => {
                        stepped.postponed += 1;
                        tracing::warn!(target = %target.name, %error, "a target could not be observed");
                    }
                }
            }
        }
    }

    async fn is_due(&self, target: TargetId) -> Result<bool, Error> {
        let last = self.store.last_look(target).await?;
        let now = self.environment.now();
        Ok(last
            .is_none_or(|last| now >= last.finished_at.plus_seconds(self.options.observe_seconds)))
    }

    /// Looks at a whole target now, and settles what follows.
    pub(crate) async fn observe_one(
        &self,
        id: TargetId,
        stepped: &mut Stepped,
    ) -> Result<(), Error> {
        let reached = self.reach(id).await?;
        let mut facts = placet_store::Facts::default();
        let entitlements = self.store.entitlements_on(id, &mut facts).await?;
        let governed: Vec<Governed> = entitlements
            .iter()
            .map(|one| Governed { entitlement: one.id, native: one.terms.native.clone() })
            .collect();
        let (mut observation, detail) = self.look(&reached, Scope::Everything).await;
        // What is not governed is none of Placet's business, and is not kept.
        observation
            .present
            .retain(|binding| governed.iter().any(|one| one.native == binding.native));

        let known = self.store.observed_bindings(id).await?;
        let last = self.store.last_look(id).await?;
        let baseline = last.as_ref().is_none_or(|last| last.complete_at.is_none());
        let completeness = observation.completeness.as_str();
        // Told once for each change, not at every look.
        if let Some(detail) = &detail
            && last.is_none_or(|last| last.completeness != completeness)
        {
            tracing::warn!(target = %reached.target.name, completeness, "{detail}");
        }
        let record =
            Record { target: id, observation: &observation, detail, known: &known, baseline };
        self.run(actor(Worker::Observe), &record).await?;

        let held = self.held(id).await?;
        let open = self.known_findings(id, &entitlements).await?;
        let now = self.environment.now();
        for consequence in reconcile::plan(&governed, &held, &open, &observation, now) {
            self.settle(consequence, &entitlements, &observation, now, stepped).await?;
        }
        Ok(())
    }

    async fn settle(
        &self,
        consequence: Consequence,
        entitlements: &[Entitlement],
        observation: &Observation,
        _now: Timestamp,
        stepped: &mut Stepped,
    ) -> Result<(), Error> {
        match consequence {
            Consequence::See { grant, present } => {
                let seen = if present { Seen::Present } else { Seen::Absent };
                self.run(actor(Worker::Reconcile), &See { grant, observation, seen }).await?;
            }
            Consequence::Open { kind, binding, grant, request } => {
                let entitlement =
                    entitlements.iter().find(|one| one.terms.native == binding.native);
                let Some(entitlement) = entitlement else { return Ok(()) };
                let open = OpenDifference {
                    kind,
                    entitlement,
                    binding: &binding,
                    grant,
                    request,
                    observation,
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
            let native = entitlements.iter().find(|one| one.id == opened.entitlement);
            let account = self.store.disclosed(&opened.account).await?;
            if let (Some(entitlement), Some(account)) = (native, account) {
                let native = entitlement.terms.native.clone();
                let binding = Binding { native, account };
                out.push(Known {
                    finding: finding.id,
                    kind: opened.kind,
                    binding,
                    grant: opened.grant,
                });
            }
        }
        Ok(out)
    }
}
