//! What is refused: power over the server, accounts of Placet itself, what a local file names, roles
//! that are others than they were, and files that others can read.

use placet_domain::action::Outcome;
use placet_domain::observation::Scope;

use crate::ground::Ground;
use crate::{at, failed, grant, look, remove};

#[tokio::test]
async fn power_over_the_server_is_never_granted() {
    let natives = ["super", "maker", "bases", "copier", "rls", "files", "programs", "up", "pay"];
    let ground = Ground::new("power", &natives).await;
    ground.account("ines").await;
    ground
        .server
        .by_hand(
            "alter role power_super superuser; alter role power_maker createrole; \
             alter role power_bases createdb; alter role power_copier replication; \
             alter role power_rls bypassrls; grant pg_read_server_files to power_files; \
             grant pg_execute_server_program to power_programs; \
             create role power_middle noinherit in role power_rls; grant power_middle to power_up; \
             create role power_plain in role power_placet",
        )
        .await;
    let target = ground.target(&[]);
    for (native, says) in [
        ("super", "is a superuser"),
        ("maker", "may make roles"),
        ("bases", "may make databases"),
        ("copier", "may replicate"),
        ("rls", "passes row security"),
        ("files", "`pg_read_server_files`, which reaches the files or programs"),
        ("programs", "`pg_execute_server_program`, which reaches the files or programs"),
        ("up", "it leads to `power_rls`, which passes row security"),
        // Whatever Placet can pass on is reached by its own account.
        ("plain", "it leads to "),
    ] {
        let binding = ground.binding(native, "ines");
        let why = failed(grant(&*target, &binding).await);
        assert!(why.contains("is never granted") && why.contains(says), "{native}: {why}");
        assert_eq!(at(&*target, &binding).await, (false, false), "{native}");
    }
    let pay = ground.binding("pay", "ines");
    ground.write("deny", "# never\n\npower_pay\n");
    let why = failed(grant(&*target, &pay).await);
    assert!(why.contains("local file `deny`"), "{why}");
    ground.mode("deny", 0o666);
    assert!(failed(grant(&*target, &pay).await).contains("others than its owner can change it"));
    std::fs::remove_file(ground.path("deny")).unwrap();
    assert_eq!(grant(&*target, &pay).await, Outcome::Done);
    // What is no account of anybody's is not let in to where nobody would look for it.
    ground.server.by_hand("create role power_group").await;
    let group = ground.binding("pay", "group");
    assert!(failed(grant(&*target, &group).await).contains("a role that nobody logs in as"));
    assert_eq!(at(&*target, &group).await, (false, false));
    let own = ground.binding("pay", "observer");
    assert!(failed(grant(&*target, &own).await).contains("an account of Placet itself"));
}

#[tokio::test]
async fn a_role_that_was_made_anew_is_another_one() {
    let ground = Ground::new("anew", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    let scope = async || {
        let scope = Scope::Binding(app.clone());
        look(&*target, scope).await.scopes.remove(&app.native)
    };
    let before = scope().await.unwrap();
    ground.server.by_hand("drop role anew_app").await;
    // There is nothing to take away, and a look says so.
    let gone = ground.binding("app", "tom");
    assert_eq!(remove(&*target, &gone).await, Outcome::Done);
    assert_eq!(at(&*target, &gone).await, (false, false));
    let why = failed(grant(&*target, &app).await);
    assert!(why.contains("there is no role `anew_app`"), "{why}");
    ground
        .server
        .by_hand("create role anew_app; grant anew_app to anew_placet with admin option")
        .await;
    let why = failed(grant(&*target, &app).await);
    assert!(why.contains("was made anew since it was looked at"), "{why}");
    let after = scope().await.unwrap();
    assert!(before.starts_with("oid ") && after.starts_with("oid ") && before != after);
    // When somebody has looked at it, and agreed to what it is now, it can be granted.
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
}

#[tokio::test]
async fn files_that_others_can_read_are_refused_and_nothing_of_them_is_told() {
    let ground = Ground::new("files", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    let now = placet_connectors::conformance::assent(&app, 1).until();
    assert!(target.set_up(now).await.is_ok());
    let mut told = vec![format!("{target:?}")];
    for name in ["credentials", "observer"] {
        ground.mode(name, 0o640);
        let why = target.set_up(now).await.unwrap_err();
        assert!(why.contains("others than its owner can reach it"), "{why}");
        ground.mode(name, 0o600);
        let right = std::fs::read_to_string(ground.path(name)).unwrap();
        for wrong in [
            right.replace("s3cret", "s3cret-wrong"),
            right.replace("127.0.0.1", "nowhere.invalid"),
            right.replace("@", "@@"),
            format!("{right}?sslmode=verify-full"),
            "s3cret".to_owned(),
        ] {
            ground.write(name, &wrong);
            told.push(target.set_up(now).await.unwrap_err());
            told.push(format!("{:?}", grant(&*target, &app).await));
            told.push(format!("{:?}", target.observe(&Scope::Everything).await.detail));
        }
        ground.write(name, &right);
    }
    for one in &told {
        assert!(!one.contains("s3cret"), "{one}");
    }
    ground.write("observer", &std::fs::read_to_string(ground.path("credentials")).unwrap());
    assert!(target.set_up(now).await.unwrap_err().contains("the same account"));
    let address = ground.server.address("files_observer", "look-s3cret", "postgres");
    ground.write("observer", &address);
    assert!(target.set_up(now).await.is_ok());
    ground
        .server
        .by_hand("create role files_middle noinherit; create role files_boss bypassrls")
        .await;
    for (more, less) in [
        ("alter role files_observer createrole", "alter role files_observer nocreaterole"),
        (
            "grant files_boss to files_middle; grant files_middle to files_observer",
            "revoke files_middle from files_observer",
        ),
        (
            "grant pg_read_server_files to files_observer",
            "revoke pg_read_server_files from files_observer",
        ),
        (
            "grant files_app to files_observer with admin option",
            "revoke files_app from files_observer",
        ),
    ] {
        ground.server.by_hand(more).await;
        let why = target.set_up(now).await.unwrap_err();
        assert!(why.contains("give it a plain role"), "{more}: {why}");
        ground.server.by_hand(less).await;
        assert!(target.set_up(now).await.is_ok(), "{less}");
    }
    assert!(ground.dir().exists());
}
