//! A real mail server (aiosmtpd) that says what it got, and a wire tap in front of it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::python::Running;

/// Prints each mail as one line of JSON; knows no `gone@`, is too busy for `busy@`.
const PROGRAM: &str = r#"
import asyncio, email, email.policy, json, logging, ssl, sys, threading, warnings
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

conduct = json.loads(sys.argv[2])
# It warns of logins without STARTTLS, also on a port that speaks TLS from the start.
warnings.simplefilter("ignore")
logging.getLogger("mail.log").setLevel(logging.ERROR)

class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 no such mailbox <%s>" % address
        if address.startswith("busy@"):
            return "451 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos,
            "user": session.auth_data and session.auth_data.login.decode(),
            "encrypted": server.transport.get_extra_info("sslcontext") is not None,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "type": mail.get_content_type(), "text": mail.get_content(),
        }), flush=True)
        return "250 taken"

    async def handle_QUIT(self, server, session, envelope):
        if conduct["lingers"]:
            await asyncio.sleep(60)
        return "221 bye"

def knows(server, session, envelope, mechanism, given):
    user, password = conduct["login"]
    good = given == LoginPassword(user.encode(), password.encode())
    # It says aloud what it was told, as no server should.
    no = "535 not %s" % given.password.decode()
    return AuthResult(success=good, handled=False, auth_data=given, message=None if good else no)

options = {}
if conduct["tls"]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(conduct["certificate"])
    if conduct["tls"] == "from the start":
        options = {"ssl_context": context, "auth_require_tls": False}
    else:
        options = {"tls_context": context, "require_starttls": True}
if conduct["login"]:
    options |= {"authenticator": knows, "auth_required": True}
else:
    options |= {"auth_exclude_mechanism": ["PLAIN", "LOGIN"]}
controller = Controller(Sink(), hostname="127.0.0.1", port=int(sys.argv[1]), **options)
controller.start()
print("ready", flush=True)
threading.Event().wait()
"#;

/// How a mail server behaves.
#[derive(Clone, Default, serde::Serialize)]
pub struct Conduct {
    /// `from the start`, `starttls`, or none.
    pub tls: Option<&'static str>,
    /// The file with its certificate and key.
    pub certificate: Option<PathBuf>,
    /// The one user and their password; without one it knows no login.
    pub login: Option<(&'static str, &'static str)>,
    /// It never answers to a goodbye.
    pub lingers: bool,
}

impl Conduct {
    pub fn tls(how: &'static str, certificate: &Path) -> Self {
        Self { tls: Some(how), certificate: Some(certificate.to_owned()), ..Self::default() }
    }
}

pub struct Sink {
    running: Running,
    pub port: u16,
}

impl Sink {
    pub fn start(conduct: &Conduct) -> Self {
        Self::at(free_port(), conduct)
    }

    pub fn at(port: u16, conduct: &Conduct) -> Self {
        let conduct = serde_json::to_string(conduct).unwrap();
        let mut running = Running::start(PROGRAM, &[&port.to_string(), &conduct]);
        assert_eq!(running.line(), "ready");
        Self { running, port }
    }

    /// The next mail that it took.
    pub fn received(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.running.line()).unwrap()
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What somebody on the way to a server can read of what it is sent.
pub struct Tap {
    pub port: u16,
    read: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    pub async fn before(server: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let read = Arc::new(Mutex::new(Vec::new()));
        let tapped = Arc::clone(&read);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&tapped)));
            }
        });
        Self { port, read }
    }

    pub fn read(&self) -> String {
        String::from_utf8_lossy(&self.read.lock().unwrap()).into_owned()
    }
}

async fn carry(client: TcpStream, server: TcpStream, read: Arc<Mutex<Vec<u8>>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
        read.lock().unwrap().extend_from_slice(&buffer[..count]);
        if to_server.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
