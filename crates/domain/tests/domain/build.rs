//! Fixed values: a small company, one target, one entitlement, and policy's answers about them.

use std::collections::{BTreeMap, BTreeSet};

use placet_domain::actor::Actor;
use placet_domain::canonical::Digest;
use placet_domain::committed::Committed;
use placet_domain::entitlement::{Entitlement, Environment, Kind, Privilege, Terms};
use placet_domain::grant::Approved;
use placet_domain::id::{CredentialId, IdentityId};
use placet_domain::identity::{External, Identity, Kind as Holder, Nature, Profile};
use placet_domain::length::Length;
use placet_domain::name::AccountName;
use placet_domain::request::Revision;
use placet_domain::route::{Candidates, Route, Solved, Stage};
use placet_domain::ruling::{Deciding, Ruling};
use placet_domain::target::Target;
use placet_domain::{Refusal, Timestamp};
use uuid::Uuid;

pub const ENTITLEMENT: u128 = 0x100;
pub const TARGET: u128 = 0x200;
pub const REQUEST: u128 = 0x300;
pub const GRANT: u128 = 0x400;

/// The id that stands for `n`, of whatever kind is expected.
pub fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

/// Seconds after the morning on which every test begins.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_338_000_000_000 + seconds * 1_000_000)
}

pub fn length(seconds: u64) -> Length {
    Length::from_seconds(seconds).unwrap()
}

pub fn profile(handle: &str) -> Profile {
    let accounts = BTreeMap::new();
    Profile {
        handle: handle.parse().unwrap(),
        name: format!("{handle} example"),
        accounts,
        mail: None,
        logins: BTreeSet::new(),
    }
}

fn identity(n: u128, is: Nature) -> Identity {
    let (profile, _) =
        Committed::seal(&profile(&format!("i{n}")), "profile", n.to_be_bytes()).unwrap();
    Identity {
        id: id(n),
        profile,
        is,
        teams: BTreeSet::new(),
        active: true,
        risk: 0,
        schedule: None,
    }
}

pub fn person(n: u128) -> Identity {
    identity(n, Nature::Human { manager: None, external: None })
}

pub fn external(n: u128, sponsor: u128, contract_ends: Timestamp) -> Identity {
    let external = Some(External { sponsor: id(sponsor), contract_ends });
    identity(n, Nature::Human { manager: None, external })
}

pub fn workload(n: u128, owner: u128) -> Identity {
    let purpose = "runs the nightly export".to_owned();
    identity(n, Nature::Workload { kind: Holder::Service, owner: id(owner), purpose })
}

pub fn gone(identity: Identity) -> Identity {
    Identity { active: false, ..identity }
}

pub fn target() -> Target {
    let settings = BTreeMap::from([("path".to_owned(), "/etc/group".to_owned())]);
    Target {
        id: id(TARGET),
        name: "db-1".parse().unwrap(),
        owner: id(9),
        connector: "group-file".parse().unwrap(),
        settings,
        brake: None,
        released: false,
        retired: false,
    }
}

pub fn terms() -> Terms {
    Terms {
        target: id(TARGET),
        native: "dba".parse().unwrap(),
        kind: Kind::Group,
        environment: Environment::Prod,
        privilege: Privilege::Admin,
        scope: "every table of the orders database".to_owned(),
        sensitivity: 4,
    }
}

pub fn entitlement() -> Entitlement {
    Entitlement {
        id: id(ENTITLEMENT),
        name: "prod-db-admin".parse().unwrap(),
        terms: terms(),
        owner: id(9),
        owners: "data-stewards".parse().unwrap(),
        offered_to: BTreeSet::from(["engineers".parse().unwrap()]),
        holders: BTreeSet::from([Holder::Human, Holder::Service]),
        longest: length(8 * 3_600),
        conflicts: BTreeSet::new(),
        packs: BTreeSet::new(),
        power_over_placet: false,
        retired: false,
    }
}

pub fn revision(requester: u128, receiver: u128) -> Revision {
    let text = "the orders table has a broken index".to_owned();
    let (justification, _) = Committed::seal(&text, "justification", [1; 16]).unwrap();
    Revision {
        request: id(REQUEST),
        number: 1,
        requester: id(requester),
        receiver: id(receiver),
        entitlement: id(ENTITLEMENT),
        terms: terms(),
        length: length(4 * 3_600),
        justification,
        reference: None,
        starts_at: None,
        ends_on: BTreeSet::new(),
        extends: None,
        filed_with: None,
        emergency: None,
        answers: None,
    }
}

pub fn approved(length: Length) -> Approved {
    let account: AccountName = "ines".parse().unwrap();
    let (account, _) = Committed::seal(&account, "account", [2; 16]).unwrap();
    Approved {
        grant: id(GRANT),
        request: id(REQUEST),
        digest: Digest::of(b"what was agreed to"),
        receiver: id(1),
        entitlement: id(ENTITLEMENT),
        target: id(TARGET),
        native: "dba".parse().unwrap(),
        account,
        length,
        use_by: at(7 * 86_400),
        starts_at: None,
        issues: None,
    }
}

/// What policy answers: a permit, a refusal, or a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    Yes,
    No,
    Fails,
}

pub fn ruling(says: Says) -> Ruling {
    let deciding = Deciding {
        policy: if says == Says::Yes { "engineers-ask" } else { "frozen" }.to_owned(),
        why: if says == Says::Yes { "engineers may." } else { "changes are frozen." }.to_owned(),
    };
    Ruling {
        permit: says == Says::Yes,
        deciding: vec![deciding],
        errors: if says == Says::Fails { vec!["no such attribute".to_owned()] } else { Vec::new() },
        bundle: Digest::of(b"bundle"),
        record: Digest::of(b"record"),
    }
}

pub fn stage(name: &str, needed: u32, after: &[&str]) -> Stage {
    Stage {
        name: name.parse().unwrap(),
        needed,
        after: after.iter().map(|one| one.parse().unwrap()).collect(),
        because: Vec::new(),
        step_up: None,
    }
}

pub fn by_people(stages: &[(&str, u32)]) -> Route {
    Route::People { stages: stages.iter().map(|(name, n)| stage(name, *n, &[])).collect() }
}

pub fn pre_approved() -> Route {
    Route::PreApproved { because: ruling(Says::Yes).deciding }
}

pub fn solved(route: Route) -> Solved {
    Solved { route: Some(route), ruling: ruling(Says::Yes) }
}

pub fn candidates(list: &[(&str, &[u128])]) -> Candidates {
    list.iter()
        .map(|(stage, people)| {
            (stage.parse().unwrap(), people.iter().map(|n| id::<IdentityId>(*n)).collect())
        })
        .collect()
}

/// The session of person `n`.
pub fn session(n: u128) -> Actor {
    Actor::Person { id: id(n), session: id::<CredentialId>(0x1000 + n) }
}

pub fn token(n: u128) -> Actor {
    Actor::Token { id: id(n), token: id::<CredentialId>(0x2000 + n) }
}

/// A refusal says what happened and what to do next, under a code of the list.
pub fn speaks(refusal: &Refusal) {
    assert!(Refusal::CODES.contains(&refusal.code()), "{refusal:?}");
    assert!(!refusal.sentence().trim().is_empty(), "{refusal:?} has no sentence");
    assert!(!refusal.next_step().trim().is_empty(), "{refusal:?} has no next step");
}

/// What came out, for tables: the names of the events, or the code of the refusal.
pub fn outcome<E: Into<placet_domain::event::Event>>(result: Result<Vec<E>, Refusal>) -> String {
    match result {
        Ok(events) => {
            let names: Vec<&str> = events.into_iter().map(|one| one.into().type_name()).collect();
            names.join(", ")
        }
        Err(refusal) => {
            speaks(&refusal);
            format!("no: {}", refusal.code())
        }
    }
}

/// A text that was committed to, under a salt of the test.
pub fn text(words: &str) -> Committed<String> {
    Committed::seal(&words.to_owned(), "text", [3; 16]).unwrap().0
}

/// The codes of the refusals that a source file names, so that a table can show it has them all.
pub fn refusals_in(file: &str) -> BTreeSet<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    let names = program.split("Refusal::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        snake(&rest[..end])
    });
    names.filter(|code| Refusal::CODES.contains(&code.as_str())).collect()
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (n, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && n > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The outcomes that a table has seen; at its end it must have seen every refusal of a file.
#[derive(Default)]
pub struct Seen(BTreeSet<String>);

impl Seen {
    pub fn check<E: Into<placet_domain::event::Event>>(
        &mut self,
        case: &str,
        result: Result<Vec<E>, Refusal>,
        expect: &str,
    ) {
        let got = outcome(result);
        assert_eq!(got, expect, "{case}");
        if let Some(code) = got.strip_prefix("no: ") {
            self.0.insert(code.to_owned());
        }
    }

    pub fn covers(&self, file: &str) {
        let missing: Vec<_> = refusals_in(file).difference(&self.0).cloned().collect();
        assert!(missing.is_empty(), "{file} can refuse in ways that no case shows: {missing:?}");
    }
}
