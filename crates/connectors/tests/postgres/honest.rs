//! What is said of a server that does not do as it is told: sure only where it is sure.

use std::time::Duration;

use placet_connectors::conformance;
use placet_domain::action::Outcome;
use placet_domain::observation::{Completeness, Scope};
use sqlx::Executor as _;

use crate::ground::Ground;
use crate::server::{Server, goes_on};
use crate::{at, failed, grant, remove};

/// A server that may be stopped without being in another test's way.
fn own() -> &'static Server {
    Box::leak(Box::new(Server::start()))
}

#[tokio::test]
async fn who_may_not_or_cannot_write_has_surely_changed_nothing() {
    let ground = Ground::new("cannot", &["app", "foreign"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    let hand = async |statement: &str| ground.server.by_hand(statement).await;
    hand("alter role cannot_placet set default_transaction_read_only = on").await;
    assert!(failed(grant(&*target, &app).await).contains("the server is read-only"));
    hand("alter role cannot_placet reset default_transaction_read_only").await;
    hand("alter role cannot_placet nocreaterole; revoke cannot_foreign from cannot_placet").await;
    let foreign = ground.binding("foreign", "ines");
    let why = failed(grant(&*target, &foreign).await);
    assert!(why.contains("(42501)"), "{why}");
    hand("grant cannot_foreign to cannot_ines").await;
    let why = failed(remove(&*target, &foreign).await);
    assert!(why.contains("(42501)"), "{why}");
    assert_eq!(at(&*target, &foreign).await, (true, false));
    // With the admin option on a role it needs no more.
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
    hand("alter role cannot_placet nologin").await;
    for target in [&target, &ground.target(&[("issues", "login")])] {
        assert!(failed(remove(&**target, &app).await).contains("not permitted to log in"));
    }
    assert_eq!(at(&*target, &app).await, (true, false));
}

#[tokio::test]
async fn a_server_that_answers_slowly_is_given_up_before_anything_happened() {
    // Nothing goes on there meanwhile, so it is nobody else's.
    let ground = Ground::on(own(), "slow", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    let mut boss = ground.server.boss().await;
    // Somebody else's change that does not come to its end.
    boss.execute("begin").await.unwrap();
    boss.execute("lock table pg_auth_members in access exclusive mode").await.unwrap();
    let begun = tokio::time::Instant::now();
    let why = failed(grant(&*target, &app).await);
    assert!(begun.elapsed() < Duration::from_secs(20), "{why}");
    boss.execute("rollback").await.unwrap();
    assert_eq!(at(&*target, &app).await, (false, false));
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
}

#[tokio::test]
async fn a_server_that_is_cut_off_in_the_commit_leaves_doubt_and_one_that_is_gone_does_not() {
    let server = own();
    let ground = Ground::on(server, "doubt", &["app", "more"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    // A commit that waits for a standby that never comes.
    server.by_hand("alter system set synchronous_standby_names = 'nobody'").await;
    server.by_hand("select pg_reload_conf()").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let cut = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::task::spawn_blocking(|| server.down()).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(grant(&*target, &app), cut);
    let Outcome::InDoubt { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("whether it was committed is not known"), "{why}");

    assert!(failed(grant(&*target, &app).await).contains("the connection broke"));
    assert!(failed(remove(&*target, &app).await).contains("the connection broke"));
    let look = target.observe(&Scope::Everything).await;
    assert_eq!(look.completeness, Completeness::Unknown);
    assert!(look.present.is_empty() && look.detail.unwrap().contains("the connection broke"));

    server.up();
    assert_eq!(at(&*target, &app).await, (true, false), "it had been committed after all");
    // Nobody says whether it was: in doubt after a while, not for ever.
    let more = ground.binding("more", "ines");
    let outcome = grant(&*target, &more).await;
    assert!(matches!(outcome, Outcome::InDoubt { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_server_that_stands_still_or_only_reads_has_done_nothing() {
    let server = own();
    let ground = Ground::on(server, "still", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    server.signal("STOP");
    let why = failed(grant(&*target, &app).await);
    let look = target.observe(&Scope::Everything).await;
    server.signal("CONT");
    assert!(why.contains("no answer within 5 seconds"), "{why}");
    assert_eq!(look.completeness, Completeness::Unknown);
    assert_eq!(at(&*target, &app).await, (false, false));

    server.become_standby();
    assert!(failed(grant(&*target, &app).await).contains("the server is read-only"));
    // A standby is behind, and its sessions are its own: what it does not show may be there.
    let look = target.observe(&Scope::Binding(app)).await;
    assert_eq!(look.completeness, Completeness::Partial);
    assert!(look.detail.unwrap().contains("standby"));
}

#[tokio::test]
async fn sessions_end_with_the_access_though_nobody_is_there_any_more_to_end_them() {
    let server = own();
    let ground = Ground::on(server, "gone", &["app"]).await;
    ground.account("ines").await;
    let app = ground.binding("app", "ines");
    assert_eq!(grant(&*ground.target(&[]), &app).await, Outcome::Done);
    let mut session = ground.log_in("ines").await;
    // A commit that waits for a standby, and a Placet that dies meanwhile.
    let waits_for = async |standby: &str| {
        let set = format!("alter system set synchronous_standby_names = '{standby}'");
        server.by_hand(&set).await;
        server.by_hand("select pg_reload_conf()").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let (dying, order) = (ground.target(&[]), conformance::removal(&app, 1));
    waits_for("nobody").await;
    let removing = tokio::spawn(async move { dying.remove(order).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!removing.is_finished() && goes_on(&mut session).await);
    removing.abort();
    let _ = removing.await;
    waits_for("").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!goes_on(&mut session).await, "the server was told in one breath");
    assert_eq!(at(&*ground.target(&[]), &app).await, (false, false));
}

#[tokio::test]
async fn a_look_that_is_not_whole_shows_no_absence() {
    let server = own();
    let ground = Ground::on(server, "many", &["app"]).await;
    ground.account("ines").await;
    // More memberships than are read, put where they stand, since granting them takes minutes.
    let (oid, options) = match ground.server.is_since_16().await {
        true => ("oid, ", "pg_nextoid('pg_auth_members', 'oid', 'pg_auth_members_oid_index'), "),
        false => ("", ""),
    };
    let (more, defaults) = match ground.server.is_since_16().await {
        true => (", inherit_option, set_option", ", true, true"),
        false => ("", ""),
    };
    server
        .by_hand(&format!(
            "do $$ begin for n in 1..450 loop execute format('create role many_a%s', n); \
             execute format('create role many_b%s', n); end loop; end $$; \
             set allow_system_table_mods = on; \
             insert into pg_auth_members ({oid}roleid, member, grantor, admin_option{more}) \
             select {options}a.oid, b.oid, 10, false{defaults} from pg_roles a, pg_roles b \
             where a.rolname like 'many_a%' and b.rolname like 'many_b%'"
        ))
        .await;
    let look = ground.target(&[]).observe(&Scope::Everything).await;
    let detail = look.detail.unwrap();
    // On a machine that is busy it takes longer than a look may, which shows as little.
    match look.completeness {
        Completeness::Partial => {
            assert!(detail.contains("more memberships or rights than are read"), "{detail}");
        }
        other => assert_eq!(other, Completeness::Unknown, "{detail}"),
    }
}
