//! Collect: the receiver of an issued credential hands in the public half, and the grant is carried
//! out at once. Placet never sees the private one.

use placet_connectors::half;
use placet_domain::Refusal;
use placet_domain::action::Outcome;
use placet_domain::actor::Actor;
use placet_domain::grant::{self, Collect, Collected, Grant, Half, State};
use placet_domain::id::GrantId;
use placet_domain::identity::Identity;
use placet_store::Facts;

use crate::Engine;
use crate::draft::{Command, Draft};
use crate::error::Error;
use crate::queries::GrantView;

/// How long whoever collects waits for what comes of it, in seconds.
const PATIENCE: u64 = 5;

/// The namespace in which the receiver of a certificate signs the grant's id (SSHSIG).
pub const NAMESPACE: &str = half::NAMESPACE;

/// A public half: an SSH key with the grant's id signed by it, the SHA-256 of a token, in hex, or the
/// SCRAM-SHA-256 verifier of a password.
#[derive(Clone, Debug, Default)]
pub struct Submitted {
    pub ssh_key: Option<String>,
    pub signature: Option<String>,
    pub token_sha256: Option<String>,
    pub scram_verifier: Option<String>,
    /// Address blocks that the credential is to be good from; anywhere if there are none.
    pub from: Vec<String>,
}

/// What a receiver hands in, as it came through a door.
#[derive(Clone, Debug)]
pub struct CollectGrant {
    pub grant: GrantId,
    pub submitted: Submitted,
}

#[async_trait::async_trait]
impl Command for CollectGrant {
    type Output = ();

    async fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let by = draft.someone()?;
        let grant = draft.grant(self.grant).await?;
        let store = &draft.engine.store;
        let receiver = grant.approved.receiver;
        let holder = store.load::<Identity>(receiver, &mut draft.facts).await?;
        let holder =
            holder.ok_or_else(|| Refusal::UnknownIdentity { given: receiver.to_string() })?;
        let half = grant::may_collect(&grant, by, &holder, draft.now)?;
        let half::Read { public, sources } = half::read(half, grant.id, &self.submitted.given())?;
        // A key may serve its holder again; a token or password was drawn for this once.
        let except = match half {
            Half::SshKey => Some((receiver, by)),
            Half::TokenDigest | Half::ScramSha256 => None,
        };
        let anothers = store.collected_before(&public, except, &mut draft.facts).await?;
        let collected = Collected { by, public, sources };
        let collect = Collect { collected, receiver: &holder, anothers };
        let events = grant::decide(Some(&grant), grant::Command::Collect(collect), draft.now)?;
        draft.change(grant.id, grant.approved.request, events);
        Ok(())
    }
}

impl Submitted {
    fn given(&self) -> half::Submitted {
        let Self { ssh_key, signature, token_sha256, scram_verifier, from } = self.clone();
        half::Submitted { ssh_key, signature, token_sha256, scram_verifier, from }
    }
}

impl Engine {
    /// Collects, waits a little for what the workers make of it, and shows the grant.
    pub async fn collect(&self, actor: Actor, command: &CollectGrant) -> Result<GrantView, Error> {
        let mut commits = self.wake.commits();
        self.run(actor, command).await?;
        let settled = async {
            loop {
                commits.mark_unchanged();
                let grant = self.store.load::<Grant>(command.grant, &mut Facts::default()).await?;
                if grant.is_none_or(|grant| has_come_out(&grant))
                    || commits.changed().await.is_err()
                {
                    return Ok::<(), Error>(());
                }
            }
        };
        // Without workers in this process there is nothing to wait for.
        if self.wake.is_worked() {
            tokio::select! {
                settled = settled => settled?,
                () = self.environment.after(PATIENCE) => {}
            }
        }
        self.grant(actor, command.grant).await
    }
}

/// Whether a collected grant is through, or its call failed and will be tried again later.
fn has_come_out(grant: &Grant) -> bool {
    let outcome = grant.action.as_ref().and_then(|action| action.outcome.as_ref());
    let failed = matches!(outcome, Some(Outcome::Failed { .. }));
    !matches!(grant.state, State::Approved | State::Pending) || failed
}
