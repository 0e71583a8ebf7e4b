//! Mail: one plain text for each notice and person, handed to a mail server.

mod authorities;
mod words;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lettre::Address;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls};
use lettre::transport::smtp::extension::ClientId;
use placet_domain::Timestamp;
use placet_domain::name::MailAddress;
use rustls::pki_types::ServerName;
use tokio::time::timeout;

use super::{CALL_SECONDS, Failed, Message, Receiver};
use authorities::parameters;
use words::{not_logged_in, not_taken};

pub use authorities::Authorities;

/// How long one address of the server may take to connect, in seconds; there may be a second one.
const CONNECT_SECONDS: u64 = 4;
/// How long a server may take for its goodbye, in seconds. It has taken the mail over by then.
const GOODBYE_SECONDS: u64 = 1;

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
    /// Who may vouch for the server; those whom the machine trusts, if none are named.
    pub authorities: Option<Authorities>,
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
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

pub struct Smtp {
    settings: SmtpSettings,
    from: Mailbox,
    tls: Tls,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Smtp").field(&self.settings).finish()
    }
}

impl Smtp {
    pub fn new(settings: SmtpSettings) -> Result<Self, String> {
        if settings.encryption == Encryption::None {
            // A password is never sent where it can be read.
            if settings.login.is_some() {
                return Err("a password needs `encryption` to be `tls` or `starttls`".to_owned());
            }
            if settings.authorities.is_some() {
                return Err("`ca_file` needs `encryption` to be `tls` or `starttls`".to_owned());
            }
        }
        if ServerName::try_from(settings.host.as_str()).is_err() {
            return Err(format!("`host` is a name or an address, not `{}`", settings.host));
        }
        let from = Mailbox::new(Some("Placet".to_owned()), address(&settings.from)?);
        let parameters = || parameters(&settings.host, settings.authorities.as_ref());
        let tls = match settings.encryption {
            Encryption::None => Tls::None,
            Encryption::StartTls => Tls::Required(parameters()?),
            Encryption::Tls => Tls::Wrapper(parameters()?),
        };
        Ok(Self { from, tls, settings })
    }

    /// A connection on which mail may be sent: encrypted and logged in, as far as that is wanted.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Failed> {
        let SmtpSettings { host, port, login, .. } = &self.settings;
        let from_the_start = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let hello = ClientId::default();
        let connected = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            Some(Duration::from_secs(CONNECT_SECONDS)),
            &hello,
            from_the_start,
            None,
        );
        let mut connection = connected.await.map_err(|error| self.not_connected(&error))?;
        if let Tls::Required(parameters) = &self.tls {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(Failed::again(
                    "the mail server offers no STARTTLS, and nothing is sent in clear; does it \
                     take `encryption = \"tls\"` on another port?",
                ));
            }
            let encrypted = connection.starttls(parameters.clone(), &hello).await;
            encrypted.map_err(|error| self.not_connected(&error))?;
        }
        if let Some((user, password)) = login {
            if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
                connection.abort().await;
                return Err(Failed::again(
                    "the mail server takes no password; leave `user` and `password_file` out?",
                ));
            }
            let credentials = Credentials::new(user.clone(), password.clone());
            if let Err(error) = connection.auth(DEFAULT_MECHANISMS, &credentials).await {
                connection.abort().await;
                return Err(not_logged_in(&error));
            }
        }
        Ok(connection)
    }

    /// Answers once the server has taken the mail over.
    async fn hand_over(&self, mail: &lettre::Message) -> Result<AsyncSmtpConnection, Failed> {
        let mut connection = self.connect().await?;
        match connection.send(mail.envelope(), &mail.formatted()).await {
            Ok(_) => Ok(connection),
            Err(error) => {
                connection.abort().await;
                Err(not_taken(&error))
            }
        }
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
        let seconds = Duration::from_secs;
        let handed = timeout(seconds(CALL_SECONDS - GOODBYE_SECONDS), self.hand_over(&mail));
        let mut connection = handed.await.unwrap_or_else(|_| {
            // A server that waits for TLS says nothing to one that waits for its greeting.
            Err(Failed::again(
                "the mail server did not answer in time; is `encryption` right for `port`?",
            ))
        })?;
        // Whatever becomes of the goodbye, the mail has been taken over.
        let _ = timeout(seconds(GOODBYE_SECONDS), connection.abort()).await;
        Ok(())
    }
}
