//! Submit: somebody asks for one entitlement, for themselves or another, for a length.

use std::collections::BTreeSet;

use placet_domain::ending::{EndingEvent, UnreadableEndingEvent};
use placet_domain::entitlement::Entitlement;
use placet_domain::grant::Grant;
use placet_domain::id::{EntitlementId, FilingId, GrantId, IdentityId, RequestId};
use placet_domain::length::Length;
use placet_domain::name::EntitlementName;
use placet_domain::request::{self, Answering, Emergency, Intake, Request, Revision};
use placet_domain::route::{Candidates, Route, Solved};
use placet_domain::ruling::Ruling;
use placet_domain::{Refusal, Timestamp};
use placet_policy::Ask;

use super::{moment, text};
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::world::{Around, independent_candidates, stage_names};

/// What somebody asks, as it came through a door: texts, read once here.
#[derive(Clone, Debug, Default)]
pub struct SubmitRequest {
    /// A handle or id; the asker if empty.
    pub receiver: Option<String>,
    pub entitlement: String,
    pub length: String,
    pub justification: String,
    /// A ticket or incident elsewhere.
    pub reference: Option<String>,
    /// Not before this moment, RFC 3339.
    pub starts_at: Option<String>,
    /// What ends it as well, such as `ticket:OPS-7`.
    pub ends_on: Vec<String>,
    /// The incident for which the glass is broken.
    pub incident: Option<String>,
    /// The grant that it goes on from.
    pub extends: Option<GrantId>,
    /// The finding that it answers.
    pub answers: Option<Answering>,
    /// Makes a new revision of this request instead; approvals of the old one no longer count.
    pub revises: Option<RequestId>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Submitted {
    pub request: RequestId,
    /// The grant, if a pre-approved pattern covered it.
    pub grant: Option<GrantId>,
}

/// What policy answered to an ask, and everything else that it is judged by.
pub(super) struct Answered {
    around: Around,
    excluded: BTreeSet<IdentityId>,
    entitlement: Entitlement,
    already_open: Option<RequestId>,
    may_ask: Ruling,
    solved: Solved,
    pub candidates: Candidates,
    escalates_at: Option<Timestamp>,
}

impl Answered {
    /// The way to a decision, if policy has one.
    pub fn route(&self) -> Option<&Route> {
        self.solved.route.as_ref()
    }

    pub fn intake<'a>(
        &'a self,
        revision: &Revision,
        extends: Option<&'a Grant>,
    ) -> Result<Intake<'a>, Refusal> {
        Ok(Intake {
            revision: revision.clone(),
            requester: self.around.identity(revision.requester)?,
            receiver: self.around.identity(revision.receiver)?,
            entitlement: &self.entitlement,
            excluded: self.excluded.clone(),
            already_open: self.already_open,
            extends,
            may_ask: &self.may_ask,
            solved: &self.solved,
            candidates: &self.candidates,
            escalates_at: self.escalates_at,
        })
    }
}

#[async_trait::async_trait]
impl Command for SubmitRequest {
    type Output = Submitted;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Submitted, Error> {
        draft.submit(self, None).await
    }
}

impl Draft<'_> {
    /// Drafts one ask, alone or filed together with others.
    pub(super) async fn submit(
        &mut self,
        asked: &SubmitRequest,
        filed_with: Option<FilingId>,
    ) -> Result<Submitted, Error> {
        let revised = match asked.revises {
            Some(id) => Some(self.request(id).await?),
            None => None,
        };
        let revision = self.revision(asked, revised.as_ref(), filed_with).await?;
        let request = revision.request;
        let extends = match revision.extends {
            Some(id) => Some(self.grant(id).await?),
            None => None,
        };
        let characters = asked.justification.trim().chars().count();
        let answered = self.answer(&revision, characters).await?;
        let intake = answered.intake(&revision, extends.as_ref())?;
        let command = match &revised {
            Some(_) => request::Command::Revise(intake),
            None => request::Command::Submit(intake),
        };
        let events = request::decide(revised.as_ref(), command, self.now)?;
        // The request's own events come first in the trail.
        self.change(request, request, events.clone());
        let grant = self.carry_out(&events, &revision).await?;
        self.commit.waiting.push((request, answered.candidates));
        Ok(Submitted { request, grant })
    }

    /// Reads what was asked into a revision.
    pub(super) async fn revision(
        &mut self,
        asked: &SubmitRequest,
        revised: Option<&Request>,
        filed_with: Option<FilingId>,
    ) -> Result<Revision, Error> {
        let requester = self.someone()?;
        let length = Length::parse(&asked.length)?;
        let justification = text("justification", &asked.justification)?;
        if justification.is_empty() {
            return Err(Refusal::EmptyJustification {}.into());
        }
        let receiver = match &asked.receiver {
            Some(given) => self.identity_called(given).await?,
            None => requester,
        };
        let entitlement = self.entitlement_called(&asked.entitlement).await?;
        let request = revised.map_or_else(|| self.engine.environment.id(), |one| one.id);
        Ok(Revision {
            request,
            number: revised.map_or(1, |one| one.revision.number.saturating_add(1)),
            requester,
            receiver,
            entitlement: entitlement.id,
            terms: entitlement.terms,
            length,
            justification: self.seal(&justification, "justification", request)?,
            reference: self.seal_text("reference", asked.reference.as_deref(), request)?,
            starts_at: asked.starts_at.as_deref().map(moment).transpose()?,
            ends_on: asked
                .ends_on
                .iter()
                .map(|given| ending_event(given))
                .collect::<Result<_, _>>()?,
            extends: asked.extends,
            filed_with: filed_with.or(revised.and_then(|one| one.revision.filed_with)),
            emergency: self.emergency(asked.incident.as_deref(), request).await?,
            answers: asked.answers,
        })
    }

    /// The incident, and whether a source of incidents knows it.
    async fn emergency(
        &mut self,
        incident: Option<&str>,
        request: RequestId,
    ) -> Result<Option<Emergency>, Error> {
        let Some(given) = incident else { return Ok(None) };
        let incident = text("incident", given)?;
        if incident.is_empty() {
            return Err(Refusal::NoEmergency {}.into());
        }
        let verified = self.engine.knows_incident(&incident)?;
        let incident = self.seal(&incident, "incident", request)?;
        Ok(Some(Emergency { incident, verified }))
    }
}

pub(super) fn ending_event(given: &str) -> Result<EndingEvent, Refusal> {
    given.trim().parse().map_err(|error: UnreadableEndingEvent| Refusal::EndingEventUnreadable {
        why: error.to_string(),
    })
}

/// A revision as policies see it, with nobody's approval, in the ordinary way.
fn plainly_asked(revision: &Revision) -> Ask {
    Ask {
        request: revision.request,
        requester: revision.requester,
        receiver: revision.receiver,
        entitlement: revision.entitlement,
        length: revision.length,
        approvers: BTreeSet::new(),
        emergency: None,
        answers_own_finding: false,
    }
}

impl Draft<'_> {
    pub(crate) async fn entitlement(&mut self, id: EntitlementId) -> Result<Entitlement, Error> {
        let found = self.engine.store.load::<Entitlement>(id, &mut self.facts).await?;
        let unknown = || Refusal::UnknownEntitlement { given: id.to_string(), hint: String::new() };
        Ok(found.ok_or_else(unknown)?)
    }

    pub(crate) async fn entitlement_called(&mut self, given: &str) -> Result<Entitlement, Error> {
        let found = match given.parse::<EntitlementName>() {
            Ok(name) => self.engine.store.entitlement_named(&name, &mut self.facts).await?,
            Err(_) => None,
        };
        match found {
            Some(entitlement) => Ok(entitlement),
            None => {
                let names = self.engine.store.entitlement_names().await?;
                let hint = nearest(given, &names).map(|near| format!("; did you mean `{near}`?"));
                let given = given.chars().take(64).collect();
                Err(Refusal::UnknownEntitlement { given, hint: hint.unwrap_or_default() }.into())
            }
        }
    }

    /// The slice around an ask: both people with those above them, what the receiver holds, the
    /// entitlement, and whoever else has to do with it.
    pub(crate) async fn around_ask(
        &mut self,
        revision: &Revision,
        entitlement: &Entitlement,
        others: impl IntoIterator<Item = IdentityId>,
    ) -> Result<Around, Error> {
        let mut people = BTreeSet::from([revision.requester, revision.receiver, entitlement.owner]);
        people.extend(others);
        let mut around = self.around_holder(people, revision.receiver).await?;
        around.entitlements.insert(entitlement.id, entitlement.clone());
        Ok(around)
    }

    /// A revision as policies see it, with nobody's approval.
    pub(crate) async fn asked(&mut self, revision: &Revision) -> Result<Ask, Error> {
        let mut ask = plainly_asked(revision);
        if revision.emergency.is_some() {
            let asker = revision.requester;
            let now = self.now;
            let overdue = self.engine.store.overdue_reviews(asker, now, &mut self.facts).await?;
            ask.emergency = Some(placet_policy::Emergency { overdue_reviews: overdue });
        }
        if let Some(answering) = revision.answers {
            let found = self.finding(answering.finding).await?;
            ask.answers_own_finding = self.answers_for(&found, revision.requester).await?;
        }
        Ok(ask)
    }

    /// Asks policy about a revision, and gathers what it is judged by.
    pub(super) async fn answer(
        &mut self,
        revision: &Revision,
        justification_length: usize,
    ) -> Result<Answered, Error> {
        let entitlement = self.entitlement(revision.entitlement).await?;
        let (requester, receiver) = (revision.requester, revision.receiver);
        let mut around = self.around_ask(revision, &entitlement, []).await?;
        let excluded = around.excluded(requester, receiver)?;
        let ask = self.asked(revision).await?;
        let policies = self.policies().await?;
        let (may_ask, solved, mut records) = {
            let world = around.world();
            let mut asking = policies.asking(&world, self.now);
            let may_ask = asking.may_ask(&ask, justification_length);
            let solved = asking.solve(&ask);
            (may_ask, solved, asking.into_records())
        };
        let stages = stage_names(solved.route.as_ref());
        self.include_candidates(&mut around, &policies, &entitlement, &stages).await?;
        let candidates = {
            let world = around.world();
            let mut asking = policies.asking(&world, self.now);
            let candidates = independent_candidates(&mut asking, &ask, &stages, &excluded);
            records.extend(asking.into_records());
            candidates
        };
        self.commit.records.extend(records);
        let escalates_at = self.escalates_at(&around, &candidates).await?;
        let already_open =
            self.engine.store.open_ask(receiver, entitlement.id, &mut self.facts).await?;
        Ok(Answered {
            around,
            excluded,
            entitlement,
            already_open: already_open.filter(|open| *open != revision.request),
            may_ask,
            solved,
            candidates,
            escalates_at,
        })
    }
}

/// The known name nearest to a given one, if one is near.
fn nearest(given: &str, names: &[String]) -> Option<String> {
    names
        .iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(near, _)| *near > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.clone())
}
