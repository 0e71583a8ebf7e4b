//! Law 6, on purpose: with a policy that cannot be read, a log out of reach, a full disk or a
//! database rolled back, no new access comes into being, and what is due still ends.

// A test stops loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use placet_domain::action::Effect;
use placet_domain::id::RequestId;
use placet_engine::commands::approve::ApproveRequest;
use placet_engine::commands::end::GiveBack;
use placet_engine::commands::submit::SubmitRequest;
use placet_sim::chaos::Trouble;
use placet_sim::checkers::{Checkers, journal};
use placet_sim::company::Extent;
use placet_sim::world::{Broken, World};
use placet_store::Mode;

struct Scene {
    world: World,
    checkers: Checkers,
}

impl Scene {
    async fn new() -> Self {
        Self { world: World::new(1, 1_000).await, checkers: Checkers::default() }
    }

    /// Asks for what a pattern covers; it is approved at once, and not yet begun.
    async fn asks(&mut self, who: &str, length: &str) -> RequestId {
        self.asks_for("dev-db-read", who, length).await
    }

    async fn asks_for(&mut self, entitlement: &str, who: &str, length: &str) -> RequestId {
        let ask = SubmitRequest {
            entitlement: entitlement.to_owned(),
            length: length.to_owned(),
            justification: "I look for the broken row".to_owned(),
            ..SubmitRequest::default()
        };
        self.world.by(who, &ask).await.unwrap().request
    }

    async fn works(&mut self) {
        self.world.work().await.unwrap();
        self.checkers.after_step(&self.world, false).await.unwrap();
    }

    fn holders(&self) -> Vec<String> {
        let truth = self.world.targets["staging"].truth();
        truth.iter().map(|one| one.account.to_string()).collect()
    }

    fn grants_made(&self) -> usize {
        let all = self.world.targets.values().flat_map(|target| target.calls_from(0));
        all.filter(|call| call.effect == Effect::Grant && call.changed).count()
    }

    /// Everything is whole again, and everything that was left is entered and ended.
    async fn recovers(&mut self) {
        for target in self.world.targets.values() {
            target.heal();
        }
        self.world.limit_pages(None);
        self.world.start().await;
        for _ in 0..6 {
            self.works().await;
            self.world.nature.pass(310);
        }
        self.works().await;
        self.checkers.check_settled(&self.world).await.unwrap();
        self.checkers.thoroughly(&self.world).await.unwrap();
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The ruling bundle rots in the database: its text is no longer what its digest says.
async fn rot(scene: &mut Scene) {
    scene.world.shut_down().await;
    let mut bytes = scene.world.database();
    let known = b"Only people approve, never a workload.";
    let places: Vec<usize> =
        (0..bytes.len() - known.len()).filter(|at| bytes[*at..].starts_with(known)).collect();
    assert!(!places.is_empty(), "the bundle is stored as text");
    for at in places {
        bytes[at] = b'o';
    }
    scene.world.put_back(&bytes);
    scene.world.start().await;
}

#[test]
fn a_policy_that_cannot_be_read_grants_nothing_and_keeps_nothing() {
    run(async {
        let mut scene = Scene::new().await;
        scene.asks("ines", "1h").await;
        scene.works().await;
        scene.asks("mara", "8h").await;
        assert_eq!(scene.holders(), ["ines"]);
        rot(&mut scene).await;
        scene.works().await;
        assert_eq!(scene.holders(), ["ines"], "nothing is granted without a policy");
        scene.world.nature.pass(3_601);
        scene.works().await;
        assert_eq!(scene.holders(), [""; 0], "an ending asks no policy");
        assert_eq!(scene.grants_made(), 1);
    });
}

#[test]
fn what_cannot_begin_does_not_keep_what_must_end() {
    run(async {
        let mut scene = Scene::new().await;
        scene.asks("ines", "1h").await;
        scene.works().await;
        for _ in 0..66 {
            scene.asks("mara", "8h").await;
        }
        rot(&mut scene).await;
        scene.world.nature.pass(3_601);
        scene.works().await;
        assert_eq!(scene.holders(), [""; 0], "an ending waits behind grants that cannot begin");
    });
}

#[test]
fn a_log_out_of_reach_keeps_nothing_from_ending() {
    for trouble in [Trouble::Refuses, Trouble::WritesOnceAndRefuses] {
        run(async {
            let mut scene = Scene::new().await;
            scene.asks("ines", "1h").await;
            scene.works().await;
            scene.asks("mara", "8h").await;
            scene.world.fate.trouble(Some(trouble));
            scene.works().await;
            assert_eq!(scene.grants_made(), 1, "nothing is granted that is not on record");
            scene.world.nature.pass(3_601);
            for _ in 0..3 {
                scene.works().await;
                scene.world.nature.pass(40);
            }
            assert_eq!(scene.holders(), [""; 0], "an ending waits for no log");
            assert!(!journal(&scene.world).is_empty(), "it is written down elsewhere");
            scene.recovers().await;
        });
    }
}

/// Nobody can be told without a record, and what is never journalled takes no room from what can be.
#[test]
fn work_by_hand_takes_no_room_from_endings_that_a_program_does() {
    run(async {
        let extent = Extent { by_hand: true, ..Extent::default() };
        let world = World::with(extent, 1, 1_000).await;
        let mut scene = Scene { world, checkers: Checkers::default() };
        let request = scene.asks_for("vault-key", "ines", "1h").await;
        for who in ["mara", "olga"] {
            scene.checkers.after_step(&scene.world, false).await.unwrap();
            let digest = scene.checkers.book.request(request).unwrap().digest;
            let approval = ApproveRequest { request, digest, stage: None };
            scene.world.by(who, &approval).await.unwrap();
        }
        scene.works().await;
        scene.world.fate.trouble(Some(Trouble::Refuses));
        scene.world.nature.pass(3_601);
        for _ in 0..20 {
            scene.works().await;
            scene.world.nature.pass(310);
        }
        assert_eq!(journal(&scene.world), []);
        scene.recovers().await;
    });
}

#[test]
fn a_full_disk_keeps_nothing_from_ending() {
    run(async {
        let mut scene = Scene::new().await;
        scene.asks("ines", "1h").await;
        scene.asks("gerda", "2h").await;
        scene.works().await;
        scene.asks("mara", "8h").await;
        scene.world.shut_down().await;
        let pages = scene.world.database().len() / 4_096;
        scene.world.limit_pages(Some(u32::try_from(pages).unwrap()));
        scene.world.start().await;
        for left in [vec!["gerda"], vec![]] {
            scene.world.nature.pass(3_601);
            for _ in 0..40 {
                // Free pages are used up first.
                scene.works().await;
                scene.world.nature.pass(2);
            }
            assert!(
                scene.holders().iter().all(|one| one == "mara" || left.contains(&one.as_str()))
            );
        }
        scene.recovers().await;
    });
}

#[test]
fn a_database_rolled_back_ends_what_it_knows_and_grants_nothing() {
    run(async {
        let mut scene = Scene::new().await;
        scene.asks("ines", "1h").await;
        scene.works().await;
        scene.asks("gerda", "8h").await;
        scene.world.shut_down().await;
        let old = scene.world.database();
        scene.world.start().await;
        scene.works().await;
        scene.asks("mara", "8h").await;
        scene.works().await;
        assert_eq!(scene.holders(), ["gerda", "ines", "mara"]);
        let made = scene.grants_made();

        scene.world.shut_down().await;
        let new = scene.world.database();
        scene.world.put_back(&old);
        scene.world.start().await;
        assert!(matches!(scene.world.mode(), Mode::EndingOnly { .. }), "the rollback is seen");
        scene.works().await;
        assert_eq!(scene.holders(), ["gerda", "ines", "mara"], "nothing is mass-revoked");
        // Nobody gets anything; even logging in is not possible.
        let ask = SubmitRequest { entitlement: "dev-db-read".into(), ..SubmitRequest::default() };
        assert!(matches!(scene.world.by("ines", &ask).await, Err(Broken::Refused(_))));
        scene.world.nature.pass(3_601);
        scene.world.targets["staging"].plan([placet_connectors::simulated::Fault::Refuse; 40]);
        for _ in 0..50 {
            scene.works().await;
            scene.world.nature.pass(1);
        }
        let written = journal(&scene.world).len();
        // Two lines for each try: that it is tried, and what came of it.
        assert!((1..=20).contains(&written), "{written} lines: the journal's room is bounded");
        scene.world.targets["staging"].heal();
        scene.world.nature.pass(310);
        scene.works().await;
        assert_eq!(scene.holders(), ["gerda", "mara"], "what is due ends");
        assert_eq!(scene.grants_made(), made, "nothing new is granted");

        // The newer database comes back, and what was journalled is entered.
        scene.world.shut_down().await;
        scene.world.put_back(&new);
        scene.recovers().await;
        assert_eq!(scene.holders(), ["gerda", "mara"]);
        assert_eq!(scene.grants_made(), made);
    });
}

#[test]
fn two_that_are_both_given_back_do_not_wait_for_each_other() {
    run(async {
        let mut scene = Scene::new().await;
        scene.asks("ines", "8h").await;
        scene.works().await;
        scene.asks("ines", "7h").await;
        scene.works().await;
        let both: Vec<_> = scene.checkers.book.grants().map(|one| one.id).collect();
        assert_eq!(both.len(), 2);
        for grant in both {
            scene.world.by("ines", &GiveBack { grant }).await.unwrap();
        }
        scene.world.fate.trouble(Some(Trouble::Refuses));
        scene.works().await;
        assert_eq!(scene.holders(), [""; 0], "each waits for the other to carry it on");
        scene.recovers().await;
    });
}

#[test]
fn a_receipt_that_comes_late_puts_a_grant_off_and_does_not_end_it() {
    run(async {
        let mut scene = Scene::new().await;
        scene.asks("ines", "8h").await;
        scene.world.fate.late_receipts(31);
        scene.works().await;
        assert_eq!(scene.holders(), [""; 0], "nothing is done before its receipt");
        scene.world.fate.late_receipts(0);
        scene.world.nature.pass(10);
        scene.works().await;
        assert_eq!(scene.holders(), ["ines"], "and it is done once the receipt is there");
        scene.recovers().await;
    });
}
