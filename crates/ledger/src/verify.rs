//! The whole log, checked from its entries: by whoever holds the database, and by whoever holds
//! nothing but an export and a key.

use placet_domain::canonical::Digest;
use placet_domain::entry::Entry;
use serde::Serialize;

use crate::checkpoint::{Checkpoint, Head};
use crate::error::Error;
use crate::export::{BUNDLE, CHECKPOINT, Exporter, File, bundle_path, same_tree};
use crate::key::VerifierKey;
use crate::trail::{Links, decode};
use crate::tree::Edge;

/// Checks entries one after another, as they come from a database.
///
/// Beside the right edge it remembers the head of every trail and the version of every stream: a
/// few hundred bytes for each request that ever was.
#[derive(Debug, Default)]
pub struct Verifier {
    edge: Edge,
    links: Links,
}

impl Verifier {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the stored bytes of entry `index`; they must come from 0 on without a gap. The error
    /// names the entry at fault.
    pub fn push(&mut self, index: u64, body: &[u8]) -> Result<Entry, Error> {
        let at_fault = |why: String| Error::Entry { index, why };
        if index != self.edge.size() {
            return Err(at_fault(format!("entry {} should come here", self.edge.size())));
        }
        let entry = decode(index, body)?;
        self.links.follow(&entry, Digest::of(body)).map_err(at_fault)?;
        self.edge.push(body, &mut Vec::new());
        Ok(entry)
    }

    /// The tree over what was pushed so far; compare it where an older checkpoint is remembered.
    pub fn head(&self) -> Result<Head, Error> {
        self.edge.head()
    }

    /// That what was pushed is what was signed.
    pub fn finish(self, checkpoint: &Checkpoint) -> Result<(), Error> {
        same_tree(checkpoint.head(), self.edge.head()?)
    }
}

/// What an export turned out to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Exported {
    pub checkpoint: Checkpoint,
    /// How many files were read and compared byte by byte.
    pub files: u64,
}

/// Verifies an exported log. `read` gives a file by its path, or none if there is no such file.
///
/// Every entry is read, linked and hashed, every bundle and tile is compared with what the entries
/// make, and the root with the signed checkpoint. If a checkpoint is `remembered`, the log must
/// have grown from it. Files that a log of this size does not have are not looked at.
pub fn verify_export<R>(
    mut read: R,
    key: &VerifierKey,
    remembered: Option<Head>,
) -> Result<Exported, Error>
where
    R: FnMut(&str) -> Option<Vec<u8>>,
{
    let file = |why: &str| {
        let (path, why) = (CHECKPOINT.to_owned(), why.to_owned());
        Error::File { path, why }
    };
    let text = read(CHECKPOINT).ok_or_else(|| file("it is missing"))?;
    let text = String::from_utf8(text).map_err(|_| file("it is not UTF-8 text"))?;
    let checkpoint = Checkpoint::open(&text, key)?;
    if let Some(remembered) = remembered.filter(|one| one.size > checkpoint.size) {
        let why = format!(
            "it ends at {} entries, and {} are remembered: it was rolled back",
            checkpoint.size, remembered.size
        );
        return Err(Error::Checkpoint { why });
    }
    let mut check = Check { verifier: Verifier::new(), exporter: Exporter::new(), files: 1 };
    check.remembers(remembered)?;
    while check.exporter.size() < checkpoint.size {
        let first = check.exporter.size();
        let width = (checkpoint.size - first).min(BUNDLE as u64) as usize;
        let path = bundle_path(first / BUNDLE as u64, width);
        let bundle = read(&path);
        let bundle = bundle.ok_or_else(|| bad_file(&path, "it is missing"))?;
        check.bundle(&path, &bundle, width, remembered, &mut read)?;
    }
    let Check { verifier, exporter, mut files } = check;
    for expected in exporter.partial() {
        compare(&expected, &mut read)?;
        files += 1;
    }
    verifier.finish(&checkpoint)?;
    Ok(Exported { checkpoint, files })
}

fn bad_file(path: &str, why: &str) -> Error {
    Error::File { path: path.to_owned(), why: why.to_owned() }
}

fn compare<R>(expected: &File, read: &mut R) -> Result<(), Error>
where
    R: FnMut(&str) -> Option<Vec<u8>>,
{
    match read(&expected.path) {
        Some(found) if found == expected.bytes => Ok(()),
        Some(_) => Err(bad_file(&expected.path, "it is not what the entries make")),
        None => Err(bad_file(&expected.path, "it is missing")),
    }
}

struct Check {
    verifier: Verifier,
    exporter: Exporter,
    files: u64,
}

impl Check {
    /// Takes a bundle of entries apart, and compares what becomes complete by them.
    fn bundle<R>(
        &mut self,
        path: &str,
        bundle: &[u8],
        width: usize,
        remembered: Option<Head>,
        read: &mut R,
    ) -> Result<(), Error>
    where
        R: FnMut(&str) -> Option<Vec<u8>>,
    {
        let mut rest = bundle;
        for _ in 0..width {
            let (body, after) =
                split_entry(rest).ok_or_else(|| bad_file(path, "it is cut short"))?;
            rest = after;
            self.verifier.push(self.exporter.size(), body)?;
            for expected in self.exporter.push(body)? {
                compare(&expected, read)?;
                self.files += 1;
            }
            self.remembers(remembered)?;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(bad_file(path, "it has more entries than belong"))
        }
    }

    /// Where the remembered checkpoint ended, the tree must be the remembered one.
    fn remembers(&self, remembered: Option<Head>) -> Result<(), Error> {
        let Some(remembered) = remembered.filter(|one| one.size == self.exporter.size()) else {
            return Ok(());
        };
        if self.exporter.head()? == remembered {
            return Ok(());
        }
        let size = remembered.size;
        let why = format!("its first {size} entries are not those that are remembered");
        Err(Error::Checkpoint { why })
    }
}

/// The first entry of a bundle (its length as two bytes, big-endian, then its bytes), and the rest.
fn split_entry(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
