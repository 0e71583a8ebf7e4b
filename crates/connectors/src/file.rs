//! Files that are targets: read whole and bounded, and replaced as a whole, never written in place.

use std::fs::{File, Metadata};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use placet_domain::action::Outcome;

/// The largest file that is read, in bytes.
pub(crate) const LARGEST: u64 = 16 * 1024 * 1024;

/// How often a change is tried again when somebody else changed the file meanwhile.
const TRIES: u32 = 5;

pub(crate) fn failed(what: &str, path: &Path, why: impl std::fmt::Display) -> Outcome {
    Outcome::Failed { why: format!("{what} `{}`: {why}", path.display()) }
}

/// The bytes of a file, and what it was when they were read.
pub(crate) fn read(path: &Path) -> std::io::Result<(Vec<u8>, Metadata)> {
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

/// Replaces a file by what `change` makes of its bytes; none leaves it as it is. Done only when it
/// is durable, and without losing what somebody else wrote meanwhile.
pub(crate) fn rewrite(
    path: &Path,
    change: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, String>,
) -> Outcome {
    // Through a link, the file that it leads to is replaced, not the link.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) => return failed("cannot find", path, error),
    };
    // Placet's own changes go one after the other, whichever process makes them; hands know no lock.
    let _changing = match lock(&path) {
        Ok(lock) => lock,
        Err(error) => return failed("cannot lock the folder of", &path, error),
    };
    for _ in 0..TRIES {
        let (before, metadata) = match read(&path) {
            Ok(found) => found,
            Err(error) => return failed("cannot read", &path, error),
        };
        let after = match change(&before) {
            Ok(Some(after)) => after,
            Ok(None) => return Outcome::Done,
            Err(why) => return failed("will not change", &path, why),
        };
        match replace(&path, &after, &metadata) {
            Ok(true) => return Outcome::Done,
            Ok(false) => {}
            Err(error) => return failed("cannot replace", &path, error),
        }
    }
    failed("gave up on", &path, "somebody else keeps changing it")
}

/// Holds the folder of a file until it is dropped: the file itself is replaced.
fn lock(path: &Path) -> std::io::Result<File> {
    let dir = path.parent().ok_or_else(|| std::io::Error::other("it stands in no folder"))?;
    let dir = File::open(dir)?;
    dir.lock()?;
    Ok(dir)
}

/// The same for a text.
pub(crate) fn rewrite_text(path: &Path, change: impl Fn(&str) -> Option<String>) -> Outcome {
    rewrite(path, |bytes| {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| "it is not UTF-8, and nothing in it may be lost".to_owned())?;
        Ok(change(text).map(String::into_bytes))
    })
}

/// Puts new bytes in place of the file, unless somebody changed it meanwhile (then `false`).
fn replace(path: &Path, bytes: &[u8], known: &Metadata) -> std::io::Result<bool> {
    let dir = path.parent().ok_or_else(|| std::io::Error::other("it stands in no folder"))?;
    let mut fresh = tempfile::Builder::new().prefix(".placet-").tempfile_in(dir)?;
    fresh.write_all(bytes)?;
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

/// Makes a file that all may read, whole at once; one that is there already stays.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    let mut fresh = tempfile::Builder::new().prefix(".placet-").tempfile_in(dir)?;
    fresh.write_all(bytes)?;
    fresh.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    fresh.as_file().sync_all()?;
    match fresh.persist_noclobber(path) {
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.error),
        Ok(_) => {}
    }
    File::open(dir)?.sync_all()
}
