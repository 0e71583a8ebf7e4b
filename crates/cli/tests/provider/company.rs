//! A small company whose people are known to a provider, and its server.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use reqwest::Url;
use serde_json::Value;

use crate::browser::{Browser, Page};
use crate::place::{Place, Server};
use crate::real::SECRET;

/// The people, and by what the provider knows them.
const PEOPLE: &[(&str, &str)] = &[
    ("ada", "248289761001"),
    ("bo", "bo@example"),
    ("ines", "Ines/42"),
    ("fae", "fake-ines"),
    ("tom", "tom"),
];

pub struct Company {
    pub place: Place,
    pub server: Server,
    pub url: Url,
}

/// A port that was free a moment ago: a provider must know it before the server listens there.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn catalogue(issuer: &str, known: &[(&str, &str)]) -> String {
    let mut text =
        "administrators = [\"ada\", \"bo\"]\n\n[[team]]\nname = \"administrators\"\n".to_owned();
    for (handle, _) in PEOPLE {
        let teams = if ["ada", "bo"].contains(handle) { "\"administrators\"" } else { "" };
        text.push_str(&format!(
            "\n[[person]]\nhandle = \"{handle}\"\nname = \"{handle} of the company\"\nteams = [{teams}]\n"
        ));
        for (_, subject) in known.iter().filter(|(known, _)| known == handle) {
            text.push_str(&format!(
                "logins = [{{ issuer = \"{issuer}\", subject = \"{subject}\" }}]\n"
            ));
        }
    }
    text
}

impl Company {
    /// Founded, and served with this provider to log in by: one on this machine, without TLS.
    pub fn found(port: u16, issuer: &str, client: &str) -> Self {
        Self::reaching(port, issuer, client, "allow_http = true\n")
    }

    /// The same, with the lines that say how the provider may be reached.
    pub fn reaching(port: u16, issuer: &str, client: &str, how: &str) -> Self {
        let place = Place::new();
        std::fs::write(place.path("catalog.toml"), catalogue(issuer, PEOPLE)).unwrap();
        let founded = place.json("ada", &["init", "--catalog", "catalog.toml"]);
        let secret = match client {
            "placet-es256" => String::new(),
            _ => "client_secret_file = \"provider.secret\"\n".to_owned(),
        };
        let file = place.path("placet-data/provider.secret");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!(
            "[login.provider]\nissuer = \"{issuer}\"\nclient_id = \"{client}\"\n{secret}\
             name = \"Example\"\npublic_url = \"http://127.0.0.1:{port}\"\n{how}"
        );
        let path = place.path("placet-data/placet.toml");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, before + &config).unwrap();
        let mut serve = place.command("operator", &["serve", "--listen"]);
        serve.arg(format!("127.0.0.1:{port}")).arg("--data").arg(place.path("placet-data"));
        let server = Server::of(serve);
        for one in founded["login_codes"].as_array().unwrap() {
            let (who, code) = (one["person"].as_str().unwrap(), one["code"].as_str().unwrap());
            place.good(who, &["login", "--code", code, "--server", &server.url]);
        }
        let url = server.url.parse().unwrap();
        Self { place, server, url }
    }

    pub fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }

    /// Begins a login: where the browser is sent, with what it is sent along.
    pub async fn begin(&self, browser: &mut Browser) -> Url {
        let page = browser.get(&self.at("/login/provider")).await;
        assert_eq!(page.status, 302, "{}", page.body);
        page.leads_to().unwrap()
    }

    /// Comes back from the provider with this.
    pub async fn come_back(&self, browser: &mut Browser, with: &[(&str, &str)]) -> Page {
        let mut to = self.at("/login/callback");
        to.query_pairs_mut().extend_pairs(with);
        browser.get(&to).await
    }

    /// Who a session is of, by the API; or the code of the refusal.
    pub async fn who(&self, session: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(self.at("/api/v1/me")).bearer_auth(session).send().await.unwrap();
        let me: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let found = me.pointer("/who/handle").or(me.get("code"));
        found.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The server as one of the people, on the command line.
    pub fn cli(&self, who: &str, args: &[&str]) -> String {
        self.place.good(who, &[args, &["--server", &self.server.url]].concat())
    }
}

/// A part of an address that the browser is sent to.
pub fn part(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{url} has no `{name}`")).1.into_owned()
}

/// The session in a `Set-Cookie` line.
pub fn session_in(page: &Page) -> String {
    let line = page.set_cookie("placet_session").unwrap_or_else(|| panic!("{}", page.body));
    assert!(line.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{line}");
    line.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
}
