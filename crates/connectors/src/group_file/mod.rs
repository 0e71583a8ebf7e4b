//! Group files: an `htgroup`-style membership file (`group: account account ...`), as Apache's
//! `mod_authz_groupfile` reads it.
//!
//! A group may stand on several lines; a member of any of them is a member. Comments, blank lines
//! and lines of another form are kept as they are. The file is replaced as a whole, never written
//! in place. Setting: `path`.

mod text;

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use placet_domain::action::{Effect, Outcome};
use placet_domain::observation::{Binding, Completeness, Scope};
use placet_ledger::{RemovalOrder, VerifiedAssent};

use crate::{Abilities, Connector, Look, Settings};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// How often a change is tried again when somebody else changed the file meanwhile.
const TRIES: u32 = 5;

/// A membership file.
#[derive(Debug)]
pub struct GroupFile {
    path: PathBuf,
}

pub(crate) fn build(settings: &Settings) -> Result<Arc<dyn Connector>, String> {
    if let Some(unknown) = settings.keys().find(|key| *key != "path") {
        return Err(format!("setting `{unknown}` is not known; the one setting is `path`"));
    }
    let path = settings.get("path").ok_or("setting `path` is missing")?;
    Ok(Arc::new(GroupFile::at(path)))
}

impl GroupFile {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    async fn call(&self, effect: Effect, binding: Binding) -> Outcome {
        let path = self.path.clone();
        let changed = tokio::task::spawn_blocking(move || change(&path, effect, &binding)).await;
        match changed {
            Ok(outcome) => outcome,
            Err(_) => Outcome::InDoubt { why: "changing the group file was cut short".to_owned() },
        }
    }
}

#[async_trait]
impl Connector for GroupFile {
    fn abilities(&self) -> Abilities {
        // A web server reads the file at each request, so nothing lingers.
        Abilities { native_expiry: false, ends_sessions: true, residual_seconds: 0 }
    }

    async fn grant(&self, assent: VerifiedAssent) -> Outcome {
        let (native, account) = (assent.native().clone(), assent.account().clone());
        self.call(Effect::Grant, Binding { native, account }).await
    }

    async fn remove(&self, order: RemovalOrder) -> Outcome {
        self.call(Effect::Remove, Binding { native: order.native, account: order.account }).await
    }

    async fn observe(&self, scope: &Scope) -> Look {
        let path = self.path.clone();
        let look = tokio::task::spawn_blocking(move || look(&path)).await;
        let mut look =
            look.unwrap_or_else(|_| Look::unknown("reading the group file was cut short"));
        if let Scope::Binding(only) = scope {
            look.present.retain(|binding| binding == only);
        }
        look
    }
}

fn failed(what: &str, path: &Path, why: impl std::fmt::Display) -> Outcome {
    Outcome::Failed { why: format!("{what} `{}`: {why}", path.display()) }
}

/// The bytes of the file, and what it was when they were read.
fn read(path: &Path) -> std::io::Result<(Vec<u8>, Metadata)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.len() > LARGEST {
        let why = format!("it is larger than {LARGEST} bytes");
        return Err(std::io::Error::other(why));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

/// Whether two looks at a file saw the same one, unchanged.
fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.ino(), one.dev(), one.size(), one.mtime(), one.mtime_nsec())
        == (other.ino(), other.dev(), other.size(), other.mtime(), other.mtime_nsec())
}

fn change(path: &Path, effect: Effect, binding: &Binding) -> Outcome {
    // Through a link, the file that it leads to is replaced, not the link.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) => return failed("cannot find", path, error),
    };
    if !text::can_carry(binding) {
        return failed("cannot write to", &path, "the group or account name cannot stand in it");
    }
    for _ in 0..TRIES {
        let (before, metadata) = match read(&path) {
            Ok(found) => found,
            Err(error) => return failed("cannot read", &path, error),
        };
        let Ok(before) = String::from_utf8(before) else {
            return failed(
                "will not change",
                &path,
                "it is not UTF-8, and nothing in it may be lost",
            );
        };
        let after = match effect {
            Effect::Grant => text::with(&before, binding),
            Effect::Remove => text::without(&before, binding),
        };
        let Some(after) = after else { return Outcome::Done };
        match replace(&path, &after, &metadata) {
            Ok(true) => return Outcome::Done,
            Ok(false) => {}
            Err(error) => return failed("cannot replace", &path, error),
        }
    }
    failed("gave up on", &path, "somebody else keeps changing it")
}

/// Puts the new text in place of the file, unless somebody changed it meanwhile (then `false`).
fn replace(path: &Path, text: &str, known: &Metadata) -> std::io::Result<bool> {
    let dir = path.parent().ok_or_else(|| std::io::Error::other("it stands in no folder"))?;
    let mut fresh = tempfile::Builder::new().prefix(".placet-").tempfile_in(dir)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().set_permissions(known.permissions())?;
    let made = fresh.as_file().metadata()?;
    if (made.uid(), made.gid()) != (known.uid(), known.gid()) {
        std::os::unix::fs::chown(fresh.path(), Some(known.uid()), Some(known.gid()))?;
    }
    fresh.as_file().sync_all()?;
    // A moment stays in which a change by hand would be lost; the next look would show it.
    if !same(&std::fs::metadata(path)?, known) {
        return Ok(false);
    }
    fresh.persist(path).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()?;
    Ok(true)
}

fn look(path: &Path) -> Look {
    let (bytes, _) = match read(path) {
        Ok(found) => found,
        Err(error) => return Look::unknown(format!("cannot read `{}`: {error}", path.display())),
    };
    let readable = String::from_utf8_lossy(&bytes);
    let (present, odd): (BTreeSet<Binding>, u64) = text::bindings(&readable);
    let garbled = matches!(readable, std::borrow::Cow::Owned(_)) || bytes.contains(&0);
    let detail = match (garbled, odd) {
        (true, _) => Some(format!("`{}` is not plain UTF-8 text", path.display())),
        (false, 0) => None,
        (false, odd) => Some(format!("`{}` has {odd} names that cannot be read", path.display())),
    };
    let completeness =
        if detail.is_some() { Completeness::Partial } else { Completeness::Complete };
    Look { completeness, present, detail }
}
