//! Login: one-time codes, sessions and tokens. Secrets are given out once and never stored.

use std::collections::BTreeSet;

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::credential::{
    self, Credential, Ended, Issued, Kind, TokenScope, longest_seconds,
};
use placet_domain::id::{CredentialId, IdentityId, PasskeyId};
use placet_domain::identity::{Identity, Login};
use placet_domain::length::Length;
use placet_domain::name::{Issuer, RpId};
use placet_domain::passkey::Challenge;

use super::passkeys::SignedByPasskey;
use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::secret::Secret;

/// An administrator lets a named person log in once.
#[derive(Clone, Debug)]
pub struct IssueLoginCode {
    pub person: String,
}

/// Somebody gives a program of theirs, or a workload that they own, a token.
#[derive(Clone, Debug)]
pub struct IssueToken {
    /// A handle or id; oneself if empty.
    pub holder: Option<String>,
    pub length: String,
    /// What it is for; reading and asking if nothing is named.
    pub scopes: BTreeSet<TokenScope>,
}

/// Ends a token at once, by whoever holds it or owns the workload that does.
#[derive(Clone, Copy, Debug)]
pub struct RevokeToken {
    pub token: CredentialId,
}

/// The session or token that asks is of no more use.
#[derive(Clone, Copy, Debug)]
pub struct LogOut;

/// A secret for its holder, and until when it is good.
#[derive(Debug)]
pub struct Given {
    pub credential: CredentialId,
    pub secret: Secret,
    pub holder: IdentityId,
    pub expires_at: placet_domain::Timestamp,
}

#[async_trait::async_trait]
impl Command for IssueLoginCode {
    type Output = Given;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Given, Error> {
        draft.must_be_allowed(Deed::IssueLoginCode).await?;
        let holder = draft.identity_called(&self.person).await?;
        draft.issue(Kind::LoginCode, holder, longest_seconds(Kind::LoginCode), None).await
    }
}

#[async_trait::async_trait]
impl Command for IssueToken {
    type Output = Given;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Given, Error> {
        let by = draft.someone()?;
        if !matches!(draft.actor, Actor::Person { .. }) {
            return Err(Refusal::NeedsSession {}.into());
        }
        let length = Length::parse(&self.length)?;
        let holder = match &self.holder {
            Some(given) => draft.identity_called(given).await?,
            None => by,
        };
        let identity = draft.engine.store.load::<Identity>(holder, &mut draft.facts).await?;
        if holder != by && identity.and_then(|one| one.owner()) != Some(by) {
            return Err(Refusal::NotYours { what: holder.to_string() }.into());
        }
        // A token may ask, read and give back; what goes beyond that has to be named.
        let mut scopes = self.scopes.clone();
        if scopes.is_empty() {
            scopes.extend([TokenScope::Read, TokenScope::Ask]);
        }
        let (credential, secret) = draft.fresh(Kind::Token);
        let (kind, seconds) = (Kind::Token, length.as_seconds());
        let (opened_by, provider, passkey) = (None, None, None);
        let fresh =
            Fresh { kind, seconds, opened_by, provider, passkey, scopes, credential, secret };
        draft.issue_as(holder, fresh).await
    }
}

#[async_trait::async_trait]
impl Command for RevokeToken {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        if !matches!(draft.actor, Actor::Person { .. }) {
            return Err(Refusal::NeedsSession {}.into());
        }
        let id = self.token;
        let unknown = || Refusal::UnknownToken { given: id.to_string() };
        let found = draft.engine.store.load::<Credential>(id, &mut draft.facts).await?;
        let found = found.filter(|one| one.issued.kind == Kind::Token).ok_or_else(unknown)?;
        let holder = found.issued.holder;
        let identity = draft.engine.store.load::<Identity>(holder, &mut draft.facts).await?;
        if holder != by && identity.and_then(|one| one.owner()) != Some(by) {
            return Err(unknown().into());
        }
        let command = credential::Command::End(Ended::Revoked);
        let events = credential::decide(Some(&found), command, draft.now)?;
        draft.change(id, id, events);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Command for LogOut {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let (Actor::Person { session: id, .. } | Actor::Token { token: id, .. }) = draft.actor
        else {
            return Err(Refusal::NotAuthenticated {}.into());
        };
        let found = draft.engine.store.load::<Credential>(id, &mut draft.facts).await?;
        let command = credential::Command::End(Ended::LoggedOut);
        let events = credential::decide(found.as_ref(), command, draft.now)?;
        draft.change(id, id, events);
        Ok(())
    }
}

/// Opens a session by a code that was issued for a named person.
struct OpenSession {
    code: Secret,
    session: CredentialId,
    secret: Secret,
}

#[async_trait::async_trait]
impl Command for OpenSession {
    type Output = Given;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Given, Error> {
        let spent = || Error::from(Refusal::LoginCodeSpent {});
        let fingerprint = self.code.fingerprint();
        let code = draft.engine.store.credential_with(&fingerprint, &mut draft.facts).await?;
        let code = code.filter(|code| code.issued.kind == Kind::LoginCode).ok_or_else(spent)?;
        let id = code.issued.credential;
        let command = credential::Command::End(Ended::Used);
        let events = credential::decide(Some(&code), command, draft.now)?;
        draft.change(id, id, events);
        let holder = code.issued.holder;
        let fresh = Fresh { opened_by: Some(id), ..Fresh::session(self.session, &self.secret) };
        draft.issue_as(holder, fresh).await
    }
}

/// Opens a session for whom an OpenID provider says that somebody is. That it did say so has been
/// verified by whoever gives this.
struct LogInByProvider {
    login: Login,
    session: CredentialId,
    secret: Secret,
}

#[async_trait::async_trait]
impl Command for LogInByProvider {
    type Output = Given;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Given, Error> {
        // Whose it was when the actor was made out, another one may have now.
        let holder = draft.engine.who_has(&self.login, &mut draft.facts).await?;
        if draft.actor.identity() != Some(holder) {
            return Err(Error::Stale);
        }
        let provider = Some(self.login.issuer.clone());
        let fresh = Fresh { provider, ..Fresh::session(self.session, &self.secret) };
        draft.issue_as(holder, fresh).await
    }
}

/// Opens a session for whose passkey signed a challenge that was drawn for this login.
struct LogInByPasskey<'a> {
    signed: &'a SignedByPasskey,
    challenge: Challenge,
    rp: &'a RpId,
    session: CredentialId,
    secret: Secret,
}

#[async_trait::async_trait]
impl Command for LogInByPasskey<'_> {
    type Output = Given;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Given, Error> {
        let (found, _) = draft.signed(self.signed, self.challenge, self.rp).await?;
        let holder = found.offered.holder;
        if !found.is_enrolled() {
            let why = "it is not enrolled".to_owned();
            return Err(Refusal::PasskeyRefused { why }.into());
        }
        if draft.actor.identity() != Some(holder) {
            return Err(Error::Stale);
        }
        let passkey = Some(found.offered.passkey);
        let fresh = Fresh { passkey, ..Fresh::session(self.session, &self.secret) };
        draft.issue_as(holder, fresh).await
    }
}

/// A credential that is about to be issued.
struct Fresh {
    kind: Kind,
    seconds: u64,
    opened_by: Option<CredentialId>,
    provider: Option<Issuer>,
    passkey: Option<PasskeyId>,
    scopes: BTreeSet<TokenScope>,
    credential: CredentialId,
    secret: Secret,
}

impl Fresh {
    fn session(session: CredentialId, secret: &Secret) -> Self {
        Self {
            kind: Kind::Session,
            seconds: longest_seconds(Kind::Session),
            opened_by: None,
            provider: None,
            passkey: None,
            scopes: BTreeSet::new(),
            credential: session,
            secret: secret.clone(),
        }
    }
}

impl Engine {
    /// Trades a login code for a session. Whoever holds the code is the person that it was issued
    /// to, so that person is the actor.
    pub async fn log_in(&self, code: &Secret) -> Result<Given, Error> {
        let mut facts = placet_store::Facts::default();
        let found = self.store.credential_with(&code.fingerprint(), &mut facts).await?;
        let holder = found.ok_or(Refusal::LoginCodeSpent {})?.issued.holder;
        let session: CredentialId = self.environment.id();
        let secret = Secret::fresh(Kind::Session, &*self.environment);
        let actor = Actor::Person { id: holder, session };
        self.run(actor, &OpenSession { code: code.clone(), session, secret }).await
    }

    /// Opens a session for the person who has this login. The door has verified what the provider
    /// said; whoever is meant by it is the actor.
    pub async fn log_in_by_provider(&self, login: &Login) -> Result<Given, Error> {
        let holder = self.who_has(login, &mut placet_store::Facts::default()).await?;
        let session: CredentialId = self.environment.id();
        let secret = Secret::fresh(Kind::Session, &*self.environment);
        let actor = Actor::Person { id: holder, session };
        self.run(actor, &LogInByProvider { login: login.clone(), session, secret }).await
    }

    /// Opens a session for whose passkey of this host signed this challenge. One that is unknown, one that is over and
    /// one that signed something else are refused in the same words.
    pub async fn log_in_by_passkey(
        &self,
        signed: &SignedByPasskey,
        challenge: Challenge,
        rp: &RpId,
    ) -> Result<Given, Error> {
        let refused = || {
            let why = "this passkey opens no session here".to_owned();
            Error::from(Refusal::LoginRefused { why })
        };
        let mut facts = placet_store::Facts::default();
        let found = self.store.passkey_called(&signed.credential_id, &mut facts).await?;
        let holder = found.ok_or_else(refused)?.offered.holder;
        let session: CredentialId = self.environment.id();
        let secret = Secret::fresh(Kind::Session, &*self.environment);
        let actor = Actor::Person { id: holder, session };
        let command = LogInByPasskey { signed, challenge, rp, session, secret };
        match self.run(actor, &command).await {
            Err(Error::Refused(
                Refusal::PasskeyRefused { .. }
                | Refusal::InactiveIdentity { .. }
                | Refusal::UnknownIdentity { .. },
            )) => Err(refused()),
            given => given,
        }
    }

    /// Who is known by a login: the table finds them, and the profile that they committed to must
    /// say so too.
    async fn who_has(
        &self,
        login: &Login,
        facts: &mut placet_store::Facts,
    ) -> Result<IdentityId, Error> {
        let unknown = || {
            let (subject, issuer) = (login.subject.to_string(), login.issuer.to_string());
            Error::from(Refusal::LoginUnknown { subject, issuer })
        };
        let id = self.store.identity_with_login(login).await?.ok_or_else(unknown)?;
        let identity = self.store.load::<Identity>(id, facts).await?.ok_or_else(unknown)?;
        let profile = self.store.disclosed(&identity.profile).await?.ok_or_else(unknown)?;
        if profile.logins.contains(login) { Ok(id) } else { Err(unknown()) }
    }
}

impl Draft<'_> {
    pub(crate) async fn issue(
        &mut self,
        kind: Kind,
        holder: IdentityId,
        seconds: u64,
        opened_by: Option<CredentialId>,
    ) -> Result<Given, Error> {
        let (credential, secret) = self.fresh(kind);
        let (provider, passkey, scopes) = (None, None, BTreeSet::new());
        let fresh =
            Fresh { kind, seconds, opened_by, provider, passkey, scopes, credential, secret };
        self.issue_as(holder, fresh).await
    }

    fn fresh(&self, kind: Kind) -> (CredentialId, Secret) {
        let environment = &*self.engine.environment;
        (environment.id(), Secret::fresh(kind, environment))
    }

    async fn issue_as(&mut self, holder: IdentityId, fresh: Fresh) -> Result<Given, Error> {
        let Fresh { kind, seconds, opened_by, provider, passkey, scopes, credential, secret } =
            fresh;
        let found = self.engine.store.load::<Identity>(holder, &mut self.facts).await?;
        let found = found.ok_or(Refusal::UnknownIdentity { given: holder.to_string() })?;
        let fingerprint = secret.fingerprint();
        let expires_at = self.now.plus_seconds(seconds);
        let issued = Issued {
            credential,
            kind,
            holder,
            fingerprint,
            expires_at,
            opened_by,
            provider,
            passkey,
            scopes,
        };
        let command = credential::Command::Issue { issued, holder: &found };
        let events = credential::decide(None, command, self.now)?;
        let expires_at = match events.first() {
            Some(credential::Event::Issued(issued)) => issued.expires_at,
            _ => expires_at,
        };
        self.change(credential, credential, events);
        Ok(Given { credential, secret, holder, expires_at })
    }
}
