//! The questions, and the one way in which each is put.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Context, Entities, EntityUid, RestrictedExpression as Value};
use placet_domain::Timestamp;
use placet_domain::access::{Deed, Scope};
use placet_domain::canonical::Digest;
use placet_domain::id::IdentityId;
use placet_domain::name::StageName;
use placet_domain::route::Candidates;
use placet_domain::ruling::Ruling;

use crate::policies::Policies;
use crate::record::{Answer, Question, answer, rule};
use crate::slice::{Ask, Gather, Slice, World, seconds};
use crate::words::{
    ADMINISTER, ASK, ASK_BREAK_GLASS, BREAK_GLASS, FULFIL, GRANT, GRANT_PREAPPROVED, READ,
    REVIEW_BREAK_GLASS, approve_as,
};

/// Asks one bundle about one world at one moment, and keeps the records of what was answered.
#[derive(Debug)]
pub struct Asking<'a> {
    pub(crate) policies: &'a Policies,
    world: &'a World<'a>,
    now: Timestamp,
    lapsed: BTreeSet<String>,
    records: BTreeMap<Digest, String>,
    /// The policies that decided anything asked here, also where no record is kept.
    pub(crate) decided: BTreeSet<String>,
}

/// The facts of a question, or why they could not be gathered.
pub(crate) type Facts = Result<Slice, String>;

impl<'a> Asking<'a> {
    pub(crate) fn new(policies: &'a Policies, world: &'a World<'a>, now: Timestamp) -> Self {
        Self {
            policies,
            world,
            now,
            lapsed: policies.lapsed_at(now),
            records: BTreeMap::new(),
            decided: BTreeSet::new(),
        }
    }

    /// May the requester ask this? Whether it would be granted, only [`Asking::solve`] says.
    pub fn may_ask(&mut self, ask: &Ask, justification_length: usize) -> Ruling {
        let words = &self.policies.words;
        let length = i64::try_from(justification_length).unwrap_or(i64::MAX);
        let mut context = vec![
            ("receiver", Value::new_entity_uid(words.identity(ask.receiver))),
            ("length", seconds(ask.length.as_seconds())),
            ("justificationLength", Value::new_long(length)),
        ];
        let mut gather = self.gather();
        let facts = gather
            .identity(ask.requester)
            .and_then(|()| gather.identity(ask.receiver))
            .and_then(|()| gather.entitlement(ask.entitlement))
            .and_then(|()| gather.finish());
        let (who, what) = (words.identity(ask.requester), words.entitlement(ask.entitlement));
        let action = if ask.emergency.is_some() {
            ASK_BREAK_GLASS
        } else {
            context.push(("answersOwnFinding", Value::new_bool(ask.answers_own_finding)));
            ASK
        };
        self.kept(action, who, what, context, &facts)
    }

    /// Is this person eligible in this stage? Judged by the other approvers, so that somebody who
    /// agreed stays eligible: ask it of every approval that counts, and of one that is offered.
    pub fn may_approve(&mut self, ask: &Ask, stage: &StageName, approver: IdentityId) -> Ruling {
        let mut others = ask.clone();
        others.approvers.remove(&approver);
        self.may_approve_anew(&others, stage, approver)
    }

    /// May this person agree beside all who did already, themselves included?
    pub fn may_approve_anew(
        &mut self,
        ask: &Ask,
        stage: &StageName,
        approver: IdentityId,
    ) -> Ruling {
        let facts = if self.policies.has_stage(stage) {
            self.facts_for(ask, [approver])
        } else {
            Err(format!("`{stage}` is not a stage of the ruling bundle"))
        };
        let (action, who, what) = self.approving(ask, stage, approver);
        self.kept(&action, who, what, Vec::new(), &facts)
    }

    /// Who is eligible in each of these stages, out of everybody in the world. People who agreed
    /// already are among them; law 2 is `domain`'s and not applied here. No records are kept: a
    /// person's ruling is recorded when they decide.
    pub fn candidates<'s>(
        &mut self,
        ask: &Ask,
        stages: impl IntoIterator<Item = &'s StageName>,
    ) -> Candidates {
        let world = self.world;
        // One slice serves all whose approval does not count yet; the others each need their own.
        let fresh: Vec<IdentityId> =
            world.identities.keys().filter(|id| !ask.approvers.contains(id)).copied().collect();
        let shared = self.unrecorded_for(ask, fresh);
        let own: BTreeMap<IdentityId, Result<Entities, String>> = ask
            .approvers
            .iter()
            .map(|id| {
                let mut others = ask.clone();
                others.approvers.remove(id);
                (*id, self.unrecorded_for(&others, [*id]))
            })
            .collect();
        let mut out = Candidates::new();
        for stage in stages.into_iter().filter(|stage| self.policies.has_stage(stage)) {
            let eligible = world.identities.keys().copied().filter(|person| {
                let (action, who, what) = self.approving(ask, stage, *person);
                let facts = own.get(person).unwrap_or(&shared).as_ref();
                self.heard(&action, who, what, Vec::new(), facts.map_err(Clone::clone)).permit
            });
            out.insert(stage.clone(), eligible.collect());
        }
        out
    }

    /// May it be granted on these approvals, by stage? Asked at fulfilment, with the age of the
    /// oldest approval that counts.
    pub fn may_grant(
        &mut self,
        ask: &Ask,
        counters: &BTreeMap<StageName, u32>,
        approval_age_seconds: Option<u64>,
    ) -> Ruling {
        let facts = self.facts_for(ask, []);
        let context = self.counted(ask, counters, approval_age_seconds);
        let (who, what) = self.fulfilling(ask);
        self.kept(way_of(ask), who, what, context, &facts)
    }

    /// May this person review the emergency? That they had no part in it, `domain` says.
    pub fn may_review(&mut self, ask: &Ask, reviewer: IdentityId) -> Ruling {
        let facts = self.facts_for(ask, [reviewer]);
        let words = &self.policies.words;
        let (who, what) = (words.identity(reviewer), words.request(ask.request));
        self.kept(REVIEW_BREAK_GLASS, who, what, Vec::new(), &facts)
    }

    /// May it be granted without asking anybody?
    pub fn may_grant_preapproved(&mut self, ask: &Ask) -> Ruling {
        let facts = self.facts_for(ask, []);
        let (who, what) = self.fulfilling(ask);
        self.kept(GRANT_PREAPPROVED, who, what, Vec::new(), &facts)
    }

    /// May `who` read this scope of Placet's own records?
    pub fn may_read(&mut self, who: IdentityId, scope: Scope) -> Ruling {
        let what = self.policies.words.scope(scope.as_str());
        self.of_placet(READ, who, what)
    }

    /// Every scope of Placet's own records that `who` may read. It decides what is shown, not who gets
    /// access, and is asked for every answer; so no record is kept.
    pub fn readable(&mut self, who: IdentityId) -> BTreeSet<Scope> {
        let mut gather = self.gather();
        let facts = gather.identity(who).and_then(|()| gather.finish_unrecorded());
        let Ok(entities) = facts else { return BTreeSet::new() };
        let words = &self.policies.words;
        let (principal, scopes) = (words.identity(who), Scope::ALL.into_iter());
        scopes
            .filter(|scope| {
                let what = words.scope(scope.as_str());
                self.answer(READ, principal.clone(), what, Vec::new(), Ok(&entities)).permit
            })
            .collect()
    }

    /// May `who` do this to Placet's own records?
    pub fn may_administer(&mut self, who: IdentityId, deed: Deed) -> Ruling {
        let what = self.policies.words.deed(deed.as_str());
        self.of_placet(ADMINISTER, who, what)
    }

    /// The records of all rulings that were handed out, and the slices that they cite, each under
    /// its digest.
    pub fn into_records(self) -> BTreeMap<Digest, String> {
        self.records
    }

    fn of_placet(&mut self, action: &str, who: IdentityId, what: EntityUid) -> Ruling {
        let mut gather = self.gather();
        let facts = gather.identity(who).and_then(|()| gather.finish());
        let who = self.policies.words.identity(who);
        self.kept(action, who, what, Vec::new(), &facts)
    }

    fn gather(&self) -> Gather<'a> {
        Gather::new(self.policies, self.world, self.now)
    }

    /// The facts of an ask, and of the people who are asked about beside it.
    pub(crate) fn facts_for(
        &self,
        ask: &Ask,
        people: impl IntoIterator<Item = IdentityId>,
    ) -> Facts {
        self.gathered_for(ask, people)?.finish()
    }

    /// The same where no record cites them.
    fn unrecorded_for(
        &self,
        ask: &Ask,
        people: impl IntoIterator<Item = IdentityId>,
    ) -> Result<Entities, String> {
        self.gathered_for(ask, people)?.finish_unrecorded()
    }

    fn gathered_for(
        &self,
        ask: &Ask,
        people: impl IntoIterator<Item = IdentityId>,
    ) -> Result<Gather<'a>, String> {
        if !self.world.holdings.contains_key(&ask.receiver) {
            return Err(format!("what `{}` holds is not known", ask.receiver));
        }
        let mut gather = self.gather();
        for person in people {
            gather.identity(person)?;
        }
        gather.ask(ask)?;
        Ok(gather)
    }

    fn approving(
        &self,
        ask: &Ask,
        stage: &StageName,
        approver: IdentityId,
    ) -> (String, EntityUid, EntityUid) {
        let words = &self.policies.words;
        (approve_as(stage), words.identity(approver), words.request(ask.request))
    }

    pub(crate) fn fulfilling(&self, ask: &Ask) -> (EntityUid, EntityUid) {
        let words = &self.policies.words;
        (words.worker(FULFIL), words.request(ask.request))
    }

    /// The context of a grant: a counter for every stage of the bundle, and for no other.
    pub(crate) fn counted(
        &self,
        ask: &Ask,
        counters: &BTreeMap<StageName, u32>,
        age: Option<u64>,
    ) -> Vec<(&'static str, Value)> {
        let count = |stage: &StageName| counters.get(stage).copied().unwrap_or(0);
        let counters = self
            .policies
            .stages()
            .map(|stage| (stage.to_string(), Value::new_long(i64::from(count(stage)))));
        // Stage names differ, so the record has no field twice; an empty one lets no gate open.
        let record = Value::new_record(counters);
        let mut context: Vec<(&'static str, Value)> =
            record.into_iter().map(|record| ("approvals", record)).collect();
        context.extend(age.map(|age| ("approvalAge", seconds(age))));
        let overdue = ask.emergency.map(|one| Value::new_long(i64::from(one.overdue_reviews)));
        context.extend(overdue.map(|count| ("overdueReviews", count)));
        context
    }

    /// Asks, and keeps the record and its slice.
    pub(crate) fn kept(
        &mut self,
        action: &str,
        principal: EntityUid,
        resource: EntityUid,
        context: Vec<(&'static str, Value)>,
        facts: &Facts,
    ) -> Ruling {
        let (context, broken) = context_of(context);
        let cited = match (facts, broken) {
            (_, Some(why)) => Err(why),
            (Ok(slice), None) => Ok((&slice.entities, slice.digest)),
            (Err(why), None) => Err(why.clone()),
        };
        let question = Question { action: action.to_owned(), principal, resource, context };
        let (ruling, text) = rule(self.policies, question, &self.lapsed, cited);
        self.decided.extend(ruling.deciding.iter().map(|one| one.policy.clone()));
        if let Ok(slice) = facts {
            self.records.entry(slice.digest).or_insert_with(|| slice.text.clone());
        }
        self.records.insert(ruling.record, text);
        ruling
    }

    /// Asks without keeping a record.
    pub(crate) fn heard(
        &mut self,
        action: &str,
        principal: EntityUid,
        resource: EntityUid,
        context: Vec<(&'static str, Value)>,
        facts: Result<&Entities, String>,
    ) -> Answer {
        let heard = self.answer(action, principal, resource, context, facts);
        self.decided.extend(heard.policies.iter().cloned());
        heard
    }

    fn answer(
        &self,
        action: &str,
        principal: EntityUid,
        resource: EntityUid,
        context: Vec<(&'static str, Value)>,
        facts: Result<&Entities, String>,
    ) -> Answer {
        let (context, broken) = context_of(context);
        let question = Question { action: action.to_owned(), principal, resource, context };
        match (facts, broken) {
            (Ok(entities), None) => answer(self.policies, question, &self.lapsed, entities),
            (Err(why), None) | (_, Some(why)) => Answer { errors: vec![why], ..Answer::default() },
        }
    }
}

/// The context, or an empty one and why there is none.
fn context_of(pairs: Vec<(&'static str, Value)>) -> (Context, Option<String>) {
    match Context::from_pairs(pairs.into_iter().map(|(key, value)| (key.to_owned(), value))) {
        Ok(context) => (context, None),
        Err(why) => (Context::empty(), Some(why.to_string())),
    }
}

/// By which question a way is solved and granted: an emergency has its own.
pub(crate) fn way_of(ask: &Ask) -> &'static str {
    if ask.emergency.is_some() { BREAK_GLASS } else { GRANT }
}
