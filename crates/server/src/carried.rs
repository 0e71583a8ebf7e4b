//! What somebody was about to do when they were asked to log in: where they were going, and the form that
//! they had sent. It goes with the login, and is shown again afterwards; nothing is done by itself.

use std::fmt;

use placet_domain::Refusal;

/// The most that is kept of a form while somebody is away at a provider, in bytes.
const LARGEST: usize = 16 * 1024;

#[derive(Clone, Default)]
pub(crate) struct Carried {
    to: String,
    kept: Option<String>,
}

impl Carried {
    /// `kept` is a form as it is sent (`application/x-www-form-urlencoded`); none where a page was asked for.
    pub(crate) fn new(to: &str, kept: Option<String>) -> Self {
        Self { to: ours(to).to_owned(), kept }
    }

    pub(crate) fn to(&self) -> &str {
        ours(&self.to)
    }

    pub(crate) fn kept(&self) -> Option<&str> {
        self.kept.as_deref()
    }

    /// What waits here takes memory of ours, whoever sends it.
    pub(crate) fn bounded(self) -> Result<Self, Refusal> {
        match self.kept().is_some_and(|kept| kept.len() > LARGEST) {
            false => Ok(self),
            true => Err(Refusal::TextTooLong { what: "form".to_owned(), limit: LARGEST }),
        }
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carried(..)")
    }
}

/// A place of ours, or the first page: a link must not lead elsewhere after a login.
fn ours(to: &str) -> &str {
    let inside = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']);
    if inside { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_else() {
        for (to, leads) in [
            ("/requests/req_1?x=1", "/requests/req_1?x=1"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
        ] {
            assert_eq!(Carried::new(to, None).to(), leads, "{to:?}");
        }
        assert_eq!(Carried::default().to(), "/");
    }

    #[test]
    fn what_is_kept_is_bounded_and_not_printed() {
        let of = |length: usize| Carried::new("/", Some("x".repeat(length)));
        assert!(of(LARGEST).bounded().is_ok() && of(LARGEST + 1).bounded().is_err());
        assert_eq!(format!("{:?}", of(1)), "Carried(..)");
    }
}
