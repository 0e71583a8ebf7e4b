//! A shop whose orders lie in a database, and the company of the example that works for it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;

use crate::docs;
use crate::place::{self, Place, example};
use crate::server;

pub struct Shop {
    pub server: server::Server,
    pub place: Place,
    placet: place::Server,
}

/// What may be asked for: its name, its target, its role, and whether it is pre-approved.
const ENTITLEMENTS: [(&str, &str, &str, bool); 4] = [
    ("orders-read", "shop-db", "app_read", false),
    ("old-read", "shop-db", "app_old", false),
    ("everything", "shop-db", "app_boss", false),
    ("orders-login", "shop-logins", "app_log", true),
];

fn catalogue() -> String {
    let mut text = std::fs::read_to_string(example()).unwrap();
    for (name, more) in [("shop-db", ""), ("shop-logins", ", issues = \"login\"")] {
        text.push_str(&format!(
            "\n[[target]]\nname = \"{name}\"\nowner = \"tove\"\nconnector = \"postgres\"\n\
             settings = {{ credentials = \"acts\", observer = \"looks\"{more} }}\n"
        ));
    }
    for (name, target, native, pre_approved) in ENTITLEMENTS {
        let (environment, sensitivity, packs) = match pre_approved {
            true => ("dev", 1, "packs = [\"low-risk-dev\"]\n"),
            false => ("staging", 2, ""),
        };
        text.push_str(&format!(
            "\n[[entitlement]]\nname = \"{name}\"\ntarget = \"{target}\"\nnative = \"{native}\"\n\
             kind = \"role\"\nenvironment = \"{environment}\"\nprivilege = \"read\"\n\
             scope = \"read the orders\"\nsensitivity = {sensitivity}\nowner = \"ravi\"\n\
             owners = \"web\"\noffered_to = [\"staff\"]\nholders = [\"human\"]\nlongest = \"8h\"\n\
             {packs}"
        ));
    }
    text
}

impl Shop {
    pub async fn open(server: server::Server) -> Self {
        server
            .by_hand(
                "create table orders(id int); create schema shop; \
                 create role jon login password 'jon'; create role mira login password 'mira'; \
                 create role app_read; create role app_old; create role app_boss in role boss; \
                 create role app_log; grant select on orders to app_read, app_log, app_old; \
                 grant create, usage on schema shop to app_log",
            )
            .await;
        server.by_hand(&docs::block("create role placet login")).await;
        let passes_on = docs::passes_on(&server).await;
        for (_, _, native, _) in ENTITLEMENTS {
            server.by_hand(&passes_on.replace("app_read", native)).await;
        }
        server.by_hand(&docs::block("alter role placet createrole")).await;
        // As `\password` does it, but for the verifier.
        server
            .by_hand(
                "alter role placet password 'acts-s3cret'; \
                 alter role placet_observer password 'looks-s3cret'",
            )
            .await;
        let place = Place::new();
        for (name, user) in [("acts", "placet"), ("looks", "placet_observer")] {
            let password = format!("{name}-s3cret");
            std::fs::write(place.path(name), server.address(user, &password, "postgres")).unwrap();
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(place.path(name), mode).unwrap();
        }
        std::fs::write(place.path("catalog.toml"), catalogue()).unwrap();
        let data = place.path("placet-data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("placet.toml"), "observe_seconds = 1\n").unwrap();
        std::fs::write(data.join("groups"), "preview-editors:\nsite-admins:\nbuild-log-readers:\n")
            .unwrap();
        let founded = place.json("lena", &["init", "--catalog", "catalog.toml"]);
        let placet = place::Server::start(&place);
        let shop = Self { server, place, placet };
        let codes = founded["login_codes"].as_array().unwrap();
        let code = codes.iter().find(|one| one["person"] == "lena").unwrap();
        shop.good("lena", &["login", "--code", code["code"].as_str().unwrap()]);
        for who in ["jon", "mira", "ravi", "tove"] {
            let code = shop.json("lena", &["login-code", who]);
            shop.good(who, &["login", "--code", code["secret"].as_str().unwrap()]);
        }
        // The first look has been made, and what it showed is what people agree to.
        let seen = || {
            let targets = shop.json("lena", &["catalog", "targets"]).to_string();
            targets.matches("\"complete\"").count() == 3
        };
        shop.wait(seen, || shop.json("lena", &["catalog", "targets"]).to_string());
        shop
    }

    fn at<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        [args, &["--server", &self.placet.url]].concat()
    }

    #[track_caller]
    pub fn good(&self, who: &str, args: &[&str]) -> String {
        self.place.good(who, &self.at(args))
    }

    #[track_caller]
    pub fn json(&self, who: &str, args: &[&str]) -> Value {
        self.place.json(who, &self.at(args))
    }

    #[track_caller]
    pub fn bad(&self, who: &str, args: &[&str], code: i32, says: &str) {
        self.place.bad(who, &self.at(args), code, says);
    }

    #[track_caller]
    fn wait(&self, done: impl Fn() -> bool, shows: impl Fn() -> String) {
        for _ in 0..300 {
            if done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = self.placet.log.lock().unwrap();
        panic!("it did not come: {}\n{log}", shows());
    }

    #[track_caller]
    pub fn ask(&self, who: &str, what: &str, length: &str) -> String {
        let ask = ["request", "new", what, "--length", length, "--because", "count the orders"];
        self.json(who, &ask)["id"].as_str().unwrap().to_owned()
    }

    /// One of the owning team agrees to what he reads.
    #[track_caller]
    pub fn agree(&self, request: &str) {
        let inbox = self.json("ravi", &["inbox"]);
        let mine = inbox.as_array().unwrap().iter().find(|one| one["id"] == request);
        let digest = mine.unwrap_or_else(|| panic!("{inbox}"))["digest"].clone();
        self.good("ravi", &["approve", request, "--digest", digest.as_str().unwrap()]);
    }

    pub fn grant(&self, grant: &str) -> Value {
        self.json("jon", &["grants", grant])[0].clone()
    }

    /// The grant, once it stands so.
    #[track_caller]
    pub fn until(&self, grant: &str, state: &str) -> Value {
        let stands = || self.grant(grant)["state"] == state;
        self.wait(stands, || self.grant(grant).to_string());
        self.grant(grant)
    }

    /// The grant of a request, once it stands so.
    #[track_caller]
    pub fn grant_of(&self, request: &str, state: &str) -> String {
        let shown = self.until_request(request, |shown| shown["grant"]["state"] == state);
        shown["grant"]["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn until_request(&self, request: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let shown = || self.json("jon", &["request", "show", request]);
        self.wait(|| is_so(&shown()), || shown().to_string());
        shown()
    }

    pub fn findings(&self, who: &str) -> Vec<Value> {
        self.json(who, &["findings"]).as_array().unwrap().clone()
    }

    fn found(&self, kind: &str, account: &str) -> Option<Value> {
        self.findings("lena").into_iter().find(|one| {
            one["kind"] == kind && one["account"].as_str().unwrap_or_default() == account
        })
    }

    #[track_caller]
    pub fn until_found(&self, kind: &str, account: &str) -> Value {
        self.wait(
            || self.found(kind, account).is_some(),
            || format!("{:?}", self.findings("lena")),
        );
        self.found(kind, account).unwrap()
    }

    #[track_caller]
    pub fn until_not_found(&self, account: &str) {
        let gone = || self.findings("lena").iter().all(|one| one["account"] != account);
        self.wait(gone, || format!("{:?}", self.findings("lena")));
    }

    #[track_caller]
    pub fn until_nothing_is_found(&self) {
        let nothing = || self.findings("lena").is_empty();
        self.wait(nothing, || format!("{:?}", self.findings("lena")));
    }

    /// Who is in a role, but for Placet, which may pass it on.
    pub async fn members(&self, role: &str) -> String {
        self.server
            .ask(&format!(
                "select coalesce(string_agg(m.member::regrole::text, ' ' order by \
                 m.member::regrole::text), '') from pg_auth_members m \
                 where m.roleid = '{role}'::regrole and m.member <> 'placet'::regrole"
            ))
            .await
    }

    /// A password is in nothing that Placet or the server wrote.
    pub fn knows_nothing_of(&self, password: &str) {
        assert_eq!(password.len(), 64);
        let holds = |text: &[u8]| text.windows(64).any(|one| one == password.as_bytes());
        for file in std::fs::read_dir(self.place.path("placet-data")).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                assert!(!holds(&std::fs::read(&path).unwrap()), "{}", path.display());
            }
        }
        assert!(!holds(self.placet.log.lock().unwrap().as_bytes()));
        assert!(!holds(self.server.log().as_bytes()));
    }

    /// Nothing that was said on the way holds a secret of Placet's own, and the ledger holds.
    pub fn close(self) {
        let Self { server: _, place, placet } = self;
        let log = placet.log.lock().unwrap().clone();
        assert!(!log.contains("s3cret"), "{log}");
        placet.terminate();
        assert_eq!(
            place.json("operator", &["ledger", "verify", "--state"])["faults"],
            Value::Array(vec![])
        );
    }
}
