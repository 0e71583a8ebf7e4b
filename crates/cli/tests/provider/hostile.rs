//! What must not let anybody in: answers that were forged, replayed or meant for others, tokens that do
//! not hold, and a provider that is down or lies about itself.

use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::company::{Company, free_port, part, session_in};
use crate::fake::{Fake, Lie, Signed};

/// Begins a login in a browser and comes back with a good code, as the fake provider sends it.
async fn log_in(company: &Company, fake: &Fake, browser: &mut Browser) -> Page {
    let to = company.begin(browser).await;
    fake.was_asked_with(&part(&to, "nonce"));
    let (state, issuer) = (part(&to, "state"), fake.issuer());
    company.come_back(browser, &[("code", "c"), ("state", &state), ("iss", &issuer)]).await
}

#[track_caller]
pub fn refused(page: &Page, case: &str, code: &str, says: &str) {
    assert_eq!(page.code(), code, "{case}: {}", page.body);
    assert!(page.body.contains(says), "{case}: {}", page.body);
    assert!(page.set_cookie("placet_session").is_none(), "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_hold_lets_nobody_in() {
    let fake = Fake::start().await;
    let company = Company::found(free_port(), &fake.issuer(), "placet");
    let claims = |claims: Value| Lie { claims, ..Lie::default() };
    let signed = |signed| Lie { signed, ..Lie::default() };
    let answers = |status, answer| Lie { answer: Some((status, answer)), ..Lie::default() };
    let (mine, long) = (json!(["placet", "another"]), "x".repeat(256));
    let lies = [
        ("another nonce", claims(json!({ "nonce": "x" })), "does not belong to the login"),
        ("no nonce", claims(json!({ "nonce": null })), "does not belong to the login"),
        ("for another", claims(json!({ "aud": "another" })), "is for somebody else than Placet"),
        ("for nobody", claims(json!({ "aud": [] })), "is for somebody else than Placet"),
        ("for another too", claims(json!({ "aud": mine })), "is for somebody else than Placet"),
        ("asked for by another", claims(json!({ "azp": "another" })), "is for somebody else"),
        ("another issuer", claims(json!({ "iss": "https://id.example" })), "is of another issuer"),
        ("run out", claims(json!({ "exp": -1 })), "has run out"),
        ("of tomorrow", claims(json!({ "iat": 600 })), "was not issued just now"),
        ("of yesterday", claims(json!({ "iat": -86_400 })), "was not issued just now"),
        ("no subject", claims(json!({ "sub": null })), "cannot be read"),
        ("an empty subject", claims(json!({ "sub": "" })), "is no subject"),
        ("a long subject", claims(json!({ "sub": long })), "is no subject"),
        ("a subject of two lines", claims(json!({ "sub": "fake-ines\nada" })), "is no subject"),
        ("another key", signed(Signed::ByAnother), "is not signed by the provider"),
        ("not signed", signed(Signed::Not), "is not signed in a way that is believed"),
        ("by the secret", signed(Signed::BySecret), "is not signed in a way that is believed"),
        ("no token", answers(200, json!({ "access_token": "x" })), "gave no ID token"),
        ("not a token", answers(200, json!({ "id_token": "a.b.c" })), "cannot be read"),
        ("a spent code", answers(400, json!({ "error": "invalid_grant" })), "`invalid_grant`"),
        (
            "markup",
            answers(400, json!({ "error": "<script>" })),
            "`something that is no error code`",
        ),
    ];
    for (case, lie, says) in lies {
        fake.lies(lie);
        let page = log_in(&company, &fake, &mut Browser::new()).await;
        refused(&page, case, "login_refused", says);
    }
    for (case, lie, says) in [
        ("broken", answers(500, json!({})), "it answered 500"),
        ("a page of another", answers(302, json!({})), "it answered 302"),
        ("endless", answers(200, json!({ "x": "y".repeat(300_000) })), "too long"),
    ] {
        fake.lies(lie);
        let page = log_in(&company, &fake, &mut Browser::new()).await;
        refused(&page, case, "login_provider_down", says);
    }
    // Nothing of all that was in the way of who is right, also after the provider changed its key.
    fake.lies(Lie::default());
    let session = session_in(&log_in(&company, &fake, &mut Browser::new()).await);
    assert_eq!(company.who(&session).await, "fae");
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    fake.changes_its_key();
    let session = session_in(&log_in(&company, &fake, &mut Browser::new()).await);
    assert_eq!(company.who(&session).await, "fae");
    let traded = fake.traded();
    let last = traded.last().unwrap();
    assert!(last.contains("code_verifier=") && !last.contains("client_secret"), "{last}");
    let (_, log) = company.server.terminate();
    for secret in [crate::real::SECRET, &session, "code_verifier"] {
        assert!(!log.contains(secret), "`{secret}` was logged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_forged_replayed_or_meant_for_another_lets_nobody_in() {
    let fake = Fake::start().await;
    let company = Company::found(free_port(), &fake.issuer(), "placet");
    let issuer = fake.issuer();
    // Each begins well in a browser of its own, and comes back with something else.
    let good = |state: &str| {
        [("code", "c"), ("state", state), ("iss", &issuer)]
            .map(|(name, value): (&str, &str)| (name.to_owned(), value.to_owned()))
            .to_vec()
    };
    type Change = fn(&mut Vec<(String, String)>);
    let cases: [(&str, Change, &str); 8] = [
        ("a forged state", |with| with[1].1 = "x".repeat(64), "not the login that began"),
        (
            "a state cut off",
            |with| {
                with[1].1.pop();
            },
            "not the login that began",
        ),
        (
            "no state",
            |with| {
                with.remove(1);
            },
            "not the login that began",
        ),
        ("two states", |with| with.push(with[1].clone()), "cannot be read"),
        (
            "no code",
            |with| {
                with.remove(0);
            },
            "sent no code",
        ),
        ("another issuer", |with| with[2].1 = "https://id.example".to_owned(), "another provider"),
        (
            "no issuer",
            |with| {
                with.remove(2);
            },
            "does not say which provider",
        ),
        (
            "a no",
            |with| with[0] = ("error".to_owned(), "access_denied".to_owned()),
            "`access_denied`",
        ),
    ];
    for (case, change, says) in cases {
        let mut browser = Browser::new();
        let to = company.begin(&mut browser).await;
        fake.was_asked_with(&part(&to, "nonce"));
        let mut with = good(&part(&to, "state"));
        change(&mut with);
        let pairs: Vec<(&str, &str)> =
            with.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut same = browser.clone();
        let page = company.come_back(&mut browser, &pairs).await;
        refused(&page, case, "login_refused", says);
        // A login has one try: what was refused cannot be mended. What could not even be read was none.
        let right = good(&part(&to, "state"));
        let pairs: Vec<(&str, &str)> =
            right.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if case != "two states" {
            let page = company.come_back(&mut same, &pairs).await;
            refused(&page, case, "login_refused", "is over already");
        }
    }

    // In the browser of another, who began a login of their own, and in one that began none.
    let (mut mine, mut theirs) = (Browser::new(), Browser::new());
    let to = company.begin(&mut mine).await;
    company.begin(&mut theirs).await;
    fake.was_asked_with(&part(&to, "nonce"));
    let state = part(&to, "state");
    let with = [("code", "c"), ("state", state.as_str()), ("iss", issuer.as_str())];
    let page = company.come_back(&mut theirs, &with).await;
    refused(&page, "another browser", "login_refused", "not the login that began");
    let page = company.come_back(&mut Browser::new(), &with).await;
    refused(&page, "a fresh browser", "login_refused", "did not begin in this browser");
    let mut forged = Browser::new();
    let cookie = [("placet_login".to_owned(), "0".repeat(64))];
    forged.cookies.insert(company.url.port().unwrap(), cookie.into());
    let page = company.come_back(&mut forged, &with).await;
    refused(&page, "a forged cookie", "login_refused", "did not begin in this browser");
    assert_eq!(fake.traded().len(), 0, "no code went to the provider for any of these");

    // Meanwhile mine is good, once; and its cookie is one that no script and no other path gets.
    let mut again = mine.clone();
    let page = company.come_back(&mut mine, &with).await;
    assert_eq!(company.who(&session_in(&page)).await, "fae");
    let page = company.come_back(&mut again, &with).await;
    refused(&page, "replayed", "login_refused", "is over already");
    let page = Browser::new().get(&company.at("/login/provider")).await;
    let line = page.set_cookie("placet_login").unwrap();
    assert!(
        line.ends_with("; Max-Age=600; Path=/login; HttpOnly; SameSite=Lax") && line.len() < 160,
        "{line}"
    );

    // So many begin in a minute and no more, whatever they bring.
    let mut codes = Vec::new();
    for _ in 0..31 {
        codes.push(Browser::new().get(&company.at("/login/provider")).await.code());
    }
    assert_eq!(codes.last().unwrap(), "too_many_logins", "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_or_lies_about_itself_lets_nobody_in() {
    let fake = Fake::start().await;
    let check = async |issuer: &str, metadata: Value, says: &str| {
        fake.lies(Lie { metadata, ..Lie::default() });
        let company = Company::found(free_port(), issuer, "placet");
        let page = Browser::new().get(&company.at("/login/provider")).await;
        refused(&page, says, "login_provider_down", says);
        // The other ways in are open.
        assert!(company.cli("ada", &["whoami"]).contains("ada"));
    };
    let nobody = format!("http://127.0.0.1:{}", free_port());
    check(&nobody, json!({}), "could not be reached").await;
    let issuer = fake.issuer();
    check(&issuer, json!({ "issuer": "https://id.example" }), "does not fit").await;
    check(&issuer, json!({ "authorization_endpoint": "http://id.example/" }), "is not called")
        .await;
    check(&issuer, json!({ "jwks_uri": "http://169.254.169.254/keys" }), "is not called").await;
    check(&issuer, json!({ "jwks_uri": null }), "cannot be read").await;

    // Where none is set up, there is none.
    let place = crate::place::Place::new();
    let catalog = crate::place::example();
    place.good("ada", &["init", "--catalog", catalog.to_str().unwrap()]);
    let server = crate::place::Server::start(&place);
    for path in ["/login/provider", "/login/callback?code=c&state=s"] {
        let url = format!("{}{path}", server.url).parse().unwrap();
        let page = Browser::new().get(&url).await;
        assert_eq!((page.status, page.code().as_str()), (404, "no_login_provider"));
    }
    place.bad("ada", &["login", "--provider", "--server", &server.url], 3, "no_login_provider");
}
