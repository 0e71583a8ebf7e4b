//! Which connectors there are: one line for each kind.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use placet_domain::name::ConnectorKind;

use crate::settings::{self, Known, Settings};
use crate::{Connector, group_file, manual, postgres, simulated, ssh_ca, token_file};

/// Makes a connector from the settings of a target.
pub type Build = Arc<dyn Fn(&Settings) -> Result<Arc<dyn Connector>, String> + Send + Sync>;

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
        settings::only(known, settings)
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
        settings::make_absolute(known, settings, from)
            .map_err(|why| Unbuildable::Settings { kind: kind.to_string(), why })
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
