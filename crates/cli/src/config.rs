//! The only reader of configuration files and of the environment.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use placet_domain::bundle::Bundle;
use placet_domain::name::Issuer;
use placet_engine::commands::found::Catalogue;
use placet_engine::{NotifyLine, Place};
use placet_server::{Logins, Passkeys, Provider, ProviderSecret, ProviderSettings};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::output::{self, Ended};

/// `placet.toml` in the data directory; every line may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the server listens, such as `127.0.0.1:7400`.
    pub listen: Option<String>,
    /// The name of this node, written into every entry of the ledger.
    pub node: Option<String>,
    /// The file of the log's signing key.
    pub key: Option<PathBuf>,
    /// How often a whole target is looked at.
    pub observe_seconds: Option<u64>,
    /// How many calls to one target run at once; endings and grants have so many each.
    pub calls_at_once: Option<usize>,
    /// A file of open incidents, one reference a line: emergencies are checked against it.
    pub incidents: Option<PathBuf>,
    /// The ways out for notices.
    #[serde(default)]
    pub notify: Vec<NotifyLine>,
    /// How people log in besides by one-time codes.
    #[serde(default)]
    pub login: Login,
    /// Where people have passkeys.
    pub passkeys: Option<PasskeyLine>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    provider: Option<ProviderLine>,
}

/// `[login.provider]`: an OpenID provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderLine {
    issuer: Issuer,
    client_id: String,
    /// Left out for a public client.
    client_secret_file: Option<PathBuf>,
    /// As it stands on the button.
    name: String,
    /// How browsers reach Placet.
    public_url: String,
    /// The authorities of the provider's certificate (PEM); those of the machine if left out.
    ca_file: Option<PathBuf>,
    /// For tests: the provider is on this machine, without TLS.
    #[serde(default)]
    allow_http: bool,
    /// The last address in `X-Forwarded-For` is the caller's, because a proxy in front writes it.
    #[serde(default)]
    behind_proxy: bool,
}

/// `[passkeys]`: without it there are none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasskeyLine {
    /// How browsers reach Placet: a passkey is good for this host alone.
    pub origin: String,
    /// As for the provider.
    #[serde(default)]
    behind_proxy: bool,
}

impl Config {
    pub fn of(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("placet.toml");
        if path.exists() { toml_file(&path) } else { Ok(Self::default()) }
    }

    pub fn place(&self, dir: &Path) -> Place {
        let usual = Place::at(dir);
        Place {
            // A relative path counts from the data directory, like the file that names it.
            key: self.key.as_ref().map_or(usual.key, |key| dir.join(key)),
            node: self.node.clone().unwrap_or(usual.node),
            observe_seconds: self.observe_seconds.unwrap_or(usual.observe_seconds).max(1),
            calls_at_once: self.calls_at_once.unwrap_or(usual.calls_at_once).max(1),
            incidents: self.incidents.as_ref().map(|path| dir.join(path)),
            notify: self.notify.clone(),
            trust_clock: false,
            dir: usual.dir,
        }
    }

    /// How people log in beside one-time codes.
    pub fn logins(&self, dir: &Path) -> anyhow::Result<Logins> {
        let passkeys = match &self.passkeys {
            None => None,
            Some(line) => Some(
                Passkeys::new(&line.origin, line.behind_proxy)
                    .map_err(|why| Ended::Unreadable(format!("`placet.toml`, passkeys: {why}")))?,
            ),
        };
        Ok(Logins { provider: self.provider(dir)?, passkeys })
    }

    /// The provider to log in by, if one is set up. Its files count from the data directory.
    fn provider(&self, dir: &Path) -> anyhow::Result<Option<Provider>> {
        let Some(line) = self.login.provider.clone() else { return Ok(None) };
        let wrong =
            |why: String| Ended::Unreadable(format!("`placet.toml`, login.provider: {why}"));
        let client_secret = match &line.client_secret_file {
            Some(path) => Some(ProviderSecret::read(&secret(&dir.join(path))?).map_err(wrong)?),
            None => None,
        };
        let authorities = match &line.ca_file {
            Some(path) => Some(read(&dir.join(path))?.into_bytes()),
            None => None,
        };
        let provider = Provider::new(ProviderSettings {
            issuer: line.issuer,
            client_id: line.client_id,
            client_secret,
            name: line.name,
            public_url: line.public_url,
            authorities,
            allow_http: line.allow_http,
            behind_proxy: line.behind_proxy,
        });
        Ok(Some(provider.map_err(wrong)?))
    }

    pub fn listen(&self) -> String {
        self.listen.clone().unwrap_or_else(|| "127.0.0.1:7400".to_owned())
    }
}

/// A catalogue file.
pub fn catalogue(path: &Path) -> anyhow::Result<Catalogue> {
    toml_file(path)
}

/// Paths in a catalogue count from here, today; the server may be started from anywhere.
pub fn paths_from_here(catalogue: &mut Catalogue) -> anyhow::Result<()> {
    let here = std::env::current_dir().context("the current folder cannot be found")?;
    catalogue.make_paths_absolute(&here).map_err(|refusal| output::ended(refusal.into()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Ended::Unreadable(format!("`{}` cannot be read: {error}", path.display())).into()
    })
}

/// A file that is for the one who runs Placet alone.
fn secret(path: &Path) -> anyhow::Result<String> {
    let text = read(path)?;
    let open = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if open {
        let path = path.display();
        let what = format!("others can read `{path}`: run `chmod 600 {path}`");
        return Err(Ended::Unreadable(what).into());
    }
    Ok(text)
}

fn toml_file<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = read(path)?;
    toml::from_str(&text).map_err(|error| {
        Ended::Unreadable(format!("{}:{}", path.display(), mistake(&text, &error))).into()
    })
}

/// A mistake in a TOML file as `line:column: what; did you mean ...?`.
fn mistake(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let message = error.message();
    let hint =
        did_you_mean(message).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let what = message.split(", expected").next().unwrap_or(message);
    format!("{line}:{column}: {what}{hint}")
}

/// The known name nearest to the unknown one in a message such as
/// "unknown field `ownr`, expected one of `owner`, `name`".
fn did_you_mean(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let given = quoted.next()?;
    quoted
        .map(|known| (strsim::jaro_winkler(given, known), known))
        .filter(|(near, _)| *near > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

/// The asks of a file, as the API takes them.
pub fn asks(path: &Path) -> anyhow::Result<serde_json::Value> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asks {
        ask: Vec<serde_json::Value>,
    }
    let Asks { ask } = toml_file(path)?;
    Ok(serde_json::json!({ "asks": ask }))
}

/// The files of a policy bundle, by their path inside its folder.
pub fn bundle(dir: &Path) -> anyhow::Result<Bundle> {
    let mut files = BTreeMap::new();
    collect(dir, dir, &mut files)?;
    if files.is_empty() {
        let what = format!("`{}` holds no policy bundle", dir.display());
        return Err(Ended::Unreadable(what).into());
    }
    Ok(Bundle { files })
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let unreadable = |error: std::io::Error| {
        Ended::Unreadable(format!("`{}` cannot be read: {error}", dir.display()))
    };
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, read(&path)?);
        }
    }
    Ok(())
}

/// The sessions of the one who runs this program, by the place that they are for.
#[derive(Debug)]
pub struct Sessions {
    path: PathBuf,
}

impl Sessions {
    /// In the file named by `PLACET_SESSIONS`, else in the user's configuration folder.
    pub fn of_user() -> Self {
        let named = std::env::var_os("PLACET_SESSIONS").map(PathBuf::from);
        let path = named.unwrap_or_else(|| {
            let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
            let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
            config.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("placet/sessions.json")
        });
        Self { path }
    }

    /// The secret for a place; `PLACET_TOKEN` goes before any session.
    pub fn secret(&self, place: &str) -> Option<String> {
        let token = std::env::var("PLACET_TOKEN").ok().filter(|token| !token.is_empty());
        token.or_else(|| self.all().remove(place))
    }

    fn all(&self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps a session, or forgets it.
    pub fn keep(&self, place: &str, secret: Option<&str>) -> anyhow::Result<()> {
        let mut all = self.all();
        match secret {
            Some(secret) => all.insert(place.to_owned(), secret.to_owned()),
            None => all.remove(place),
        };
        let dir = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir)?;
        let fresh = self.path.with_extension("new");
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&fresh)
            .with_context(|| format!("the session cannot be kept in `{}`", fresh.display()))?;
        file.write_all(serde_json::to_string(&all)?.as_bytes())?;
        std::fs::rename(&fresh, &self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_in_a_notify_line_is_named_with_its_place() {
        let check = |text: &str, expect: &str| {
            let error = toml::from_str::<Config>(text).unwrap_err();
            assert_eq!(mistake(text, &error), expect);
        };
        check(
            "[[notify]]\nkind = \"webhook\"\nsecret_fil = \"x\"\n",
            "3:1: unknown field `secret_fil`; did you mean `secret_file`?",
        );
        check(
            "[[notify]]\nkind = \"webhok\"\n",
            "2:8: unknown variant `webhok`; did you mean `webhook`?",
        );
    }

    #[test]
    fn a_typo_is_named_with_its_place_and_the_nearest_name() {
        let check = |text: &str, expect: &str| {
            let error = toml::from_str::<Catalogue>(text).unwrap_err();
            assert_eq!(mistake(text, &error), expect);
        };
        check(
            "administrators = [\"a\", \"b\"]\n\n[[team]]\nnam = \"x\"\n",
            "4:1: unknown field `nam`; did you mean `name`?",
        );
        check(
            "administrators = [\"a\"]\n[[entitlment]]\n",
            "2:3: unknown field `entitlment`; did you mean `entitlement`?",
        );
        check(
            "administrators = [\"Not A Handle\"]\n",
            "1:18: `Not A Handle` is not a handle: use 1 to 64 lower-case letters, digits, `-`, `_` or `.`, starting with a letter or digit",
        );
    }
}
