//! Golden bytes: what the ledger hashes today is what it hashes for ever. Lines are only added.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::action::{Effect, Outcome, Told};
use placet_domain::actor::{Actor, Worker};
use placet_domain::bundle::Bundle;
use placet_domain::canonical::Digest;
use placet_domain::committed::{Committed, Disclosure};
use placet_domain::credential::{self, Ended, Issued};
use placet_domain::entry::{Entry, EventField, LARGEST, Unreadable, VERSION};
use placet_domain::event::{Event, trail};
use placet_domain::finding::{self, Opened, Resolution};
use placet_domain::grant::{
    self, Collected, Finished, Gone, Half, Intended, Public, ReadBack, Reason, Serial,
};
use placet_domain::id::Stream;
use placet_domain::observation::{Cited, Completeness};
use placet_domain::organisation::{self, Founded};
use placet_domain::request::{self, Approval, Approved, Basis, Denied, Routed, Submitted};
use placet_domain::target::Observed;
use placet_domain::team::Team;
use placet_domain::{entitlement, identity, target, team};
use serde_json::Value;

use crate::build::{
    GRANT, REQUEST, Says, approved, at, by_people, entitlement as an_entitlement, external, id,
    length, person, pre_approved, revision, ruling, session, stage, target as a_target, text,
    token, workload,
};
use crate::{goldens_catalogue, goldens_passkeys};

const GOLDENS: &str = include_str!("../golden/entries.golden");

pub fn sighting() -> Cited {
    Cited {
        observation: id(0x500),
        completeness: Completeness::Complete,
        began_at: at(60),
        finished_at: at(61),
    }
}

fn submitted(requester: u128, receiver: u128) -> Submitted {
    let revision = revision(requester, receiver);
    Submitted {
        digest: revision.digest().unwrap(),
        revision,
        excluded: BTreeSet::from([id(requester), id(receiver)]),
        ruling: ruling(Says::Yes).cite(),
        lapses_at: at(7 * 86_400),
    }
}

fn intended(effect: Effect) -> Intended {
    let ruling = (effect == Effect::Grant).then(|| ruling(Says::Yes).cite());
    let (epoch, call_over_by, until) = (3, at(90), at(4 * 3_600 + 60));
    Intended { action: id(0x600), effect, epoch, call_over_by, until, ruling }
}

fn requests() -> Vec<request::Event> {
    use request::Event;
    let digest = revision(1, 1).digest().unwrap();
    let route = placet_domain::route::Route::People {
        stages: vec![stage("owner", 1, &[]), stage("security", 2, &["owner"])],
    };
    let mut revised = submitted(1, 1);
    revised.revision.number = 2;
    revised.revision.reference = Some(text("INC-7"));
    revised.digest = revised.revision.digest().unwrap();
    vec![
        Event::Submitted(submitted(1, 11)),
        Event::Revised(revised),
        Event::Routed(Routed { route, ruling: ruling(Says::Yes).cite(), escalates_at: None }),
        Event::Routed(Routed {
            route: pre_approved(),
            ruling: ruling(Says::Yes).cite(),
            escalates_at: None,
        }),
        Event::ApprovalRecorded(Approval {
            approver: id(2),
            session: id(0x1002),
            stage: "owner".parse().unwrap(),
            digest,
            ruling: ruling(Says::Yes).cite(),
            at: at(30),
            acting_for: None,
            assertion: None,
        }),
        Event::ApprovalWithdrawn { approver: id(2), digest },
        Event::Denied(Denied { by: id(2), reason: text("not during the audit") }),
        Event::Approved(Approved {
            digest,
            basis: Basis::People { approvers: BTreeSet::from([id(2), id(3)]) },
        }),
        Event::Approved(Approved {
            digest,
            basis: Basis::PreApproved { policies: vec!["on-call-read".to_owned()] },
        }),
        Event::Withdrawn { by: id(1) },
        Event::Lapsed {},
    ]
}

fn grants() -> Vec<grant::Event> {
    use grant::Event;
    let finished = |outcome| Event::Finished(Finished { action: id(0x600), outcome });
    let ending = |reason| Event::Ending { reason };
    let why = || "connection reset".to_owned();
    vec![
        Event::Approved(approved(length(4 * 3_600))),
        Event::Intended(intended(Effect::Grant)),
        Event::Intended(intended(Effect::Remove)),
        finished(Outcome::Done),
        finished(Outcome::Failed { why: why() }),
        finished(Outcome::InDoubt { why: why() }),
        Event::Activated { sighting: sighting() },
        ending(Reason::Expired),
        ending(Reason::GivenBack { by: id(1) }),
        ending(Reason::Revoked { by: id(2), note: Some(text("laptop stolen")) }),
        ending(Reason::HolderLeft),
        ending(Reason::ApprovalWithdrawn),
        ending(Reason::RuledOut { ruling: ruling(Says::No).cite() }),
        Event::SeenStill { sighting: sighting(), session: false },
        Event::Ended { gone: Gone::SeenAbsent { sighting: sighting() } },
        Event::Ended { gone: Gone::CarriedOn { by: id(GRANT + 1) } },
        Event::Cancelled { reason: Reason::ApprovalLapsed },
        Event::Cancelled { reason: Reason::NotAssented { why: "a link is missing".to_owned() } },
    ]
}

fn findings() -> Vec<finding::Event> {
    let account = Committed::seal(&"eve".parse().unwrap(), "account", [4; 16]).unwrap().0;
    let opened = Opened {
        finding: id(0x700),
        kind: finding::Kind::Overstayed,
        target: id(0x200),
        entitlement: id(0x100),
        account: Some(account),
        request: Some(id(REQUEST)),
        grant: Some(id(GRANT)),
        owner: id(9),
        sighting: Some(sighting()),
        detail: "its end has come, and it is still there".to_owned(),
        due_at: None,
        baseline: false,
        scope: None,
    };
    let right = Resolution::SeenRight { sighting: sighting() };
    vec![
        finding::Event::Opened(opened),
        finding::Event::Resolved { resolution: right },
        finding::Event::Resolved { resolution: Resolution::Done },
    ]
}

fn records() -> Vec<Event> {
    let founded = Founded {
        verifier_key: "placet.test/log+0a1b2c3d+AQIDBA==".to_owned(),
        bundle: Digest::of(b"bundle"),
        catalogue: Digest::of(b"catalogue"),
        administrators: BTreeSet::from([id(1), id(2)]),
    };
    let (bundle, proposed_by, adopted_by) = (Digest::of(b"next bundle"), id(1), id(2));
    let observed = Observed {
        completeness: Completeness::Complete,
        began_at: at(60),
        count: 12,
        salt: Committed::seal(&"salt".to_owned(), "observation", [3; 16]).unwrap().0,
        root: Digest::of(b"bindings"),
        appeared: 1,
        vanished: 2,
        baseline: true,
    };
    let issued = Issued {
        credential: id(0x1001),
        kind: credential::Kind::Session,
        holder: id(1),
        fingerprint: Digest::of(b"secret"),
        expires_at: at(12 * 3_600),
        opened_by: Some(id(0x1000)),
        provider: None,
        passkey: None,
        scopes: Default::default(),
    };
    let within = BTreeSet::from(["engineers".parse().unwrap()]);
    let ends = |why| credential::Event::Ended { why }.into();
    vec![
        organisation::Event::Founded(founded).into(),
        organisation::Event::BundleProposed { bundle, by: proposed_by }.into(),
        organisation::Event::BundleAdopted { bundle, proposed_by, adopted_by }.into(),
        identity::Event::Registered(person(1)).into(),
        identity::Event::Registered(external(5, 1, at(30 * 86_400))).into(),
        identity::Event::Registered(workload(11, 1)).into(),
        identity::Event::Deactivated {}.into(),
        team::Event::Registered(Team { name: "data-stewards".parse().unwrap(), within }).into(),
        target::Event::Registered(a_target()).into(),
        target::Event::Observed(observed).into(),
        entitlement::Event::Registered(Box::new(an_entitlement())).into(),
        entitlement::Event::Retired {}.into(),
        credential::Event::Issued(issued).into(),
        ends(Ended::Used),
        ends(Ended::LoggedOut),
        trail::Event::Sealed(trail::Sealed { entries: 9, head: Digest::of(b"entry") }).into(),
    ]
}

/// What a request can hold beside what it held at first.
fn lasting_requests() -> Vec<request::Event> {
    use placet_domain::request::{
        ActingFor, Answer, Answered, Answering, Authority, Emergency, Escalated, Narrow, Overtaken,
        Owed, Reviewed, Talked, Verdict,
    };
    use request::Event;
    let ticket: placet_domain::ending::EndingEvent = "ticket:OPS-7".parse().unwrap();
    let mut full = submitted(1, 1);
    full.revision.starts_at = Some(at(60));
    full.revision.ends_on = BTreeSet::from([ticket.clone()]);
    full.revision.extends = Some(id(GRANT));
    full.revision.filed_with = Some(id(0x900));
    full.revision.emergency = Some(Emergency { incident: text("INC-7"), verified: true });
    full.revision.answers = Some(Answering { finding: id(0x700), answer: Answer::Accept });
    full.digest = full.revision.digest().unwrap();
    let because =
        || vec![placet_domain::ruling::Deciding { policy: "p".to_owned(), why: "w".to_owned() }];
    let glass = placet_domain::route::Route::BreakGlass { because: because(), warnings: because() };
    let approval = |by| Approval {
        approver: id(2),
        session: id(0x1002),
        stage: "owner".parse().unwrap(),
        digest: full.digest,
        ruling: ruling(Says::Yes).cite(),
        at: at(30),
        acting_for: Some(ActingFor { identity: id(3), by }),
        assertion: None,
    };
    vec![
        Event::Submitted(full.clone()),
        Event::Narrowed(Narrow { submitted: submitted(1, 11), by: id(2) }),
        Event::Routed(Routed {
            route: glass,
            ruling: ruling(Says::Yes).cite(),
            escalates_at: Some(at(8 * 3_600)),
        }),
        Event::ApprovalRecorded(approval(Authority::Delegation { delegation: id(0x800) })),
        Event::ApprovalRecorded(approval(Authority::Escalation)),
        Event::Approved(Approved {
            digest: full.digest,
            basis: Basis::BreakGlass { policies: vec!["break.fulfil".to_owned()] },
        }),
        Event::QuestionAsked(Talked { number: 1, by: id(2), text: text("which table?") }),
        Event::QuestionAnswered(Answered { number: 1, by: id(1), text: text("orders") }),
        Event::Escalated(Escalated {
            stage: "owner".parse().unwrap(),
            to: BTreeMap::from([(id(4), id(2))]),
            escalates_at: Some(at(16 * 3_600)),
        }),
        Event::Overtaken(Overtaken { event: ticket, by: id(1) }),
        Event::ReviewOwed(Owed { due_at: at(3 * 86_400) }),
        Event::ReviewRecorded(Reviewed {
            by: id(5),
            session: id(0x1005),
            verdict: Verdict::NotJustified,
            note: text("there was no incident"),
            ruling: ruling(Says::Yes).cite(),
        }),
    ]
}

/// Everything else that was added after the first forms; new events go to the end.
fn later() -> Vec<Event> {
    let mut starting = approved(length(4 * 3_600));
    starting.starts_at = Some(at(60));
    let account = Committed::seal(&"eve".parse().unwrap(), "account", [4; 16]).unwrap().0;
    let opened = Opened {
        finding: id(0x700),
        kind: finding::Kind::ScopeChanged,
        target: id(0x200),
        entitlement: id(0x100),
        account: None,
        request: None,
        grant: None,
        owner: id(9),
        sighting: Some(sighting()),
        detail: "what it allows on the target is not what was agreed to".to_owned(),
        due_at: Some(at(7 * 86_400)),
        baseline: true,
        scope: Some(Digest::of(b"read and write")),
    };
    let orphan = Opened {
        kind: finding::Kind::Orphan,
        account: Some(account),
        scope: None,
        ..opened.clone()
    };
    let overdue = Opened { kind: finding::Kind::OverdueReview, ..opened.clone() };
    let made = placet_domain::delegation::Made {
        delegation: id(0x800),
        from: id(3),
        to: id(2),
        starts_at: at(0),
        ends_at: at(86_400),
    };
    let ended = |reason| grant::Event::Ending { reason };
    let tried = finding::Tried { action: id(0x601), outcome: Outcome::Done };
    let mut out: Vec<Event> = lasting_requests().into_iter().map(Event::from).collect();
    out.extend([
        grant::Event::Approved(starting).into(),
        ended(Reason::EndingEvent { event: "pipeline:7".parse().unwrap(), by: id(11) }).into(),
        ended(Reason::NotJustified { by: id(5) }).into(),
        finding::Event::Opened(opened).into(),
        finding::Event::Opened(orphan).into(),
        finding::Event::Opened(overdue).into(),
        finding::Event::Resolved { resolution: Resolution::Agreed { request: id(REQUEST) } }.into(),
        finding::Event::Accepted(finding::Accepted { request: id(REQUEST), until: at(86_400) })
            .into(),
        finding::Event::Reopened {}.into(),
        finding::Event::RemovalOrdered { by: id(9) }.into(),
        finding::Event::RemovalIntended { action: id(0x601) }.into(),
        finding::Event::RemovalTried(tried).into(),
        target::Event::Braked(target::Braked { findings: 40, of: 100 }).into(),
        target::Event::Released { by: id(9) }.into(),
        placet_domain::delegation::Event::Made(made).into(),
        placet_domain::delegation::Event::Ended { by: id(2) }.into(),
        credential::Event::Issued(Issued {
            credential: id(0x1002),
            kind: credential::Kind::Token,
            holder: id(11),
            fingerprint: Digest::of(b"secret of a token"),
            expires_at: at(30 * 86_400),
            opened_by: None,
            scopes: credential::TokenScope::ALL.into(),
            provider: None,
            passkey: None,
        })
        .into(),
        credential::Event::Ended { why: Ended::Revoked }.into(),
    ]);
    out
}

fn stream_of(event: &Event) -> Stream {
    match event {
        Event::Organisation(_) => Stream::Organisation,
        Event::Identity(_) => Stream::Identity(id(1)),
        Event::Team(_) => Stream::Team("data-stewards".parse().unwrap()),
        Event::Target(_) => Stream::Target(id(0x200)),
        Event::Entitlement(_) => Stream::Entitlement(id(0x100)),
        Event::Request(_) | Event::Trail(_) => Stream::Request(id(REQUEST)),
        Event::Grant(_) => Stream::Grant(id(GRANT)),
        Event::Finding(_) => Stream::Finding(id(0x700)),
        Event::Credential(_) => Stream::Credential(id(0x1001)),
        Event::Delegation(_) => Stream::Delegation(id(0x800)),
        Event::Schedule(_) => Stream::Schedule("desk".parse().unwrap()),
        Event::Proposal(_) => Stream::Proposal(id(goldens_catalogue::PROPOSAL)),
        Event::Handover(_) => Stream::Handover(id(goldens_catalogue::HANDOVER)),
        Event::Passkey(_) => Stream::Passkey(id(goldens_passkeys::PASSKEY)),
    }
}

fn entry(nth: u64, actor: Actor, event: Event) -> Entry {
    let stream = stream_of(&event);
    let trail = match &event {
        Event::Grant(_) | Event::Finding(_) => Stream::Request(id(REQUEST)),
        _ => stream.clone(),
    };
    Entry {
        v: VERSION,
        id: id(0xe000 + u128::from(nth)),
        at: at(30),
        node: "node-1".to_owned(),
        commit: id(0xc000),
        actor,
        stream,
        version: nth,
        trail,
        nth,
        prev: (nth > 1).then(|| Digest::of(b"the entry before")),
        event: EventField(event),
    }
}

/// The life of a credential, and of one that ends early.
fn credentials() -> Vec<grant::Event> {
    use grant::Event;
    let collected = |public| Collected { by: id(1), public, sources: BTreeSet::new() };
    let key = Public::SshKey {
        key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEC".to_owned(),
        fingerprint: "SHA256:AQI".to_owned(),
    };
    let hosts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        Event::Approved(grant::Approved {
            issues: Some(Half::SshKey),
            ..approved(length(4 * 3_600))
        }),
        Event::Collected(collected(Public::TokenDigest { sha256: Digest::of(b"a token") })),
        Event::Collected(Collected { sources: hosts(&["10.0.0.0/8"]), ..collected(key) }),
        Event::Issued(grant::Issued {
            serial: Serial(7_729_672_301_838_696_455),
            digest: Digest::of(b"a certificate"),
            certificate: "ssh-ed25519-cert-v01@openssh.com AAAA".to_owned(),
            over_at: at(4 * 3_600 + 120),
        }),
        Event::ReadBack(ReadBack { hosts: hosts(&["a"]), waits_for: hosts(&["b"]) }),
        Event::Ended { gone: Gone::ValidityOver },
        Event::Ended { gone: Gone::RevocationReadBack { hosts: hosts(&["a", "b"]) } },
        Event::Ended { gone: Gone::NeverIssued },
        Event::Collected(collected(Public::ScramSha256 {
            verifier: "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                       WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                       wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
                .to_owned(),
        })),
    ]
}

/// What is done by hand, sent back and confirmed.
fn by_hand() -> Vec<grant::Event> {
    use grant::Event;
    let action = id(0x600);
    let ordered = |team| {
        let told = Told { due_at: at(86_400), team };
        Event::Finished(grant::Finished { action, outcome: Outcome::Ordered { told } })
    };
    let (evidence, note) = (Digest::of(b"a photo"), text("as the photo shows"));
    vec![
        ordered(None),
        ordered(Some("on-call".parse().unwrap())),
        Event::CarriedOut(grant::CarriedOut { action, by: id(3), evidence, note }),
        Event::Returned(grant::Returned {
            action,
            by: id(4),
            carried_out_by: id(3),
            why: text("it is blurred"),
        }),
        Event::Confirmed(grant::Confirmed { action, by: id(4) }),
        Event::WorkOverdue { action },
        Event::Ended { gone: Gone::ConfirmedByPeople { action } },
    ]
}

/// A session on the word of an OpenID provider.
fn by_provider() -> Vec<Event> {
    let issued = Issued {
        credential: id(0x1001),
        kind: credential::Kind::Session,
        holder: id(1),
        fingerprint: Digest::of(b"secret"),
        expires_at: at(12 * 3_600),
        opened_by: None,
        provider: Some("https://id.example".parse().unwrap()),
        passkey: None,
        scopes: Default::default(),
    };
    vec![credential::Event::Issued(issued).into()]
}

/// One entry for each event type and each of its forms, by every kind of actor.
fn entries() -> Vec<Entry> {
    let worker = |name| Actor::Worker { name };
    let actors = [
        session(1),
        token(1),
        worker(Worker::Fulfil),
        worker(Worker::Observe),
        worker(Worker::Reconcile),
        worker(Worker::Expire),
        Actor::Founding,
    ];
    let events = records()
        .into_iter()
        .chain(requests().into_iter().map(Event::from))
        .chain(grants().into_iter().map(Event::from))
        .chain(findings().into_iter().map(Event::from));
    let numbered = |from: u64, events: Vec<Event>| {
        let entries = (from..).zip(actors.iter().cycle()).zip(events);
        entries.map(|((n, actor), event)| entry(n, *actor, event)).collect::<Vec<_>>()
    };
    // What came later is numbered by itself, so that nothing before it moves.
    let credentials = credentials().into_iter().map(Event::from).collect();
    let by_hand = by_hand().into_iter().map(Event::from).collect();
    let mut all = [
        numbered(1, events.collect()),
        numbered(1_000, credentials),
        numbered(3_000, later()),
        numbered(4_000, by_hand),
        numbered(5_100, by_provider()),
        numbered(6_000, goldens_passkeys::events()),
    ]
    .concat();
    let catalogue = (0x2000..).zip(goldens_catalogue::events());
    all.extend(catalogue.map(|(n, (actor, event))| entry(n, actor, event)));
    all
}

#[test]
fn entries_encode_to_their_golden_bytes_and_back() {
    let built: Vec<String> =
        entries().iter().map(|one| String::from_utf8(one.encode().unwrap()).unwrap()).collect();
    let goldens: BTreeSet<&str> = GOLDENS.lines().collect();
    let missing: Vec<&String> =
        built.iter().filter(|line| !goldens.contains(line.as_str())).collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        // Only ever added to: what was hashed once must stay readable.
        let more: String = missing.iter().map(|line| format!("{line}\n")).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/entries.golden");
        return std::fs::write(path, format!("{GOLDENS}{more}")).unwrap();
    }
    assert!(missing.is_empty(), "these entries have no golden; add the lines:\n{missing:#?}");
    assert_eq!(goldens.len(), built.len(), "a golden is built by nothing any more");
    for line in GOLDENS.lines() {
        let entry = Entry::decode(line.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(entry.encode().unwrap()).unwrap(), line);
    }
}

#[test]
fn every_type_has_a_golden_and_every_golden_has_a_type() {
    let decoded = GOLDENS.lines().map(|line| Entry::decode(line.as_bytes()).unwrap());
    let covered: BTreeSet<&str> = decoded.map(|entry| entry.event.0.type_name()).collect();
    let types: BTreeSet<&str> = Event::TYPES.iter().copied().collect();
    assert_eq!(covered, types);
    assert!(Event::TYPES.is_sorted());
    for line in GOLDENS.lines() {
        let json: Value = serde_json::from_str(line).unwrap();
        let entry = Entry::decode(line.as_bytes()).unwrap();
        assert_eq!(json["type"], entry.event.0.type_name(), "the name written is the name known");
    }
}

/// The paths to all objects in a JSON value.
fn objects(value: &Value, path: &str, out: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        out.push(path.to_owned());
        for (name, field) in fields {
            objects(field, &format!("{path}/{name}"), out);
        }
    }
    for (n, one) in value.as_array().into_iter().flatten().enumerate() {
        objects(one, &format!("{path}/{n}"), out);
    }
}

#[test]
fn an_unknown_field_is_refused_wherever_it_stands() {
    let mut places = 0;
    let mut read_over = BTreeSet::new();
    for line in GOLDENS.lines() {
        let golden: Value = serde_json::from_str(line).unwrap();
        let mut paths = Vec::new();
        objects(&golden, "", &mut paths);
        for path in paths {
            let mut forged = golden.clone();
            let object = forged.pointer_mut(&path).and_then(Value::as_object_mut).unwrap();
            object.insert("unheard_of".to_owned(), Value::from(1));
            let read = Entry::decode(&serde_json::to_vec(&forged).unwrap());
            let kind = &golden["type"];
            if !matches!(read, Err(Unreadable::Form { .. })) {
                read_over.insert(format!("{path} of {kind}"));
            }
            places += 1;
        }
    }
    assert!(read_over.is_empty(), "an unknown field was read over: {read_over:#?}");
    assert!(places > 150, "{places}");
}

#[test]
fn what_is_not_an_entry_is_refused_in_words() {
    let golden: Value = serde_json::from_str(GOLDENS.lines().next().unwrap()).unwrap();
    let check = |field: &str, value: Value, expect: &str| {
        let mut forged = golden.clone();
        forged[field] = value;
        let refused = Entry::decode(&serde_json::to_vec(&forged).unwrap()).unwrap_err();
        assert!(refused.to_string().contains(expect), "`{refused}` does not say `{expect}`");
    };
    let newer = "envelope version 2 is not known here; use a newer `placet`";
    check("v", Value::from(2), newer);
    check("v", Value::from(0), "envelope version 0 is not known here");
    check("v", Value::from("1"), "not an entry");
    check("type", Value::from("moon.landed"), "unknown event type `moon.landed`");
    check("type", Value::from("request.frobbed"), "request.frobbed");
    check("type", Value::from("approval.approved"), "approval.approved");
    check("type", Value::from(7), "not an entry");
    check("body", Value::Null, "not an entry");
    check("stream", Value::from("xyz_1"), "not an id");
    check("at", Value::from("yesterday"), "is not a moment");
    check("prev", Value::from("00"), "is not a digest");
    check("actor", serde_json::json!({"kind": "superuser"}), "superuser");
    // A newer envelope may have fields that nobody here knows: its version is what is said.
    let mut next = golden.clone();
    next["v"] = Value::from(2);
    next["unheard_of"] = Value::from(1);
    let refused = Entry::decode(&serde_json::to_vec(&next).unwrap()).unwrap_err();
    assert_eq!(refused, Unreadable::Version { found: 2 });
    assert!(matches!(Entry::decode(b""), Err(Unreadable::Form { .. })));
    assert!(matches!(Entry::decode(b"\xff{}"), Err(Unreadable::Form { .. })));
}

#[test]
fn an_entry_over_the_limit_is_refused_both_ways() {
    let of = |purpose: usize| {
        let mut identity = workload(11, 1);
        if let identity::Nature::Workload { purpose: words, .. } = &mut identity.is {
            *words = "x".repeat(purpose);
        }
        entry(1, session(1), identity::Event::Registered(identity).into())
    };
    let bare = of(0).encode().unwrap().len();
    let full = of(LARGEST - bare).encode().unwrap();
    assert_eq!(full.len(), LARGEST);
    assert!(Entry::decode(&full).is_ok());
    let over = of(LARGEST - bare + 1);
    let bytes = LARGEST + 1;
    assert_eq!(over.encode(), Err(Unreadable::TooLarge { bytes }));
    let unlimited = placet_domain::canonical::bytes(&over).unwrap();
    assert_eq!(Entry::decode(&unlimited), Err(Unreadable::TooLarge { bytes }));
    let words = Unreadable::TooLarge { bytes }.to_string();
    assert_eq!(words, "an entry of 16385 bytes is over the limit of 16384");
}

#[test]
fn digests_that_people_agree_to_never_change() {
    let digest = |revision: &request::Revision| revision.digest().unwrap().to_string();
    let first = revision(1, 11);
    assert_eq!(digest(&first), "d8b4afc06aac1f59fa24dcbeaad54915fe224245f6acc456c4bba8f47c83e769");
    let mut longer = first.clone();
    longer.length = length(4 * 3_600 + 1);
    assert_ne!(digest(&longer), digest(&first));
    let mut wider = first.clone();
    wider.terms.scope.push('!');
    assert_ne!(digest(&wider), digest(&first));
    let files = BTreeMap::from([("policies/gates.cedar".to_owned(), "permit(...);\n".to_owned())]);
    assert_eq!(
        Bundle { files }.digest().unwrap().to_string(),
        "60ee6dbd5c670d3a8e83f374fc3e67c868f41235ea53e9fc265d54a94a5092b2"
    );
    let route = by_people(&[("owner", 1)]);
    assert_eq!(
        placet_domain::canonical::digest(&route).unwrap().to_string(),
        "48086adc7823c5c2a1c8466ccc48efce1b4f073373a957e6dcbdba110003286c"
    );
}

#[test]
fn commitments_never_change_and_hide_what_they_commit_to() {
    let words = "the orders table has a broken index".to_owned();
    let (committed, disclosure) = Committed::seal(&words, "justification", [1; 16]).unwrap();
    assert_eq!(
        serde_json::to_string(&committed).unwrap(),
        r#"{"$sd":"EVZMPNtrAnZhV24rZi0eWZmum6rGFB6e4ys8eMkpSh4"}"#
    );
    assert_eq!(
        disclosure.as_text(),
        "WyJBUUVCQVFFQkFRRUJBUUVCQVFFQkFRIiwianVzdGlmaWNhdGlvbiIsInRoZSBvcmRlcnMgdGFibGUgaGFzIGEgYnJva2VuIGluZGV4Il0"
    );
    let text = Disclosure::from_text(disclosure.as_text().to_owned());
    assert_eq!(committed.open(&text), Ok(words));
    let json: Result<Committed<String>, _> = serde_json::from_str(r#"{"$sd":"AAAA"}"#);
    assert!(json.is_err(), "a commitment is 32 bytes");
}
