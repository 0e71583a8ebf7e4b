//! Answering a finding. To adopt, to grant anew and to bear it until a day are requests through the
//! same gates, never backdated; to remove what nobody approved takes effect at once.

use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::finding::{self, Accepted, Finding, Kind, Resolution};
use placet_domain::id::{FindingId, IdentityId};
use placet_domain::name::AccountName;
use placet_domain::request::{Answer, Answering, Revision};
use placet_domain::target::{self, Target};
use placet_domain::{Refusal, name};

use super::submit::{SubmitRequest, Submitted};
use crate::draft::{Command, Draft};
use crate::error::Error;

/// Asks for what answers a finding.
#[derive(Clone, Debug)]
pub struct AnswerFinding {
    pub finding: FindingId,
    pub answer: Answer,
    /// Whose account it is, to adopt it: a handle or id.
    pub receiver: Option<String>,
    pub length: String,
    pub justification: String,
}

/// What nobody approved is to be taken away.
#[derive(Clone, Copy, Debug)]
pub struct RemoveFound {
    pub finding: FindingId,
}

/// Somebody believes what a look found, though it is a great deal at once.
#[derive(Clone, Debug)]
pub struct ReleaseBrake {
    pub target: String,
}

#[async_trait::async_trait]
impl Command for AnswerFinding {
    type Output = Submitted;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Submitted, Error> {
        let found = draft.finding(self.finding).await?;
        let kind = found.opened.kind;
        let fits = match self.answer {
            Answer::Adopt => kind == Kind::Unapproved,
            Answer::Regrant => kind == Kind::Missing,
            Answer::Accept => {
                matches!(kind, Kind::Unapproved | Kind::Orphan | Kind::Missing | Kind::ScopeChanged)
            }
        };
        if !fits || found.state == finding::State::Resolved {
            let (answer, kind) = (self.answer.as_str(), kind.as_str());
            return Err(Refusal::WrongAnswer { answer, kind }.into());
        }
        let receiver = self.receiver(draft, &found).await?;
        let entitlement = draft.entitlement(found.opened.entitlement).await?;
        let ask = SubmitRequest {
            receiver: Some(receiver.to_string()),
            entitlement: entitlement.name.to_string(),
            length: self.length.clone(),
            justification: self.justification.clone(),
            answers: Some(Answering { finding: found.id, answer: self.answer }),
            ..SubmitRequest::default()
        };
        draft.submit(&ask, None).await
    }
}

impl AnswerFinding {
    /// Who would hold what is asked for: whose account it is, so that the holder never agrees to it.
    /// What is borne and is nobody's stands in the name of the one who asks.
    async fn receiver(&self, draft: &mut Draft<'_>, found: &Finding) -> Result<IdentityId, Error> {
        if let Some(grant) = found.opened.grant {
            return Ok(draft.grant(grant).await?.approved.receiver);
        }
        let target = draft.target(found.opened.target).await?;
        let account: Option<AccountName> = match &found.opened.account {
            Some(account) => draft.engine.store.disclosed(account).await?,
            None => None,
        };
        let named = match &self.receiver {
            Some(given) => Some(draft.identity_called(given).await?),
            None => None,
        };
        let Some(account) = account else {
            return Ok(named.unwrap_or(draft.someone()?));
        };
        let holders = draft.engine.holders_of(&target.name, &account).await?;
        match named {
            Some(who) if holders.iter().any(|holder| holder.id == who) => Ok(who),
            None => match (holders.first(), self.answer) {
                (Some(holder), _) => Ok(holder.id),
                (None, Answer::Accept) => Ok(draft.someone()?),
                (None, _) => Err(no_such_account(draft.someone()?, &account).into()),
            },
            Some(who) => Err(no_such_account(who, &account).into()),
        }
    }
}

fn no_such_account(who: IdentityId, account: &AccountName) -> Refusal {
    Refusal::NotThatAccount { who: who.to_string(), account: account.to_string() }
}

#[async_trait::async_trait]
impl Command for RemoveFound {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        if !matches!(draft.actor, Actor::Person { .. }) {
            return Err(Refusal::NeedsSession {}.into());
        }
        let found = draft.finding(self.finding).await?;
        if !draft.answers_for(&found, by).await? {
            draft.must_be_allowed(Deed::Revoke).await?;
        }
        let command = finding::Command::OrderRemoval { by };
        let events = finding::decide(Some(&found), command, draft.now)?;
        draft.change_finding(&found, events);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for ReleaseBrake {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let unknown = || Refusal::UnknownTarget { given: self.target.chars().take(64).collect() };
        let name: name::TargetName = self.target.parse().map_err(|_| unknown())?;
        let target = draft.engine.store.target_named(&name, &mut draft.facts).await?;
        let target = target.ok_or_else(unknown)?;
        if target.owner != by {
            draft.must_be_allowed(Deed::ReleaseBrake).await?;
        }
        let command = target::Command::Release { actor: draft.actor };
        let events = target::decide(Some(&target), command)?;
        draft.change(target.id, target.id, events);
        Ok(())
    }
}

impl Draft<'_> {
    pub(crate) async fn target(
        &mut self,
        id: placet_domain::id::TargetId,
    ) -> Result<Target, Error> {
        let found = self.engine.store.load::<Target>(id, &mut self.facts).await?;
        Ok(found.ok_or(Refusal::UnknownTarget { given: id.to_string() })?)
    }

    /// Whether somebody answers for what a finding is about.
    pub(crate) async fn answers_for(
        &mut self,
        found: &Finding,
        who: IdentityId,
    ) -> Result<bool, Error> {
        let entitlement = self.entitlement(found.opened.entitlement).await?;
        let target = self.target(found.opened.target).await?;
        Ok([found.opened.owner, entitlement.owner, target.owner].contains(&who))
    }

    /// An approved request bears a finding until its length is over; a changed scope is agreed to for
    /// good, as the terms that people see are what they agreed to.
    pub(super) async fn accept_finding(
        &mut self,
        id: FindingId,
        revision: &Revision,
    ) -> Result<(), Error> {
        let found = self.finding(id).await?;
        let request = revision.request;
        let command = if found.opened.kind == Kind::ScopeChanged {
            finding::Command::Resolve(Resolution::Agreed { request })
        } else {
            finding::Command::Accept(Accepted { request, until: self.now + revision.length })
        };
        let events = finding::decide(Some(&found), command, self.now)?;
        self.change_finding(&found, events);
        Ok(())
    }

    /// Whether what an entitlement allows changed after a moment, and nobody agreed to that since.
    pub(crate) async fn scope_changed_since(
        &mut self,
        entitlement: &placet_domain::entitlement::Entitlement,
        moment: placet_domain::Timestamp,
    ) -> Result<bool, Error> {
        let last = self.engine.store.last_scope_change(entitlement.id, &mut self.facts).await?;
        let open = |last: &Finding| last.state != finding::State::Resolved;
        Ok(last.is_some_and(|last| last.opened_at >= moment || open(&last)))
    }
}
