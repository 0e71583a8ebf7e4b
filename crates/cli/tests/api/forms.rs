//! Forms that are refused: each comes back on its page with what was typed, and says why beside the
//! field that is wrong, or above all where it is about none.

use serde_json::json;

use crate::pages::{browse, quoted};
use crate::world::World;

/// Sends a form that is refused: `status` and `said` are what it comes back with, and `field` is the
/// one that is marked. What begins with `typed` must stand there again.
async fn check(
    world: &World,
    (who, action, form): (&str, &str, &str),
    (status, said, field): (u16, &str, Option<&str>),
) {
    let answer = browse(world, &world.secret(who), action, Some(form)).await;
    let text = &answer.text;
    assert_eq!(answer.status.as_u16(), status, "{action}: {text}");
    let all = text.contains("Nothing was done: ") && text.contains(said);
    assert!(all, "{action} does not say `{said}`: {text}");
    // It is the page that has the form, and none that is fetched anew by this address.
    assert!(text.contains(&format!("action=\"{action}\"")), "{action}: {text}");
    assert!(!text.contains("data-live"), "{action}");
    let error = field.map(|field| format!("id=\"{field}-error\""));
    let errors = text.matches("-error\">").count();
    assert_eq!(errors, error.iter().count(), "{action}: {text}");
    assert!(error.is_none_or(|error| text.contains(&error)), "{action}: {text}");
    for typed in form.split(['&', '=']).filter(|one| one.starts_with("typed")) {
        assert!(text.contains(typed), "{action}: `{typed}` is lost in {text}");
    }
}

/// A text that is too long to be taken.
fn long() -> String {
    format!("typed{}", "x".repeat(2_000))
}

#[tokio::test]
async fn what_is_said_about_a_request_comes_back() {
    let world = World::new().await;
    let asked = world.ask("ines", "booking-staging-deploy", "2h").await.good();
    let request = format!("/requests/{}", asked.text("/id"));
    let digest = format!("digest={}", asked.text("/digest"));
    let [approve, deny, narrow, say] =
        ["approve", "deny", "narrow", "say"].map(|what| format!("{request}/{what}"));

    let form = format!("{digest}&reason={}", long());
    let expect = (422, "longer than 2000", Some("reason"));
    check(&world, ("mara", &deny, &form), expect).await;
    let form = format!("digest={}&reason=typed-in-vain", "0".repeat(64));
    check(&world, ("mara", &deny, &form), (409, "is not what", None)).await;
    check(&world, ("mara", &approve, "digest=zz"), (422, "<code>digest</code>", None)).await;
    let form = format!("{digest}&length=7h59m&entitlement=");
    check(&world, ("mara", &narrow, &form), (422, "or for more", Some("length"))).await;
    let form = format!("{digest}&length=1h&entitlement=typed-nothing");
    let expect = (422, "no entitlement is called", Some("instead"));
    check(&world, ("mara", &narrow, &form), expect).await;
    let expect = (422, "the question is empty", Some("question"));
    check(&world, ("mara", &say, "text="), expect).await;

    let answer = browse(&world, &world.secret("mara"), &say, Some("text=Why+now%3F")).await;
    assert_eq!(answer.to(), request, "{}", answer.text);
    let page = browse(&world, &world.secret("ines"), &request, None).await;
    let reply = format!("{say}?question={}", quoted(&page.text, "/say?question="));
    let form = format!("answers=1&text={}", long());
    let expect = (422, "longer than 2000", Some("answer-1"));
    check(&world, ("ines", &reply, &form), expect).await;

    // Whoever may not see it has no page to come back to.
    let stranger = browse(&world, &world.secret("yara"), &deny, Some(&digest)).await;
    assert_eq!(stranger.status.as_u16(), 404, "{}", stranger.text);
    assert!(!stranger.text.contains("booking-staging-deploy"), "{}", stranger.text);
}

#[tokio::test]
async fn what_is_said_about_a_grant_comes_back() {
    let world = World::new().await;
    let (_, grant) = world.active("4h").await;
    let [revoke, verify, extend] =
        ["revoke", "verify", "extend"].map(|what| format!("/grants/{grant}/{what}"));
    let form = format!("note={}", long());
    check(&world, ("ada", &revoke, &form), (422, "longer than 2000", Some("note"))).await;
    check(&world, ("ines", &verify, ""), (403, "not permitted", None)).await;
    // That one is sent from elsewhere, and comes back on the page of the grant.
    let longer = browse(&world, &world.secret("ines"), &extend, Some("length=99d")).await;
    assert_eq!(longer.status.as_u16(), 422, "{}", longer.text);
    assert!(longer.text.contains("Nothing was done: 99 d") && longer.text.contains("Its life"));
}

#[tokio::test]
async fn what_is_said_about_a_finding_comes_back() {
    let world = World::new().await;
    std::fs::write(world.groups(), "booking-deployers: eve ines\n").unwrap();
    world.engine.step().await;
    let list = world.get("tom", "/findings").await.good().body;
    let of = |account: &str| {
        let one = list.as_array().unwrap().iter().find(|one| one["account"] == account);
        one.unwrap()["id"].as_str().unwrap().to_owned()
    };
    // Nobody is known by that account, so there is nobody to adopt it for, and no form that would.
    let orphan = format!("/findings/{}", of("eve"));
    let page = browse(&world, &world.secret("tom"), &orphan, None).await;
    assert!(page.text.contains("?accept") && !page.text.contains("?adopt"), "{}", page.text);
    let found = of("ines");
    let to = |how: &str| format!("/findings/{found}/answer?{how}");
    for (how, length, why) in
        [("adopt", "adopt-length", "adopt-why"), ("accept", "bear-length", "bear-why")]
    {
        let form = format!("answer={how}&length=typed-x&justification=typed-because");
        let expect = (422, "is not a length", Some(length));
        check(&world, ("tom", &to(how), &form), expect).await;
        let form = format!("answer={how}&length=2d&justification=");
        let expect = (422, "the justification is empty", Some(why));
        check(&world, ("tom", &to(how), &form), expect).await;
    }
    let form = "answer=adopt&length=2d&justification=typed-because&receiver=typed-nobody";
    let expect = (422, "no identity is known", Some("adopt-receiver"));
    check(&world, ("tom", &to("adopt"), form), expect).await;
}

#[tokio::test]
async fn what_is_said_about_work_comes_back() {
    let world = crate::by_hand::company().await;
    world.ask("ines", "server-room-key", "4h").await.good();
    let order = crate::by_hand::order(&world).await;
    let [done, confirm, back] =
        ["carried-out", "confirm", "return"].map(|what| format!("/work/{order}/{what}"));
    let [shows, note, seen, why] = ["e", "n", "c", "r"].map(|field| format!("{field}-{order}"));

    let form = "evidence=typed-no-digest&note=typed-a-note";
    check(&world, ("kim", &done, form), (422, "<code>evidence</code>", Some(&shows))).await;
    let form = format!("evidence={}&note={}", "a".repeat(64), long());
    check(&world, ("kim", &done, &form), (422, "longer than 2000", Some(&note))).await;
    let form = format!("evidence={}&note=there", "a".repeat(64));
    let sent = browse(&world, &world.secret("kim"), &done, Some(&form)).await;
    assert_eq!(sent.to(), "/work", "{}", sent.text);
    let form = format!("evidence={}", "b".repeat(64));
    check(&world, ("tom", &confirm, &form), (422, "its SHA-256 is another", Some(&seen))).await;
    check(&world, ("kim", &confirm, &form), (403, "a second person", None)).await;
    let form = format!("why={}", long());
    check(&world, ("tom", &back, &form), (422, "longer than 2000", Some(&why))).await;
}

#[tokio::test]
async fn what_is_said_about_proposals_reviews_and_passkeys_comes_back() {
    let world = crate::lasting::company().await;
    let body = json!({ "entitlement": "booking-prod-admin", "length": "1h",
        "justification": "the prices of all crossings are zero", "incident": "INC-7" });
    let broken = world.post("olaf", "/requests", body).await.good();
    let review = format!("/requests/{}/review", broken.text("/id"));
    let form = format!("verdict=not_justified&note={}", long());
    let expect = (422, "longer than 2000", Some("review-note"));
    check(&world, ("sven", &review, &form), expect).await;
    let form = "note=typed-a-note";
    let expect = (422, "no verdict of a review is chosen", Some("verdict"));
    check(&world, ("sven", &review, form), expect).await;

    let wider = crate::catalogue::deploy(&world, json!({ "longest": "2d" }));
    let id = world.post("ada", "/catalogue/proposals", wider).await.good().text("/proposal");
    let reject = format!("/proposals/{id}/reject");
    let form = format!("reason={}", long());
    check(&world, ("bo", &reject, &form), (422, "longer than 2000", Some("reason"))).await;
    // She has no button for it, and is told so on the page all the same.
    let adopt = format!("/proposals/{id}/adopt");
    let own = browse(&world, &world.secret("ada"), &adopt, Some("")).await;
    assert_eq!(own.status.as_u16(), 403, "{}", own.text);
    assert!(own.text.contains("Nothing was done: you proposed") && own.text.contains("longest"));

    let form = "said=&asked=yes&name=typed-my-laptop";
    check(&world, ("ines", "/passkeys", form), (422, "the browser said nothing", None)).await;
}

#[tokio::test]
async fn what_is_said_about_oneself_comes_back() {
    let world = World::new().await;
    let soon = world.now().plus_seconds(5 * 86_400).to_string();
    let myself = format!("to=mara&until={}", &soon[..10]);
    for (form, said, field) in [
        ("to=typed-nobody&until=2030-12-24", "no identity is known", "to"),
        (myself.as_str(), "delegate to yourself", "to"),
        ("to=ada&until=soon", "is not a day", "until"),
        ("to=ada&from=soon&until=2030-12-24", "is not a day", "from"),
        ("to=ada&until=2030-12-24", "90 days later at the most", "until"),
    ] {
        check(&world, ("mara", "/delegations", form), (422, said, Some(field))).await;
    }
    for (form, said, field) in [
        ("length=typed&scope-read=yes", "is not a length", "length"),
        ("length=1h", "is good for nothing", "scopes"),
        ("length=1h&scope-read=yes&holder=mara", "is not yours", "holder"),
    ] {
        check(&world, ("ines", "/tokens", form), (422, said, Some(field))).await;
    }
}
