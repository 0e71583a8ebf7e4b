//! Which connectors there are: one line for each kind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use placet_domain::name::ConnectorKind;

use crate::{Connector, Settings, group_file, simulated, ssh_ca, token_file};

/// Makes a connector from the settings of a target.
pub type Build = Arc<dyn Fn(&Settings) -> Result<Arc<dyn Connector>, String> + Send + Sync>;

/// The kinds of target that this program can work on.
#[derive(Clone)]
pub struct Registry {
    kinds: BTreeMap<String, Build>,
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
        registry.add("group-file", Arc::new(group_file::build));
        registry.add("simulated", Arc::new(simulated::build));
        registry.add("ssh-ca", Arc::new(ssh_ca::build));
        registry.add("token-file", Arc::new(token_file::build));
        registry
    }

    /// Adds or replaces a kind.
    pub fn add(&mut self, kind: &str, build: Build) {
        self.kinds.insert(kind.to_owned(), build);
    }

    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub fn build(
        &self,
        kind: &ConnectorKind,
        settings: &Settings,
    ) -> Result<Arc<dyn Connector>, Unbuildable> {
        let kind = kind.to_string();
        let Some(build) = self.kinds.get(&kind) else {
            let known = self.kinds().collect::<Vec<_>>().join(", ");
            return Err(Unbuildable::Kind { kind, known });
        };
        build(settings).map_err(|why| Unbuildable::Settings { kind, why })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kinds.keys()).finish()
    }
}
