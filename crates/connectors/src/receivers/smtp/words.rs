//! Why a mail did not go out, in words that name the setting to look at. A server's own words may
//! repeat an address or what it was sent, so that its code alone is kept.

use std::error::Error as _;

use lettre::transport::smtp::Error;
use rustls::CertificateError;

use super::{Failed, Smtp};

impl Smtp {
    pub(super) fn not_connected(&self, error: &Error) -> Failed {
        let host = &self.settings.host;
        let (tls, io) = causes(error);
        Failed::again(match (tls, io, error.status()) {
            (Some(tls), _, _) => self.no_tls(tls),
            (_, Some(io), _) => format!("the mail server `{host}` cannot be reached: {io}"),
            (_, _, Some(code)) => format!("the mail server answered {code}"),
            _ => format!("what answers at `{host}` does not speak SMTP"),
        })
    }

    /// Why there is no encryption that can be trusted, and what may be done.
    fn no_tls(&self, error: &rustls::Error) -> String {
        use CertificateError as Bad;
        let bad = match error {
            rustls::Error::InvalidCertificate(bad) => bad,
            rustls::Error::InvalidMessage(_) => {
                return "what answers there does not speak TLS; is `encryption` right for `port`?"
                    .to_owned();
            }
            other => return format!("no TLS with the mail server: {other}"),
        };
        let what = match bad {
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                format!("is for another name than `{}`", self.settings.host)
            }
            // A signature that is not theirs is what one sees of a CA that took their name.
            Bad::UnknownIssuer | Bad::BadSignature => match &self.settings.authorities {
                Some(_) => "is signed by no CA in `ca_file`".to_owned(),
                None => "is signed by no CA that this machine trusts; name it in `ca_file`".into(),
            },
            Bad::Expired | Bad::ExpiredContext { .. } => "has expired".to_owned(),
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "is not valid yet; do the clocks agree?".to_owned()
            }
            // Also of one who signed themselves; the library has no variant of its own for it.
            Bad::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
                "is one of a CA; sign one for the server with it".to_owned()
            }
            other => format!("is refused: {other}"),
        };
        format!("the certificate of the mail server {what}")
    }
}

/// What lies below an error of the connection: one of TLS, or one of the network.
fn causes(error: &Error) -> (Option<&rustls::Error>, Option<&std::io::Error>) {
    let mut source = error.source();
    while let Some(one) = source {
        if let Some(io) = one.downcast_ref::<std::io::Error>() {
            return (io.get_ref().and_then(|inner| inner.downcast_ref()), Some(io));
        }
        source = one.source();
    }
    (None, None)
}

pub(super) fn not_logged_in(error: &Error) -> Failed {
    Failed::again(match error.status().map(|code| code.to_string()) {
        Some(code) if code == "535" => {
            "the mail server does not accept `user` with the password in `password_file` (535)"
                .to_owned()
        }
        Some(code) => format!("the mail server answered {code} to the login"),
        None => "the connection to the mail server broke off at the login".to_owned(),
    })
}

pub(super) fn not_taken(error: &Error) -> Failed {
    match error.status().map(|code| code.to_string()) {
        Some(code) if code == "530" => Failed::again(
            "the mail server wants encryption or a login first (530); see `encryption`, `user` \
             and `password_file`",
        ),
        Some(code) => Failed {
            why: format!("the mail server answered {code}"),
            for_good: is_about_receiver(&code),
        },
        None => Failed::again("the connection to the mail server broke off"),
    }
}

/// That there is no such mailbox stays true; every other answer may be another one once the server or
/// the configuration was mended.
fn is_about_receiver(code: &str) -> bool {
    matches!(code, "550" | "551" | "553")
}
