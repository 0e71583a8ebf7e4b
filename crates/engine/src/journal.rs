//! The journal of endings: where the database cannot be written (a full disk, a rollback, damage),
//! due removals still go on, and are written down here, to be entered later.
//!
//! The file is made with room to spare, so that a full disk does not stop it.

use std::fs::OpenOptions;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use placet_domain::Timestamp;
use placet_domain::action::Outcome;
use placet_domain::id::{ActionId, GrantId};
use serde::{Deserialize, Serialize};

/// Room kept for lines, in bytes.
const ROOM: u64 = 256 * 1024;

/// One removal that was carried out while the database could not be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub grant: GrantId,
    pub action: ActionId,
    pub at: Timestamp,
    pub outcome: Outcome,
    /// A complete look afterwards did not show it.
    pub seen_absent: bool,
}

/// The journal of one engine. Many end at the same time; they write one after the other.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    writing: Mutex<()>,
}

impl Journal {
    pub fn at(path: PathBuf) -> Self {
        Self { path, writing: Mutex::new(()) }
    }

    /// The endings so far, each as its latest line has it. What a torn write left behind is passed
    /// over.
    pub fn read(&self) -> io::Result<Vec<Ended>> {
        let mut endings: Vec<Ended> = Vec::new();
        for line in lines(&contents(&self.path)?) {
            let Ok(ended) = serde_json::from_slice::<Ended>(line) else { continue };
            match endings.iter_mut().rev().find(|one| one.action == ended.action) {
                Some(earlier) => *earlier = ended,
                None => endings.push(ended),
            }
        }
        Ok(endings)
    }

    /// Adds a line inside the room that is there, and makes it durable.
    pub fn append(&self, ended: &Ended) -> io::Result<()> {
        let _writing = self.writing();
        let used = used(&contents(&self.path)?);
        let mut line = serde_json::to_vec(ended).map_err(io::Error::other)?;
        line.push(b'\n');
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&self.path)?;
        file.seek(SeekFrom::Start(used))?;
        file.write_all(&line)?;
        file.sync_all()
    }

    /// Forgets what has been entered, unless there is more by now. Says whether it did.
    pub fn forget(&self, entered: &[Ended]) -> io::Result<bool> {
        let _writing = self.writing();
        if entered.is_empty() || self.read()? != entered {
            return Ok(false);
        }
        let used = usize::try_from(used(&contents(&self.path)?)).unwrap_or(0);
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.write_all(&vec![0; used])?;
        file.sync_all()?;
        Ok(true)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the journal, or finds it as it is; its room is taken at once.
pub fn prepare(path: &Path) -> io::Result<()> {
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    if length < ROOM {
        file.seek(SeekFrom::End(0))?;
        let missing = usize::try_from(ROOM - length).unwrap_or(0);
        file.write_all(&vec![0; missing])?;
        file.sync_all()?;
    }
    Ok(())
}

/// All bytes of the journal; one that is not there is empty.
fn contents(path: &Path) -> io::Result<Vec<u8>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| line.first().is_some_and(|byte| *byte != 0))
}

/// Where the lines end and the room begins.
fn used(bytes: &[u8]) -> u64 {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    u64::try_from(end).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_in_the_room_that_was_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("endings");
        prepare(&path).unwrap();
        let ended = |n: u128| Ended {
            grant: uuid::Uuid::from_u128(n).into(),
            action: uuid::Uuid::from_u128(n + 1).into(),
            at: Timestamp::from_micros(1),
            outcome: Outcome::Done,
            seen_absent: true,
        };
        let journal = Journal::at(path.clone());
        let set_out = |n| Ended {
            outcome: Outcome::InDoubt { why: "set out".to_owned() },
            seen_absent: false,
            ..ended(n)
        };
        // Two at once: their lines lie between each other.
        for line in [set_out(1), set_out(3), ended(1), ended(3)] {
            journal.append(&line).unwrap();
        }
        prepare(&path).unwrap();
        assert_eq!(journal.read().unwrap(), [ended(1), ended(3)]);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), ROOM);
        assert!(!journal.forget(&[ended(1)]).unwrap(), "more has come");
        assert!(journal.forget(&[ended(1), ended(3)]).unwrap());
        assert_eq!(journal.read().unwrap(), []);
        assert!(!journal.forget(&[]).unwrap());
    }
}
