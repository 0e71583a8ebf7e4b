//! Proofs of RFC 6962: that an entry is in a tree, and that one tree grew from another.
//!
//! Proving reads tiles and authenticates each against the root. First ask which tiles are needed,
//! load them from wherever they are, then prove; nothing here waits for anything.

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use placet_domain::canonical::Digest;
use serde::{Deserialize, Serialize};
use tlog_tiles::{Error as TlogError, HASH_SIZE, Hash, TileHashReader, TileReader};

use crate::checkpoint::{Head, LARGEST};
use crate::error::Error;
use crate::tree::{HEIGHT, TileName};

/// No proof in a tree that can exist is longer.
const LONGEST: usize = 128;

/// The hashes of a proof, written as standard base64, from the leaf up.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct Proof(Vec<Digest>);

impl Proof {
    pub fn hashes(&self) -> &[Digest] {
        &self.0
    }

    fn of(hashes: &[Hash]) -> Self {
        Self(hashes.iter().map(|hash| Digest::from_bytes(hash.0)).collect())
    }

    fn to_hashes(&self) -> Vec<Hash> {
        self.0.iter().map(|digest| Hash(*digest.as_bytes())).collect()
    }
}

impl From<Proof> for Vec<String> {
    fn from(proof: Proof) -> Vec<String> {
        proof.0.iter().map(|hash| STANDARD.encode(hash.as_bytes())).collect()
    }
}

impl TryFrom<Vec<String>> for Proof {
    type Error = Error;

    fn try_from(lines: Vec<String>) -> Result<Self, Error> {
        if lines.len() > LONGEST {
            return Err(refused("it is longer than any proof can be"));
        }
        let read = |line: &String| {
            let bytes = STANDARD.decode(line).ok()?;
            <[u8; 32]>::try_from(bytes).ok().map(Digest::from_bytes)
        };
        let hashes: Option<Vec<Digest>> = lines.iter().map(read).collect();
        hashes.map(Self).ok_or_else(|| refused("each of its lines is the base64 of 32 bytes"))
    }
}

fn refused(why: &str) -> Error {
    Error::Proof { why: why.to_owned() }
}

/// What is to be proved about a tree.
#[derive(Clone, Copy)]
enum Ask {
    Inclusion { index: u64 },
    Consistency { old: u64 },
}

fn prove<R: TileReader>(ask: Ask, head: Head, tiles: &R) -> Result<Vec<Hash>, TlogError> {
    let reader = TileHashReader::new(head.size, head.hash(), tiles);
    match ask {
        Ask::Inclusion { index } => tlog_tiles::prove_record(head.size, index, &reader),
        Ask::Consistency { old } => tlog_tiles::prove_tree(head.size, old, &reader),
    }
}

/// Writes down which tiles are asked for, and answers with none.
#[derive(Default)]
struct Plan(RefCell<Vec<TileName>>);

impl TileReader for Plan {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, TlogError> {
        self.0.borrow_mut().extend(tiles.iter().map(TileName::of));
        Err(TlogError::InvalidInput("only planned".to_owned()))
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

fn plan(ask: Ask, size: u64) -> Vec<TileName> {
    let plan = Plan::default();
    // It ends in an error once tiles were asked for, and in an empty proof where none is needed.
    let _ = prove(ask, Head { size, ..Head::empty() }, &plan);
    plan.0.into_inner()
}

/// Reads tiles that were loaded before. A tile may have grown since the tree that is proved.
struct Loaded<F>(F);

impl<F: Fn(u8, u64) -> Option<Vec<u8>>> TileReader for Loaded<F> {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, TlogError> {
        let read = |tile: &tlog_tiles::Tile| {
            let mut bytes = (self.0)(tile.level(), tile.level_index())?;
            let wanted = tile.width() as usize * HASH_SIZE;
            (bytes.len() >= wanted).then(|| {
                bytes.truncate(wanted);
                bytes
            })
        };
        let all: Result<Vec<Vec<u8>>, TlogError> =
            tiles.iter().map(|tile| read(tile).ok_or(TlogError::InvalidTile)).collect();
        let all = all?;
        check_full_tiles(tiles, &all)?;
        Ok(all)
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Checks every full tile against its hash in the tile above it, where that one was read too.
///
/// `tlog_tiles` 0.2.0 means to do this itself and skips some: it starts at tile number
/// `stx.len()`, counting subtrees, where the tiles that they stand in are fewer (the same line
/// stands in Go's `sumdb/tlog`). Tiles without one above are checked there, by the root.
fn check_full_tiles(tiles: &[tlog_tiles::Tile], all: &[Vec<u8>]) -> Result<(), TlogError> {
    let known: BTreeMap<(u8, u64), &Vec<u8>> = tiles
        .iter()
        .zip(all)
        .map(|(tile, bytes)| ((tile.level(), tile.level_index()), bytes))
        .collect();
    for ((level, index), bytes) in &known {
        let above = known.get(&(level.saturating_add(1), index >> HEIGHT));
        let at = (index % (1 << HEIGHT)) as usize * HASH_SIZE;
        let Some(expected) = above.and_then(|above| above.get(at..at + HASH_SIZE)) else {
            continue;
        };
        if tlog_tiles::Tile::subtree_hash(bytes).0 != *expected {
            return Err(TlogError::InconsistentTile);
        }
    }
    Ok(())
}

fn run<F>(ask: Ask, head: Head, read: F) -> Result<Proof, Error>
where
    F: Fn(u8, u64) -> Option<Vec<u8>>,
{
    let hashes = prove(ask, head, &Loaded(read)).map_err(|e| match e {
        TlogError::InvalidTile => refused("a tile that it needs is missing or cut short"),
        _ => refused("the stored tiles do not make the root"),
    })?;
    Ok(Proof::of(&hashes))
}

fn in_tree(index: u64, size: u64) -> Result<(), Error> {
    if size > LARGEST {
        return Err(refused("the tree is larger than any tree can be"));
    }
    if index >= size {
        return Err(refused(&format!("entry {index} is not in a tree of {size} entries")));
    }
    Ok(())
}

/// The tiles that [`prove_inclusion`] needs; none if the entry is not in the tree.
pub fn tiles_for_inclusion(index: u64, size: u64) -> Vec<TileName> {
    if in_tree(index, size).is_err() {
        return Vec::new();
    }
    plan(Ask::Inclusion { index }, size)
}

/// Proves that entry `index` is in the tree `head`. `read` gives a stored tile by level and index;
/// every tile is checked against the root before its hashes are used.
pub fn prove_inclusion<F>(index: u64, head: Head, read: F) -> Result<Proof, Error>
where
    F: Fn(u8, u64) -> Option<Vec<u8>>,
{
    in_tree(index, head.size)?;
    run(Ask::Inclusion { index }, head, read)
}

/// Checks that `leaf` is entry `index` of the tree `head`.
pub fn check_inclusion(index: u64, leaf: &[u8], head: Head, proof: &Proof) -> Result<(), Error> {
    in_tree(index, head.size)?;
    let leaf = tlog_tiles::record_hash(leaf);
    tlog_tiles::check_record(&proof.to_hashes(), head.size, head.hash(), index, leaf)
        .map_err(|_| refused(&format!("entry {index} is not in the signed tree as it stands here")))
}

fn grows(old: u64, new: u64) -> Result<(), Error> {
    if new > LARGEST {
        return Err(refused("the tree is larger than any tree can be"));
    }
    if old > new {
        return Err(refused(&format!(
            "a tree of {new} entries is older than the one of {old} entries that is known"
        )));
    }
    Ok(())
}

/// The tiles that [`prove_consistency`] needs.
pub fn tiles_for_consistency(old: u64, new: u64) -> Vec<TileName> {
    if old == 0 || grows(old, new).is_err() {
        return Vec::new();
    }
    plan(Ask::Consistency { old }, new)
}

/// Proves that the tree `new` grew from its own first `old` entries.
pub fn prove_consistency<F>(old: u64, new: Head, read: F) -> Result<Proof, Error>
where
    F: Fn(u8, u64) -> Option<Vec<u8>>,
{
    grows(old, new.size)?;
    if old == 0 {
        return Ok(Proof::default());
    }
    run(Ask::Consistency { old }, new, read)
}

/// Checks that the tree `new` grew from the tree `old` by appending only.
pub fn check_consistency(old: Head, new: Head, proof: &Proof) -> Result<(), Error> {
    grows(old.size, new.size)?;
    let holds = if old.size == 0 {
        old == Head::empty() && proof.0.is_empty()
    } else if old.size == new.size {
        old.root == new.root && proof.0.is_empty()
    } else {
        let (old_hash, new_hash) = (old.hash(), new.hash());
        tlog_tiles::check_tree(&proof.to_hashes(), new.size, new_hash, old.size, old_hash).is_ok()
    };
    if holds {
        return Ok(());
    }
    Err(refused(&format!(
        "the tree of {} entries did not grow from the known tree of {} entries",
        new.size, old.size
    )))
}
