//! `placet collect`, as people and pipelines run it.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use placet_domain::canonical::Digest;

use crate::{Place, Server, example};

/// The example's company, with a bastion that trusts an SSH CA and a registry that takes tokens.
fn catalogue(place: &Place) -> String {
    let mut text = std::fs::read_to_string(example()).unwrap();
    let targets = [
        ("bastion", "ssh-ca", "ops", "key = \"ca\", krl = \"krl\", hosts = \"host-krl\""),
        ("registry", "token-file", "pull", "path = \"tokens\""),
    ];
    for (name, connector, native, settings) in targets {
        text.push_str(&format!(
            "\n[[target]]\nname = \"{name}\"\nowner = \"tove\"\nconnector = \"{connector}\"\n\
             settings = {{ {settings} }}\n\n[[entitlement]]\nname = \"{name}-{native}\"\n\
             target = \"{name}\"\nnative = \"{native}\"\nkind = \"role\"\nenvironment = \"dev\"\n\
             privilege = \"read\"\nscope = \"what the test needs\"\nsensitivity = 1\n\
             owner = \"ravi\"\nowners = \"web\"\noffered_to = [\"staff\"]\nholders = [\"human\"]\n\
             longest = \"8h\"\npacks = [\"low-risk-dev\"]\n"
        ));
    }
    std::fs::write(place.path("catalog.toml"), text).unwrap();
    std::fs::write(place.path("tokens"), "").unwrap();
    for key in ["ca", "id"] {
        let made = Command::new("ssh-keygen")
            .current_dir(place.dir.path())
            .args(["-q", "-t", "ed25519", "-N", "", "-f", key])
            .status();
        assert!(
            made.expect("this test needs ssh-keygen: apt-get install openssh-client").success()
        );
    }
    "catalog.toml".to_owned()
}

fn mode(place: &Place, name: &str) -> u32 {
    std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_and_tokens_stay_with_whoever_collects() {
    let place = Place::new();
    let founded = place.json("lena", &["init", "--catalog", &catalogue(&place)]);
    let codes = founded["login_codes"].as_array().unwrap();
    let lena = codes.iter().find(|one| one["person"] == "lena").unwrap();
    let server = Server::start(&place);
    let at = |args: &[&str]| -> Vec<String> {
        args.iter()
            .map(|one| (*one).to_owned())
            .chain(["--server".into(), server.url.clone()])
            .collect()
    };
    let good = |who: &str, args: &[&str]| {
        let args = at(args);
        place.good(who, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let bad = |who: &str, args: &[&str], code: i32, says: &str| {
        let args = at(args);
        place.bad(who, &args.iter().map(String::as_str).collect::<Vec<_>>(), code, says);
    };
    let json = |who: &str, args: &[&str]| {
        let args = at(args);
        place.json(who, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    good("lena", &["login", "--code", lena["code"].as_str().unwrap()]);
    let code = json("lena", &["login-code", "mira"]);
    good("mira", &["login", "--code", code["secret"].as_str().unwrap()]);
    let granted = |what: &str| {
        let ask = ["request", "new", what, "--length", "1h", "--because", "I look at the logs"];
        json("mira", &ask)["grant"]["id"].as_str().unwrap().to_owned()
    };

    let grant = granted("bastion-ops");
    assert!(good("mira", &["grants", &grant]).contains("placet collect --key"));
    let collect = ["collect", &grant, "--key", "id", "--from", "127.0.0.0/8"];
    assert!(good("mira", &collect).contains("the certificate is in id-cert.pub"));
    assert_eq!(mode(&place, "id-cert.pub"), 0o644);
    let first = std::fs::read_to_string(place.path("id-cert.pub")).unwrap();
    std::fs::remove_file(place.path("id-cert.pub")).unwrap();
    good("mira", &["collect", &grant, "--key", "id.pub"]);
    let again = std::fs::read_to_string(place.path("id-cert.pub")).unwrap();
    assert_eq!(first, again, "it is fetched again, not signed again");
    assert!(good("mira", &["grants"]).contains("issued"));
    // The catalogue says where the host's copy lies, wherever the server was started.
    std::os::unix::fs::symlink("krl", place.path("host-krl")).unwrap();
    good("mira", &["give-back", &grant]);
    let is_over = |_| {
        std::thread::sleep(Duration::from_millis(100));
        json("mira", &["grants", &grant])[0]["state"] == "ended"
    };
    assert!((0..100).any(is_over), "{}", json("mira", &["grants", &grant]));

    let grant = granted("registry-pull");
    let collect = |file| ["collect", grant.as_str(), "--token-file", file];
    good("mira", &collect("token"));
    assert_eq!(mode(&place, "token"), 0o600);
    let token = std::fs::read_to_string(place.path("token")).unwrap();
    let tokens = std::fs::read_to_string(place.path("tokens")).unwrap();
    assert!(tokens.contains(&format!("sha256:{} pull mira ", Digest::of(token.as_bytes()))));
    bad("mira", &collect("token"), 2, "File exists");
    bad("mira", &collect("other"), 3, "was collected already");
    assert!(!place.path("other").exists(), "nothing is kept of what was refused");
    let grant = granted("registry-pull");
    let told = good("mira", &["collect", &grant, "--token-stdout"]);
    let tokens = std::fs::read_to_string(place.path("tokens")).unwrap();
    assert!(tokens.contains(&Digest::of(told.trim().as_bytes()).to_string()), "{told}");
    bad("mira", &["collect", &grant], 2, "--token-stdout");
}
