//! Credentials of Placet itself: login codes, sessions and tokens. Only fingerprints are kept.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::canonical::Digest;
use crate::id::{CredentialId, IdentityId, PasskeyId};
use crate::identity::Identity;
use crate::name::Issuer;
use crate::time::Timestamp;

/// What a credential is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Used once, to open a session.
    LoginCode,
    /// Interactive: a person is there, and may decide.
    Session,
    /// For programs: may ask, read and give back.
    Token,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoginCode => "login_code",
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// What a token may be used for. A session may do whatever its holder may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Read what its holder may read.
    Read,
    /// File, extend, collect, give back, withdraw, and ask about requests.
    Ask,
    /// Say that something has ended elsewhere.
    Report,
    /// Propose changes of the catalogue and policy bundles, for others to adopt.
    Propose,
}

impl TokenScope {
    pub const ALL: [TokenScope; 4] = [Self::Read, Self::Ask, Self::Report, Self::Propose];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ask => "ask",
            Self::Report => "report",
            Self::Propose => "propose",
        }
    }
}

/// A credential as issued.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    pub credential: CredentialId,
    pub kind: Kind,
    pub holder: IdentityId,
    /// SHA-256 of a secret of 256 random bits, which exists only where its holder keeps it.
    pub fingerprint: Digest,
    pub expires_at: Timestamp,
    /// The login code that opened this session.
    pub opened_by: Option<CredentialId>,
    /// The OpenID provider on whose word this session was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Issuer>,
    /// The passkey that opened this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeyId>,
    /// What a token is good for. None are named on what is no token, and on tokens from before
    /// there were scopes: those keep what they could do.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<TokenScope>,
}

impl Issued {
    /// Whether it is good for something of this kind at all; what its holder may do comes after.
    pub fn covers(&self, scope: TokenScope) -> bool {
        self.kind == Kind::Session
            || self.kind == Kind::Token && (self.scopes.is_empty() || self.scopes.contains(&scope))
    }
}

/// A credential: the fold of its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    pub issued: Issued,
    pub ended_at: Option<Timestamp>,
}

impl Credential {
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.issued.expires_at
    }
}

/// Why a credential is no longer valid before its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// A login code opened its session.
    Used,
    LoggedOut,
    /// The one who answers for a token ended it.
    Revoked,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum Event {
    #[serde(rename = "credential.issued")]
    Issued(Issued),
    #[serde(rename = "credential.ended")]
    Ended { why: Ended },
}

#[derive(Debug)]
pub enum Command<'a> {
    Issue { issued: Issued, holder: &'a Identity },
    End(Ended),
}

/// The longest life of each kind, in seconds.
pub fn longest_seconds(kind: Kind) -> u64 {
    match kind {
        Kind::LoginCode => 24 * 60 * 60,
        Kind::Session => 12 * 60 * 60,
        Kind::Token => 90 * 24 * 60 * 60,
    }
}

pub fn decide(
    state: Option<&Credential>,
    command: Command<'_>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (None, Command::Issue { issued, holder }) => {
            if !holder.is_active_at(now) {
                return Err(Refusal::InactiveIdentity { who: holder.id.to_string() });
            }
            if issued.kind != Kind::Token && !holder.is_human() {
                return Err(Refusal::OnlyPeopleDecide {});
            }
            let longest = now.plus_seconds(longest_seconds(issued.kind));
            let expires_at = issued.expires_at.min(longest);
            Ok(vec![Event::Issued(Issued { expires_at, ..issued })])
        }
        (Some(credential), Command::End(why)) if credential.is_valid_at(now) => {
            Ok(vec![Event::Ended { why }])
        }
        (Some(_), Command::End(Ended::Used)) | (None, Command::End(_)) => {
            Err(Refusal::LoginCodeSpent {})
        }
        (Some(_), Command::End(Ended::LoggedOut)) => Err(Refusal::NotAuthenticated {}),
        (Some(credential), Command::End(Ended::Revoked)) => {
            Err(Refusal::TokenOver { token: credential.issued.credential.to_string() })
        }
        (Some(credential), Command::Issue { .. }) => {
            Err(Refusal::AlreadyRegistered { what: credential.issued.credential.to_string() })
        }
    }
}

pub fn apply(state: Option<Credential>, event: &Event, at: Timestamp) -> Option<Credential> {
    match (state, event) {
        (None, Event::Issued(issued)) => {
            Some(Credential { issued: issued.clone(), ended_at: None })
        }
        (Some(credential), Event::Ended { .. }) => {
            Some(Credential { ended_at: Some(at), ..credential })
        }
        (state, _) => state,
    }
}
