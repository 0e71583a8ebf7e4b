//! The remembered checkpoint: a file beside the database, written after each commit. A database
//! that is older than it was rolled back, which no offline check of that database could show.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Where the last signed checkpoint is remembered outside the database.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    path: PathBuf,
}

impl Remembered {
    pub(crate) fn beside(dir: &Path) -> Self {
        Self { path: dir.join("checkpoint") }
    }

    pub(crate) fn read(&self) -> std::io::Result<Option<String>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file as a whole: a crash leaves the old one or the new one, never a part.
    pub(crate) fn write(&self, note: &str) -> std::io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        match self.path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    }
}
