//! Opening an engine on a data directory: the log's key, the store, the journal of endings.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use placet_connectors::Registry;
use placet_domain::Refusal;
use placet_ledger::LogKey;
use placet_store::{Settings, Store};

use crate::environment::Environment;
use crate::error::Error;
use crate::{Engine, Machine, NotifyLine, Options, channels, journal};

/// Where an engine keeps what it keeps.
#[derive(Clone, Debug)]
pub struct Place {
    /// Database, remembered checkpoint, lock and journal.
    pub dir: PathBuf,
    /// The log's signing key; may lie elsewhere, and should for what is kept long.
    pub key: PathBuf,
    /// The name of this node, written into every entry.
    pub node: String,
    pub observe_seconds: u64,
    pub calls_at_once: usize,
    /// A file of known incidents, one reference a line, if there is one.
    pub incidents: Option<PathBuf>,
    /// The ways out for notices.
    pub notify: Vec<NotifyLine>,
    /// The clock of the machine is right, and what the ledger recorded was ahead.
    pub trust_clock: bool,
}

impl Place {
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        let key = dir.join("log.key");
        Self {
            dir,
            key,
            node: "node-1".to_owned(),
            observe_seconds: 60,
            calls_at_once: 8,
            incidents: None,
            notify: Vec::new(),
            trust_clock: false,
        }
    }

    /// What says that a founding was begun here. It names the key, so that no other is taken for the
    /// one that the founding made.
    fn mark(&self) -> PathBuf {
        self.dir.join("founding")
    }

    /// Whether a founding was begun here with this key, and has not come to its end.
    fn was_begun(&self) -> bool {
        let mark = std::fs::read_to_string(self.mark()).unwrap_or_default();
        !mark.is_empty() && Path::new(&mark) == self.key
    }

    /// Marks that a founding is begun; none if another program is at it.
    fn begin(&self) -> std::io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        let mut mark = options.create(true).truncate(false).write(true).open(self.mark())?;
        match mark.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        mark.set_len(0)?;
        mark.write_all(self.key.as_os_str().as_bytes())?;
        mark.sync_all()?;
        File::open(&self.dir)?.sync_all()?;
        Ok(Some(mark))
    }

    /// The founding has come to its end: from now on nothing here is taken for what it left behind.
    pub fn founded(&self) -> std::io::Result<()> {
        match std::fs::remove_file(self.mark()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Engine {
    /// Makes an empty store with a fresh signing key. `origin` names the log for ever. What an
    /// earlier try left behind when it was cut short is gone on with, as long as nothing is in it.
    pub async fn create(place: &Place, origin: &str) -> Result<Self, Error> {
        let taken = || {
            let what = format!("a ledger in `{}`", place.dir.display());
            Error::from(Refusal::AlreadyRegistered { what })
        };
        let own = place.was_begun();
        if !own && (Store::exists(&place.dir) || place.key.exists()) {
            return Err(taken());
        }
        let key = LogKey::from_seed(origin, &Machine.random())
            .map_err(|error| Refusal::Unreadable { what: error.to_string() })?;
        let files =
            |error: std::io::Error| Error::Fault(format!("`{}`: {error}", place.key.display()));
        make_private(&place.dir).map_err(files)?;
        // Held until the store has its own lock: two that begin at once do not undo each other.
        let _beginning = place.begin().map_err(files)?.ok_or(Refusal::DataDirInUse {})?;
        if Store::exists(&place.dir) {
            let engine = Self::open(place).await?;
            let is_new = engine.store.last_entry_at().await?.is_none();
            let is_meant = engine.store.verifier().name() == origin;
            return if is_new && is_meant { Ok(engine) } else { Err(taken()) };
        }
        if own && place.key.exists() {
            // Half a key, or one that has signed nothing: there was no store yet.
            std::fs::remove_file(&place.key).map_err(files)?;
        }
        write_private(&place.key, &key.to_private_text()).map_err(files)?;
        Self::open(place).await
    }

    /// Opens what was made before.
    pub async fn open(place: &Place) -> Result<Self, Error> {
        let key = read_key(&place.key)?;
        let journal = place.dir.join("endings.journal");
        let settings = Settings { node: place.node.clone(), ..Settings::new(&place.dir) };
        let store = Store::open(settings, key).await?;
        if let Err(error) = journal::prepare(&journal) {
            // Ending goes on without it as long as the database can be written.
            tracing::error!(%error, "the journal of endings could not be prepared");
        }
        let channels = channels::build(&place.notify, &place.dir)?;
        let incidents = place.incidents.clone();
        let options = Options {
            observe_seconds: place.observe_seconds,
            calls_at_once: place.calls_at_once,
            journal,
            incidents,
            channels,
            trust_clock: place.trust_clock,
        };
        Ok(Self::new(store, Arc::new(Machine), Registry::shipped(), options).await)
    }
}

/// Reads the signing key; one that others could read is refused, because it may be known to them.
fn read_key(path: &Path) -> Result<LogKey, Error> {
    let shown = path.display();
    let unreadable = |what: String| Error::from(Refusal::Unreadable { what });
    let metadata = std::fs::metadata(path).map_err(|error| {
        unreadable(format!("there is no ledger here: the signing key `{shown}` cannot be read ({error}); make one with `placet init`"))
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(unreadable(format!(
            "the signing key `{shown}` can be read by others; `chmod 600` it, and rotate it if they may have"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        unreadable(format!("the signing key `{shown}` cannot be read: {error}"))
    })?;
    LogKey::from_private_text(text.trim())
        .map_err(|error| unreadable(format!("the signing key `{shown}` cannot be used: {error}")))
}

fn make_private(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
