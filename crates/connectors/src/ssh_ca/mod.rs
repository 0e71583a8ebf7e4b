//! SSH certificates: a CA that signs short-lived OpenSSH user certificates for keys that their
//! receivers hold, and a revocation list that hosts read.
//!
//! An entitlement's native id is the principal, the Key ID is the grant. Settings:
//!
//! - `key`: the CA's private key, a file of mode 0600; or `agent` with `public`: the socket of an
//!   `ssh-agent` that holds it, and its public half.
//! - `krl`: where the revocation list is published. It is written as a new file and renamed: a host
//!   whose `RevokedKeys` is missing lets nobody in.
//! - `hosts`: the enrolled hosts' own `RevokedKeys` files, as whatever copies them left them,
//!   separated by commas. A revocation counts when each of them shows it; with none, a certificate
//!   ends with its validity.
//! - `skew`: by how many seconds clocks may differ (60).
//! - `extensions`: separated by commas (`permit-pty`).
//!
//! The list itself is the memory of what was revoked. A CA key belongs to one Placet.

mod certificate;
pub mod krl;
mod signer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use placet_domain::Timestamp;
use placet_domain::action::Outcome;
use placet_domain::grant::{Half, Issued};
use placet_domain::observation::Scope;
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::settings::{Known, Value, listed};
use crate::{Abilities, Connector, Granted, Look, Sessions, Settings, Shown, file};
use certificate::{Form, seconds};
use krl::Krl;
use signer::{Agent, KeyFile, Signer};

pub(crate) const SETTINGS: Known = &[
    ("key", Value::Path),
    ("agent", Value::Path),
    ("public", Value::Path),
    ("krl", Value::Path),
    ("hosts", Value::Paths),
    ("skew", Value::Text),
    ("extensions", Value::Text),
];

/// What OpenSSH knows by name; anything else would be a mistake that nobody notices.
const EXTENSIONS: [&str; 6] = [
    "no-touch-required",
    "permit-X11-forwarding",
    "permit-agent-forwarding",
    "permit-port-forwarding",
    "permit-pty",
    "permit-user-rc",
];

/// The largest skew, in seconds: certificates are short-lived, and it is added to their lives.
const LARGEST_SKEW: u64 = 600;

/// A certificate authority.
#[derive(Debug)]
struct SshCa {
    signer: Box<dyn Signer>,
    form: Form,
    krl: PathBuf,
    hosts: Vec<PathBuf>,
}

pub(crate) fn build(settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    let path = |key: &str| settings.get(key).map(PathBuf::from);
    let signer: Box<dyn Signer> = match (path("key"), path("agent"), path("public")) {
        (Some(key), None, None) => Box::new(KeyFile(key)),
        (None, Some(socket), Some(public)) => Box::new(Agent { socket, public }),
        _ => return Err("set either `key`, or `agent` and `public`".to_owned()),
    };
    let extensions = settings.get("extensions").map_or("permit-pty", String::as_str);
    let mut extensions: Vec<String> = listed(extensions).map(str::to_owned).collect();
    extensions.sort();
    extensions.dedup();
    if let Some(unknown) = extensions.iter().find(|one| !EXTENSIONS.contains(&one.as_str())) {
        let known = EXTENSIONS.join("`, `");
        return Err(format!("extension `{unknown}` is not known; known are `{known}`"));
    }
    let skew = match settings.get("skew") {
        None => 60,
        Some(text) => text
            .parse()
            .ok()
            .filter(|skew| *skew <= LARGEST_SKEW)
            .ok_or_else(|| format!("`skew` is not a number of seconds up to {LARGEST_SKEW}"))?,
    };
    let hosts = settings.get("hosts").map_or("", String::as_str);
    let ca = SshCa {
        signer,
        form: Form { skew, extensions },
        krl: path("krl").ok_or("setting `krl` is missing")?,
        hosts: listed(hosts).map(PathBuf::from).collect(),
    };
    Ok(Arc::new(Authority(Arc::new(ca))))
}

/// Runs what blocks beside the runtime.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

impl SshCa {
    fn public(&self) -> Result<Vec<u8>, String> {
        self.signer.public()?.to_bytes().map_err(|e| e.to_string())
    }

    fn read(&self, path: &Path, ca: &[u8]) -> Result<Krl, String> {
        let (bytes, _) = file::read(path).map_err(|e| format!("`{}`: {e}", path.display()))?;
        Krl::read(&bytes, ca).map_err(|why| format!("`{}`: {why}", path.display()))
    }

    /// The key is there, and so is a list; where there is none, an empty one is published.
    fn make_ready(&self, now: Timestamp) -> Result<(), String> {
        let ca = self.public()?;
        let shown = self.krl.display();
        if !self.krl.exists() {
            let empty = Krl::empty(&ca, seconds(now)).write()?;
            file::create(&self.krl, &empty).map_err(|e| format!("cannot make `{shown}`: {e}"))?;
        }
        self.read(&self.krl, &ca)?.write().map(drop).map_err(|why| format!("`{shown}`: {why}"))
    }

    /// Nothing is signed that could not be revoked.
    fn issue(&self, assent: &VerifiedAssent) -> Result<Issued, String> {
        let ca = self.public()?;
        self.read(&self.krl, &ca)?.write()?;
        certificate::sign(self.signer.as_ref(), &self.form, assent)
    }

    fn revoke(&self, serial: u64, now: u64) -> Outcome {
        let ca = match self.public() {
            Ok(ca) => ca,
            Err(why) => return Outcome::Failed { why },
        };
        if let Err(why) = self.restore(&ca, now) {
            return Outcome::Failed { why };
        }
        file::rewrite(&self.krl, |bytes| {
            let mut krl = Krl::read(bytes, &ca)?;
            if !krl.revoke(serial, now)? {
                return Ok(None);
            }
            krl.forget(|serial| certificate::is_over(serial, now, self.form.skew));
            krl.write().map(Some)
        })
    }

    /// A list that was lost takes earlier revocations with it. An enrolled host has a copy; with
    /// none to be had, a new list is better than a missing one, which lets nobody in.
    fn restore(&self, ca: &[u8], now: u64) -> Result<(), String> {
        if self.krl.exists() {
            return Ok(());
        }
        let copy = self.hosts.iter().find_map(|host| self.read(host, ca).ok());
        let bytes = copy.unwrap_or_else(|| Krl::empty(ca, now)).write()?;
        file::create(&self.krl, &bytes).map_err(|e| format!("`{}`: {e}", self.krl.display()))
    }

    fn shown(&self, serial: u64) -> Shown {
        let mut shown = Shown::default();
        let ca = self.public();
        for host in &self.hosts {
            let name = host.display().to_string();
            let read = ca.clone().and_then(|ca| self.read(host, &ca));
            match read {
                Ok(krl) if krl.is_revoked(serial) => {
                    shown.hosts.insert(name);
                }
                Ok(_) => {
                    shown.waits_for.insert(name, "it does not show the revocation yet".to_owned());
                }
                Err(why) => {
                    shown.waits_for.insert(name, why);
                }
            }
        }
        shown
    }
}

/// The connector: what blocks is done on a copy of the handle.
#[derive(Debug)]
pub struct Authority(Arc<SshCa>);

#[async_trait]
impl Connector for Authority {
    fn abilities(&self) -> Abilities {
        Abilities {
            native_expiry: true,
            sessions: Sessions::GoOn,
            tells_scopes: false,
            residual_seconds: self.0.form.skew,
            issues: Some(Half::SshKey),
            by_hand: false,
        }
    }

    async fn set_up(&self, now: Timestamp) -> Result<(), String> {
        let ca = Arc::clone(&self.0);
        beside(move || ca.make_ready(now)).await.unwrap_or_else(|| Err("it was cut short".into()))
    }

    async fn grant(&self, assent: VerifiedAssent) -> Granted {
        let ca = Arc::clone(&self.0);
        match beside(move || ca.issue(&assent)).await {
            Some(Ok(issued)) => Granted { outcome: Outcome::Done, issued: Some(issued) },
            Some(Err(why)) => Outcome::Failed { why }.into(),
            None => Outcome::InDoubt { why: "signing was cut short".to_owned() }.into(),
        }
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        // What was never put on record was never given to anybody.
        let Some(issued) = order.issued else { return Outcome::Done };
        let ca = Arc::clone(&self.0);
        let cut_short = || Outcome::InDoubt { why: "revoking was cut short".to_owned() };
        let revoke = move || ca.revoke(issued.serial.0, seconds(order.at));
        beside(revoke).await.unwrap_or_else(cut_short)
    }

    async fn observe(&self, _scope: &Scope) -> Look {
        Look::unknown("certificates are carried about: no look shows who holds one")
    }

    async fn read_back(&self, issued: &Issued) -> Shown {
        let ca = Arc::clone(&self.0);
        let serial = issued.serial.0;
        beside(move || ca.shown(serial)).await.unwrap_or_default()
    }
}
