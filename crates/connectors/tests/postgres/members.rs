//! Membership: given, used, taken away with its sessions, and found where nobody gave it.

use placet_connectors::conformance;
use placet_domain::action::Outcome;
use placet_domain::observation::{Binding, Scope};

use crate::ground::Ground;
use crate::server::{goes_on, quoted, run_sql};
use crate::{at, failed, grant, look, remove};

#[tokio::test]
async fn postgres_conforms() {
    let ground = Ground::new("conf", &["app", "ops"]).await;
    ground.account("ines").await;
    ground.account("eve").await;
    ground.server.by_hand("grant conf_ops to conf_eve").await;
    let target = ground.target(&[]);
    target.set_up(conformance::assent(&ground.binding("app", "ines"), 1).until()).await.unwrap();
    let (ines, eve) = (ground.binding("app", "ines"), ground.binding("ops", "eve"));
    conformance::check(&*target, &ines, &eve).await;
}

#[tokio::test]
async fn access_is_used_and_ends_with_the_sessions_that_had_it() {
    let ground = Ground::new("use", &["app", "other"]).await;
    ground.account("ines").await;
    ground
        .server
        .by_hand("create table use_orders(id int); grant select on use_orders to use_app")
        .await;
    let target = ground.target(&[]);
    let (app, other) = (ground.binding("app", "ines"), ground.binding("other", "ines"));
    let mut early = ground.log_in("ines").await;
    let read = "select * from use_orders";
    assert!(run_sql(&mut early, read).await.is_err());
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
    assert_eq!(grant(&*target, &other).await, Outcome::Done);
    run_sql(&mut early, read).await.unwrap();
    // Who has switched to the role would keep it without the membership.
    run_sql(&mut early, "set role use_app").await.unwrap();
    assert_eq!(at(&*target, &app).await, (true, true));

    assert_eq!(remove(&*target, &app).await, Outcome::Done);
    assert!(!goes_on(&mut early).await, "the session is over");
    assert_eq!(at(&*target, &app).await, (false, false));
    // What she still holds lets her in again, and nobody throws her out a second time.
    let mut late = ground.log_in("ines").await;
    assert!(run_sql(&mut late, read).await.is_err());
    run_sql(&mut late, "set role use_other").await.unwrap();
    assert_eq!(remove(&*target, &app).await, Outcome::Done);
    assert!(goes_on(&mut late).await, "it began when the access was gone");
    assert_eq!(at(&*target, &app).await, (false, false));
    assert_eq!(at(&*target, &other).await, (true, true));
}

#[tokio::test]
async fn what_was_never_there_throws_nobody_out() {
    let ground = Ground::new("never", &["app"]).await;
    ground.account("ines").await;
    let mut session = ground.log_in("ines").await;
    let app = ground.binding("app", "ines");
    assert_eq!(remove(&*ground.target(&[]), &app).await, Outcome::Done);
    assert!(goes_on(&mut session).await);
}

#[tokio::test]
async fn a_session_that_cannot_be_ended_is_told_until_it_is_over() {
    let ground = Ground::new("stay", &["app"]).await;
    ground.account("ines").await;
    ground.server.by_hand("revoke pg_signal_backend from stay_placet").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
    let session = ground.log_in("ines").await;
    let outcome = remove(&*target, &app).await;
    let Outcome::InDoubt { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("the access is gone, its sessions are not"), "{why}");
    assert_eq!(at(&*target, &app).await, (false, true));
    let other = ground.log_in("ines").await;
    drop(session);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(at(&*target, &app).await, (false, false), "a later one does not count");
    drop(other);
}

#[tokio::test]
async fn what_was_given_by_hand_is_found_and_can_be_taken_away() {
    let ground = Ground::new("hand", &["app"]).await;
    ground.account("eve").await;
    let target = ground.target(&[]);
    let by = ground.by_placet().await;
    ground
        .server
        .by_hand(&format!(
            "create role hand_helpers; create role \"hand two words\"; \
             grant hand_app to hand_eve, hand_helpers, \"hand two words\" {by}"
        ))
        .await;
    let eve = ground.binding("app", "eve");
    let seen = look(&*target, Scope::Everything).await;
    let here = seen.present.iter().filter(|one| one.native == eve.native);
    let accounts: Vec<String> = here.map(|one| one.account.to_string()).collect();
    let odd =
        ground.server.ask("select oid::text from pg_roles where rolname = 'hand two words'").await;
    let odd = format!("~oid-{odd}");
    assert_eq!(accounts, ["hand_eve", "hand_helpers", odd.as_str()]);
    let odd = Binding { native: eve.native.clone(), account: odd.parse().unwrap() };
    for binding in [&eve, &odd] {
        let order = placet_ledger::RemovalOrder { grant: None, ..conformance::removal(binding, 1) };
        assert_eq!(target.remove(order).await, Outcome::Done);
        assert_eq!(at(&*target, binding).await, (false, false));
    }
}

#[tokio::test]
async fn names_are_safe_whatever_they_contain() {
    let long = "ö".repeat(25);
    let natives = [
        "a\"b",
        "a'b",
        "x\"; drop role hostile_app; --",
        "%s %d {} $1",
        "two words",
        "back\\slash",
        "UPPER",
        "ünïcode \u{1f512}",
        "select",
        &long,
    ];
    let ground = Ground::new("hostile", &natives).await;
    let accounts = ["o\"hara", "o'hara", "%s$1", "\u{1f512}", "\"\"", "a\\b", "Mixed"];
    for account in accounts {
        ground.account(account).await;
    }
    let target = ground.target(&[]);
    for (native, account) in natives.iter().zip(accounts.iter().cycle()) {
        let binding = ground.binding(native, account);
        assert_eq!(grant(&*target, &binding).await, Outcome::Done, "{native} {account}");
        assert_eq!(at(&*target, &binding).await, (true, false), "{native} {account}");
        assert_eq!(remove(&*target, &binding).await, Outcome::Done, "{native} {account}");
        assert_eq!(at(&*target, &binding).await, (false, false), "{native} {account}");
    }
    // The server would cut it, and mean another role.
    let cut = format!("hostile_{}", "y".repeat(55));
    assert_eq!(cut.len(), 63);
    ground.server.by_hand(&format!("create role {}", quoted(&cut))).await;
    let longer = ground.binding(&"y".repeat(56), "Mixed");
    let why = failed(grant(&*target, &longer).await);
    assert!(why.contains("63 bytes"), "{why}");
    let why = failed(grant(&*target, &ground.binding("a\"b", "nobody")).await);
    assert!(why.contains("there is no account `hostile_nobody`"), "{why}");
}

#[tokio::test]
async fn an_older_action_that_comes_late_does_nothing() {
    let ground = Ground::new("late", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    assert_eq!(remove(&*target, &app).await, Outcome::Done);
    let why = failed(grant(&*target, &app).await);
    assert!(why.contains("a newer action was here first"), "{why}");
    assert_eq!(at(&*target, &app).await, (false, false));
}

#[tokio::test]
async fn what_another_granted_too_stays_and_is_told() {
    let ground = Ground::new("both", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    // Before 16 there is one membership, whoever granted it.
    if !ground.server.is_since_16().await {
        ground.server.by_hand("grant both_app to both_ines with admin option").await;
        assert_eq!(grant(&*target, &app).await, Outcome::Done);
        assert_eq!(remove(&*target, &app).await, Outcome::Done);
        assert_eq!(at(&*target, &app).await, (false, false));
        return;
    }
    ground.server.by_hand("grant both_app to both_ines with inherit false, set false").await;
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
    let options = "select string_agg(concat_ws(' ', grantor::regrole, inherit_option, set_option, \
                   admin_option), ', ' order by grantor::regrole::text) from pg_auth_members \
                   where member = 'both_ines'::regrole";
    assert_eq!(ground.server.ask(options).await, "boss f f f, both_placet t t f");
    let outcome = remove(&*target, &app).await;
    let Outcome::InDoubt { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("another's grant of the same stays"), "{why}");
    assert_eq!(ground.server.ask(options).await, "boss f f f");
    assert_eq!(at(&*target, &app).await, (true, false), "so it is not gone");
    assert!(failed(remove(&*target, &app).await).contains("(42501)"));
    ground.server.by_hand("revoke both_app from both_ines").await;
    assert_eq!(remove(&*target, &app).await, Outcome::Done);
    assert_eq!(at(&*target, &app).await, (false, false));
}
