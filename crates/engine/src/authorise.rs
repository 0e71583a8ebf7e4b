//! Who is there, and what they may do with Placet itself. The one place that asks policy about
//! reading and administering.

use placet_domain::Refusal;
use placet_domain::access::Deed;
use placet_domain::actor::Actor;
use placet_domain::credential::{self, Credential, Kind, TokenScope};
use placet_domain::id::IdentityId;
use placet_domain::identity::Identity;
use placet_domain::ruling::Ruling;
use placet_store::{Facts, Reader};
use subtle::ConstantTimeEq as _;

use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::secret::Secret;

/// What a credential is presented for. What its holder may do is asked of policy afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A decision: a person has to be there.
    Decision,
    /// What a token needs this scope for.
    Scope(TokenScope),
    /// To say who is there, or to end the credential itself: no scope is asked for.
    Itself,
    /// Whoever asks does not say; a token has to be good for everything.
    Unsaid,
}

impl Purpose {
    /// Refuses what a token of these scopes is not good for.
    fn must_be_covered(self, issued: &credential::Issued, human: bool) -> Result<(), Refusal> {
        let missing = |scope: TokenScope| Refusal::ScopeMissing { scope: scope.as_str() };
        let of = |scope| if issued.covers(scope) { Ok(()) } else { Err(missing(scope)) };
        match self {
            Self::Decision if issued.kind == Kind::Session => Ok(()),
            // A workload has no session to come back with.
            Self::Decision if human => Err(Refusal::NeedsSession {}),
            Self::Decision => Err(Refusal::OnlyPeopleDecide {}),
            Self::Scope(scope) => of(scope),
            Self::Itself => Ok(()),
            Self::Unsaid => TokenScope::ALL.into_iter().try_for_each(of),
        }
    }
}

impl Engine {
    /// The actor behind a session, or behind a token that is good for everything.
    pub async fn authenticate(&self, secret: &Secret) -> Result<Actor, Error> {
        self.authenticate_for(secret, Purpose::Unsaid).await
    }

    /// The actor behind a session or token; login codes are good for logging in alone. The one
    /// place where the scopes of tokens are looked at.
    pub async fn authenticate_for(
        &self,
        secret: &Secret,
        purpose: Purpose,
    ) -> Result<Actor, Error> {
        let fingerprint = secret.fingerprint();
        let unknown = || Error::from(Refusal::NotAuthenticated {});
        let found = self.store.credential_and_holder(&fingerprint).await?;
        let (credential, holder) = found.ok_or_else(unknown)?;
        let same = credential.issued.fingerprint.as_bytes().ct_eq(fingerprint.as_bytes());
        let now = self.clock.now();
        if !bool::from(same) || !credential.is_valid_at(now) || !holder.is_active_at(now) {
            return Err(unknown());
        }
        let issued = &credential.issued;
        let (id, credential) = (issued.holder, issued.credential);
        let actor = match issued.kind {
            Kind::LoginCode => return Err(unknown()),
            Kind::Session => Actor::Person { id, session: credential },
            Kind::Token => {
                self.uses.note(credential, now);
                Actor::Token { id, token: credential }
            }
        };
        purpose.must_be_covered(issued, holder.is_human())?;
        Ok(actor)
    }

    /// Refuses once the credential of an actor is good for nothing any more, or its holder has left:
    /// for what goes on long after it was let in.
    pub(crate) async fn must_still_be_there(&self, actor: Actor) -> Result<(), Error> {
        let (Actor::Person { id, session: credential } | Actor::Token { id, token: credential }) =
            actor
        else {
            return Ok(());
        };
        let (facts, now) = (&mut Facts::default(), self.clock.now());
        let credential = self.store.load::<Credential>(credential, facts).await?;
        let holder = self.store.load::<Identity>(id, facts).await?;
        let valid = credential.is_some_and(|one| one.is_valid_at(now));
        if valid && holder.is_some_and(|one| one.is_active_at(now)) {
            return Ok(());
        }
        Err(Refusal::NotAuthenticated {}.into())
    }

    /// What this actor may read: SQL filters by it.
    pub async fn reader(&self, actor: Actor) -> Result<Reader, Error> {
        self.run(actor, &Read).await
    }

    /// Refuses unless policy lets this actor do this.
    pub async fn authorise(&self, actor: Actor, deed: Deed) -> Result<(), Error> {
        self.run(actor, &May(deed)).await
    }
}

struct Read;

#[async_trait::async_trait]
impl Command for Read {
    type Output = Reader;

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<Reader, Error> {
        let who = draft.someone()?;
        let around = draft.around([who]).await?;
        let policies = draft.policies().await?;
        let world = around.world();
        let mut asking = policies.asking(&world, draft.now);
        let scopes = asking.readable(who);
        Ok(Reader { who, scopes, at: draft.now })
    }
}

struct May(Deed);

#[async_trait::async_trait]
impl Command for May {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.must_be_allowed(self.0).await
    }
}

impl Draft<'_> {
    /// The identity behind the actor.
    pub(crate) fn someone(&self) -> Result<IdentityId, Refusal> {
        self.actor.identity().ok_or(Refusal::NotAuthenticated {})
    }

    /// Refuses unless policy lets the actor do this, within this very draft.
    pub(crate) async fn must_be_allowed(&mut self, deed: Deed) -> Result<(), Error> {
        let ruling = self.may(deed).await?;
        if ruling.permit {
            return Ok(());
        }
        let what = deed.words().to_owned();
        Err(Refusal::NotPermitted { what, why: ruling.sentence() }.into())
    }

    /// What policy says of the actor and a deed, where something else may let them do it as well.
    pub(crate) async fn may(&mut self, deed: Deed) -> Result<Ruling, Error> {
        let who = self.someone()?;
        if deed.needs_session() && !matches!(self.actor, Actor::Person { .. }) {
            return Err(Refusal::NeedsSession {}.into());
        }
        let around = self.around([who]).await?;
        let policies = self.policies().await?;
        let world = around.world();
        let mut asking = policies.asking(&world, self.now);
        let ruling = asking.may_administer(who, deed);
        self.commit.records.extend(asking.into_records());
        Ok(ruling)
    }
}
