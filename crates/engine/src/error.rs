//! What a command or query answers when it does not do what was asked.

use placet_domain::Refusal;

/// A refusal that its asker can act on, or a fault that an operator has to look at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Refused(Refusal),
    /// Something moved on while it was decided; the engine tries again by itself.
    #[error("the facts moved on")]
    Stale,
    #[error("{0}")]
    Fault(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<placet_store::Error> for Error {
    fn from(error: placet_store::Error) -> Self {
        use placet_store::Error as Store;
        match error {
            Store::Stale { .. } => Self::Stale,
            Store::Full => Refusal::StorageFull {}.into(),
            Store::InUse => Refusal::DataDirInUse {}.into(),
            Store::EndingOnly { why } => Refusal::EndingOnly { why }.into(),
            Store::Taken { what } => Refusal::AlreadyRegistered { what }.into(),
            other => Self::Fault(other.to_string()),
        }
    }
}

impl From<placet_domain::canonical::Unencodable> for Error {
    fn from(error: placet_domain::canonical::Unencodable) -> Self {
        Self::Fault(error.to_string())
    }
}

impl Error {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Stale | Self::Fault(_) => None,
        }
    }
}
