//! Proof that the checkers bite: with a fault planted, each says which law broke.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use placet_connectors::Connector as _;
use placet_domain::bundle::Bundle;
use placet_domain::entry::EventField;
use placet_domain::event::Event;
use placet_domain::id::{ActionId, RequestId};
use placet_domain::observation::Binding;
use placet_domain::{entitlement, request};
use placet_engine::Environment;
use placet_engine::commands::approve::ApproveRequest;
use placet_engine::commands::submit::SubmitRequest;
use placet_ledger::RemovalOrder;
use placet_sim::book::Book;
use placet_sim::checkers::Checkers;
use placet_sim::laws::Law;
use placet_sim::lives::{live, run};
use placet_sim::target::Lie;
use placet_sim::walk::Plan;
use placet_sim::world::World;

fn ask(what: &str, length: &str) -> SubmitRequest {
    SubmitRequest {
        entitlement: what.to_owned(),
        length: length.to_owned(),
        justification: "I look for the broken row".to_owned(),
        ..SubmitRequest::default()
    }
}

fn binding(native: &str, account: &str) -> Binding {
    Binding { native: native.parse().unwrap(), account: account.parse().unwrap() }
}

#[test]
fn access_that_is_kept_and_hidden_is_noticed() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        let mut checkers = Checkers::default();
        world.by("ines", &ask("dev-db-read", "1h")).await.unwrap();
        world.work().await.unwrap();
        checkers.after_step(&world, true).await.unwrap();
        world.targets["staging"].plant(Lie::KeepsAndHides);
        world.nature.pass(3_601);
        world.work().await.unwrap();
        let breach = checkers.after_step(&world, true).await.unwrap_err();
        assert_eq!(breach.law, Law::End, "{breach}");
        assert!(breach.why.contains("was called gone"), "{breach}");
    });
}

#[test]
fn a_hand_that_no_finding_names_is_noticed() {
    run(async {
        let world = World::new(1, 1_000).await;
        let mut checkers = Checkers::default();
        let planted = binding("deploy", "eve");
        world.targets["staging"].plant(Lie::Hides(planted.clone()));
        world.targets["staging"].change_by_hand(planted, true);
        world.work().await.unwrap();
        let breach = checkers.after_step(&world, true).await.unwrap_err();
        assert_eq!(breach.law, Law::TwoRecords, "{breach}");
        assert!(breach.why.contains("no finding says so"), "{breach}");
    });
}

#[test]
fn an_action_that_nobody_intended_is_noticed() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        let mut checkers = Checkers::default();
        world.by("ines", &ask("dev-db-read", "1h")).await.unwrap();
        world.work().await.unwrap();
        checkers.after_step(&world, true).await.unwrap();
        let environment: &dyn Environment = &world.nature;
        let grant = checkers.book.grants().next().unwrap();
        let order = RemovalOrder {
            action: environment.id::<ActionId>(),
            epoch: u64::MAX,
            grant: Some(grant.id),
            entitlement: grant.approved.entitlement,
            target: grant.approved.target,
            native: grant.approved.native.clone(),
            account: "ines".parse().unwrap(),
            issued: None,
            at: world.nature.moment(),
        };
        world.targets["staging"].remove(order).await;
        let breach = checkers.after_step(&world, true).await.unwrap_err();
        assert_eq!(breach.law, Law::Memory, "{breach}");
        assert!(breach.why.contains("nothing on record intended it"), "{breach}");
    });
}

#[test]
fn a_log_that_drops_what_it_calls_done_is_noticed() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        let mut checkers = Checkers::default();
        let actor = world.actor("ines").await.unwrap();
        world.fate.forget_commits(true);
        let submitted = world.run(actor, &ask("dev-db-read", "1h")).await.unwrap();
        checkers.promise(submitted.request);
        let breach = checkers.after_step(&world, true).await.unwrap_err();
        assert_eq!(breach.law, Law::Memory, "{breach}");
        assert!(breach.why.contains("was answered as done"), "{breach}");
    });
}

#[test]
fn a_ledger_that_lost_its_end_is_noticed() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        world.shut_down().await;
        let older = world.database();
        world.start().await;
        world.by("ines", &ask("dev-db-read", "1h")).await.unwrap();
        let mut book = Book::default();
        book.read_on(world.store()).await.unwrap();
        world.shut_down().await;
        world.put_back(&older);
        world.start().await;
        let breach = book.is_kept_by(world.store()).await.unwrap_err();
        assert_eq!(breach.law, Law::Memory, "{breach}");
    });
}

/// A life in which olga approved for ines, and everything that the ledger says of it.
async fn approved() -> (World, Vec<placet_sim::book::Line>, RequestId) {
    let mut world = World::new(1, 1_000).await;
    let asked = world.by("ines", &ask("dev-db-write", "1h")).await.unwrap().request;
    let mut book = Book::default();
    let mut lines = book.read_on(world.store()).await.unwrap();
    let digest = book.request(asked).unwrap().digest;
    for who in ["mara", "olga"] {
        let approval = ApproveRequest { request: asked, digest, stage: None };
        world.by(who, &approval).await.unwrap();
    }
    world.work().await.unwrap();
    lines.extend(book.read_on(world.store()).await.unwrap());
    (world, lines, asked)
}

/// The law that is broken when the entries of a good life are changed so.
fn forged(lines: &[placet_sim::book::Line], forge: impl Fn(&mut Event) -> bool) -> (Law, String) {
    let mut book = Book::default();
    let mut done = false;
    for line in lines {
        let mut line = line.clone();
        let EventField(event) = &mut line.entry.event;
        done |= forge(event);
        if let Err(breach) = book.take(&line) {
            assert!(done, "it broke before it was forged: {breach}");
            return (breach.law, breach.why);
        }
    }
    panic!("nobody noticed");
}

#[test]
fn forged_entries_are_noticed() {
    run(async {
        let (world, lines, _) = approved().await;
        let mut book = Book::default();
        assert!(lines.iter().all(|line| book.take(line).is_ok()), "a good life is good");

        let ines = world.id("ines").unwrap();
        let (law, why) = forged(&lines, |event| match event {
            Event::Request(request::Event::ApprovalRecorded(approval)) => {
                approval.approver = ines;
                true
            }
            _ => false,
        });
        assert_eq!(law, Law::Independence, "{why}");

        let (law, why) = forged(&lines, |event| match event {
            Event::Grant(placet_domain::grant::Event::Intended(intended)) => {
                intended.until = intended.until.plus_seconds(1);
                true
            }
            _ => false,
        });
        assert_eq!(law, Law::End, "{why}");

        let (law, why) = forged(&lines, |event| match event {
            Event::Grant(placet_domain::grant::Event::Intended(intended)) => {
                intended.ruling = None;
                true
            }
            _ => false,
        });
        assert_eq!(law, Law::Assent, "{why}");
    });
}

/// Policies that say yes to everybody as an owner, and ask for nobody else.
fn yes() -> Bundle {
    let mut bundle = placet_policy::shipped();
    let approve = bundle.files.get_mut("policies/approve.cedar").unwrap();
    let owners = "when { principal in resource.entitlement.owners };";
    assert!(approve.contains(owners));
    *approve = approve.replace(owners, "when { true };");
    let (own, rest) = approve.split_once("@id(\"approve.not-requester\")").unwrap();
    let (_, rest) = rest.split_once(";\n").unwrap();
    *approve = format!("{own}{rest}");
    bundle
}

#[test]
fn a_policy_that_says_yes_to_anybody_is_noticed() {
    run(async {
        let mut world = World::ruled_by(1, yes()).await;
        let mut checkers = Checkers::default();
        let asked = world.by("ines", &ask("dev-db-write", "1h")).await.unwrap().request;
        checkers.after_step(&world, false).await.unwrap();
        let digest = checkers.book.request(asked).unwrap().digest;
        let stage = Some("owner".parse().unwrap());
        // Law 2 is not a policy's to loosen.
        let own = ApproveRequest { request: asked, digest, stage: stage.clone() };
        world.by("ines", &own).await.unwrap_err();
        checkers.after_step(&world, false).await.unwrap();
        world.by("eve", &ApproveRequest { request: asked, digest, stage }).await.unwrap();
        let breach = checkers.after_step(&world, false).await.unwrap_err();
        assert_eq!(breach.law, Law::Independence, "{breach}");
        assert!(breach.why.contains("is nobody for stage `owner`"), "{breach}");
    });
}

#[test]
fn a_grant_under_a_policy_that_forbids_all_is_noticed() {
    run(async {
        let (_, lines, _) = approved().await;
        let mut book = Book::default();
        // The bundle that rules is taken for one that forbids all.
        book.forbidding.insert(placet_policy::shipped().digest().unwrap());
        let breach = lines.iter().find_map(|line| book.take(line).err()).unwrap();
        assert_eq!(breach.law, Law::FailClosed, "{breach}");
    });
}

#[test]
fn what_belongs_to_nobody_is_noticed() {
    run(async {
        let (world, lines, _) = approved().await;
        let nobody = world.id("ci-deployer").unwrap();
        let mut checkers = Checkers::default();
        for line in &lines {
            let mut line = line.clone();
            let EventField(event) = &mut line.entry.event;
            if let Event::Entitlement(entitlement::Event::Registered(one)) = event
                && one.name.as_str() == "prod-deploy"
            {
                one.owner = nobody;
            }
            checkers.book.take(&line).unwrap();
        }
        let breach = checkers.check_settled(&world).await.unwrap_err();
        assert_eq!(breach.law, Law::Owner, "{breach}");
    });
}

#[test]
fn a_secret_that_is_kept_is_noticed() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        let checkers = Checkers::default();
        world.by("ines", &ask("dev-db-read", "1h")).await.unwrap();
        checkers.check_secrets(&world).unwrap();
        // Somebody writes their session down as the reason.
        let secret = world.secrets().last().unwrap().clone();
        let told = SubmitRequest { justification: secret, ..ask("dev-db-write", "1h") };
        world.by("ines", &told).await.unwrap();
        let breach = checkers.check_secrets(&world).unwrap_err();
        assert_eq!(breach.law, Law::NoSecrets, "{breach}");
    });
}

#[test]
fn a_life_that_breaks_a_law_is_told_with_fewer_steps() {
    let plan = Plan { lie: Some(("staging", Lie::KeepsAndHides)), ..Plan::new(1, 160) };
    let failure = live(&plan).unwrap_err();
    assert_eq!(failure.breach.law, Law::End, "{failure}");
    let told = failure.to_string();
    let kept = told.lines().find_map(|line| line.strip_prefix("these steps alone do it: "));
    let kept = kept.unwrap_or_else(|| panic!("{told}")).split(' ').count();
    assert!(kept <= 30, "{kept} steps are no short story: {told}");
}
