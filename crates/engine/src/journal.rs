//! The journal of endings: where the database cannot be written (a full disk, a rollback, damage),
//! due removals still go on, and are written down here, to be entered later.
//!
//! The file is made with room to spare, so that a full disk does not stop it.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

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

/// Makes the journal, or finds it as it is; its room is taken at once.
pub fn prepare(path: &Path) -> std::io::Result<()> {
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

/// The endings so far, each as its latest line has it. What a torn write left behind is passed over.
pub fn read(path: &Path) -> std::io::Result<Vec<Ended>> {
    let mut endings: Vec<Ended> = Vec::new();
    for line in lines(&contents(path)?) {
        let Ok(ended) = serde_json::from_slice::<Ended>(line) else { continue };
        match endings.last_mut().filter(|last| last.action == ended.action) {
            Some(last) => *last = ended,
            None => endings.push(ended),
        }
    }
    Ok(endings)
}

/// Adds a line inside the room that is there, and makes it durable.
pub fn append(path: &Path, ended: &Ended) -> std::io::Result<()> {
    let used = used(&contents(path)?);
    let mut line = serde_json::to_vec(ended).map_err(std::io::Error::other)?;
    line.push(b'\n');
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.seek(SeekFrom::Start(used))?;
    file.write_all(&line)?;
    file.sync_all()
}

/// Forgets all lines, once they have been entered.
pub fn clear(path: &Path) -> std::io::Result<()> {
    let used = usize::try_from(used(&contents(path)?)).unwrap_or(0);
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(&vec![0; used])?;
    file.sync_all()
}

/// All bytes of the journal; one that is not there is empty.
fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
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
        append(&path, &ended(1)).unwrap();
        let set_out = Outcome::InDoubt { why: "set out".to_owned() };
        append(&path, &Ended { outcome: set_out, seen_absent: false, ..ended(2) }).unwrap();
        append(&path, &ended(2)).unwrap();
        prepare(&path).unwrap();
        assert_eq!(read(&path).unwrap(), [ended(1), ended(2)]);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), ROOM);
        clear(&path).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }
}
