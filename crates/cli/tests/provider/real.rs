//! The real provider: npm `oidc-provider`, in a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

pub const SECRET: &str = "a client secret / with : odd & characters %";

/// The folder with the packages: that of `PLACET_TEST_PROVIDER`, or the one that `./test` makes.
fn packages() -> PathBuf {
    let named = std::env::var_os("PLACET_TEST_PROVIDER").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let found = named.unwrap_or_else(|| cache.or_else(home).unwrap().join("placet/provider"));
    assert!(
        found.join("node_modules/oidc-provider").exists(),
        "{} has no `oidc-provider`: run `./test` once, or\n  mkdir -p ~/.cache/placet/provider && \
         cp crates/cli/tests/provider/package*.json ~/.cache/placet/provider && \
         npm ci --prefix ~/.cache/placet/provider",
        found.display()
    );
    found
}

/// A client of the provider by its signature; one without a secret is a public one.
fn client(id: &str, signs: &str, authenticates: &str, callback: &str) -> Value {
    let mut client = json!({
        "client_id": id,
        "token_endpoint_auth_method": authenticates,
        "id_token_signed_response_alg": signs,
        "redirect_uris": [callback],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
    });
    if authenticates != "none" {
        client["client_secret"] = SECRET.into();
    }
    client
}

pub struct Provider {
    child: Child,
    said: Receiver<String>,
    pub issuer: String,
}

impl Provider {
    pub fn start(callback: &str) -> Self {
        Self::run(callback, None)
    }

    /// Over TLS, with a certificate and its key in one file.
    pub fn over_tls(callback: &str, certificate: &Path) -> Self {
        Self::run(callback, Some(certificate))
    }

    fn run(callback: &str, certificate: Option<&Path>) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider/provider.mjs");
        let clients = json!([
            client("placet", "RS256", "client_secret_basic", callback),
            client("placet-es256", "ES256", "none", callback),
            client("placet-eddsa", "EdDSA", "client_secret_basic", callback),
        ]);
        let mut child = Command::new("node")
            .arg(script)
            .arg(packages())
            .arg(clients.to_string())
            .args(certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs: install `nodejs`");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, said) = channel();
        // It goes on talking, and would end if nobody listened.
        std::thread::spawn(move || lines.for_each(|line| drop(say.send(line.unwrap()))));
        let mut provider = Self { child, said, issuer: String::new() };
        let scheme = if certificate.is_some() { "https" } else { "http" };
        provider.issuer = format!("{scheme}://127.0.0.1:{}", provider.says("listening "));
        provider
    }

    /// What it says after this word.
    fn says(&self, word: &str) -> String {
        let mut said = self.said.iter();
        let found = said.find_map(|line| line.strip_prefix(word).map(str::to_owned));
        found.unwrap_or_else(|| panic!("the provider says `{word}`"))
    }

    /// Shows this certificate from now on, to whoever came before too.
    pub fn shows(&self, certificate: &Path) {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        writeln!(stdin, "{}", certificate.display()).unwrap();
        self.says("shows another");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
