//! Mail on a way that nobody else can read, with a password: certificates of a CA of our own, and a
//! real server that shows them.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use placet_connectors::receivers::{
    Authorities, CALL_SECONDS, Encryption, Receiver as _, Smtp, SmtpSettings,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

use crate::sink::{Conduct, Sink, Tap, free_port};
use crate::{message, now};

const START: &str = "from the start";
const STARTTLS: &str = "starttls";
const USER: &str = "placet";
const PASSWORD: &str = "a password & ümlauts";

/// A CA in a folder, in which the certificates lie that it signed.
struct Ca {
    dir: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    fn called(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), issuer }
    }

    fn authorities(&self) -> Authorities {
        Authorities::read(self.issuer.pem().as_bytes()).unwrap()
    }

    /// A server's certificate with its key, in one file; `change` says what is odd about it.
    fn sign(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> PathBuf {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = self.dir.path().join("server.pem");
        std::fs::write(&path, certificate.pem() + &key.serialize_pem()).unwrap();
        path
    }

    fn server(&self, host: &str) -> PathBuf {
        self.sign(host, |_| {})
    }
}

fn settings(port: u16, encryption: Encryption, ca: &Ca) -> SmtpSettings {
    SmtpSettings {
        host: "localhost".to_owned(),
        port,
        encryption,
        from: "placet@example.org".parse().unwrap(),
        login: None,
        authorities: Some(ca.authorities()),
        base: None,
    }
}

fn login(password: &str) -> Option<(String, String)> {
    Some((USER.to_owned(), password.to_owned()))
}

/// What of a mail and its login must be readable nowhere.
fn secrets() -> Vec<String> {
    let plain = format!("\0{USER}\0{PASSWORD}");
    vec![PASSWORD.to_owned(), STANDARD.encode(PASSWORD), STANDARD.encode(plain)]
}

#[track_caller]
fn holds_no_secret(text: &str) {
    for secret in secrets() {
        assert!(!text.contains(&secret), "{text}");
    }
}

/// The failure of one mail, in words; nothing but the greeting may have gone over the wire in clear.
async fn refused(settings: SmtpSettings, server: u16) -> String {
    let tap = Tap::before(server).await;
    let smtp = Smtp::new(SmtpSettings { port: tap.port, ..settings }).unwrap();
    let failed = smtp.deliver(&message(1), now()).await.unwrap_err();
    assert!(!failed.for_good, "the configuration can be mended: {failed}");
    let wire = tap.read();
    for never in ["MAIL FROM", "RCPT", "AUTH", "olga@"] {
        assert!(!wire.contains(never), "{never}: {wire}");
    }
    holds_no_secret(&wire);
    holds_no_secret(&format!("{failed:?} {smtp:?}"));
    failed.why
}

#[tokio::test]
async fn mail_arrives_encrypted_and_logged_in() {
    let ca = Ca::called("our CA");
    for (encryption, tls) in [(Encryption::Tls, START), (Encryption::StartTls, STARTTLS)] {
        for login in [None, login(PASSWORD)] {
            let known = login.as_ref().map(|_| (USER, PASSWORD));
            let conduct = Conduct::tls(tls, &ca.server("localhost"));
            let mut sink = Sink::start(&Conduct { login: known, ..conduct });
            let tap = Tap::before(sink.port).await;
            let settings =
                SmtpSettings { login: login.clone(), ..settings(tap.port, encryption, &ca) };
            Smtp::new(settings).unwrap().deliver(&message(1), now()).await.unwrap();
            let got = sink.received();
            assert_eq!(got["to"], serde_json::json!(["olga@example.org"]));
            assert_eq!(got["encrypted"], true);
            assert_eq!(got["user"], serde_json::json!(known.map(|(user, _)| user)), "{tls}");
            let wire = tap.read();
            assert!(!wire.contains("olga@") && !wire.contains("AUTH"), "{wire}");
            holds_no_secret(&wire);
        }
    }
}

#[tokio::test]
async fn a_server_may_be_named_by_its_address() {
    let ca = Ca::called("our CA");
    let mut sink = Sink::start(&Conduct::tls(START, &ca.server("127.0.0.1")));
    let settings = settings(sink.port, Encryption::Tls, &ca);
    let smtp = Smtp::new(SmtpSettings { host: "127.0.0.1".to_owned(), ..settings }).unwrap();
    smtp.deliver(&message(1), now()).await.unwrap();
    assert_eq!(sink.received()["encrypted"], true);
}

#[tokio::test]
async fn a_login_that_fails_says_which_settings_to_look_at() {
    let ca = Ca::called("our CA");
    let check = async |encryption, tls, known, given, says: &str| {
        let conduct = Conduct::tls(tls, &ca.server("localhost"));
        let sink = Sink::start(&Conduct { login: known, ..conduct });
        let settings = SmtpSettings { login: given, ..settings(sink.port, encryption, &ca) };
        let why = refused(settings, sink.port).await;
        assert!(why.contains(says), "{why}");
    };
    // The password of the one is never that of the other, and shows nowhere.
    let other = Some((USER, "another password"));
    let wrong = "does not accept `user` with the password in `password_file` (535)";
    check(Encryption::Tls, START, other, login(PASSWORD), wrong).await;
    check(Encryption::StartTls, STARTTLS, other, login(PASSWORD), wrong).await;
    let none = "takes no password; leave `user`";
    check(Encryption::Tls, START, None, login(PASSWORD), none).await;
    let without = "wants encryption or a login first (530)";
    check(Encryption::StartTls, STARTTLS, other, None, without).await;
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_nothing() {
    let ca = Ca::called("our CA");
    let unknown = Ca::called("a CA of others");
    let taken = Ca::called("our CA");
    let check = async |certificate: PathBuf, named: Option<Authorities>, says: &str| {
        for (encryption, tls) in [(Encryption::Tls, START), (Encryption::StartTls, STARTTLS)] {
            let sink = Sink::start(&Conduct {
                login: Some((USER, PASSWORD)),
                ..Conduct::tls(tls, &certificate)
            });
            let settings = SmtpSettings {
                login: login(PASSWORD),
                authorities: named.clone(),
                ..settings(sink.port, encryption, &ca)
            };
            let why = refused(settings, sink.port).await;
            assert_eq!(why, format!("the certificate of the mail server {says}"));
        }
    };
    let ours = || Some(ca.authorities());
    check(ca.server("mail.example.org"), ours(), "is for another name than `localhost`").await;
    check(unknown.server("localhost"), ours(), "is signed by no CA in `ca_file`").await;
    check(taken.server("localhost"), ours(), "is signed by no CA in `ca_file`").await;
    let machine = "is signed by no CA that this machine trusts; name it in `ca_file`";
    check(ca.server("localhost"), None, machine).await;
    let (past, future) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(3000, 1, 1));
    check(ca.sign("localhost", |one| one.not_after = past), ours(), "has expired").await;
    let early = "is not valid yet; do the clocks agree?";
    check(ca.sign("localhost", |one| one.not_before = future), ours(), early).await;
}

/// What `openssl req -x509` makes for a server is a CA, which vouches for others and not for itself.
#[tokio::test]
async fn a_certificate_that_signed_itself_is_refused() {
    let ca = Ca::called("our CA");
    let path = ca.dir.path().join("itself.pem");
    std::fs::write(&path, ca.issuer.pem() + &ca.issuer.key().serialize_pem()).unwrap();
    let sink = Sink::start(&Conduct::tls(START, &path));
    let why = refused(settings(sink.port, Encryption::Tls, &ca), sink.port).await;
    assert!(why.contains("is one of a CA; sign one for the server with it"), "{why}");
}

/// In a process of its own, whose environment says whom the machine trusts.
#[tokio::test]
async fn a_named_ca_counts_in_place_of_those_of_the_machine() {
    const CHILD: &str = "PLACET_TEST_MACHINE_TRUSTS";
    let test = "smtp_tls::a_named_ca_counts_in_place_of_those_of_the_machine";
    let other = Ca::called("a CA that the machine does not know");
    let Some(certificate) = std::env::var_os(CHILD) else {
        let ca = Ca::called("a CA that the machine trusts");
        let trusted = ca.dir.path().join("trusted.pem");
        std::fs::write(&trusted, ca.issuer.pem()).unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args([test, "--exact"]).env(CHILD, ca.server("localhost"));
        let child = child.env("SSL_CERT_FILE", trusted).env_remove("SSL_CERT_DIR").output();
        let child = child.unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        return;
    };
    let mut sink = Sink::start(&Conduct::tls(START, &PathBuf::from(certificate)));
    let named = settings(sink.port, Encryption::Tls, &other);
    let machine = SmtpSettings { authorities: None, ..named.clone() };
    Smtp::new(machine).unwrap().deliver(&message(1), now()).await.unwrap();
    sink.received();
    assert!(refused(named, sink.port).await.contains("is signed by no CA in `ca_file`"));
}

/// Several CAs in one file, as at a change from one to the next.
#[tokio::test]
async fn each_of_several_authorities_counts() {
    let (old, new) = (Ca::called("old"), Ca::called("new"));
    let both = Authorities::read((old.issuer.pem() + &new.issuer.pem()).as_bytes()).unwrap();
    for ca in [&old, &new] {
        let mut sink = Sink::start(&Conduct::tls(START, &ca.server("localhost")));
        let settings = settings(sink.port, Encryption::Tls, ca);
        let settings = SmtpSettings { authorities: Some(both.clone()), ..settings };
        Smtp::new(settings).unwrap().deliver(&message(1), now()).await.unwrap();
        sink.received();
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let ca = Ca::called("our CA");
    let mut sink = Sink::start(&Conduct::default());
    let settings = settings(sink.port, Encryption::StartTls, &ca);
    let settings = SmtpSettings { login: login(PASSWORD), ..settings };
    let why = refused(settings.clone(), sink.port).await;
    assert!(why.contains("offers no STARTTLS, and nothing is sent in clear"), "{why}");
    let settings = SmtpSettings { encryption: Encryption::Tls, ..settings };
    let why = refused(settings.clone(), sink.port).await;
    assert!(why.contains("does not speak TLS; is `encryption` right"), "{why}");
    // The next mail that it gets is one that may be read on the way.
    let clear = SmtpSettings {
        port: sink.port,
        encryption: Encryption::None,
        login: None,
        authorities: None,
        ..settings
    };
    Smtp::new(clear).unwrap().deliver(&message(2), now()).await.unwrap();
    let id = format!("<{}@example.org>", message(2).id);
    let headers = sink.received()["headers"].clone();
    assert!(headers.as_array().unwrap().contains(&serde_json::json!(["Message-ID", id])));
}

/// A server that waits for TLS and a client that waits for a greeting would wait for ever.
#[tokio::test]
async fn two_that_wait_for_each_other_part_in_time() {
    let ca = Ca::called("our CA");
    let sink = Sink::start(&Conduct::tls(START, &ca.server("localhost")));
    let settings = settings(sink.port, Encryption::StartTls, &ca);
    let started = tokio::time::Instant::now();
    let why = refused(settings, sink.port).await;
    assert!(why.contains("did not answer in time; is `encryption` right"), "{why}");
    assert!(started.elapsed() <= Duration::from_secs(CALL_SECONDS), "{:?}", started.elapsed());
}

#[test]
fn settings_that_would_show_a_password_or_do_nothing_are_refused() {
    let ca = Ca::called("our CA");
    let clear = settings(free_port(), Encryption::None, &ca);
    let check = |settings: SmtpSettings, says: &str| {
        let why = Smtp::new(settings).unwrap_err();
        assert!(why.contains(says), "{why}");
    };
    check(clear.clone(), "`ca_file` needs `encryption`");
    let with = SmtpSettings { login: login(PASSWORD), authorities: None, ..clear.clone() };
    check(with, "a password needs `encryption`");
    let named = SmtpSettings { host: "smtps://mail".to_owned(), authorities: None, ..clear };
    check(named, "`host` is a name or an address, not `smtps://mail`");
}

#[test]
fn a_file_that_names_no_ca_says_so() {
    let ca = Ca::called("our CA");
    let key = KeyPair::generate().unwrap().serialize_pem();
    let pem = ca.issuer.pem();
    let broken = pem.replacen("MII", "AAA", 1);
    let cut = pem[..pem.len() / 2].to_owned();
    let check = |text: &[u8], says: &str| {
        let why = Authorities::read(text).unwrap_err();
        assert!(why.contains(says), "{why}");
    };
    check(b"", "is not in PEM form");
    check(ca.issuer.der(), "is not in PEM form");
    check(key.as_bytes(), "holds no certificate;");
    check(broken.as_bytes(), "holds a certificate that cannot be read");
    check(cut.as_bytes(), "holds a certificate that cannot be read");
    let read = Authorities::read((key + &pem + &pem).as_bytes()).unwrap();
    assert_eq!(format!("{read:?}"), "Authorities(2)");
}
