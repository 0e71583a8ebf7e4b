//! Login by an OpenID provider: a real one for what is right, and one that lies for what is not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test may.

mod browser;
mod carried;
mod company;
mod fake;
mod hostile;
#[path = "../binary/place.rs"]
#[allow(dead_code)] // It is shared.
mod place;
mod real;
mod tls;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use browser::Browser;
use company::{Company, free_port, part, session_in};
use real::Provider;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_logs_in_by_a_real_provider_whatever_it_signs_with() {
    let port = free_port();
    let provider = Provider::start(&format!("http://127.0.0.1:{port}/login/callback"));
    for client in ["placet", "placet-es256", "placet-eddsa"] {
        let company = Company::found(port, &provider.issuer, client);
        let mut browser = Browser::new();
        let to = company.begin(&mut browser).await;
        assert_eq!(part(&to, "code_challenge_method"), "S256");
        assert_eq!(part(&to, "scope"), "openid");
        let stop = company.at("/login/callback");
        let page = browser.walk(&to, "Ines/42", stop.as_str()).await;
        let back = page.leads_to().unwrap_or_else(|| panic!("{}: {}", page.url, page.body));
        assert_eq!(part(&back, "iss"), provider.issuer);
        let page = browser.get(&back).await;
        assert_eq!(
            (page.status, page.headers["location"].to_str().unwrap()),
            (303, "/"),
            "{}",
            page.body
        );
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(company.who(&session_in(&page)).await, "ines", "{client}");

        // What came back once is of no use to anybody, in this browser or in another one.
        assert_eq!(browser.get(&back).await.code(), "login_refused");
        assert_eq!(Browser::new().get(&back).await.code(), "login_refused");
        company.server.terminate();
        // The ledger says on whose word the session was opened, and not by what it knows her.
        let export =
            ["ledger", "export", "--data", "placet-data", "--out", "out", "--key-out", "out.key"];
        company.place.good("operator", &export);
        let entries = entries(&company.place.path("out"));
        assert!(entries.contains(&format!("\"provider\":\"{}\"", provider.issuer)), "{client}");
        assert!(!entries.contains("Ines/42"));
        let verify = ["ledger", "verify", "--state", "--data", "placet-data"];
        company.place.good("operator", &verify);
    }
}

/// The bytes of all entries of an export, as far as they are text.
fn entries(dir: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        text += &match path.is_dir() {
            true => entries(&path),
            false => String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
        };
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_access_policy() {
    let port = free_port();
    let provider = Provider::start(&format!("http://127.0.0.1:{port}/login/callback"));
    let company = Company::found(port, &provider.issuer, "placet");
    let log_in = async |subject: &str| {
        let mut browser = Browser::new();
        let to = company.begin(&mut browser).await;
        let stop = company.at("/login/callback");
        let back = browser.walk(&to, subject, stop.as_str()).await.leads_to().unwrap();
        browser.get(&back).await
    };
    let page = log_in("nobody-knows-me").await;
    assert_eq!((page.code().as_str(), page.status), ("login_unknown", 401));
    assert!(page.body.contains("nobody-knows-me") && page.set_cookie("placet_session").is_none());

    // One more is proposed by one and adopted by another; one less is done at once.
    let file = company.place.path("tom.toml");
    let line = |subjects: &[&str]| {
        let logins = subjects.iter().map(|subject| {
            format!("{{ issuer = \"{}\", subject = \"{subject}\" }}", provider.issuer)
        });
        format!(
            "[[person]]\nhandle = \"tom\"\nname = \"tom of the company\"\nlogins = [{}]\n",
            logins.collect::<Vec<_>>().join(", ")
        )
    };
    let propose = |who: &str| {
        let args = ["catalog", "propose", "tom.toml", "--server", &company.server.url];
        company.place.json(who, &args)
    };
    std::fs::write(&file, line(&["tom", "tom-2"])).unwrap();
    let proposed = propose("ada");
    let proposal = proposed["proposal"].as_str().unwrap_or_else(|| panic!("{proposed}"));
    assert_eq!(log_in("tom-2").await.code(), "login_unknown");
    company.place.bad(
        "ada",
        &["catalog", "adopt", proposal, "--server", &company.server.url],
        3,
        "somebody else must adopt",
    );
    company.cli("bo", &["catalog", "adopt", proposal]);
    assert_eq!(company.who(&session_in(&log_in("tom-2").await)).await, "tom");
    std::fs::write(&file, line(&["tom-2"])).unwrap();
    assert_eq!(propose("ada")["proposal"], Value::Null);
    assert_eq!(log_in("tom").await.code(), "login_unknown");
    // What is somebody's is nobody else's.
    std::fs::write(&file, line(&["tom-2", "Ines/42"])).unwrap();
    let args = ["catalog", "propose", "tom.toml", "--server", &company.server.url];
    company.place.bad("ada", &args, 2, "`ines` is who comes as `Ines/42`");

    // Who has left does not come in, and a session that was open is of no use any more.
    let page = log_in("tom-2").await;
    let session = session_in(&page);
    company.cli("ada", &["identities", "deactivate", "tom"]);
    assert_eq!(company.who(&session).await, "not_authenticated");
    let page = log_in("tom-2").await;
    assert_eq!(page.code(), "inactive_identity");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_logs_in_by_a_device() {
    let port = free_port();
    let provider = Provider::start(&format!("http://127.0.0.1:{port}/login/callback"));
    let company = Company::found(port, &provider.issuer, "placet");
    let begin = |who: &str| {
        let mut command = company.place.command(who, &["login", "--provider", "--server"]);
        let mut child = command.arg(&company.server.url).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let whole = lines
            .find_map(|line| line.unwrap().trim().strip_prefix("or open ").map(str::to_owned))
            .expect("it says where to go");
        (child, whole.parse().unwrap(), lines)
    };
    let (mut child, whole, _lines) = begin("ines");
    let page = Browser::new().walk(&whole, "Ines/42", "nowhere").await;
    assert!(page.status == 200 && page.body.contains("Success"), "{}", page.body);
    assert!(child.wait().unwrap().success());
    assert!(company.cli("ines", &["whoami"]).contains("ines of the company"));

    let (mut child, whole, lines) = begin("stranger");
    Browser::new().walk(&whole, "nobody-knows-me", "nowhere").await;
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(said.join("\n").contains("login_unknown"), "{said:?}");
}
