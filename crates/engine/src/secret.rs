//! Secrets that are given out once: login codes, sessions, tokens. They cannot be printed, and
//! only their fingerprints are kept.

use std::fmt;

use placet_domain::canonical::Digest;
use placet_domain::credential::Kind;

use crate::environment::Environment;

/// A secret on its way to the one who will hold it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A fresh secret of 256 random bits; its prefix says what it is, for scanners of leaks.
    pub(crate) fn fresh(kind: Kind, environment: &dyn Environment) -> Self {
        let prefix = match kind {
            Kind::LoginCode => "placet_code",
            Kind::Session => "placet_session",
            Kind::Token => "placet_token",
        };
        Self(format!("{prefix}_{}", Digest::from_bytes(environment.random())))
    }

    /// A secret that somebody presents.
    pub fn presented(text: &str) -> Self {
        Self(text.trim().chars().take(128).collect())
    }

    /// What is kept of it. The secret is random, so a plain hash gives nothing away.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The text itself: for the answer to its holder, and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
