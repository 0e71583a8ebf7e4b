//! Logins that are issued: drawn by their receiver, used, ended by the server's own clock, and dropped.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac as _};
use placet_connectors::half::{self, Submitted};
use placet_connectors::{Connector, conformance};
use placet_domain::Timestamp;
use placet_domain::action::Outcome;
use placet_domain::canonical::Digest;
use placet_domain::grant::Half;
use placet_domain::length::Length;
use placet_domain::observation::{Binding, Scope};
use sha2::Sha256;

use crate::ground::Ground;
use crate::server::{Server, goes_on, run_sql};
use crate::{failed, look};

const LOGIN: &[(&str, &str)] = &[("issues", "login"), ("connections", "2")];

/// The end of the century: a moment that is ahead, whenever this runs.
const AHEAD: i64 = 4_102_444_800_000_000;

fn password(serial: u128) -> String {
    Digest::of(format!("a password {serial}").as_bytes()).to_string()
}

/// The verifier of a password, by RFC 5802.
fn verifier(password: &str) -> String {
    let mac = |key: &[u8], text: &[u8]| -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text);
        mac.finalize().into_bytes().into()
    };
    let salt = [7; 16];
    let mut last = mac(password.as_bytes(), &[&salt[..], &[0, 0, 0, 1]].concat());
    let mut salted = last;
    for _ in 1..4096 {
        last = mac(password.as_bytes(), &last);
        salted.iter_mut().zip(last).for_each(|(all, last)| *all ^= last);
    }
    let stored = Digest::of(&mac(&salted, b"Client Key"));
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let server = text(&mac(&salted, b"Server Key"));
    format!("SCRAM-SHA-256$4096:{}${}:{server}", text(&salt), text(stored.as_bytes()))
}

fn half_of(serial: u128) -> Option<half::Read> {
    let scram_verifier = Some(verifier(&password(serial)));
    let submitted = Submitted { scram_verifier, ..Submitted::default() };
    let grant = conformance::grant_of(serial);
    Some(half::read(Half::ScramSha256, grant, &submitted).unwrap())
}

async fn grant_at(target: &dyn Connector, binding: &Binding, serial: u128, at: i64) -> Outcome {
    let wanted = conformance::Wanted {
        binding: binding.clone(),
        serial,
        at: Timestamp::from_micros(at),
        length: Length::parse("4h").unwrap(),
        half: half_of(serial),
    };
    target.grant(conformance::assent_of(&wanted)).await.outcome
}

/// Numbers of grants, and so names of roles, are the whole server's: each test has its own.
fn role(serial: u128) -> String {
    conformance::grant_of(serial).to_string()
}

async fn kept(target: &dyn Connector, binding: &Binding) -> Vec<Digest> {
    let seen = look(target, Scope::Binding(binding.clone())).await;
    seen.credentials.unwrap().into_iter().map(|one| one.digest).collect()
}

#[tokio::test]
async fn logins_conform() {
    let ground = Ground::new("lconf", &["app", "ops"]).await;
    ground.account("eve").await;
    ground.server.by_hand("grant lconf_ops to lconf_eve").await;
    let target = ground.target(LOGIN);
    let (ines, eve) = (ground.binding("app", "ines"), ground.binding("ops", "eve"));
    conformance::check_with(&*target, &ines, &eve, half_of).await;
}

#[tokio::test]
async fn a_login_is_used_until_it_is_taken_away_and_its_password_is_nobodys() {
    let ground = Ground::new("login", &["app"]).await;
    let server = ground.server;
    server
        .by_hand("create table login_orders(id int); grant select on login_orders to login_app")
        .await;
    let target = ground.target(LOGIN);
    let ines = ground.binding("app", "ines");
    let (one, other) = (101, 102);
    assert_eq!(grant_at(&*target, &ines, one, AHEAD).await, Outcome::Done);
    assert_eq!(grant_at(&*target, &ines, one, AHEAD).await, Outcome::Done, "twice is once");
    assert_eq!(grant_at(&*target, &ines, other, AHEAD).await, Outcome::Done);
    let digest = |serial| Digest::of(verifier(&password(serial)).as_bytes());
    let mut both = vec![digest(one), digest(other)];
    both.sort();
    assert_eq!(kept(&*target, &ines).await, both);
    let mut session = server.connect(&role(one), &password(one)).await.unwrap();
    run_sql(&mut session, "select * from login_orders").await.unwrap();
    assert!(server.connect(&role(one), &password(other)).await.is_err());
    let second = server.connect(&role(one), &password(one)).await.unwrap();
    assert!(server.connect(&role(one), &password(one)).await.is_err(), "two at once, and no more");
    drop(second);
    assert_eq!(about(server, "rolpassword", one).await, verifier(&password(one)));
    assert!(about(server, "rolvaliduntil", one).await.starts_with("2100-01-01 04:00:00"));
    assert_eq!(about(server, "rolinherit", one).await, "true");
    assert_eq!(about(server, "rolcreaterole", one).await, "false");

    let mut others = server.connect(&role(other), &password(other)).await.unwrap();
    assert_eq!(target.remove(conformance::removal(&ines, one)).await, Outcome::Done);
    assert!(!goes_on(&mut session).await, "its session is over");
    assert!(server.connect(&role(one), &password(one)).await.is_err());
    assert_eq!(about(server, "rolname", one).await, "", "the role is gone");
    assert!(goes_on(&mut others).await, "another grant of the same goes on");
    assert_eq!(kept(&*target, &ines).await, [digest(other)]);
    let seen = look(&*target, Scope::Binding(ines.clone())).await;
    assert!(!seen.sessions.contains(&ines), "nor does it keep the first one's end");

    let log = server.log();
    assert!(log.contains("create role"), "the log has all statements");
    for serial in [one, other] {
        assert!(!log.contains(&password(serial)), "the server never saw the password");
    }
    assert!(!format!("{target:?}").contains(&password(one)));
}

#[tokio::test]
async fn a_login_that_a_hand_made_more_of_is_seen_beside_the_one_that_was_collected() {
    let ground = Ground::new("longer", &["app", "other"]).await;
    let target = ground.target(LOGIN);
    let ines = ground.binding("app", "ines");
    assert_eq!(grant_at(&*target, &ines, 601, AHEAD).await, Outcome::Done);
    let digest = Digest::of(verifier(&password(601)).as_bytes());
    let role = role(601);
    let until = "valid until '2100-01-01 04:00:00Z'";
    for (change, back) in [
        ("valid until '2100-01-01 04:00:01Z'", until),
        ("valid until 'infinity'", until),
        ("createrole", "nocreaterole"),
        ("createdb", "nocreatedb"),
        ("bypassrls", "nobypassrls"),
        ("replication", "noreplication"),
        ("superuser", "nosuperuser"),
    ] {
        assert_eq!(kept(&*target, &ines).await, [digest], "before {change}");
        ground.server.by_hand(&format!("alter role {role} {change}")).await;
        let seen = kept(&*target, &ines).await;
        // It stands as it was collected, too: it must be neither missing nor over.
        assert!(seen.len() == 2 && seen.contains(&digest), "{change}: {seen:?}");
        ground.server.by_hand(&format!("alter role {role} {back}")).await;
    }
    // Nor is it hidden behind its holder what else it was put into.
    let by = ground.by_placet().await;
    ground.server.by_hand(&format!("grant longer_other to {role} {by}")).await;
    let other = ground.binding("other", "ines");
    assert_eq!(kept(&*target, &other).await, [digest]);
    // A hand that lengthens it does not keep Placet from ending it.
    ground.server.by_hand(&format!("alter role {role} valid until 'infinity'")).await;
    assert_eq!(target.remove(conformance::removal(&ines, 601)).await, Outcome::Done);
    assert!(kept(&*target, &ines).await.is_empty());
    assert!(ground.server.connect(&role, &password(601)).await.is_err());
}

/// What the server knows of an issued role; nothing, if it is not there.
async fn about(server: &Server, column: &str, serial: u128) -> String {
    let role = role(serial);
    let known = format!("select {column}::text from pg_authid where rolname = '{role}'");
    server.ask(&format!("select coalesce(({known}), '')")).await
}

#[tokio::test]
async fn the_server_itself_lets_nobody_in_after_the_end() {
    let ground = Ground::new("expire", &["app"]).await;
    let target = ground.target(LOGIN);
    let ines = ground.binding("app", "ines");
    // Its four hours are long over.
    assert_eq!(grant_at(&*target, &ines, 201, 1_700_000_000_000_000).await, Outcome::Done);
    assert!(target.abilities().native_expiry);
    assert!(ground.server.connect(&role(201), &password(201)).await.is_err());
}

#[tokio::test]
async fn what_a_login_made_is_handed_on_to_the_role_it_worked_as() {
    let ground = Ground::new("owns", &["app"]).await;
    let server = ground.server;
    server
        .by_hand("create schema owns_shop; grant create, usage on schema owns_shop to owns_app")
        .await;
    let target = ground.target(LOGIN);
    let ines = ground.binding("app", "ines");
    assert_eq!(grant_at(&*target, &ines, 301, AHEAD).await, Outcome::Done);
    let mut session = server.connect(&role(301), &password(301)).await.unwrap();
    run_sql(&mut session, "create table owns_shop.made as select 7 as seven").await.unwrap();
    assert_eq!(target.remove(conformance::removal(&ines, 301)).await, Outcome::Done);
    let owner = "select tableowner::text from pg_tables where tablename = 'made'";
    assert_eq!(server.ask(owner).await, "owns_app");
    assert_eq!(server.ask("select seven::text from owns_shop.made").await, "7");
    let left = "select count(*)::text from pg_auth_members m join pg_roles r on r.oid = m.member \
                where r.rolname = 'owns_placet' and not m.admin_option \
                and m.roleid = 'owns_app'::regrole";
    assert_eq!(server.ask(left).await, "0", "Placet keeps no rights of it");
}

#[tokio::test]
async fn what_cannot_be_handed_on_leaves_an_empty_role_and_says_so() {
    let ground = Ground::new("else", &["app"]).await;
    let server = ground.server;
    let target = ground.target(LOGIN);
    let ines = ground.binding("app", "ines");
    assert_eq!(grant_at(&*target, &ines, 401, AHEAD).await, Outcome::Done);
    // In another database, and given by somebody whose rights Placet does not have.
    server.by_hand("create database else_where").await;
    server.by_hand(&format!("alter database else_where owner to {}", role(401))).await;
    server
        .by_hand(&format!(
            "create table else_mine(id int); grant select on else_mine to {}",
            role(401)
        ))
        .await;
    let outcome = target.remove(conformance::removal(&ines, 401)).await;
    let Outcome::InDoubt { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("nobody gets in any more, and role"), "{why}");
    assert!(why.contains("else_where") && why.contains("else_mine"), "{why}");
    assert!(server.connect(&role(401), &password(401)).await.is_err());
    let seen = look(&*target, Scope::Binding(ines.clone())).await;
    assert!(!seen.present.contains(&ines) && !seen.sessions.contains(&ines));
    // What was ended is not begun again by a call of another process that comes late.
    let late = failed(grant_at(&*ground.target(LOGIN), &ines, 401, AHEAD).await);
    assert!(late.contains("was ended before"), "{late}");
    // When somebody has seen to it, it goes.
    server.by_hand(&format!("revoke select on else_mine from {}", role(401))).await;
    server.by_hand("alter database else_where owner to boss").await;
    assert_eq!(target.remove(conformance::removal(&ines, 401)).await, Outcome::Done);
    assert_eq!(about(server, "rolname", 401).await, "");
}

#[tokio::test]
async fn logins_that_nobody_collected_are_seen_and_removed() {
    let ground = Ground::new("smug", &["app"]).await;
    let server = ground.server;
    let target = ground.target(LOGIN);
    let ines = ground.binding("app", "ines");
    assert_eq!(grant_at(&*target, &ines, 501, AHEAD).await, Outcome::Done);
    let digest = Digest::of(verifier(&password(501)).as_bytes());
    // A copy of the comment on another role does not make it another grant's.
    let comment = server
        .ask(&format!("select shobj_description('{}'::regrole, 'pg_authid')", role(501)))
        .await;
    server
        .by_hand(&format!(
            "create role smug_copy login; comment on role smug_copy is '{comment}'; \
             grant smug_app to smug_copy {}",
            ground.by_placet().await
        ))
        .await;
    let seen = look(&*target, Scope::Everything).await;
    let copy = ground.binding("app", "copy");
    assert!(seen.present.contains(&copy) && seen.present.contains(&ines));
    assert_eq!(kept(&*target, &ines).await, [digest]);
    // Nor is an account that somebody put in by hand hidden behind the login of the same holder.
    ground.account("ines").await;
    let by = ground.by_placet().await;
    server.by_hand(&format!("grant smug_app to smug_ines {by}")).await;
    let both = kept(&*target, &ines).await;
    assert!(both.len() == 2 && both.contains(&digest), "{both:?}");
    for binding in [&copy, &ines] {
        let order =
            placet_ledger::RemovalOrder { grant: None, ..conformance::removal(binding, 501) };
        assert_eq!(target.remove(order).await, Outcome::Done);
        let seen = look(&*target, Scope::Binding(binding.clone())).await;
        assert!(!seen.present.contains(binding), "{binding:?}");
    }
    // Without a verifier there is nothing to make.
    let bare = target.grant(conformance::assent(&ines, 502)).await.outcome;
    assert!(failed(bare).contains("newer action"));
    let other = ground.binding("app", "tom");
    let bare = target.grant(conformance::assent(&other, 502)).await.outcome;
    assert!(failed(bare).contains("no password was collected"));
}
