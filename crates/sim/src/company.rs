//! The company that every world is founded with: a few people in teams, two workloads, two targets
//! and what can be asked for on them.

use placet_domain::entitlement::{Environment, Kind, Privilege};
use placet_domain::identity;
use placet_engine::commands::found::{
    Catalogue, EntitlementLine, PersonLine, TargetLine, TeamLine, WorkloadLine,
};

use crate::{by_hand, credentials};

/// The two who found it; they are never deactivated, so that somebody can always log in.
pub const ADMINISTRATORS: [&str; 2] = ["adam", "anna"];
/// May export evidence.
pub const AUDITOR: &str = "audra";

/// Handle, manager and teams.
const PEOPLE: &[(&str, Option<&str>, &[&str])] = &[
    ("gerda", None, &["engineering"]),
    ("mara", Some("gerda"), &["engineering"]),
    ("ines", Some("mara"), &["engineering"]),
    ("eve", Some("mara"), &["engineering"]),
    ("olga", Some("mara"), &["platform"]),
    ("piotr", Some("mara"), &["platform"]),
    ("sven", Some("gerda"), &["security-reviewers"]),
    ("sara", Some("gerda"), &["security-reviewers"]),
    ("dora", Some("gerda"), &["data-stewards"]),
    ("dirk", Some("gerda"), &["data-stewards"]),
    ("tom", Some("mara"), &["finance"]),
    ("tina", Some("mara"), &["finance"]),
    ("felix", Some("gerda"), &["finance"]),
    ("adam", Some("gerda"), &["administrators"]),
    ("anna", Some("gerda"), &["administrators"]),
    ("audra", Some("gerda"), &["auditors"]),
    ("olaf", Some("gerda"), &["on-call"]),
    ("oda", Some("gerda"), &["on-call", "finance"]),
];

/// Team, and the team it lies within.
const TEAMS: &[(&str, Option<&str>)] = &[
    ("engineering", None),
    ("platform", Some("engineering")),
    ("finance", None),
    ("security-reviewers", None),
    ("data-stewards", None),
    ("administrators", None),
    ("auditors", None),
    ("on-call", None),
    ("ticket-desk", None),
];

/// Handle, kind and owner.
pub const WORKLOADS: &[(&str, identity::Kind, &str)] =
    &[("ci-deployer", identity::Kind::Pipeline, "ines"), ("helper", identity::Kind::Agent, "olga")];

pub const TARGETS: &[(&str, &str)] = &[("staging", "olga"), ("prod", "sven")];

/// One line of what can be asked for.
#[derive(Debug)]
pub struct Offer {
    pub name: &'static str,
    pub target: &'static str,
    pub native: &'static str,
    pub environment: Environment,
    pub privilege: Privilege,
    pub sensitivity: u8,
    pub owner: &'static str,
    pub owners: &'static str,
    pub offered_to: &'static str,
    pub longest: &'static str,
    pub conflicts: &'static [&'static str],
    pub packs: &'static [&'static str],
}

pub const USUAL: Offer = Offer {
    name: "",
    target: "staging",
    native: "",
    environment: Environment::Dev,
    privilege: Privilege::Write,
    sensitivity: 1,
    owner: "olga",
    owners: "platform",
    offered_to: "engineering",
    longest: "30d",
    conflicts: &[],
    packs: &[],
};

const PAYMENTS: Offer = Offer {
    target: "prod",
    environment: Environment::Prod,
    sensitivity: 3,
    owner: "felix",
    owners: "finance",
    offered_to: "finance",
    ..USUAL
};

pub const OFFERS: &[Offer] = &[
    Offer {
        name: "dev-db-read",
        native: "db-read",
        privilege: Privilege::Read,
        packs: &["low-risk-dev"],
        longest: "7d",
        ..USUAL
    },
    Offer { name: "dev-db-write", native: "db-write", ..USUAL },
    Offer { name: "staging-deploy", native: "deploy", ..USUAL },
    Offer {
        name: "prod-deploy",
        native: "deploy",
        target: "prod",
        environment: Environment::Prod,
        sensitivity: 2,
        ..USUAL
    },
    Offer {
        name: "prod-db-admin",
        native: "db-admin",
        target: "prod",
        environment: Environment::Prod,
        privilege: Privilege::Admin,
        sensitivity: 4,
        longest: "8h",
        ..USUAL
    },
    Offer {
        name: "payments-create",
        native: "pay-create",
        conflicts: &["payments-approve"],
        ..PAYMENTS
    },
    Offer {
        name: "payments-approve",
        native: "pay-approve",
        conflicts: &["payments-create"],
        ..PAYMENTS
    },
];

/// Everything that can be asked for anywhere.
pub fn offers() -> impl Iterator<Item = &'static Offer> {
    OFFERS.iter().chain(credentials::OFFERS).chain(by_hand::OFFERS)
}

/// Everybody who can log in.
pub fn people() -> Vec<&'static str> {
    PEOPLE.iter().map(|(handle, _, _)| *handle).collect()
}

/// The name of an account on a target, as the catalogue says and the checkers expect it.
pub fn account(handle: &str, target: &str) -> String {
    match (handle, target) {
        ("ines", "prod") => "p-ines".to_owned(),
        _ => handle.to_owned(),
    }
}

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("the company's names are names")
}

fn person((handle, manager, teams): &(&str, Option<&str>, &[&str])) -> PersonLine {
    let accounts = TARGETS
        .iter()
        .filter(|(target, _)| account(handle, target) != *handle)
        .map(|(target, _)| (name(target), name(&account(handle, target))));
    PersonLine {
        handle: name(handle),
        name: format!("{handle} of the company"),
        manager: manager.map(name),
        teams: teams.iter().map(|team| name(team)).collect(),
        sponsor: None,
        contract_ends: None,
        accounts: accounts.collect(),
        mail: None,
        logins: std::collections::BTreeSet::new(),
        risk: 0,
        schedule: None,
        active: true,
    }
}

fn entitlement(offer: &Offer) -> EntitlementLine {
    EntitlementLine {
        name: name(offer.name),
        target: name(offer.target),
        native: Some(name(offer.native)),
        kind: Kind::Group,
        environment: offer.environment,
        privilege: offer.privilege,
        scope: format!("what members of {} may do on {}", offer.native, offer.target),
        sensitivity: offer.sensitivity,
        owner: name(offer.owner),
        owners: name(offer.owners),
        offered_to: [name(offer.offered_to)].into(),
        holders: [identity::Kind::Human, identity::Kind::Pipeline].into(),
        longest: offer.longest.to_owned(),
        conflicts: offer.conflicts.iter().map(|one| name(one)).collect(),
        packs: offer.packs.iter().map(|one| name(one)).collect(),
        power_over_placet: false,
        retired: false,
    }
}

/// What a company has beside the usual.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Two targets that issue credentials.
    pub credentials: bool,
    /// A target that no program reaches.
    pub by_hand: bool,
}

impl Extent {
    pub const EVERYTHING: Self = Self { credentials: true, by_hand: true };
}

/// The catalogue that the company is founded with.
pub fn catalogue(extent: Extent) -> Catalogue {
    let more = |yes: bool| if yes { usize::MAX } else { 0 };
    let (issuing, manual) = (more(extent.credentials), more(extent.by_hand));
    let targets = TARGETS.iter().chain(credentials::TARGETS.iter().take(issuing));
    let targets = targets.chain(by_hand::TARGETS.iter().take(manual));
    let offers = OFFERS.iter().chain(credentials::OFFERS.iter().take(issuing));
    let offers = offers.chain(by_hand::OFFERS.iter().take(manual));
    let team = |(one, within): &(&str, Option<&str>)| TeamLine {
        name: name(one),
        within: within.iter().map(|outer| name(outer)).collect(),
    };
    let workload = |(handle, kind, owner): &(&str, identity::Kind, &str)| WorkloadLine {
        handle: name(handle),
        kind: *kind,
        owner: name(owner),
        purpose: "shows that workloads are governed too".to_owned(),
        teams: [name("engineering")].into(),
        accounts: std::collections::BTreeMap::new(),
        active: true,
    };
    let target = |(one, owner): &(&str, &str)| {
        let manual = by_hand::TARGETS.iter().any(|(name, _)| name == one);
        let (connector, settings) = match manual {
            true => ("manual", by_hand::SETTINGS),
            false => ("simulated", &[("name", *one)][..]),
        };
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        TargetLine {
            name: name(one),
            owner: name(owner),
            connector: name(connector),
            settings: settings.iter().map(own).collect(),
            retired: false,
        }
    };
    Catalogue {
        administrators: ADMINISTRATORS.iter().map(|one| name(one)).collect(),
        schedule: Vec::new(),
        team: TEAMS.iter().map(team).collect(),
        person: PEOPLE.iter().map(person).collect(),
        workload: WORKLOADS.iter().map(workload).collect(),
        target: targets.map(target).collect(),
        entitlement: offers.map(entitlement).collect(),
    }
}
