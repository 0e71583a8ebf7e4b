//! The demo where a server is given, and what is left of it there.

use std::os::unix::fs::PermissionsExt as _;

use crate::on_each;
use crate::place::Place;

#[tokio::test]
async fn the_demo_plays_on_a_server_that_is_given_and_leaves_nothing_there() {
    on_each(|server| async move {
        let place = Place::new();
        let file = place.path("boss");
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode));
        std::fs::write(&file, server.address("boss", "boss", "postgres")).unwrap();
        mode(0o644).unwrap();
        let demo = ["demo", "--once", "--postgres", "boss"];
        place.bad("nobody", &demo, 2, "others than its owner can reach it");
        mode(0o600).unwrap();
        // Twice: what is there of an earlier one is in nobody's way.
        for _ in 0..2 {
            server.by_hand("create role placet_demo_read").await;
            let told = place.good("nobody", &demo);
            let told: String =
                told.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
            for part in [
                "6 entitlements on 5 targets",
                "crew-db PostgreSQL, on the server that was given",
                "table placet_demo.crew_lists: select",
                "Axel, Lotta, Per",
                "Ada revokes it while that session is open: seen absent",
                "terminating connection due to administrator command",
                "finding: `placet_demo_eve` holds crew-lists-read on crew-db (unapproved)",
                "it is seen to be gone",
                "governed rows are exactly the fold of their events",
            ] {
                assert!(told.contains(part), "`{part}` is not told:\n{told}");
            }
            let refused = told.contains("which Placet may not, and says");
            assert_eq!(refused, server.is_since_16().await);
            let left = "select count(*)::text from (select rolname from pg_roles where rolname \
                        like 'placet%' union all select nspname from pg_namespace where nspname \
                        like 'placet%') as left_behind";
            assert_eq!(server.ask(left).await, "0");
        }
        // A server that is not there, or a wrong password, is said without showing it.
        std::fs::write(&file, server.address("boss", "wrong-s3cret", "postgres")).unwrap();
        let output = place.run("nobody", &demo);
        let (out, err) = crate::place::texts(&output);
        assert_eq!(output.status.code(), Some(2), "{out}{err}");
        assert!(err.contains("password authentication failed") && !err.contains("s3cret"), "{err}");
    })
    .await;
}
