//! Lanes: a target that hangs keeps nobody waiting but those who wait for it, grants keep no ending,
//! and no target has to bear more calls at once than it is said to.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use placet_domain::action::Effect;
use placet_domain::request::Request;
use placet_engine::commands::approve::ApproveRequest;
use placet_engine::commands::end::GiveBack;
use placet_engine::commands::submit::SubmitRequest;
use placet_sim::world::World;
use placet_store::{Duty, Facts};

/// How many calls to one target a world allows at once.
const AT_ONCE: usize = 8;

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Somebody asks, and everybody for whom it waits agrees.
async fn gets(world: &mut World, who: &str, what: &str, length: &str) {
    let ask = SubmitRequest {
        entitlement: what.to_owned(),
        length: length.to_owned(),
        justification: "I look for the broken row".to_owned(),
        ..SubmitRequest::default()
    };
    let id = world.by(who, &ask).await.unwrap().request;
    loop {
        let waiting = world.store().waiting_on(id).await.unwrap();
        let Some(next) = waiting.values().flatten().next() else { return };
        let approver = world.name(*next).to_owned();
        let request = world.store().load::<Request>(id, &mut Facts::default()).await.unwrap();
        let digest = request.unwrap().digest;
        let approve = ApproveRequest { request: id, digest, stage: None };
        world.by(&approver, &approve).await.unwrap();
    }
}

fn holders(world: &World, target: &str) -> usize {
    world.targets[target].truth().len()
}

/// The workers go on until this is so.
async fn work_until(world: &World, what: &str, is_so: impl Fn() -> bool) {
    let engine = world.engine().clone();
    let watching = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = watching => {}
        () = engine.work_until(std::future::pending()) => {}
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("in vain: {what}"),
    }
}

#[test]
fn a_target_that_hangs_keeps_no_other_waiting() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        gets(&mut world, "ines", "dev-db-read", "1h").await;
        gets(&mut world, "ines", "prod-deploy", "1h").await;
        world.work().await.unwrap();
        assert_eq!((holders(&world, "staging"), holders(&world, "prod")), (1, 1));
        world.targets["prod"].hang(Some(Effect::Remove));
        world.nature.pass(3_601);
        work_until(&world, "staging ends while prod hangs", || holders(&world, "staging") == 0)
            .await;
        assert_eq!(holders(&world, "prod"), 1);
        // As long as it hangs, others also begin.
        gets(&mut world, "mara", "dev-db-read", "1h").await;
        work_until(&world, "staging begins while prod hangs", || holders(&world, "staging") == 1)
            .await;
    });
}

#[test]
fn grants_that_hang_keep_no_ending_on_the_same_target() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        gets(&mut world, "ines", "dev-db-read", "1h").await;
        world.work().await.unwrap();
        world.targets["staging"].hang(Some(Effect::Grant));
        for who in ["gerda", "mara", "eve", "olga", "piotr"] {
            for what in ["dev-db-read", "dev-db-write"] {
                gets(&mut world, who, what, "8h").await;
            }
        }
        world.nature.pass(3_601);
        let staging = world.targets["staging"].clone();
        let ends_beside_them = || holders(&world, "staging") == 0 && staging.hanging() >= AT_ONCE;
        work_until(&world, "it ends while grants hang", ends_beside_them).await;
    });
}

#[test]
fn a_target_bears_so_many_calls_at_once_and_no_more() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        for who in ["ines", "mara", "gerda", "piotr", "eve"] {
            for what in ["dev-db-read", "dev-db-write", "staging-deploy"] {
                gets(&mut world, who, what, "1h").await;
            }
        }
        world.work().await.unwrap();
        let held = holders(&world, "staging");
        assert!(held > AT_ONCE, "too few to tell: {held}");
        let staging = world.targets["staging"].clone();
        staging.hang(Some(Effect::Remove));
        world.nature.pass(3_601);
        work_until(&world, "calls come", || staging.hanging() >= AT_ONCE).await;
        // They were dropped with the workers; the next ones come when those are surely over.
        world.nature.pass(60);
        let engine = world.engine().clone();
        let at_rest = async {
            let mut most = 0;
            for _ in 0..100 {
                most = most.max(staging.hanging());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(most, AT_ONCE);
            staging.hang(None);
            while holders(&world, "staging") > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = at_rest => {}
            () = engine.work_until(std::future::pending()) => {}
            () = tokio::time::sleep(Duration::from_secs(20)) => panic!("in vain: all end"),
        }
    });
}

#[test]
fn who_is_asked_to_stop_finishes_what_is_under_way_and_takes_up_nothing_more() {
    run(async {
        let mut world = World::new(1, 1_000).await;
        gets(&mut world, "ines", "dev-db-read", "1h").await;
        world.work().await.unwrap();
        let grant = world.store().due_grants(
            world.id_of_target("staging").unwrap(),
            Duty::End,
            world.nature.moment().plus_seconds(4_000),
            None,
            9,
        );
        let grant = grant.await.unwrap()[0].grant;
        let staging = world.targets["staging"].clone();
        staging.hang(Some(Effect::Remove));
        let actor = world.actor("ines").await.unwrap();
        world.run(actor, &GiveBack { grant }).await.unwrap();
        let engine = world.engine().clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let working = tokio::spawn(async move {
            engine.work_until(async { drop(stopped.await) }).await;
        });
        while staging.hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(()).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!working.is_finished(), "it left a call alone");
        staging.hang(None);
        tokio::time::timeout(Duration::from_secs(20), working).await.unwrap().unwrap();
        assert_eq!(holders(&world, "staging"), 0);
    });
}
