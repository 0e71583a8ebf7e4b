//! The tree: sizes around the edges of tiles, proofs against a library that we do not use, receipts.

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use placet_domain::canonical::Digest;
use placet_ledger::proof::{
    check_consistency, check_inclusion, prove_consistency, prove_inclusion, tiles_for_consistency,
    tiles_for_inclusion,
};
use placet_ledger::{Checkpoint, Edge, Head, Proof, Receipt};
use proptest::prelude::*;

use crate::log::key;

type Tiles = BTreeMap<(u8, u64), Vec<u8>>;

fn leaf(n: u64) -> Vec<u8> {
    format!("leaf {n}").into_bytes()
}

/// A tree of `size` leaves, appended in batches; and its head at each of `stops`.
fn grow(size: u64, batch: u64, stops: &[u64]) -> (Edge, Tiles, BTreeMap<u64, Head>) {
    let (mut edge, mut tiles, mut heads) = (Edge::empty(), Tiles::new(), BTreeMap::new());
    let mut ends: Vec<u64> =
        (0..size).step_by(batch as usize).chain(stops.iter().copied()).collect();
    ends.push(size);
    ends.sort_unstable();
    for end in ends {
        let leaves: Vec<Vec<u8>> = (edge.size()..end).map(leaf).collect();
        for tile in edge.append(leaves.iter().map(Vec::as_slice)) {
            tiles.insert((tile.level, tile.index), tile.bytes);
        }
        heads.insert(end, edge.head().unwrap());
    }
    (edge, tiles, heads)
}

fn theirs(size: u64) -> MemoryBackedTree<sha2_011::Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|n| tree.push(leaf(n)));
    tree
}

#[test]
fn every_size_around_the_edge_of_a_tile_holds() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537] {
        let (edge, tiles, heads) = grow(size, 1000, &[]);
        let head = heads[&size];
        let root: [u8; 32] = theirs(size).root().as_bytes().as_slice().try_into().unwrap();
        assert_eq!(head.root, Digest::from_bytes(root), "root of {size}");
        let asked = Edge::tiles(size);
        let loaded = Edge::load(size, |level, index| {
            assert!(asked.iter().any(|tile| (tile.level, tile.index) == (level, index)));
            tiles.get(&(level, index)).cloned()
        });
        assert_eq!(loaded.unwrap(), edge, "{size}");
        let stored: u64 =
            tiles.iter().filter(|(k, _)| k.0 == 0).map(|(_, b)| b.len() as u64 / 32).sum();
        assert_eq!(stored, size, "each leaf stands in one tile");
        for index in [0, 1, size / 2, size.saturating_sub(1)].into_iter().filter(|i| *i < size) {
            let read = |level, index| tiles.get(&(level, index)).cloned();
            let proof = prove_inclusion(index, head, read).unwrap();
            check_inclusion(index, &leaf(index), head, &proof).unwrap();
            assert!(check_inclusion(index, b"another", head, &proof).is_err());
        }
        assert!(prove_inclusion(size, head, |_, _| None).is_err());
        assert!(tiles_for_inclusion(size, size).is_empty());
    }
}

#[test]
fn the_empty_tree_is_where_every_tree_grows_from() {
    let (_, _, heads) = grow(300, 7, &[]);
    let (empty, head) = (Head::empty(), heads[&300]);
    assert_eq!(heads[&0], empty);
    check_consistency(empty, empty, &Proof::default()).unwrap();
    check_consistency(empty, head, &Proof::default()).unwrap();
    check_consistency(head, head, &Proof::default()).unwrap();
    let other = Head { root: Digest::of(b"other"), ..head };
    assert!(check_consistency(other, head, &Proof::default()).is_err());
    assert!(check_consistency(Head { size: 0, ..other }, head, &Proof::default()).is_err());
    let older = check_consistency(head, heads[&294], &Proof::default()).unwrap_err();
    assert!(older.to_string().contains("is older than"), "{older}");
}

#[test]
fn an_edge_that_does_not_fit_is_refused() {
    let (_, tiles, _) = grow(600, 600, &[]);
    let load = |size, cut: usize| {
        Edge::load(size, |level, index| {
            tiles.get(&(level, index)).map(|bytes| bytes[..bytes.len() - cut].to_vec())
        })
    };
    assert!(load(600, 0).is_ok());
    assert!(load(600, 32).is_err(), "cut");
    assert!(load(599, 0).is_err(), "too wide: the database was rolled back in part");
    assert!(load(800, 0).is_err(), "missing");
    assert!(load(u64::MAX, 0).is_err(), "impossible");
}

#[test]
fn a_changed_tile_proves_nothing() {
    let (_, tiles, heads) = grow(700, 700, &[]);
    let read = |level, index| {
        let mut bytes = tiles.get(&(level, index)).cloned()?;
        if (level, index) == (0, 1) {
            bytes[40] ^= 1;
        }
        Some(bytes)
    };
    let refused = prove_inclusion(300, heads[&700], read).unwrap_err();
    assert!(refused.to_string().contains("do not make the root"), "{refused}");
    assert!(prove_inclusion(300, heads[&700], |_, _| None).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_are_those_of_another_library(size in 1u64..3000, a: u64, b: u64, batch in 1u64..700) {
        let (index, old) = (a % size, 1 + b % size);
        let (_, tiles, heads) = grow(size, batch, &[old]);
        let (head, before) = (heads[&size], heads[&old]);
        let asked = tiles_for_inclusion(index, size);
        let inclusion = prove_inclusion(index, head, |level, index| {
            assert!(asked.iter().any(|tile| (tile.level, tile.index) == (level, index)));
            tiles.get(&(level, index)).cloned()
        }).unwrap();
        let asked = tiles_for_consistency(old, size);
        let consistency = prove_consistency(old, head, |level, index| {
            assert!(asked.iter().any(|tile| (tile.level, tile.index) == (level, index)));
            tiles.get(&(level, index)).cloned()
        }).unwrap();
        let bytes = |proof: &Proof| proof.hashes().iter().flat_map(|h| *h.as_bytes()).collect::<Vec<u8>>();
        let other = theirs(size);
        prop_assert_eq!(bytes(&inclusion), other.prove_inclusion(index as usize).as_bytes().to_vec());
        check_inclusion(index, &leaf(index), head, &inclusion).unwrap();
        check_consistency(before, head, &consistency).unwrap();
        if old < size {
            let added = (size - old) as usize;
            prop_assert_eq!(bytes(&consistency), other.prove_consistency(added).as_bytes().to_vec());
            let forked = Head { root: Digest::of(b"fork"), ..before };
            prop_assert!(check_consistency(forked, head, &consistency).is_err());
            let forked = Head { root: Digest::of(b"fork"), ..head };
            prop_assert!(check_consistency(before, forked, &consistency).is_err());
        }
        // The older tree can be proved from tiles that have grown since.
        let older = prove_inclusion(index % old, before, |level, index| tiles.get(&(level, index)).cloned());
        check_inclusion(index % old, &leaf(index % old), before, &older.unwrap()).unwrap();
    }

    #[test]
    fn no_text_makes_a_reader_panic(
        receipt in "(c2sp.org/tlog-proof@v1\n)?(index [0-9]{1,25}\n)?[A-Za-z0-9+/=\n]{0,200}",
        note in "(placet.test/log\n)?([0-9]{1,25}\n)?[A-Za-z0-9+/=\n]{0,60}\n\n(— placet.test/log )?[A-Za-z0-9+/=\n]{0,120}",
        any in any::<String>(),
    ) {
        let verifier = key().verifier();
        for text in [&receipt, &note, &any] {
            let _ = Receipt::parse(text);
            let _ = Checkpoint::open(text, &verifier);
            let _ = text.parse::<placet_ledger::VerifierKey>();
            let _ = placet_ledger::LogKey::from_private_text(text);
            let _ = placet_ledger::evidence::verify(text, &verifier);
        }
    }

    #[test]
    fn no_proof_makes_the_checks_panic(index: u64, size: u64, other: u64, hashes in 0usize..130, small: bool) {
        let (index, size, other) = if small { (index % 9, size % 9, other % 9) } else { (index, size, other) };
        let lines = vec!["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(); hashes];
        let Ok(proof) = Proof::try_from(lines) else { return Ok(()) };
        let head = |size| Head { size, root: Digest::of(b"x") };
        prop_assert!(check_inclusion(index, b"leaf", head(size), &proof).is_err());
        let forged = check_consistency(head(other), head(size), &proof);
        prop_assert!(forged.is_err() || (other == size && hashes == 0));
        // The one entry of a tree of one needs no hash, so nothing is read that could be wrong.
        let proved = prove_inclusion(index, head(size), |_, _| Some(vec![0; 40]));
        prop_assert!(proved.is_err() || (index, size) == (0, 1));
        let _ = prove_consistency(other, head(size), |_, _| Some(vec![0; 40]));
        let _ = (tiles_for_inclusion(index, size), tiles_for_consistency(other, size));
    }
}

#[test]
fn a_receipt_survives_its_text_and_no_byte_of_it_can_change() {
    let (_, tiles, heads) = grow(300, 300, &[]);
    let head = heads[&300];
    let proof = prove_inclusion(77, head, |l, i| tiles.get(&(l, i)).cloned()).unwrap();
    let checkpoint = Checkpoint::sign(&key(), head).unwrap();
    let receipt = Receipt { index: 77, proof, checkpoint };
    let text = receipt.to_text();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 77\n"));
    assert_eq!(Receipt::parse(&text).unwrap(), receipt);
    let verifier = key().verifier();
    let verify = |text: &str| Receipt::parse(text)?.verify(&leaf(77), &verifier);
    assert_eq!(verify(&text).unwrap().head(), head);
    let extra = text.replacen("index", "extra AAAA\nindex", 1);
    assert!(verify(&extra).is_ok(), "an extra line is read over");
    for at in 0..text.len() {
        for pattern in [0x01, 0x20, 0xff] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= pattern;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(verify(&text).is_err(), "byte {at}");
        }
    }
    assert!(receipt.verify(&leaf(78), &verifier).is_err());
}
