//! The tree as it is kept: tiles of 256 hashes (C2SP `tlog-tiles`), and its right edge in memory.
//!
//! Only the last tile of each level is ever rewritten. All hashing is that of `tlog_tiles`; ours is
//! to know which tiles are not full yet.

use placet_domain::canonical::Digest;
use tlog_tiles::{Error as TlogError, HASH_SIZE, Hash, HashReader};

use crate::checkpoint::{Head, LARGEST};
use crate::error::Error;

/// Levels of the tree in one tile: 2^8 hashes.
pub(crate) const HEIGHT: u8 = 8;
const WIDTH: u64 = 1 << HEIGHT;
const FULL: usize = WIDTH as usize * HASH_SIZE;

/// A place in the tiling, and how many hashes stand there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TileName {
    pub level: u8,
    pub index: u64,
    /// From 1 to 256; the stored tile may have grown wider since.
    pub width: u16,
}

impl TileName {
    pub(crate) fn of(tile: &tlog_tiles::Tile) -> Self {
        let width = u16::try_from(tile.width()).unwrap_or(WIDTH as u16);
        Self { level: tile.level(), index: tile.level_index(), width }
    }
}

/// A tile to store: up to 256 hashes of 32 bytes. It replaces the one of the same level and index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tile {
    pub level: u8,
    pub index: u64,
    pub bytes: Vec<u8>,
}

/// The right edge of a tree: its size, and the last tile of each level while it is not full.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<u8>>,
}

/// Where the tile that is not full yet stands on a level of a tree of `size` entries.
fn at_edge(size: u64, level: u8) -> TileName {
    let shift = |levels: u32| size.checked_shr(levels * u32::from(HEIGHT)).unwrap_or(0);
    let level_size = shift(u32::from(level));
    let index = shift(u32::from(level) + 1);
    TileName { level, index, width: (level_size % WIDTH) as u16 }
}

impl Edge {
    /// The edge of a tree without entries.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The tiles that [`Edge::load`] reads for a tree of `size` entries.
    pub fn tiles(size: u64) -> Vec<TileName> {
        (0..HEIGHT).map(|level| at_edge(size, level)).filter(|tile| tile.width > 0).collect()
    }

    /// The edge of a stored tree. `read` gives a stored tile by level and index. A tile that is
    /// missing, or is not as wide as `size` says, is refused; whether it is the tile that was
    /// signed is shown by comparing [`Edge::head`] with the signed checkpoint.
    pub fn load(
        size: u64,
        mut read: impl FnMut(u8, u64) -> Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        if size > LARGEST {
            let why = format!("{size} is larger than any tree can be");
            return Err(Error::Checkpoint { why });
        }
        let mut levels = Vec::new();
        for TileName { level, index, width } in (0..HEIGHT).map(|level| at_edge(size, level)) {
            let wanted = usize::from(width) * HASH_SIZE;
            let bytes = if width == 0 { Some(Vec::new()) } else { read(level, index) };
            match bytes {
                Some(bytes) if bytes.len() == wanted => levels.push(bytes),
                found => {
                    let found = found.map_or(0, |bytes| bytes.len());
                    let why = format!("it has {found} bytes where {wanted} belong");
                    return Err(Error::Tile { level, index, why });
                }
            }
        }
        while levels.last().is_some_and(Vec::is_empty) {
            levels.pop();
        }
        Ok(Self { size, levels })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all entries (RFC 6962).
    pub fn root(&self) -> Result<Digest, Error> {
        let root = tlog_tiles::tree_hash(self.size, self)
            .map_err(|e| Error::Checkpoint { why: format!("the edge makes no root: {e}") })?;
        Ok(Digest::from_bytes(root.0))
    }

    pub fn head(&self) -> Result<Head, Error> {
        Ok(Head { size: self.size, root: self.root()? })
    }

    /// Appends entries, given as their stored bytes, and answers with the tiles to store: those
    /// that became full, then the last one of each level that changed.
    pub fn append<'a>(&mut self, leaves: impl IntoIterator<Item = &'a [u8]>) -> Vec<Tile> {
        let before = self.size;
        let mut tiles = Vec::new();
        for leaf in leaves {
            self.push(leaf, &mut tiles);
        }
        let changed = |tile: &Tile| at_edge(before, tile.level) != at_edge(self.size, tile.level);
        tiles.extend(self.partial().into_iter().filter(changed));
        tiles
    }

    /// The tiles that are not full yet.
    pub fn partial(&self) -> Vec<Tile> {
        let tile = |level: u8, bytes: &Vec<u8>| {
            let index = at_edge(self.size, level).index;
            (!bytes.is_empty()).then(|| Tile { level, index, bytes: bytes.clone() })
        };
        (0..).zip(&self.levels).filter_map(|(level, bytes)| tile(level, bytes)).collect()
    }

    /// Appends one entry; tiles that become full by it go to `full`.
    pub(crate) fn push(&mut self, leaf: &[u8], full: &mut Vec<Tile>) {
        let before = self.size;
        self.size += 1;
        let mut hash = tlog_tiles::record_hash(leaf);
        for level in 0..HEIGHT {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(Vec::with_capacity(FULL));
            }
            let Some(bytes) = self.levels.get_mut(at) else { return };
            bytes.extend_from_slice(&hash.0);
            if bytes.len() < FULL {
                return;
            }
            let bytes = std::mem::take(bytes);
            hash = tlog_tiles::Tile::subtree_hash(&bytes);
            full.push(Tile { level, index: at_edge(before, level).index, bytes });
        }
    }
}

/// Every subtree that a root is made of stands in a tile of the edge.
impl HashReader for Edge {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, TlogError> {
        let read = |index: u64| {
            let wanted = tlog_tiles::Tile::from_index(HEIGHT, index);
            let edge = at_edge(self.size, wanted.level());
            let bytes = self.levels.get(usize::from(wanted.level()));
            let bytes = bytes.filter(|bytes| !bytes.is_empty() && edge.width > 0);
            let (true, Some(bytes)) = (edge.index == wanted.level_index(), bytes) else {
                return Err(TlogError::IndexesNotInTree);
            };
            tlog_tiles::Tile::new(HEIGHT, edge.level, edge.index, edge.width.into(), false)
                .hash_at_index(bytes, index)
        };
        indexes.iter().map(|index| read(*index)).collect()
    }
}
