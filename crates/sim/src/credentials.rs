//! Credentials in the world: two targets that issue them, keys and tokens that people and programs
//! draw by themselves, and the sentences about them in stories.
//!
//! A story has them if `the company issues credentials` is its first sentence. Then: `ci-deployer
//! asks ... ` as a program by its own token, `ci-deployer collects g1 with token t`, `ines collects
//! g1 with key k` (`signed by other`, `from 10.0.0.0/8`), `bastion copies revocations to host-a`.

use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::credential::TokenScope;
use placet_domain::entitlement::Privilege;
use placet_domain::grant::Half;
use placet_domain::id::GrantId;
use placet_engine::commands::collect::{CollectGrant, Submitted};
use placet_engine::commands::login::IssueToken;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use crate::company::{self, Offer, USUAL};
use crate::world::{Broken, World};

pub const TARGETS: &[(&str, &str)] = &[("registry", "olga"), ("bastion", "sven")];

/// The hosts on which revocations of the bastion's certificates are read back.
pub const HOSTS: &[&str] = &["host-a", "host-b"];

pub const OFFERS: &[Offer] = &[
    Offer {
        name: "registry-pull",
        native: "pull",
        target: "registry",
        privilege: Privilege::Read,
        packs: &["low-risk-dev"],
        longest: "7d",
        ..USUAL
    },
    Offer { name: "bastion-shell", native: "ops", target: "bastion", longest: "1d", ..USUAL },
];

/// What a target issues, and the hosts that are enrolled there.
pub fn issues(target: &str) -> (Option<Half>, &'static [&'static str]) {
    match target {
        "registry" => (Some(Half::TokenDigest), &[]),
        "bastion" => (Some(Half::SshKey), HOSTS),
        _ => (None, &[]),
    }
}

/// The key that is called so: the same in each life.
fn key(name: &str) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(Digest::of(name.as_bytes()).as_bytes()))
}

/// A public key, and a grant's id signed with it or with another.
pub fn with_key(grant: GrantId, name: &str, signer: &str) -> Submitted {
    let namespace = placet_engine::commands::collect::NAMESPACE;
    let message = grant.to_string();
    let signed = key(signer).sign(namespace, HashAlg::Sha512, message.as_bytes());
    let signature = signed.and_then(|one| one.to_pem(LineEnding::LF)).expect("a signature");
    let public = key(name).public_key().to_openssh().expect("a public key");
    Submitted { ssh_key: Some(public), signature: Some(signature), ..Submitted::default() }
}

pub fn with_token(name: &str) -> Submitted {
    let digest = Digest::of(name.as_bytes()).to_string();
    Submitted { token_sha256: Some(digest), ..Submitted::default() }
}

impl World {
    /// A person in a session, or a workload by a token that its owner had issued for it.
    pub async fn actor_of(&mut self, who: &str) -> Result<Actor, Broken> {
        let Some((_, _, owner)) = company::WORKLOADS.iter().find(|(name, _, _)| *name == who)
        else {
            return self.actor(who).await;
        };
        let token = IssueToken {
            holder: Some(who.to_owned()),
            length: "1d".to_owned(),
            scopes: TokenScope::ALL.into(),
        };
        let given = self.by(owner, &token).await?;
        self.present(&given.secret).await
    }

    pub async fn collects(
        &mut self,
        who: &str,
        grant: GrantId,
        submitted: Submitted,
    ) -> Result<(), Broken> {
        let actor = self.actor_of(who).await?;
        self.run(actor, &CollectGrant { grant, submitted }).await
    }
}

/// One sentence about credentials; none if it is about something else.
pub async fn sentence(
    world: &mut World,
    grant: impl Fn(&str) -> Result<GrantId, String>,
    words: &[&str],
) -> Result<Option<Result<(), Broken>>, String> {
    let (who, id, submitted) = match words {
        ["the", "company", "issues", "credentials"] => return Ok(Some(Ok(()))),
        [target, "copies", "revocations", "to", host] => {
            let target = world.targets.get(*target).ok_or("no such target")?;
            target.copy_revocations(host);
            return Ok(Some(Ok(())));
        }
        [who, "collects", id, "with", "token", name] => (who, id, with_token(name)),
        [who, "collects", id, "with", "key", name] => (who, id, with_key(grant(id)?, name, name)),
        [who, "collects", id, "with", "key", name, "signed", "by", other] => {
            (who, id, with_key(grant(id)?, name, other))
        }
        [who, "collects", id, "with", "key", name, "from", block] => {
            let from = vec![(*block).to_owned()];
            (who, id, Submitted { from, ..with_key(grant(id)?, name, name) })
        }
        _ => return Ok(None),
    };
    Ok(Some(world.collects(who, grant(id)?, submitted).await))
}
