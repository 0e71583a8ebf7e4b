//! The log as files that any C2SP `tlog-tiles` client reads: `checkpoint`, `tile/<L>/<N>` and
//! `tile/entries/<N>`, partial tiles as `.p/<W>`.
//!
//! Entries are pushed one by one, and files come out as they are complete: at most one bundle of
//! 256 entries and the right edge are in memory. Nothing here writes a file.

use crate::checkpoint::{Checkpoint, Head};
use crate::error::Error;
use crate::key::VerifierKey;
use crate::tree::{Edge, HEIGHT, Tile};

/// Entries in one full bundle.
pub const BUNDLE: usize = 1 << HEIGHT;

/// A file of the export: its path, with `/` between the parts, and its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Where the signed checkpoint stands.
pub const CHECKPOINT: &str = "checkpoint";

/// The number of a tile in groups of three digits (`x001/x234/067`), and its width if partial.
fn number(index: u64, width: usize) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width < BUNDLE { format!("{text}.p/{width}") } else { text }
}

/// The path of the bundle of entries `index`, of which `width` are in it.
pub(crate) fn bundle_path(index: u64, width: usize) -> String {
    format!("tile/entries/{}", number(index, width))
}

fn tile_file(tile: Tile) -> File {
    let width = tile.bytes.len() / tlog_tiles::HASH_SIZE;
    File { path: format!("tile/{}/{}", tile.level, number(tile.index, width)), bytes: tile.bytes }
}

/// Turns entries, in order from the first, into the files of an export.
#[derive(Debug, Default)]
pub struct Exporter {
    edge: Edge,
    bundle: Vec<u8>,
}

impl Exporter {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    pub fn head(&self) -> Result<Head, Error> {
        self.edge.head()
    }

    /// Takes the stored bytes of the next entry; answers with the files that became complete.
    pub fn push(&mut self, body: &[u8]) -> Result<Vec<File>, Error> {
        let index = self.edge.size();
        let length = u16::try_from(body.len()).map_err(|_| Error::Entry {
            index,
            why: format!("its {} bytes are more than a bundle can carry", body.len()),
        })?;
        self.bundle.extend(length.to_be_bytes());
        self.bundle.extend(body);
        let mut full = Vec::new();
        self.edge.push(body, &mut full);
        let mut files = Vec::new();
        if self.edge.size().is_multiple_of(BUNDLE as u64) {
            let bytes = std::mem::take(&mut self.bundle);
            files.push(File { path: bundle_path(index / BUNDLE as u64, BUNDLE), bytes });
        }
        files.extend(full.into_iter().map(tile_file));
        Ok(files)
    }

    /// The last files: what is not full, and the checkpoint, which must be of exactly these
    /// entries. An export that its own key would refuse is not finished.
    pub fn finish(self, checkpoint: &str, key: &VerifierKey) -> Result<Vec<File>, Error> {
        let signed = Checkpoint::open(checkpoint, key)?;
        same_tree(signed.head(), self.edge.head()?)?;
        let mut files = self.partial();
        files.push(File { path: CHECKPOINT.to_owned(), bytes: checkpoint.as_bytes().to_vec() });
        Ok(files)
    }

    /// The bundle and the tiles that are not full.
    pub(crate) fn partial(self) -> Vec<File> {
        let size = self.edge.size();
        let width = (size % BUNDLE as u64) as usize;
        let path = bundle_path(size / BUNDLE as u64, width);
        let bundle = (width > 0).then_some(File { path, bytes: self.bundle });
        bundle.into_iter().chain(self.edge.partial().into_iter().map(tile_file)).collect()
    }
}

/// That the entries at hand are those that were signed.
pub(crate) fn same_tree(signed: Head, found: Head) -> Result<(), Error> {
    if signed == found {
        return Ok(());
    }
    let why = if signed.size == found.size {
        format!("the {} entries are not those that were signed", found.size)
    } else {
        format!("{} entries were signed, and {} are here", signed.size, found.size)
    };
    Err(Error::Checkpoint { why })
}
