//! How much a request puts at stake, in one word for people: what is read first. No rule looks at it.

use placet_engine::queries::RequestView;

/// The more, the sooner it is to be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Risk {
    Low,
    Raised,
    High,
}

impl Risk {
    pub(super) fn of(request: &RequestView) -> Self {
        let (admin, prod) = (request.privilege == "admin", request.environment == "prod");
        let clashes = !request.conflicts.is_empty();
        if request.emergency.is_some() || clashes || (admin && prod) || request.sensitivity >= 4 {
            Self::High
        } else if admin || prod || request.privilege == "write" || request.sensitivity == 3 {
            Self::Raised
        } else {
            Self::Low
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Raised => "raised",
            Self::High => "high",
        }
    }
}
