//! The exported log: verified whole, refused after any change.

use std::collections::BTreeMap;

use placet_domain::id::{IdentityId, Stream};
use placet_domain::identity::{Event as IdentityEvent, Identity};
use placet_domain::{actor::Actor, event::Event};
use placet_ledger::{Checkpoint, Edge, Error, Exporter, Head, Verifier, verify_export};

use crate::log::{Draft, Log, export, key};
use crate::story::{Story, Way, id, minute};

type Files = BTreeMap<String, Vec<u8>>;

/// A real story, and then identities that come and go until there are `size` entries.
pub fn long_log(size: usize) -> Log {
    let mut log = Story::founded(Way::People).ended().log();
    let registered = log.entries.iter().find_map(|entry| match &entry.event.0 {
        Event::Identity(IdentityEvent::Registered(identity)) => Some(identity.clone()),
        _ => None,
    });
    let template = registered.unwrap();
    let mut n = 5000;
    while log.entries.len() < size {
        n += 1;
        let stream = Stream::Identity(id::<IdentityId>(n / 2 + 5000));
        let event = if n % 2 == 0 {
            let identity = Identity { id: id(n / 2 + 5000), ..template.clone() };
            IdentityEvent::Registered(identity)
        } else {
            IdentityEvent::Deactivated {}
        };
        let event = Event::Identity(event);
        let (at, actor, trail) = (minute(300), Actor::Founding, stream.clone());
        log.append(Draft { at, actor, stream, trail, event });
    }
    log
}

fn head_of(bodies: &[Vec<u8>]) -> Head {
    let mut edge = Edge::empty();
    edge.append(bodies.iter().map(Vec::as_slice));
    edge.head().unwrap()
}

fn verify(files: &Files, remembered: Option<Head>) -> Result<(), Error> {
    verify_export(|path| files.get(path).cloned(), &key().verifier(), remembered).map(|_| ())
}

#[test]
fn a_whole_export_holds_and_has_the_known_layout() {
    let log = long_log(600);
    let files = log.export();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/88",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/88",
        ]
    );
    let read = |path: &str| files.get(path).cloned();
    let exported = verify_export(read, &key().verifier(), None).unwrap();
    assert_eq!((exported.checkpoint.size, exported.files), (600, 8));
    // The tiles of the export are the tiles of the store.
    assert_eq!(files["tile/0/001"], log.tiles[&(0, 1)]);
    assert_eq!(files["tile/0/002.p/88"], log.tiles[&(0, 2)]);
}

#[test]
fn an_export_that_its_own_key_would_refuse_is_not_finished() {
    let log = long_log(30);
    let finish = |bodies: &[Vec<u8>]| {
        let mut exporter = Exporter::new();
        for body in bodies {
            exporter.push(body).unwrap();
        }
        exporter.finish(&log.checkpoint(), &key().verifier()).map(|files| files.len())
    };
    assert_eq!(finish(&log.bodies), Ok(3));
    assert!(finish(&log.bodies[..29]).unwrap_err().to_string().contains("and 29 are here"));
    let mut swapped = log.bodies.clone();
    swapped.swap(3, 4);
    assert!(finish(&swapped).unwrap_err().to_string().contains("not those that were signed"));
    assert!(Exporter::new().push(&vec![0; 65_536]).is_err());
}

#[test]
fn exports_of_every_small_size_hold() {
    let whole = long_log(520);
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513] {
        let checkpoint = Checkpoint::sign(&key(), head_of(&whole.bodies[..size])).unwrap();
        let files = export(&whole.bodies[..size], &checkpoint);
        assert_eq!(verify(&files, None), Ok(()), "{size}");
    }
}

/// The third level of tiles begins at 65,536.
#[test]
fn exports_around_the_edge_of_the_third_level_hold() {
    let whole = long_log(65_537);
    for size in [65_535, 65_536, 65_537] {
        let head = head_of(&whole.bodies[..size]);
        let checkpoint = Checkpoint::sign(&key(), head).unwrap();
        let files = export(&whole.bodies[..size], &checkpoint);
        assert_eq!(files.contains_key("tile/2/000.p/1"), size >= 65_536, "{size}");
        assert_eq!(verify(&files, None), Ok(()), "{size}");
        // What lies at the edge is held like everything else.
        let (path, at) = ("tile/entries/255".to_owned(), 200);
        let path = if size == 65_535 { format!("{path}.p/255") } else { path };
        let mut changed = files.clone();
        changed.get_mut(&path).unwrap()[at] ^= 1;
        assert!(verify(&changed, None).is_err(), "{size}");
    }
}

#[test]
fn no_single_byte_of_an_export_can_change() {
    // The target, the entitlement, and a request.
    let log = Log::of(&Story::founded(Way::People).asked().drafts[9..]);
    let files = log.export();
    let mut tried = 0;
    for path in files.keys() {
        for at in 0..files[path].len() {
            for pattern in [0x01, 0x80, 0xff] {
                let mut changed = files.clone();
                changed.get_mut(path).unwrap()[at] ^= pattern;
                assert!(verify(&changed, None).is_err(), "byte {at} of {path}");
                tried += 1;
            }
        }
    }
    assert!(tried > 7_000, "{tried}");
}

#[test]
fn files_cannot_be_missing_cut_or_longer() {
    let log = long_log(300);
    let files = log.export();
    for path in files.keys() {
        let change = |to: &dyn Fn(&mut Files)| {
            let mut files = files.clone();
            to(&mut files);
            verify(&files, None).unwrap_err().to_string()
        };
        assert!(change(&|files| drop(files.remove(path))).contains(path), "{path}");
        change(&|files| assert!(files.get_mut(path).unwrap().pop().is_some()));
        change(&|files| files.get_mut(path).unwrap().push(b'\n'));
    }
}

#[test]
fn entries_cannot_be_dropped_doubled_or_swapped_even_with_tiles_that_match() {
    let log = long_log(280);
    let refused = |bodies: Vec<Vec<u8>>, links_break: bool, what: &str| {
        // The checkpoint that was signed, with files that were made to fit the changed entries.
        let mut exporter = Exporter::new();
        let mut files = Files::new();
        let mut edge = Edge::empty();
        for body in &bodies {
            for file in exporter.push(body).unwrap() {
                files.insert(file.path, file.bytes);
            }
            edge.append([body.as_slice()]);
        }
        let own = Checkpoint::sign(&key(), edge.head().unwrap()).unwrap();
        for file in exporter.finish(&own, &key().verifier()).unwrap() {
            files.insert(file.path, file.bytes);
        }
        // In a trail, even the log's own key would not help: the links of its entries break.
        assert_eq!(verify(&files, None).is_err(), links_break, "{what}");
        files.insert("checkpoint".to_owned(), log.checkpoint().into_bytes());
        assert!(verify(&files, None).is_err(), "{what}");
    };
    for at in [0, 1, 17, 20, 255, 256, 278] {
        let mut bodies = log.bodies.clone();
        bodies.remove(at);
        refused(bodies, (11..23).contains(&at) || at == 255, "dropped");
        let mut bodies = log.bodies.clone();
        bodies.insert(at, log.bodies[at].clone());
        refused(bodies, true, "doubled");
    }
    let mut bodies = log.bodies.clone();
    bodies.pop();
    refused(bodies, false, "the last one dropped");
    for (a, b, linked) in [(13, 14, true), (14, 19, true), (278, 279, false)] {
        let mut bodies = log.bodies.clone();
        bodies.swap(a, b);
        refused(bodies, linked, "swapped");
    }
}

#[test]
fn the_streaming_verifier_names_the_first_entry_at_fault() {
    let log = long_log(40);
    let checkpoint = Checkpoint::open(&log.checkpoint(), &key().verifier()).unwrap();
    let run = |bodies: &[Vec<u8>]| {
        let mut verifier = Verifier::new();
        for (index, body) in (0..).zip(bodies) {
            verifier.push(index, body)?;
        }
        verifier.finish(&checkpoint)
    };
    assert_eq!(run(&log.bodies), Ok(()));
    let mut bodies = log.bodies.clone();
    bodies[14] = b"{}".to_vec();
    assert!(matches!(run(&bodies), Err(Error::Entry { index: 14, .. })));
    let mut bodies = log.bodies.clone();
    bodies.remove(14);
    assert!(matches!(run(&bodies), Err(Error::Entry { index: 14, .. })));
    bodies = log.bodies[..39].to_vec();
    assert!(run(&bodies).unwrap_err().to_string().contains("40 entries were signed, and 39"));
    let mut verifier = Verifier::new();
    assert!(verifier.push(1, &log.bodies[0]).is_err(), "a gap");
    // A node that counts its own rows can still not skip a version of a stream.
    let mut skipped = log.entries[20].clone();
    skipped.version += 1;
    let mut bodies = log.bodies.clone();
    bodies[20] = skipped.encode().unwrap();
    let fault = run(&bodies).unwrap_err().to_string();
    assert!(fault.contains("where") && fault.contains("belongs"), "{fault}");
}

#[test]
fn a_log_that_was_rolled_back_or_forked_is_refused_by_whoever_remembers() {
    let log = long_log(300);
    let files = log.export();
    assert_eq!(verify(&files, Some(log.head())), Ok(()));
    let older = head_of(&log.bodies[..257]);
    assert_eq!(verify(&files, Some(older)), Ok(()));
    assert_eq!(verify(&files, Some(Head::empty())), Ok(()));
    let forked = Head { root: log.head().root, ..older };
    let refused = verify(&files, Some(forked)).unwrap_err().to_string();
    assert!(refused.contains("not those that are remembered"), "{refused}");
    let newer = Head { size: 301, ..log.head() };
    let refused = verify(&files, Some(newer)).unwrap_err().to_string();
    assert!(refused.contains("rolled back"), "{refused}");
}

/// Every earlier state of a log is signed by the right key, and so is a fork of it.
#[test]
fn no_earlier_size_and_no_fork_is_taken_for_what_is_remembered() {
    let log = long_log(300);
    let signed = |bodies: &[Vec<u8>]| {
        let head = head_of(bodies);
        export(bodies, &Checkpoint::sign(&key(), head).unwrap())
    };
    for size in 0..log.bodies.len() {
        let refused = verify(&signed(&log.bodies[..size]), Some(log.head())).unwrap_err();
        assert!(refused.to_string().contains("rolled back"), "{size}: {refused}");
    }
    // As many entries, or more, of which one is another: the links of its trail hold.
    let mut other = log.bodies.clone();
    other.swap(278, 279);
    for size in [280, 300] {
        let remembered = head_of(&log.bodies[..size]);
        let refused = verify(&signed(&other), Some(remembered)).unwrap_err().to_string();
        assert!(refused.contains("not those that are remembered"), "{size}: {refused}");
    }
}
