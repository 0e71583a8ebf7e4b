//! Eyes on the targets: every membership and token that came or went in the files, and when. They
//! know nothing of Placet. A file is replaced as a whole, so each look sees one that somebody wrote.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use placet_domain::Timestamp;

use crate::company::now;

/// Something that lets somebody in: `native account` in a group file, a whole line in a token file.
pub type Thing = String;

#[derive(Clone, Debug)]
pub struct Change {
    pub at: Timestamp,
    pub thing: Thing,
    pub came: bool,
}

/// A thread that looks until it is let go.
pub struct Eyes {
    seen: Arc<Mutex<Vec<Change>>>,
    shut: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Eyes {
    pub fn on(files: Vec<PathBuf>) -> Self {
        let (seen, shut) = (Arc::<Mutex<Vec<Change>>>::default(), Arc::new(AtomicBool::new(false)));
        let (noted, closing) = (Arc::clone(&seen), Arc::clone(&shut));
        // What stands there before anything begins is nobody's doing.
        let mut files: Vec<Watched> = files.into_iter().map(Watched::new).collect();
        let thread = std::thread::spawn(move || {
            while !closing.load(Ordering::SeqCst) {
                for file in &mut files {
                    noted.lock().unwrap().extend(file.look());
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { seen, shut, thread: Some(thread) }
    }

    /// Everything that changed so far.
    pub fn seen(&self) -> Vec<Change> {
        // One more round, so that what changed just now is in it.
        std::thread::sleep(Duration::from_millis(5));
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Eyes {
    fn drop(&mut self) {
        self.shut.store(true, Ordering::SeqCst);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Watched {
    path: PathBuf,
    known: (u64, i64, i64),
    things: BTreeSet<Thing>,
}

impl Watched {
    fn new(path: PathBuf) -> Self {
        let mut watched = Self { path, known: (0, 0, 0), things: BTreeSet::new() };
        watched.look();
        watched
    }

    fn look(&mut self) -> Vec<Change> {
        let Ok(metadata) = std::fs::metadata(&self.path) else { return Vec::new() };
        let known = (metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
        if known == self.known {
            return Vec::new();
        }
        self.known = known;
        let (at, things) = (now(), things(&self.path));
        let came = things.difference(&self.things).map(|thing| (thing, true));
        let went = self.things.difference(&things).map(|thing| (thing, false));
        let changes = came
            .chain(went)
            .map(|(thing, came)| Change { at, thing: thing.clone(), came })
            .collect();
        self.things = things;
        changes
    }
}

/// Everything in a file that lets somebody in.
pub fn things(path: &Path) -> BTreeSet<Thing> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut out = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with("sha256:") {
            out.insert(line.to_owned());
        } else if let Some((group, members)) = line.split_once(':') {
            out.extend(members.split_whitespace().map(|member| format!("{group} {member}")));
        }
    }
    out
}
