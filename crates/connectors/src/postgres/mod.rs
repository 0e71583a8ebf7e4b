//! PostgreSQL 15 and newer: membership in a role for an account that is there, or a login of its own
//! for each grant.
//!
//! An entitlement's native id is a role. Settings:
//!
//! - `credentials`: a file of mode 0600 with the address of the server and the account that makes
//!   changes, `postgres://user:password@host/database`.
//! - `observer`: the same for another account, which only looks.
//! - `issues`: `login`, if each grant is to have a login of its own: its receiver draws the password,
//!   and only a verifier of it (SCRAM-SHA-256) travels.
//! - `connections`: how many sessions such a login may have at once (5).
//! - `system`: the server's own identifier, if no other server is ever to be taken for it.
//!
//! Here is what a call does in which order; the statements stand in the files beside, by topic. The
//! least rights of both accounts are in `docs/operate.md`.

mod credentials;
mod login;
mod look;
mod member;
mod names;
mod power;
mod removal;
mod scope;
mod server;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use placet_domain::Timestamp;
use placet_domain::action::Outcome;
use placet_domain::canonical::Digest;
use placet_domain::grant::{Half, Public};
use placet_domain::observation::{Binding, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::settings::{Known, Value};
use crate::{Abilities, Connector, Granted, Look, Sessions, Settings};
use credentials::Access;
use login::{Mark, Wanted};
use names::named;
use server::{Role, Server, looking, working};

pub(crate) const SETTINGS: Known = &[
    ("credentials", Value::Path),
    ("observer", Value::Path),
    ("issues", Value::Text),
    ("connections", Value::Text),
    ("system", Value::Text),
];

/// The most sessions that a login may be given.
const MOST_CONNECTIONS: u32 = 100;

/// A server.
#[derive(Debug)]
pub struct Postgres {
    credentials: PathBuf,
    observer: PathBuf,
    issues_logins: bool,
    connections: u32,
    /// What the server calls itself: as it is set, or as it was when this process first reached it.
    system: Mutex<Option<String>>,
    /// The newest action on each binding that this process carried out.
    epochs: Mutex<BTreeMap<Binding, u64>>,
    /// The id of each role at the last look at one binding; none if it was not there.
    looked_at: Mutex<BTreeMap<Binding, Option<i64>>>,
    taken: sessions::Taken,
}

pub(crate) fn build(settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    let path = |key: &str| {
        let path = settings.get(key).map(PathBuf::from);
        path.ok_or_else(|| format!("setting `{key}` is missing"))
    };
    let issues_logins = match settings.get("issues").map(String::as_str) {
        None => false,
        Some("login") => true,
        Some(_) => return Err("`issues` is not `login`".to_owned()),
    };
    let connections = match settings.get("connections") {
        None => 5,
        Some(_) if !issues_logins => {
            return Err("`connections` says nothing without `issues`".to_owned());
        }
        Some(text) => {
            let number = text.parse().ok().filter(|one| (1..=MOST_CONNECTIONS).contains(one));
            number
                .ok_or_else(|| format!("`connections` is not a number up to {MOST_CONNECTIONS}"))?
        }
    };
    let (credentials, observer) = (path("credentials")?, path("observer")?);
    if credentials == observer {
        return Err("`credentials` and `observer` are two accounts, in two files".to_owned());
    }
    Ok(Arc::new(Postgres {
        credentials,
        observer,
        issues_logins,
        connections,
        system: Mutex::new(settings.get("system").cloned()),
        epochs: Mutex::default(),
        looked_at: Mutex::default(),
        taken: sessions::Taken::default(),
    }))
}

fn failed(why: impl Into<String>) -> Outcome {
    Outcome::Failed { why: why.into() }
}

fn in_doubt(why: impl Into<String>) -> Outcome {
    Outcome::InDoubt { why: why.into() }
}

/// The number under which changes of a binding wait for each other on the server.
fn key_of(binding: &Binding) -> i64 {
    let digest = Digest::of(format!("placet {} {}", binding.native, binding.account).as_bytes());
    let first: [u8; 8] = digest.as_bytes().first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(first)
}

impl Postgres {
    /// Opens the transaction of a change.
    async fn change(&self, access: &Access) -> Result<Server, String> {
        let mut server = Server::open(access).await?;
        self.is_the_one(&server)?;
        working(server.begin()).await?;
        Ok(server)
    }

    /// Opens the transaction of a look.
    async fn to_look(&self, access: &Access) -> Result<Server, String> {
        let mut server = Server::open(access).await?;
        self.is_the_one(&server)?;
        looking(server.begin_look()).await?;
        Ok(server)
    }

    /// Both files, at every call, lead to one and the same server: what another one shows, or does
    /// not show, says nothing of this target. Where neither account may ask which one it is, and no
    /// setting says so, it is taken for the one that was meant.
    fn is_the_one(&self, server: &Server) -> Result<(), String> {
        let mut known = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        match (known.as_ref(), &server.system) {
            (Some(known), Some(now)) if known != now => {
                Err(format!("this is another server: it is `{now}`, and the target is `{known}`"))
            }
            (Some(_), Some(_)) => Ok(()),
            (Some(known), None) => Err(format!(
                "the server does not say whether it is `{known}`: let both accounts call \
                 `pg_control_system()`"
            )),
            (None, now) => {
                known.clone_from(now);
                Ok(())
            }
        }
    }

    /// Alone with a binding, and no older than what was here before: only then may an action go on.
    async fn hold(&self, server: &mut Server, binding: &Binding, epoch: u64) -> Result<(), String> {
        server.alone_with(key_of(binding)).await?;
        let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = epochs.entry(binding.clone()).or_default();
        if epoch < *newest {
            return Err("a newer action was here first".to_owned());
        }
        *newest = epoch;
        Ok(())
    }

    /// The role's id at the last look at a binding, if there was one.
    fn last_seen(&self, binding: &Binding) -> Option<Option<i64>> {
        let looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        looked_at.get(binding).copied()
    }

    /// The role, if it may be granted and is the one that was looked at.
    async fn native(
        &self,
        server: &mut Server,
        binding: &Binding,
        own: &BTreeSet<String>,
        deny: &BTreeSet<String>,
    ) -> Result<Role, String> {
        let name = binding.native.as_str();
        names::identifier(name)?;
        let role = server.role(name).await?.ok_or_else(|| format!("there is no role `{name}`"))?;
        if self.last_seen(binding).is_some_and(|oid| oid != Some(role.oid)) {
            return Err(format!("role `{name}` was made anew since it was looked at"));
        }
        match power::refusal(server, &role, own, deny).await? {
            Some(why) => Err(why),
            None => Ok(role),
        }
    }

    async fn grant_in(
        &self,
        server: &mut Server,
        assent: &VerifiedAssent,
        own: &BTreeSet<String>,
        deny: &BTreeSet<String>,
    ) -> Result<(), String> {
        let (native, account) = (assent.native().clone(), assent.account().clone());
        let binding = Binding { native, account };
        self.hold(server, &binding, assent.epoch()).await?;
        let native = self.native(server, &binding, own, deny).await?;
        if self.issues_logins {
            let Some(Public::ScramSha256 { verifier }) = assent.collected().map(|one| &one.public)
            else {
                return Err("no password was collected for it".to_owned());
            };
            let digest = Digest::of(verifier.as_bytes());
            let wanted = Wanted {
                mark: Mark {
                    grant: assent.grant().to_string(),
                    binding,
                    until: assent.until(),
                    digest,
                },
                verifier,
                connections: self.connections,
            };
            return login::create(server, &native, &wanted).await;
        }
        let account = server.find(named(&binding.account)).await?;
        let shown = &binding.account;
        let account = account.ok_or_else(|| format!("there is no account `{shown}`"))?;
        if !account.can_login {
            return Err(format!("`{shown}` is a role that nobody logs in as"));
        }
        if own.contains(&account.name) {
            return Err(format!("`{shown}` is an account of Placet itself"));
        }
        member::grant(server, &native, &account).await?;
        self.taken.forget(&binding);
        Ok(())
    }

    async fn granted(&self, assent: &VerifiedAssent) -> Result<Outcome, String> {
        let access = credentials::read(&self.credentials).await?;
        let deny = credentials::denied(&self.credentials).await?;
        let observer = credentials::read(&self.observer).await?;
        let own = BTreeSet::from([access.role().to_owned(), observer.role().to_owned()]);
        let mut server = self.change(&access).await?;
        working(self.grant_in(&mut server, assent, &own, &deny)).await?;
        Ok(server.commit().await)
    }

    async fn seen(&self, scope: &Scope) -> Result<Look, String> {
        let access = credentials::read(&self.observer).await?;
        let ending = self.taken.all();
        let mut server = self.to_look(&access).await?;
        // Where only looks are made, the other file may not be there.
        let own = credentials::read(&self.credentials).await.ok();
        let own = own.as_ref().map(Access::role);
        let looked = looking(look::look(&mut server, scope, &ending, own)).await?;
        let look::Seen { mut look, ids } = looked;
        if !self.issues_logins {
            look.credentials = None;
        }
        if let Scope::Binding(binding) = scope {
            let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
            looked_at.insert(binding.clone(), ids.get(&binding.native).copied());
        }
        Ok(look)
    }
}

#[async_trait]
impl Connector for Postgres {
    fn abilities(&self) -> Abilities {
        Abilities {
            // `valid until` keeps a login out; a membership has no end of its own.
            native_expiry: self.issues_logins,
            sessions: Sessions::Ended,
            tells_scopes: true,
            residual_seconds: 0,
            issues: self.issues_logins.then_some(Half::ScramSha256),
            by_hand: false,
        }
    }

    async fn set_up(&self, _now: Timestamp) -> Result<(), String> {
        credentials::denied(&self.credentials).await?;
        let access = credentials::read(&self.credentials).await?;
        self.change(&access).await?;
        let observer = credentials::read(&self.observer).await?;
        if access.role() == observer.role() {
            return Err("`credentials` and `observer` are the same account".to_owned());
        }
        let mut server = self.to_look(&observer).await?;
        working(power::fit_to_look(&mut server)).await
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        // Nothing was committed where it ends early.
        self.granted(&assent).await.unwrap_or_else(failed).into()
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        self.removed(&order).await.unwrap_or_else(failed)
    }

    async fn observe(&self, scope: &Scope) -> Look {
        self.seen(scope).await.unwrap_or_else(Look::unknown)
    }
}
