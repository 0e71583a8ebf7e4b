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
    /// Emergencies, and the reviews that they owe.
    Emergencies,
    Everything,
}

impl Scope {
    pub const ALL: [Scope; 5] =
        [Self::Mine, Self::Reports, Self::Owned, Self::Emergencies, Self::Everything];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Reports => "reports",
            Self::Owned => "owned",
            Self::Emergencies => "emergencies",
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
    ProposeCatalogue,
    /// Adopt or reject what somebody else proposed, and narrow at once.
    AdoptCatalogue,
    /// End somebody else's access at once.
    Revoke,
    /// Say that something has ended elsewhere, so that what was granted for it ends.
    ReportEnding,
    /// Believe what a look at a target found, though it is a great deal at once.
    ReleaseBrake,
    /// Take evidence of any request out of the house.
    ExportEvidence,
    /// Say that a passkey is really the person's whose it is said to be, or end it.
    VouchPasskey,
}

impl Deed {
    pub const ALL: [Deed; 12] = [
        Self::IssueLoginCode,
        Self::DeactivateIdentity,
        Self::RetireEntitlement,
        Self::ProposeBundle,
        Self::AdoptBundle,
        Self::ProposeCatalogue,
        Self::AdoptCatalogue,
        Self::Revoke,
        Self::ReportEnding,
        Self::ReleaseBrake,
        Self::ExportEvidence,
        Self::VouchPasskey,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::IssueLoginCode => "issue_login_code",
            Self::DeactivateIdentity => "deactivate_identity",
            Self::RetireEntitlement => "retire_entitlement",
            Self::ProposeBundle => "propose_bundle",
            Self::AdoptBundle => "adopt_bundle",
            Self::ProposeCatalogue => "propose_catalogue",
            Self::AdoptCatalogue => "adopt_catalogue",
            Self::Revoke => "revoke",
            Self::ReportEnding => "report_ending",
            Self::ReleaseBrake => "release_brake",
            Self::ExportEvidence => "export_evidence",
            Self::VouchPasskey => "vouch_passkey",
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
            Self::ProposeCatalogue => "proposing a change of the catalogue",
            Self::AdoptCatalogue => "changing the catalogue",
            Self::Revoke => "revoking a grant",
            Self::ReleaseBrake => "releasing the brake of a target",
            Self::ReportEnding => "reporting that something has ended elsewhere",
            Self::ExportEvidence => "exporting evidence",
            Self::VouchPasskey => "answering for somebody's passkey",
        }
    }

    /// Deeds that are decisions: they need a person in a session of their own.
    pub fn needs_session(self) -> bool {
        !matches!(
            self,
            Self::ExportEvidence
                | Self::ProposeBundle
                | Self::ProposeCatalogue
                | Self::ReportEnding
        )
    }
}
