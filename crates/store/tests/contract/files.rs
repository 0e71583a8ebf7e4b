//! The files of a data directory: one program at a time, a database held against its signature and
//! the remembered checkpoint, a full disk, a checkpoint that cannot be written.

use std::time::Duration;

use placet_domain::canonical::Digest;
use placet_domain::id::EventId;
use placet_ledger::{Checkpoint, Head, LogKey};
use placet_store::{Duty, Error, Facts, Mode, Store};

use crate::commits::whole;
use crate::company::{Company, a_team, empty, person};
use crate::ground::{Ground, key};

/// A company on the ground, at work and gone again; nothing is open.
async fn left_behind(ground: &Ground) -> Company {
    let company = Company::found(ground.open().await).await;
    company.busy().await;
    company
}

async fn close(ground: &Ground, company: Company) -> placet_domain::target::Target {
    let target = company.target.clone();
    drop(company);
    ground.settled().await;
    target
}

/// Why a store only ends access now; nothing is committed, and everything can still be read.
async fn ending_only(store: &Store) -> String {
    let Mode::EndingOnly { why } = store.mode().clone() else {
        panic!("it takes new access as if nothing had happened")
    };
    let (commit, newcomer) = person("newcomer", None, &[]);
    match store.commit(commit).await.unwrap_err() {
        Error::EndingOnly { why: said } => assert_eq!(said, why),
        other => panic!("{other:?}"),
    }
    let mut facts = Facts::default();
    let found = store.load::<placet_domain::identity::Identity>(newcomer.id, &mut facts).await;
    assert_eq!(found.unwrap(), None);
    assert!(store.organisation(&mut Facts::default()).await.unwrap().is_some());
    assert!(!store.targets_due(Duty::End, crate::company::at(90_000)).await.unwrap().is_empty());
    why
}

#[tokio::test]
async fn one_program_works_on_a_data_directory() {
    let ground = Ground::sqlite();
    assert!(!Store::exists(ground.path("").as_path()));
    let store = ground.open().await;
    assert!(Store::exists(ground.path("").as_path()));
    let other = store.clone();
    assert!(matches!(ground.try_open().await, Err(Error::InUse)));
    drop(store);
    assert!(matches!(ground.try_open().await, Err(Error::InUse)), "a clone is still at work");
    drop(other);
    ground.open().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_store_was_dropped() {
    let ground = Ground::sqlite();
    let company = Company::found(ground.open().await).await;
    let mut acknowledged: Vec<EventId> = Vec::new();
    for _ in 0..20 {
        acknowledged.push(company.another_event().await.unwrap());
    }
    // No farewell, no waiting.
    drop(company);
    let store = ground.open().await;
    assert_eq!(*store.mode(), Mode::Normal);
    for event in acknowledged {
        store.receipt(event).await.unwrap();
    }
    whole(&store).await;
    assert_eq!(store.verify_state().await.unwrap().differences, []);
}

#[tokio::test]
async fn an_older_database_put_back_only_ends_access() {
    let ground = Ground::sqlite();
    let target = close(&ground, left_behind(&ground).await).await;
    let copy = ground.copy();
    let store = ground.open().await;
    let old = Checkpoint::open(&store.checkpoint().await.unwrap(), &key().verifier()).unwrap();
    crate::company::another_event(&store, target.id).await.unwrap();
    drop(store);
    ground.settled().await;
    ground.put_back_database(&copy);

    let store = ground.open().await;
    let why = ending_only(&store).await;
    let (ends, known) = (old.size, old.size + 1);
    let expect = format!(
        "the database was rolled back: it ends at entry {ends}, and {known} entries are remembered"
    );
    assert_eq!(why, expect);
    assert_eq!(store.verify_state().await.unwrap().differences, [], "reads work");
    let event = store.entries_from(0).await.unwrap()[0].id;
    store.receipt(event).await.unwrap();
    // It does not heal by being opened once more.
    drop(store);
    ground.settled().await;
    ending_only(&ground.open().await).await;
}

/// What somebody does to the files of a store that is not open.
enum Deed {
    Sql(&'static str),
    Remember(Vec<u8>),
    RememberDirectory,
}

#[tokio::test]
async fn whatever_was_forged_only_ends_access_and_says_why() {
    let ground = Ground::sqlite();
    close(&ground, left_behind(&ground).await).await;
    let copy = ground.copy();
    let sign = |key: &LogKey, head: Head| Checkpoint::sign(key, head).unwrap().into_bytes();
    let head = {
        let text = std::fs::read_to_string(ground.path("checkpoint")).unwrap();
        Checkpoint::open(&text, &key().verifier()).unwrap().head()
    };
    let stranger = LogKey::from_seed("placet.test/log", &[8; 32]).unwrap();
    let other_root = Head { root: Digest::of(b"another tree"), ..head };
    let smaller = Head { size: head.size - 1, root: Digest::of(b"another tree") };
    let broken =
        std::fs::read_to_string(ground.path("checkpoint")).unwrap().replace("placet", "Placet");
    let cases: Vec<(&str, Deed)> = vec![
        (
            "the signature of",
            Deed::Sql(
                "update ledger_head set checkpoint = replace(checkpoint, char(10) || size || char(10), char(10) || (size + 1) || char(10))",
            ),
        ),
        ("not a signed note", Deed::Sql("update ledger_head set checkpoint = 'nothing'")),
        ("", Deed::Sql("update ledger_head set size = size - 1")),
        ("", Deed::Sql("update ledger_head set size = size + 1")),
        ("", Deed::Sql("update ledger_head set size = 'many'")),
        ("", Deed::Sql("update ledger_head set size = -1")),
        ("rolled back", Deed::Sql("delete from ledger_head")),
        (
            "not the one that was signed",
            Deed::Sql(
                "update ledger_tile set hashes = replace(hashes, substr(hashes, 1, 64), substr(hashes, 65, 64))",
            ),
        ),
        ("", Deed::Sql("update ledger_tile set hashes = substr(hashes, 1, length(hashes) - 64)")),
        ("", Deed::Sql("update ledger_tile set hashes = substr(hashes, 1, 63)")),
        ("not hex", Deed::Sql("update ledger_tile set hashes = 'x' || substr(hashes, 2)")),
        ("", Deed::Sql("delete from ledger_tile")),
        ("did not sign it", Deed::Remember(sign(&stranger, head))),
        ("did not grow", Deed::Remember(sign(&key(), other_root))),
        ("did not grow", Deed::Remember(sign(&key(), smaller))),
        ("rolled back", Deed::Remember(sign(&key(), Head { size: head.size + 9, ..head }))),
        ("the remembered checkpoint: ", Deed::Remember(broken.into_bytes())),
        ("the remembered checkpoint: ", Deed::Remember(Vec::new())),
        ("the remembered checkpoint", Deed::Remember(vec![0xff, 0xfe, 0x00])),
        ("the remembered checkpoint", Deed::RememberDirectory),
    ];
    let remembered = std::fs::read(ground.path("checkpoint")).unwrap();
    for (n, (words, deed)) in cases.into_iter().enumerate() {
        match deed {
            Deed::Sql(edit) => ground.sql(edit).await.unwrap(),
            Deed::Remember(bytes) => std::fs::write(ground.path("checkpoint"), bytes).unwrap(),
            Deed::RememberDirectory => {
                std::fs::remove_file(ground.path("checkpoint")).unwrap();
                std::fs::create_dir(ground.path("checkpoint")).unwrap();
            }
        }
        let store = ground.try_open().await.unwrap_or_else(|e| panic!("case {n} `{words}`: {e}"));
        let why = ending_only(&store).await;
        assert!(why.contains(words), "case {n}: `{why}` does not say `{words}`");
        drop(store);
        ground.settled().await;
        ground.put_back_database(&copy);
        let _ = std::fs::remove_dir(ground.path("checkpoint"));
        std::fs::write(ground.path("checkpoint"), &remembered).unwrap();
    }
    assert_eq!(*ground.open().await.mode(), Mode::Normal, "put back as it was, it works again");
}

#[tokio::test]
async fn another_ledger_of_the_same_key_is_not_the_one_that_is_remembered() {
    let (ground, other) = (Ground::sqlite(), Ground::sqlite());
    close(&ground, left_behind(&ground).await).await;
    let company = left_behind(&other).await;
    company.another_event().await.unwrap();
    close(&other, company).await;
    ground.put_back_database(&other.copy());
    let why = ending_only(&ground.open().await).await;
    assert!(why.starts_with("the ledger did not grow from the remembered one"), "{why}");
}

#[tokio::test]
async fn a_ledger_of_another_key_only_ends_access() {
    let ground = Ground::sqlite();
    close(&ground, left_behind(&ground).await).await;
    let stranger = LogKey::from_seed("placet.test/log", &[8; 32]).unwrap();
    let store = Store::open(ground.settings(), stranger).await.unwrap();
    let why = ending_only(&store).await;
    assert!(why.contains("did not sign it"), "{why}");
}

#[tokio::test]
async fn a_missing_or_older_memory_is_no_reason_to_stop() {
    let ground = Ground::sqlite();
    let target = close(&ground, left_behind(&ground).await).await;
    let memory = || std::fs::read(ground.path("checkpoint")).unwrap();
    let before = memory();
    let grow = async || {
        let store = ground.open().await;
        assert_eq!(*store.mode(), Mode::Normal);
        crate::company::another_event(&store, target.id).await.unwrap();
        let note = store.checkpoint().await.unwrap();
        drop(store);
        ground.settled().await;
        assert_eq!(memory(), note.into_bytes(), "what is durable is remembered");
    };
    grow().await;
    // Died between the database and the file.
    std::fs::write(ground.path("checkpoint"), before).unwrap();
    grow().await;
    std::fs::remove_file(ground.path("checkpoint")).unwrap();
    grow().await;
    // Died while writing the file: what was half written is never read.
    std::fs::write(ground.path("checkpoint.new"), b"half a chec").unwrap();
    grow().await;
}

/// Everybody whose commit shares a transaction with one that fills the disk is told so.
#[tokio::test(flavor = "current_thread")]
async fn a_full_disk_is_said_to_everybody_and_leaves_nothing_half_done() {
    let mut ground = Ground::sqlite();
    let target = close(&ground, left_behind(&ground).await).await;
    let pages: u32 =
        ground.ask("select page_count || '' from pragma_page_count").await[0].parse().unwrap();
    ground.page_limit = Some(pages + 20);
    let store = ground.open().await;
    let before = ground.dump().await;
    let head = whole(&store).await;
    let mut callers = Vec::new();
    for n in 0..8 {
        let (mut commit, _) = person(&format!("late-{n}"), None, &[]);
        if n == 5 {
            let large = "x".repeat(1_000_000);
            commit.records.insert(Digest::of(large.as_bytes()), large);
        }
        let store = store.clone();
        callers.push(tokio::spawn(async move { store.commit(commit).await }));
    }
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Full), "{error:?}");
    }
    assert_eq!(ground.dump().await, before);
    assert_eq!(whole(&store).await, head);
    // What fits still goes in, through the same store; then there is no room for that either.
    store.commit(person("small", None, &[]).0).await.unwrap();
    let mut count = 0;
    let full = loop {
        match store.commit(person(&format!("more-{count}"), None, &[]).0).await {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full), "{full:?}");
    let refused = crate::company::another_event(&store, target.id).await;
    assert!(refused.is_ok() || matches!(refused, Err(Error::Full)), "{refused:?}");
    let head = whole(&store).await;
    assert_eq!(store.verify_state().await.unwrap().differences, []);
    assert_eq!(*store.mode(), Mode::Normal);
    drop(store);
    ground.settled().await;
    // Room was made.
    ground.page_limit = None;
    let store = ground.open().await;
    assert_eq!(*store.mode(), Mode::Normal);
    assert_eq!(whole(&store).await, head, "what was acknowledged is there, and nothing else");
    store.commit(person("after", None, &[]).0).await.unwrap();
    assert_eq!(whole(&store).await.size, head.size + 1);
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_holds_up_the_next_commit_and_loses_nothing() {
    let ground = Ground::sqlite();
    let company = Company::found(ground.open().await).await;
    let store = &company.store;
    let blocked = ground.path("checkpoint.new");
    let remembered = || std::fs::read_to_string(ground.path("checkpoint")).unwrap();
    let before = remembered();
    std::fs::create_dir(&blocked).unwrap();
    // It was durable before the file: it is answered as done.
    let first = company.another_event().await.unwrap();
    assert_eq!(remembered(), before);
    for _ in 0..3 {
        let refused = store.commit(person("late", None, &[]).0).await.unwrap_err();
        assert!(refused.to_string().contains("the file system refused"), "{refused}");
    }
    store.receipt(first).await.unwrap();
    assert_eq!(store.identity_called(&"late".parse().unwrap()).await.unwrap(), None);
    std::fs::remove_dir(&blocked).unwrap();
    store.commit(person("late", None, &[]).0).await.unwrap();
    assert_eq!(remembered(), store.checkpoint().await.unwrap());
    whole(store).await;
    assert_eq!(store.verify_state().await.unwrap().differences, []);

    // Dropped while it is owed: the database is ahead of its memory, which is no reason to stop.
    std::fs::create_dir(&blocked).unwrap();
    let last = company.another_event().await.unwrap();
    drop(company);
    ground.settled().await;
    std::fs::remove_dir(&blocked).unwrap();
    let store = ground.open().await;
    assert_eq!(*store.mode(), Mode::Normal);
    store.receipt(last).await.unwrap();
    store.commit(person("after", None, &[]).0).await.unwrap();
    assert_eq!(remembered(), store.checkpoint().await.unwrap());
}

/// What the database refuses ends its batch; the writer opens it anew and goes on.
#[tokio::test]
async fn a_database_that_refuses_once_does_not_stop_the_writer() {
    let ground = Ground::sqlite();
    let company = Company::found(ground.open().await).await;
    let store = &company.store;
    let refuse = "create trigger refuses before insert on team \
                  begin select raise(abort, 'not now'); end";
    ground.sql(refuse).await.unwrap();
    let refused = store.commit(a_team("late")).await.unwrap_err();
    assert!(refused.to_string().contains("not now"), "{refused}");
    company.another_event().await.unwrap();
    ground.sql("drop trigger refuses").await.unwrap();
    store.commit(a_team("late")).await.unwrap();
    whole(store).await;
    assert_eq!(store.verify_state().await.unwrap().differences, []);
}

/// A caller that went away does not stop the writer, and its commit is whole or not there.
#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_whole_commit_or_none() {
    let ground = Ground::sqlite();
    let company = Company::found(ground.open().await).await;
    let store = &company.store;
    for n in 0..40 {
        let commit = store.commit(person(&format!("brief-{n}"), None, &["engineers"]).0);
        let _ = tokio::time::timeout(Duration::from_micros(n * 20), commit).await;
    }
    store.commit(empty(0)).await.unwrap();
    whole(store).await;
    assert_eq!(store.verify_state().await.unwrap().differences, []);
}
