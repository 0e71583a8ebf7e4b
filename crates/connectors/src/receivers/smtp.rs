//! Mail: one plain text for each notice and person, handed to a mail server.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use placet_domain::Timestamp;
use placet_domain::name::MailAddress;

use super::{CALL_SECONDS, Failed, Message, Receiver};

/// How the way to the mail server is kept from being read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encryption {
    /// TLS from the first byte.
    Tls,
    /// TLS once the server has been greeted, or no mail at all.
    StartTls,
    /// None: for a server on this machine.
    None,
}

#[derive(Clone)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub from: MailAddress,
    /// User and password, if the server asks for them.
    pub login: Option<(String, String)>,
    /// Written before each link; none if people know where to go.
    pub base: Option<String>,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .field("from", &self.from)
            .field("login", &self.login.is_some())
            .finish_non_exhaustive()
    }
}

pub struct Smtp {
    settings: SmtpSettings,
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Smtp").field(&self.settings).finish()
    }
}

impl Smtp {
    pub fn new(settings: SmtpSettings) -> Result<Self, String> {
        // A password is never sent where it can be read.
        if settings.encryption == Encryption::None && settings.login.is_some() {
            return Err("a password needs `encryption` to be `tls` or `starttls`".to_owned());
        }
        let from = Mailbox::new(Some("Placet".to_owned()), address(&settings.from)?);
        let parameters =
            || TlsParameters::new(settings.host.clone()).map_err(|error| error.to_string());
        let tls = match settings.encryption {
            Encryption::None => Tls::None,
            Encryption::StartTls => Tls::Required(parameters()?),
            Encryption::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.clone())
                .port(settings.port)
                .tls(tls)
                .timeout(Some(Duration::from_secs(CALL_SECONDS)));
        if let Some((user, password)) = &settings.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { from, transport: builder.build(), settings })
    }

    fn mail(&self, message: &Message, now: Timestamp) -> Result<lettre::Message, Failed> {
        let to = message.letter.to.as_ref();
        let to = to.ok_or_else(|| Failed::for_good("the receiver has no mail address"))?;
        let to = address(to).map_err(Failed::for_good)?;
        let domain = self.settings.from.as_str().split('@').next_back().unwrap_or_default();
        let mut text = message.letter.lines.join("\r\n");
        if let Some(base) = &self.settings.base {
            text.push_str(&format!("\r\n\r\n{}{}", base.trim_end_matches('/'), message.link));
        }
        text.push_str("\r\n");
        MessageBuilder::new()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(date(now))
            .subject(one_line(&message.letter.subject))
            // The same each time: mail programs show it once.
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| Failed::for_good(error.to_string()))
    }
}

/// That there is no such mailbox stays true; every other answer may be another one once the server or
/// the configuration was mended.
fn is_about_receiver(code: &str) -> bool {
    matches!(code, "550" | "551" | "553")
}

fn date(now: Timestamp) -> std::time::SystemTime {
    let micros = u64::try_from(now.as_micros()).unwrap_or(0);
    std::time::UNIX_EPOCH + Duration::from_micros(micros)
}

/// A header is one line, whatever is in a name.
fn one_line(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect()
}

fn address(mail: &MailAddress) -> Result<Address, String> {
    mail.as_str().parse().map_err(|_| "a mail address cannot be used".to_owned())
}

#[async_trait]
impl Receiver for Smtp {
    async fn deliver(&self, message: &Message, now: Timestamp) -> Result<(), Failed> {
        let mail = self.mail(message, now)?;
        self.transport.send(mail).await.map(drop).map_err(|error| {
            // The server's own words may repeat the address, so its code alone is kept.
            let why = match error.status() {
                Some(code) => format!("the mail server answered {code}"),
                None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
                None => "the mail server could not be reached, or not be spoken to".to_owned(),
            };
            Failed {
                why,
                for_good: error.status().is_some_and(|code| is_about_receiver(&code.to_string())),
            }
        })
    }
}
