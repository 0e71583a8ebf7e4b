//! Policy bundles as files: what is digested, stored and adopted. What the files mean is known to
//! `policy` alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, Digest, Unencodable};

/// The files of a policy bundle by their path inside it, such as `policies/gates.cedar`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bundle {
    pub files: BTreeMap<String, String>,
}

impl Bundle {
    /// The digest under which the bundle is stored, cited and adopted.
    pub fn digest(&self) -> Result<Digest, Unencodable> {
        canonical::digest(self)
    }
}
