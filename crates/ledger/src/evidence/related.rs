//! What entries of other trails add: who people are, in which session they decided, what things
//! are called. Each is optional; what is missing is said to be unknown, never assumed.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::actor::Actor;
use placet_domain::committed::{Commitment, Committed, Disclosure};
use placet_domain::credential::{self, Issued, Kind};
use placet_domain::delegation::{self, Made};
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::id::{CredentialId, DelegationId, EntitlementId, IdentityId, Stream, TargetId};
use placet_domain::identity::{self, Identity};
use placet_domain::organisation;
use placet_domain::request::{Approval, Authority, Event as RequestEvent, Request};
use placet_domain::{entitlement, target};

use crate::key::VerifierKey;
use crate::laws::{Breach, Judged};
use crate::passkeys::Passkeys;
use crate::trail::{Step, Trail};

/// What is known beside the trail.
#[derive(Debug, Default)]
pub(super) struct Related {
    disclosed: BTreeMap<Commitment, Disclosure>,
    /// What each identity was from which entry on, in the order of the ledger.
    identities: BTreeMap<IdentityId, Vec<(u64, Identity)>>,
    issued: BTreeMap<CredentialId, (u64, Issued)>,
    /// At which entry a credential ended.
    ended: BTreeMap<CredentialId, u64>,
    delegations: BTreeMap<DelegationId, (u64, Made)>,
    /// At which entry a delegation was ended before its time.
    undelegated: BTreeMap<DelegationId, u64>,
    passkeys: Passkeys,
    entitlements: BTreeMap<EntitlementId, String>,
    targets: BTreeMap<TargetId, String>,
    genesis: Option<(u64, String)>,
}

impl Related {
    pub fn new(disclosed: BTreeMap<Commitment, Disclosure>) -> Self {
        Self { disclosed, ..Self::default() }
    }

    /// Takes in one entry; entries come in the order of the ledger.
    pub fn learn(&mut self, index: u64, entry: Entry) {
        self.passkeys.learn(index, &entry);
        match entry.event.0 {
            Event::Identity(event) => {
                let Stream::Identity(id) = entry.stream else { return };
                let lives = self.identities.entry(id).or_default();
                let before = lives.last().map(|(_, identity)| identity.clone());
                lives.extend(identity::apply(before, &event).map(|after| (index, after)));
            }
            Event::Credential(credential::Event::Issued(issued)) => {
                self.issued.insert(issued.credential, (index, issued));
            }
            Event::Credential(credential::Event::Ended { .. }) => {
                if let Stream::Credential(id) = entry.stream {
                    self.ended.insert(id, index);
                }
            }
            Event::Delegation(delegation::Event::Made(made)) => {
                self.delegations.insert(made.delegation, (index, made));
            }
            Event::Delegation(delegation::Event::Ended { .. }) => {
                if let Stream::Delegation(id) = entry.stream {
                    self.undelegated.insert(id, index);
                }
            }
            Event::Entitlement(
                entitlement::Event::Registered(registered)
                | entitlement::Event::Revised(registered),
            ) => {
                self.entitlements.insert(registered.id, registered.name.to_string());
            }
            Event::Target(target::Event::Registered(target)) => {
                self.targets.insert(target.id, target.name.to_string());
            }
            Event::Organisation(organisation::Event::Founded(founded)) => {
                self.genesis = Some((index, founded.verifier_key));
            }
            _ => {}
        }
    }

    pub fn passkeys(&self) -> &Passkeys {
        &self.passkeys
    }

    pub fn disclosures(&self) -> usize {
        self.disclosed.len()
    }

    /// The committed value, if its disclosure is here.
    pub fn open<T>(&self, committed: &Committed<T>) -> Option<T>
    where
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        self.disclosed.get(&committed.commitment()).and_then(|one| committed.open(one).ok())
    }

    /// A person or workload by name, else by id.
    pub fn who(&self, id: IdentityId) -> String {
        let last = self.identities.get(&id).and_then(|lives| lives.last());
        let profile = last.and_then(|(_, one)| self.open(&one.profile));
        profile.map_or_else(
            || format!("`{id}`"),
            |profile| format!("{} (`{}`)", profile.name, profile.handle),
        )
    }

    pub fn entitlement(&self, id: EntitlementId) -> String {
        self.entitlements.get(&id).map_or_else(|| format!("`{id}`"), |name| format!("`{name}`"))
    }

    pub fn target(&self, id: TargetId) -> String {
        self.targets.get(&id).map_or_else(|| format!("`{id}`"), |name| format!("`{name}`"))
    }

    /// The laws as far as only these entries can show them.
    pub fn judge(&self, trail: &Trail, judged: &Judged) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for (step, who, session) in decisions(trail) {
            let mut wrong = self.look_at_session(step, who, session);
            let then = self.as_of(who, step.index);
            if then.is_some_and(|one| !one.is_human()) {
                wrong.push(format!("`{who}` decided, and is not a person"));
            }
            if then.is_some_and(|one| !one.active) {
                wrong.push(format!("`{who}` decided after having left"));
            }
            if let Some(approval) = agreement(step) {
                // Whoever owns a workload only later had no part in it when they agreed.
                let owners = judged.request.as_ref().map(|one| self.owners(one, step.index));
                let owners = owners.unwrap_or_default();
                if owners.contains(&who) || owners.contains(&approval.by_right_of()) {
                    wrong.push(format!("`{who}` approved for a workload of their own"));
                }
                wrong.extend(self.look_at_mandate(step, approval));
            }
            let breach = |why| Breach { index: step.index, at: step.entry.at, why };
            breaches.extend(wrong.into_iter().map(breach));
        }
        breaches
    }

    fn look_at_session(&self, step: &Step, who: IdentityId, session: CredentialId) -> Vec<String> {
        let Some((index, issued)) = self.issued.get(&session) else { return Vec::new() };
        let ended = self.ended.get(&session).is_some_and(|ended| *ended < step.index);
        let checks = [
            (issued.kind == Kind::Session, "is not an interactive session"),
            (issued.holder == who, "belongs to somebody else"),
            (*index < step.index, "was issued only later"),
            (step.entry.at < issued.expires_at, "had run out"),
            (!ended, "had ended"),
        ];
        let of = format!("`{session}`, with which `{who}` decided,");
        checks.iter().filter(|check| !check.0).map(|(_, why)| format!("{of} {why}")).collect()
    }

    /// A delegation that is enclosed covers the approval that was given under it.
    fn look_at_mandate(&self, step: &Step, approval: &Approval) -> Vec<String> {
        let Some((id, (index, made))) = delegation_of(approval)
            .and_then(|id| self.delegations.get(&id).map(|known| (id, known)))
        else {
            return Vec::new();
        };
        let at = step.entry.at;
        let ended = self.undelegated.get(&id).is_some_and(|ended| *ended < step.index);
        let checks = [
            (made.to == approval.approver, "is to somebody else"),
            (made.from == approval.by_right_of(), "is from somebody else"),
            (*index < step.index, "was made only later"),
            (made.starts_at <= at && at < made.ends_at, "was not in force"),
            (!ended, "had been ended"),
        ];
        let of = format!("`{id}`, under which `{}` agreed,", approval.approver);
        checks.iter().filter(|check| !check.0).map(|(_, why)| format!("{of} {why}")).collect()
    }

    /// What somebody was at an entry; what they were first, if they became known only later.
    fn as_of(&self, id: IdentityId, index: u64) -> Option<&Identity> {
        let lives = self.identities.get(&id)?;
        let then = lives.iter().rev().find(|(from, _)| *from <= index).or(lives.first());
        then.map(|(_, identity)| identity)
    }

    /// Those who owned the receiver or the one who asked, through a chain of workloads.
    fn owners(&self, request: &Request, index: u64) -> BTreeSet<IdentityId> {
        let mut out = BTreeSet::new();
        for start in [request.revision.requester, request.revision.receiver] {
            let owner = |id| self.as_of(id, index).and_then(Identity::owner);
            let mut next = owner(start);
            while let Some(id) = next.filter(|id| out.insert(*id)) {
                next = owner(id);
            }
        }
        out
    }

    /// What this bundle does not show, though one could.
    pub fn gaps(&self, trail: &Trail, judged: &Judged, key: &VerifierKey) -> Vec<String> {
        let mut out = BTreeSet::new();
        for (_, who, session) in decisions(trail) {
            if !self.issued.contains_key(&session) {
                out.insert(format!(
                    "whether `{session}` was an interactive session: its entry is not here"
                ));
            }
            if !self.identities.contains_key(&who) {
                out.insert(format!("who `{who}` is: the entry of the identity is not here"));
            }
        }
        for id in trail.steps.iter().filter_map(agreement).filter_map(delegation_of) {
            if !self.delegations.contains_key(&id) {
                out.insert(format!("whether `{id}` was in force: its entry is not here"));
            }
        }
        let revision = judged.request.as_ref().map(|request| &request.revision);
        for who in revision.into_iter().flat_map(|one| [one.requester, one.receiver]) {
            if !self.identities.contains_key(&who) {
                out.insert(format!(
                    "who `{who}` is and who answers for them: the entry of the identity is not here"
                ));
            }
        }
        match &self.genesis {
            None => {
                out.insert("how the ledger was founded: its first entry is not here".to_owned());
            }
            Some((index, named)) if *index != 0 || *named != key.to_string() => {
                out.insert(
                    "why the founding entry names another key than the given one".to_owned(),
                );
            }
            Some(_) => {}
        }
        out.into_iter().collect()
    }
}

fn agreement(step: &Step) -> Option<&Approval> {
    match &step.entry.event.0 {
        Event::Request(RequestEvent::ApprovalRecorded(approval)) => Some(approval),
        _ => None,
    }
}

fn delegation_of(approval: &Approval) -> Option<DelegationId> {
    match approval.acting_for.as_ref()?.by {
        Authority::Delegation { delegation } => Some(delegation),
        Authority::Escalation => None,
    }
}

/// Every decision of a person in the trail, with the session it was made in.
fn decisions(trail: &Trail) -> impl Iterator<Item = (&Step, IdentityId, CredentialId)> {
    trail.steps.iter().filter_map(|step| {
        let decides = matches!(
            step.entry.event.0,
            Event::Request(
                RequestEvent::ApprovalRecorded(_)
                    | RequestEvent::ApprovalWithdrawn { .. }
                    | RequestEvent::Denied(_)
                    | RequestEvent::Narrowed(_)
                    | RequestEvent::QuestionAsked(_)
                    | RequestEvent::ReviewRecorded(_)
            )
        );
        match step.entry.actor {
            Actor::Person { id, session } if decides => Some((step, id, session)),
            _ => None,
        }
    })
}
