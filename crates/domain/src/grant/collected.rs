//! What the receiver of an issued credential hands in, and what is issued for it. Both are public:
//! the private key, or the token itself, never leaves the one who drew it (law 8).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::Digest;
use crate::id::IdentityId;
use crate::time::Timestamp;

/// What the receiver must hand in before a target can issue anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// A public SSH key, for which a certificate is signed.
    SshKey,
    /// The SHA-256 of a token that the receiver drew.
    TokenDigest,
    /// The SCRAM-SHA-256 verifier of a password that the receiver drew.
    ScramSha256,
}

impl Half {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SshKey => "ssh_key",
            Self::TokenDigest => "token_digest",
            Self::ScramSha256 => "scram_sha256",
        }
    }

    /// What is issued for it is carried about: nobody can look whether it is there.
    pub fn is_in_the_wild(self) -> bool {
        match self {
            Self::SshKey => true,
            Self::TokenDigest | Self::ScramSha256 => false,
        }
    }
}

/// A public half.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "half", rename_all = "snake_case", deny_unknown_fields)]
pub enum Public {
    /// In OpenSSH's form without a comment, and its fingerprint as `ssh-keygen -l` shows it.
    SshKey {
        key: String,
        fingerprint: String,
    },
    TokenDigest {
        sha256: Digest,
    },
    /// As PostgreSQL keeps it: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (RFC 5802,
    /// RFC 7677). Nobody can log in with it; of a password that can be guessed it would be a proof.
    ScramSha256 {
        verifier: String,
    },
}

impl Public {
    pub fn half(&self) -> Half {
        match self {
            Self::SshKey { .. } => Half::SshKey,
            Self::TokenDigest { .. } => Half::TokenDigest,
            Self::ScramSha256 { .. } => Half::ScramSha256,
        }
    }

    /// By which the same half is known again, whatever it was collected for.
    pub fn mark(&self) -> String {
        match self {
            Self::SshKey { fingerprint, .. } => format!("ssh:{fingerprint}"),
            Self::TokenDigest { sha256 } => format!("sha256:{sha256}"),
            Self::ScramSha256 { verifier } => format!("scram:{}", Digest::of(verifier.as_bytes())),
        }
    }

    /// The digest that a target keeps of it, where it keeps one.
    pub fn kept_as(&self) -> Option<Digest> {
        match self {
            Self::SshKey { .. } => None,
            Self::TokenDigest { sha256 } => Some(*sha256),
            Self::ScramSha256 { verifier } => Some(Digest::of(verifier.as_bytes())),
        }
    }
}

/// A collected half: by whom, and from where it may be used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collected {
    /// The receiver, or the person who owns the receiving workload.
    pub by: IdentityId,
    pub public: Public,
    /// Address blocks that it is good from; from anywhere if there are none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<String>,
}

/// The serial of a certificate. Written as a text: JSON numbers end at 2^53.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Serial(pub u64);

impl std::fmt::Display for Serial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.to_string()
    }
}

impl TryFrom<String> for Serial {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text.parse::<u64>().map_err(|_| format!("`{text}` is not a serial"))?;
        // One spelling: what is hashed must not have two.
        if number.to_string() == text { Ok(Self(number)) } else { Err(format!("`{text}`?")) }
    }
}

/// A certificate that was issued.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    pub serial: Serial,
    /// Of the certificate's bytes.
    pub digest: Digest,
    /// The certificate in its own text form.
    pub certificate: String,
    /// From when on no clock that is right within the allowed skew takes it for valid.
    pub over_at: Timestamp,
}

/// On which enrolled hosts a revocation has been read back, and on which it has not.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBack {
    pub hosts: BTreeSet<String>,
    pub waits_for: BTreeSet<String>,
}
