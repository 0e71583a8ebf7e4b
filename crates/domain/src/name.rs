//! Names that people give and policies quote: bounded, lower case, one spelling.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that cannot be the name that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableName {
    /// What kind of name was expected, in words.
    pub expected: &'static str,
    /// What was given, cut to a bounded length.
    pub given: String,
    /// Which form is read.
    pub rule: &'static str,
}

impl fmt::Display for UnreadableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}: {}", self.given, self.expected, self.rule)
    }
}

impl std::error::Error for UnreadableName {}

const SLUG_RULE: &str =
    "use 1 to 64 lower-case letters, digits, `-`, `_` or `.`, starting with a letter or digit";
const NATIVE_RULE: &str = "use 1 to 256 printable characters without blanks at the ends";
const ACCOUNT_RULE: &str = "use 1 to 128 printable characters without blanks, `:` or `#`";

const MAIL_RULE: &str = "use the form `name@example.org`, in plain letters, digits and `.+-_`";

const ISSUER_RULE: &str = "use `https://host`, perhaps with a port and a path of up to 255 plain characters, without query, fragment or name; `http` leads to this machine alone, in tests";
const SUBJECT_RULE: &str = "use 1 to 255 printable ASCII characters without blanks at the ends";

const RP_RULE: &str =
    "use the host in small letters, such as `placet.example.org`; an address has no passkeys";

fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

fn is_native(text: &str) -> bool {
    (1..=256).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

fn is_account(text: &str) -> bool {
    (1..=128).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == ':' || c == '#')
}

/// Narrower than what mail allows: quotes, comments and lists have no place in an address book, and
/// nothing that could end a header.
fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str, extra: &[u8]| {
        let joined = |b: u8| b.is_ascii_alphanumeric() || extra.contains(&b);
        !part.is_empty() && part.bytes().all(joined) && part.split('.').all(|one| !one.is_empty())
    };
    text.len() <= 254
        && local.len() <= 64
        && plain(local, b".+-_")
        && plain(domain, b".-")
        && !local.starts_with('-')
}

/// OpenID Connect Discovery 1.0, section 3: https, no query, no fragment. An address of this machine
/// without TLS can be written down too; whether it may be talked to is a setting of its own.
fn is_issuer(text: &str) -> bool {
    let (rest, local) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return false,
    };
    let (place, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((host, port)) => (format!("[{host}]"), port.strip_prefix(':').or(none(port))),
            None => return false,
        },
        None => match place.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (place.to_owned(), Some("443")),
        },
    };
    let numbered = port.is_some_and(|port| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = match inner {
        Some(address) => {
            let plain = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b':' | b'.');
            address.contains(':') && address.bytes().all(plain)
        }
        // One spelling: upper case would be the same host and another issuer.
        None => host.split('.').all(|label| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            !label.is_empty() && label.bytes().all(plain)
        }),
    };
    text.len() <= 255
        && numbered
        && named
        && (!local || ["127.0.0.1", "localhost", "[::1]"].contains(&host.as_str()))
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%:@!$&'()*+,;=".contains(&b))
}

/// The port of an address that names none.
fn none(port: &str) -> Option<&'static str> {
    port.is_empty().then_some("443")
}

/// OpenID Connect Core 1.0, section 2: at most 255 ASCII characters, and case counts.
fn is_subject(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.trim() == text
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Web Authentication, section 5.1.2: a domain that a browser takes as the scope of passkeys.
fn is_rp(text: &str) -> bool {
    let label = |one: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&one.len()) && one.bytes().all(plain)
    };
    let address =
        text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    (1..=253).contains(&text.len()) && text.split('.').all(label) && !address
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $words:literal, $test:ident, $rule:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = UnreadableName;

            fn from_str(text: &str) -> Result<Self, UnreadableName> {
                if $test(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    let given = text.chars().take(64).collect();
                    Err(UnreadableName { expected: $words, given, rule: $rule })
                }
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnreadableName;

            fn try_from(text: String) -> Result<Self, UnreadableName> {
                text.parse()
            }
        }
    )*};
}

names! {
    /// A team, as policies quote it: `Team::"security-reviewers"`.
    TeamName, "a team name", is_slug, SLUG_RULE;
    /// A target, as people call it.
    TargetName, "a target name", is_slug, SLUG_RULE;
    /// An entitlement, as people ask for it.
    EntitlementName, "an entitlement name", is_slug, SLUG_RULE;
    /// A set of entitlements that pre-approved patterns quote.
    PackName, "a pack name", is_slug, SLUG_RULE;
    /// A stage of approval; stage names are data of the policy bundle.
    StageName, "a stage name", is_slug, SLUG_RULE;
    /// A schedule of working hours, as people's lines in the catalogue quote it.
    ScheduleName, "a schedule name", is_slug, SLUG_RULE;
    /// The short name by which a person or workload is called; personal, so only ever disclosed.
    Handle, "a handle", is_slug, SLUG_RULE;
    /// A kind of connector, such as `group-file`.
    ConnectorKind, "a kind of connector", is_slug, SLUG_RULE;
    /// The immutable id that the target itself gives to what an entitlement names.
    NativeId, "a native id", is_native, NATIVE_RULE;
    /// The name of an account on a target; personal, so only ever disclosed.
    AccountName, "an account name", is_account, ACCOUNT_RULE;
    /// Where a person gets mail.
    MailAddress, "a mail address", is_mail, MAIL_RULE;
    /// Who says that somebody is there: an OpenID provider, by its address.
    Issuer, "the issuer of an OpenID provider", is_issuer, ISSUER_RULE;
    /// By what an issuer knows somebody; personal, so only ever disclosed.
    LoginSubject, "a subject of an OpenID provider", is_subject, SUBJECT_RULE;
    /// For which host a passkey was made (the relying party's id).
    RpId, "a host for passkeys", is_rp, RP_RULE;
}

impl ScheduleName {
    /// The schedule of those who name none.
    pub fn usual() -> Self {
        Self("usual".to_owned())
    }
}

/// Whatever is a handle is an account name as well.
impl From<&Handle> for AccountName {
    fn from(handle: &Handle) -> Self {
        Self(handle.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_have_one_spelling() {
        let mail = |text: &str| text.parse::<MailAddress>().is_ok();
        assert!(mail("ines@example.org") && mail("i.w+x_y-z@mail.example.org"));
        assert!(!mail("ines") && !mail("@example.org") && !mail("ines@") && !mail("a@b@c"));
        assert!(!mail("ines@example.org\r\nBcc: all@example.org") && !mail("a..b@example.org"));
        assert!(
            !mail("Ines <ines@example.org>") && !mail("-x@example.org") && !mail("a@b.org,c@d.org")
        );
        let issuer = |text: &str| text.parse::<Issuer>().is_ok();
        for good in [
            "https://id.example",
            "https://id.example/",
            "https://id.example:8443/realms/main",
            "https://[2001:db8::1]:8443",
            "https://[2001:db8::1]/x",
            "http://127.0.0.1:4000",
            "http://localhost:4000/x",
            "http://[::1]:4000",
        ] {
            assert!(issuer(good), "{good}");
        }
        for bad in [
            "",
            "id.example",
            "https://",
            "https:///x",
            "https://id.example?x",
            "https://id.example/#x",
            "https://user@id.example",
            "https://ID.example",
            "https://id..example",
            "https://id.example:0",
            "https://id.example:+1",
            "https://id.example:99999",
            "https://id.example/a b",
            "https://[::1",
            "https://[x]",
            "https://[::1]x",
            "http://id.example",
            "http://127.0.0.1.id.example",
            "http://localhost@id.example",
            "ftp://id.example",
        ] {
            assert!(!issuer(bad), "{bad}");
        }
        assert!(!issuer(&format!("https://id.example/{}", "x".repeat(255))));
        let subject = |text: &str| text.parse::<LoginSubject>().is_ok();
        assert!(subject("248289761001") && subject("auth0|a b") && subject(&"x".repeat(255)));
        assert!(!subject("") && !subject(&"x".repeat(256)) && !subject("\u{e9}") && !subject(" x"));
        assert!(!subject("a\nb") && !subject("a\u{7f}"));
        let slug = |text: &str| text.parse::<TeamName>().is_ok();
        assert!(slug("data-stewards") && slug("a") && slug("1.2_x"));
        assert!(
            !slug("") && !slug("Data") && !slug("-a") && !slug("a b") && !slug(&"a".repeat(65))
        );
        let account = |text: &str| text.parse::<AccountName>().is_ok();
        assert!(account("ines") && account("DOM\\ines") && account("ines@example.test"));
        assert!(!account("two words") && !account("a:b") && !account("#x") && !account("a\nb"));
        let native = |text: &str| text.parse::<NativeId>().is_ok();
        assert!(native("cn=db admins,dc=example") && !native(" x") && !native("a\u{0}b"));
        // Counted as people count: a letter is one, however many bytes it takes.
        assert!(native(&"\u{f6}".repeat(256)) && !native(&"\u{f6}".repeat(257)));
        assert!(account(&"\u{f6}".repeat(128)) && !account(&"\u{f6}".repeat(129)));
    }
}
