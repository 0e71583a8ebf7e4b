//! Channels: the ways out that the configuration names. A line of `placet.toml` becomes a receiver
//! with a name, and with the kinds of notice that it is for.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use placet_connectors::receivers::outbound::Reach;
use placet_connectors::receivers::{
    Authorities, Encryption, File, Receiver, SigningSecret, Smtp, SmtpSettings, Webhook,
    WebhookSettings,
};
use placet_domain::Refusal;
use placet_domain::name::MailAddress;
use placet_domain::notice::Kind;
use serde::Deserialize;

/// A `[[notify]]` of the configuration, as people write it. Relative paths count from the data
/// directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyLine {
    pub kind: Way,
    /// What deliveries are counted under; the kind, if left out.
    pub name: Option<String>,
    /// Which kinds of notice; all, if left out.
    pub notices: Option<BTreeSet<String>>,
    /// `file`: where the lines go.
    pub path: Option<PathBuf>,
    /// `webhook`: what is called.
    pub url: Option<String>,
    /// `webhook`: the file of the signing secret, `whsec_...`, for nobody else to read.
    pub secret_file: Option<PathBuf>,
    /// `webhook`: the secret before this one, as long as the other side may still know no other.
    pub old_secret_file: Option<PathBuf>,
    /// `webhook`: plain http and addresses of our own networks may be called.
    pub allow_private: Option<bool>,
    /// `smtp`: the mail server.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub encryption: Option<EncryptionLine>,
    /// `smtp`: the file of the CA certificates that alone may vouch for the server, in PEM form.
    pub ca_file: Option<PathBuf>,
    /// `smtp`: from whom the mail comes.
    pub from: Option<MailAddress>,
    pub user: Option<String>,
    /// `smtp`: the file of the password, for nobody else to read.
    pub password_file: Option<PathBuf>,
    /// `smtp`: the address of Placet, written before links.
    pub link_base: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    File,
    Smtp,
    Webhook,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncryptionLine {
    Tls,
    StartTls,
    None,
}

/// A way out, under the name that its deliveries are counted under.
#[derive(Clone, Debug)]
pub struct Channel {
    pub name: String,
    /// None: all of them.
    pub kinds: Option<BTreeSet<Kind>>,
    pub receiver: Arc<dyn Receiver>,
}

impl Channel {
    pub fn takes(&self, kind: Kind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// The channels of the configuration, or which line cannot be one.
pub(crate) fn build(lines: &[NotifyLine], dir: &Path) -> Result<Vec<Channel>, Refusal> {
    let mut channels: Vec<Channel> = Vec::with_capacity(lines.len());
    for line in lines {
        let name = line.name.clone().unwrap_or_else(|| line.kind.as_str().to_owned());
        let wrong =
            |why: String| Refusal::Unreadable { what: format!("`[[notify]]` `{name}`: {why}") };
        if name.is_empty() || name.len() > 64 || name.contains(['/', ' ']) {
            return Err(wrong("a name has 1 to 64 characters without blanks and `/`".to_owned()));
        }
        if channels.iter().any(|one| one.name == name) {
            return Err(wrong("another one has this name; set `name`".to_owned()));
        }
        let kinds: Result<Option<BTreeSet<Kind>>, _> = line
            .notices
            .as_ref()
            .map(|set| set.iter().map(|one| one.parse()).collect())
            .transpose();
        let kinds =
            kinds.map_err(|error: placet_domain::notice::UnknownKind| wrong(error.to_string()))?;
        let receiver = line.receiver(dir).map_err(&wrong)?;
        channels.push(Channel { name, kinds, receiver });
    }
    Ok(channels)
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Smtp => "smtp",
            Self::Webhook => "webhook",
        }
    }
}

impl NotifyLine {
    fn receiver(&self, dir: &Path) -> Result<Arc<dyn Receiver>, String> {
        self.keys_fit()?;
        match self.kind {
            Way::File => {
                let path = self.path.as_ref().ok_or("`path` is missing")?;
                Ok(Arc::new(File::new(dir.join(path))))
            }
            Way::Webhook => Ok(Arc::new(self.webhook(dir)?)),
            Way::Smtp => Ok(Arc::new(self.smtp(dir)?)),
        }
    }

    fn webhook(&self, dir: &Path) -> Result<Webhook, String> {
        let current = self.secret_file.as_ref().ok_or("`secret_file` is missing")?;
        let files = std::iter::once(current).chain(&self.old_secret_file);
        let secrets: Result<Vec<SigningSecret>, String> =
            files.map(|path| SigningSecret::read(&private(&dir.join(path))?)).collect();
        Webhook::new(WebhookSettings {
            url: self.url.clone().ok_or("`url` is missing")?,
            secrets: secrets?,
            reach: match self.allow_private {
                Some(true) => Reach::Private,
                _ => Reach::Public,
            },
        })
    }

    fn smtp(&self, dir: &Path) -> Result<Smtp, String> {
        let login = match (&self.user, &self.password_file) {
            (None, None) => None,
            (Some(user), Some(path)) => {
                let password = private(&dir.join(path))?;
                Some((user.clone(), password.trim_end_matches(['\r', '\n']).to_owned()))
            }
            _ => return Err("`user` and `password_file` go together".to_owned()),
        };
        let (encryption, usual) = match self.encryption {
            Some(EncryptionLine::Tls) => (Encryption::Tls, 465),
            Some(EncryptionLine::StartTls) | None => (Encryption::StartTls, 587),
            Some(EncryptionLine::None) => (Encryption::None, 25),
        };
        let authorities = self.ca_file.as_ref().map(|path| authorities(&dir.join(path)));
        Smtp::new(SmtpSettings {
            host: self.host.clone().ok_or("`host` is missing")?,
            port: self.port.unwrap_or(usual),
            encryption,
            from: self.from.clone().ok_or("`from` is missing")?,
            login,
            authorities: authorities.transpose()?,
            base: self.link_base.clone(),
        })
    }

    /// A key of another kind does nothing here, and whoever wrote it means something.
    fn keys_fit(&self) -> Result<(), String> {
        let given = [
            ("path", self.path.is_some(), Way::File),
            ("url", self.url.is_some(), Way::Webhook),
            ("secret_file", self.secret_file.is_some(), Way::Webhook),
            ("old_secret_file", self.old_secret_file.is_some(), Way::Webhook),
            ("allow_private", self.allow_private.is_some(), Way::Webhook),
            ("host", self.host.is_some(), Way::Smtp),
            ("port", self.port.is_some(), Way::Smtp),
            ("encryption", self.encryption.is_some(), Way::Smtp),
            ("ca_file", self.ca_file.is_some(), Way::Smtp),
            ("from", self.from.is_some(), Way::Smtp),
            ("user", self.user.is_some(), Way::Smtp),
            ("password_file", self.password_file.is_some(), Way::Smtp),
            ("link_base", self.link_base.is_some(), Way::Smtp),
        ];
        let stray = given.iter().find(|(_, given, way)| *given && *way != self.kind);
        match stray {
            Some((key, _, way)) => Err(format!("`{key}` belongs to kind `{}`", way.as_str())),
            None => Ok(()),
        }
    }
}

/// The CA certificates in a file, which are no secret.
fn authorities(path: &Path) -> Result<Authorities, String> {
    let shown = path.display();
    let pem = std::fs::read(path).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    Authorities::read(&pem).map_err(|why| format!("`{shown}` {why}"))
}

/// A secret in a file; one that others could read may be known to them.
fn private(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("`{shown}` cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(format!("`{shown}` can be read by others; `chmod 600` it"));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)] // A test may.

    use super::*;

    fn built(text: &str, dir: &Path) -> Result<Vec<Channel>, String> {
        #[derive(Deserialize)]
        struct Lines {
            notify: Vec<NotifyLine>,
        }
        let lines: Lines = serde_json::from_str(text).map_err(|error| error.to_string())?;
        build(&lines.notify, dir).map_err(|refusal| refusal.sentence())
    }

    fn secret(dir: &Path, name: &str, mode: u32) {
        let path = dir.join(name);
        std::fs::write(&path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn ca() -> String {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn a_line_becomes_a_channel_or_says_what_is_wrong_with_it() {
        let dir = tempfile::tempdir().unwrap();
        secret(dir.path(), "good", 0o600);
        secret(dir.path(), "open", 0o644);
        let check = |line: &str, expected: &str| {
            let text = format!("{{\"notify\": [{line}]}}").replace('\'', "\"");
            match built(&text, dir.path()) {
                Ok(channels) => assert_eq!(expected, "", "{line}: {channels:?}"),
                Err(why) => {
                    assert!(!expected.is_empty() && why.contains(expected), "{line}: {why}");
                }
            }
        };
        check("{'kind': 'file', 'path': 'notices.jsonl'}", "");
        check("{'kind': 'file'}", "`path` is missing");
        check("{'kind': 'file', 'path': 'x', 'host': 'y'}", "`host` belongs to kind `smtp`");
        check("{'kind': 'file', 'path': 'x', 'notices': ['news']}", "`news` is no kind of notice");
        check("{'kind': 'file', 'path': 'x', 'notices': ['ends_soon']}", "");
        check(
            "{'kind': 'file', 'path': 'x'}, {'kind': 'file', 'path': 'y'}",
            "another one has this name",
        );
        let hook = "'kind': 'webhook', 'url': 'https://hooks.example.org/'";
        check(&format!("{{{hook}, 'secret_file': 'good', 'old_secret_file': 'good'}}"), "");
        check(&format!("{{{hook}, 'secret_file': 'open'}}"), "`chmod 600` it");
        check(&format!("{{{hook}, 'secret_file': 'none'}}"), "cannot be read");
        check(&format!("{{{hook}}}"), "`secret_file` is missing");
        check(
            "{'kind': 'webhook', 'url': 'http://10.0.0.1/', 'secret_file': 'good'}",
            "has to be https",
        );
        let mail = "'kind': 'smtp', 'host': 'mail.example.org', 'from': 'placet@example.org'";
        check(&format!("{{{mail}}}"), "");
        check(&format!("{{{mail}, 'user': 'placet'}}"), "go together");
        check(
            &format!("{{{mail}, 'user': 'p', 'password_file': 'good', 'encryption': 'none'}}"),
            "a password needs",
        );
        let with_ca = |file: &str| format!("{{{mail}, 'ca_file': '{file}'}}");
        std::fs::write(dir.path().join("ca.pem"), ca()).unwrap();
        check(&with_ca("ca.pem"), "");
        check(&with_ca("none.pem"), "none.pem` cannot be read: No such file");
        check(&with_ca("good"), "good` is not in PEM form");
        check(
            &format!("{{{mail}, 'ca_file': 'ca.pem', 'encryption': 'none'}}"),
            "`ca_file` needs `encryption`",
        );
        check("{'kind': 'file', 'path': 'x', 'ca_file': 'y'}", "`ca_file` belongs to kind `smtp`");
        check("{'kind': 'pigeon'}", "unknown variant");
    }

    /// What a file holds reaches the mail server's channel, and no log.
    #[test]
    fn a_mail_channel_knows_its_login_and_ca_and_does_not_show_the_password() {
        let dir = tempfile::tempdir().unwrap();
        secret(dir.path(), "password", 0o600);
        std::fs::write(dir.path().join("ca.pem"), ca()).unwrap();
        let line = "{'kind': 'smtp', 'host': 'mail.example.org', 'from': 'placet@example.org', \
                    'user': 'placet', 'password_file': 'password', 'ca_file': 'ca.pem'}";
        let text = format!("{{\"notify\": [{line}]}}").replace('\'', "\"");
        let shown = format!("{:?}", built(&text, dir.path()).unwrap());
        assert!(shown.contains("login: true, authorities: Some(Authorities(1))"), "{shown}");
        assert!(!shown.contains("whsec_"), "{shown}");
    }
}
