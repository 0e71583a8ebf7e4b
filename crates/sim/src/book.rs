//! The book: the ledger as the checkers read it, entry by entry, with the laws that entries alone
//! can break. Nothing here asks the engine, and the rules of `domain` are said again in other words.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::Timestamp;
use placet_domain::action::Effect;
use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::entry::Entry;
use placet_domain::event::Event;
use placet_domain::grant::{self, Gone, Grant, Intended};
use placet_domain::id::{
    ActionId, EntitlementId, GrantId, IdentityId, PasskeyId, RequestId, Stream,
};
use placet_domain::identity::Identity;
use placet_domain::observation::Completeness;
use placet_domain::passkey::Passkey;
use placet_domain::request::{self, Approval, Authority, Basis, Request};
use placet_domain::state::{self, State};
use placet_domain::{entitlement, finding};
use placet_ledger::Verifier;
use placet_store::Store;

use crate::laws::{Breach, Law};

/// An action as it was intended.
#[derive(Clone, Debug)]
pub struct Action {
    pub grant: GrantId,
    pub effect: Effect,
    pub until: Timestamp,
    pub over_by: Timestamp,
    /// Where its intent stands in the ledger.
    pub index: u64,
}

/// An entry, and where it stands.
#[derive(Clone, Debug)]
pub struct Line {
    pub index: u64,
    pub entry: Entry,
}

/// Everything that the ledger has said so far.
#[derive(Debug, Default)]
pub struct Book {
    verifier: Verifier,
    digests: Vec<Digest>,
    states: BTreeMap<Stream, State>,
    pub actions: BTreeMap<ActionId, Action>,
    /// Removals of what nobody approved, and where their intent stands in the ledger.
    pub unasked: BTreeMap<ActionId, u64>,
    /// When each grant's first intent was written.
    begun: BTreeMap<GrantId, Timestamp>,
    /// Requests by the grant that they led to, and whether people or a pattern agreed.
    agreed: BTreeMap<RequestId, Basis>,
    pub types: BTreeSet<&'static str>,
    /// Bundles under which nothing may be granted.
    pub forbidding: BTreeSet<Digest>,
}

impl Book {
    pub fn len(&self) -> u64 {
        u64::try_from(self.digests.len()).unwrap_or(u64::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// The root over everything read.
    pub fn root(&self) -> Digest {
        self.verifier.head().map_or(Digest::of(b""), |head| head.root)
    }

    /// Reads on to the end of the ledger, and answers what is new.
    pub async fn read_on(&mut self, store: &Store) -> Result<Vec<Line>, Breach> {
        let mut lines = Vec::new();
        loop {
            let page = store.entries_from(self.len()).await;
            let page =
                page.map_err(|e| Law::Memory.broken(format!("the ledger is unread: {e}")))?;
            if page.is_empty() {
                break;
            }
            for stored in page {
                let body = stored.body.as_bytes();
                let entry = self
                    .verifier
                    .push(stored.index, body)
                    .map_err(|e| Law::Memory.broken(e.to_string()))?;
                self.digests.push(Digest::of(body));
                let line = Line { index: stored.index, entry };
                self.take(&line)?;
                lines.push(line);
            }
        }
        Ok(lines)
    }

    /// That the ledger still begins with everything that was ever read, to the byte.
    pub async fn is_kept_by(&self, store: &Store) -> Result<(), Breach> {
        let mut index = 0;
        let mut verifier = Verifier::new();
        let lost = |index: u64| {
            Law::Memory.broken(format!("entry {index} was read once and is gone or another"))
        };
        while index < self.len() {
            let page = store.entries_from(index).await;
            let page = page.map_err(|e| Law::Memory.broken(e.to_string()))?;
            if page.is_empty() {
                return Err(lost(index));
            }
            for stored in page {
                let known = usize::try_from(index).ok().and_then(|at| self.digests.get(at));
                if known.is_some_and(|known| *known != Digest::of(stored.body.as_bytes())) {
                    return Err(lost(index));
                }
                verifier
                    .push(stored.index, stored.body.as_bytes())
                    .map_err(|e| Law::Memory.broken(e.to_string()))?;
                index += 1;
            }
        }
        let note = store.checkpoint().await.map_err(|e| Law::Memory.broken(e.to_string()))?;
        let signed = placet_ledger::Checkpoint::open(&note, store.verifier());
        let signed = signed.map_err(|e| Law::Memory.broken(e.to_string()))?;
        verifier.finish(&signed).map_err(|e| Law::Memory.broken(e.to_string()))
    }

    /// That what was read so far is what is signed now.
    pub async fn is_signed(&self, store: &Store) -> Result<(), Breach> {
        let note = store.checkpoint().await.map_err(|e| Law::Memory.broken(e.to_string()))?;
        let signed = placet_ledger::Checkpoint::open(&note, store.verifier());
        let signed = signed.map_err(|e| Law::Memory.broken(e.to_string()))?;
        let head = self.verifier.head().map_err(|e| Law::Memory.broken(e.to_string()))?;
        if head == signed.head() {
            return Ok(());
        }
        let why = format!("{} entries were read, and {} are signed", head.size, signed.size);
        Err(Law::Memory.broken(why))
    }

    // ---- what is known ----

    pub fn request(&self, id: RequestId) -> Option<&Request> {
        match self.states.get(&Stream::Request(id)) {
            Some(State::Request(request)) => Some(request),
            _ => None,
        }
    }

    pub fn grant(&self, id: GrantId) -> Option<&Grant> {
        match self.states.get(&Stream::Grant(id)) {
            Some(State::Grant(grant)) => Some(grant),
            _ => None,
        }
    }

    pub fn passkey(&self, id: PasskeyId) -> Option<&Passkey> {
        match self.states.get(&Stream::Passkey(id)) {
            Some(State::Passkey(passkey)) => Some(passkey),
            _ => None,
        }
    }

    pub fn identity(&self, id: IdentityId) -> Option<&Identity> {
        match self.states.get(&Stream::Identity(id)) {
            Some(State::Identity(identity)) => Some(identity),
            _ => None,
        }
    }

    pub fn entitlement(&self, id: EntitlementId) -> Option<&entitlement::Entitlement> {
        match self.states.get(&Stream::Entitlement(id)) {
            Some(State::Entitlement(entitlement)) => Some(entitlement),
            _ => None,
        }
    }

    pub fn knows(&self, stream: &Stream) -> bool {
        self.states.contains_key(stream)
    }

    /// Every state, whatever it is of.
    pub fn all(&self) -> impl Iterator<Item = &State> {
        self.states.values()
    }

    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.states.values().filter_map(|state| match state {
            State::Request(request) => Some(request),
            _ => None,
        })
    }

    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.states.values().filter_map(|state| match state {
            State::Grant(grant) => Some(grant),
            _ => None,
        })
    }

    pub fn findings(&self) -> impl Iterator<Item = &finding::Finding> {
        self.states.values().filter_map(|state| match state {
            State::Finding(finding) => Some(finding),
            _ => None,
        })
    }

    /// Whether a look at a target was not believed, and waits for a person.
    pub fn is_braked(&self, id: placet_domain::id::TargetId) -> bool {
        match self.states.get(&Stream::Target(id)) {
            Some(State::Target(target)) => target.brake.is_some(),
            _ => false,
        }
    }

    pub fn entitlements(&self) -> impl Iterator<Item = &entitlement::Entitlement> {
        self.states.values().filter_map(|state| match state {
            State::Entitlement(entitlement) => Some(entitlement),
            _ => None,
        })
    }

    /// On what the approval of a request rests, if it was ever approved.
    pub fn basis(&self, request: RequestId) -> Option<&Basis> {
        self.agreed.get(&request)
    }

    // ---- the laws that entries can break ----

    /// Takes one entry, judged by everything before it.
    pub fn take(&mut self, line: &Line) -> Result<(), Breach> {
        let entry = &line.entry;
        let fault = |breach: Breach| breach.at(line.index);
        match &entry.event.0 {
            Event::Request(event) => self.judge_request(entry, event).map_err(fault)?,
            Event::Grant(event) => self.judge_grant(line, event).map_err(fault)?,
            Event::Finding(finding::Event::RemovalIntended { action }) => {
                self.unasked.insert(*action, line.index);
            }
            _ => {}
        }
        self.types.insert(entry.event.0.type_name());
        let before = self.states.remove(&entry.stream);
        let after = state::apply(&entry.stream, before, &entry.event.0, entry.at);
        let after = after.map_err(|e| fault(Law::Memory.broken(e.to_string())))?;
        if let Some(after) = after {
            self.states.insert(entry.stream.clone(), after);
        }
        Ok(())
    }

    fn judge_request(&mut self, entry: &Entry, event: &request::Event) -> Result<(), Breach> {
        let Stream::Request(id) = entry.stream else { return Ok(()) };
        match event {
            request::Event::ApprovalRecorded(approval) => self.judge_approval(id, entry, approval),
            request::Event::Approved(approved) => {
                self.judge_decision(id, &approved.basis)?;
                self.agreed.insert(id, approved.basis.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Law 2: independent, a person, in a session of their own, for exactly this.
    fn judge_approval(
        &self,
        id: RequestId,
        entry: &Entry,
        approval: &Approval,
    ) -> Result<(), Breach> {
        let broken = |why: String| Err(Law::Independence.broken(why));
        let Some(request) = self.request(id) else {
            return broken("an approval of no request".to_owned());
        };
        let who = approval.approver;
        let revision = &request.revision;
        for party in [revision.requester, revision.receiver] {
            if who == party || self.owners_of(party).contains(&who) {
                return broken(format!(
                    "`{who}` approved `{id}`, and asked for it, receives it or owns who does"
                ));
            }
        }
        let own = matches!(entry.actor, Actor::Person { id, .. } if id == who);
        if !own || !self.identity(who).is_some_and(Identity::is_human) {
            return broken(format!("the approval of `{who}` was not made by that person"));
        }
        if !self.identity(who).is_some_and(|one| one.active) {
            return broken(format!("`{who}` approved and is not active"));
        }
        if approval.digest != request.digest {
            return broken(format!("`{who}` approved another digest than that of `{id}`"));
        }
        let right = approval.by_right_of();
        let spent = request.approvals.iter().flat_map(|one| [one.approver, one.by_right_of()]);
        if spent.into_iter().any(|one| one == who || one == right) {
            return broken(format!("`{who}` counts twice on `{id}`, or `{right}` does"));
        }
        for party in [revision.requester, revision.receiver] {
            if right == party || self.owners_of(party).contains(&right) {
                return broken(format!("`{who}` approved `{id}` on the right of `{right}`"));
            }
        }
        if !self.is_mandated(request, entry.at, approval) {
            return broken(format!("`{who}` approved `{id}` for `{right}` without a mandate"));
        }
        if !self.fits_stage(request, approval) {
            let stage = &approval.stage;
            return broken(format!("`{who}` is nobody for stage `{stage}` of `{id}`"));
        }
        Ok(())
    }

    /// Whoever acts for another was let: by them, for these days, or by their silence.
    fn is_mandated(&self, request: &Request, at: Timestamp, approval: &Approval) -> bool {
        let Some(acting) = &approval.acting_for else { return true };
        match acting.by {
            Authority::Delegation { delegation } => {
                match self.states.get(&Stream::Delegation(delegation)) {
                    Some(State::Delegation(one)) => {
                        one.made.to == approval.approver
                            && one.made.from == acting.identity
                            && one.is_valid_at(at)
                    }
                    _ => false,
                }
            }
            Authority::Escalation => request.escalations.iter().any(|step| {
                step.stage == approval.stage
                    && step.to.get(&approval.approver) == Some(&acting.identity)
            }),
        }
    }

    /// Whoever owns this identity, through any chain of workloads.
    fn owners_of(&self, id: IdentityId) -> BTreeSet<IdentityId> {
        let mut out = BTreeSet::new();
        let mut next = self.identity(id).and_then(Identity::owner);
        while let Some(owner) = next.filter(|owner| out.insert(*owner)) {
            next = self.identity(owner).and_then(Identity::owner);
        }
        out
    }

    /// What the names of the shipped stages mean in the company, said without any policy.
    fn fits_stage(&self, request: &Request, approval: &Approval) -> bool {
        let who = approval.by_right_of();
        let revision = &request.revision;
        let manager = |id: IdentityId| self.identity(id).and_then(Identity::manager);
        let within = |team: &str| {
            self.identity(who).is_some_and(|one| one.teams.iter().any(|own| own.as_str() == team))
        };
        match approval.stage.as_str() {
            "manager" => {
                let manager_of_receiver = manager(revision.receiver);
                let above = manager_of_receiver == Some(revision.requester);
                manager_of_receiver == Some(who)
                    || (above && manager(revision.requester) == Some(who))
            }
            "owner" => self
                .entitlement(revision.entitlement)
                .is_some_and(|one| within(one.owners.as_str())),
            "security" => within("security-reviewers"),
            "data_steward" => within("data-stewards"),
            "second" => within("on-call") || within("security-reviewers"),
            _ => false,
        }
    }

    /// Law 1: the people whom the route needed, or a pattern for what is harmless.
    fn judge_decision(&self, id: RequestId, basis: &Basis) -> Result<(), Breach> {
        let broken = |why: String| Err(Law::Assent.broken(why));
        let Some(request) = self.request(id) else {
            return broken("a decision on no request".to_owned());
        };
        let terms = &request.revision.terms;
        let reading = terms.privilege == entitlement::Privilege::Read;
        let dev = terms.environment == entitlement::Environment::Dev;
        let recorded: BTreeSet<IdentityId> = request.approvers();
        match basis {
            // Only an emergency of somebody on call, and what it owes is known with it.
            Basis::BreakGlass { .. } => {
                let on_call = |one: &Identity| one.teams.iter().any(|t| t.as_str() == "on-call");
                let who = self.identity(request.revision.requester);
                let overdue = self.overdue_reviews(request);
                if request.revision.emergency.is_some() && who.is_some_and(on_call) && !overdue {
                    return Ok(());
                }
                broken(format!("the glass was broken for `{id}` by one who may not"))
            }
            Basis::PreApproved { .. } if reading && dev => Ok(()),
            Basis::PreApproved { .. } => {
                broken(format!("`{id}` was called pre-approved, and is not harmless"))
            }
            Basis::People { approvers } if *approvers != recorded || approvers.is_empty() => {
                broken(format!("`{id}` rests on people who did not approve it"))
            }
            Basis::People { approvers } if request.revision.emergency.is_some() => {
                if approvers.is_empty() {
                    return broken(format!("nobody seconded the emergency `{id}`"));
                }
                Ok(())
            }
            Basis::People { approvers } => {
                let prod = terms.environment == entitlement::Environment::Prod;
                let needed = if prod && !reading { 2 } else { 1 };
                let open = request.open_places();
                if approvers.len() < needed || !open.is_empty() {
                    return broken(format!("`{id}` was approved by too few: {open:?} stays open"));
                }
                Ok(())
            }
        }
    }

    /// Whether an earlier emergency of the same asker went unreviewed for too long.
    fn overdue_reviews(&self, request: &Request) -> bool {
        self.requests().any(|one| {
            one.id != request.id
                && one.emergency_of() == Some(request.revision.requester)
                && one
                    .review
                    .as_ref()
                    .is_some_and(|review| review.is_overdue_at(request.submitted_at))
        })
    }

    fn judge_grant(&mut self, line: &Line, event: &grant::Event) -> Result<(), Breach> {
        let Stream::Grant(id) = line.entry.stream else { return Ok(()) };
        match event {
            grant::Event::Approved(approved) => self.judge_approved(approved),
            grant::Event::Intended(intended) => self.judge_intent(id, line, intended),
            grant::Event::CarriedOut(one) => self.judge_hands(id, &line.entry, one.by, &[]),
            grant::Event::Confirmed(one) => {
                let work = self.grant(id).and_then(|grant| grant.work.as_deref());
                let done = work.and_then(|work| work.carried_out.as_ref()).map(|done| done.by);
                let done = done.ok_or_else(|| {
                    Law::End.broken(format!("`{id}` was confirmed, and nobody had done it"))
                })?;
                self.judge_hands(id, &line.entry, one.by, &[done])
            }
            grant::Event::Ended { gone } => self.judge_end(id, gone, line.entry.at),
            _ => Ok(()),
        }
    }

    /// Law 2 by hand: a person of their own, who gains nothing by it; who approved does not carry
    /// out, and who carried out does not confirm.
    fn judge_hands(
        &self,
        id: GrantId,
        entry: &Entry,
        by: IdentityId,
        not: &[IdentityId],
    ) -> Result<(), Breach> {
        let grant = self.grant(id);
        let request = grant.and_then(|grant| self.request(grant.approved.request));
        let creates = grant
            .and_then(|grant| grant.work.as_ref())
            .is_some_and(|work| work.effect == Effect::Grant && work.carried_out.is_none());
        let gains = request.is_none_or(|one| {
            let parties = [one.revision.requester, one.revision.receiver];
            parties.iter().any(|party| *party == by || self.owners_of(*party).contains(&by))
        });
        let approved = request.is_some_and(|one| creates && one.approvers().contains(&by));
        let own = matches!(entry.actor, Actor::Person { id, .. } if id == by);
        if own && !gains && !approved && !not.contains(&by) {
            return Ok(());
        }
        Err(Law::Independence.broken(format!("`{by}` worked on `{id}` by hand, and must not")))
    }

    fn judge_approved(&self, approved: &grant::Approved) -> Result<(), Breach> {
        let request = self.request(approved.request);
        let fits = request.is_some_and(|request| {
            request.state == request::State::Approved
                && request.revision.receiver == approved.receiver
                && request.revision.entitlement == approved.entitlement
                && request.digest == approved.digest
                && approved.length <= request.revision.length
        });
        if fits && self.agreed.contains_key(&approved.request) {
            return Ok(());
        }
        Err(Law::Assent.broken(format!("`{}` is not what was agreed to", approved.grant)))
    }

    fn judge_intent(
        &mut self,
        id: GrantId,
        line: &Line,
        intended: &Intended,
    ) -> Result<(), Breach> {
        let at = line.entry.at;
        let Some(grant) = self.grant(id) else {
            return Err(Law::Assent.broken(format!("`{id}` was acted on before it was approved")));
        };
        if self.actions.contains_key(&intended.action) {
            return Err(Law::Memory.broken(format!("`{}` was intended twice", intended.action)));
        }
        if !matches!(line.entry.actor, Actor::Worker { .. }) {
            return Err(Law::Independence.broken(format!("`{id}` was carried out by no worker")));
        }
        match intended.effect {
            Effect::Grant => self.judge_beginning(grant, at, intended)?,
            Effect::Remove if grant.state != grant::State::Ending => {
                let why = format!("a removal of `{id}` was intended before its end was ordered");
                return Err(Law::End.broken(why));
            }
            Effect::Remove => {}
        }
        let action = Action {
            grant: id,
            effect: intended.effect,
            until: intended.until,
            over_by: intended.call_over_by,
            index: line.index,
        };
        self.actions.insert(intended.action, action);
        if intended.effect == Effect::Grant {
            self.begun.entry(id).or_insert(at);
        }
        Ok(())
    }

    fn judge_beginning(
        &self,
        grant: &Grant,
        at: Timestamp,
        intended: &Intended,
    ) -> Result<(), Breach> {
        let id = grant.id;
        let request = self.request(grant.approved.request);
        if request.is_none_or(|one| one.state != request::State::Approved) {
            let why = format!("`{id}` was begun although its request stands approved no more");
            return Err(Law::Assent.broken(why));
        }
        if grant.approved.starts_at.is_some_and(|starts_at| at < starts_at) {
            return Err(Law::Assent.broken(format!("`{id}` was begun before its start")));
        }
        let begun = self.begun.get(&id).copied().unwrap_or(at);
        if intended.until != begun + grant.approved.length || at >= intended.until {
            return Err(Law::End.broken(format!("the end of `{id}` was moved, or was over")));
        }
        let ruling = intended.ruling.as_ref().filter(|ruling| ruling.permit);
        let rules = match self.states.get(&Stream::Organisation) {
            Some(State::Organisation(organisation)) => Some(organisation.ruling_bundle),
            _ => None,
        };
        if ruling.is_none_or(|ruling| Some(ruling.bundle) != rules) {
            let why = format!("`{id}` was begun without a permit of the bundle that rules");
            return Err(Law::Assent.broken(why));
        }
        if grant.approved.issues.is_some() && grant.collected.is_none() {
            return Err(Law::Assent.broken(format!("`{id}` was begun before it was collected")));
        }
        if rules.is_some_and(|rules| self.forbidding.contains(&rules)) {
            return Err(
                Law::FailClosed.broken(format!("`{id}` was begun although policy forbids all"))
            );
        }
        let receiver = self.identity(grant.approved.receiver);
        if !receiver.is_some_and(|one| one.active) {
            return Err(Law::Assent.broken(format!("`{id}` was begun for somebody who has left")));
        }
        let mut approvers = request.into_iter().flat_map(|one| &one.approvals);
        if let Some(gone) = approvers
            .find(|one| !self.identity(one.approver).is_some_and(|identity| identity.active))
        {
            let why = format!("`{id}` was begun on the word of `{}`, who left", gone.approver);
            return Err(Law::Assent.broken(why));
        }
        // In an emergency duties warn, and a review is owed.
        if request.is_some_and(|one| one.revision.emergency.is_some()) {
            if request.is_some_and(|one| one.review.is_some()) {
                return Ok(());
            }
            let why = format!("`{id}` is an emergency, and no review is owed for it");
            return Err(Law::Assent.broken(why));
        }
        self.judge_duties(grant)
    }

    /// No one holds both of two things that conflict.
    fn judge_duties(&self, grant: &Grant) -> Result<(), Breach> {
        let conflicts = self.entitlement(grant.approved.entitlement).map(|one| &one.conflicts);
        let live = [
            grant::State::Pending,
            grant::State::Active,
            grant::State::Unverified,
            grant::State::Issued,
            grant::State::Ending,
        ];
        let both = self.grants().find(|other| {
            other.approved.receiver == grant.approved.receiver
                && live.contains(&other.state)
                && conflicts.is_some_and(|all| all.contains(&other.approved.entitlement))
        });
        match both {
            None => Ok(()),
            Some(other) => {
                let why =
                    format!("`{}` was begun beside `{}`, which conflicts", grant.id, other.id);
                Err(Law::Assent.broken(why))
            }
        }
    }

    fn judge_end(&self, id: GrantId, gone: &Gone, at: Timestamp) -> Result<(), Breach> {
        let Some(grant) = self.grant(id) else { return Ok(()) };
        let shown = match gone {
            Gone::SeenAbsent { sighting } => {
                sighting.completeness == Completeness::Complete
                    && !grant.is_in_the_wild()
                    && grant.grant_calls_over_at.is_none_or(|over| sighting.began_at >= over)
            }
            // Against the certificates that were recorded, and the clock of the ledger.
            Gone::ValidityOver => grant.issued.as_ref().is_some_and(|one| {
                at >= one.over_at && grant.until.is_some_and(|until| one.over_at >= until)
            }),
            Gone::RevocationReadBack { hosts } => grant.issued.is_some() && !hosts.is_empty(),
            Gone::ConfirmedByPeople { action } => grant.work.as_deref().is_some_and(|work| {
                let done = work.carried_out.as_ref().map(|one| one.by);
                work.action == *action && done.is_some() && work.confirmed_by != done
            }),
            Gone::NeverIssued => grant.is_in_the_wild() && grant.issued.is_none(),
            Gone::CarriedOn { by } => self.grant(*by).is_some_and(|other| {
                other.approved.receiver == grant.approved.receiver
                    && other.approved.entitlement == grant.approved.entitlement
                    && grant.approved.issues.is_none()
                    && !other.state.is_over()
            }),
        };
        if shown {
            return Ok(());
        }
        Err(Law::End.broken(format!("`{id}` was called gone on something that does not show it")))
    }
}
