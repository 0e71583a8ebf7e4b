//! What somebody was about to do when their session was over goes with them to the provider and back.

use crate::browser::{Browser, form, plain};
use crate::company::{Company, free_port, session_in};
use crate::real::Provider;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_comes_back_with_whoever_logs_in_by_the_provider() {
    let port = free_port();
    let provider = Provider::start(&format!("http://127.0.0.1:{port}/login/callback"));
    let company = Company::found(port, &provider.issuer, "placet");
    let mut browser = Browser::new();
    let typed = [("length", "2h"), ("justification", "it \"is\" & stays so")];
    let typed = typed.map(|(name, text)| (name.to_owned(), text.to_owned()));

    let login = browser.post(&company.at("/ask/anything"), &typed).await;
    assert_eq!(login.status, 401, "{}", login.body);
    let (to, fields) = form(&login).unwrap();
    assert_eq!((to.path(), fields.len()), ("/login/provider", 2), "{fields:?}");
    // A form of ours may not lead elsewhere, so a page does.
    let leaving = browser.post(&to, &fields).await;
    assert_eq!(leaving.status, 200, "{}", leaving.body);
    let (_, rest) = leaving.body.split_once("content=\"0; url=").unwrap();
    let away = plain(rest.split_once('"').unwrap().0);
    assert!(away.starts_with(&provider.issuer), "{away}");
    let stop = company.at("/login/callback");
    let back = browser.walk(&away.parse().unwrap(), "Ines/42", stop.as_str()).await;
    let page = browser.get(&back.leads_to().unwrap()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(company.who(&session_in(&page)).await, "ines");
    // Nothing is sent until they send it.
    let (to, fields) = form(&page).unwrap();
    assert_eq!((to.path(), fields.as_slice()), ("/ask/anything", typed.as_slice()));
    let sent = browser.post(&to, &fields).await;
    assert!(sent.body.contains("no entitlement is called"), "{}", sent.body);

    // Where they were going, too; and nothing is kept for others without a bound.
    let mut browser = Browser::new();
    let login = browser.get(&company.at("/findings?all=true")).await;
    let (to, mut fields) = form(&login).unwrap();
    let leaving = browser.post(&to, &fields).await;
    let (_, rest) = leaving.body.split_once("content=\"0; url=").unwrap();
    let away = plain(rest.split_once('"').unwrap().0);
    let back = browser.walk(&away.parse().unwrap(), "Ines/42", stop.as_str()).await;
    let page = browser.get(&back.leads_to().unwrap()).await;
    assert_eq!(page.headers["location"], "/findings?all=true");
    fields.push(("kept".to_owned(), "x".repeat(20_000)));
    let refused = browser.post(&to, &fields).await;
    assert_eq!(refused.code(), "text_too_long", "{}", refused.body);
}
