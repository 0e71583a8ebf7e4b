//! What policy is asked about Placet itself: which records an actor may read, and what an actor
//! may administer. Closed lists; the policy bundle answers, `engine` asks in one place.

use serde::{Deserialize, Serialize};

/// The scopes of reading. SQL filters by them; no row is filtered afterwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What I asked for or hold, and what waits for me.
    Mine,
    /// What those hold who report to me.
    Reports,
    /// What stands on what I own.
    Owned,
    Everything,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Self::Mine, Self::Reports, Self::Owned, Self::Everything];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Reports => "reports",
            Self::Owned => "owned",
            Self::Everything => "everything",
        }
    }
}

/// Acts on Placet's own records.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Give a named person a one-time login code.
    IssueLoginCode,
    DeactivateIdentity,
    RetireEntitlement,
    ProposeBundle,
    AdoptBundle,
    /// End somebody else's access at once.
    Revoke,
    /// Take evidence of any request out of the house.
    ExportEvidence,
}

impl Deed {
    pub const ALL: [Deed; 7] = [
        Self::IssueLoginCode,
        Self::DeactivateIdentity,
        Self::RetireEntitlement,
        Self::ProposeBundle,
        Self::AdoptBundle,
        Self::Revoke,
        Self::ExportEvidence,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::IssueLoginCode => "issue_login_code",
            Self::DeactivateIdentity => "deactivate_identity",
            Self::RetireEntitlement => "retire_entitlement",
            Self::ProposeBundle => "propose_bundle",
            Self::AdoptBundle => "adopt_bundle",
            Self::Revoke => "revoke",
            Self::ExportEvidence => "export_evidence",
        }
    }

    /// Words for a refusal: "... is not permitted".
    pub fn words(self) -> &'static str {
        match self {
            Self::IssueLoginCode => "issuing a login code",
            Self::DeactivateIdentity => "deactivating an identity",
            Self::RetireEntitlement => "retiring an entitlement",
            Self::ProposeBundle => "proposing a policy bundle",
            Self::AdoptBundle => "adopting a policy bundle",
            Self::Revoke => "revoking a grant",
            Self::ExportEvidence => "exporting evidence",
        }
    }

    /// Deeds that are decisions: they need a person in a session of their own.
    pub fn needs_session(self) -> bool {
        !matches!(self, Self::ExportEvidence | Self::ProposeBundle)
    }
}
