//! A server that is not the one that was meant: what it shows, or does not show, says nothing.

use placet_domain::action::Outcome;
use placet_domain::observation::{Completeness, Scope};

use crate::ground::Ground;
use crate::server::Server;
use crate::{at, failed, grant, remove};

const ASK: &str = "select system_identifier::text from pg_control_system()";

/// Another server on which everything is called as it is here, and nobody is in anything.
async fn twin(of: &Ground) -> Ground {
    let ground = Ground::on(Box::leak(Box::new(Server::start())), &of.tag, &["app"]).await;
    ground.account("ines").await;
    ground
}

#[tokio::test]
async fn another_server_shows_nothing_of_this_one_and_is_not_changed() {
    let ground = Ground::new("twin", &["app"]).await;
    ground.account("ines").await;
    let (target, app) = (ground.target(&[]), ground.binding("app", "ines"));
    let now = placet_connectors::conformance::assent(&app, 1).until();
    assert_eq!(grant(&*target, &app).await, Outcome::Done);
    assert_eq!(at(&*target, &app).await, (true, false));
    let twin = twin(&ground).await;
    let here = |name: &str| std::fs::read_to_string(ground.path(name)).unwrap();
    let there = |name: &str| std::fs::read_to_string(twin.path(name)).unwrap();
    let (acts, looks) = (here("credentials"), here("observer"));

    // Where it looks is not where it acts: nobody would be in anything, and every grant be over.
    ground.write("observer", &there("observer"));
    for target in [&target, &ground.target(&[])] {
        let why = target.set_up(now).await.unwrap_err();
        assert!(why.contains("this is another server"), "{why}");
        let look = target.observe(&Scope::Everything).await;
        assert_eq!(look.completeness, Completeness::Unknown);
        assert!(look.detail.unwrap().contains("this is another server"));
    }
    ground.write("observer", &looks);
    // Nor is anything done there, or said to be done.
    ground.write("credentials", &there("credentials"));
    assert!(failed(remove(&*target, &app).await).contains("this is another server"));
    assert!(failed(grant(&*target, &app).await).contains("this is another server"));
    ground.write("credentials", &acts);
    assert_eq!(at(&*target, &app).await, (true, false));

    // Both files elsewhere, from the beginning: only what is set can know.
    let (meant, other) = (ground.server.ask(ASK).await, twin.server.ask(ASK).await);
    assert!(ground.target(&[("system", &meant)]).set_up(now).await.is_ok());
    let elsewhere = twin.target(&[("system", &meant)]);
    for why in [
        elsewhere.set_up(now).await.unwrap_err(),
        failed(grant(&*elsewhere, &app).await),
        elsewhere.observe(&Scope::Everything).await.detail.unwrap(),
    ] {
        assert!(why.contains(&format!("it is `{other}`, and the target is `{meant}`")), "{why}");
    }
}

/// A server that does not say which one it is, to one of the accounts or to both.
#[tokio::test]
async fn a_server_that_does_not_say_which_one_it_is_is_not_taken_for_the_one_that_is_meant() {
    let own: &'static Server = Box::leak(Box::new(Server::start()));
    let ground = Ground::on(own, "silent", &["app"]).await;
    ground.account("ines").await;
    let now = placet_connectors::conformance::assent(&ground.binding("app", "ines"), 1).until();
    let meant = own.ask(ASK).await;
    let function = "function pg_control_system()";
    own.by_hand(&format!("revoke execute on {function} from public")).await;
    // To nobody: only what is set can be missed.
    assert!(ground.target(&[]).set_up(now).await.is_ok());
    let set = ground.target(&[("system", &meant)]);
    let says = format!("does not say whether it is `{meant}`: let both accounts call");
    for why in [
        set.set_up(now).await.unwrap_err(),
        failed(grant(&*set, &ground.binding("app", "ines")).await),
        set.observe(&Scope::Everything).await.detail.unwrap(),
    ] {
        assert!(why.contains(&says), "{why}");
    }
    // To whoever makes changes, and not to whoever looks.
    let changer = format!("{}_placet", ground.tag);
    own.by_hand(&format!("grant execute on {function} to {changer}")).await;
    let why = ground.target(&[]).set_up(now).await.unwrap_err();
    assert!(why.contains(&says), "{why}");
}
