//! Which connectors there are: one line for each kind, with the settings that it knows.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use placet_domain::name::ConnectorKind;

use crate::{Connector, Settings, group_file, manual, postgres, simulated, ssh_ca, token_file};

/// Makes a connector from the settings of a target.
pub type Build = Arc<dyn Fn(&Settings) -> Result<Arc<dyn Connector>, String> + Send + Sync>;

/// What stands in a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// Words, names or numbers.
    Text,
    /// The path of one file or socket.
    Path,
    /// Paths, separated by commas.
    Paths,
}

/// The settings that a kind knows, each with what stands in it.
pub type Known = &'static [(&'static str, Value)];

/// The kinds of target that this program can work on.
#[derive(Clone)]
pub struct Registry {
    kinds: BTreeMap<String, (Known, Build)>,
}

/// Why a target has no connector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbuildable {
    #[error("no connector of kind `{kind}` is known; known are {known}")]
    Kind { kind: String, known: String },
    #[error("a target of kind `{kind}` cannot be set up: {why}")]
    Settings { kind: String, why: String },
}

impl Registry {
    /// The connectors that are shipped.
    pub fn shipped() -> Self {
        let mut registry = Self { kinds: BTreeMap::new() };
        registry.add("group-file", group_file::SETTINGS, Arc::new(group_file::build));
        registry.add("manual", manual::SETTINGS, Arc::new(manual::build));
        registry.add("postgres", postgres::SETTINGS, Arc::new(postgres::build));
        registry.add("simulated", simulated::SETTINGS, Arc::new(simulated::build));
        registry.add("ssh-ca", ssh_ca::SETTINGS, Arc::new(ssh_ca::build));
        registry.add("token-file", token_file::SETTINGS, Arc::new(token_file::build));
        registry
    }

    /// Adds or replaces a kind.
    pub fn add(&mut self, kind: &str, known: Known, build: Build) {
        self.kinds.insert(kind.to_owned(), (known, build));
    }

    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub fn build(
        &self,
        kind: &ConnectorKind,
        settings: &Settings,
    ) -> Result<Arc<dyn Connector>, Unbuildable> {
        let (known, build) = self.kind(kind)?;
        only(known, settings)
            .and_then(|()| build(settings))
            .map_err(|why| Unbuildable::Settings { kind: kind.to_string(), why })
    }

    /// Makes paths absolute: those that are relative count from the folder `from`.
    pub fn make_absolute(
        &self,
        kind: &ConnectorKind,
        settings: &mut Settings,
        from: &Path,
    ) -> Result<(), Unbuildable> {
        let (known, _) = self.kind(kind)?;
        for (name, value) in *known {
            let Some(setting) = settings.get_mut(*name) else { continue };
            let made = match value {
                Value::Text => continue,
                Value::Path => absolute(setting, from),
                Value::Paths => absolute_list(setting, from),
            };
            *setting = made.map_err(|why| Unbuildable::Settings {
                kind: kind.to_string(),
                why: format!("setting `{name}`: {why}"),
            })?;
        }
        Ok(())
    }

    fn kind(&self, kind: &ConnectorKind) -> Result<&(Known, Build), Unbuildable> {
        self.kinds.get(kind.as_str()).ok_or_else(|| Unbuildable::Kind {
            kind: kind.to_string(),
            known: self.kinds().collect::<Vec<_>>().join(", "),
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kinds.keys()).finish()
    }
}

/// A setting that does nothing is a mistake, and whoever wrote it means something.
fn only(known: Known, settings: &Settings) -> Result<(), String> {
    let unknown = settings.keys().find(|key| !known.iter().any(|(name, _)| name == key));
    let Some(unknown) = unknown else { return Ok(()) };
    let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    Err(format!("setting `{unknown}` is not known; known are `{}`", known.join("`, `")))
}

/// What stands in a setting, separated by commas.
pub(crate) fn listed(setting: &str) -> impl Iterator<Item = &str> {
    setting.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn absolute(path: &str, from: &Path) -> Result<String, String> {
    if path.is_empty() {
        return Err("it names no file".to_owned());
    }
    let made = std::path::absolute(from.join(path)).map_err(|error| error.to_string())?;
    made.into_os_string().into_string().map_err(|_| format!("`{path}` lies below no UTF-8 name"))
}

fn absolute_list(paths: &str, from: &Path) -> Result<String, String> {
    let made: Result<Vec<String>, String> = listed(paths).map(|one| absolute(one, from)).collect();
    let made = made?;
    match made.iter().find(|one| one.contains(',')) {
        Some(one) => Err(format!("`{one}` has a comma in it, which would make two paths of it")),
        None => Ok(made.join(",")),
    }
}
