//! The program on real PostgreSQL servers, of each version that is installed: asked for, agreed to,
//! seen there, used, and gone with the sessions; what a hand did there is found. The accounts of Placet
//! are made by the statements of `docs/operate.md`, and by no others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

mod demo;
mod docs;
#[path = "../binary/place.rs"]
#[allow(dead_code)] // Shared with the tests of the program; not everything is used here.
mod place;
#[path = "../../../connectors/tests/postgres/server.rs"]
mod server;
mod shop;

use std::os::unix::fs::PermissionsExt as _;

use server::{Server, bins, goes_on, run_sql};
use shop::Shop;

/// Each installed version lives through it all on its own.
async fn on_each<F: Future<Output = ()>>(story: impl Fn(Server) -> F) {
    for bin in bins() {
        story(Server::of(bin)).await;
    }
}

const READ: &str = "select * from orders";

#[tokio::test]
async fn a_membership_is_agreed_to_used_and_gone_with_its_sessions() {
    on_each(|server| async move {
        let shop = Shop::open(server).await;
        let mut session = shop.server.connect("jon", "jon").await.unwrap();
        assert!(run_sql(&mut session, READ).await.is_err());
        let request = shop.ask("jon", "orders-read", "1h");
        let shown = shop.good("ravi", &["request", "show", &request]);
        let allows = "passed on by placet; table public.orders: select";
        assert!(shown.contains(allows), "who decides sees what it really allows: {shown}");
        shop.agree(&request);
        let grant = shop.grant_of(&request, "active");
        run_sql(&mut session, READ).await.unwrap();
        run_sql(&mut session, "set role app_read").await.unwrap();
        assert_eq!(shop.members("app_read").await, "jon");

        shop.good("lena", &["revoke", &grant, "--because", "the audit is over"]);
        let ended = shop.until(&grant, "ended");
        assert_eq!(ended["gone"], "seen absent");
        assert!(!goes_on(&mut session).await, "his open session is over");
        let mut again = shop.server.connect("jon", "jon").await.unwrap();
        assert!(run_sql(&mut again, READ).await.is_err());
        assert_eq!(shop.members("app_read").await, "");

        // By the clock, too; and nothing is over while the server cannot be looked at.
        let request = shop.ask("jon", "orders-read", "5s");
        shop.agree(&request);
        let grant = shop.grant_of(&request, "active");
        let mut session = shop.server.connect("jon", "jon").await.unwrap();
        run_sql(&mut session, READ).await.unwrap();
        shop.server.down();
        let ending = shop.until(&grant, "ending");
        std::thread::sleep(std::time::Duration::from_secs(2));
        assert_eq!(shop.grant(&grant)["state"], "ending", "{ending}");
        shop.server.up();
        assert_eq!(shop.until(&grant, "ended")["gone"], "seen absent");
        assert_eq!(shop.members("app_read").await, "");
        assert!(shop.findings("lena").is_empty(), "{:?}", shop.findings("lena"));
        shop.close();
    })
    .await;
}

#[tokio::test]
async fn a_login_is_collected_once_used_and_gone_at_its_end() {
    on_each(|server| async move {
        let shop = Shop::open(server).await;
        // One runs out by itself.
        let request = shop.ask("jon", "orders-login", "6s");
        let grant = shop.grant_of(&request, "approved");
        let password = shop.good("jon", &["collect", &grant, "--password-stdout"]);
        let password = password.trim();
        shop.until(&grant, "active");
        let mut session = shop.server.connect(&grant, password).await.unwrap();
        run_sql(&mut session, READ).await.unwrap();
        assert_eq!(shop.until(&grant, "ended")["gone"], "seen absent");
        assert!(!goes_on(&mut session).await);
        assert!(shop.server.connect(&grant, password).await.is_err());
        shop.knows_nothing_of(password);

        let request = shop.ask("jon", "orders-login", "1h");
        let grant = shop.grant_of(&request, "approved");
        assert!(shop.good("jon", &["grants", &grant]).contains("placet collect"));
        let collect = |file| ["collect", grant.as_str(), "--password-file", file];
        shop.bad("mira", &collect("pw"), 3, "");
        shop.good("jon", &collect("pw"));
        let mode = std::fs::metadata(shop.place.path("pw")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let password = std::fs::read_to_string(shop.place.path("pw")).unwrap();
        shop.until(&grant, "active");
        let mut session = shop.server.connect(&grant, &password).await.unwrap();
        run_sql(&mut session, READ).await.unwrap();
        run_sql(&mut session, "create table shop.made as select 1 as one").await.unwrap();
        shop.bad("jon", &collect("second"), 3, "was collected already");
        assert!(!shop.place.path("second").exists(), "nothing is kept of what was refused");

        // Somebody makes it last for ever, and it is seen.
        let hand = format!("alter role {grant} valid until 'infinity'");
        shop.server.by_hand(&hand).await;
        let found = shop.until_found("unapproved", "jon");
        assert_eq!(found["entitlement"], "orders-login");
        assert_eq!(shop.grant(&grant)["state"], "active", "and what was agreed to stands");
        let until = shop.grant(&grant)["until"].as_str().unwrap().to_owned();
        shop.server.by_hand(&format!("alter role {grant} valid until '{until}'")).await;
        shop.until_nothing_is_found();

        shop.good("jon", &["give-back", &grant]);
        assert_eq!(shop.until(&grant, "ended")["gone"], "seen absent");
        assert!(!goes_on(&mut session).await, "its open session is over");
        assert!(shop.server.connect(&grant, &password).await.is_err());
        let left = "select count(*)::text from pg_roles where rolname like 'grt%'";
        assert_eq!(shop.server.ask(left).await, "0", "the login is gone");
        let owner = "select tableowner::text from pg_tables where tablename = 'made'";
        assert_eq!(shop.server.ask(owner).await, "app_log", "its work is kept");
        let own = "select count(*)::text from pg_auth_members m join pg_roles r \
                   on r.oid = m.member where r.rolname = 'placet' and not m.admin_option \
                   and m.roleid = 'app_log'::regrole";
        assert_eq!(shop.server.ask(own).await, "0", "Placet keeps nothing of it for itself");
        shop.knows_nothing_of(&password);
        // The role owns it now, and so allows more than was agreed to.
        assert_eq!(shop.until_found("scope_changed", "")["entitlement"], "orders-login");
        shop.close();
    })
    .await;
}

#[tokio::test]
async fn what_a_hand_granted_is_found_and_what_cannot_be_taken_away_is_told() {
    on_each(|server| async move {
        let shop = Shop::open(server).await;
        shop.server.by_hand("create role nobody login; grant app_read to mira, nobody").await;
        let found = shop.until_found("unapproved", "mira");
        assert_eq!(found["request"], serde_json::Value::Null);
        assert_eq!(shop.until_found("orphan", "nobody")["target"], "shop-db");
        let id = found["id"].as_str().unwrap();
        let mut session = shop.server.connect("mira", "mira").await.unwrap();
        run_sql(&mut session, READ).await.unwrap();
        shop.good("tove", &["findings", "remove", id]);
        if shop.server.is_since_16().await {
            // A superuser granted it, and only one takes it away.
            let told = || {
                std::thread::sleep(std::time::Duration::from_millis(100));
                shop.good("lena", &["findings"]).split_whitespace().collect::<Vec<_>>().join(" ")
            };
            let is_told = (0..100).any(|_| told().contains("permission denied"));
            assert!(is_told, "{}", told());
            assert_eq!(shop.members("app_read").await, "mira nobody");
            assert!(goes_on(&mut session).await, "and nothing of it was said to be gone");
            shop.server.by_hand(&docs::block("revoke app_read from mira")).await;
        }
        shop.until_not_found("mira");
        if !shop.server.is_since_16().await {
            assert!(!goes_on(&mut session).await, "her open session is over");
        }
        assert_eq!(shop.members("app_read").await, "nobody");
        shop.close();
    })
    .await;
}

#[tokio::test]
async fn a_role_that_is_another_one_than_was_agreed_to_is_not_granted() {
    on_each(|server| async move {
        let shop = Shop::open(server).await;
        let request = shop.ask("jon", "orders-read", "1h");
        let anew = "drop owned by app_read; drop role app_read; create role app_read; \
                    grant select on orders to app_read";
        shop.server.by_hand(anew).await;
        shop.server.by_hand(&docs::passes_on(&shop.server).await).await;
        shop.agree(&request);
        let shown = shop.until_request(&request, |shown| shown["grant"]["state"] == "cancelled");
        let said = shop.good("jon", &["request", "show", &request]);
        let why = "what the entitlement allows on the target is not what was agreed to";
        assert!(said.contains(why), "{said}{shown}");
        assert_eq!(shop.members("app_read").await, "");
        let found = shop.until_found("scope_changed", "");
        assert_eq!(found["entitlement"], "orders-read");

        // One that is not there any more is said to be gone, again and again, and nothing is granted.
        shop.server.by_hand("drop owned by app_old; drop role app_old").await;
        let request = shop.ask("jon", "old-read", "1h");
        shop.agree(&request);
        let shown = shop.until_request(&request, |shown| {
            shown.to_string().contains("there is no role `app_old`")
        });
        assert!(shown["grant"]["state"] != "active", "{shown}");
        shop.close();
    })
    .await;
}

#[tokio::test]
async fn what_leads_to_power_is_refused_whatever_the_catalogue_says() {
    on_each(|server| async move {
        let shop = Shop::open(server).await;
        let request = shop.ask("jon", "everything", "1h");
        shop.agree(&request);
        let shown = shop.until_request(&request, |shown| {
            shown.to_string().contains("role `app_boss` is never granted: it leads to `boss`")
        });
        assert!(shown["grant"]["state"] != "active", "{shown}");
        assert_eq!(shop.members("app_boss").await, "");
        shop.close();
    })
    .await;
}
