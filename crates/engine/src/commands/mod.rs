//! Commands: one file each. A command loads, asks policy, lets `domain` decide, and drafts the
//! commit; it never touches a target.

pub mod answer;
pub mod approve;
pub mod bundle;
pub mod catalogue;
pub mod collect;
pub mod delegate;
pub mod end;
pub mod ending;
pub mod evidence;
pub mod extend;
pub mod file;
pub mod found;
pub(crate) mod leave;
pub mod login;
pub mod narrow;
pub mod passkeys;
pub mod preview;
pub mod question;
mod recover;
pub(crate) mod reroute;
pub mod rerule;
pub mod review;
pub mod session;
pub mod step_up;
pub mod submit;
pub mod weigh;
pub mod withdraw;
pub mod work;

use placet_domain::committed::Committed;
use placet_domain::id::{GrantId, IdentityId, RequestId, Stream};
use placet_domain::identity::Profile;
use placet_domain::name::Handle;
use placet_domain::request::{self, Answer, Request};
use placet_domain::target::Target;
use placet_domain::{Refusal, Timestamp, grant};

use crate::draft::Draft;
use crate::error::Error;

/// The longest free text, in characters.
pub const LONGEST_TEXT: usize = 2_000;

impl Draft<'_> {
    pub(crate) async fn identity_called(&mut self, given: &str) -> Result<IdentityId, Error> {
        let unknown = || Refusal::UnknownIdentity { given: given.chars().take(64).collect() };
        if let Ok(id) = given.parse() {
            return Ok(id);
        }
        let handle: Handle = given.parse().map_err(|_| unknown())?;
        let found = self.engine.store.identity_called(&handle).await?;
        let id = found.ok_or_else(unknown)?;
        // The table only finds; who is called so, the commitment in the ledger says.
        if self.profile(id).await?.handle != handle {
            let why = format!(
                "`{handle}` is not who the ledger says; see `placet ledger verify --state`"
            );
            return Err(Error::Fault(why));
        }
        Ok(id)
    }

    pub(crate) async fn request(&mut self, id: RequestId) -> Result<Request, Error> {
        let found = self.engine.store.load::<Request>(id, &mut self.facts).await?;
        Ok(found.ok_or(Refusal::UnknownRequest { given: id.to_string() })?)
    }

    pub(crate) async fn grant(&mut self, id: GrantId) -> Result<grant::Grant, Error> {
        let found = self.engine.store.load::<grant::Grant>(id, &mut self.facts).await?;
        Ok(found.ok_or(Refusal::UnknownGrant { given: id.to_string() })?)
    }

    /// Drafts what a request led to, if its events say that it was approved: a grant, or that a
    /// finding is borne.
    pub(crate) async fn carry_out(
        &mut self,
        events: &[request::Event],
        revision: &request::Revision,
    ) -> Result<Option<GrantId>, Error> {
        let approved = events.iter().find_map(|event| match event {
            request::Event::Approved(approved) => Some(approved),
            _ => None,
        });
        let Some(approved) = approved else { return Ok(None) };
        if let Some(answering) = revision.answers.filter(|one| one.answer == Answer::Accept) {
            self.accept_finding(answering.finding, revision).await?;
            return Ok(None);
        }
        let target =
            self.engine.store.load::<Target>(revision.terms.target, &mut self.facts).await?;
        let target =
            target.ok_or(Refusal::UnknownTarget { given: revision.terms.target.to_string() })?;
        // What is issued has to be collected first; asked of the connector, never of the target.
        let issues = self.engine.connector(&target)?.abilities().issues;
        let profile = self.profile(revision.receiver).await?;
        let account = profile.account_on(&target.name);
        let account = self.seal(&account, "account", revision.receiver)?;
        let id: GrantId = self.engine.environment.id();
        let approved = grant::Approved {
            grant: id,
            request: revision.request,
            digest: approved.digest,
            receiver: revision.receiver,
            entitlement: revision.entitlement,
            target: revision.terms.target,
            native: revision.terms.native.clone(),
            account,
            length: revision.length,
            use_by: self.now.plus_seconds(request::USE_BY_SECONDS),
            starts_at: revision.starts_at,
            issues,
        };
        let command = grant::Command::Approve { approved, asked: revision.length };
        let events = grant::decide(None, command, self.now)?;
        self.change(id, revision.request, events);
        Ok(Some(id))
    }

    /// Commits to a text that may be left out; blanks count as left out.
    pub(crate) fn seal_text(
        &mut self,
        what: &str,
        given: Option<&str>,
        about: impl Into<Stream>,
    ) -> Result<Option<Committed<String>>, Error> {
        match text(what, given.unwrap_or_default())? {
            blank if blank.is_empty() => Ok(None),
            text => self.seal(&text, what, about).map(Some),
        }
    }

    /// How an identity is called, and its accounts; gone once it was erased.
    pub(crate) async fn profile(&mut self, id: IdentityId) -> Result<Profile, Error> {
        let unknown = || Refusal::UnknownIdentity { given: id.to_string() };
        let identity = self
            .engine
            .store
            .load::<placet_domain::identity::Identity>(id, &mut self.facts)
            .await?
            .ok_or_else(unknown)?;
        let profile = self.engine.store.disclosed(&identity.profile).await?;
        Ok(profile.ok_or_else(unknown)?)
    }
}

/// A moment as people write it.
pub(crate) fn moment(given: &str) -> Result<Timestamp, Refusal> {
    Ok(given.trim().parse::<Timestamp>()?)
}

/// A free text of bounded length, without blanks at its ends.
pub(crate) fn text(what: &str, given: &str) -> Result<String, Refusal> {
    let trimmed = given.trim();
    if trimmed.chars().count() > LONGEST_TEXT {
        return Err(Refusal::TextTooLong { what: what.to_owned(), limit: LONGEST_TEXT });
    }
    Ok(trimmed.to_owned())
}
