//! A folder with keys, and the programs of OpenSSH in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use placet_connectors::half::{self, NAMESPACE, Submitted};
use placet_connectors::{Connector, Registry, conformance};
use placet_domain::grant::Half;
use placet_domain::id::GrantId;
use placet_domain::length::Length;
use placet_domain::observation::Binding;
use placet_domain::{Refusal, Timestamp};

pub struct Ground(tempfile::TempDir);

impl Ground {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// What a program says, and whether it was content.
    pub fn run(&self, program: &str, args: &[&str]) -> (bool, String) {
        let out = Command::new(program).current_dir(self.0.path()).args(args).output();
        let out = out.unwrap_or_else(|error| {
            let packages = "openssh-client openssh-server";
            panic!("this test needs `{program}`: apt-get install {packages} ({error})")
        });
        let text = [out.stdout, out.stderr].concat();
        (out.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    #[track_caller]
    pub fn good(&self, program: &str, args: &[&str]) -> String {
        let (ok, text) = self.run(program, args);
        assert!(ok, "{program} {args:?}: {text}");
        text
    }

    pub fn key(&self, name: &str, kind: &[&str]) {
        let rest = ["-N", "", "-C", "somebody@somewhere", "-f", name];
        self.good("ssh-keygen", &[&["-q", "-t"], kind, &rest].concat());
    }

    /// A grant's id signed with a key, as `placet collect` does it.
    pub fn signed(&self, grant: GrantId, key: &str, namespace: &str) -> String {
        self.write("message", grant.to_string());
        let _ = std::fs::remove_file(self.path("message.sig"));
        self.good("ssh-keygen", &["-Y", "sign", "-f", key, "-n", namespace, "message"]);
        self.text("message.sig")
    }

    /// What whoever holds `key` hands in for a grant.
    pub fn half(&self, grant: GrantId, key: &str, from: &[&str]) -> Result<half::Read, Refusal> {
        let submitted = Submitted {
            ssh_key: Some(self.text(&format!("{key}.pub"))),
            signature: Some(self.signed(grant, key, NAMESPACE)),
            token_sha256: None,
            scram_verifier: None,
            from: from.iter().map(|block| (*block).to_owned()).collect(),
        };
        half::read(Half::SshKey, grant, &submitted)
    }

    /// A connector with settings in which names stand for files of this folder.
    pub fn ca(&self, settings: &[(&str, &str)]) -> Result<Arc<dyn Connector>, String> {
        let is_file = |key: &str| ["key", "agent", "public", "krl", "hosts"].contains(&key);
        let full = |value: &str| {
            let files = value.split(',').map(|name| self.path(name).display().to_string());
            files.collect::<Vec<_>>().join(",")
        };
        let settings: BTreeMap<String, String> = settings
            .iter()
            .map(|(key, value)| {
                let value = if is_file(key) { full(value) } else { (*value).to_owned() };
                ((*key).to_owned(), value)
            })
            .collect();
        Registry::shipped().build(&"ssh-ca".parse().unwrap(), &settings).map_err(|e| e.to_string())
    }
}

#[allow(clippy::disallowed_methods)] // sshd goes by the clock of the machine.
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// A certificate that is wanted now.
pub fn wanted(
    principal: &str,
    serial: u128,
    length: &str,
    half: half::Read,
) -> conformance::Wanted {
    conformance::Wanted {
        binding: Binding { native: principal.parse().unwrap(), account: "ines".parse().unwrap() },
        serial,
        at: now(),
        length: Length::parse(length).unwrap(),
        half: Some(half),
    }
}
