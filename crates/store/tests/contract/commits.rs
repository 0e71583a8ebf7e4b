//! Commits: all or nothing, on facts that hold still, by many callers at once, each provable.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use placet_domain::action::Effect;
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::entry::Entry;
use placet_domain::event::{Event, trail};
use placet_domain::grant::{Grant, State};
use placet_domain::id::{EventId, IdentityId, Stream};
use placet_domain::identity;
use placet_domain::observation::Completeness;
use placet_domain::organisation::{self, Organisation};
use placet_domain::state;
use placet_domain::target::Target;
use placet_ledger::{Act, Checkpoint, Claim, Head, Proof, VerifiedAssent, Verifier, proof};
use placet_store::{CallAnswer, CallKey, Change, Commit, Disclosed, Error, Facts, Observed, Store};

use crate::company::{
    Company, FULFIL, a_session, a_target, an_entitlement, another_event, at, change, empty, fold,
    fresh, observed, permit, person, salt,
};
use crate::ground::{Ground, key};

on_every_store![
    a_commit_is_all_or_nothing,
    what_is_committed_is_the_fold_of_its_events,
    stale_facts_are_refused_and_fresh_ones_accepted,
    names_are_taken_once,
    concurrent_callers_lose_nothing,
    a_failing_caller_does_not_hurt_the_others,
    every_event_has_a_receipt_also_while_others_commit,
    a_whole_trail_is_proven_and_shows_assent,
    observed_tables_follow_what_was_seen,
    a_key_goes_with_the_commit_or_not_at_all,
];

/// The word for an error.
fn word(error: &Error) -> &'static str {
    match error {
        Error::Stale { .. } => "stale",
        Error::Taken { .. } => "taken",
        Error::Misplaced(_) => "misplaced",
        Error::Damaged { .. } => "damaged",
        _ => "other",
    }
}

async fn a_commit_is_all_or_nothing(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let target = company.target.id;
    let version = 1;
    // A commit in which everything is good, and that leaves a trace in every kind of table.
    let full = || {
        let (mut commit, newcomer) = person("newcomer", None, &["engineers"]);
        commit.changes.push(change(target, version, vec![observed(7)]));
        let (_, disclosure) = Committed::seal(&"x".to_owned(), "reason", salt()).unwrap();
        commit.disclosures.push(Disclosed { disclosure, about: newcomer.id.into() });
        commit.records.insert(Digest::of(b"slice"), "slice".to_owned());
        let waits = BTreeMap::from([("owner".parse().unwrap(), BTreeSet::from([newcomer.id]))]);
        commit.waiting.push((fresh(), waits));
        commit.observed = Some(Observed {
            target,
            completeness: Completeness::Complete,
            began_at: at(0),
            finished_at: at(1),
            detail: None,
            seen: vec![Company::binding("eve")],
            gone: Vec::new(),
            scopes: Vec::new(),
        });
        commit
    };
    let before = ground.dump().await;
    let spoil = |what: fn(&mut Commit, &Company)| {
        let mut commit = full();
        what(&mut commit, &company);
        commit
    };
    let spoilt: Vec<(&str, Commit)> = vec![
        (
            "stale",
            spoil(|c, company| {
                c.changes.push(change(company.ana.id, 7, vec![identity::Event::Deactivated {}]))
            }),
        ),
        ("stale", spoil(|c, company| c.facts.row(company.ana.id.into(), 9))),
        ("stale", spoil(|c, _| c.facts.set("identities".to_owned(), 0))),
        (
            "misplaced",
            spoil(|c, _| {
                c.changes.push(change(
                    fresh::<IdentityId>(),
                    0,
                    vec![identity::Event::Deactivated {}],
                ))
            }),
        ),
        (
            "misplaced",
            spoil(|c, company| c.changes.push(change(company.ana.id, 1, vec![observed(1)]))),
        ),
        ("taken", spoil(|c, company| c.changes.extend(a_target("db-1", &company.olga).0.changes))),
        ("taken", spoil(|c, company| c.profiles.push((fresh(), profile_of(company, "ana"))))),
        (
            "taken",
            spoil(|c, _| {
                let twice = c.disclosures[0].clone();
                c.disclosures.push(twice);
            }),
        ),
        (
            "taken",
            spoil(|c, _| {
                let id = c.changes[0].events[0].0;
                let event = c.changes[1].events[0].1.clone();
                c.changes[1].events.push((id, event));
            }),
        ),
        (
            "damaged",
            spoil(|c, _| {
                let (mut big, mut target) = a_target("big", &person("o", None, &[]).1);
                target.settings.insert("path".to_owned(), "x".repeat(20_000));
                big.changes[0].events[0].1 =
                    placet_domain::target::Event::Registered(target).into();
                c.changes.extend(big.changes);
            }),
        ),
    ];
    for (expect, commit) in spoilt {
        let error = company.store.commit(commit).await.unwrap_err();
        assert_eq!(word(&error), expect, "{error}");
        assert_eq!(ground.dump().await, before, "a refused commit ({error}) left a trace");
    }
    let done = company.store.commit(full()).await.unwrap();
    assert_eq!(done.events.len(), 2);
    let changed: BTreeSet<String> = ground
        .dump()
        .await
        .into_iter()
        .filter(|row| !before.contains(row))
        .map(|row| row.split(':').next().unwrap().to_owned())
        .collect();
    let expect = [
        "disclosure",
        "identity",
        "identity_team",
        "ledger_entry",
        "ledger_head",
        "ledger_tile",
        "observed_binding",
        "observed_target",
        "outbox",
        "profile",
        "record",
        "set_version",
        "target",
        "trail",
        "waiting",
    ];
    assert_eq!(changed, expect.iter().map(|one| (*one).to_owned()).collect());
}

fn profile_of(_: &Company, handle: &str) -> identity::Profile {
    person(handle, None, &[]).0.profiles.remove(0).1
}

async fn what_is_committed_is_the_fold_of_its_events(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    company.busy().await;
    let report = company.store.verify_state().await.unwrap();
    assert_eq!(report.differences, []);
    assert_eq!(report.entries, entries(&company.store).await.len() as u64);
    // Several events of one change fold in their order; the version counts them.
    let (mut commit, identity) = person("brief", None, &[]);
    let deactivated = identity::Event::Deactivated {};
    commit.changes[0].events.push((fresh(), deactivated.clone().into()));
    let events: Vec<Event> = commit.changes[0].events.iter().map(|(_, e)| e.clone()).collect();
    company.store.commit(commit).await.unwrap();
    let mut facts = Facts::default();
    let row: identity::Identity =
        company.store.load(identity.id, &mut facts).await.unwrap().unwrap();
    let stream = Stream::Identity(identity.id);
    assert_eq!(facts.version(&stream), 2);
    assert_eq!(fold(&stream, &events), Some(state::State::Identity(row.clone())));
    assert!(!row.active);
    // A seal moves the version and changes nothing else.
    let head = company.store.trail_head(&stream).await.unwrap().unwrap();
    let sealed = trail::Sealed { entries: head.entries, head: head.digest };
    let mut commit = empty(0);
    commit.changes.push(change(identity.id, 2, vec![trail::Event::Sealed(sealed)]));
    company.store.commit(commit).await.unwrap();
    let mut facts = Facts::default();
    let same = company.store.load::<identity::Identity>(identity.id, &mut facts).await.unwrap();
    assert_eq!((same, facts.version(&stream)), (Some(row), 3));
    // Two changes of one stream in one commit follow on each other.
    let mut commit = empty(0);
    commit.changes.push(change(company.target.id, 1, vec![observed(1), observed(2)]));
    commit.changes.push(change(company.target.id, 3, vec![observed(3)]));
    company.store.commit(commit).await.unwrap();
    // Nothing at all is something that can be made durable.
    assert_eq!(company.store.commit(empty(0)).await.unwrap().events, []);
    assert_eq!(company.store.verify_state().await.unwrap().differences, []);
}

async fn stale_facts_are_refused_and_fresh_ones_accepted(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ines, entitlement, .. } = &company;
    let grant = company.active(ines, entitlement).await;
    let holdings = state::holdings(&ines.id);
    let binding = state::binding(&ines.id, &entitlement.id);
    let asks = state::asks(&ines.id);

    // What was read, what moved meanwhile, and whether a decision on it may stand.
    type Read = fn(&mut Facts, &Company);
    let reads: [(&str, Read, bool); 4] = [
        ("nothing", |_, _| {}, false),
        ("a row that did not move", |facts, c| facts.row(c.ana.id.into(), 1), false),
        ("a row that there is not", |facts, _| facts.row(fresh::<IdentityId>().into(), 0), false),
        ("a row that moved", |facts, c| facts.row(c.target.id.into(), 1), true),
    ];
    another_event(store, company.target.id).await.unwrap();
    for (what, read, stale) in reads {
        let mut commit = empty(0);
        read(&mut commit.facts, &company);
        let result = store.commit(commit).await;
        assert_eq!(result.is_err(), stale, "{what}: {result:?}");
        if let Err(error) = result {
            let text = error.to_string();
            assert_eq!(text, format!("`{}` changed meanwhile", company.target.id));
        }
    }

    // Every set moves when one of its members does, and no other set.
    let versions = async || {
        let mut facts = Facts::default();
        let mut out = Vec::new();
        for name in [&holdings, &binding, &asks, &"identities".to_owned()] {
            out.push(store.note_set(name.clone(), &mut facts).await.unwrap());
        }
        (out, facts)
    };
    let (before, facts) = versions().await;
    assert_eq!(before, [4, 4, 4, 4], "one for each event of a member");
    let reason = placet_domain::grant::Reason::HolderLeft;
    company.tell(grant, placet_domain::grant::Command::End { reason }).await;
    let (after, _) = versions().await;
    assert_eq!(after, [5, 5, 4, 4]);
    let mut late = empty(0);
    late.facts = facts;
    let error = store.commit(late).await.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");
    let mut in_time = empty(0);
    in_time.facts = versions().await.1;
    store.commit(in_time).await.unwrap();

    // What was read twice counts as it was first.
    let mut facts = Facts::default();
    facts.row(company.ana.id.into(), 0);
    facts.row(company.ana.id.into(), 1);
    let mut commit = empty(0);
    commit.facts = facts;
    assert!(matches!(store.commit(commit).await, Err(Error::Stale { .. })));
}

async fn names_are_taken_once(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, olga, target, .. } = &company;
    let (session, issued) = a_session(olga);
    store.commit(session).await.unwrap();
    let mut same_secret = a_session(olga).0;
    if let (_, Event::Credential(placet_domain::credential::Event::Issued(one))) =
        &mut same_secret.changes[0].events[0]
    {
        one.fingerprint = issued.fingerprint;
    }
    let check = async |commit: Commit, expect: &str| {
        let error = store.commit(commit).await.unwrap_err();
        assert!(matches!(error, Error::Taken { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("{expect} is taken already"));
    };
    check(person("olga", None, &[]).0, "profile handle").await;
    check(a_target("db-1", olga).0, "target name").await;
    check(an_entitlement("prod-db-admin", "x", target, olga).0, "entitlement name").await;
    let native = "entitlement target, entitlement native";
    check(an_entitlement("another-name", "dba", target, olga).0, native).await;
    check(same_secret, "credential fingerprint").await;
    let login = identity::Login {
        issuer: "https://id.example".parse().unwrap(),
        subject: "248289761001".parse().unwrap(),
    };
    let with_login = |handle: &str, logins: &[&identity::Login]| {
        let mut commit = person(handle, None, &[]).0;
        commit.profiles[0].1.logins = logins.iter().map(|one| (*one).clone()).collect();
        commit
    };
    let (first, second) = (with_login("first", &[&login]), with_login("second", &[&login]));
    let (one, other) = (first.profiles[0].clone(), second.profiles[0].clone());
    store.commit(first).await.unwrap();
    assert_eq!(store.identity_with_login(&login).await.unwrap(), Some(one.0));
    check(second, "profile_login issuer, profile_login subject").await;
    // What one gives up another may take in the same commit, whoever comes first in it.
    let (mut gives, mut takes) = (one.clone(), other);
    gives.1.logins.clear();
    takes.1.handle = "third".parse().unwrap();
    let mut moved = person("third", None, &[]).0;
    moved.profiles = vec![takes.clone(), gives];
    store.commit(moved).await.unwrap();
    assert_eq!(store.identity_with_login(&login).await.unwrap(), Some(takes.0));
    assert!(store.identity_called(&"olga".parse().unwrap()).await.unwrap() == Some(olga.id));
    assert_eq!(store.identity_called(&"nobody".parse().unwrap()).await.unwrap(), None);
}

/// Thirty-two callers propose a bundle each, on what they have read; whoever was late tries again.
async fn concurrent_callers_lose_nothing(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let store = company.store.clone();
    let callers: Vec<_> = (0..32u8)
        .map(|n| {
            let store = store.clone();
            let by = company.ana.id;
            tokio::spawn(async move {
                let bundle = Digest::of(&[n]);
                let mut tries = 0;
                loop {
                    tries += 1;
                    let mut facts = Facts::default();
                    let found = store.organisation(&mut facts).await.unwrap();
                    let command = organisation::Command::ProposeBundle { bundle, by };
                    let events = organisation::decide(found.as_ref(), command).unwrap();
                    let version = facts.version(&Stream::Organisation);
                    let mut commit = Commit::new(fresh(), at(0), FULFIL, facts);
                    commit.changes.push(change(Stream::Organisation, version, events));
                    match store.commit(commit).await {
                        Ok(_) => return tries,
                        Err(Error::Stale { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    let mut tries = 0;
    for caller in callers {
        tries += caller.await.unwrap();
    }
    assert!(tries > 32, "nobody was ever late: this showed nothing");
    let mut facts = Facts::default();
    let found: Organisation = store.organisation(&mut facts).await.unwrap().unwrap();
    assert_eq!(found.proposals.len(), 32, "a proposal was lost");
    assert_eq!(facts.version(&Stream::Organisation), 33);
    whole(&store).await;
}

async fn a_failing_caller_does_not_hurt_the_others(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let store = company.store.clone();
    // They are all waiting when the writer comes, so that they share its transactions.
    let mut callers = Vec::new();
    for n in 0..60 {
        let store = store.clone();
        let (mut commit, _) = person(&format!("person-{n}"), None, &["engineers"]);
        match n % 5 {
            1 => commit.profiles[0].1.handle = "olga".parse().unwrap(),
            2 => commit.changes[0].expected = 3,
            3 => commit.changes[0].events.insert(0, (fresh(), observed(1).into())),
            _ => {}
        }
        callers.push(tokio::spawn(async move { store.commit(commit).await }));
    }
    let mut done = Vec::new();
    for (n, caller) in callers.into_iter().enumerate() {
        match (n % 5, caller.await.unwrap()) {
            (0 | 4, Ok(one)) => done.extend(one.events),
            (1, Err(Error::Taken { .. })) => {}
            (2, Err(Error::Stale { .. })) => {}
            (3, Err(Error::Misplaced(_))) => {}
            (_, other) => panic!("caller {n}: {other:?}"),
        }
    }
    assert_eq!(done.len(), 24);
    let stored: BTreeSet<EventId> = entries(&store).await.into_iter().map(|(_, e)| e.id).collect();
    assert!(done.iter().all(|event| stored.contains(event)));
    assert_eq!(store.verify_state().await.unwrap().differences, []);
    whole(&store).await;
}

/// Every entry, in order.
async fn entries(store: &Store) -> Vec<(u64, Entry)> {
    let mut out = Vec::new();
    loop {
        let next = store.entries_from(out.len() as u64).await.unwrap();
        if next.is_empty() {
            return out;
        }
        for one in next {
            out.push((one.index, Entry::decode(one.body.as_bytes()).unwrap()));
        }
    }
}

/// The ledger as a whole: no gap, every trail linked, every stream in order, and the signed root.
pub async fn whole(store: &Store) -> Head {
    try_whole(store).await.unwrap()
}

/// Reads every entry as an auditor does, and holds them against the checkpoint.
pub async fn try_whole(store: &Store) -> Result<Head, String> {
    let mut verifier = Verifier::new();
    let mut next = 0;
    loop {
        let some = store.entries_from(next).await.map_err(|e| e.to_string())?;
        if some.is_empty() {
            break;
        }
        for one in some {
            let pushed = verifier.push(one.index, one.body.as_bytes());
            let entry = pushed.map_err(|e| e.to_string())?;
            assert_eq!(entry.id, one.id);
            next += 1;
        }
    }
    let checkpoint =
        Checkpoint::open(&store.checkpoint().await.unwrap(), &key().verifier()).unwrap();
    let head = checkpoint.head();
    verifier.finish(&checkpoint).map_err(|e| e.to_string())?;
    assert_eq!(head.size, next);
    Ok(head)
}

async fn every_event_has_a_receipt_also_while_others_commit(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let store = company.store.clone();
    if ground.is_slow() {
        let event = company.another_event().await.unwrap();
        let at_once = tokio::time::timeout(Duration::from_millis(20), store.receipt(event)).await;
        assert!(at_once.is_err(), "this log should withhold its receipts");
    }
    let mut callers = Vec::new();
    for n in 0..8 {
        let (store, target) = (store.clone(), company.target.id);
        let (commit, someone) = person(&format!("caller-{n}"), None, &[]);
        callers.push(tokio::spawn(async move {
            let first = store.commit(commit).await.unwrap().events[0];
            for _ in 0..6 {
                let event = another_event(&store, target).await.unwrap();
                check_receipt(&store, event).await;
                check_receipt(&store, first).await;
            }
            someone.id
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    for (_, entry) in entries(&store).await {
        check_receipt(&store, entry.id).await;
    }
    let unknown = store.receipt(fresh()).await.unwrap_err();
    assert!(unknown.to_string().contains("is not in the ledger"), "{unknown}");
    whole(&store).await;
}

/// The receipt of an event proves the stored bytes, and survives its text.
async fn check_receipt(store: &Store, event: EventId) {
    let receipt = store.receipt(event).await.unwrap();
    let stored = store.entries_from(receipt.index).await.unwrap().remove(0);
    assert_eq!(stored.id, event);
    let checkpoint = receipt.verify(stored.body.as_bytes(), &key().verifier()).unwrap();
    assert!(checkpoint.size > receipt.index);
    let text = receipt.to_text();
    assert_eq!(placet_ledger::Receipt::parse(&text).unwrap(), receipt);
    assert!(receipt.verify(b"something else", &key().verifier()).is_err());
}

async fn a_whole_trail_is_proven_and_shows_assent(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, ines, entitlement, olga, .. } = &company;
    let request = company.ask(ines, entitlement).await;
    let id = company.approve(request, ines).await;
    let action = company.intend(id, Effect::Grant).await;
    let grant: Grant = store.load(id, &mut Facts::default()).await.unwrap().unwrap();
    assert_eq!(grant.state, State::Pending);

    let proven = store.proven_trail(&request.into()).await.unwrap();
    let head = Checkpoint::open(&proven.checkpoint, &key().verifier()).unwrap().head();
    for one in &proven.entries {
        proof::check_inclusion(one.index, &one.body, head, &one.proof).unwrap();
    }
    let (remembered, consistency) = proven.remembered.unwrap();
    proof::check_consistency(remembered, head, &consistency).unwrap();
    let disclosure = store.disclosure(grant.approved.account.commitment()).await.unwrap().unwrap();
    let claim = Claim {
        key: &key().verifier(),
        remembered: Some(remembered),
        checkpoint: &proven.checkpoint,
        consistency: &consistency,
        request,
        entries: &proven.entries,
        end: proven.end,
        passkeys: &[],
        act: Act {
            grant: id,
            action,
            entitlement: entitlement.id,
            native: &entitlement.terms.native,
            account: &"ines".parse().unwrap(),
            disclosure: &disclosure,
            terms: &entitlement.terms,
        },
        eligible_now: &BTreeMap::from([((olga.id, "owner".parse().unwrap()), permit())]),
        now: at(company.now()),
    };
    let assent = VerifiedAssent::verify(&claim).unwrap();
    assert_eq!((assent.grant(), assent.action()), (id, action));
    // An entry left out shows.
    let mut short = proven.entries.clone();
    short.remove(1);
    let refused = VerifiedAssent::verify(&Claim { entries: &short, ..claim }).unwrap_err();
    assert_eq!(refused.code(), "not_assented");

    let unknown = store.proven_trail(&Stream::Identity(fresh())).await.unwrap_err();
    assert!(matches!(unknown, Error::Unknown { .. }), "{unknown}");
    // Proofs hold across many tiles, and against every older head.
    let old = whole(store).await;
    let mut commit = empty(0);
    let events: Vec<_> = (1..=600).map(observed).collect();
    let version = 1;
    commit.changes.push(Change { ..change(company.target.id, version, events) });
    store.commit(commit).await.unwrap();
    let new = whole(store).await;
    assert_eq!(new.size, old.size + 600);
    let trail = store.proven_trail(&company.target.id.into()).await.unwrap();
    assert_eq!(trail.entries.len(), 601);
    for one in &trail.entries {
        proof::check_inclusion(one.index, &one.body, new, &one.proof).unwrap();
    }
    assert_eq!(trail.remembered.unwrap(), (new, Proof::default()));
}

async fn observed_tables_follow_what_was_seen(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let Company { store, target, .. } = &company;
    let target: &Target = target;
    let look = async |completeness, seconds, seen: &[&str], gone: &[&str]| {
        let bindings = |list: &[&str]| list.iter().map(|one| Company::binding(one)).collect();
        let mut commit = empty(seconds);
        commit.observed = Some(Observed {
            target: target.id,
            completeness,
            began_at: at(seconds),
            finished_at: at(seconds),
            detail: (completeness != Completeness::Complete).then(|| "it timed out".to_owned()),
            seen: bindings(seen),
            gone: bindings(gone),
            scopes: Vec::new(),
        });
        store.commit(commit).await.unwrap();
        let known = store.observed_bindings(target.id).await.unwrap();
        let names: Vec<String> = known.into_iter().map(|one| one.account.to_string()).collect();
        let last = store.last_look(target.id).await.unwrap().unwrap();
        (names.join(" "), last.completeness, last.complete_at, last.detail)
    };
    assert!(store.last_look(target.id).await.unwrap().is_none());
    let complete = "complete".to_owned();
    let first = look(Completeness::Complete, 10, &["eve", "ines"], &[]).await;
    assert_eq!(first, ("eve ines".to_owned(), complete.clone(), Some(at(10)), None));
    let partial = look(Completeness::Partial, 20, &["olga"], &[]).await;
    let words = Some("it timed out".to_owned());
    assert_eq!(partial, ("eve ines olga".to_owned(), "partial".to_owned(), Some(at(10)), words));
    let last = look(Completeness::Complete, 30, &["ines"], &["eve", "olga"]).await;
    assert_eq!(last, ("ines".to_owned(), complete, Some(at(30)), None));
}

async fn a_key_goes_with_the_commit_or_not_at_all(ground: &Ground) {
    let company = Company::found(ground.open().await).await;
    let store = &company.store;
    let caller = fresh::<IdentityId>();
    let call =
        |digest: &[u8]| CallKey { caller, key: "once".to_owned(), digest: Digest::of(digest) };
    let asked = async |now| store.keyed_call(caller, "once", now).await.unwrap();
    // What is refused leaves no key behind.
    let (mut commit, _) = person("newcomer", None, &["engineers"]);
    commit.key = Some(call(b"a"));
    commit.facts.row(company.target.id.into(), 99);
    assert_eq!(word(&store.commit(commit).await.unwrap_err()), "stale");
    assert_eq!(asked(at(1)).await, None);
    // What is done does, and a second one of the same key is not done.
    let (mut commit, _) = person("newcomer", None, &["engineers"]);
    commit.key = Some(call(b"a"));
    let now = commit.at;
    store.commit(commit).await.unwrap();
    let (mut second, other) = person("another", None, &["engineers"]);
    second.key = Some(call(b"b"));
    assert_eq!(word(&store.commit(second).await.unwrap_err()), "taken");
    let facts = &mut Facts::default();
    assert!(store.load::<identity::Identity>(other.id, facts).await.unwrap().is_none());
    let known = asked(now).await.unwrap();
    assert_eq!((known.digest, known.answer), (Digest::of(b"a"), None), "its answer is not known");
    // The answer is kept beside it, and both are forgotten after a day.
    let said = CallAnswer { status: 201, body: "{}".to_owned() };
    let mut commit = empty(1);
    commit.answered = Some((call(b"a"), said.clone()));
    store.commit(commit).await.unwrap();
    assert_eq!(asked(now).await.unwrap().answer, Some(said));
    let tomorrow = now.plus_seconds(24 * 3_600);
    assert_eq!(asked(tomorrow).await, None);
    let (mut third, _) = person("third", None, &["engineers"]);
    third.at = tomorrow;
    third.key = Some(call(b"c"));
    store.commit(third).await.unwrap();
    assert_eq!(asked(tomorrow).await.unwrap().digest, Digest::of(b"c"));
}
