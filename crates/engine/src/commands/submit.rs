//! Submit: somebody asks for one entitlement, for themselves or another, for a length.

use placet_domain::Refusal;
use placet_domain::entitlement::Entitlement;
use placet_domain::id::{GrantId, IdentityId, RequestId};
use placet_domain::length::Length;
use placet_domain::name::EntitlementName;
use placet_domain::request::{self, Intake, Revision};
use placet_domain::route::{Candidates, Solved};
use placet_domain::ruling::Ruling;
use placet_policy::Ask;

use super::text;
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

/// What policy answered to an ask.
struct Answered {
    may_ask: Ruling,
    solved: Solved,
    candidates: Candidates,
}

#[async_trait::async_trait]
impl Command for SubmitRequest {
    type Output = Submitted;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Submitted, Error> {
        let requester = draft.someone()?;
        let length = Length::parse(&self.length)?;
        let justification = text("justification", &self.justification)?;
        if justification.is_empty() {
            return Err(Refusal::EmptyJustification {}.into());
        }
        let receiver = match &self.receiver {
            Some(given) => draft.identity_called(given).await?,
            None => requester,
        };
        let entitlement = draft.entitlement_called(&self.entitlement).await?;
        let revised = match self.revises {
            Some(id) => Some(draft.request(id).await?),
            None => None,
        };
        let request = revised.as_ref().map_or_else(|| draft.engine.environment.id(), |one| one.id);

        let revision = Revision {
            request,
            number: revised.as_ref().map_or(1, |one| one.revision.number.saturating_add(1)),
            requester,
            receiver,
            entitlement: entitlement.id,
            terms: entitlement.terms.clone(),
            length,
            justification: draft.seal(&justification, "justification", request)?,
            reference: draft.seal_text("reference", self.reference.as_deref(), request)?,
        };
        let around = draft.around_ask(requester, receiver, &entitlement).await?;
        let excluded = around.excluded(requester, receiver)?;
        let ask = asked(&revision);
        let answered = draft.answer(around, &ask, justification.chars().count(), &excluded).await?;
        let (around, answered) = answered;

        let already_open =
            draft.engine.store.open_ask(receiver, entitlement.id, &mut draft.facts).await?;
        let intake = Intake {
            revision: revision.clone(),
            requester: around.identity(requester)?,
            receiver: around.identity(receiver)?,
            entitlement: &entitlement,
            excluded,
            already_open: already_open.filter(|open| *open != request),
            may_ask: &answered.may_ask,
            solved: &answered.solved,
            candidates: &answered.candidates,
        };
        let command = match &revised {
            Some(_) => request::Command::Revise(intake),
            None => request::Command::Submit(intake),
        };
        let events = request::decide(revised.as_ref(), command, draft.now)?;
        let grant = draft.grant_if_approved(request, &events, &revision).await?;
        // The request's own events come first in the trail.
        let grants = std::mem::take(&mut draft.commit.changes);
        draft.change(request, request, events);
        draft.commit.changes.extend(grants);
        draft.commit.waiting.push((request, answered.candidates));
        Ok(Submitted { request, grant })
    }
}

/// A revision as policies see it, with nobody's approval.
pub(crate) fn asked(revision: &Revision) -> Ask {
    Ask {
        request: revision.request,
        requester: revision.requester,
        receiver: revision.receiver,
        entitlement: revision.entitlement,
        length: revision.length,
        approvers: std::collections::BTreeSet::new(),
    }
}

impl Draft<'_> {
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

    /// The slice around an ask: both people with those above them, what the receiver holds, and
    /// the entitlement.
    pub(crate) async fn around_ask(
        &mut self,
        requester: IdentityId,
        receiver: IdentityId,
        entitlement: &Entitlement,
    ) -> Result<Around, Error> {
        let mut around = self.around().await?;
        self.include(&mut around, requester).await?;
        self.include(&mut around, receiver).await?;
        self.include(&mut around, entitlement.owner).await?;
        self.include_holdings(&mut around, receiver).await?;
        around.entitlements.insert(entitlement.id, entitlement.clone());
        Ok(around)
    }

    async fn answer(
        &mut self,
        mut around: Around,
        ask: &Ask,
        justification_length: usize,
        excluded: &std::collections::BTreeSet<IdentityId>,
    ) -> Result<(Around, Answered), Error> {
        let policies = self.policies().await?;
        let entitlement = around.entitlement(ask.entitlement)?.clone();
        let (may_ask, solved, mut records) = {
            let world = around.world();
            let mut asking = policies.asking(&world, self.now);
            let may_ask = asking.may_ask(ask, justification_length);
            let solved = asking.solve(ask);
            (may_ask, solved, asking.into_records())
        };
        let stages = stage_names(solved.route.as_ref());
        self.include_candidates(&mut around, &policies, &entitlement, &stages).await?;
        let candidates = {
            let world = around.world();
            let mut asking = policies.asking(&world, self.now);
            let candidates = independent_candidates(&mut asking, ask, &stages, excluded);
            records.extend(asking.into_records());
            candidates
        };
        self.commit.records.extend(records);
        Ok((around, Answered { may_ask, solved, candidates }))
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
